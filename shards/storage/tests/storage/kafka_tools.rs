//! Kafka's own tools on what a store has left. Needs the command `KAFKA_TOOL`, which runs Kafka's command line tools by
//! their name; without it there is nothing to compare with, and these tests do nothing.

use std::process::Command;

use strome_storage::{CompactionBounds, CompactionLimits, CompactionPool, LogSettings, StoreSettings};
use types::Offset;

use crate::compaction::{COMPACTION, compact, put};
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

#[test]
fn kafkas_dump_tool_reads_what_was_compacted() {
    let temp = tempfile::tempdir().unwrap();
    let owned = temp.path().to_owned();
    on_shard(StoreSettings::default(), move |mut shard| async move {
        let settings = LogSettings { segment_bytes: 60_000, deletes: false, ..LogSettings::default() };
        let log = shard.store.adopt(open_log(&owned, &settings));
        shard.store.use_compaction_pool(CompactionPool::new(CompactionLimits::default()));
        shard.store.set_compaction(log, Some(COMPACTION));
        for i in 0..2000 {
            // Every third key is deleted in the end.
            let value = [i as u8; 100];
            let value = (i < 1000 || i % 3 > 0).then_some(&value[..]);
            put(&mut shard, log, &format!("key-{}", i % 600), value).await;
        }
        shard.make_durable(log).await;
        while shard.store.compacted_to(log).is_none_or(|to| to < Offset(1700)) {
            let bounds = CompactionBounds { below: Offset(2000), ..CompactionBounds::default() };
            match compact(&mut shard, log, bounds).await {
                Some(report) => drop(report.unwrap()),
                None => shard.turn().await,
            }
        }
        shard.close().await;
    });
    let dir = log_path(temp.path());
    let of = |extension: &str| -> String {
        let paths = std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path());
        let paths = paths.filter(|path| path.extension().is_some_and(|e| e == extension));
        paths.map(|path| path.display().to_string()).collect::<Vec<_>>().join(",")
    };
    let Some(text) = dump_log(&["--files", &of("log"), "--print-data-log"]) else { return };
    assert!(text.matches("| offset: ").count() < 1200, "{text}");
    assert!(text.contains("deleteHorizonMs: OptionalLong[") && text.contains("offset: 1999 "), "{text}");
    assert!(!text.contains("isvalid: false") && !text.contains("nvalid bytes"), "{text}");
    let indexes = [of("index"), of("timeindex")].join(",");
    let deep = dump_log(&["--files", &indexes, "--verify-index-only"]).unwrap();
    assert!(!deep.contains("mismatch") && !deep.contains("out of order"), "{deep}");
}
