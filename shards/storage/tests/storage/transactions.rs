//! Aborted transactions, as Kafka's transaction indexes tell of them.

use std::fs;

use strome_storage::{AbortedTxn, LogDir, LogSettings, StoreSettings};
use types::{Offset, ProducerId};

use crate::driver::*;
use crate::fixtures::{copy, fixture};

fn txn(producer: i64, first: i64, last: i64, stable: i64) -> AbortedTxn {
    AbortedTxn {
        producer_id: ProducerId(producer),
        first_offset: Offset(first),
        last_offset: Offset(last),
        last_stable_offset: Offset(stable),
    }
}

const SMALL: fn() -> LogSettings =
    || LogSettings { segment_bytes: 1000, delete_delay_ms: 0, ..LogSettings::default() };

#[test]
fn the_indexes_that_kafka_has_left_tell_of_the_transactions_that_were_aborted() {
    let temp = tempfile::tempdir().unwrap();
    copy(&fixture("kafka-4.3-transactions"), temp.path());
    let dir = LogDir::open(temp.path()).unwrap();
    assert!(dir.was_clean());
    let topic = dir.logs().unwrap()[0].1.unwrap();
    let opened = dir.open_log(&log_name(), topic, &LogSettings::default()).unwrap();
    assert_eq!((opened.log_end(), opened.damaged_transaction_index()), (Offset(21), None));
    on_shard(StoreSettings::default(), |mut shard| async move {
        let log = shard.store.adopt(opened);
        let all = [txn(0, 0, 4, 2), txn(0, 7, 8, 9), txn(1, 9, 14, 15), txn(0, 15, 17, 18)];
        let between = |from, up_to| shard.store.aborted(log, Offset(from), Offset(up_to));
        assert_eq!(between(0, 21), all);
        assert_eq!(between(0, 3), all[..1]);
        assert_eq!(between(5, 10), all[1..3]);
        assert_eq!(between(18, 21), []);
        assert!(shard.store.has_aborted(log, Offset(17)) && !shard.store.has_aborted(log, Offset(18)));
    });
}

#[test]
fn an_abort_is_in_an_index_before_a_snapshot_is_beside_the_log_and_goes_with_its_segment() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().to_owned();
    on_shard(StoreSettings::default(), move |mut shard| async move {
        let log = shard.store.adopt(open_log(&path, &SMALL()));
        for i in 0..30 {
            shard.append(log, &batch(1, 200, i)).unwrap();
        }
        let aborted = [txn(1, 0, 2, 3), txn(2, 10, 12, 13), txn(1, 11, 28, 29)];
        aborted.into_iter().for_each(|entry| shard.store.note_aborted(log, entry));
        shard.make_durable(log).await;
        let indexes = || {
            let names = fs::read_dir(log_path(&path)).unwrap().map(|e| e.unwrap().file_name());
            names.filter(|name| name.to_string_lossy().ends_with(".txnindex")).count()
        };
        assert_eq!(indexes(), 0);
        let (store, reactor) = shard.parts();
        store.save_producer_snapshot(log, Offset(30), b"producers".to_vec(), reactor);
        let snapshot = log_path(&path).join("00000000000000000030.snapshot");
        shard.until_store(|_| snapshot.exists()).await;
        assert_eq!(indexes(), 3, "each in its segment");
        // Dropped with its segment, and cut with the log.
        let (store, reactor) = shard.parts();
        store.delete_records(log, Offset(9), reactor).unwrap();
        let began = std::time::Instant::now();
        while indexes() == 3 {
            assert!(began.elapsed().as_secs() < 20, "nothing is dropped");
            shard.turn().await;
            let (store, reactor) = shard.parts();
            store.apply_retention(log, Offset(30), types::TimestampMs(0), reactor).unwrap();
        }
        assert_eq!(shard.store.aborted(log, Offset(0), Offset(30)), aborted[1..]);
        assert_eq!(shard.truncate(log, Offset(20)).await, Offset(20));
        assert_eq!(shard.store.aborted(log, Offset(0), Offset(30)), aborted[1..2]);
        shard.close().await;
        drop(shard);
        // And the files say the same.
        let opened = open_log(&path, &SMALL());
        let mut shard = Shard::new(StoreSettings::default());
        let log = shard.store.adopt(opened);
        assert_eq!(shard.store.aborted(log, Offset(0), Offset(30)), aborted[1..2]);
    });
}

#[test]
fn an_index_that_speaks_of_records_that_are_gone_or_is_damaged_is_not_believed() {
    let temp = tempfile::tempdir().unwrap();
    copy(&fixture("kafka-4.3-transactions"), temp.path());
    let log = temp.path().join("orders-0");
    // The log loses its end, with the marker at 17.
    let segment = log.join("00000000000000000015.log");
    let bytes = fs::read(&segment).unwrap();
    fs::write(&segment, &bytes[..100]).unwrap();
    fs::remove_file(temp.path().join(".kafka_cleanshutdown")).unwrap();
    fs::remove_file(temp.path().join("recovery-point-offset-checkpoint")).unwrap();
    fs::write(log.join("00000000000000000008.txnindex"), [0; 33]).unwrap();
    let dir = LogDir::open(temp.path()).unwrap();
    let topic = dir.logs().unwrap()[0].1.unwrap();
    let mut opened = dir.open_log(&log_name(), topic, &LogSettings::default()).unwrap();
    assert!(opened.log_end() < Offset(17));
    assert_eq!(opened.damaged_transaction_index(), Some(Offset(8)));
    assert_eq!(fs::read(log.join("00000000000000000015.txnindex")).unwrap(), [0; 0]);
    // Whoever opens it reads the log again from the segment of the damaged index on.
    let found = vec![txn(0, 7, 8, 9), txn(1, 9, 14, 15)];
    opened.learn_aborted(Offset(8), found.clone());
    on_shard(StoreSettings::default(), move |mut shard| async move {
        let id = shard.store.adopt(opened);
        let all = [vec![txn(0, 0, 4, 2)], found].concat();
        assert_eq!(shard.store.aborted(id, Offset(0), Offset(30)), all);
        let (store, reactor) = shard.parts();
        store.save_producer_snapshot(id, Offset(16), b"producers".to_vec(), reactor);
        let mended = log.join("00000000000000000008.txnindex");
        shard.until_store(|_| fs::read(&mended).is_ok_and(|bytes| bytes.len() == 34)).await;
        let kafkas = fixture("kafka-4.3-transactions").join("orders-0/00000000000000000008.txnindex");
        assert_eq!(fs::read(mended).unwrap(), fs::read(kafkas).unwrap());
    });
}
