//! Kafka's jars, for tests that ask Kafka itself.
//!
//! A jar is looked for in the folder that `STROME_KAFKA_JARS` names; without that, in `STROME_TEST_CACHE` (by default
//! `kafka-jars` in the target folder), into which Maven puts it at the first time.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The name of a jar on Maven Central.
pub struct Artifact {
    pub group: &'static str,
    pub name: &'static str,
    pub version: &'static str,
}

/// The version that this project's facts about Kafka come from.
pub const KAFKA_CLIENTS: Artifact =
    Artifact { group: "org.apache.kafka", name: "kafka-clients", version: "4.3.1" };

/// Has the records of Kafka's metadata log, of the same version.
#[allow(dead_code, reason = "not every test looks at them")]
pub const KAFKA_METADATA: Artifact =
    Artifact { group: "org.apache.kafka", name: "kafka-metadata", version: "4.3.1" };

/// Has the records of `__consumer_offsets`, of the same version.
#[allow(dead_code, reason = "not every test looks at them")]
pub const KAFKA_GROUP_COORDINATOR: Artifact =
    Artifact { group: "org.apache.kafka", name: "kafka-group-coordinator", version: "4.3.1" };

/// Runs `command` to its end.
pub fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|e| format!("{command:?}: {e}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(format!("{command:?}: {}", String::from_utf8_lossy(&said)))
}

/// The path of a jar, or why it is not to be had.
pub fn jar(artifact: &Artifact) -> Result<PathBuf, String> {
    let Artifact { group, name, version } = artifact;
    let file = format!("{name}-{version}.jar");
    if let Ok(folder) = std::env::var("STROME_KAFKA_JARS") {
        let path = Path::new(&folder).join(&file);
        return if path.exists() { Ok(path) } else { Err(format!("{} does not exist", path.display())) };
    }
    let folder = match std::env::var("STROME_TEST_CACHE") {
        Ok(folder) => PathBuf::from(folder),
        Err(_) => Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("kafka-jars"),
    };
    let path = folder.join(&file);
    if !path.exists() {
        run(Command::new("mvn")
            .args(["-q", "-B", "dependency:copy"])
            .arg(format!("-Dartifact={group}:{name}:{version}"))
            .arg(format!("-DoutputDirectory={}", folder.display())))?;
    }
    Ok(path)
}

/// Says that a test did nothing, on the standard error itself: the harness would hide what `eprintln!` says.
pub fn skipped(test: &str, reason: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED: {test}: {reason}");
}
