//! `strome completions` and `strome man`: what is made from the command line is what shells and man(1) take.

use std::fs;
use std::process::{Command, Output, Stdio};

fn strome(args: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_strome")).args(args).stdin(Stdio::null()).output();
    output.expect("the command")
}

#[test]
fn completions_know_the_commands_and_are_sound_scripts() {
    let dir = tempfile::tempdir().expect("a folder");
    for shell in ["bash", "zsh", "fish"] {
        let output = strome(&["completions", shell]);
        assert!(output.status.success(), "{output:?}");
        let script = String::from_utf8(output.stdout).expect("text");
        assert!(script.contains("log-dirs") && script.contains("bootstrap-server"), "{shell}: {script}");
        let file = dir.path().join(shell);
        fs::write(&file, script).expect("a file");
        match Command::new(shell).arg("-n").arg(&file).output() {
            Ok(read) => assert!(read.status.success(), "{shell}: {read:?}"),
            Err(error) => eprintln!("SKIPPED: {shell} cannot be run here: {error}"),
        }
    }
}

#[test]
fn every_command_has_a_man_page() {
    let dir = tempfile::tempdir().expect("a folder");
    let out = dir.path().join("man1");
    let output = strome(&["man", "--out", out.to_str().expect("text")]);
    assert!(output.status.success(), "{output:?}");
    for page in ["strome.1", "strome-serve.1", "strome-topics-create.1", "strome-config-check.1"] {
        let text = fs::read_to_string(out.join(page)).unwrap_or_else(|error| panic!("{page}: {error}"));
        assert!(text.contains(".SH NAME"), "{page}: {text}");
    }
}
