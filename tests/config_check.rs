//! `strome config check`: what it says of files that a broker starts with, and of others.

mod support;

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use support::Broker;
use tempfile::TempDir;

/// A folder with a file of settings.
struct Settings {
    dir: TempDir,
}

impl Settings {
    /// Any free ports, and a data directory that is not there yet; then these lines.
    fn with(lines: &str) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let settings = Self { dir };
        let data = settings.path("data");
        let text = format!(
            "listeners=PLAINTEXT://127.0.0.1:0\nstrome.admin.listener=\nlog.dirs={}\n{lines}",
            data.display()
        );
        fs::write(settings.file(), text).expect("a file");
        settings
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn file(&self) -> PathBuf {
        self.path("server.properties")
    }

    fn check(&self) -> (Option<i32>, Value) {
        check(&self.file())
    }

    /// What is said of the one problem there is, and its line.
    fn problem(&self) -> (String, Option<u64>) {
        let (code, found) = self.check();
        assert_eq!(code, Some(1), "{found}");
        let problems = found["problems"].as_array().expect("a list");
        assert_eq!(problems.len(), 1, "{found}");
        (problems[0]["what"].as_str().expect("words").to_owned(), problems[0]["line"].as_u64())
    }
}

fn check(file: &Path) -> (Option<i32>, Value) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_strome"));
    command.args(["config", "check", "--output", "json"]).arg(file).stdin(Stdio::null());
    let output = command.output().expect("the command");
    let found = serde_json::from_slice(&output.stdout).expect("JSON");
    (output.status.code(), found)
}

#[test]
fn a_sound_file_passes_and_nothing_is_left_behind() {
    let settings = Settings::with("num.partitions=3\n");
    let (code, found) = settings.check();
    assert_eq!(code, Some(0), "{found}");
    assert_eq!(found["starts"], true);
    assert!(!settings.path("data").exists(), "a check must not make the directory");
}

#[test]
fn every_wrong_line_is_named_at_once_and_the_warnings_too() {
    let settings = Settings::with("num.partitions=x\nnum.partition=3\nlog.segment.bytes=1\n");
    let (code, found) = settings.check();
    assert_eq!(code, Some(1));
    let lines = |list: &str| -> Vec<u64> {
        let all = found[list].as_array().expect("a list");
        all.iter().filter_map(|it| it["line"].as_u64()).collect()
    };
    let mut problems = lines("problems");
    problems.sort_unstable();
    assert_eq!(problems, [4, 6], "{found}");
    assert_eq!(lines("warnings"), [5], "{found}");
}

#[test]
fn a_port_that_is_taken_is_named_by_the_line_of_the_listeners() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("its address").port();
    let (what, line) = Settings::with(&format!("listeners=PLAINTEXT://127.0.0.1:{port}\n")).problem();
    assert!(what.contains("in use"), "{what}");
    assert_eq!(line, Some(4));
}

#[test]
fn a_directory_that_cannot_be_is_named() {
    let settings = Settings::with("");
    fs::write(settings.path("data"), "a file").expect("a file");
    let (what, line) = settings.problem();
    assert!(what.contains("is not a directory"), "{what}");
    assert_eq!(line, Some(3));
}

#[test]
fn a_directory_under_two_names_is_told_of() {
    let settings = Settings::with("");
    let (one, other) = (settings.path("data"), settings.path("other"));
    fs::create_dir(&one).expect("a folder");
    std::os::unix::fs::symlink(&one, &other).expect("a link");
    let lines =
        format!("listeners=PLAINTEXT://127.0.0.1:0\nlog.dirs={},{}\n", one.display(), other.display());
    fs::write(settings.file(), lines).expect("a file");
    let (what, line) = settings.problem();
    assert!(what.contains("is there twice"), "{what}");
    assert_eq!(line, Some(2));
}

#[test]
fn cpus_that_are_not_there_are_named() {
    let (what, line) = Settings::with("strome.cpus=900\n").problem();
    assert!(what.contains("900"), "{what}");
    assert_eq!(line, Some(4));
}

#[test]
fn the_directory_of_another_node_is_refused_and_that_of_a_running_broker_is_told_of() {
    let mut broker = Broker::start(&[]);
    let settings = Settings::with("");
    let lines = format!(
        "node.id=7\nstrome.admin.listener=\nlisteners=PLAINTEXT://{}\nlog.dirs={}\n",
        broker.address(),
        broker.data_dir().display()
    );
    fs::write(settings.file(), lines).expect("a file");
    let (code, found) = settings.check();
    assert_eq!(code, Some(0), "{found}");
    assert!(found["warnings"].to_string().contains("a broker runs on"), "{found}");
    assert!(broker.stop().success());
    let (what, line) = settings.problem();
    assert!(what.contains("belongs to node 1, but this is node 7"), "{what}");
    assert_eq!(line, Some(4));
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let (code, found) = check(Path::new("/nowhere/server.properties"));
    assert_eq!(code, Some(1));
    assert!(found["problems"].to_string().contains("/nowhere/server.properties"), "{found}");
}
