//! The files of `tuning/package`, from which a host is set up: the settings are such that a broker takes, and the unit is
//! one that systemd takes. The Debian package made of them is tried by `tests/package/run`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const STROME: &str = env!("CARGO_BIN_EXE_strome");

fn package(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tuning/package").join(name)
}

/// What `strome config check` says of the settings alone: whether there is `/var/lib/strome` here does not matter.
fn check(file: &Path) -> Value {
    let mut command = Command::new(STROME);
    command.args(["config", "check", "--settings-only", "--output", "json"]).arg(file).stdin(Stdio::null());
    serde_json::from_slice(&command.output().expect("the command").stdout).expect("JSON")
}

/// What is wrong with single lines; that this host may have no name that others know is none of the file's concern.
fn complaints(found: &Value) -> Vec<&Value> {
    let of = |list: &str| found[list].as_array().into_iter().flatten().filter(|it| !it["line"].is_null());
    of("problems").chain(of("warnings")).collect()
}

#[test]
fn the_commented_settings_are_sound() {
    let found = check(&package("server.properties"));
    assert_eq!(found["starts"], true, "{found}");
    assert!(complaints(&found).is_empty(), "{found}");
}

#[test]
fn what_the_comments_propose_can_be_set() {
    let text = fs::read_to_string(package("server.properties")).expect("the settings");
    // An example stands directly behind its #, and words behind a blank.
    let lines =
        text.lines().map(|line| line.strip_prefix('#').filter(|it| !it.starts_with(' ')).unwrap_or(line));
    let all = lines.collect::<Vec<_>>().join("\n");
    assert!(all.contains("\nadvertised.listeners="), "{all}");
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("server.properties");
    fs::write(&file, all).expect("a file");
    let found = check(&file);
    assert_eq!(found["starts"], true, "{found}");
    assert!(complaints(&found).is_empty() && !found.to_string().contains("without effect"), "{found}");
}

#[test]
fn systemd_takes_the_unit() {
    let unit = fs::read_to_string(package("strome.service")).expect("the unit");
    let binary = "ExecStart=/usr/bin/strome ";
    assert!(unit.contains(binary), "the unit starts the installed broker");
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("strome.service");
    // A command that is not installed here would be complained of.
    fs::write(&file, unit.replace(binary, &format!("ExecStart={STROME} "))).expect("a file");
    let Some(verified) = run("systemd-analyze", &["verify", "--man=no"], &file) else { return };
    let said = String::from_utf8_lossy(&verified.stderr);
    assert!(verified.status.success(), "{said}");
    // Of a word that it does not know systemd only tells.
    assert!(!said.contains("strome.service"), "{said}");
}

#[test]
fn systemd_takes_the_user() {
    let Some(ran) = run("systemd-sysusers", &["--dry-run"], &package("strome.sysusers")) else { return };
    if String::from_utf8_lossy(&ran.stderr).contains("unrecognized option") {
        return eprintln!("SKIPPED: this systemd-sysusers does not try things out");
    }
    assert!(ran.status.success(), "{ran:?}");
}

#[test]
fn a_container_may_call_io_uring_and_nothing_that_gets_out_of_it() {
    let text = fs::read_to_string(package("seccomp.json")).expect("the profile");
    let profile: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(profile["defaultAction"], "SCMP_ACT_ERRNO", "what is not named is refused");
    let rules = profile["syscalls"].as_array().expect("rules");
    assert!(rules.iter().all(|rule| rule["action"] == "SCMP_ACT_ALLOW"));
    let names = rules.iter().flat_map(|rule| rule["names"].as_array().into_iter().flatten());
    let allowed: Vec<_> = names.filter_map(Value::as_str).collect();
    for needed in
        ["io_uring_setup", "io_uring_enter", "io_uring_register", "execve", "clone3", "sched_setaffinity"]
    {
        assert!(allowed.contains(&needed), "{needed}");
    }
    for forbidden in
        ["mount", "setns", "unshare", "ptrace", "bpf", "init_module", "kexec_load", "reboot", "swapon"]
    {
        assert!(!allowed.contains(&forbidden), "{forbidden}");
    }
}

/// Runs the program on a file; where there is no such program the test is skipped.
fn run(program: &str, args: &[&str], file: &Path) -> Option<Output> {
    match Command::new(program).args(args).arg(file).stdin(Stdio::null()).output() {
        Ok(output) => Some(output),
        Err(error) => {
            eprintln!("SKIPPED: {program} cannot be run here: {error}");
            None
        }
    }
}
