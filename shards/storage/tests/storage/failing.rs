//! Log directories that fail while others go on.

use std::path::Path;

use strome_storage::{LogDir, LogId, LogName, LogSettings, Outcome, StorageError, Store, StoreSettings};
use types::{Offset, PartitionIndex, Uuid};

use crate::driver::*;

fn name(partition: i32) -> LogName {
    LogName { partition: PartitionIndex(partition), ..log_name() }
}

/// Opens a log of the shard in a directory.
fn adopt(shard: &mut Shard, dir: &std::sync::Arc<LogDir>, partition: i32) -> LogId {
    shard.store.adopt(dir.open_log(&name(partition), TOPIC, &LogSettings::default()).unwrap())
}

/// What is at `path` is no directory any more, so that everything there fails.
fn replace_by_file(path: &Path) {
    std::fs::rename(path, path.with_extension("away")).unwrap();
    std::fs::write(path, "").unwrap();
}

fn bring_back(path: &Path) {
    std::fs::remove_file(path).unwrap();
    std::fs::rename(path.with_extension("away"), path).unwrap();
}

fn is_offline(store: &Store, log: LogId) -> bool {
    matches!(store.status(log).and_then(|status| status.error), Some(StorageError::DirectoryOffline { .. }))
}

#[test]
fn a_write_that_fails_takes_all_logs_of_the_directory_offline_and_no_others() {
    let temp = tempfile::tempdir().unwrap();
    on_shard(StoreSettings::default(), |mut shard| async move {
        let (bad, good) = (open_dir(&temp.path().join("bad")), open_dir(&temp.path().join("good")));
        let logs = [adopt(&mut shard, &bad, 0), adopt(&mut shard, &bad, 1), adopt(&mut shard, &good, 2)];
        // Nothing is under way for the good directory when writes fail.
        for log in &logs[..2] {
            shard.append(*log, &batch(1, 100, 1)).unwrap();
            shard.make_durable(*log).await;
        }
        shard.append(logs[0], &batch(1, 100, 2)).unwrap();
        shard.store.want_durable(logs[0]);
        shard.fault = Fault::Fail(std::io::ErrorKind::Other);
        shard.until_store(|store| is_offline(store, logs[0])).await;
        shard.fault = Fault::None;
        shard.until_store(|store| is_offline(store, logs[1])).await;
        let told = shard.outcomes();
        let offline = |of: LogId| {
            told.iter().filter(|o| matches!(o, Outcome::Offline { log, .. } if *log == of)).count()
        };
        assert_eq!(logs.map(offline), [1, 1, 0]);
        assert!(bad.failure().is_some() && good.failure().is_none());
        shard.append(logs[2], &batch(1, 100, 2)).unwrap();
        shard.make_durable(logs[2]).await;
        let refused = bad.open_log(&name(9), TOPIC, &LogSettings::default()).err().unwrap();
        assert!(matches!(refused, StorageError::DirectoryOffline { .. }), "{refused}");
        // Closing tells which logs are not clean, and the rest is.
        let (store, reactor) = shard.parts();
        store.close(reactor);
        let failed = shard.until(|outcome| match outcome {
            Outcome::Closed { failed } => Some(failed.clone()),
            _ => None,
        });
        let failed: Vec<LogId> = failed.await.into_iter().map(|(log, _)| log).collect();
        assert_eq!(failed, logs[..2]);
        // After a start with a disk that was mended everything acknowledged is there.
        drop((shard, bad));
        let dir = open_dir(&temp.path().join("bad"));
        for partition in [0, 1] {
            let opened = dir.open_log(&name(partition), TOPIC, &LogSettings::default()).unwrap();
            assert!(opened.log_end() >= Offset(1));
        }
    });
}

#[test]
fn a_log_that_cannot_be_made_fails_the_directory() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("bad");
    let dir = open_dir(&path);
    dir.open_log(&name(0), TOPIC, &LogSettings::default()).unwrap();
    replace_by_file(&path);
    let error = dir.open_log(&name(1), TOPIC, &LogSettings::default()).err().unwrap();
    assert!(error.is_disk_failure(), "{error}");
    let failure = dir.failure().unwrap().to_string();
    assert!(failure.contains(&path.display().to_string()), "{failure}");
    bring_back(&path);
    let error = dir.open_log(&name(1), TOPIC, &LogSettings::default()).err().unwrap();
    assert!(
        matches!(error, StorageError::DirectoryOffline { .. }),
        "nothing but a new start brings it back: {error}"
    );
}

#[test]
fn checkpoints_that_cannot_be_saved_fail_their_directory_and_those_of_others_are_saved() {
    let temp = tempfile::tempdir().unwrap();
    let settings = StoreSettings { checkpoint_interval_ms: 50, ..without_journal() };
    on_shard(settings, |mut shard| async move {
        let (bad, good) = (open_dir(&temp.path().join("bad")), open_dir(&temp.path().join("good")));
        let logs = [adopt(&mut shard, &bad, 0), adopt(&mut shard, &good, 1)];
        for log in logs {
            shard.append(log, &batch(1, 100, 1)).unwrap();
            shard.make_durable(log).await;
        }
        let checkpoint = temp.path().join("bad/recovery-point-offset-checkpoint");
        let saved = || std::fs::read_to_string(&checkpoint).is_ok_and(|text| text.contains("orders 0 1"));
        shard.until_store(|_| saved()).await;
        // Its index files are as they should be: nothing but the checkpoint is written from now on.
        replace_by_file(&temp.path().join("bad"));
        for log in logs {
            shard.append(log, &batch(1, 100, 2)).unwrap();
            shard.make_durable(log).await;
        }
        shard.until_store(|store| is_offline(store, logs[0])).await;
        shard.append(logs[1], &batch(1, 100, 2)).unwrap();
        shard.make_durable(logs[1]).await;
        shard.store.abandon(logs[0]);
        shard.close().await;
        bring_back(&temp.path().join("bad"));
        let saved = std::fs::read_to_string(temp.path().join("good/recovery-point-offset-checkpoint"));
        assert_eq!(saved.unwrap(), "0\n1\norders 1 3\n");
    });
}

#[test]
fn a_log_whose_removal_meets_a_failed_directory_is_told_and_forgotten() {
    let temp = tempfile::tempdir().unwrap();
    on_shard(StoreSettings::default(), |mut shard| async move {
        let dir = open_dir(&temp.path().join("bad"));
        let logs = [adopt(&mut shard, &dir, 0), adopt(&mut shard, &dir, 1)];
        for log in logs {
            shard.append(log, &batch(1, 100, 1)).unwrap();
            shard.store.want_durable(log);
        }
        // The removal has to wait for this write, which fails.
        shard.fault = Fault::Withhold;
        for _ in 0..20 {
            shard.turn().await;
        }
        let (store, reactor) = shard.parts();
        store.remove(logs[0], Uuid::from_random([3; 16]), reactor);
        shard.fault = Fault::Fail(std::io::ErrorKind::Other);
        shard
            .until(|outcome| match outcome {
                Outcome::Removed { log, .. } if *log == logs[0] => Some(()),
                _ => None,
            })
            .await;
        shard.until_store(|store| is_offline(store, logs[1])).await;
        shard.store.abandon(logs[1]);
        assert!(shard.store.status(logs[1]).is_none());
        assert_eq!(shard.store.memory_bytes(), (0, 0));
    });
}
