//! What cannot be measured, or would have no effect, is said in words.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;

use super::support::Broker;
use super::{begin, list, measure};

#[test]
fn a_limit_that_no_rate_keeps_is_said_to_be_so() {
    let broker = Broker::start(&[]);
    // A limit that nothing keeps ends the search soonest.
    let process =
        begin(&broker, "produce --rate 50 --seconds 0.2 --warm-up 0 --find-rate p50=0.001us --quiet");
    let output = process.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(told.contains("at no rate that was tried"), "{told}");
}

#[test]
fn what_cannot_be_run_is_said_in_words() {
    let broker = Broker::start(&[]);
    let failed = |line: &str| {
        let output = begin(&broker, line).wait_with_output().unwrap();
        assert!(output.stdout.is_empty(), "{line}: {}", String::from_utf8_lossy(&output.stdout));
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, told) = failed("produce --record-size 2MB --records 5 --quiet");
    assert_eq!(code, Some(1));
    assert!(told.contains("MESSAGE_TOO_LARGE") && told.contains("partition 0"), "{told}");
    let (code, told) = failed("end-to-end --record-size 8 --seconds 1");
    assert_eq!(code, Some(2), "{told}");
    let (code, told) = failed("produce --records 1 --config cleanup.policy=compact --quiet");
    assert!(code == Some(2) && told.contains("--keys"), "{told}");
    let (code, told) = failed("run nonsense");
    assert_eq!(code, Some(2));
    assert!(told.contains("strome bench list"), "{told}");
    let (code, told) = failed("produce --records 1 --config nonsense=1 --quiet");
    assert_eq!(code, Some(1));
    assert!(told.contains("INVALID_CONFIG"), "{told}");
    assert_eq!(list(&broker, "topics"), "");
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    // Who speaks TLS says so in its own way, or says nothing.
    std::thread::spawn(move || {
        for answer in [&[0x15, 3, 3, 0, 2, 2, 10][..], &[]] {
            let (mut stream, _) = silent.accept().unwrap();
            let mut asked = [0; 256];
            let _ = stream.read(&mut asked);
            let _ = stream.write_all(answer);
        }
    });
    for _ in 0..2 {
        let mut command = Command::new(env!("CARGO_BIN_EXE_strome"));
        command.args(["bench", "produce", "--bootstrap-server", &address.to_string()]);
        let output = command.output().expect("the command");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && told.contains("TLS"), "{told}");
    }
}

#[test]
fn what_would_be_ignored_or_lost_is_refused_before_the_run() {
    // Nobody listens there: all of it is said before a broker is asked for anything.
    let failed = |line: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_strome"));
        command.arg("bench").args(line.split_whitespace()).args(["--bootstrap-server", "127.0.0.1:1"]);
        let output = command.output().expect("the command");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for (line, named) in [
        ("produce --consumers 2", "--consumers"),
        ("run 1kb-1p --backlog 1GB", "--backlog"),
        ("produce --fetch-max-wait 5", "--fetch-max-wait"),
        ("consume --rate 100", "--rate"),
        ("consume --records 100", "--records"),
        ("consume --find-rate p99=1ms", "--find-rate"),
        ("end-to-end --backlog 1GB", "--backlog"),
        ("produce --cpus 99999", "CPU 99999"),
        ("produce --producers 1 --cpus 0,1", "--cpus"),
        ("produce --record-size 0", "a value"),
        ("produce --rate 1e300", "the rate"),
        ("consume --backlog 0", "--topic"),
        ("run keyed-100p --spread sticky", "--spread"),
        ("produce --threads 2", "--threads"),
        ("produce --save x --html x", "the same file"),
        ("groups --committers 0 --commit-seconds 1", "--commit-seconds"),
    ] {
        let (code, told) = failed(line);
        assert!(code == Some(2) && told.contains(named), "{line}: {code:?} {told}");
    }
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing/result");
    for argument in ["--save", "--html"] {
        let (code, told) = failed(&format!("produce {argument} {}", missing.display()));
        assert!(code == Some(1) && told.contains("missing/result: No such file"), "{code:?} {told}");
    }
    let (code, told) = failed(&format!("produce --html {}", folder.path().display()));
    assert!(code == Some(1) && told.contains("Is a directory"), "{code:?} {told}");
    // What can be written is not touched until there is something to write.
    let (there, absent) = (folder.path().join("there"), folder.path().join("absent"));
    std::fs::write(&there, "as it was").unwrap();
    let (_, told) = failed(&format!("produce --save {} --html {}", there.display(), absent.display()));
    assert!(told.contains("cannot connect"), "{told}");
    assert!(std::fs::read_to_string(&there).unwrap() == "as it was" && !absent.exists());
}

#[test]
fn what_is_said_of_a_topic_that_is_made_is_refused_of_one_that_is_there() {
    let broker = Broker::start(&[]);
    let failed = |line: &str| {
        let output = begin(&broker, line).wait_with_output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, told) = failed("consume --topic mine --backlog 0");
    assert!(code == Some(2) && told.contains("no topic is called mine"), "{told}");
    assert_eq!(list(&broker, "topics"), "");
    let line = "produce --topic mine --records 1 --partitions 2 --config retention.ms=60000";
    assert_eq!(measure(&broker, line)["topics"]["partitions"], 2);
    for argument in ["--partitions 2", "--replication-factor 1", "--config retention.ms=5"] {
        let (code, told) = failed(&format!("produce --topic mine --records 1 {argument}"));
        let name = argument.split(' ').next().unwrap();
        assert!(code == Some(2) && told.contains("topic mine is there") && told.contains(name), "{told}");
    }
    // A search makes its topic for its first run, and finds it there for the others.
    let (code, told) = failed(
        "produce --topic new --partitions 2 --rate 1 --seconds 0.2 --warm-up 0 --find-rate p50=0.001us",
    );
    assert!(code == Some(1) && told.contains("at no rate"), "{told}");
}
