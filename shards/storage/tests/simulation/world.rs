//! The machine with its shards and logs: making turns, and hearing of outcomes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use reactor::simulation::{Crash, Random, Simulation};
use reactor::{Event, Reactor};
use strome_storage::{
    CompactionLimits, CompactionPool, FoundTimestamp, LogDir, LogId, LogName, LogSettings, Outcome, ReadId,
    StorageError, Store, StoreSettings,
};
use types::{Offset, PartitionIndex, TimestampMs, TopicName};

use crate::copies::Copy;
use crate::model::{Existence, LogModel};

/// After so many turns anything must have happened.
pub const PATIENCE: u32 = 5_000;

/// A shard's store with the loop around it.
pub struct Shard {
    pub store: Store,
    pub reactor: Reactor,
    events: Vec<Event>,
    pub reads: BTreeMap<ReadId, PendingRead>,
    pub lookups: BTreeMap<ReadId, PendingLookup>,
    pub closed: Option<Vec<(LogId, StorageError)>>,
}

/// A read that was not answered at once.
pub struct PendingRead {
    pub log: usize,
    pub version: u64,
    pub from: Offset,
    pub expected: Vec<u8>,
}

/// A lookup that was not answered at once.
pub struct PendingLookup {
    pub log: usize,
    pub version: u64,
    pub expected: Option<(Offset, i64)>,
}

pub struct World {
    pub seed: u64,
    pub random: Random,
    pub machine: Simulation,
    pub dirs: Vec<Arc<LogDir>>,
    pub paths: Vec<PathBuf>,
    pub shards: Vec<Shard>,
    pub logs: Vec<LogModel>,
    pub now: i64,
    /// The timestamp of the newest record.
    pub newest: i64,
    pub store_settings: StoreSettings,
    /// Whether operations have been made to fail since the last start.
    pub has_faults: bool,
    /// Whether the disk may have been full since the last start.
    pub was_full: bool,
    /// Whether the last stop was in order.
    pub is_clean: bool,
    pub topics: u64,
    /// Where the last read ended.
    pub read_to: Offset,
    /// What happens more often than else.
    pub favourite: u64,
    /// How eager the shards' callers are to have things durable, in steps of a hundred.
    pub eagerness: u64,
    pub tells: bool,
    /// A copy of the disk that is being made.
    pub copy: Option<Copy>,
}

/// Tells what happens, if asked.
macro_rules! tell {
    ($world:expr, $($text:tt)*) => {
        if $world.tells {
            eprintln!($($text)*);
        }
    };
}
pub(crate) use tell;

impl World {
    pub fn new(seed: u64, tells: bool) -> Self {
        let mut random = Random::new(seed);
        let machine = Simulation::new(random.any());
        let paths: Vec<PathBuf> = (0..1 + random.below(2)).map(|i| format!("/data/{i}").into()).collect();
        let mut logs = Vec::new();
        for i in 0..1 + random.below(4) {
            let topic = TopicName::new(["orders", "a-b", "x"][i as usize % 3]).unwrap();
            let name = LogName { topic, partition: PartitionIndex(i as i32) };
            logs.push(LogModel::new(
                name,
                random.below(paths.len() as u64) as usize,
                log_settings(&mut random),
            ));
        }
        let store_settings = store_settings(&mut random);
        let favourite = random.below(100);
        let eagerness = random.pick(&[1, 15, 15, 40]);
        Self {
            seed,
            random,
            machine,
            dirs: Vec::new(),
            paths,
            shards: Vec::new(),
            logs,
            now: 1_000_000,
            newest: 1_000_000,
            store_settings,
            has_faults: false,
            was_full: false,
            is_clean: false,
            topics: 0,
            read_to: Offset(0),
            favourite,
            eagerness,
            tells,
            copy: None,
        }
    }

    /// Starts, works, crashes or stops, and starts again.
    pub fn run(mut self) {
        for _ in 0..1 + self.random.below(4) {
            self.start();
            let steps = self.random.pick(&[10, 40, 120]);
            for _ in 0..steps {
                self.step();
                self.go_on_copying();
                if self.machine.is_stopped() {
                    break;
                }
            }
            self.copy = None;
            self.end();
        }
        self.machine.stop_after(None);
        self.start();
        self.read_everything();
        // What is still under way need not come to its end.
        let _ = self.machine.restart(Crash::Power);
    }

    /// A store that begins.
    pub fn add_shard(&mut self) {
        let settings = StoreSettings { token_class: self.shards.len() as u8, ..self.store_settings };
        let mut shard = Shard {
            store: Store::new(settings),
            reactor: self.machine.reactor().unwrap(),
            events: Vec::new(),
            reads: BTreeMap::new(),
            lookups: BTreeMap::new(),
            closed: None,
        };
        let limits =
            CompactionLimits { map_bytes_max: 64 * 1024, backoff_ms: 100, ..CompactionLimits::default() };
        shard.store.use_compaction_pool(CompactionPool::new(limits));
        shard.store.tick(TimestampMs(self.now), &mut shard.reactor);
        self.shards.push(shard);
    }

    /// One turn of a shard's loop.
    pub fn turn(&mut self, shard: usize) {
        self.now += [0, 1, 1, 5, 30][self.random.below(5) as usize];
        self.machine.set_now(TimestampMs(self.now));
        let Shard { store, reactor, events, .. } = &mut self.shards[shard];
        reactor.poll(events);
        for event in events.drain(..) {
            match event {
                Event::Wrote { token, result } => store.on_wrote(token, result, reactor),
                Event::Read { token, result } => store.on_read(token, result, reactor),
                other => panic!("{other:?}"),
            }
        }
        store.tick(TimestampMs(self.now), reactor);
        store.commit(reactor);
        while let Some(outcome) = self.shards[shard].store.next_outcome() {
            if !self.machine.is_stopped() {
                self.hear(shard, outcome);
            }
        }
    }

    /// Turns all shards until it is so, or the machine has stopped, which the answer tells.
    pub fn turn_until(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) -> bool {
        for _ in 0..PATIENCE {
            if self.machine.is_stopped() {
                return false;
            }
            if is_so(self) {
                return true;
            }
            for shard in 0..self.shards.len() {
                self.turn(shard);
            }
            self.now += 1;
        }
        let states: Vec<_> =
            self.logs.iter().map(|log| (&log.name, log.place, log.end, self.status(log))).collect();
        panic!("seed {}: {what} never happens: {states:?}", self.seed);
    }

    fn status(&self, log: &LogModel) -> Option<strome_storage::LogStatus> {
        let (shard, id) = log.place?;
        self.shards[shard].store.status(id)
    }

    fn log_at(&self, shard: usize, id: LogId) -> Option<usize> {
        self.logs.iter().position(|log| log.place == Some((shard, id)))
    }

    fn hear(&mut self, shard: usize, outcome: Outcome) {
        tell!(self, "  shard {shard}: {outcome:.200?}");
        let log_of = |world: &Self, id| world.log_at(shard, id).expect("an outcome of a log that there is");
        match outcome {
            Outcome::Committed { log, durable_end } => {
                let log = log_of(self, log);
                let log = &mut self.logs[log];
                assert!(durable_end > log.durable && durable_end <= log.end, "{durable_end} {}", log.end);
                log.durable = log.kept.map_or(durable_end, |kept| durable_end.min(kept));
            }
            Outcome::ReadDone { id, result } => {
                let read = self.shards[shard].reads.remove(&id).expect("a read that was asked for");
                self.read_done(&read, result);
            }
            Outcome::LookupDone { id, result } => {
                let lookup = self.shards[shard].lookups.remove(&id).expect("a lookup that was asked for");
                self.looked_up(&lookup, result);
            }
            Outcome::Stalled { .. } => assert!(self.was_full, "stalled with room on the disk"),
            Outcome::Resumed { .. } => {}
            Outcome::Compacted { log, result: Err(error) } => {
                let log = &self.logs[log_of(self, log)];
                let excused = log.is_busy || log.is_offline || self.has_faults || self.was_full;
                assert!(excused, "compacting has failed without a fault: {error}");
            }
            Outcome::Compacted { .. } => {}
            Outcome::Offline { log, error } => {
                assert!(self.has_faults || self.was_full, "offline without a fault: {error}");
                let log = log_of(self, log);
                self.logs[log].is_offline = true;
            }
            Outcome::Truncated { log, result } => {
                let log = log_of(self, log);
                self.truncated(log, result);
            }
            Outcome::Removed { log, result } => {
                let log = log_of(self, log);
                self.removed(log, result);
            }
            Outcome::Closed { failed } => self.shards[shard].closed = Some(failed),
        }
    }

    fn truncated(&mut self, log: usize, result: Result<Offset, StorageError>) {
        let log = &mut self.logs[log];
        (log.is_busy, log.kept) = (false, None);
        match result {
            Ok(end) => {
                assert!(end <= log.end && end >= log.boundary(log.end).min(end));
                assert!(
                    !log.batches.iter().any(|batch| batch.first < end && batch.last >= end),
                    "a cut batch"
                );
                log.cut(end);
                // Whether batches below the log start were still there is the log's own affair.
                log.end = end;
                log.durable = log.durable.min(end);
            }
            Err(error) => {
                assert!(self.has_faults || self.was_full, "truncating has failed without a fault: {error}");
                log.is_offline = true;
            }
        }
    }

    fn removed(&mut self, log: usize, result: Result<(), StorageError>) {
        let log = &mut self.logs[log];
        match result {
            Ok(()) => {
                log.existence = Existence::No;
                log.place = None;
            }
            Err(error) => {
                assert!(self.has_faults || self.was_full, "removing has failed without a fault: {error}");
                log.is_offline = true;
            }
        }
    }

    pub fn read_done(&mut self, read: &PendingRead, result: Result<Vec<bytes::Bytes>, StorageError>) {
        let log = &self.logs[read.log];
        let changed = log.version != read.version || log.is_busy || log.place.is_none();
        let end =
            record::batches(&read.expected).last().map_or(read.from, |last| last.unwrap().0.next_offset());
        // A sync that has failed may have left anything in the file of what is not durable, before the log hears of that.
        if self.has_faults && end > log.durable {
            return;
        }
        match result {
            Ok(pieces) => {
                let found = pieces.concat();
                if log.is_compacted {
                    let end = log.check_compacted(read.from, &found, false);
                    self.read_to = end;
                    return;
                }
                self.read_to =
                    record::batches(&found).last().map_or(read.from, |last| last.unwrap().0.next_offset());
                assert!(read.expected.starts_with(&found), "a read of {} finds something else", log.name);
                // What begins in a gap goes to the disk, which need not have what follows yet.
                let as_expected = found.is_empty() == read.expected.is_empty() || log.has_gaps;
                assert!(as_expected || changed || log.is_offline, "a read of {} finds nothing", log.name);
            }
            Err(error) => assert!(changed || self.has_faults || log.is_offline, "{}: {error}", log.name),
        }
    }

    pub fn looked_up(
        &mut self,
        lookup: &PendingLookup,
        result: Result<Option<FoundTimestamp>, StorageError>,
    ) {
        let log = &self.logs[lookup.log];
        let changed = log.version != lookup.version || log.is_busy || log.place.is_none();
        // As with reads.
        let is_lost = |expected: (Offset, i64)| self.has_faults && expected.0 >= log.durable;
        if changed || log.is_offline || lookup.expected.is_some_and(is_lost) {
            return;
        }
        match result {
            Ok(found) => {
                let found = found.map(|found| (found.offset, found.timestamp.0));
                assert_eq!(found, lookup.expected, "looking up in {}", log.name);
            }
            Err(error) => assert!(self.has_faults, "{}: {error}", log.name),
        }
    }
}

pub fn log_settings(random: &mut Random) -> LogSettings {
    LogSettings {
        segment_bytes: random.pick(&[400, 2_000, 10_000, 70_000, 70_000, 300_000, 1 << 30]),
        segment_ms: random.pick(&[200, 1 << 40, 1 << 40]),
        segment_index_bytes: random.pick(&[40, 1 << 20, 1 << 20]),
        index_interval_bytes: random.pick(&[0, 300, 4096]),
        retention_ms: random.pick(&[-1, -1, 500]),
        retention_bytes: random.pick(&[-1, -1, 20_000]),
        delete_delay_ms: random.pick(&[0, 300]),
        ..LogSettings::default()
    }
}

fn store_settings(random: &mut Random) -> StoreSettings {
    StoreSettings {
        cache_bytes_max: random.pick(&[0, 20_000, 1 << 30]),
        chunk_bytes_min: 4096,
        chunk_bytes_max: random.pick(&[4096, 64 * 1024]),
        log_unwritten_bytes_max: random.pick(&[50_000, 1 << 30]),
        open_segments_max: random.pick(&[1, 100]),
        write_delay_ms_max: random.pick(&[0, 20]),
        idle_ms: random.pick(&[50, 60_000]),
        checkpoint_interval_ms: random.pick(&[50, 400]),
        retry_ms: 20,
        journal_bytes_max: random.pick(&[0, 64 * 1024, 1024 * 1024, 64 * 1024 * 1024]),
        journal_salt: random.any(),
        ..StoreSettings::default()
    }
}
