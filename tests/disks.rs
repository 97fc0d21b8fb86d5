//! `strome tune disk`: what it says, what it keeps, what it leaves behind, and what a broker and `strome tune plan` make of it.
//! Nothing here depends on how fast a disk is.

#[path = "support/loop_disk.rs"]
mod loop_disk;
mod support;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use loop_disk::{Failure, LoopDisk};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use support::{Broker, PATIENCE};
use tempfile::TempDir;

const PROFILE: &str = "strome-disk-profile.json";
/// The smallest measurement there is.
const TINY: &[&str] = &["--seconds", "1", "--size", "16M"];

fn tune_disk(dir: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_strome"));
    command.args(["tune", "disk"]).arg(dir).args(more).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(dir: &Path, more: &[&str]) -> Output {
    tune_disk(dir, more).output().expect("the command")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What a tiny measurement prints.
fn measured(dir: &Path, more: &[&str]) -> String {
    let output = run(dir, &[TINY, more].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

/// What it complains of when it fails with this code.
fn refused(dir: &Path, more: &[&str], code: i32) -> String {
    let output = run(dir, more);
    assert_eq!(output.status.code(), Some(code), "{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stderr)
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).expect("a directory");
    entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

/// A measurement that would go on for long, in the middle of it.
fn begun(dir: &Path) -> Child {
    let mut process = tune_disk(dir, &["--seconds", "600", "--size", "16M"]).spawn().expect("the command");
    let mut said = BufReader::new(process.stderr.take().expect("its output")).lines();
    let line = said.next().expect("a line").expect("text");
    assert!(line.contains("measuring"), "{line}");
    // What it says later has somebody who reads it.
    thread::spawn(move || said.for_each(drop));
    process
}

/// What a broker on this directory prints until it is ready, and what it logs.
fn start_lines(data: &Path) -> (Vec<String>, String) {
    let logged = data.with_extension("log");
    let mut process = Command::new(env!("CARGO_BIN_EXE_strome"))
        .args(["serve", "--override", "listeners=PLAINTEXT://127.0.0.1:0"])
        .args(["--override", "strome.admin.listener=", "--override"])
        .arg(format!("log.dirs={}", data.display()))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(fs::File::create(&logged).expect("a file"))
        .spawn()
        .expect("the broker");
    let lines = BufReader::new(process.stdout.take().expect("its output")).lines().map_while(Result::ok);
    let lines: Vec<String> = lines.take_while(|line| !line.starts_with("ready")).collect();
    process.kill().expect("the broker's process");
    process.wait().expect("the broker's process");
    (lines, fs::read_to_string(&logged).expect("its log"))
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

#[test]
fn a_measurement_says_what_the_disk_does_and_keeps_it_beside_the_data() {
    let dir = folder();
    let said = measured(dir.path(), &[]);
    for word in
        ["Durable commits: ", "Writes in order: ", "Reads in order: ", "A broker here uses: ", PROFILE]
    {
        assert!(said.contains(word), "{word}: {said}");
    }
    assert_eq!(names(dir.path()), [PROFILE]);
    let json: Value = serde_json::from_str(&measured(dir.path(), &["--output", "json"])).expect("JSON");
    let kept = fs::read(dir.path().join(PROFILE)).expect("the profile");
    assert_eq!(json["profile"], serde_json::from_slice::<Value>(&kept).expect("JSON"));
    let cases = json["profile"]["measured"].as_array().expect("a list");
    for what in ["write", "read", "write-and-fdatasync"] {
        let of = cases.iter().filter(|case| case["what"] == what);
        assert!(
            of.clone().count() > 3 && of.clone().all(|case| case["operations"].as_u64() > Some(0)),
            "{what}"
        );
    }
    assert!(json["verdict"].as_array().is_some_and(|sentences| sentences.len() > 3));
    assert_eq!(names(dir.path()), [PROFILE]);
}

#[test]
fn a_measurement_may_be_asked_to_keep_nothing() {
    let dir = folder();
    measured(dir.path(), &["--no-save"]);
    assert_eq!(names(dir.path()), Vec::<String>::new());
}

#[test]
fn memory_is_called_by_its_name() {
    let Ok(dir) = tempfile::tempdir_in("/dev/shm") else {
        let _ = writeln!(std::io::stderr(), "SKIPPED memory_is_called_by_its_name: /dev/shm cannot be used");
        return;
    };
    let said = measured(dir.path(), &[]);
    assert!(said.contains("This is memory (tmpfs): nothing outlives the host."), "{said}");
}

#[test]
fn a_place_that_is_no_directory_is_a_wrong_command() {
    let dir = folder();
    assert!(refused(&dir.path().join("none"), TINY, 2).contains("is not a directory"));
    for wrong in [["--size", "0"], ["--size", "many"], ["--seconds", "0"], ["--seconds", "x"]] {
        refused(dir.path(), &wrong, 2);
    }
}

#[test]
fn a_directory_that_cannot_be_written_is_told_with_the_reason() {
    if rustix::process::geteuid().is_root() {
        let why = "root may write everywhere";
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED a_directory_that_cannot_be_written_is_told_with_the_reason: {why}"
        );
        return;
    }
    let dir = folder();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o555)).expect("its permissions");
    let said = refused(dir.path(), TINY, 1);
    assert!(said.contains("Permission denied"), "{said}");
}

#[test]
fn a_read_only_disk_is_told_with_the_reason() {
    let Some(disk) = LoopDisk::mount("a_read_only_disk_is_told_with_the_reason") else { return };
    disk.fail(Failure::ReadOnly);
    let said = refused(&disk.path(), TINY, 1);
    assert!(said.contains("Read-only file system"), "{said}");
}

#[test]
fn a_full_disk_is_not_filled_further() {
    let Some(disk) = LoopDisk::mount("a_full_disk_is_not_filled_further") else { return };
    let root = disk.path();
    let free = || rustix::fs::statvfs(&root).expect("its space").f_bavail;
    let filler = disk.path().join("filler");
    let leave_blocks = (24 << 20) / 4096;
    let block = vec![0x55; 1 << 20];
    let mut file = fs::File::create(&filler).expect("a file");
    while free() > leave_blocks {
        file.write_all(&block).expect("room");
        file.sync_all().expect("a disk");
    }
    let said = refused(&disk.path(), TINY, 1);
    assert!(said.contains("MiB free") && said.contains("needs 16 MiB"), "{said}");
    drop(file);
    fs::remove_file(&filler).expect("the file");
    let before = free();
    let said = refused(&disk.path(), &["--seconds", "1", "--size", "10G"], 1);
    assert!(said.contains("needs 10240 MiB"), "{said}");
    measured(&disk.path(), &["--no-save"]);
    assert!(free().abs_diff(before) < 100, "{} blocks were free, and {} are", before, free());
}

#[test]
fn a_measurement_that_is_killed_leaves_nothing_behind() {
    let dir = folder();
    let mut process = begun(dir.path());
    process.kill().expect("the process");
    process.wait().expect("the process");
    assert_eq!(names(dir.path()), Vec::<String>::new());
}

#[test]
fn a_measurement_that_is_interrupted_says_so_and_leaves_nothing_behind() {
    let dir = folder();
    let mut process = begun(dir.path());
    let pid = Pid::from_child(&process);
    kill_process(pid, Signal::INT).expect("the process");
    let deadline = Instant::now() + PATIENCE;
    while process.try_wait().expect("the process").is_none() {
        assert!(Instant::now() < deadline, "it does not end");
        thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(process.wait().expect("the process").code(), Some(1));
    assert_eq!(names(dir.path()), Vec::<String>::new());
}

#[test]
fn what_a_measurement_left_that_died_in_its_first_moment_is_removed_by_the_next() {
    let dir = folder();
    for leftover in ["strome-disk-test.tmp", "strome-disk-profile.json.tmp"] {
        fs::write(dir.path().join(leftover), "left").expect("a file");
    }
    measured(dir.path(), &["--no-save"]);
    assert_eq!(names(dir.path()), Vec::<String>::new());
}

#[test]
fn a_directory_is_measured_by_one_at_a_time_and_not_under_a_broker() {
    let dir = folder();
    let mut first = begun(dir.path());
    assert!(refused(dir.path(), TINY, 1).contains("is being measured"));
    first.kill().expect("the process");
    first.wait().expect("the process");
    let broker = Broker::start(&[]);
    assert!(refused(&broker.data_dir(), TINY, 1).contains("a broker runs on"));
}

#[test]
fn a_broker_says_which_profile_it_follows_and_what_it_makes_of_it() {
    let dir = folder();
    let data = dir.path().join("data");
    fs::create_dir(&data).expect("a folder");
    let (lines, _) = start_lines(&data);
    assert!(!lines.iter().any(|line| line.starts_with("disk of")), "{lines:?}");
    measured(&data, &[]);
    let (lines, _) = start_lines(&data);
    let line = lines.iter().find(|line| line.starts_with("disk of")).expect("a line");
    assert!(line.contains("durable commits/s") && line.contains("cold reads of"), "{line}");
}

#[test]
fn a_profile_that_is_garbage_or_of_another_disk_is_named_and_does_not_keep_a_broker_from_starting() {
    let dir = folder();
    let data = dir.path().join("data");
    fs::create_dir(&data).expect("a folder");
    measured(&data, &[]);
    let path = data.join(PROFILE);
    let good = fs::read_to_string(&path).expect("the profile");
    let value: Value = serde_json::from_str(&good).expect("JSON");
    let identity = value["device"]["identity"].as_str().expect("text");
    let elsewhere = good.replace(&format!("\"{identity}\""), "\"another disk\"");
    for (content, why) in [("no profile", "it is no JSON"), (elsewhere.as_str(), "another disk")] {
        fs::write(&path, content).expect("a file");
        let (lines, log) = start_lines(&data);
        assert!(lines.iter().any(|line| line.starts_with("commits in")), "{lines:?}");
        assert!(!lines.iter().any(|line| line.starts_with("disk of")), "{lines:?}");
        assert!(log.contains(why) && log.contains("the broker goes on without it"), "{log}");
    }
}

#[test]
fn a_check_of_the_data_does_not_mind_the_profile() {
    let mut broker = Broker::start(&[]);
    assert!(broker.stop().success());
    measured(&broker.data_dir(), &[]);
    let mut verify = Command::new(env!("CARGO_BIN_EXE_strome"));
    let output = verify.args(["log", "verify"]).arg(broker.data_dir()).output().expect("the command");
    let said = text(&output.stdout);
    assert!(output.status.success() && !said.contains(PROFILE), "{said}");
    broker.restart();
    assert!(broker.stop().success());
}

fn tune_plan(more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_strome"));
    command.args(["tune", "plan", "--rate", "1000", "--record-size", "1K"]).args(more).stdin(Stdio::null());
    command.output().expect("the command")
}

#[test]
fn a_plan_shows_its_arithmetic_and_takes_what_was_measured_of_a_disk() {
    let said = text(&tune_plan(&[]).stdout);
    for word in
        ["brokers with", "the first to run out", "records at the peak = 1,000/s x 2 = 2,000/s", "assumed"]
    {
        assert!(said.contains(word), "{word}: {said}");
    }
    let dir = folder();
    let path = dir.path().to_str().expect("text");
    let missing = tune_plan(&["--disk-profile", path]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(text(&missing.stderr).contains("no disk profile"));
    measured(dir.path(), &[]);
    let output = tune_plan(&["--disk-profile", path, "--output", "json"]);
    let json: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(json["brokers"].as_u64() >= Some(3) && json["fits"] == true, "{json}");
    let notes = json["notes"].as_array().expect("a list");
    assert!(
        notes.iter().any(|note| note.as_str().is_some_and(|note| note.contains("measured on"))),
        "{json}"
    );
}

#[test]
fn a_plan_with_absurd_input_is_a_wrong_command_and_one_that_does_not_fit_a_failure() {
    for wrong in [["--peak", "0"], ["--peak", "NaN"], ["--replication-factor", "0"], ["--utilisation", "2"]] {
        let output = tune_plan(&wrong);
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
        assert!(text(&output.stderr).contains("has to lie between"), "{}", text(&output.stderr));
    }
    let output = tune_plan(&["--brokers", "3", "--disk-size", "1G"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("That is not enough."));
}
