//! What can happen next: calls of a shard, faults, and the end.

use reactor::simulation::{Crash, Failure, Kind};
use record::{BatchBuilder, BatchHeader, BatchOptions, ProducerStamp, ValidBatch, stamp};
use strome_storage::{CompactionBounds, CompactionSettings, Lookup, Read, StorageError, TimestampTarget};
use types::{ByteCount, LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence, TimestampMs, Uuid};

use crate::model::{Batch, Existence};
use crate::world::{PendingLookup, PendingRead, World, log_settings, tell};

const EPOCH: LeaderEpoch = LeaderEpoch(3);
const ERRORS: [i32; 2] = [5, 116];

impl World {
    pub fn step(&mut self) {
        let shard = self.random.below(self.shards.len() as u64) as usize;
        let log = self.random.below(self.logs.len() as u64) as usize;
        if self.random.percent(self.eagerness) {
            self.want_durable(log);
        }
        let what = if self.random.one_in(15) { self.favourite } else { self.random.below(100) };
        match what {
            0..=44 => self.append(log),
            45..=59 => self.turn(shard),
            60..=64 => self.compact(log),
            65..=74 => self.read(log),
            75..=76 => self.look_up(log),
            77..=78 => self.delete_records(log),
            79..=80 => self.apply_retention(log),
            81 => self.truncate(log),
            82 => self.remove(log),
            83..=84 => self.create(log),
            85 => self.save_state(log),
            86 => self.configure(log),
            87 => self.have_something_fail(),
            88 => self.limit_space(),
            89 => self.settle(log),
            90 => self.plan_stop(),
            91 | 92 => self.begin_copy(),
            _ => {
                for _ in 0..self.random.below(8) {
                    self.turn(shard);
                }
            }
        }
        if !self.machine.is_stopped() {
            self.compare_status();
        }
    }

    /// The log's shard and id, if it takes calls.
    fn usable(&self, log: usize) -> Option<(usize, strome_storage::LogId)> {
        let log = &self.logs[log];
        let is_up = !self.machine.is_stopped();
        log.place.filter(|_| is_up && !log.is_busy && !log.is_offline && log.existence == Existence::Yes)
    }

    pub fn append(&mut self, log: usize) {
        for _ in 0..1 + self.random.below(3) {
            let Some((shard, id)) = self.usable(log) else { return };
            let has_gap = self.logs[log].has_gaps;
            let first = Offset(self.logs[log].end.0 + if has_gap { self.random.below(3) as i64 } else { 0 });
            let batch = self.batch(self.logs[log].is_compacted);
            let mut stamped = batch.bytes.to_vec();
            stamp(&mut stamped, first, EPOCH);
            let store = &mut self.shards[shard].store;
            let appended = if has_gap {
                let header = BatchHeader::parse(&stamped).unwrap();
                store.append_replica(id, &header, &stamped.clone().into())
            } else {
                store.append(id, std::slice::from_ref(&batch), EPOCH)
            };
            tell!(self, "append to {log} at {first}, {} bytes: {appended:?}", stamped.len());
            match appended {
                Ok(appended) => {
                    assert_eq!(appended.first_offset, first);
                    let last = appended.last_offset;
                    let timestamp = batch.header.base_timestamp.0;
                    let log = &mut self.logs[log];
                    log.batches.push(Batch { first, last, timestamp, bytes: stamped.into() });
                    log.end = Offset(last.0 + 1);
                    log.is_new = false;
                }
                Err(StorageError::Full) => self.turn(shard),
                Err(StorageError::BatchTooLarge { .. }) => {}
                Err(StorageError::Stalled(_)) if self.was_full => {}
                // The log itself need not have noticed yet.
                Err(StorageError::DirectoryOffline { .. }) if self.has_faults => {}
                Err(error) => panic!("{error}"),
            }
        }
    }

    fn batch(&mut self, is_compacted: bool) -> ValidBatch {
        let producer = match self.random.below(2) {
            // Of a producer that may still be alive more would have to stay.
            _ if is_compacted => ProducerStamp::NONE,
            0 => ProducerStamp::NONE,
            _ => ProducerStamp {
                id: ProducerId(self.random.below(3) as i64),
                epoch: ProducerEpoch(0),
                base_sequence: Sequence(self.random.below(1000) as i32),
            },
        };
        let mut builder = BatchBuilder::new(BatchOptions { producer, ..BatchOptions::default() });
        let value_bytes = match self.random.below(20) {
            0 => 3_000,
            1 => 20_000,
            2 => 9_000,
            _ => self.random.below(250) as usize,
        };
        let value = vec![self.random.any() as u8; value_bytes];
        let records = 1 + self.random.below(3) as i64;
        self.newest += 1 + self.random.below(20) as i64;
        let timestamp = self.newest;
        for i in 0..records {
            let key = format!("key-{}", self.random.below(8));
            builder.push(TimestampMs(timestamp + i), Some(key.as_bytes()), Some(&value), &[]).unwrap();
        }
        self.newest += records;
        let bytes = builder.build().unwrap();
        ValidBatch { header: BatchHeader::parse(&bytes).unwrap(), bytes }
    }

    pub fn want_durable(&mut self, log: usize) {
        if let Some((shard, id)) = self.usable(log) {
            tell!(self, "want {log} durable");
            self.shards[shard].store.want_durable(id);
            if self.random.one_in(2) {
                self.turn(shard);
            }
        }
    }

    /// Makes a log durable and waits for it.
    pub fn settle(&mut self, log: usize) {
        let Some((shard, id)) = self.usable(log) else { return };
        tell!(self, "settle {log}");
        self.shards[shard].store.want_durable(id);
        if self.has_faults || self.was_full {
            return;
        }
        let end = self.logs[log].end;
        self.turn_until("durability", |world| world.logs[log].durable == end);
    }

    /// Some offset in the log.
    fn offset(&mut self, log: usize) -> Offset {
        let log = &self.logs[log];
        Offset(log.end.0 - self.random.below((log.end.0 - log.start.0) as u64 + 1) as i64)
    }

    fn read(&mut self, log: usize) {
        let Some((shard, id)) = self.usable(log) else { return };
        let from = self.offset(log);
        let up_to = if self.random.one_in(2) { self.logs[log].end } else { self.offset(log) };
        let bytes_max = self.random.pick(&[1, 500, 5_000, 1 << 20]);
        self.read_from(log, shard, id, from, up_to, bytes_max);
    }

    pub fn read_from(
        &mut self,
        log: usize,
        shard: usize,
        id: strome_storage::LogId,
        from: Offset,
        up_to: Offset,
        bytes_max: usize,
    ) {
        let expected = self.logs[log].expect(from, up_to, bytes_max);
        let pending = PendingRead { log, version: self.logs[log].version, from, expected };
        let crate::world::Shard { store, reactor, reads, .. } = &mut self.shards[shard];
        let answer = store.read(id, from, up_to, bytes_max, reactor);
        tell!(self, "read {log} from {from} up to {up_to}, {bytes_max} bytes: {answer:.100?}");
        match answer {
            Ok(Read::Now(pieces)) => self.read_done(&pending, Ok(pieces)),
            Ok(Read::Later(id)) => drop(reads.insert(id, pending)),
            Err(error) => panic!("{error}"),
        }
    }

    fn look_up(&mut self, log: usize) {
        let Some((shard, id)) = self.usable(log) else { return };
        let model = &self.logs[log];
        if model.has_gaps || model.is_compacted {
            return;
        }
        let (start, up_to) = (model.start, model.end);
        let asked = self.newest - self.random.below(400) as i64;
        let live = model.batches.iter().filter(|batch| batch.last >= start);
        let expected = if self.random.one_in(4) {
            let last = live.last().map(|batch| (batch.last, batch.timestamp + batch.last.0 - batch.first.0));
            (TimestampTarget::Max, last)
        } else {
            let mut live = live;
            let found = live.find_map(|batch| {
                let delta = (asked - batch.timestamp).max(0).max(start.0 - batch.first.0);
                let offset = Offset(batch.first.0 + delta);
                (offset <= batch.last).then_some((offset, batch.timestamp + delta))
            });
            (TimestampTarget::AtOrAfter(TimestampMs(asked)), found)
        };
        let (target, expected) = expected;
        let pending = PendingLookup { log, version: model.version, expected };
        let crate::world::Shard { store, reactor, lookups, .. } = &mut self.shards[shard];
        let answer = store.lookup(id, target, up_to, reactor).unwrap();
        tell!(self, "look up {target:?} in {log}: {answer:?}");
        match answer {
            Lookup::Now(found) => self.looked_up(&pending, Ok(found)),
            Lookup::Later(id) => drop(lookups.insert(id, pending)),
        }
    }

    fn delete_records(&mut self, log: usize) {
        let Some((shard, id)) = self.usable(log) else { return };
        let to = self.offset(log);
        let crate::world::Shard { store, reactor, .. } = &mut self.shards[shard];
        let start = store.delete_records(id, to, reactor).unwrap();
        tell!(self, "delete records of {log} to {to}: {start}");
        let log = &mut self.logs[log];
        assert_eq!(start, to.max(log.start));
        log.start = start;
        log.version += 1;
    }

    fn apply_retention(&mut self, log: usize) {
        let Some((shard, id)) = self.usable(log) else { return };
        let below = self.logs[log].durable;
        let crate::world::Shard { store, reactor, .. } = &mut self.shards[shard];
        let start = store.apply_retention(id, below, TimestampMs(self.newest), reactor).unwrap();
        tell!(self, "retention of {log}: {start}");
        let log = &mut self.logs[log];
        assert!(start >= log.start && start <= below.max(log.start), "{start} {} {below}", log.start);
        log.start = start;
        log.version += 1;
    }

    fn compact(&mut self, log: usize) {
        let Some((shard, id)) = self.usable(log).filter(|_| self.logs[log].is_compacted) else { return };
        let below = self.logs[log].durable;
        let bounds = CompactionBounds { below, producers: Vec::new() };
        let crate::world::Shard { store, reactor, .. } = &mut self.shards[shard];
        let settings = CompactionSettings {
            min_dirty_ratio: 0.0,
            min_lag_ms: 0,
            max_lag_ms: i64::MAX,
            delete_retention_ms: 0,
        };
        store.set_compaction(id, Some(settings));
        let has_begun = store.compact(id, bounds, reactor);
        tell!(self, "compact {log} below {below}: {has_begun}");
        let log = &mut self.logs[log];
        log.compacted_below = log.compacted_below.max(below);
    }

    fn truncate(&mut self, log: usize) {
        let Some((shard, id)) = self.usable(log) else { return };
        // What compaction has superseded does not come back.
        let to = self.offset(log).max(self.logs[log].compacted_below);
        tell!(self, "truncate {log} to {to}");
        let model = &mut self.logs[log];
        model.is_busy = true;
        (model.version, model.cuts) = (model.version + 1, model.cuts + 1);
        // From now on anything above may be gone; it stays in the model until it is.
        let kept = model.boundary(to);
        model.kept = Some(kept);
        model.durable = model.durable.min(kept);
        model.start_found = model.start_found.min(kept);
        let crate::world::Shard { store, reactor, .. } = &mut self.shards[shard];
        store.truncate(id, to, reactor).unwrap();
    }

    fn remove(&mut self, log: usize) {
        let Some((shard, id)) = self.logs[log].place.filter(|_| self.random.one_in(3)) else { return };
        if self.logs[log].existence != Existence::Yes {
            return;
        }
        tell!(self, "remove {log}");
        let unique = Uuid::from_random(u128::from(self.random.any()).to_be_bytes());
        self.logs[log].existence = Existence::InDoubt;
        self.logs[log].is_busy = true;
        self.logs[log].version += 1;
        let crate::world::Shard { store, reactor, .. } = &mut self.shards[shard];
        store.remove(id, unique, reactor);
    }

    pub fn create(&mut self, log: usize) {
        if self.logs[log].place.is_none() && self.logs[log].existence == Existence::No {
            self.topics += 1;
            let topic = self.topic(self.topics);
            self.logs[log].begin_anew(topic);
            self.logs[log].has_gaps = self.random.one_in(5);
            self.logs[log].is_compacted = !self.logs[log].has_gaps && self.random.one_in(4);
            self.logs[log].existence = Existence::InDoubt;
            tell!(self, "create {log}");
            self.open(log);
        }
    }

    fn save_state(&mut self, log: usize) {
        let Some((shard, id)) = self.usable(log) else { return };
        let text = format!("0\n1\n{} 0\n", self.random.below(100));
        let at = self.logs[log].durable;
        tell!(self, "save the state of {log} at {at}");
        let crate::world::Shard { store, reactor, .. } = &mut self.shards[shard];
        store.save_leader_epochs(id, text.clone(), reactor);
        store.save_producer_snapshot(id, at, at.0.to_be_bytes().to_vec(), reactor);
        self.logs[log].epochs.push(text);
    }

    fn configure(&mut self, log: usize) {
        let Some((shard, id)) = self.usable(log) else { return };
        let settings = log_settings(&mut self.random);
        self.logs[log].settings = settings;
        self.shards[shard].store.configure(id, settings);
    }

    fn have_something_fail(&mut self) {
        // Half of all seeds see no fault.
        if self.seed.is_multiple_of(2) {
            return;
        }
        let kind =
            self.random.pick(&[Kind::Read, Kind::Write, Kind::Sync, Kind::Sync, Kind::Allocate, Kind::Name]);
        let (after, times) = (self.random.below(30), 1 + self.random.below(3));
        let errno = self.random.pick(&ERRORS);
        tell!(self, "{kind:?} fails after {after}");
        self.machine.fail(Failure { kind, after, times, errno });
        self.has_faults = true;
    }

    fn limit_space(&mut self) {
        if self.seed.is_multiple_of(3) {
            let bytes = self.random.pick(&[50_000, 200_000, 500_000]);
            let is_full = self.random.one_in(2);
            tell!(self, "space: {is_full} {bytes}");
            self.machine.set_capacity(is_full.then_some(ByteCount(bytes)));
            self.was_full |= is_full;
        }
    }

    pub fn plan_stop(&mut self) {
        let after = self.random.pick(&[3, 30, 300]);
        let after = self.random.below(after);
        tell!(self, "the machine stops after {after} operations");
        self.machine.stop_after(Some(after));
    }

    /// A crash, or an orderly stop.
    pub fn end(&mut self) {
        let in_order =
            self.random.one_in(3) && !self.machine.is_stopped() && !self.has_faults && !self.was_full;
        if in_order {
            self.close();
        }
        if self.is_clean && self.random.one_in(2) {
            tell!(self, "a new process");
            self.shards.clear();
            self.dirs.clear();
            return;
        }
        let crash = self.random.pick(&[Crash::Power, Crash::Power, Crash::Process]);
        tell!(self, "crash: {crash:?}");
        let machine = self.machine.restart(crash);
        self.shards.clear();
        self.dirs.clear();
        self.machine = machine;
        self.machine.set_capacity(None);
    }

    pub fn close(&mut self) {
        tell!(self, "close");
        for shard in &mut self.shards {
            shard.store.close(&mut shard.reactor);
        }
        for log in &mut self.logs {
            log.is_busy |= log.place.is_some();
        }
        if !self.turn_until("the end", |world| world.shards.iter().all(|shard| shard.closed.is_some())) {
            return;
        }
        for shard in &self.shards {
            assert!(shard.closed.as_ref().is_some_and(Vec::is_empty), "{:?}", shard.closed);
        }
        let marked: Vec<_> = self.dirs.iter().map(|dir| dir.mark_clean()).collect();
        if marked.into_iter().all(|marked| marked.is_ok()) {
            for log in self.logs.iter_mut().filter(|log| log.place.is_some()) {
                log.durable = log.end;
                log.was_closed = true;
            }
            self.is_clean = true;
        }
        if let Some(log) =
            self.logs.iter().find(|log| log.existence == Existence::InDoubt && log.place.is_some())
        {
            assert!(self.machine.is_stopped(), "{} was to be removed", log.name);
        }
    }
}
