//! Kafka's own tools on what a store has left. Needs the command `KAFKA_TOOL`, which runs Kafka's command line tools by
//! their name; without it there is nothing to compare with, and these tests do nothing.

use std::process::Command;

use strome_storage::{LogSettings, StoreSettings};

use crate::driver::*;

/// Runs `dump-log` and returns what it prints.
fn dump_log(arguments: &[&str]) -> Option<String> {
    let tool = std::env::var("KAFKA_TOOL").ok()?;
    let mut words = tool.split_whitespace();
    let output = Command::new(words.next()?).args(words).arg("dump-log").args(arguments).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    Some(text)
}

#[test]
fn kafkas_dump_tool_reads_logs_and_indexes_after_a_clean_stop() {
    let temp = tempfile::tempdir().unwrap();
    let owned = temp.path().to_owned();
    let settings = LogSettings { segment_bytes: 100_000, ..LogSettings::default() };
    on_shard(StoreSettings::default(), move |mut shard| async move {
        let log = shard.store.adopt(open_log(&owned, &settings));
        for i in 0..1000 {
            shard.append_patiently(log, &batch(1 + i % 3, 100, 1000 + i as i64)).await;
            if i % 50 == 0 {
                shard.make_durable(log).await;
            }
        }
        shard.close().await;
    });
    let dir = log_path(temp.path());
    let mut names: Vec<String> =
        std::fs::read_dir(&dir).unwrap().map(|e| e.unwrap().path().display().to_string()).collect();
    names.sort();
    let of = |extension: &str| -> Vec<String> {
        names.iter().filter(|name| name.ends_with(extension)).cloned().collect()
    };
    assert!(of(".log").len() > 1);
    assert_eq!((of(".log").len(), of(".log").len()), (of(".index").len(), of(".timeindex").len()));
    let Some(text) = dump_log(&["--files", &of(".log").join(","), "--print-data-log"]) else { return };
    assert_eq!(text.matches("| offset: ").count(), 1999, "{text}");
    assert!(text.contains("offset: 1998 ") && text.contains("isvalid: true"), "{text}");
    assert!(!text.contains("isvalid: false") && !text.contains("nvalid bytes"), "{text}");
    let checked = dump_log(&["--files", &of(".index").join(","), "--index-sanity-check"]).unwrap();
    assert_eq!(checked.matches("passed sanity check").count(), of(".index").len(), "{checked}");
    let indexes = [of(".index"), of(".timeindex")].concat();
    let deep = dump_log(&["--files", &indexes.join(","), "--verify-index-only"]).unwrap();
    assert!(!deep.contains("mismatch") && !deep.contains("out of order"), "{deep}");
}
