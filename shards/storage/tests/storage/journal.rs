//! What the journal makes durable: found again after a crash, whatever happened to it meanwhile.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use strome_storage::{LogId, LogName, LogSettings, OpenedLog, Store, StoreSettings};
use types::{Offset, PartitionIndex, TopicName, Uuid};

use crate::driver::*;

const SMALL: LogSettings = LogSettings {
    segment_bytes: 50_000,
    segment_ms: i64::MAX,
    segment_jitter_ms: 0,
    delete_delay_ms: 0,
    segment_index_bytes: 10 << 20,
    index_interval_bytes: 4096,
    retention_ms: -1,
    retention_bytes: -1,
    deletes: true,
};

pub fn name_of(number: usize) -> LogName {
    LogName { topic: TopicName::new("many").unwrap(), partition: PartitionIndex(number as i32) }
}

/// One after the other in one directory.
fn open_all(path: &Path, count: usize, settings: &LogSettings) -> Vec<OpenedLog> {
    let dir = open_dir(path);
    (0..count).map(|number| dir.open_log(&name_of(number), TOPIC, settings).unwrap()).collect()
}

pub fn journals(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> =
        entries.filter(|path| path.to_str().unwrap().contains("strome-journal.")).collect();
    found.sort();
    found
}

/// Bytes of all segments of a log, as their files are.
fn segment_bytes(path: &Path, log: &LogName) -> u64 {
    let Ok(entries) = fs::read_dir(path.join(log.to_string())) else { return 0 };
    let logs =
        entries.map(|entry| entry.unwrap()).filter(|e| e.path().extension().is_some_and(|e| e == "log"));
    logs.map(|entry| entry.metadata().unwrap().len()).sum()
}

/// Appends a batch of one record to each log and makes all of them durable.
async fn round(shard: &mut Shard, logs: &[LogId], value_bytes: usize, timestamp: i64) {
    for log in logs {
        shard.append_patiently(*log, &batch(1, value_bytes, timestamp)).await;
        shard.store.want_durable(*log);
    }
    for log in logs {
        shard.make_durable(*log).await;
    }
}

/// The same so many times.
async fn rounds(shard: &mut Shard, logs: &[LogId], times: usize, value_bytes: usize) {
    for i in 0..times {
        round(shard, logs, value_bytes, i as i64).await;
    }
}

/// Opens the journal: the first commit goes past it.
async fn warm_up(shard: &mut Shard, log: LogId) {
    shard.append(log, &batch(1, 10, 0)).unwrap();
    shard.make_durable(log).await;
    for _ in 0..50 {
        shard.turn().await;
    }
}

/// Opens `count` logs and the journal.
async fn adopt_all(shard: &mut Shard, path: &Path, count: usize) -> Vec<LogId> {
    let opened = open_all(path, count, &SMALL);
    let logs: Vec<LogId> = opened.into_iter().map(|log| shard.store.adopt(log)).collect();
    warm_up(shard, logs[0]).await;
    logs
}

/// Does `work` with `count` logs and the journal, and nothing to bring it to an end.
fn on_logs<Work>(path: &Path, count: usize, store: StoreSettings, work: Work)
where
    Work: AsyncFnOnce(&mut Shard, &[LogId]) + Send + 'static,
{
    let owned = path.to_owned();
    on_shard(store, async move |mut shard| {
        let logs = adopt_all(&mut shard, &owned, count).await;
        work(&mut shard, &logs).await;
    });
}

/// Leaves `count` logs with `times` small batches each that are in the journal only, but for the first of log 0.
pub fn crashed(path: &Path, count: usize, times: usize, store: StoreSettings) {
    on_logs(path, count, store, async move |shard, logs| rounds(shard, logs, times, 300).await);
}

fn check_all(path: &Path, count: usize, rounds: usize) {
    for (number, log) in open_all(path, count, &SMALL).iter().enumerate() {
        let expected = rounds as i64 + i64::from(number == 0);
        assert_eq!(log.log_end(), Offset(expected), "log {number}");
        assert_eq!(all(log), (0..expected).collect::<Vec<_>>(), "log {number}");
        assert_eq!(log.recovery().damage, []);
    }
}

#[test]
fn small_commits_are_in_the_journal_first_and_in_segments_after_the_next_start() {
    let temp = tempfile::tempdir().unwrap();
    crashed(temp.path(), 20, 30, StoreSettings::default());
    assert_eq!(journals(temp.path()).len(), 1);
    for number in 1..20 {
        assert_eq!(segment_bytes(temp.path(), &name_of(number)), 0, "no segment was touched");
    }
    check_all(temp.path(), 20, 30);
    // Once in the segments, nobody needs the journal.
    for journal in journals(temp.path()) {
        fs::remove_file(journal).unwrap();
    }
    check_all(temp.path(), 20, 30);
}

#[test]
fn logs_that_are_not_opened_keep_what_the_journal_has_of_them_over_many_starts() {
    let temp = tempfile::tempdir().unwrap();
    crashed(temp.path(), 4, 10, StoreSettings::default());
    for _ in 0..3 {
        let owned = temp.path().to_owned();
        on_shard(StoreSettings::default(), move |mut shard| async move {
            let opened = open_dir(&owned).open_log(&name_of(0), TOPIC, &SMALL).unwrap();
            let log = shard.store.adopt(opened);
            warm_up(&mut shard, log).await;
            round(&mut shard, &[log], 300, 1).await;
        });
    }
    let dir = open_dir(temp.path());
    for number in 1..4 {
        let log = dir.open_log(&name_of(number), TOPIC, &SMALL).unwrap();
        assert_eq!(all(&log), (0..10).collect::<Vec<_>>(), "log {number}");
    }
}

#[test]
fn a_commit_that_is_torn_anywhere_is_not_there_and_those_before_are() {
    let temp = tempfile::tempdir().unwrap();
    crashed(temp.path(), 3, 5, StoreSettings::default());
    let journal = journals(temp.path()).remove(0);
    let whole = fs::read(&journal).unwrap();
    // The last commit begins in the last block that is not empty.
    let last = whole.chunks(4096).rposition(|block| block.iter().any(|byte| *byte != 0)).unwrap() * 4096;
    let end = last + whole[last..last + 4096].iter().rposition(|byte| *byte != 0).unwrap();
    for at in (last..=end).step_by(7) {
        let copy = tempfile::tempdir().unwrap();
        for number in 0..3 {
            let (from, to) = (
                temp.path().join(name_of(number).to_string()),
                copy.path().join(name_of(number).to_string()),
            );
            fs::create_dir(&to).unwrap();
            for entry in fs::read_dir(from).unwrap() {
                let entry = entry.unwrap();
                fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
            }
        }
        let mut torn = whole.clone();
        torn[at] ^= 0x40;
        fs::write(copy.path().join(journal.file_name().unwrap()), torn).unwrap();
        let ends: Vec<i64> = open_all(copy.path(), 3, &SMALL).iter().map(|log| log.log_end().0).collect();
        assert!(ends[0] >= 5 && ends[1] >= 4 && ends[2] >= 4, "at {at}: {ends:?}");
        assert!(ends.iter().sum::<i64>() < 16, "at {at}: a damaged commit was believed: {ends:?}");
    }
}

#[test]
fn damage_in_the_middle_of_a_journal_is_kept_and_leaves_no_hole_in_a_log() {
    let temp = tempfile::tempdir().unwrap();
    crashed(temp.path(), 3, 8, StoreSettings::default());
    let journal = journals(temp.path()).remove(0);
    let file = fs::File::options().write(true).open(&journal).unwrap();
    file.write_all_at(&[0x55; 100], 8192 + 3 * 4096 + 200).unwrap();
    let opened = open_all(temp.path(), 3, &SMALL);
    for log in &opened {
        let expected = (0..log.log_end().0).collect::<Vec<_>>();
        assert_eq!(all(log), expected, "what follows the hole is not taken for what follows the log");
    }
    assert!(opened.iter().any(|log| !log.recovery().damage.is_empty()));
    let damaged = journals(temp.path()).into_iter().find(|path| path.to_str().unwrap().ends_with(".damaged"));
    assert!(damaged.is_some(), "the file is kept for whoever wants to look at it");
}

#[test]
fn a_journal_that_is_too_small_is_emptied_into_segments_again_and_again() {
    let temp = tempfile::tempdir().unwrap();
    let store = StoreSettings { journal_bytes_max: 64 * 1024, ..StoreSettings::default() };
    crashed(temp.path(), 10, 200, store);
    assert_eq!(fs::metadata(&journals(temp.path())[0]).unwrap().len(), 64 * 1024);
    check_all(temp.path(), 10, 200);
    let name = journals(temp.path()).remove(0);
    assert!(!name.to_str().unwrap().ends_with("damaged"), "what an earlier lap has left is no damage");
}

#[test]
fn a_journal_grows_while_it_is_used() {
    let temp = tempfile::tempdir().unwrap();
    let owned = temp.path().to_owned();
    on_shard(StoreSettings::default(), move |mut shard| async move {
        let logs = adopt_all(&mut shard, &owned, 8).await;
        let len = |owned: &Path| fs::metadata(&journals(owned)[0]).unwrap().len();
        let before = len(&owned);
        for i in 0..400 {
            round(&mut shard, &logs, 2000, i).await;
            if len(&owned) > before {
                return;
            }
        }
        panic!("it is still {before} bytes long");
    });
}

#[test]
fn what_was_cut_off_does_not_come_back_from_the_journal() {
    let temp = tempfile::tempdir().unwrap();
    on_logs(temp.path(), 2, StoreSettings::default(), async |shard, logs| {
        rounds(shard, logs, 20, 300).await;
        assert_eq!(shard.truncate(logs[1], Offset(5)).await, Offset(5));
        round(shard, &logs[..1], 300, 1).await;
    });
    let opened = open_all(temp.path(), 2, &SMALL);
    assert_eq!((opened[0].log_end(), opened[1].log_end()), (Offset(22), Offset(5)));
}

#[test]
fn what_follows_a_truncation_is_replayed_and_what_it_cut_off_is_not() {
    let temp = tempfile::tempdir().unwrap();
    on_logs(temp.path(), 2, StoreSettings::default(), async |shard, logs| {
        rounds(shard, logs, 10, 300).await;
        shard.truncate(logs[1], Offset(5)).await;
        rounds(shard, logs, 2, 77).await;
    });
    let opened = open_all(temp.path(), 2, &SMALL);
    let mut sizes = Vec::new();
    opened[1].replay(Offset(0), |header, _| sizes.push(header.batch_len_bytes)).unwrap();
    assert_eq!(sizes.len(), 7);
    assert!(sizes[4] > 300 && sizes[5] < 300 && sizes[6] < 300, "{sizes:?}");
}

#[test]
fn a_log_of_the_same_name_does_not_inherit_what_the_journal_has_of_a_removed_one() {
    let temp = tempfile::tempdir().unwrap();
    on_logs(temp.path(), 2, StoreSettings::default(), async |shard, logs| {
        rounds(shard, logs, 10, 300).await;
        shard.remove(logs[1], Uuid([4; 16])).await;
    });
    let dir = open_dir(temp.path());
    let other = dir.open_log(&name_of(1), Uuid([8; 16]), &SMALL).unwrap();
    assert_eq!(other.log_end(), Offset(0));
    drop(other);
    assert_eq!(dir.open_log(&name_of(0), TOPIC, &SMALL).unwrap().log_end(), Offset(11));
    drop(dir);
    let owned = temp.path().to_owned();
    on_shard(StoreSettings::default(), move |mut shard| async move {
        let opened = open_dir(&owned).open_log(&name_of(0), TOPIC, &SMALL).unwrap();
        let log = shard.store.adopt(opened);
        warm_up(&mut shard, log).await;
        assert_eq!(journals(&owned).len(), 1, "nobody waits for the removed log: the journal is used again");
    });
}

#[test]
fn what_a_journal_held_of_a_log_that_was_cut_does_not_come_back_while_others_still_need_it() {
    let temp = tempfile::tempdir().unwrap();
    crashed(temp.path(), 2, 10, StoreSettings::default());
    let owned = temp.path().to_owned();
    on_shard(StoreSettings::default(), move |mut shard| async move {
        let opened = open_dir(&owned).open_log(&name_of(0), TOPIC, &SMALL).unwrap();
        let log = shard.store.adopt(opened);
        assert_eq!(shard.truncate(log, Offset(4)).await, Offset(4));
    });
    let opened = open_all(temp.path(), 2, &SMALL);
    assert_eq!((opened[0].log_end(), opened[1].log_end()), (Offset(4), Offset(10)));
    assert_eq!(opened[0].recovery().damage, []);
}

#[test]
fn after_a_clean_stop_a_journal_says_nothing() {
    let temp = tempfile::tempdir().unwrap();
    let owned = temp.path().to_owned();
    on_shard(StoreSettings::default(), move |mut shard| async move {
        let logs = adopt_all(&mut shard, &owned, 3).await;
        rounds(&mut shard, &logs, 10, 300).await;
        shard.close().await;
        drop(shard);
        mark_clean(&owned);
    });
    // Somebody shortens the log while no broker runs.
    let path = temp.path().join(name_of(1).to_string()).join("00000000000000000000.log");
    let log = fs::read(&path).unwrap();
    fs::write(&path, &log[..log.len() / 2]).unwrap();
    assert!(open_all(temp.path(), 3, &SMALL)[1].log_end() < Offset(10));
}

#[test]
fn what_the_journal_holds_goes_to_its_segment_in_small_pieces_that_are_synced_together() {
    const PIECE_BYTES: usize = 64 * 1024;
    const VALUE_BYTES: usize = 10_000;
    let temp = tempfile::tempdir().unwrap();
    let owned = temp.path().to_owned();
    let store = StoreSettings { write_back_bytes: PIECE_BYTES as u64, ..StoreSettings::default() };
    on_shard(store, move |mut shard| async move {
        let settings = LogSettings { segment_bytes: 16 << 20, ..SMALL };
        let log = shard.store.adopt(open_dir(&owned).open_log(&name_of(0), TOPIC, &settings).unwrap());
        warm_up(&mut shard, log).await;
        let written = |store: &Store| store.levels().unwritten_bytes < 2 * PIECE_BYTES;
        let used_bytes = |store: &Store| store.levels().journals[0].used_bytes;
        rounds(&mut shard, &[log], 60, VALUE_BYTES).await;
        shard.until_store(written).await;
        let first = shard.store.figures().write_backs.clone();
        let least = 60 * VALUE_BYTES as u64;
        assert!(first.durations.count() >= 3 && first.bytes >= least / 2, "{first:?}");
        assert!(used_bytes(&shard.store) >= least, "the journal lets go of what was not synced");
        rounds(&mut shard, &[log], 60, VALUE_BYTES).await;
        shard.until_store(|store| written(store) && used_bytes(store) < least).await;
    });
}

#[test]
fn records_that_look_like_a_commit_are_records() {
    let temp = tempfile::tempdir().unwrap();
    crashed(temp.path(), 2, 4, StoreSettings::default());
    let image = fs::read(&journals(temp.path())[0]).unwrap();
    check_all(temp.path(), 2, 4);
    // A producer sends a copy of an older journal, and these bytes lie at block boundaries of the new one.
    on_logs(temp.path(), 2, StoreSettings::default(), async move |shard, logs| {
        let used = &image[8192..8192 + 5 * 4096];
        for shift in (0..4096).step_by(1000) {
            let value = [&vec![0; shift], used].concat();
            let mut builder = record::BatchBuilder::new(record::BatchOptions::default());
            builder.push(types::TimestampMs(1), None, Some(&value), &[]).unwrap();
            let bytes = builder.build().unwrap();
            let batch = record::ValidBatch { header: record::BatchHeader::parse(&bytes).unwrap(), bytes };
            shard.append(logs[1], &batch).unwrap();
            shard.make_durable(logs[1]).await;
        }
    });
    let opened = open_all(temp.path(), 2, &SMALL);
    assert_eq!((opened[0].log_end(), opened[1].log_end()), (Offset(6), Offset(4 + 5)));
}
