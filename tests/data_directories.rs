//! Data directories that earlier releases, and Apache Kafka, have left (`tests/fixtures`): they have to be sound, to be
//! taken over, and to be served for ever. `docs/storage-format.md` says how to add one.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use support::Broker;
use tempfile::TempDir;

/// Directories of Apache Kafka that a broker of this release can take over.
const OF_KAFKA: &[&str] = &["kafka-3.9", "kafka-4.3"];

/// Directories that Strome has left after a clean stop, by the version of what lies in them: 2 brought the journal.
const OF_STROME: &[&str] = &["strome-1", "strome-2"];

/// The same after a crash.
const OF_STROME_CRASHED: &[&str] = &["strome-2-crashed"];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let from = entry.expect("an entry").path();
        let to = to.join(from.file_name().expect("its name"));
        if from.is_dir() { copy(&from, &to) } else { fs::copy(&from, &to).map(drop).expect("a copy") }
    }
}

/// A folder whose `data` is a copy of the fixture.
fn data(name: &str) -> TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    copy(&fixture(name), &dir.path().join("data"));
    dir
}

/// What a command prints if it succeeds.
fn strome(args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_strome"));
    let output = command.args(args).stdin(Stdio::null()).output().expect("the command");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{args:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

fn verify(dir: &Path) -> String {
    strome(&["log", "verify", dir.to_str().expect("text")])
}

/// Reads a topic from its beginning to its end.
fn read(broker: &Broker, topic: &str, more: &[&str]) -> Vec<String> {
    let address = broker.address().to_string();
    let args = ["consume", topic, "--from-beginning", "--exit-at-end", "--bootstrap-server", &address];
    strome(&[&args[..], more].concat()).lines().map(str::to_owned).collect()
}

/// What all fixtures hold: `orders` with forty records in each codec, `other` with two keys in two partitions.
fn holds_what_was_written(broker: &Broker) {
    let orders =
        ["none", "gzip", "snappy", "lz4", "zstd"].map(|codec| (1..=40).map(move |n| format!("{codec}-{n}")));
    assert_eq!(read(broker, "orders", &[]), orders.into_iter().flatten().collect::<Vec<_>>());
    let mut other = read(broker, "other", &["--print-key", "--key-separator", ":"]);
    other.sort();
    assert_eq!(other, ["a:1", "b:2"]);
    let address = broker.address().to_string();
    let described = strome(&["topics", "describe", "--bootstrap-server", &address]);
    assert!(
        described.contains("retention.ms=-1") && described.contains("cleanup.policy=compact"),
        "{described}"
    );
    assert!(!described.contains("gone"), "{described}");
}

/// Serves a directory, across a crash and a graceful stop, and adds to it.
fn serves(dir: &TempDir) {
    let mut broker = Broker::start_in(&[dir.path().join("data")], &dir.path().join("broker.log"), &[]);
    holds_what_was_written(&broker);
    broker.kill();
    broker.restart();
    holds_what_was_written(&broker);
    let address = broker.address().to_string();
    strome(&["topics", "create", "new", "--bootstrap-server", &address]);
    assert!(broker.stop().success());
    let found = verify(&broker.data_dir());
    assert!(found.contains(": 0 problems"), "{found}");
}

#[test]
fn directories_of_earlier_releases_are_sound_and_are_served() {
    for name in OF_STROME {
        let dir = data(name);
        assert!(
            verify(&dir.path().join("data"))
                .ends_with("202 records, 1948 bytes, 0 records in journals: 0 problems, 0 notes\n"),
            "{name}"
        );
        serves(&dir);
    }
}

#[test]
fn directories_of_earlier_releases_are_recovered_after_a_crash() {
    for name in OF_STROME_CRASHED {
        let dir = data(name);
        let found = verify(&dir.path().join("data"));
        assert!(found.contains(": 0 problems"), "{name}: {found}");
        assert!(found.contains(" 162 records in journals"), "{name}: {found}");
        serves(&dir);
    }
}

#[test]
fn directories_of_kafka_are_sound_and_are_taken_over() {
    for name in OF_KAFKA {
        let dir = data(name);
        let found = verify(&dir.path().join("data"));
        assert!(found.ends_with(": 0 problems, 0 notes\n"), "{name}: {found}");
        let settings = dir.path().join("server.properties");
        let text = format!(
            "process.roles=broker,controller\nnode.id=1\nlog.dirs={}\ncontroller.listener.names=CONTROLLER\n\
             listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093\n",
            dir.path().join("data").display()
        );
        fs::write(&settings, text).expect("a file");
        let settings = settings.to_str().expect("text").to_owned();
        let planned = strome(&["log", "adopt", "--config", &settings]);
        assert!(planned.contains("Nothing was changed"), "{name}: {planned}");
        assert!(!dir.path().join("data/.lock").exists(), "{name}: a dry run has left its lock");
        let done = strome(&["log", "adopt", "--config", &settings, "--execute"]);
        assert!(done.contains("Taken over"), "{name}: {done}");
        serves(&dir);
    }
}
