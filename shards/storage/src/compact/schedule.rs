//! Which log is compacted, and driving its pass: slice after slice, and swap after swap.
//!
//! Slices run on the reactor's thread for work that can wait, one at a time per store. Between slices the pass lies here:
//! so it can be slowed down without a thread that sleeps, and given up without one that has to be interrupted; and in a
//! simulation it runs like all other work.
//!
//! # Invariants
//! - A log that is cut, closed or removed waits until its pass has let go of its files.
//! - A segment takes the place of others only if the log still has all of these.

use std::sync::Arc;
use std::sync::mpsc::Sender;

use reactor::{Pace, Reactor};
use tracing::{debug, error, info, warn};
use types::{Offset, TimestampMs};

use super::cleanable::{Cleanable, Situation};
use super::pass::{Pass, Plan, Progress};
use super::pool::{CompactionPool, Member, Permit};
use super::swap::Swap;
use super::txn_index::AbortedTxn;
use super::{CompactionBounds, CompactionSettings};
use crate::core::Message;
use crate::error::StorageError;
use crate::job::Job;
use crate::log::{Log, State};
use crate::outcome::Outcome;
use crate::segment::Segment;
use crate::store::{LogId, Store, find};

/// Segments whose age is looked up at once.
const SURVEYED_AT_ONCE: usize = 64;

/// The compaction of a store, one at a time.
#[derive(Debug, Default)]
pub(crate) struct Compactor {
    member: Member,
    current: Option<Current>,
}

#[derive(Debug)]
struct Current {
    log: LogId,
    permit: Permit,
    doing: Doing,
    /// It is to be given up as soon as that is possible.
    is_cancelled: bool,
    /// Before this time, in milliseconds, the disk belongs to others.
    paid_until_ms: f64,
    /// When it did.
    began: TimestampMs,
}

#[derive(Debug)]
enum Doing {
    /// Waiting for its turn.
    Nothing(Box<Pass>),
    /// A slice, or cleaning up.
    Slice,
    /// A segment of its takes its place.
    Swap(Box<Pass>),
}

/// What a slice came to.
#[derive(Debug)]
pub(crate) struct Slice {
    log: LogId,
    /// The log's first segment when it began.
    first_base: Offset,
    /// `None` when the pass was given up, or has panicked.
    pass: Option<Box<Pass>>,
    bytes: u64,
    result: Result<Progress, StorageError>,
}

impl Compactor {
    /// Whether files of this log are in use.
    pub(crate) fn is_busy_with(&self, log: LogId) -> bool {
        self.current.as_ref().is_some_and(|current| current.log == log)
    }

    /// Whether files of any log are in use.
    pub(crate) fn is_busy(&self) -> bool {
        self.current.is_some()
    }
}

impl Store {
    /// Shares limits with other stores.
    pub fn use_compaction_pool(&mut self, pool: Arc<CompactionPool>) {
        self.compactor.member = Member::new(pool);
    }

    /// Says how a log is to be compacted, or that it is not. What is under way then ends soon.
    pub fn set_compaction(&mut self, log: LogId, settings: Option<CompactionSettings>) {
        let Some(found) = find(&mut self.logs, log) else { return };
        if found.compaction.settings.as_deref() == settings.as_ref() {
            return;
        }
        found.compaction.settings = settings.map(Box::new);
        // New settings are a new chance.
        found.compaction.not_before = TimestampMs::ZERO;
        if let Some(current) = self.compactor.current.as_mut().filter(|current| current.log == log) {
            current.is_cancelled |= settings.is_none();
        }
    }

    /// Up to where a log is compacted.
    #[must_use]
    pub fn compacted_to(&self, log: LogId) -> Option<Offset> {
        self.logs.get(log.key as usize).filter(|found| found.id == log)?.compaction.to
    }

    /// The log that needs compaction most, if one does and it can be started; `below` tells what is decided of a log.
    pub fn next_to_compact(
        &mut self,
        now: TimestampMs,
        below: impl Fn(LogId) -> Option<Offset>,
        reactor: &mut Reactor,
    ) -> Option<LogId> {
        if self.compactor.is_busy() || self.upkeep.closing.is_some() {
            return None;
        }
        let mut best: Option<(f64, LogId)> = None;
        for (_, log) in &mut self.logs {
            let Some(settings) = log.compaction.settings.as_deref().copied() else { continue };
            if !matches!(log.state, State::Open) || log.compaction.not_before > now {
                continue;
            }
            let Some(below) = below(log.id) else { continue };
            if log.roll_if_overdue(below, now) {
                self.core.mark_dirty(log);
            }
            let (cleanable, unknown) = log.cleanable(below, now, &settings);
            if !unknown.is_empty() && !log.job_running && log.jobs.is_empty() {
                log.jobs.push_back(Job::FirstTimestamps(unknown));
                self.core.start_job(log, reactor);
            }
            let ratio = cleanable.dirty_ratio();
            if cleanable.is_due(&settings) && best.is_none_or(|(most, _)| ratio > most) {
                best = Some((ratio, log.id));
            }
        }
        let Some((_, log)) = best else {
            self.compactor.member.withdraw();
            return None;
        };
        self.compactor.member.queue().then_some(log)
    }

    /// Whether a log needs compaction that has to wait for those of other stores.
    #[must_use]
    pub fn waits_to_compact(&self) -> bool {
        self.compactor.member.is_waiting()
    }

    /// Begins to compact a log, which ends with [`Outcome::Compacted`]. False if there is nothing to do or another
    /// compaction is under way.
    pub fn compact(&mut self, log: LogId, bounds: CompactionBounds, reactor: &mut Reactor) -> bool {
        let now = self.core.now;
        let Some(found) = find(&mut self.logs, log).filter(|log| matches!(log.state, State::Open)) else {
            return false;
        };
        let Some(settings) = found.compaction.settings.as_deref().copied() else { return false };
        let (cleanable, _) = found.cleanable(bounds.below, now, &settings);
        if self.compactor.is_busy() || cleanable.first_dirty >= cleanable.first_uncleanable {
            return false;
        }
        let Some(permit) = self.compactor.member.begin() else { return false };
        let plan = found.plan(&cleanable, &settings, bounds, &permit, now);
        debug!(log = %found.origin.name, from = %plan.first_dirty, to = %plan.first_uncleanable, "compaction begins");
        self.compactor.current = Some(Current {
            log,
            permit,
            doing: Doing::Nothing(Box::new(Pass::new(plan))),
            is_cancelled: false,
            paid_until_ms: now.0 as f64,
            began: now,
        });
        self.advance_compaction(reactor);
        true
    }

    /// When the store has to be ticked for a compaction that waits for its share of the disk.
    #[must_use]
    pub fn next_compaction_slice(&self) -> Option<TimestampMs> {
        let current = self.compactor.current.as_ref()?;
        matches!(current.doing, Doing::Nothing(_)).then_some(TimestampMs(current.paid_until_ms.ceil() as i64))
    }

    /// Gives up the compaction of this log, if it is the one that runs.
    pub(crate) fn cancel_compaction(&mut self, log: LogId, reactor: &mut Reactor) {
        if let Some(current) = self.compactor.current.as_mut().filter(|current| current.log == log) {
            current.is_cancelled = true;
            self.advance_compaction(reactor);
        }
    }

    /// Starts the next slice if its time has come.
    pub(crate) fn advance_compaction(&mut self, reactor: &mut Reactor) {
        let Some(current) = &mut self.compactor.current else { return };
        let log = find(&mut self.logs, current.log);
        let is_alive = log.as_ref().is_some_and(|log| matches!(log.state, State::Open));
        let is_swap_lost = log.as_ref().is_none_or(|log| !log.is_swap_pending());
        current.is_cancelled |= !is_alive;
        let is_early = !current.is_cancelled && current.paid_until_ms > self.core.now.0 as f64;
        match std::mem::replace(&mut current.doing, Doing::Slice) {
            Doing::Nothing(pass) if is_early => current.doing = Doing::Nothing(pass),
            // A log that has failed forgets its jobs.
            Doing::Swap(pass) if !is_swap_lost => current.doing = Doing::Swap(pass),
            Doing::Nothing(pass) | Doing::Swap(pass) => {
                let first_base = log.and_then(|log| log.bases().next()).unwrap_or(Offset::ZERO);
                let (log, is_cancelled) = (current.log, current.is_cancelled);
                let messages = self.core.messages.clone();
                reactor
                    .offload_at(Pace::Idle, move || run_slice(log, pass, first_base, is_cancelled, messages));
            }
            Doing::Slice => {}
        }
    }

    /// A slice has ended.
    pub(crate) fn on_compacted(&mut self, slice: Slice, reactor: &mut Reactor) {
        let Slice { log: id, first_base, pass, bytes, result } = slice;
        let Some(current) = self.compactor.current.as_mut().filter(|current| current.log == id) else {
            return;
        };
        let Some(pass) = pass else { return self.end_compaction(id, result.err(), reactor) };
        let pause_ms = self.compactor.member.pool().pause_ms(bytes);
        let now_ms = self.core.now.0 as f64;
        // What was not used for long is not caught up with.
        current.paid_until_ms = current.paid_until_ms.max(now_ms - pause_ms) + pause_ms;
        current.doing = Doing::Nothing(pass);
        let log = find(&mut self.logs, id);
        match (result, log) {
            (Ok(Progress::More), _) => {}
            (Ok(Progress::Swap(swap)), Some(log))
                if !current.is_cancelled && matches!(log.state, State::Open) =>
            {
                self.ask_for_swap(id, swap, reactor);
            }
            (Ok(Progress::Finished(to)), Some(_)) if !current.is_cancelled => {
                return self.finish_compaction(id, to, reactor);
            }
            (Err(error), Some(log)) if !current.is_cancelled => {
                // A file that was dropped meanwhile is no longer looked for: there are only so many to be dropped.
                let has_dropped = log.bases().next().is_some_and(|base| base > first_base);
                if !(error.is_not_found() && has_dropped) {
                    return self.fail_compaction(id, error, reactor);
                }
            }
            _ => current.is_cancelled = true,
        }
        self.advance_compaction(reactor);
    }

    fn ask_for_swap(&mut self, id: LogId, swap: Box<Swap>, reactor: &mut Reactor) {
        let (Some(log), Some(current)) = (find(&mut self.logs, id), &mut self.compactor.current) else {
            return;
        };
        let Doing::Nothing(mut pass) = std::mem::replace(&mut current.doing, Doing::Slice) else { return };
        if log.has_all(&swap.replaced) {
            current.doing = Doing::Swap(pass);
            log.jobs.push_back(Job::Swap(swap));
            self.core.start_job(log, reactor);
            return;
        }
        // Only segments at the beginning go: the group is written again without them.
        let first = swap.replaced.first().map(|segment| segment.base);
        current.is_cancelled |= log.bases().next() <= first;
        pass.swapped(false);
        current.doing = Doing::Nothing(pass);
    }

    /// Files have, or have not, changed their names.
    pub(crate) fn on_swapped(
        &mut self,
        id: LogId,
        swap: &Swap,
        outcome: Result<(), StorageError>,
        aborted: Vec<AbortedTxn>,
    ) {
        if let Some(log) = find(&mut self.logs, id).filter(|_| outcome.is_ok()) {
            let first = log.sealed.partition_point(|segment| segment.base < swap.segment.base);
            let behind = (first + swap.replaced.len()).min(log.sealed.len());
            let end = log.bases().nth(behind).unwrap_or(log.log_end);
            log.sealed.drain(first..behind);
            log.sealed.insert(first, swap.segment);
            log.aborted.compacted(swap.segment.base, end, aborted);
            self.cold.forget(id, |base| (swap.segment.base..end).contains(&base));
            let replaced = swap.replaced.iter().map(|segment| segment.base).collect();
            self.upkeep.deletions.segments(log, replaced, self.core.now);
        }
        let Some(current) = self.compactor.current.as_mut().filter(|current| current.log == id) else {
            return;
        };
        let Doing::Swap(mut pass) = std::mem::replace(&mut current.doing, Doing::Slice) else { return };
        if let Err(error) = outcome {
            warn!(log = %pass.origin().name, %error, "a compacted segment could not take its place");
            current.is_cancelled = true;
        }
        pass.swapped(!current.is_cancelled);
        current.doing = Doing::Nothing(pass);
    }

    /// What has waited for the end of a swap goes on.
    pub(crate) fn resume_after_swap(&mut self, id: LogId, reactor: &mut Reactor) {
        self.cold.release(id);
        if find(&mut self.logs, id).is_some_and(|log| matches!(log.state, State::Open)) {
            self.drop_segments_below_start(id, reactor);
        }
        self.advance_compaction(reactor);
    }

    fn finish_compaction(&mut self, id: LogId, to: Offset, reactor: &mut Reactor) {
        let (Some(log), Some(current)) = (find(&mut self.logs, id), self.compactor.current.take()) else {
            return;
        };
        let Doing::Nothing(pass) = current.doing else { return };
        let report = pass.report();
        if report.to > report.from {
            log.compaction.to = Some(to);
            log.jobs.push_back(Job::NoteCompacted(to));
            let took_ms = self.core.now.0 - current.began.0;
            info!(log = %log.origin.name, ?report, took_ms, "compacted");
        } else {
            // Nothing can be done before more transactions have ended.
            log.compaction.not_before =
                TimestampMs(self.core.now.0 + self.compactor.member.pool().limits().backoff_ms);
        }
        self.core.outcomes.push_back(Outcome::Compacted { log: id, result: Ok(report) });
        drop(current.permit);
        self.settle(id, reactor);
    }

    fn fail_compaction(&mut self, id: LogId, error: StorageError, reactor: &mut Reactor) {
        if let Some(log) = find(&mut self.logs, id) {
            let name = &log.origin.name;
            if error.is_no_space() {
                warn!(log = %name, %error, "compaction waits for space");
                log.compaction.not_before =
                    TimestampMs(self.core.now.0 + self.compactor.member.pool().limits().backoff_ms);
            } else {
                error!(log = %name, %error, "the log is not compacted any more");
                log.compaction.not_before = TimestampMs(i64::MAX);
            }
        }
        self.core.outcomes.push_back(Outcome::Compacted { log: id, result: Err(error) });
        self.cancel_compaction(id, reactor);
    }

    /// Nothing of the pass is left, or nobody knows what.
    fn end_compaction(&mut self, id: LogId, error: Option<StorageError>, reactor: &mut Reactor) {
        self.compactor.current = None;
        if let Some(error) = error {
            warn!(%error, "a compaction has not ended as it should");
            if let Some(log) = find(&mut self.logs, id) {
                log.compaction.not_before = TimestampMs(i64::MAX);
            }
        }
        self.settle(id, reactor);
    }
}

/// Does a slice, or cleans up, and tells of it even if it panics. For a thread that may block.
fn run_slice(
    log: LogId,
    mut pass: Box<Pass>,
    first_base: Offset,
    is_cancelled: bool,
    messages: Sender<Message>,
) {
    let result = Err(StorageError::Offline("compacting has panicked".into()));
    let mut report =
        Report { messages, slice: Some(Slice { log, first_base, pass: None, bytes: 0, result }) };
    let slice = if is_cancelled {
        let result = pass.abandon().map(|()| Progress::More);
        Slice { log, first_base, pass: None, bytes: 0, result }
    } else {
        let before = pass.bytes_moved();
        let result = pass.step(first_base);
        let bytes = pass.bytes_moved() - before;
        Slice { log, first_base, pass: Some(pass), bytes, result }
    };
    report.slice = Some(slice);
}

/// Tells what a slice came to when it is dropped.
struct Report {
    messages: Sender<Message>,
    slice: Option<Slice>,
}

impl Drop for Report {
    fn drop(&mut self) {
        if let Some(slice) = self.slice.take() {
            // It fails when the store is gone: then nobody wants to know.
            let _ = self.messages.send(Message::Compacted(slice));
        }
    }
}

impl Log {
    /// Segments that get no more batches and whose files are as they will be.
    fn finished_segments(&self) -> Vec<Segment> {
        let unsealed = self.unsealed.iter().min().copied().unwrap_or(Offset(i64::MAX));
        self.sealed.iter().take_while(|segment| segment.base < unsealed).copied().collect()
    }

    /// What could be compacted, and the segments whose age decides and is not known.
    fn cleanable(
        &mut self,
        below: Offset,
        now: TimestampMs,
        settings: &CompactionSettings,
    ) -> (Cleanable, Vec<Segment>) {
        let sealed = self.finished_segments();
        let active = self.bases().nth(sealed.len()).unwrap_or(self.log_end);
        let situation = Situation {
            sealed: &sealed,
            active,
            log_start: self.log_start,
            log_end: self.log_end,
            checkpoint: self.compaction.to,
            below,
            oldest_dirty: None,
            now,
        };
        let cleanable = Cleanable::of(&situation, settings);
        if settings.max_lag_ms == i64::MAX {
            return (cleanable, Vec::new());
        }
        let first = sealed.partition_point(|segment| segment.base <= cleanable.first_dirty).saturating_sub(1);
        let (oldest_dirty, mut unknown) = self.compaction.oldest(sealed.get(first..).unwrap_or_default());
        unknown.truncate(SURVEYED_AT_ONCE);
        (Cleanable::of(&Situation { oldest_dirty, ..situation }, settings), unknown)
    }

    fn plan(
        &self,
        cleanable: &Cleanable,
        settings: &CompactionSettings,
        bounds: CompactionBounds,
        permit: &Permit,
        now: TimestampMs,
    ) -> Plan {
        let (segments, mut beyond): (Vec<Segment>, Vec<Segment>) =
            self.sealed.iter().copied().partition(|segment| segment.base < cleanable.first_uncleanable);
        beyond.extend(self.writing.iter().map(|writing| Segment {
            base: writing.base,
            bytes: writing.durable,
            max_timestamp: writing.index.max_timestamp(),
        }));
        Plan {
            origin: Arc::clone(&self.origin),
            settings: self.settings,
            delete_retention_ms: settings.delete_retention_ms,
            segments,
            beyond,
            first_dirty: cleanable.first_dirty,
            first_uncleanable: cleanable.first_uncleanable,
            bounds,
            now,
            map: permit.map,
            slice_bytes: permit.slice_bytes,
        }
    }

    /// Whether these segments are all there, one behind the other.
    fn has_all(&self, segments: &[Segment]) -> bool {
        let Some(first) = segments.first() else { return false };
        let at = self.sealed.partition_point(|segment| segment.base < first.base);
        self.sealed.iter().skip(at).take(segments.len()).eq(segments)
    }

    /// The active segment of a log that gets no more records would never be compacted: it is closed off when its oldest
    /// records have to be.
    fn roll_if_overdue(&mut self, below: Offset, now: TimestampMs) -> bool {
        let is_overdue = self.writing.len() == 1
            && self.log_end <= below
            && self.stall.is_none()
            && self.writing.back().is_some_and(|active| {
                let age_ms = active.began.map_or(0, |began| began.age_ms(now, now));
                active.size > 0 && self.compaction.is_overdue(age_ms)
            });
        if is_overdue {
            self.roll(self.log_end);
        }
        is_overdue
    }
}

#[cfg(test)]
mod tests;
