//! Directories that earlier versions, and Kafka, have left: they have to open for ever.

use std::fs;
use std::path::{Path, PathBuf};

use record::decompress;
use strome_storage::{LogDir, LogSettings, StoreSettings};
use types::{BrokerId, Offset, TopicId};

use crate::driver::*;

pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// Copies a fixture, which opening would change.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (from, to) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        if from.is_dir() { copy(&from, &to) } else { fs::copy(&from, &to).map(drop).unwrap() }
    }
}

/// The values of all records in whole batches.
fn values(bytes: &[u8]) -> Vec<String> {
    let mut values = Vec::new();
    for batch in record::batches(bytes) {
        let records = decompress(batch.unwrap().1, 1 << 20).unwrap();
        for record in records.iter() {
            values.push(String::from_utf8(record.unwrap().value.unwrap().to_vec()).unwrap());
        }
    }
    values
}

#[test]
fn a_directory_that_kafka_has_left_is_taken_over() {
    let temp = tempfile::tempdir().unwrap();
    copy(&fixture("kafka-4.3"), temp.path());
    let dir = LogDir::open(temp.path()).unwrap();
    assert!(dir.was_clean());
    let meta = dir.meta_properties().unwrap().unwrap();
    assert_eq!((meta.cluster_id.as_str(), meta.node_id), ("JVR7BQ_5SXO4RsQhDI70Rw", BrokerId(1)));
    let logs = dir.logs().unwrap();
    let (name, topic): (_, TopicId) = (logs[0].0.clone(), logs[0].1.unwrap());
    assert_eq!((logs.len(), &name), (1, &log_name()));
    let opened = dir.open_log(&name, topic, &LogSettings::default()).unwrap();
    assert_eq!((opened.log_start(), opened.log_end()), (Offset(0), Offset(180)));
    assert!(opened.recovery().damage.is_empty() && opened.recovery().scanned_bytes < 1500);
    assert_eq!(opened.producer_snapshots(), [Offset(180)]);
    assert_eq!(opened.leader_epochs().unwrap().as_deref(), Some("0\n1\n0 0\n"));
    on_shard(StoreSettings::default(), |mut shard| async move {
        let log = shard.store.adopt(opened);
        let mut found = Vec::new();
        while found.len() < 180 {
            let from = Offset(found.len() as i64);
            found.extend(values(&shard.read(log, from, Offset(180), 500).await.unwrap()));
        }
        let expected = ["none", "gzip", "zstd"].map(|c| (1..=60).map(move |n| format!("{c}-{n}")));
        assert_eq!(found, expected.into_iter().flatten().collect::<Vec<_>>());
        assert_eq!(shard.append(log, &batch(1, 10, 1)).unwrap().first_offset, Offset(180));
        shard.close().await;
    });
}

/// What `strome-1` was made of.
const SETTINGS: LogSettings = LogSettings {
    segment_bytes: 4000,
    segment_ms: i64::MAX,
    segment_jitter_ms: 0,
    segment_index_bytes: 1 << 20,
    index_interval_bytes: 500,
    retention_ms: -1,
    retention_bytes: -1,
    deletes: true,
    delete_delay_ms: 0,
};

#[test]
fn a_directory_of_the_first_version_opens_after_a_clean_stop_and_after_a_crash() {
    for clean in [true, false] {
        let temp = tempfile::tempdir().unwrap();
        copy(&fixture("strome-1"), temp.path());
        if !clean {
            fs::remove_file(temp.path().join(".kafka_cleanshutdown")).unwrap();
            fs::remove_file(temp.path().join("recovery-point-offset-checkpoint")).unwrap();
        }
        let opened = open_log(temp.path(), &SETTINGS);
        assert_eq!((opened.log_start(), opened.log_end()), (Offset(7), Offset(100)));
        assert_eq!(opened.recovery().damage, []);
        assert_eq!(opened.recovery().rebuilt_indexes, if clean { 0 } else { 3 });
        assert_eq!(opened.recovery().scanned_bytes > 9000, !clean);
        assert_eq!(opened.producer_snapshot(Offset(100)).unwrap(), b"state of producers");
        assert_eq!(opened.leader_epochs().unwrap().as_deref(), Some("0\n1\n3 0\n"));
        let mut count = 0;
        opened
            .replay(Offset(0), |_, bytes| {
                record::check_crc(bytes).unwrap();
                count += 1;
            })
            .unwrap();
        assert_eq!(count, 100);
    }
}

/// Writes `strome-1`, for when the format changes and a fixture of the new version is needed.
#[test]
#[ignore = "writes into the source tree"]
fn write_the_fixture() {
    let path = fixture("strome-1");
    let owned = path.clone();
    on_shard(StoreSettings::default(), move |mut shard| async move {
        let log = shard.store.adopt(open_log(&owned, &SETTINGS));
        for i in 0..100 {
            shard.append_patiently(log, &batch(1, 30, 1_700_000_000_000 + i)).await;
            shard.make_durable(log).await;
        }
        let (store, reactor) = shard.parts();
        store.delete_records(log, Offset(7), reactor).unwrap();
        store.save_producer_snapshot(log, Offset(100), b"state of producers".to_vec(), reactor);
        store.save_leader_epochs(log, "0\n1\n3 0\n".to_owned(), reactor);
        shard.close().await;
    });
    mark_clean(&path);
    fs::remove_file(path.join(".lock")).unwrap();
}
