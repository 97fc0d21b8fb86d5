//! A compacted log on a simulated machine: crashes at any operation of a compaction, and a look at what is left.
//!
//! What a compaction may take away cannot be said batch by batch. So here the model is a list of records: those that are
//! left are what they were, and together they lead to the same last value of every key.

use std::collections::BTreeMap;
use std::path::Path;

use reactor::simulation::{Crash, Random, Simulation};
use reactor::{Event, Reactor};
use record::{BatchBuilder, BatchHeader, BatchOptions, Compression, ValidBatch, batches, decompress};
use strome_storage::{
    CompactionBounds, CompactionLimits, CompactionPool, CompactionSettings, LogDir, LogId, LogName,
    LogSettings, OpenedLog, Outcome, Read, ReadId, Store, StoreSettings,
};
use types::{LeaderEpoch, Offset, PartitionIndex, TimestampMs, TopicName, Uuid};

/// Key and value of each offset.
type Records = BTreeMap<i64, (String, Option<String>)>;

struct Machine {
    random: Random,
    simulation: Simulation,
    settings: LogSettings,
    store_settings: StoreSettings,
    records: Records,
    end: i64,
    durable: i64,
    /// Records below may be gone.
    log_start: i64,
    now: i64,
    seed: u64,
}

/// A log that is open, with the loop around it.
struct Open {
    store: Store,
    reactor: Reactor,
    log: LogId,
    compactions: u32,
    /// From where reads that are under way begin.
    reads: BTreeMap<ReadId, i64>,
}

fn state(records: &Records) -> BTreeMap<&str, &str> {
    let mut state = BTreeMap::new();
    for (key, value) in records.values() {
        match value {
            Some(value) => drop(state.insert(key.as_str(), value.as_str())),
            None => drop(state.remove(key.as_str())),
        }
    }
    state
}

/// What the log holds; `None` if the machine stops meanwhile.
fn read(opened: &OpenedLog) -> Option<Records> {
    let mut found = Records::new();
    let mut end = Offset(0);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let replayed = opened.replay(Offset(0), |header, batch| {
        assert!(header.base_offset >= end, "batches overlap at {end}");
        end = header.next_offset();
        for record in &decompress(batch, 1 << 20).unwrap() {
            let record = record.unwrap();
            let what = (text(record.key.unwrap()), record.value.map(text));
            assert_eq!(found.insert(record.offset.0, what), None);
        }
    });
    replayed.ok().map(|()| found)
}

impl Machine {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let simulation = Simulation::new(random.any());
        let settings = LogSettings {
            segment_bytes: random.pick(&[600, 3_000]),
            index_interval_bytes: random.pick(&[0, 300]),
            retention_ms: -1,
            deletes: false,
            delete_delay_ms: random.pick(&[0, 100]),
            ..LogSettings::default()
        };
        let store_settings = StoreSettings {
            cache_bytes_max: random.pick(&[0, 1 << 30]),
            open_segments_max: random.pick(&[1, 100]),
            chunk_bytes_min: 512,
            chunk_bytes_max: 512,
            write_delay_ms_max: 20,
            idle_ms: random.pick(&[50, 60_000]),
            checkpoint_interval_ms: 50,
            journal_bytes_max: random.pick(&[0, 64 * 1024]),
            journal_salt: random.any(),
            ..StoreSettings::default()
        };
        Self {
            random,
            simulation,
            settings,
            store_settings,
            records: Records::new(),
            end: 0,
            durable: 0,
            log_start: 0,
            now: 1_000_000,
            seed,
        }
    }

    fn open(&mut self) -> Option<Open> {
        let dir = LogDir::open_on(self.simulation.disk(), Path::new("/data")).ok()?;
        let name = LogName { topic: TopicName::new("state").unwrap(), partition: PartitionIndex(0) };
        let opened = dir.open_log(&name, Uuid::from_random([7; 16]), &self.settings).ok()?;
        assert_eq!(opened.recovery().damage, [], "seed {}", self.seed);
        let end = opened.log_end().0;
        assert!(end >= self.durable && end <= self.end, "{} {end} {}", self.durable, self.end);
        self.records.retain(|offset, _| *offset < end);
        (self.end, self.durable) = (end, end);
        let mut found = read(&opened)?;
        assert!(opened.log_start().0 <= self.log_start, "seed {}", self.seed);
        found.retain(|offset, _| *offset >= self.log_start);
        self.records.retain(|offset, _| *offset >= self.log_start);
        for (offset, record) in &found {
            assert_eq!(self.records.get(offset), Some(record), "seed {}: {offset}", self.seed);
        }
        assert_eq!(state(&found), state(&self.records), "seed {}", self.seed);
        let mut store = Store::new(self.store_settings);
        let limits = CompactionLimits {
            map_bytes_max: self.random.pick(&[24 * 8, 1 << 16]),
            ..CompactionLimits::default()
        };
        store.use_compaction_pool(CompactionPool::new(limits));
        let log = store.adopt(opened);
        store.set_compaction(
            log,
            Some(CompactionSettings {
                min_dirty_ratio: 0.0,
                min_lag_ms: 0,
                max_lag_ms: i64::MAX,
                delete_retention_ms: self.random.pick(&[0, 50, 1 << 50]),
            }),
        );
        Some(Open {
            store,
            reactor: self.simulation.reactor().unwrap(),
            log,
            compactions: 0,
            reads: BTreeMap::new(),
        })
    }

    fn turn(&mut self, open: &mut Open) {
        self.now += self.random.pick(&[0, 1, 5]);
        self.simulation.set_now(TimestampMs(self.now));
        let mut events = Vec::new();
        open.reactor.poll(&mut events);
        for event in events {
            match event {
                Event::Wrote { token, result } => open.store.on_wrote(token, result, &mut open.reactor),
                Event::Read { token, result } => open.store.on_read(token, result, &mut open.reactor),
                other => panic!("{other:?}"),
            }
        }
        open.store.tick(TimestampMs(self.now), &mut open.reactor);
        open.store.commit(&mut open.reactor);
        while let Some(outcome) = open.store.next_outcome() {
            match outcome {
                _ if self.simulation.is_stopped() => {}
                Outcome::Committed { durable_end, .. } => self.durable = durable_end.0,
                Outcome::ReadDone { id, result } => {
                    let from = open.reads.remove(&id).expect("a read that was asked for");
                    match result {
                        Ok(pieces) => self.check_read(from, &pieces.concat()),
                        Err(error) => {
                            let is_gone = from < self.log_start;
                            assert!(is_gone, "seed {}: reading from {from}: {error}", self.seed);
                        }
                    }
                }
                Outcome::Compacted { result, .. } => {
                    result.unwrap();
                    open.compactions += 1;
                }
                other => panic!("seed {}: {other:?}", self.seed),
            }
        }
    }

    fn append(&mut self, open: &mut Open) {
        let compression = self.random.pick(&[Compression::None, Compression::Lz4]);
        let mut builder = BatchBuilder::new(BatchOptions { compression, ..BatchOptions::default() });
        for _ in 0..1 + self.random.below(4) {
            let key = format!("key-{}", self.random.below(12));
            let value = (!self.random.one_in(4)).then(|| format!("value-{}-{}", self.end, "x".repeat(20)));
            builder
                .push(TimestampMs(self.now), Some(key.as_bytes()), value.as_deref().map(str::as_bytes), &[])
                .unwrap();
            self.records.insert(self.end, (key, value));
            self.end += 1;
        }
        let bytes = builder.build().unwrap();
        let batch = ValidBatch { header: BatchHeader::parse(&bytes).unwrap(), bytes };
        open.store.append(open.log, &[batch], LeaderEpoch(1)).unwrap();
    }

    /// What is read is what was appended, and nothing is left out that no later record has superseded.
    fn check_read(&self, from: i64, bytes: &[u8]) {
        let (mut found, mut to) = (Records::new(), from);
        for batch in batches(bytes) {
            let (header, batch) = batch.unwrap();
            to = header.next_offset().0;
            for record in &decompress(batch, 1 << 20).unwrap() {
                let record = record.unwrap();
                let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
                found.insert(record.offset.0, (text(record.key.unwrap()), record.value.map(text)));
            }
        }
        let mut last = BTreeMap::new();
        for (offset, (key, _)) in &self.records {
            last.insert(key.as_str(), *offset);
        }
        for (offset, record) in self.records.range(from.max(self.log_start)..to.max(from).max(self.log_start))
        {
            match found.get(offset) {
                Some(read) => assert_eq!(read, record, "seed {}: {offset}", self.seed),
                None => {
                    let may_be_gone = last.get(record.0.as_str()) != Some(offset) || record.1.is_none();
                    assert!(may_be_gone, "seed {}: {offset} is missing of {from} to {to}", self.seed);
                }
            }
        }
    }

    fn read(&mut self, open: &mut Open) {
        let from = self.log_start + self.random.below((self.durable - self.log_start).max(1) as u64) as i64;
        let (bytes_max, up_to) = (self.random.pick(&[1, 500, 100_000]), Offset(self.durable));
        match open.store.read(open.log, Offset(from), up_to, bytes_max, &mut open.reactor) {
            Ok(Read::Now(pieces)) => self.check_read(from, &pieces.concat()),
            Ok(Read::Later(id)) => drop(open.reads.insert(id, from)),
            Err(error) => panic!("seed {}: reading from {from}: {error}", self.seed),
        }
    }

    fn delete_records(&mut self, open: &mut Open) {
        let to = self.log_start + self.random.below((self.durable - self.log_start).max(1) as u64) as i64;
        open.store.delete_records(open.log, Offset(to), &mut open.reactor).unwrap();
        self.log_start = to;
    }

    fn work(&mut self, open: &mut Open) {
        match self.random.below(14) {
            10..=12 => self.read(open),
            13 if self.random.one_in(12) => self.delete_records(open),
            0..=4 => self.append(open),
            5 => open.store.want_durable(open.log),
            6 => {
                let below = Offset(self.durable);
                let next =
                    open.store.next_to_compact(TimestampMs(self.now), |_| Some(below), &mut open.reactor);
                if next.is_some() {
                    let bounds = CompactionBounds { below, ..CompactionBounds::default() };
                    open.store.compact(open.log, bounds, &mut open.reactor);
                }
            }
            _ => {
                for _ in 0..self.random.below(20) {
                    self.turn(open);
                }
            }
        }
    }

    /// Returns how many compactions came to their end.
    fn run(mut self) -> u32 {
        let mut compactions = 0;
        for _ in 0..2 + self.random.below(5) {
            let Some(mut open) = self.open() else {
                assert!(self.simulation.is_stopped(), "seed {}", self.seed);
                self.crash();
                continue;
            };
            // Most of what is done is done by compactions, so most crashes meet one.
            let stop_after = self.random.one_in(8).then_some(20).or(Some(self.random.below(1500)));
            self.simulation.stop_after(stop_after);
            for _ in 0..400 {
                if self.simulation.is_stopped() {
                    break;
                }
                self.work(&mut open);
            }
            compactions += open.compactions;
            drop(open);
            self.crash();
        }
        self.simulation.stop_after(None);
        self.open().expect("it opens");
        compactions
    }

    fn crash(&mut self) {
        let crash = self.random.pick(&[Crash::Power, Crash::Process]);
        self.simulation = self.simulation.restart(crash);
        if self.random.one_in(4) {
            self.simulation.stop_after(Some(self.random.below(60)));
        }
    }
}

#[test]
fn a_crash_of_a_compaction_takes_nothing_away_and_brings_nothing_back() {
    if let Some(seed) = super::number("STORAGE_SIMULATION_SEED") {
        Machine::new(seed).run();
        return;
    }
    let first = super::number("STORAGE_SIMULATION_FIRST").unwrap_or(1);
    // These seeds take many times as long as the others.
    let seeds = super::number("STORAGE_SIMULATION_SEEDS").map_or(super::SEEDS / 4, |seeds| seeds / 40);
    let mut compactions = 0;
    for seed in first..first + seeds {
        let run = std::panic::catch_unwind(|| Machine::new(seed).run());
        compactions += run.unwrap_or_else(|_| panic!("seed {seed} has failed"));
    }
    assert!(compactions > 0 || seeds < 20, "nothing was ever compacted");
    println!("{compactions} compactions in {seeds} seeds");
}
