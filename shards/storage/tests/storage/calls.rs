//! Each call once, with what it promises.

use strome_storage::{LogName, LogSettings, Outcome, StorageError, StoreSettings, TimestampTarget};
use types::{Offset, PartitionIndex, TimestampMs, Uuid};

use crate::driver::*;

const SMALL: LogSettings = LogSettings {
    segment_bytes: 64 * 1024,
    segment_ms: i64::MAX,
    segment_jitter_ms: 0,
    segment_index_bytes: 1024 * 1024,
    index_interval_bytes: 1024,
    retention_ms: -1,
    retention_bytes: -1,
    deletes: true,
    delete_delay_ms: 0,
};

#[test]
fn what_was_appended_is_read_back_at_once_and_durable_after_a_commit() {
    let temp = tempfile::tempdir().unwrap();
    on_shard(without_journal(), |mut shard| async move {
        let log = shard.store.adopt(open_log(temp.path(), &LogSettings::default()));
        let one = batch(3, 100, 1000);
        let appended = shard.append(log, &one).unwrap();
        assert_eq!((appended.first_offset, appended.last_offset), (Offset(0), Offset(2)));
        let two = batch(2, 100, 2000);
        shard.append(log, &two).unwrap();
        assert_eq!(shard.store.status(log).unwrap().durable_end, Offset(0));
        let all = shard.read(log, Offset(0), Offset(5), 1 << 20).await.unwrap();
        assert_eq!(all, [stamped(&one, Offset(0)), stamped(&two, Offset(3))].concat());
        shard.make_durable(log).await;
        let file = std::fs::read(log_path(temp.path()).join("00000000000000000000.log")).unwrap();
        assert!(file.starts_with(&all));
    });
}

#[test]
fn reads_begin_with_the_batch_of_the_offset_and_end_before_the_limits() {
    let temp = tempfile::tempdir().unwrap();
    on_shard(StoreSettings::default(), |mut shard| async move {
        let log = shard.store.adopt(open_log(temp.path(), &LogSettings::default()));
        for i in 0..100 {
            shard.append(log, &batch(10, 50, i)).unwrap();
        }
        let one = batch(10, 50, 0).bytes.len();
        for cold in [false, true] {
            if cold {
                shard.make_durable(log).await;
                shard.close().await;
                shard = Shard::new(StoreSettings::default());
                let log_again = shard.store.adopt(open_log(temp.path(), &LogSettings::default()));
                assert_eq!(log_again, log);
            }
            let read = |bytes: Result<Vec<u8>, _>| offsets(&bytes.unwrap());
            let end = Offset(1000);
            assert_eq!(read(shard.read(log, Offset(15), end, 1).await), [(10, 19)], "one batch in any case");
            assert_eq!(read(shard.read(log, Offset(19), end, 2 * one).await), [(10, 19), (20, 29)]);
            assert_eq!(read(shard.read(log, Offset(20), end, 3 * one - 1).await), [(20, 29), (30, 39)]);
            assert_eq!(read(shard.read(log, Offset(985), end, 1 << 20).await), [(980, 989), (990, 999)]);
            assert_eq!(read(shard.read(log, Offset(10), Offset(29), 1 << 20).await), [(10, 19)]);
            assert_eq!(read(shard.read(log, Offset(10), Offset(19), 1 << 20).await), []);
            assert_eq!(read(shard.read(log, end, end, 1 << 20).await), []);
            assert_eq!(read(shard.read(log, Offset(0), end, 1 << 20).await).len(), 100);
            let error = shard.read(log, Offset(1001), Offset(2000), 10).await.unwrap_err();
            assert!(matches!(error, StorageError::OffsetOutOfRange { log_end: Offset(1000), .. }), "{error}");
        }
    });
}

#[test]
fn segments_roll_and_old_ones_are_read_from_disk() {
    let temp = tempfile::tempdir().unwrap();
    let settings = StoreSettings { cache_bytes_max: 0, chunk_bytes_max: 16 * 1024, ..without_journal() };
    on_shard(settings, |mut shard| async move {
        let log = shard.store.adopt(open_log(temp.path(), &SMALL));
        for i in 0..300 {
            shard.append_patiently(log, &batch(10, 100, i)).await;
            if i % 10 == 0 {
                shard.make_durable(log).await;
            }
        }
        shard.make_durable(log).await;
        let status = shard.store.status(log).unwrap();
        assert!(status.segments > 5, "{status:?}");
        let mut next = 0;
        while next < 3000 {
            let found = offsets(&shard.read(log, Offset(next), Offset(3000), 10_000).await.unwrap());
            assert_eq!(found[0].0, next);
            next = found.last().unwrap().1 + 1;
        }
        let (cached, unwritten) = shard.store.memory_bytes();
        assert!(cached <= 64 * 1024 && unwritten == 0, "{cached} {unwritten}");
    });
}

#[test]
fn a_store_that_is_full_refuses_until_it_has_written() {
    let temp = tempfile::tempdir().unwrap();
    let settings = StoreSettings { log_unwritten_bytes_max: 100_000, ..StoreSettings::default() };
    on_shard(settings, |mut shard| async move {
        let log = shard.store.adopt(open_log(temp.path(), &LogSettings::default()));
        let batch = batch(1, 30_000, 1);
        for _ in 0..3 {
            shard.append(log, &batch).unwrap();
        }
        assert!(matches!(shard.append(log, &batch), Err(StorageError::Full)));
        shard.make_durable(log).await;
        shard.append_patiently(log, &batch).await;
    });
}

#[test]
fn a_batch_larger_than_all_that_may_be_unwritten_comes_through_beside_small_ones() {
    let temp = tempfile::tempdir().unwrap();
    let settings = StoreSettings { unwritten_bytes_max: 400_000, ..StoreSettings::default() };
    on_shard(settings, |mut shard| async move {
        let dir = open_dir(temp.path());
        let open = |partition| {
            let name = LogName { partition: PartitionIndex(partition), ..log_name() };
            dir.open_log(&name, TOPIC, &LogSettings::default()).unwrap()
        };
        let logs = [open(0), open(1), open(2)].map(|log| shard.store.adopt(log));
        let (small, large) = (batch(1, 20_000, 1), batch(1, 600_000, 1));
        // What is in the journal only, as small batches are, is unwritten.
        for _ in 0..50 {
            for log in &logs[..2] {
                shard.append_patiently(*log, &small).await;
                shard.make_durable(*log).await;
            }
        }
        for _ in 0..2000 {
            if shard.append(logs[2], &large).is_ok() {
                return;
            }
            let _ = shard.append(logs[0], &small);
            shard.store.want_durable(logs[0]);
            shard.turn().await;
        }
        panic!("small batches keep the large one waiting for ever: {:?}", shard.store.memory_bytes());
    });
}

#[test]
fn a_batch_larger_than_a_segment_is_refused() {
    let temp = tempfile::tempdir().unwrap();
    on_shard(StoreSettings::default(), |mut shard| async move {
        let log = shard.store.adopt(open_log(temp.path(), &SMALL));
        let error = shard.append(log, &batch(1, 70_000, 1)).unwrap_err();
        assert!(matches!(error, StorageError::BatchTooLarge { segment_bytes: 65536, .. }), "{error}");
    });
}

#[test]
fn records_are_found_by_their_time() {
    let temp = tempfile::tempdir().unwrap();
    on_shard(StoreSettings::default(), |mut shard| async move {
        let log = shard.store.adopt(open_log(temp.path(), &SMALL));
        for i in 0..200 {
            // Ten records per batch, a millisecond apart; batches a second apart.
            shard.append(log, &batch(10, 100, 10_000 + i * 1000)).unwrap();
        }
        let end = Offset(2000);
        let at = TimestampTarget::AtOrAfter;
        for (timestamp, offset, found) in [
            (0, 0, 10_000),
            (10_000, 0, 10_000),
            (10_003, 3, 10_003),
            (10_010, 10, 11_000),
            (150_004, 1404, 150_004),
            (209_009, 1999, 209_009),
        ] {
            let hit = shard.lookup(log, at(TimestampMs(timestamp)), end).await.unwrap();
            assert_eq!((hit.offset.0, hit.timestamp.0, hit.leader_epoch), (offset, found, EPOCH));
        }
        assert_eq!(shard.lookup(log, at(TimestampMs(209_010)), end).await, None);
        assert_eq!(shard.lookup(log, at(TimestampMs(150_004)), Offset(1400)).await, None);
        let newest = shard.lookup(log, TimestampTarget::Max, end).await.unwrap();
        assert_eq!((newest.offset.0, newest.timestamp.0), (1999, 209_009));
    });
}

#[test]
fn deleting_records_moves_the_start_and_removes_segments_for_good() {
    let temp = tempfile::tempdir().unwrap();
    on_shard(without_journal(), |mut shard| async move {
        let log = shard.store.adopt(open_log(temp.path(), &SMALL));
        for i in 0..300 {
            shard.append(log, &batch(10, 100, i)).unwrap();
        }
        shard.make_durable(log).await;
        let before = shard.store.status(log).unwrap();
        let (store, reactor) = shard.parts();
        assert_eq!(store.delete_records(log, Offset(1234), reactor).unwrap(), Offset(1234));
        assert_eq!(store.delete_records(log, Offset(5), reactor).unwrap(), Offset(1234));
        assert!(store.delete_records(log, Offset(3001), reactor).is_err());
        let after = store.status(log).unwrap();
        assert!(after.segments < before.segments && after.log_start == Offset(1234));
        assert!(shard.read(log, Offset(1233), Offset(3000), 100).await.is_err());
        let found = offsets(&shard.read(log, Offset(1234), Offset(3000), 100).await.unwrap());
        assert_eq!(found, [(1230, 1239)]);
        shard.close().await;
        drop(shard);
        let opened = open_log(temp.path(), &SMALL);
        assert_eq!((opened.log_start(), opened.log_end()), (Offset(1234), Offset(3000)));
        assert!(!log_path(temp.path()).join("00000000000000000000.log").exists());
    });
}

#[test]
fn retention_removes_what_is_too_old_or_too_much_and_nothing_above_the_watermark() {
    let temp = tempfile::tempdir().unwrap();
    on_shard(without_journal(), |mut shard| async move {
        let settings = LogSettings { retention_bytes: 100_000, ..SMALL };
        let log = shard.store.adopt(open_log(temp.path(), &settings));
        for i in 0..300 {
            shard.append(log, &batch(10, 100, i)).unwrap();
        }
        shard.make_durable(log).await;
        shard.turn().await;
        let (store, reactor) = shard.parts();
        assert_eq!(store.apply_retention(log, Offset(10), TimestampMs(0), reactor).unwrap(), Offset(0));
        let start = store.apply_retention(log, Offset(3000), TimestampMs(0), reactor).unwrap();
        let status = store.status(log).unwrap();
        assert!(start > Offset(0) && (100_000..170_000).contains(&status.size_bytes), "{status:?}");
        store.configure(log, LogSettings { retention_ms: 1000, ..SMALL });
        let kept = store.apply_retention(log, Offset(3000), TimestampMs(1100), reactor).unwrap();
        assert_eq!(kept, start, "nothing is older than a second");
        let all = store.apply_retention(log, Offset(3000), TimestampMs(9999), reactor).unwrap();
        assert!(all < Offset(3000), "the last segment has only now been closed off");
        // The next segment is made elsewhere, and then it is removed.
        let began = std::time::Instant::now();
        let mut all = all;
        while all < Offset(3000) {
            assert!(began.elapsed().as_secs() < 20, "{all:?} is still there");
            shard.make_durable(log).await;
            shard.turn().await;
            let (store, reactor) = shard.parts();
            all = store.apply_retention(log, Offset(3000), TimestampMs(9999), reactor).unwrap();
        }
        shard.append(log, &batch(1, 10, 9999)).unwrap();
        shard.close().await;
        drop(shard);
        let opened = open_log(temp.path(), &settings);
        assert_eq!((opened.log_start(), opened.log_end()), (Offset(3000), Offset(3001)));
    });
}

#[test]
fn truncating_cuts_whole_batches_and_the_log_goes_on_from_there() {
    let temp = tempfile::tempdir().unwrap();
    on_shard(StoreSettings::default(), |mut shard| async move {
        let log = shard.store.adopt(open_log(temp.path(), &SMALL));
        for i in 0..300 {
            shard.append(log, &batch(10, 100, i)).unwrap();
        }
        assert_eq!(shard.truncate(log, Offset(5000)).await, Offset(3000));
        assert_eq!(shard.truncate(log, Offset(2995)).await, Offset(2990));
        assert_eq!(shard.truncate(log, Offset(1007)).await, Offset(1000));
        let status = shard.store.status(log).unwrap();
        assert_eq!((status.log_end, status.durable_end), (Offset(1000), Offset(1000)));
        assert_eq!(shard.append(log, &batch(4, 10, 7)).unwrap().first_offset, Offset(1000));
        shard.make_durable(log).await;
        let found = offsets(&shard.read(log, Offset(990), Offset(1004), 10_000).await.unwrap());
        assert_eq!(found.first(), Some(&(990, 999)));
        assert_eq!(shard.truncate(log, Offset(0)).await, Offset(0));
        assert_eq!(shard.append(log, &batch(4, 10, 7)).unwrap().first_offset, Offset(0));
        shard.close().await;
        drop(shard);
        assert_eq!(open_log(temp.path(), &SMALL).log_end(), Offset(4));
    });
}

#[test]
fn a_removed_log_leaves_nothing_and_its_name_is_free() {
    let temp = tempfile::tempdir().unwrap();
    on_shard(StoreSettings::default(), |mut shard| async move {
        let dir = open_dir(temp.path());
        let opened = dir.open_log(&log_name(), TOPIC, &SMALL).unwrap();
        let log = shard.store.adopt(opened);
        shard.append(log, &batch(10, 100, 1)).unwrap();
        shard.turn().await;
        for i in 0..300 {
            shard.append(log, &batch(10, 100, i)).unwrap();
        }
        shard.make_durable(log).await;
        shard.remove(log, Uuid::from_random([5; 16])).await;
        assert!(shard.store.status(log).is_none());
        let began = std::time::Instant::now();
        while std::fs::read_dir(temp.path()).unwrap().any(|e| e.unwrap().path().is_dir()) {
            assert!(began.elapsed().as_secs() < 20, "files are left");
            shard.turn().await;
        }
        assert!(matches!(shard.append(log, &batch(1, 1, 1)), Err(StorageError::UnknownLog)));
        let other = Uuid(*b"another-topic-id");
        assert!(dir.logs().unwrap().is_empty());
        let again = dir.open_log(&log_name(), other, &SMALL).unwrap();
        assert_eq!(again.log_end(), Offset(0));
        assert_eq!(dir.logs().unwrap(), [(log_name(), Some(other))]);
        let reused = shard.store.adopt(again);
        assert_ne!(reused, log);
    });
}

#[test]
fn snapshots_and_epochs_are_kept_with_the_log() {
    let temp = tempfile::tempdir().unwrap();
    on_shard(StoreSettings::default(), |mut shard| async move {
        let log = shard.store.adopt(open_log(temp.path(), &SMALL));
        shard.append(log, &batch(10, 100, 1)).unwrap();
        let (store, reactor) = shard.parts();
        for at in [2, 4, 6, 8, 10] {
            store.save_producer_snapshot(log, Offset(at), vec![at as u8; 3], reactor);
        }
        store.save_leader_epochs(log, "0\n1\n3 0\n".to_owned(), reactor);
        shard.close().await;
        drop(shard);
        let opened = open_log(temp.path(), &SMALL);
        assert_eq!(opened.producer_snapshots(), [Offset(10), Offset(8), Offset(6)]);
        assert_eq!(opened.producer_snapshot(Offset(8)).unwrap(), [8, 8, 8]);
        assert_eq!(opened.leader_epochs().unwrap().as_deref(), Some("0\n1\n3 0\n"));
        let mut seen = Vec::new();
        opened.replay(Offset(3), |header, bytes| seen.push((header.base_offset, bytes.len()))).unwrap();
        assert_eq!(seen, [(Offset(0), batch(10, 100, 1).bytes.len())]);
    });
}

#[test]
fn an_idle_log_gives_back_its_memory_and_goes_on_when_it_is_used_again() {
    let temp = tempfile::tempdir().unwrap();
    let settings = StoreSettings { idle_ms: 20, write_delay_ms_max: 5, ..StoreSettings::default() };
    on_shard(settings, |mut shard| async move {
        let log = shard.store.adopt(open_log(temp.path(), &SMALL));
        for round in 0..3 {
            for i in 0..7 {
                shard.append(log, &batch(1, 100, round * 100 + i)).unwrap();
            }
            shard.until_store(|store| store.memory_bytes().0 == 0).await;
            let status = shard.store.status(log).unwrap();
            assert_eq!(status.durable_end, status.log_end);
        }
        let all = shard.read(log, Offset(0), Offset(21), 1 << 20).await.unwrap();
        assert_eq!(offsets(&all).len(), 21);
    });
}

#[test]
fn what_nobody_wants_durable_is_written_in_the_background() {
    let temp = tempfile::tempdir().unwrap();
    let settings = StoreSettings { write_delay_ms_max: 20, ..StoreSettings::default() };
    on_shard(settings, |mut shard| async move {
        let log = shard.store.adopt(open_log(temp.path(), &LogSettings::default()));
        shard.append(log, &batch(1, 100, 1)).unwrap();
        shard.until_store(|store| store.memory_bytes().1 == 0).await;
        assert_eq!(shard.store.status(log).unwrap().durable_end, Offset(0));
        assert!(shard.outcomes().is_empty());
        shard.make_durable(log).await;
    });
}

#[test]
fn nothing_is_durable_before_its_write_and_sync_have_completed() {
    let temp = tempfile::tempdir().unwrap();
    on_shard(StoreSettings::default(), |mut shard| async move {
        let log = shard.store.adopt(open_log(temp.path(), &LogSettings::default()));
        shard.append(log, &batch(1, 100, 1)).unwrap();
        shard.make_durable(log).await;
        shard.outcomes();
        shard.fault = Fault::Withhold;
        shard.append(log, &batch(1, 100, 2)).unwrap();
        shard.store.want_durable(log);
        for _ in 0..30 {
            shard.turn().await;
        }
        assert_eq!(shard.store.status(log).unwrap().durable_end, Offset(1));
        assert!(shard.outcomes().is_empty());
        shard.fault = Fault::None;
        let durable = shard.until(|outcome| match outcome {
            Outcome::Committed { durable_end, .. } => Some(*durable_end),
            _ => None,
        });
        assert_eq!(durable.await, Offset(2));
    });
}

#[test]
fn a_failed_sync_ends_the_log_and_is_not_tried_again() {
    let temp = tempfile::tempdir().unwrap();
    on_shard(StoreSettings::default(), |mut shard| async move {
        let log = shard.store.adopt(open_log(temp.path(), &LogSettings::default()));
        shard.append(log, &batch(1, 100, 1)).unwrap();
        shard.make_durable(log).await;
        shard.outcomes();
        shard.append(log, &batch(1, 100, 2)).unwrap();
        shard.store.want_durable(log);
        shard.fault = Fault::Fail(std::io::ErrorKind::Other);
        shard.until(|outcome| matches!(outcome, Outcome::Offline { .. }).then_some(())).await;
        shard.fault = Fault::None;
        shard.store.want_durable(log);
        for _ in 0..30 {
            shard.turn().await;
        }
        assert!(shard.outcomes().is_empty(), "nothing becomes durable any more");
        let refused = shard.append(log, &batch(1, 1, 1));
        assert!(matches!(refused, Err(StorageError::DirectoryOffline { .. })), "{refused:?}");
        let status = shard.store.status(log).unwrap();
        assert_eq!((status.durable_end, status.log_end), (Offset(1), Offset(2)));
        assert_eq!(shard.store.memory_bytes().1, 0, "what cannot be written is no backlog");
        assert_eq!(offsets(&shard.read(log, Offset(0), Offset(1), 100).await.unwrap()), [(0, 0)]);
    });
}

#[test]
fn a_write_that_lacks_space_is_done_again_from_memory() {
    let temp = tempfile::tempdir().unwrap();
    let settings = StoreSettings { retry_ms: 20, write_delay_ms_max: 1, ..StoreSettings::default() };
    on_shard(settings, |mut shard| async move {
        let log = shard.store.adopt(open_log(temp.path(), &LogSettings::default()));
        for i in 0..10 {
            // Written, and not synced.
            shard.append(log, &batch(1, 3000, i)).unwrap();
            shard.until_store(|store| store.memory_bytes().1 == 0).await;
        }
        assert_eq!(shard.store.status(log).unwrap().durable_end, Offset(0));
        shard.fault = Fault::Fail(std::io::ErrorKind::StorageFull);
        shard.store.want_durable(log);
        shard.until(|outcome| matches!(outcome, Outcome::Stalled { .. }).then_some(())).await;
        assert!(matches!(shard.append(log, &batch(1, 1, 1)), Err(StorageError::Stalled(_))));
        assert!(shard.store.memory_bytes().1 > 30_000, "all that is not durable is to be written again");
        shard.fault = Fault::None;
        shard.until(|outcome| matches!(outcome, Outcome::Resumed { .. }).then_some(())).await;
        shard.make_durable(log).await;
        shard.append(log, &batch(1, 1, 1)).unwrap();
    });
}

#[test]
fn followers_keep_the_offsets_of_their_leader() {
    let temp = tempfile::tempdir().unwrap();
    on_shard(StoreSettings::default(), |mut shard| async move {
        let log = shard.store.adopt(open_log(temp.path(), &SMALL));
        let at = |offset| {
            let bytes = stamped(&batch(2, 100, 1), Offset(offset));
            (record::BatchHeader::parse(&bytes).unwrap(), bytes)
        };
        for offset in [0, 2, 10, 12] {
            let (header, bytes) = at(offset);
            shard.store.append_replica(log, &header, &bytes).unwrap();
        }
        let (header, bytes) = at(11);
        let error = shard.store.append_replica(log, &header, &bytes).unwrap_err();
        assert!(matches!(error, StorageError::OutOfOrder { expected: Offset(14), got: Offset(11) }));
        for from in [4, 7, 10] {
            let found = shard.read(log, Offset(from), Offset(14), 1).await.unwrap();
            assert_eq!(offsets(&found), [(10, 11)], "a gap is passed over");
        }
        shard.make_durable(log).await;
        drop(shard);
        let opened = open_log(temp.path(), &SMALL);
        assert_eq!((opened.log_end(), opened.recovery().cut_bytes), (Offset(14), 0));
    });
}

#[test]
fn a_log_that_is_removed_or_closed_while_it_is_cut_ends_as_it_should() {
    for closes in [false, true] {
        let temp = tempfile::tempdir().unwrap();
        on_shard(StoreSettings::default(), move |mut shard| async move {
            let log = shard.store.adopt(open_log(temp.path(), &SMALL));
            for i in 0..300 {
                shard.append(log, &batch(10, 100, i)).unwrap();
            }
            shard.make_durable(log).await;
            let (store, reactor) = shard.parts();
            store.truncate(log, Offset(1500), reactor).unwrap();
            if closes {
                shard.close().await;
                drop(shard);
                assert_eq!(open_log(temp.path(), &SMALL).log_end(), Offset(1500));
            } else {
                shard.remove(log, Uuid::from_random([5; 16])).await;
                assert!(!log_path(temp.path()).exists());
            }
        });
    }
}

#[test]
fn a_clean_stop_leaves_files_of_their_real_size() {
    let temp = tempfile::tempdir().unwrap();
    on_shard(StoreSettings::default(), |mut shard| async move {
        let log = shard.store.adopt(open_log(temp.path(), &SMALL));
        for i in 0..150 {
            shard.append(log, &batch(10, 100, i)).unwrap();
        }
        shard.make_durable(log).await;
        let size = shard.store.status(log).unwrap().size_bytes;
        shard.close().await;
        let (mut logs, mut others) = (0, Vec::new());
        for entry in std::fs::read_dir(log_path(temp.path())).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            match name.rsplit_once('.') {
                Some((_, "log")) => logs += entry.metadata().unwrap().len(),
                Some((_, "index" | "timeindex")) => {}
                _ => others.push(name),
            }
        }
        assert_eq!((logs, others), (size, vec!["partition.metadata".to_owned()]));
    });
}

#[test]
fn a_checkpoint_says_nothing_of_what_is_not_durable() {
    let temp = tempfile::tempdir().unwrap();
    let settings = StoreSettings { checkpoint_interval_ms: 1, ..without_journal() };
    on_shard(settings, |mut shard| async move {
        let log = shard.store.adopt(open_log(temp.path(), &LogSettings::default()));
        shard.append(log, &batch(1, 100, 0)).unwrap();
        shard.make_durable(log).await;
        shard.fault = Fault::Withhold;
        let began = std::time::Instant::now();
        while began.elapsed().as_millis() < 400 {
            shard.append(log, &batch(1, 100, 0)).unwrap();
            shard.store.want_durable(log);
            shard.turn().await;
        }
        let checkpoint = temp.path().join("recovery-point-offset-checkpoint");
        assert_eq!(std::fs::read_to_string(checkpoint).unwrap(), "0\n1\norders 0 1\n");
        shard.fault = Fault::None;
        shard.make_durable(log).await;
    });
}
