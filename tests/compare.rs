//! The programs beside `strome bench`: `bench/compare` goes through to its end whatever one candidate does (its own tests, which
//! start no broker), and those that measure something else do so with a broker of this build.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("bench")
}

/// What Python has made of it; `None` where there is none.
fn python(arguments: &[&str]) -> Option<Output> {
    python_with(env!("CARGO_BIN_EXE_strome"), arguments)
}

/// The same with another program in the place of strome.
fn python_with(strome: &str, arguments: &[&str]) -> Option<Output> {
    let mut python = Command::new("python3");
    python.arg("-B").args(arguments).current_dir(folder()).env("STROME_BIN", strome);
    match python.output() {
        Ok(done) => Some(done),
        Err(error) => {
            eprintln!("SKIPPED: python3 cannot be run here: {error}");
            None
        }
    }
}

/// What a program has measured and saved; `None` without Python.
fn measured(program: &str, arguments: &[&str]) -> Option<Value> {
    let data = tempfile::tempdir().expect("a folder");
    let saved = data.path().join("saved.json");
    let saved_text = saved.display().to_string();
    let done = python(&[&[program][..], arguments, &["--save", &saved_text]].concat())?;
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    Some(serde_json::from_slice(&std::fs::read(&saved).expect("what was saved")).expect("JSON"))
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn a_comparison_goes_on_when_a_candidate_fails_and_says_what_was_measured() {
    let Some(done) = python(&["-m", "unittest", "-v", "test_compare"]) else { return };
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn a_prediction_that_fails_ends_a_comparison_with_it_in_its_own_words() {
    let data = tempfile::tempdir().expect("a folder");
    let strome = data.path().join("strome");
    // What it says of a plan that does not fit can be read as well as any.
    let program = r#"#!/bin/sh
case "$1 $2" in
"tune disk") echo '{ "profile": {} }' ;;
"tune plan") echo '{ "limits": [{ "resource": "cores", "usage": 1.0 }] }'; echo "it does not fit" >&2; exit 1 ;;
*) exit 3 ;;
esac
"#;
    std::fs::write(&strome, program).expect("a program");
    std::fs::set_permissions(&strome, std::fs::Permissions::from_mode(0o755)).expect("a program");
    let folder = data.path().display().to_string();
    let arguments = ["plan", "--rounds", "1", "--data", &folder, "--out", &folder];
    let Some(done) = python_with(&strome.display().to_string(), &arguments) else { return };
    let told = String::from_utf8_lossy(&done.stderr);
    assert!(
        !done.status.success() && told.contains("tune plan") && told.contains("it does not fit"),
        "{told}"
    );
}

#[test]
fn what_the_broker_sends_from_memory_is_held_against_the_same_bytes_sent_plainly() {
    let arguments = ["--readers", "1", "--rounds", "1", "--seconds", "0.3", "--chunk", "65536"];
    let Some(found) = measured("tail_fetch", &arguments) else { return };
    let rounds = found["runs"][0]["rounds"].as_object().expect("kinds");
    for (kind, rounds) in rounds {
        let round = &rounds[0];
        for figure in ["bytes_per_s", "answers", "sender_us", "reader_us"] {
            assert!(number(&round[figure]) > 0.0, "{kind}: {round}");
        }
        // Whole batches: a quarter of what was asked for may be missing, and what surrounds them comes on top.
        let bytes = number(&round["answer_bytes"]);
        assert!((48.0 * 1024.0..=66.0 * 1024.0).contains(&bytes), "{kind}: {round}");
    }
    for kind in ["broker", "answers"] {
        assert!(rounds.contains_key(kind), "{rounds:?}");
    }
}

#[test]
fn a_start_and_a_rest_are_measured() {
    let arguments = ["--starts", "1", "--connections", "3", "--seconds", "0.2"];
    let Some(found) = measured("rest", &arguments) else { return };
    for figure in ["start_ms_new", "start_ms_again"] {
        assert!(number(&found[figure][0]) > 0.0, "{found}");
    }
    assert!(number(&found["rss_mib"]) > 1.0 && number(&found["rss_mib_with_connections"]) > 1.0, "{found}");
    assert!(number(&found["cpu_percent_of_a_core"]) >= 0.0, "{found}");
}
