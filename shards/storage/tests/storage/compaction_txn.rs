//! Compaction of logs with transactions, and of idempotent producers.

use std::fs;
use std::path::Path;

use record::{
    BatchBuilder, BatchHeader, BatchOptions, EndTxnMarker, ProducerStamp, TxnOutcome, ValidBatch, decompress,
};
use strome_storage::{
    CompactionBounds, CompactionLimits, CompactionPool, CompactionSettings, LastRecord, LogId,
};
use types::{Offset, ProducerEpoch, ProducerId, Sequence, TimestampMs};

use crate::compaction::{COMPACTION, SETTINGS, compact, fill_and_compact, from_files};
use crate::driver::*;

fn transactional(producer: i64) -> BatchOptions {
    let id = ProducerId(producer);
    let producer = ProducerStamp { id, epoch: ProducerEpoch(0), base_sequence: Sequence(0) };
    BatchOptions { producer, transactional: true, ..BatchOptions::default() }
}

async fn append(shard: &mut Shard, log: LogId, builder: BatchBuilder) {
    let bytes = builder.build().unwrap();
    let batch = ValidBatch { header: BatchHeader::parse(&bytes).unwrap(), bytes };
    shard.append_patiently(log, &batch).await;
}

async fn put(shard: &mut Shard, log: LogId, producer: i64, key: &str, value: &str) {
    let mut builder = BatchBuilder::new(transactional(producer));
    builder.push(now(), Some(key.as_bytes()), Some(value.as_bytes()), &[]).unwrap();
    append(shard, log, builder).await;
}

async fn end(shard: &mut Shard, log: LogId, producer: i64, outcome: TxnOutcome) {
    let mut options = transactional(producer);
    options.control = true;
    options.producer.base_sequence = Sequence::NONE;
    let mut builder = BatchBuilder::new(options);
    builder.push_marker(now(), &EndTxnMarker { outcome, coordinator_epoch: 0 }).unwrap();
    append(shard, log, builder).await;
}

/// Every batch below `end`: its offset, and its value or what else it is.
async fn told(shard: &mut Shard, log: LogId, end: i64) -> Vec<(i64, String)> {
    let (mut from, mut told) = (Offset(0), Vec::new());
    while from.0 < end {
        let bytes = shard.read(log, from, Offset(end), 1).await.unwrap();
        let Ok(header) = BatchHeader::parse(&bytes) else { break };
        let records = decompress(&bytes, 1 << 20).unwrap();
        let what = match records.iter().next() {
            _ if header.is_control() => "marker".to_owned(),
            Some(record) => String::from_utf8(record.unwrap().value.unwrap().to_vec()).unwrap(),
            None => "empty".to_owned(),
        };
        told.push((header.base_offset.0, what));
        from = header.next_offset();
    }
    told
}

/// Offsets 0 to 7: "old" is committed, "aborted" is not, and 7 is somebody else's.
async fn write(shard: &mut Shard, log: LogId) {
    put(shard, log, 1, "key", "old").await;
    end(shard, log, 1, TxnOutcome::Commit).await;
    put(shard, log, 2, "key", "aborted").await;
    put(shard, log, 3, "other", "committed").await;
    put(shard, log, 2, "other", "aborted").await;
    end(shard, log, 2, TxnOutcome::Abort).await;
    end(shard, log, 3, TxnOutcome::Commit).await;
}

fn open(shard: &mut Shard, path: &Path) -> LogId {
    let log = shard.store.adopt(open_log(path, &SETTINGS));
    shard.store.use_compaction_pool(CompactionPool::new(CompactionLimits::default()));
    shard.store.set_compaction(log, Some(CompactionSettings { delete_retention_ms: 0, ..COMPACTION }));
    log
}

/// The index entry of producer 2's transaction.
fn index_entry() -> Vec<u8> {
    let numbers = [2_i64, 2, 5, 3];
    [&[0, 0][..], &numbers.map(i64::to_be_bytes).concat()].concat()
}

fn pairs(told: &[(i64, &str)]) -> Vec<(i64, String)> {
    told.iter().map(|(offset, what)| (*offset, (*what).to_owned())).collect()
}

#[test]
fn what_was_aborted_goes_and_its_marker_follows() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().to_owned();
    on_shard(from_files(), move |mut shard| async move {
        let log = open(&mut shard, &path);
        write(&mut shard, log).await;
        let index = log_path(&path).join("00000000000000000000.txnindex");
        fs::write(&index, index_entry()).unwrap();
        fill_and_compact(&mut shard, log).await;
        // Markers stay while their records were there, and so does the index; then they get their horizon.
        let first = [(0, "old"), (1, "marker"), (3, "committed"), (5, "marker"), (6, "marker")];
        assert_eq!(told(&mut shard, log, 7).await, pairs(&first));
        assert_eq!(fs::read(&index).unwrap(), index_entry());
        fill_and_compact(&mut shard, log).await;
        assert_eq!(told(&mut shard, log, 7).await, pairs(&first));
        assert!(!index.exists(), "nobody has to know of a transaction without records");
        fill_and_compact(&mut shard, log).await;
        let last = [(0, "old"), (1, "marker"), (3, "committed"), (6, "marker")];
        assert_eq!(told(&mut shard, log, 7).await, pairs(&last));
        shard.close().await;
    });
}

#[test]
fn an_abort_that_no_index_knows_supersedes_nothing_and_stays() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().to_owned();
    on_shard(from_files(), move |mut shard| async move {
        let log = open(&mut shard, &path);
        write(&mut shard, log).await;
        for _ in 0..3 {
            fill_and_compact(&mut shard, log).await;
        }
        let all = [
            (0, "old"),
            (1, "marker"),
            (2, "aborted"),
            (3, "committed"),
            (4, "aborted"),
            (5, "marker"),
            (6, "marker"),
        ];
        assert_eq!(told(&mut shard, log, 7).await, pairs(&all));
        shard.close().await;
    });
}

#[test]
fn what_may_still_be_aborted_is_left_for_another_time() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().to_owned();
    on_shard(from_files(), move |mut shard| async move {
        let log = open(&mut shard, &path);
        put(&mut shard, log, 1, "key", "old").await;
        end(&mut shard, log, 1, TxnOutcome::Commit).await;
        put(&mut shard, log, 2, "key", "open").await;
        let mut builder = BatchBuilder::new(BatchOptions::default());
        builder.push(TimestampMs(1), Some(b"filler"), Some(&[1; 3900]), &[]).unwrap();
        append(&mut shard, log, builder).await;
        shard.make_durable(log).await;
        for _ in 0..60 {
            shard.turn().await;
        }
        // The caller is wrong: it takes the open transaction for decided.
        let bounds = CompactionBounds { below: Offset(4), ..CompactionBounds::default() };
        let report = compact(&mut shard, log, bounds).await.unwrap().unwrap();
        assert_eq!(report.to, Offset(2), "up to where the transaction began");
        assert_eq!(told(&mut shard, log, 3).await, pairs(&[(0, "old"), (1, "marker"), (2, "open")]));
        shard.close().await;
    });
}

#[test]
fn the_last_batch_of_a_producer_stays_without_its_records() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().to_owned();
    on_shard(from_files(), move |mut shard| async move {
        let log = open(&mut shard, &path);
        for sequence in 0..2 {
            let mut options = BatchOptions { transactional: false, ..transactional(7) };
            options.producer.base_sequence = Sequence(sequence);
            let mut builder = BatchBuilder::new(options);
            builder.push(now(), Some(b"filler"), Some(b"superseded"), &[]).unwrap();
            append(&mut shard, log, builder).await;
        }
        let mut builder = BatchBuilder::new(BatchOptions::default());
        for _ in 0..3 {
            builder.push(now(), Some(b"filler"), Some(&[1; 1200]), &[]).unwrap();
        }
        append(&mut shard, log, builder.clone()).await;
        append(&mut shard, log, builder).await;
        shard.make_durable(log).await;
        for _ in 0..60 {
            shard.turn().await;
        }
        let last = |last_offset| LastRecord {
            producer_id: ProducerId(7),
            epoch: ProducerEpoch(0),
            last_offset: Some(Offset(last_offset)),
        };
        let bounds = CompactionBounds { below: Offset(8), producers: vec![last(1)] };
        compact(&mut shard, log, bounds).await.unwrap().unwrap();
        let left = shard.read(log, Offset(0), Offset(8), 1).await.unwrap();
        let header = BatchHeader::parse(&left).unwrap();
        assert_eq!((header.base_offset, header.last_sequence()), (Offset(1), Sequence(1)));
        assert_eq!((header.record_count, header.producer_id), (0, ProducerId(7)));
        shard.close().await;
    });
}
