//! Calls that change a log other than by appending: cutting it at either end, saving what belongs to it, removing and
//! closing it.

use reactor::Reactor;
use types::{Offset, TimestampMs, Uuid};

use crate::error::StorageError;
use crate::job::Job;
use crate::log::{Log, State};
use crate::outcome::Outcome;
use crate::store::{LogId, Store, find};
use crate::upkeep::Closing;

impl Store {
    /// Moves the log start up to `to`, which lies between the log start and end, and removes segments that lie wholly
    /// below it. Returns the log start.
    ///
    /// # Errors
    /// `OffsetOutOfRange`; `Busy`, `Offline`.
    pub fn delete_records(
        &mut self,
        log: LogId,
        to: Offset,
        reactor: &mut Reactor,
    ) -> Result<Offset, StorageError> {
        let found = find(&mut self.logs, log).ok_or(StorageError::UnknownLog)?;
        if !matches!(found.state, State::Open) {
            return Err(found.refusal().unwrap_or(StorageError::Busy));
        }
        if to > found.log_end {
            let (log_start, log_end) = (found.log_start, found.log_end);
            return Err(StorageError::OffsetOutOfRange { asked: to, log_start, log_end });
        }
        if to > found.log_start {
            found.log_start = to;
            self.upkeep.checkpoint_wanted = true;
            self.drop_segments_below_start(log, reactor);
        }
        Ok(find(&mut self.logs, log).map_or(to, |log| log.log_start))
    }

    /// Removes old segments as `retention.ms` and `retention.bytes` ask, but nothing at or above `below` (the high
    /// watermark). Returns the log start.
    ///
    /// # Errors
    /// `Busy`, `Offline`.
    pub fn apply_retention(
        &mut self,
        log: LogId,
        below: Offset,
        now: TimestampMs,
        reactor: &mut Reactor,
    ) -> Result<Offset, StorageError> {
        let found = find(&mut self.logs, log).ok_or(StorageError::UnknownLog)?;
        if !matches!(found.state, State::Open) {
            return Err(found.refusal().unwrap_or(StorageError::Busy));
        }
        if !found.settings.deletes {
            return Ok(found.log_start);
        }
        found.roll_if_expired(below, now);
        let start = found.start_by_retention(below, now);
        if start > found.log_start {
            found.log_start = start;
            self.upkeep.checkpoint_wanted = true;
            self.core.mark_dirty(found);
        }
        // Also those that were still being written when the start moved beyond them.
        self.drop_segments_below_start(log, reactor);
        Ok(find(&mut self.logs, log).map_or(start, |log| log.log_start))
    }

    pub(crate) fn drop_segments_below_start(&mut self, id: LogId, reactor: &mut Reactor) {
        let Some(log) = find(&mut self.logs, id) else { return };
        if log.is_swap_pending() {
            // The files that would go may be another segment's by then: it is done when they are.
            return;
        }
        let mut gone = Vec::new();
        while log.bases().nth(1).is_some_and(|next| next <= log.log_start)
            && let Some(segment) = log.sealed.pop_front()
        {
            gone.push(segment.base);
            self.core.figures.segments_dropped += 1;
            self.core.figures.dropped_bytes += segment.bytes;
        }
        if gone.is_empty() {
            return;
        }
        let first = log.bases().next().unwrap_or(log.log_start);
        log.aborted.drop_below(first);
        log.jobs.push_back(Job::SetAside { gone, first });
        self.cold.forget(id, |base| base < first);
        self.core.start_job(log, reactor);
    }

    /// Cuts the log so that no batch reaches to `to` or beyond; for followers. Ends with
    /// [`crate::Outcome::Truncated`], and until then the log is `Busy`.
    ///
    /// # Errors
    /// `Busy`, `Offline`.
    pub fn truncate(&mut self, log: LogId, to: Offset, reactor: &mut Reactor) -> Result<(), StorageError> {
        let found = find(&mut self.logs, log).ok_or(StorageError::UnknownLog)?;
        if !matches!(found.state, State::Open) {
            return Err(found.refusal().unwrap_or(StorageError::Busy));
        }
        if to >= found.log_end {
            let result = Ok(found.log_end);
            self.core.outcomes.push_back(Outcome::Truncated { log, result });
            return Ok(());
        }
        found.state = State::Truncating { to, started: false };
        found.wanted_durable = found.log_end;
        self.core.mark_dirty(found);
        self.cancel_compaction(log, reactor);
        self.settle(log, reactor);
        Ok(())
    }

    /// Saves the state of producers at `at` (the log's end, or an older one) in the background, and before it the
    /// transaction indexes.
    pub fn save_producer_snapshot(&mut self, log: LogId, at: Offset, bytes: Vec<u8>, reactor: &mut Reactor) {
        let Some(found) = find(&mut self.logs, log) else { return };
        let aborted = found.aborted.to_save(at, found.bases());
        self.add_job(log, Job::Snapshot { at, bytes, aborted }, reactor);
    }

    /// Saves `leader-epoch-checkpoint` in the background.
    pub fn save_leader_epochs(&mut self, log: LogId, text: String, reactor: &mut Reactor) {
        self.add_job(log, Job::LeaderEpochs(text), reactor);
    }

    fn add_job(&mut self, log: LogId, job: Job, reactor: &mut Reactor) {
        let Some(log) = find(&mut self.logs, log) else { return };
        if matches!(
            log.state,
            State::Open | State::Truncating { started: false, .. } | State::Closing { started: false }
        ) {
            log.jobs.push_back(job);
            self.core.start_job(log, reactor);
        }
    }

    /// Forgets a log and deletes its files. `unique` goes into the name that the directory has meanwhile. Ends with
    /// [`crate::Outcome::Removed`].
    pub fn remove(&mut self, log: LogId, unique: Uuid, reactor: &mut Reactor) {
        let Some(found) = find(&mut self.logs, log) else { return };
        if !matches!(found.state, State::Removing { .. }) {
            found.state = State::Removing { unique, started: false };
            self.cancel_compaction(log, reactor);
            self.settle(log, reactor);
        }
    }

    /// Makes everything durable, cuts files to their real size and saves indexes and checkpoints. Ends with
    /// [`crate::Outcome::Closed`]; after that [`crate::LogDir::mark_clean`] is due.
    pub fn close(&mut self, reactor: &mut Reactor) {
        if self.upkeep.closing.is_some() {
            return;
        }
        self.upkeep.closing = Some(Closing::default());
        let ids: Vec<LogId> = self.logs.iter().map(|(_, log)| log.id).collect();
        for id in ids {
            let Some(log) = find(&mut self.logs, id) else { continue };
            if matches!(log.state, State::Open) {
                log.state = State::Closing { started: false };
                log.wanted_durable = log.log_end;
                self.core.mark_dirty(log);
                self.cancel_compaction(id, reactor);
                self.settle(id, reactor);
            }
        }
    }
}

impl Log {
    /// A log that gets no more records would keep its last segment for ever: it is closed off when all of it is too
    /// old, as Kafka does.
    fn roll_if_expired(&mut self, below: Offset, now: TimestampMs) {
        let expired = self.settings.retention_ms >= 0
            && self.writing.len() == 1
            && self.log_end <= below
            && self.writing.back().is_some_and(|active| {
                let newest = active.index.max_timestamp();
                active.size > 0 && newest > TimestampMs::NONE && now.0 - newest.0 > self.settings.retention_ms
            });
        if expired {
            self.roll(self.log_end);
        }
    }

    /// Where the log may start when segments are removed from the oldest on: while they are too old, or while the log
    /// would still be larger than it may be without them. Only segments that are written to their end.
    fn start_by_retention(&self, below: Offset, now: TimestampMs) -> Offset {
        let mut size = self.size_bytes();
        let mut start = self.log_start;
        for (segment, next) in self.sealed.iter().zip(self.bases().skip(1)) {
            let is_old = segment.max_timestamp > TimestampMs::NONE
                && now.0 - segment.max_timestamp.0 > self.settings.retention_ms;
            // A segment of which compaction has left nothing must not keep those behind it.
            let too_old = self.settings.retention_ms >= 0 && (is_old || segment.bytes == 0);
            let too_much = u64::try_from(self.settings.retention_bytes)
                .is_ok_and(|bytes| size.saturating_sub(segment.bytes) >= bytes);
            if next > below || !(too_old || too_much) {
                break;
            }
            size -= segment.bytes;
            start = start.max(next);
        }
        start
    }
}
