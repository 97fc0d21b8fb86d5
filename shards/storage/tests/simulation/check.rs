//! Starting: what is on the disk against what should be.

use std::collections::BTreeMap;

use reactor::simulation::{Crash, Simulation};
use strome_storage::{LogDir, LogName, OpenedLog, StorageError};
use types::{Offset, TopicId, Uuid};

use crate::model::Existence;
use crate::world::{World, tell};

impl World {
    /// Opens everything, as often as it takes.
    pub fn start(&mut self) {
        while !self.try_start() {
            tell!(self, "stopped while starting");
            let crash = self.random.pick(&[Crash::Power, Crash::Process]);
            let machine = self.machine.restart(crash);
            self.shards.clear();
            self.dirs.clear();
            self.machine = machine;
        }
        self.is_clean = false;
    }

    fn try_start(&mut self) -> bool {
        self.machine.heal();
        self.machine.set_capacity(None);
        self.machine.stop_after(None);
        (self.has_faults, self.was_full) = (false, false);
        if self.random.one_in(4) {
            self.plan_stop();
        }
        for log in &mut self.logs {
            (log.place, log.is_busy, log.is_offline, log.kept) = (None, false, false, None);
        }
        for path in self.paths.clone() {
            match LogDir::open_on(self.machine.disk(), &path) {
                Ok(dir) => self.dirs.push(dir),
                Err(error) => return self.has_stopped(&error),
            }
        }
        for _ in 0..1 + self.random.below(3) {
            self.add_shard();
        }
        let Some(found) = self.list() else { return false };
        for log in 0..self.logs.len() {
            let model = &mut self.logs[log];
            match found.get(&(model.dir, model.name.clone())) {
                Some(topic) => {
                    let known =
                        topic.is_none_or(|topic| topic == model.topic) && model.existence != Existence::No;
                    assert!(known, "{} was removed, and is back: {topic:?}", model.name);
                }
                None if model.existence == Existence::InDoubt => model.existence = Existence::No,
                None => assert!(model.existence != Existence::Yes, "{} is gone", model.name),
            }
            // Not every log is opened each time.
            if self.logs[log].existence != Existence::No && !self.random.one_in(8) && !self.open(log) {
                return false;
            }
        }
        true
    }

    /// Whether the machine has stopped, which is the only excuse for an error while starting. Always false.
    fn has_stopped(&self, error: &StorageError) -> bool {
        assert!(self.machine.is_stopped(), "seed {}: starting fails: {error}", self.seed);
        false
    }

    fn list(&self) -> Option<BTreeMap<(usize, LogName), Option<TopicId>>> {
        let mut found = BTreeMap::new();
        for (i, dir) in self.dirs.iter().enumerate() {
            match dir.logs() {
                Ok(logs) => found.extend(logs.into_iter().map(|(name, topic)| ((i, name), topic))),
                Err(error) => {
                    self.has_stopped(&error);
                    return None;
                }
            }
        }
        Some(found)
    }

    /// The topic id with this number.
    pub fn topic(&self, number: u64) -> TopicId {
        let mut bytes = [7; 16];
        bytes[8..].copy_from_slice(&number.to_be_bytes());
        Uuid::from_random(bytes)
    }

    /// Opens or creates a log and gives it to a shard. False if the machine has stopped.
    pub fn open(&mut self, log: usize) -> bool {
        let copy = self.random.one_in(3).then(|| self.machine.copy());
        let model = &self.logs[log];
        let opened = self.dirs[model.dir].open_log(&model.name, model.topic, &model.settings);
        let opened = match opened {
            Ok(opened) => opened,
            Err(_) if self.has_faults || self.was_full => return !self.machine.is_stopped(),
            Err(error) => return self.has_stopped(&error),
        };
        // Looking must not be what the machine stops at, or fails at.
        self.machine.stop_after(None);
        self.machine.heal();
        tell!(self, "opened {log}: {} to {}, {:?}", opened.log_start(), opened.log_end(), opened.recovery());
        if let Some(copy) = copy {
            self.opens_alike(log, &opened, &copy, "opened on a copy");
        }
        self.compare(log, &opened);
        if self.random.one_in(3) {
            self.opens_alike(log, &opened, &self.machine.copy(), "opened a second time");
        }
        if self.random.one_in(8) {
            self.plan_stop();
        }
        let shard = self.random.below(self.shards.len() as u64) as usize;
        let id = self.shards[shard].store.adopt(opened);
        self.logs[log].place = Some((shard, id));
        self.logs[log].existence = Existence::Yes;
        true
    }

    /// What another machine makes of the same files.
    fn opens_alike(&self, log: usize, opened: &OpenedLog, copy: &Simulation, how: &str) {
        if self.machine.is_stopped() {
            return;
        }
        let model = &self.logs[log];
        let dir = LogDir::open_on(copy.disk(), &self.paths[model.dir]).unwrap();
        let again = dir.open_log(&model.name, model.topic, &model.settings).unwrap();
        let place = |opened: &OpenedLog| (opened.log_start(), opened.log_end());
        assert_eq!(place(opened), place(&again), "{} is another one when {how}", model.name);
        assert!(replayed(opened) == replayed(&again), "{} holds something else when {how}", model.name);
    }

    /// Holds what was found against what should be there, and takes it over.
    fn compare(&mut self, log: usize, opened: &OpenedLog) {
        let has_stopped = self.machine.is_stopped();
        let model = &mut self.logs[log];
        let (start, end) = (opened.log_start(), opened.log_end());
        assert_eq!(opened.recovery().damage, [], "{}", model.name);
        let name = model.name.clone();
        assert!(end >= model.durable, "{name} ends at {end}, but was durable up to {}", model.durable);
        assert!(end <= model.end, "{name} ends at {end}, and nothing was appended behind {}", model.end);
        assert!(start <= end && start <= model.start, "{name} starts at {start} and not at {}", model.start);
        assert!(
            start >= model.start_found,
            "{name} starts at {start}, and has started at {}",
            model.start_found
        );
        if std::mem::take(&mut model.was_closed) {
            assert_eq!((start, end), (model.start, model.end), "{name} after a clean stop");
        }
        let within = model.batches.iter().any(|batch| batch.first < end && batch.last >= end);
        // Unless nothing is left of it: then it begins where it was told to.
        assert!(!within || start == end, "{name} ends within a batch, at {end}");
        if end < model.end {
            model.cut(end);
        }
        if has_stopped {
            return;
        }
        let mut found = Vec::new();
        opened.replay(start, |_, bytes| found.extend_from_slice(bytes)).unwrap();
        if model.is_compacted {
            model.check_compacted(start, &found, true);
        } else {
            let expected = model.expect(start, end, usize::MAX);
            assert!(found == expected, "{name} holds {} bytes instead of {}", found.len(), expected.len());
        }
        for at in opened.producer_snapshots().iter().copied() {
            assert!(at <= end, "{name} has a snapshot of producers at {at}, behind its end {end}");
            assert_eq!(opened.producer_snapshot(at).unwrap(), at.0.to_be_bytes(), "{name}");
        }
        if let Some(epochs) = opened.leader_epochs().unwrap() {
            assert!(model.epochs.contains(&epochs), "{name} has leader epochs {epochs:?}");
        }
        (model.start, model.start_found) = (start, start);
        // What was found is told to be durable from now on.
        model.durable = end;
    }

    /// What the stores say of themselves.
    pub fn compare_status(&self) {
        for log in &self.logs {
            let Some((shard, id)) = log.place.filter(|_| !log.is_busy && !log.is_offline) else { continue };
            let status = self.shards[shard].store.status(id).expect("a log that was adopted");
            assert_eq!((status.log_start, status.log_end), (log.start, log.end), "{}", log.name);
            assert!(status.durable_end >= log.durable && status.durable_end <= log.end, "{}", log.name);
        }
    }

    /// Reads every log from its start to its end.
    pub fn read_everything(&mut self) {
        for log in 0..self.logs.len() {
            let Some((shard, id)) = self.logs[log].place else { continue };
            tell!(self, "read all of {log}");
            let (mut from, end) = (self.logs[log].start, self.logs[log].end);
            while from < end && !self.machine.is_stopped() {
                self.read_from(log, shard, id, from, end, 20_000);
                self.turn_until("a read", |world| world.shards[shard].reads.is_empty());
                if self.read_to <= from {
                    break;
                }
                from = self.read_to;
            }
        }
    }
}

fn replayed(opened: &OpenedLog) -> Vec<u8> {
    let mut bytes = Vec::new();
    opened.replay(Offset(0), |_, batch| bytes.extend_from_slice(batch)).unwrap();
    bytes
}
