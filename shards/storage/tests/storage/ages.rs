//! Segments that end because of their age, and the files of dropped ones.

use std::path::Path;
use std::time::{Duration, Instant};

use strome_storage::{LogSettings, StoreSettings};
use types::{Offset, TimestampMs};

use crate::driver::*;

const HOUR_MS: i64 = 60 * 60 * 1000;

fn hourly() -> LogSettings {
    LogSettings { segment_ms: HOUR_MS, ..LogSettings::default() }
}

/// Names of files in the log's directory with this ending.
fn files(path: &Path, ending: &str) -> Vec<String> {
    let entries = std::fs::read_dir(log_path(path)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(ending)).collect();
    names.sort();
    names
}

#[test]
fn after_a_restart_the_age_of_a_segment_still_counts_from_its_first_batch() {
    for cleanly in [true, false] {
        let temp = tempfile::tempdir().unwrap();
        on_shard(StoreSettings::default(), move |mut shard| async move {
            let log = shard.store.adopt(open_log(temp.path(), &hourly()));
            shard.append(log, &batch(1, 10, 1_000)).unwrap();
            shard.append(log, &batch(1, 10, 1_000 + HOUR_MS / 2)).unwrap();
            shard.make_durable(log).await;
            if cleanly {
                shard.close().await;
            }
            drop(shard);
            let mut shard = Shard::new(StoreSettings::default());
            let dir = open_dir(temp.path());
            let log = shard.store.adopt(dir.open_log(&log_name(), TOPIC, &hourly()).unwrap());
            shard.append(log, &batch(1, 10, 1_000 + HOUR_MS)).unwrap();
            assert_eq!(shard.store.status(log).unwrap().segments, 1, "not older than an hour");
            shard.append(log, &batch(1, 10, 1_001 + HOUR_MS)).unwrap();
            assert_eq!(shard.store.status(log).unwrap().segments, 2, "older by its first batch");
        });
    }
}

#[test]
fn a_segment_without_timestamps_ages_by_the_brokers_clock() {
    let temp = tempfile::tempdir().unwrap();
    on_shard(StoreSettings::default(), |mut shard| async move {
        let log = shard.store.adopt(open_log(temp.path(), &hourly()));
        let begin = now().0;
        let (store, reactor) = shard.parts();
        store.append(log, &[batch(1, 10, -1)], EPOCH).unwrap();
        store.append(log, &[batch(1, 10, begin + 9 * HOUR_MS)], EPOCH).unwrap();
        assert_eq!(store.status(log).unwrap().segments, 1, "the segment is a moment old");
        store.tick(TimestampMs(begin + 2 * HOUR_MS), reactor);
        store.append(log, &[batch(1, 10, -1)], EPOCH).unwrap();
        assert_eq!(store.status(log).unwrap().segments, 2);
    });
}

#[test]
fn jitter_ends_segments_earlier_by_different_times_and_never_later() {
    let temp = tempfile::tempdir().unwrap();
    let settings = LogSettings { segment_jitter_ms: HOUR_MS / 2, ..hourly() };
    on_shard(StoreSettings::default(), move |mut shard| async move {
        let log = shard.store.adopt(open_log(temp.path(), &settings));
        let mut lengths = Vec::new();
        let (mut began, mut segments) = (0, 1);
        for minute in 0..60 * 12 {
            shard.append_patiently(log, &batch(1, 10, minute * 60_000)).await;
            let now_there_are = shard.store.status(log).unwrap().segments;
            if now_there_are > segments {
                lengths.push(minute - began);
                (began, segments) = (minute, now_there_are);
            }
        }
        assert!(lengths.iter().all(|minutes| (30..=61).contains(minutes)), "{lengths:?}");
        let differ = lengths.windows(2).filter(|pair| pair[0] != pair[1]).count();
        assert!(lengths.len() >= 12 && differ >= 6, "{lengths:?}");
    });
}

#[test]
fn changed_settings_count_from_the_next_append_and_the_next_retention() {
    let temp = tempfile::tempdir().unwrap();
    on_shard(StoreSettings::default(), |mut shard| async move {
        let log = shard.store.adopt(open_log(temp.path(), &hourly()));
        shard.append(log, &batch(1, 10, 0)).unwrap();
        shard.append(log, &batch(1, 10, HOUR_MS / 2)).unwrap();
        assert_eq!(shard.store.status(log).unwrap().segments, 1);
        // Cutting the log opens it anew, with what was set meanwhile.
        shard.make_durable(log).await;
        let (store, reactor) = shard.parts();
        store.truncate(log, Offset(1), reactor).unwrap();
        store.configure(log, LogSettings { segment_ms: HOUR_MS / 4, ..hourly() });
        shard.until_store(|store| store.status(log).unwrap().log_end == Offset(1)).await;
        shard.append(log, &batch(1, 10, HOUR_MS / 2)).unwrap();
        assert_eq!(shard.store.status(log).unwrap().segments, 2, "by the new segment.ms");
        shard.make_durable(log).await;
        shard.turn().await;
        let (store, reactor) = shard.parts();
        let now = TimestampMs(HOUR_MS);
        assert_eq!(store.apply_retention(log, Offset(2), now, reactor).unwrap(), Offset(0));
        store.configure(log, LogSettings { retention_ms: HOUR_MS * 3 / 4, ..hourly() });
        assert_eq!(store.apply_retention(log, Offset(2), now, reactor).unwrap(), Offset(1));
    });
}

#[test]
fn files_of_dropped_segments_keep_another_name_for_the_delay_and_readers_go_on() {
    let temp = tempfile::tempdir().unwrap();
    let settings = LogSettings { segment_bytes: 64 * 1024, delete_delay_ms: 300, ..LogSettings::default() };
    let cold = StoreSettings { idle_ms: 1, ..StoreSettings::default() };
    on_shard(cold, move |mut shard| async move {
        let log = shard.store.adopt(open_log(temp.path(), &settings));
        for i in 0..300 {
            shard.append(log, &batch(1, 1000, i)).unwrap();
        }
        shard.make_durable(log).await;
        shard.until_store(|store| store.memory_bytes().0 == 0).await;
        let (store, reactor) = shard.parts();
        // One read has its file open when the segment goes; one looks for it only then.
        let Ok(strome_storage::Read::Later(first)) = store.read(log, Offset(0), Offset(300), 10_000, reactor)
        else {
            panic!("a cold read")
        };
        store.delete_records(log, Offset(200), reactor).unwrap();
        let asked = Instant::now();
        let of_first = shard.until(|outcome| match outcome {
            strome_storage::Outcome::ReadDone { id, result } if *id == first => Some(result.clone()),
            _ => None,
        });
        match of_first.await {
            Ok(pieces) => assert_eq!(offsets(&pieces.concat())[0], (0, 0)),
            Err(error) => assert!(
                matches!(error, strome_storage::StorageError::OffsetOutOfRange { .. }),
                "a client can do something about that: {error}"
            ),
        }
        let set_aside = |path: &Path| files(path, ".deleted");
        while set_aside(temp.path()).is_empty() {
            assert!(asked.elapsed() < Duration::from_secs(20), "{:?}", set_aside(temp.path()));
            shard.turn().await;
            let (store, reactor) = shard.parts();
            store.apply_retention(log, Offset(300), TimestampMs(0), reactor).unwrap();
        }
        assert!(!files(temp.path(), ".log").contains(&"00000000000000000000.log".to_owned()));
        while !set_aside(temp.path()).is_empty() {
            assert!(asked.elapsed() < Duration::from_secs(20), "they are deleted in the end");
            shard.turn().await;
        }
        assert!(asked.elapsed() >= Duration::from_millis(300), "not before the delay is over");
        let found = shard.read(log, Offset(200), Offset(300), 100).await.unwrap();
        assert_eq!(offsets(&found), [(200, 200)]);
    });
}

#[test]
fn files_that_waited_to_be_deleted_are_gone_after_the_next_start() {
    let temp = tempfile::tempdir().unwrap();
    let settings = LogSettings { segment_bytes: 64 * 1024, ..LogSettings::default() };
    on_shard(StoreSettings::default(), move |mut shard| async move {
        let log = shard.store.adopt(open_log(temp.path(), &settings));
        for i in 0..300 {
            shard.append(log, &batch(1, 1000, i)).unwrap();
        }
        shard.make_durable(log).await;
        let (store, reactor) = shard.parts();
        store.delete_records(log, Offset(200), reactor).unwrap();
        let began = Instant::now();
        while files(temp.path(), ".deleted").is_empty() {
            assert!(began.elapsed() < Duration::from_secs(20), "nothing is dropped");
            shard.turn().await;
            // A segment that is still being written when the start moves goes with the next retention.
            let (store, reactor) = shard.parts();
            store.apply_retention(log, Offset(300), TimestampMs(0), reactor).unwrap();
        }
        shard.close().await;
        drop(shard);
        assert!(!files(temp.path(), ".deleted").is_empty(), "a minute is not over");
        let opened = open_log(temp.path(), &settings);
        assert_eq!((opened.log_start(), opened.log_end()), (Offset(200), Offset(300)));
        assert_eq!(files(temp.path(), ".deleted"), [] as [String; 0]);
    });
}
