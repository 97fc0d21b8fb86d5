//! Every message, in every version, against Kafka's own code: its classes read random values that we wrote and write
//! them again, in the same version and in all others, and each time the bytes must be ours.
//!
//! It takes a JDK and two jars (`jars/mod.rs`). Without them the test is skipped, and says so.
#![allow(clippy::disallowed_methods, reason = "a test may look at the environment and wait for a process")]

#[allow(dead_code, reason = "each test uses a part of it")]
mod frames;
mod jars;

use bytes::Bytes;
use frames::{Choice, Random, body};
use jars::{Artifact, KAFKA_CLIENTS, jar, skipped};
use std::io::Write;
use std::process::{Command, Stdio};
use strome_protocol::schema::StructSchema;
use strome_protocol::{Message, Reader, Writer, for_each_api, messages};

/// How many random values each version of a message is tried with.
const ROUNDS: usize = 12;

/// Kafka's classes log through it.
const SLF4J: Artifact = Artifact { group: "org.slf4j", name: "slf4j-api", version: "1.7.36" };

/// A question to Kafka, and what we say.
struct Question {
    what: String,
    line: String,
    ours: String,
}

fn hexadecimal(bytes: &[u8]) -> String {
    if bytes.is_empty() { ".".to_owned() } else { bytes.iter().map(|byte| format!("{byte:02x}")).collect() }
}

/// Our body in hexadecimal, or a dash if we refuse.
fn written(message: &impl Message, version: i16) -> String {
    let mut writer = Writer::default();
    match message.encode(&mut writer, version) {
        Ok(()) => hexadecimal(&writer.finish().expect("a frame").concat()[4..]),
        Err(_) => "-".to_owned(),
    }
}

fn ask<M: Message>(schema: &StructSchema, seed: u64, questions: &mut Vec<Question>) {
    let api = M::API.api();
    let mut random = Random(seed);
    let versions: Vec<i16> = (api.versions.min..=api.versions.max).collect();
    for version in &versions {
        for _ in 0..ROUNDS {
            let state = random.0;
            let frame = Bytes::from(body(api, schema, *version, &mut random, Choice::KAFKAS));
            let message = M::decode(&mut Reader::new(&frame), *version).expect("it is valid");
            let numbers: Vec<_> = versions.iter().map(i16::to_string).collect();
            questions.push(Question {
                what: format!("{} v{version}, seed {seed}, state {state:#x}: {message:?}", schema.name),
                line: format!("{} {version} {} {}", schema.name, hexadecimal(&frame), numbers.join(" ")),
                ours: versions.iter().map(|v| written(&message, *v)).collect::<Vec<_>>().join(" "),
            });
        }
    }
}

macro_rules! ask_all {
    ($(
        $name:ident = $key:literal, $versions:tt flexible $flexible:tt advertised $advertised:tt,
            $request:ident, $response:ident;
    )*) => {
        fn all_questions(seed: u64) -> Vec<Question> {
            let mut questions = Vec::new();
            $(
                ask::<messages::$request>(&messages::$request::SCHEMA, seed, &mut questions);
                ask::<messages::$response>(&messages::$response::SCHEMA, seed, &mut questions);
            )*
            questions
        }
    };
}

for_each_api!(ask_all);

/// Kafka's answers, or why there are none.
fn answers(questions: &[Question]) -> Result<Vec<String>, String> {
    let class_path = [jar(&KAFKA_CLIENTS)?, jar(&SLF4J)?].map(|jar| jar.display().to_string()).join(":");
    let mut java = Command::new("java")
        .args(["-Xmx256m", "-cp", &class_path])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/java/Transcode.java"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| format!("java: {e}"))?;
    let mut stdin = java.stdin.take().expect("a pipe");
    let lines: Vec<_> = questions.iter().map(|question| question.line.clone()).collect();
    // Java answers while it is asked, so somebody else has to ask.
    let asking = std::thread::spawn(move || stdin.write_all((lines.join("\n") + "\n").as_bytes()));
    let output = java.wait_with_output().map_err(|e| format!("java: {e}"))?;
    if !output.status.success() {
        return Err(format!("java (a JDK of 17 or later is needed): {}", output.status));
    }
    asking.join().expect("it does not panic").map_err(|e| format!("java: {e}"))?;
    let text = String::from_utf8(output.stdout).map_err(|e| e.to_string())?;
    Ok(text.lines().map(str::to_owned).collect())
}

#[test]
fn kafka_reads_and_writes_what_we_do() {
    let questions = all_questions(7);
    let answers = match answers(&questions) {
        Ok(answers) => answers,
        Err(reason) => {
            skipped("kafka_reads_and_writes_what_we_do", &reason);
            return;
        }
    };
    assert_eq!(answers.len(), questions.len());
    for (question, answer) in questions.iter().zip(answers) {
        assert_eq!(question.ours, answer, "{}", question.what);
    }
}
