//! The disk is copied piece by piece while the machine goes on, and a broker starts on the copy: what was durable when the
//! copy began is there, and nothing is there that nobody wrote.

use std::collections::BTreeMap;

use reactor::simulation::Copying;
use strome_storage::{LogDir, OpenedLog};
use types::{Offset, TopicId};

use crate::model::{Existence, LogModel};
use crate::world::{World, tell};

/// In a smaller journal, commits are overwritten before such a copy is done.
const JOURNAL_BYTES_MIN: u64 = 4 * 1024 * 1024;

/// A copy that is being made.
pub struct Copy {
    copying: Copying,
    /// What each log had when the copy began, as long as nothing was cut off it.
    promised: BTreeMap<usize, Promise>,
}

struct Promise {
    topic: TopicId,
    durable: Offset,
    /// How often the log has been cut.
    cuts: u64,
}

impl World {
    pub fn begin_copy(&mut self) {
        if self.has_faults || self.was_full || self.copy.is_some() || self.machine.is_stopped() {
            return;
        }
        tell!(self, "a copy of the disk begins");
        let there =
            self.logs.iter().enumerate().filter(|(_, log)| log.existence == Existence::Yes && !log.is_busy);
        let promise = |log: &LogModel| Promise { topic: log.topic, durable: log.durable, cuts: log.cuts };
        let promised = there.map(|(i, log)| (i, promise(log))).collect();
        self.copy = Some(Copy { copying: self.machine.begin_copy(), promised });
    }

    /// Copies some more.
    pub fn go_on_copying(&mut self) {
        if self.machine.is_stopped() || self.has_faults || self.was_full {
            self.copy = None;
        }
        let Some(copy) = &mut self.copy else { return };
        let pieces = self.random.below(4);
        if (0..pieces).all(|_| copy.copying.step()) {
            return;
        }
        if let Some(copy) = self.copy.take() {
            tell!(self, "the copy is done");
            self.check_copy(copy);
        }
    }

    fn check_copy(&mut self, copy: Copy) {
        let machine = copy.copying.finish();
        let dirs: Vec<_> = self
            .paths
            .iter()
            .map(|path| LogDir::open_on(machine.disk(), path).expect("a copied directory"))
            .collect();
        for (log, promise) in copy.promised {
            let model = &self.logs[log];
            if model.topic != promise.topic || model.cuts != promise.cuts || model.existence != Existence::Yes
            {
                continue;
            }
            let opened =
                dirs[model.dir].open_log(&model.name, model.topic, &model.settings).expect("a copied log");
            tell!(self, "in the copy, {log} goes from {} to {}", opened.log_start(), opened.log_end());
            let is_complete = self.store_settings.journal_bytes_max >= JOURNAL_BYTES_MIN;
            model.check_copy(&opened, is_complete.then_some(promise.durable));
        }
    }
}

impl LogModel {
    /// Holds what a copy has against what it may have, and has to have below `durable`.
    fn check_copy(&self, opened: &OpenedLog, durable: Option<Offset>) {
        let mut found: BTreeMap<Offset, Vec<u8>> = BTreeMap::new();
        let mut end = Offset(0);
        opened
            .replay(opened.log_start(), |header, bytes| {
                assert!(header.base_offset >= end, "{}: batches overlap at {end} in a copy", self.name);
                end = header.next_offset();
                found.insert(header.base_offset, bytes.to_vec());
            })
            .expect("a copied log");
        assert!(opened.log_end() <= self.end, "{} ends at {} in a copy", self.name, opened.log_end());
        if let Some(durable) = durable {
            assert!(
                opened.log_end() >= durable,
                "{} ends at {} in a copy, but was durable up to {durable}",
                self.name,
                opened.log_end()
            );
        }
        if self.is_compacted {
            return;
        }
        let durable = durable.unwrap_or(Offset(0));
        for (at, bytes) in &found {
            let written = self.batches.iter().find(|batch| batch.first == *at);
            let is_whole = written.is_some_and(|batch| batch.bytes[..] == **bytes);
            // A recovery point that was copied after its segment vouches for what is not there: that is found out when it is read.
            let is_known_damage = *at >= durable && record::check_crc(bytes).is_err();
            assert!(is_whole || is_known_damage, "{}: nobody wrote what a copy has at {at}", self.name);
        }
        if !opened.recovery().damage.is_empty() {
            // A segment that was filled and followed by another one meanwhile may end too early. The start has told.
            return;
        }
        let start = self.start.max(opened.log_start());
        for batch in self.batches.iter().filter(|batch| batch.last >= start && batch.last < durable) {
            assert!(
                found.contains_key(&batch.first),
                "{}: a copy lacks the batch at {}",
                self.name,
                batch.first
            );
        }
    }
}
