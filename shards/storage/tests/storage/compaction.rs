//! Compaction against the simplest thing that it could be: a map from keys to their last records.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use record::{BatchBuilder, BatchHeader, BatchOptions, Compression, ProducerStamp, ValidBatch, decompress};
use strome_storage::{
    CompactionBounds, CompactionLimits, CompactionPool, CompactionReport, CompactionSettings, LastRecord,
    LogId, LogSettings, OpenedLog, Outcome, StorageError, StoreSettings,
};
use types::{Offset, ProducerEpoch, ProducerId, Sequence, TimestampMs};

use crate::driver::*;

pub const SETTINGS: LogSettings = LogSettings {
    segment_bytes: 4_000,
    segment_ms: i64::MAX,
    segment_jitter_ms: 0,
    segment_index_bytes: 1 << 20,
    index_interval_bytes: 500,
    retention_ms: -1,
    retention_bytes: -1,
    deletes: false,
    delete_delay_ms: 0,
};

pub const COMPACTION: CompactionSettings =
    CompactionSettings { min_dirty_ratio: 0.0, min_lag_ms: 0, max_lag_ms: i64::MAX, delete_retention_ms: 0 };

/// A store whose readers go to the files.
pub fn from_files() -> StoreSettings {
    StoreSettings {
        cache_bytes_max: 0,
        chunk_bytes_min: 512,
        chunk_bytes_max: 512,
        ..StoreSettings::default()
    }
}

/// One record as it was appended.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Written {
    timestamp: i64,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
}

/// Everything that was ever appended, by offset.
#[derive(Clone, Default)]
struct Model {
    records: BTreeMap<i64, Written>,
    /// The last batch of each producer: its last offset and sequence.
    producers: BTreeMap<i64, (i64, i32)>,
    clock: i64,
}

impl Model {
    /// A batch of some records, noted at the offsets from `at` on.
    fn batch(&mut self, at: i64, random: &mut Random, keys: u64) -> ValidBatch {
        self.clock += 10;
        let producer_id = random.below(4) as i64;
        let sequence = self.producers.get(&producer_id).map_or(0, |(_, last)| last + 1);
        let producer = match producer_id {
            0 => ProducerStamp::NONE,
            id => ProducerStamp {
                id: ProducerId(id),
                epoch: ProducerEpoch(0),
                base_sequence: Sequence(sequence),
            },
        };
        let compression = Compression::ALL[random.below(5) as usize];
        let mut builder =
            BatchBuilder::new(BatchOptions { compression, producer, ..BatchOptions::default() });
        let count = 1 + random.below(5) as i64;
        for i in 0..count {
            let key = (!random.one_in(40)).then(|| format!("key-{}", random.below(keys)).into_bytes());
            let value = (!random.one_in(5)).then(|| vec![(at + i) as u8; random.below(120) as usize]);
            let timestamp = self.clock + i;
            builder.push(TimestampMs(timestamp), key.as_deref(), value.as_deref(), &[]).unwrap();
            self.records.insert(at + i, Written { timestamp, key, value });
        }
        if producer_id > 0 {
            self.producers.insert(producer_id, (at + count - 1, sequence + count as i32 - 1));
        }
        let bytes = builder.build().unwrap();
        ValidBatch { header: BatchHeader::parse(&bytes).unwrap(), bytes }
    }

    fn bounds(&self, below: i64) -> CompactionBounds {
        let producers = self.producers.iter().map(|(id, (last, _))| LastRecord {
            producer_id: ProducerId(*id),
            epoch: ProducerEpoch(0),
            last_offset: Some(Offset(*last)),
        });
        CompactionBounds { below: Offset(below), producers: producers.collect() }
    }

    /// The last record of each key at the end.
    fn state(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        state(self.records.values())
    }
}

fn state<'a>(records: impl Iterator<Item = &'a Written>) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut state = BTreeMap::new();
    for record in records {
        let Some(key) = &record.key else { continue };
        match &record.value {
            Some(value) => drop(state.insert(key.clone(), value.clone())),
            None => drop(state.remove(key)),
        }
    }
    state
}

/// What a log holds.
#[derive(Default)]
struct Held {
    records: BTreeMap<i64, Written>,
    headers: Vec<BatchHeader>,
}

impl Held {
    fn add(&mut self, batch: &[u8]) {
        record::check_crc(batch).unwrap();
        let records = decompress(batch, 1 << 20).unwrap();
        let header = *records.header();
        let end = self.headers.last().map_or(Offset(0), BatchHeader::next_offset);
        assert!(header.base_offset >= end, "batches overlap: {header:?} behind {end}");
        self.headers.push(header);
        for record in &records {
            let record = record.unwrap();
            let written = Written {
                timestamp: record.timestamp.0,
                key: record.key.map(<[u8]>::to_vec),
                value: record.value.map(<[u8]>::to_vec),
            };
            assert_eq!(self.records.insert(record.offset.0, written), None);
        }
    }

    fn of(opened: &OpenedLog) -> Self {
        let mut held = Self::default();
        opened.replay(Offset(0), |_, batch| held.add(batch)).unwrap();
        held
    }

    /// Holds what is there against what was appended. Below `compacted` every key has one record at most.
    fn check(&self, model: &Model, compacted: i64, what: &str) {
        for (offset, record) in &self.records {
            assert_eq!(model.records.get(offset), Some(record), "{what}: the record at {offset}");
        }
        assert_eq!(state(self.records.values()), model.state(), "{what}: the state at the end");
        for (offset, record) in model.records.range(compacted..) {
            assert_eq!(self.records.get(offset), Some(record), "{what}: {offset} is not compacted yet");
        }
        let mut last = BTreeMap::new();
        for (offset, record) in self.records.range(..compacted) {
            assert!(record.key.is_some(), "{what}: the record at {offset} has no key");
            if let Some(before) = last.insert(record.key.clone(), offset) {
                panic!("{what}: the records at {before} and {offset} have the same key");
            }
        }
        for (producer, (last_offset, last_sequence)) in &model.producers {
            let found = self.headers.iter().rfind(|header| header.producer_id.0 == *producer).unwrap();
            assert_eq!(
                (found.last_offset().0, found.last_sequence().0),
                (*last_offset, *last_sequence),
                "{what}: producer {producer}"
            );
        }
    }
}

/// Compacts the log and waits for the end of that.
pub async fn compact(
    shard: &mut Shard,
    log: LogId,
    bounds: CompactionBounds,
) -> Option<Result<CompactionReport, StorageError>> {
    let (store, reactor) = shard.parts();
    if !store.compact(log, bounds, reactor) {
        return None;
    }
    Some(
        shard
            .until(|outcome| match outcome {
                Outcome::Compacted { log: of, result } if *of == log => Some(result.clone()),
                _ => None,
            })
            .await,
    )
}

/// A log that is to be compacted, and the limits for that.
fn open(shard: &mut Shard, path: &Path, settings: CompactionSettings, limits: CompactionLimits) -> LogId {
    let log = shard.store.adopt(open_log(path, &SETTINGS));
    shard.store.use_compaction_pool(CompactionPool::new(limits));
    shard.store.set_compaction(log, Some(settings));
    log
}

async fn append_some(shard: &mut Shard, log: LogId, model: &mut Model, random: &mut Random, keys: u64) {
    for _ in 0..10 + random.below(60) {
        let at = shard.store.status(log).unwrap().log_end.0;
        let batch = model.batch(at, random, keys);
        assert_eq!(shard.append_patiently(log, &batch).await.first_offset.0, at);
    }
    settle(shard, log).await;
}

/// Appends some records several times. Returns what the log has to hold then.
async fn fill(shard: &mut Shard, log: LogId, random: &mut Random, times: u32, keys: u64) -> Model {
    let mut model = Model { clock: 1000, ..Model::default() };
    for _ in 0..times {
        append_some(shard, log, &mut model, random, keys).await;
    }
    model
}

/// Starts a compaction of all that the log has, up to the end that is returned.
fn begin(shard: &mut Shard, log: LogId, model: &Model) -> i64 {
    let end = shard.store.status(log).unwrap().log_end.0;
    let (store, reactor) = shard.parts();
    assert!(store.compact(log, model.bounds(end), reactor));
    end
}

/// Makes everything durable, and waits until full segments have it all and their indexes.
async fn settle(shard: &mut Shard, log: LogId) {
    shard.make_durable(log).await;
    for _ in 0..60 {
        shard.turn().await;
    }
}

/// Appends and compacts by turns; the log is opened anew in between.
fn run(seed: u64) {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().to_owned();
    let mut random = Random::new(seed);
    let keys = [5, 40, 400][random.below(3) as usize];
    let limits = CompactionLimits {
        // From few keys to more than there are.
        map_bytes_max: [24 * 5, 24 * 30, 1 << 20][random.below(3) as usize],
        slice_bytes: 64 * 1024,
        ..CompactionLimits::default()
    };
    let delete_retention_ms = [0, 1 << 50][random.below(2) as usize];
    let settings = CompactionSettings { delete_retention_ms, ..COMPACTION };
    let what = format!("seed {seed}");
    let mut model = Model { clock: 1_000_000, ..Model::default() };
    for round in 0..4 {
        let (owned, told) = (path.clone(), what.clone());
        let (sender, receiver) = std::sync::mpsc::channel();
        let (mut its_model, mut its_random) = (model.clone(), random.clone());
        on_shard(from_files(), move |mut shard| async move {
            let log = open(&mut shard, &owned, settings, limits);
            append_some(&mut shard, log, &mut its_model, &mut its_random, keys).await;
            let end = shard.store.status(log).unwrap().log_end.0;
            let below = if its_random.one_in(3) { its_random.below(end as u64) as i64 } else { end };
            let mut passes = 0;
            while let Some(result) = compact(&mut shard, log, its_model.bounds(below)).await {
                let report = result.unwrap();
                assert!(report.to > report.from, "{told}: {report:?}");
                passes += 1;
            }
            let to = shard.store.compacted_to(log).map_or(0, |to| to.0);
            assert!(passes > 0 || to == 0 || below < end || round > 0, "{told}: nothing was compacted");
            // What readers see is the same.
            let mut held = Held::default();
            let mut from = Offset(0);
            while from.0 < end {
                let bytes = shard.read(log, from, Offset(end), 3000).await.unwrap();
                for batch in record::batches(&bytes) {
                    let (header, batch) = batch.unwrap();
                    held.add(batch);
                    from = header.next_offset();
                }
                assert!(!bytes.is_empty(), "{told}: nothing to read at {from} of {end}");
            }
            held.check(&its_model, 0.max(to), &told);
            shard.close().await;
            sender.send((its_model, its_random, to)).unwrap();
        });
        let (its_model, its_random, to) = receiver.recv().unwrap();
        (model, random) = (its_model, its_random);
        let opened = open_log(&path, &SETTINGS);
        assert_eq!(opened.recovery().damage, [], "{what}");
        Held::of(&opened).check(&model, to, &what);
    }
}

#[test]
fn what_is_compacted_is_what_a_map_would_hold() {
    let (from, count) = (std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()), 10);
    match from {
        Some(seed) => run(seed),
        None => (0..count).for_each(run),
    }
}

#[test]
fn a_partition_with_more_keys_than_fit_is_compacted_in_several_passes() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().to_owned();
    on_shard(StoreSettings::default(), move |mut shard| async move {
        // Room for 90 keys; there are 600.
        let limits = CompactionLimits { map_bytes_max: 24 * 100, ..CompactionLimits::default() };
        let log = open(&mut shard, &path, COMPACTION, limits);
        for i in 0..3000_i64 {
            let mut builder = BatchBuilder::new(BatchOptions::default());
            let key = format!("key-{}", i % 600);
            builder.push(TimestampMs(i), Some(key.as_bytes()), Some(&[i as u8; 20]), &[]).unwrap();
            let bytes = builder.build().unwrap();
            let batch = ValidBatch { header: BatchHeader::parse(&bytes).unwrap(), bytes };
            shard.append_patiently(log, &batch).await;
        }
        shard.make_durable(log).await;
        let mut reports = Vec::new();
        while shard.store.compacted_to(log).is_none_or(|to| to < Offset(2900)) {
            let bounds = CompactionBounds { below: Offset(3000), ..Default::default() };
            match compact(&mut shard, log, bounds).await {
                Some(report) => reports.push(report.unwrap()),
                // More of it comes into the segments.
                None => shard.turn().await,
            }
            assert!(reports.len() < 1000, "it takes too many passes");
        }
        assert!(reports.len() > 20, "{reports:?}");
        assert!(reports.iter().all(|report| report.keys <= 90 && report.to > report.from), "{reports:?}");
        let to = shard.store.compacted_to(log).unwrap();
        shard.close().await;
        drop(shard);
        let opened = open_log(&path, &SETTINGS);
        let held = Held::of(&opened);
        let compacted: Vec<i64> = held.records.range(..to.0).map(|(offset, _)| *offset).collect();
        assert!(compacted.len() <= 600 && held.headers.len() < 800, "{} {to}", compacted.len());
        assert_eq!(opened.recovery().damage, []);
    });
}

/// Appends one record.
pub async fn put(shard: &mut Shard, log: LogId, key: &str, value: Option<&[u8]>) {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    builder.push(now(), Some(key.as_bytes()), value, &[]).unwrap();
    let bytes = builder.build().unwrap();
    let batch = ValidBatch { header: BatchHeader::parse(&bytes).unwrap(), bytes };
    shard.append_patiently(log, &batch).await;
}

/// Appends so much that what was there before can be compacted, and compacts it.
pub async fn fill_and_compact(shard: &mut Shard, log: LogId) {
    for _ in 0..5 {
        put(shard, log, "filler", Some(&[1; 1500])).await;
    }
    settle(shard, log).await;
    let below = shard.store.status(log).unwrap().log_end;
    compact(shard, log, CompactionBounds { below, ..Default::default() }).await.unwrap().unwrap();
}

#[test]
fn tombstones_stay_for_their_time_and_go_then() {
    for delete_retention_ms in [1 << 50, 0] {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().to_owned();
        let stays = delete_retention_ms > 0;
        on_shard(from_files(), move |mut shard| async move {
            let settings = CompactionSettings { delete_retention_ms, ..COMPACTION };
            let log = open(&mut shard, &path, settings, CompactionLimits::default());
            put(&mut shard, log, "key", Some(b"value")).await;
            put(&mut shard, log, "key", None).await;
            fill_and_compact(&mut shard, log).await;
            // What was deleted is gone; the tombstone tells of it to readers who had seen the value.
            let tombstone = shard.read(log, Offset(0), Offset(2), 1).await.unwrap();
            let header = BatchHeader::parse(&tombstone).unwrap();
            assert_eq!((header.base_offset, header.record_count), (Offset(1), 1));
            let horizon = header.delete_horizon().unwrap().0;
            assert!((horizon > 1 << 50) == stays && (horizon <= now().0) != stays, "{horizon}");
            fill_and_compact(&mut shard, log).await;
            let left = shard.read(log, Offset(0), Offset(2), 1).await.unwrap();
            assert_eq!(left, if stays { tombstone } else { Vec::new() });
            shard.close().await;
        });
    }
}

#[test]
fn readers_and_lookups_see_the_old_segments_or_the_new_ones() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().to_owned();
    on_shard(StoreSettings { open_segments_max: 2, ..from_files() }, move |mut shard| async move {
        let log = open(&mut shard, &path, COMPACTION, CompactionLimits::default());
        let mut random = Random::new(3);
        let model = fill(&mut shard, log, &mut random, 6, 25).await;
        let end = begin(&mut shard, log, &model);
        let mut compacted = false;
        let mut rounds = 0;
        while !compacted || rounds < 3 {
            rounds += u32::from(compacted);
            let mut held = Held::default();
            let mut from = Offset(0);
            while from.0 < end {
                let bytes = shard.read(log, from, Offset(end), 700).await.unwrap();
                for batch in record::batches(&bytes) {
                    let (header, batch) = batch.unwrap();
                    assert!(header.last_offset() >= from);
                    held.add(batch);
                    from = header.next_offset();
                }
                assert!(!bytes.is_empty(), "nothing at {from}");
                let target = strome_storage::TimestampTarget::AtOrAfter(TimestampMs(
                    random.below(model.clock as u64) as i64,
                ));
                let found = shard.lookup(log, target, Offset(end)).await;
                assert!(found.is_some(), "something newer is there at the end");
            }
            // Whoever reads from the beginning to the end ends up with the same state, whatever happens meanwhile.
            assert_eq!(state(held.records.values()), model.state());
            compacted |= shard
                .outcomes()
                .iter()
                .any(|outcome| matches!(outcome, Outcome::Compacted { result: Ok(_), .. }));
        }
        shard.close().await;
    });
}

#[test]
fn a_log_that_loses_its_beginning_or_its_end_or_itself_meanwhile_stays_right() {
    for seed in 0..12 {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().to_owned();
        on_shard(StoreSettings::default(), move |mut shard| async move {
            let limits = CompactionLimits { slice_bytes: 64 * 1024, ..CompactionLimits::default() };
            let log = open(&mut shard, &path, COMPACTION, limits);
            let mut random = Random::new(seed);
            let mut model = fill(&mut shard, log, &mut random, 4, 25).await;
            let end = begin(&mut shard, log, &model);
            for _ in 0..random.below(12) {
                shard.turn().await;
            }
            let at = random.below(end as u64) as i64;
            match seed % 3 {
                0 => {
                    let (store, reactor) = shard.parts();
                    store.delete_records(log, Offset(at), reactor).unwrap();
                    let outcome = shard.until(|outcome| match outcome {
                        Outcome::Compacted { result, .. } => Some(result.clone()),
                        _ => None,
                    });
                    outcome.await.unwrap();
                    shard.close().await;
                    drop(shard);
                    let opened = open_log(&path, &SETTINGS);
                    assert_eq!((opened.log_start(), opened.log_end()), (Offset(at), Offset(end)));
                    assert_eq!(opened.recovery().damage, []);
                    let held = Held::of(&opened);
                    let state_of =
                        |records: &BTreeMap<i64, Written>| state(records.range(at..).map(|(_, r)| r));
                    assert_eq!(state_of(&held.records), state_of(&model.records), "seed {seed}");
                }
                1 => {
                    let to = shard.truncate(log, Offset(at)).await;
                    assert!(to.0 <= at);
                    model.records.retain(|offset, _| *offset < to.0);
                    model.producers.clear();
                    append_some(&mut shard, log, &mut model, &mut random, 25).await;
                    let end = shard.store.status(log).unwrap().log_end.0;
                    compact(&mut shard, log, model.bounds(end)).await.unwrap().unwrap();
                    let compacted = shard.store.compacted_to(log).unwrap().0;
                    shard.close().await;
                    drop(shard);
                    Held::of(&open_log(&path, &SETTINGS)).check(&model, compacted, &format!("seed {seed}"));
                }
                _ => {
                    shard.remove(log, types::Uuid::from_random([1; 16])).await;
                    shard.close().await;
                    drop(shard);
                    let end = open_log(&path, &SETTINGS).log_end();
                    assert_eq!(end, Offset(0), "seed {seed}: a log of the same name is empty");
                }
            }
        });
    }
}

#[test]
fn closing_does_not_wait_for_a_compaction_that_is_held_back() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().to_owned();
    on_shard(StoreSettings::default(), move |mut shard| async move {
        // Slower than anybody would wait for.
        let limits = CompactionLimits { bytes_per_second_max: 1.0, ..CompactionLimits::default() };
        let log = open(&mut shard, &path, COMPACTION, limits);
        let model = fill(&mut shard, log, &mut Random::new(5), 4, 25).await;
        begin(&mut shard, log, &model);
        // It has had its first slice, and waits for its share.
        shard.until_store(|store| store.next_compaction_slice().is_some_and(|at| at > now())).await;
        assert!(shard.outcomes().iter().all(|outcome| !matches!(outcome, Outcome::Compacted { .. })));
        shard.close().await;
        let names = std::fs::read_dir(log_path(&path)).unwrap();
        let left =
            names.filter(|name| name.as_ref().unwrap().path().extension().is_some_and(|e| e == "cleaned"));
        assert_eq!(left.count(), 0);
        drop(shard);
        Held::of(&open_log(&path, &SETTINGS)).check(&model, 0, "closed");
    });
}

#[test]
fn damage_is_told_and_not_written_anew() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().to_owned();
    on_shard(StoreSettings::default(), move |mut shard| async move {
        let log = open(&mut shard, &path, COMPACTION, CompactionLimits::default());
        let model = fill(&mut shard, log, &mut Random::new(7), 3, 25).await;
        let file = log_path(&path).join("00000000000000000000.log");
        let mut bytes = std::fs::read(&file).unwrap();
        let at = bytes.len() / 2;
        bytes[at] ^= 0x10;
        std::fs::write(&file, &bytes).unwrap();
        let end = shard.store.status(log).unwrap().log_end.0;
        let result = compact(&mut shard, log, model.bounds(end)).await.unwrap();
        assert!(matches!(result, Err(StorageError::Damaged { .. })), "{result:?}");
        assert_eq!(std::fs::read(&file).unwrap(), bytes, "the damaged file is as it was");
        let below = Offset(end);
        let (store, reactor) = shard.parts();
        assert_eq!(store.next_to_compact(now(), |_| Some(below), reactor), None, "it is not tried again");
        shard.close().await;
    });
}

#[test]
fn the_dirtiest_log_comes_first_and_the_checkpoint_survives() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().to_owned();
    let to = Arc::new(std::sync::Mutex::new(Offset(0)));
    let told = Arc::clone(&to);
    on_shard(StoreSettings::default(), move |mut shard| async move {
        let half = CompactionSettings { min_dirty_ratio: 0.5, ..COMPACTION };
        let log = open(&mut shard, &path, half, CompactionLimits::default());
        let model = fill(&mut shard, log, &mut Random::new(9), 3, 200).await;
        let below = shard.store.status(log).unwrap().log_end;
        let (store, reactor) = shard.parts();
        assert_eq!(store.next_to_compact(now(), |_| None, reactor), None, "nothing is known to be decided");
        assert_eq!(store.next_to_compact(now(), |_| Some(below), reactor), Some(log));
        compact(&mut shard, log, model.bounds(below.0)).await.unwrap().unwrap();
        let (store, reactor) = shard.parts();
        assert_eq!(store.next_to_compact(now(), |_| Some(below), reactor), None, "all of it is clean");
        *told.lock().unwrap() = shard.store.compacted_to(log).unwrap();
        shard.close().await;
        let text = std::fs::read_to_string(path.join("cleaner-offset-checkpoint")).unwrap();
        assert_eq!(text, format!("0\n1\norders 0 {}\n", told.lock().unwrap()));
    });
    let path = temp.path().to_owned();
    on_shard(StoreSettings::default(), move |mut shard| async move {
        let log = open(&mut shard, &path, COMPACTION, CompactionLimits::default());
        assert_eq!(shard.store.compacted_to(log), Some(*to.lock().unwrap()));
        shard.close().await;
    });
}

#[test]
fn a_log_without_new_records_is_compacted_when_its_lag_has_passed() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().to_owned();
    on_shard(StoreSettings::default(), move |mut shard| async move {
        let lag = CompactionSettings { min_dirty_ratio: 1.0, max_lag_ms: 60_000, ..COMPACTION };
        let log = open(&mut shard, &path, lag, CompactionLimits::default());
        for i in 0..20 {
            shard.append_patiently(log, &batch(3, 20, now().0 - 120_000 + i)).await;
        }
        shard.make_durable(log).await;
        let is_due = |shard: &mut Shard| {
            let (store, reactor) = shard.parts();
            store.next_to_compact(now(), |_| Some(Offset(60)), reactor) == Some(log)
        };
        // First the active segment is closed off, then its age is found out.
        let mut looks = 0;
        while !is_due(&mut shard) {
            looks += 1;
            assert!(looks < 500, "never due: {:?}", shard.store.status(log));
            shard.turn().await;
        }
        let report =
            compact(&mut shard, log, CompactionBounds { below: Offset(60), ..Default::default() }).await;
        let report = report.unwrap().unwrap();
        assert_eq!((report.to, report.keys), (Offset(60), 3));
        assert!(report.bytes_after < report.bytes_before / 5, "{report:?}");
        shard.close().await;
    });
}
