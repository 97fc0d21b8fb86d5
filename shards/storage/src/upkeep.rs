//! What a store does beside its calls: taking in finished background work, and what the passing of time asks for.

use std::sync::Arc;

use reactor::Reactor;
use tracing::{info, warn};
use types::{Offset, TimestampMs};

use crate::commit;
use crate::core::{Core, Message};
use crate::deletions::{self, Deletions};
use crate::error::StorageError;
use crate::failure::Directories;
use crate::job::{Done, Finished, Job};
use crate::journal::Void;
use crate::log::{Log, Spare, State};
use crate::log_dir::{CheckpointChange, CheckpointEntry, LogDir};
use crate::lookup::{LookedUp, LookupTask};
use crate::outcome::Outcome;
use crate::room::{self, RoomFiles};
use crate::segment_index::IndexAddition;
use crate::store::{LogId, Store, find};

/// How often the time is looked at for what can wait.
const ROUND_MS: i64 = 100;
/// When what is due, and which logs wait for the time.
#[derive(Debug, Default)]
pub(crate) struct Upkeep {
    /// Logs with bytes that may be written later.
    waiting: Vec<LogId>,
    next_round: TimestampMs,
    next_checkpoint: TimestampMs,
    last_idle_look: TimestampMs,
    pub(crate) checkpoint_running: bool,
    /// Log starts have moved: a checkpoint is due at once.
    pub(crate) checkpoint_wanted: bool,
    pub(crate) closing: Option<Closing>,
    /// Files that are not needed any more.
    pub(crate) deletions: Deletions,
    /// The directories of the logs.
    pub(crate) directories: Directories,
}

/// How far closing has come.
#[derive(Debug, Default)]
pub(crate) struct Closing {
    pub(crate) failed: Vec<(LogId, StorageError)>,
    /// Whether the last checkpoint is being written.
    pub(crate) last_checkpoint: bool,
}

impl Upkeep {
    /// Has `log` looked at again when some time has passed.
    pub(crate) fn wait(&mut self, log: &mut Log) {
        if !log.is_waiting {
            log.is_waiting = true;
            self.waiting.push(log.id);
        }
    }
}

impl Store {
    /// Takes in what offload threads have finished, and does what the time asks for. Once a turn of the shard's loop,
    /// and at least every second.
    pub fn tick(&mut self, now: TimestampMs, reactor: &mut Reactor) {
        self.core.now = now;
        while let Ok(message) = self.messages.try_recv() {
            match message {
                Message::Job(finished) => self.on_job(finished, reactor),
                Message::Opened(opened) => {
                    let log = find(&mut self.logs, opened.key.0);
                    self.cold.on_opened(opened, log.map(|log| &*log), &mut self.core, reactor);
                }
                Message::Searched(searched) => {
                    let log = find(&mut self.logs, searched.place.0.0);
                    self.cold.on_searched(searched, log.map(|log| &*log), &mut self.core, reactor);
                }
                Message::LookedUp(looked_up) => self.on_looked_up(looked_up, reactor),
                Message::JournalOpened(index, result) => {
                    if let Some(journal) = self.core.journals.get_mut(index) {
                        journal.opened(result);
                    }
                }
                Message::JournalGrown(index, result) => {
                    if let Some(journal) = self.core.journals.get_mut(index) {
                        journal.grown(result, self.core.now);
                    }
                }
                Message::Checkpointed(result) => self.on_checkpointed(result, reactor),
                Message::Compacted(slice) => self.on_compacted(slice, reactor),
            }
        }
        self.advance_compaction(reactor);
        for read in self.cold.take_restarts() {
            let log = find(&mut self.logs, read.log).filter(|log| log.is_readable());
            self.cold.restart(read, log.map(|log| &*log), &mut self.core, reactor);
        }
        self.evict();
        if now >= self.upkeep.next_round {
            self.upkeep.next_round = TimestampMs(now.0 + ROUND_MS);
            self.round(reactor);
        }
    }

    fn round(&mut self, reactor: &mut Reactor) {
        self.heed_failures();
        let now = self.core.now;
        self.cold.expire(now);
        for id in std::mem::take(&mut self.upkeep.waiting) {
            if let Some(log) = find(&mut self.logs, id) {
                log.is_waiting = false;
                self.core.mark_dirty(log);
            }
        }
        for id in std::mem::take(&mut self.core.stalled) {
            let Some(log) = find(&mut self.logs, id) else { continue };
            match &log.stall {
                Some(stall) if stall.retry_at > now => self.core.stalled.push(id),
                Some(_) => self.core.mark_dirty(log),
                None => {}
            }
        }
        self.upkeep.deletions.start_due(self.core.now, reactor);
        if now >= self.upkeep.next_checkpoint || self.upkeep.checkpoint_wanted {
            self.upkeep.next_checkpoint = TimestampMs(now.0 + self.core.settings.checkpoint_interval_ms);
            self.checkpoint(reactor);
        }
        let looked_ms_ago = now.0 - self.upkeep.last_idle_look.0;
        if looked_ms_ago >= self.core.idle_look_interval_ms() && self.take_back_memory(reactor) {
            self.upkeep.last_idle_look = now;
        }
        self.core.chunks.look(now);
        self.core.grow_journals(reactor);
        self.advance_closing(reactor);
    }

    /// A job of a log has ended.
    fn on_job(&mut self, finished: Finished, reactor: &mut Reactor) {
        let Finished { log: id, result, job } = finished;
        let Some(log) = find(&mut self.logs, id) else { return };
        log.job_running = false;
        // No other job runs beside it.
        let was_swapping = log.compaction.swap_ended();
        match result {
            Ok(done) => self.on_done(id, done, reactor),
            Err(error) => on_failed(log, job, error, &mut self.core),
        }
        if let Some(log) = find(&mut self.logs, id) {
            self.core.mark_dirty(log);
            if was_swapping {
                self.resume_after_swap(id, reactor);
            }
            self.start_lookups(id, reactor);
            self.settle(id, reactor);
        }
    }

    fn on_done(&mut self, id: LogId, done: Done, reactor: &mut Reactor) {
        let Some(log) = find(&mut self.logs, id) else { return };
        match done {
            Done::Prepared { base, file, zeros, usable, block } => {
                log.tail.complete(base, &block);
                let files = RoomFiles { opened: Some(file), zeros };
                room::room_made(log, base, files, usable, &mut self.core, reactor);
            }
            Done::Extended { base, to, zeros } => {
                let files = RoomFiles { opened: None, zeros };
                room::room_made(log, base, files, to, &mut self.core, reactor);
            }
            Done::NextPrepared { file, usable } => {
                room::spare_made(log, file, usable, &mut self.core, reactor);
            }
            Done::Named { base } => {
                if let Some(named) = log.writing.iter_mut().find(|writing| writing.base == base) {
                    named.is_named = true;
                }
            }
            Done::Sealed { base } => log.unsealed.retain(|unsealed| *unsealed != base),
            Done::Truncated(opened) => {
                let log_end = opened.log_end;
                log.tail.clear(&mut self.core.chunks);
                let before = std::mem::replace(log, Log::new(id, *opened, self.core.now));
                // They may have been changed while the log was cut.
                log.settings = before.settings;
                log.aborted = before.aborted;
                log.aborted.cut(log_end);
                log.journal.index = before.journal.index;
                log.compaction.settings = before.compaction.settings;
                if matches!(before.state, State::Removing { .. }) {
                    log.state = before.state;
                } else if self.upkeep.closing.is_some() {
                    log.state = State::Closing { started: false };
                }
                self.core.outcomes.push_back(Outcome::Truncated { log: id, result: Ok(log_end) });
                self.upkeep.checkpoint_wanted = true;
            }
            Done::SetAside(segments) => self.upkeep.deletions.segments(log, segments, self.core.now),
            Done::Swapped(swap, outcome, aborted) => self.on_swapped(id, &swap, outcome, aborted),
            Done::Snapshotted(aborted_to) => log.aborted.note_saved(aborted_to),
            Done::FirstTimestamps(found) => log.compaction.learn(found),
            Done::Removed(path) => {
                let (disk, due) = (log.origin.disk().clone(), deletions::due(log, self.core.now));
                self.forget(id);
                self.core.outcomes.push_back(Outcome::Removed { log: id, result: Ok(()) });
                self.upkeep.deletions.removed_log(id, disk, path, due);
            }
            Done::Closed => log.state = State::Closed,
            Done::Nothing => {}
        }
    }

    /// Begins what a log can begin only when nothing else is under way.
    pub(crate) fn settle(&mut self, id: LogId, reactor: &mut Reactor) {
        // A checkpoint that is being saved knows the log as it was: it must not come after what these jobs save.
        let free = !self.upkeep.checkpoint_running && !self.compactor.is_busy_with(id);
        let Some(log) = find(&mut self.logs, id) else { return };
        let settled = log.is_settled();
        let at_rest = log.in_flight.is_none() && !log.job_running && free;
        let (log_start, recovery_point) = (log.log_start, log.recovery_point());
        match &mut log.state {
            State::Truncating { started: false, .. } if settled && log.journal.needs_void() => {
                match self.core.journals.get_mut(log.journal.index).filter(|journal| journal.is_ready()) {
                    Some(journal) => {
                        log.journal.void = Void::Wanted;
                        journal.wait(log);
                    }
                    None => {
                        // What is cut off now would come back from it with the next start.
                        let error = StorageError::Offline("its journal has failed".into());
                        commit::go_offline(log, &error, &mut self.core);
                    }
                }
            }
            State::Truncating { to, started } if settled && free && !*started => {
                *started = true;
                let job = Job::Truncate { to: *to, log_start, recovery_point, settings: log.settings };
                log.jobs.push_back(job);
                log.rest(&mut self.core.chunks);
                self.cold.forget(id, |_| true);
            }
            State::Closing { started } if settled && !*started => {
                *started = true;
                if let Some(active) = log.writing.back() {
                    let mut index = active.index.clone();
                    index.finish();
                    log.jobs.push_back(Job::Close { size: active.size, index: Box::new(index) });
                }
                log.rest(&mut self.core.chunks);
            }
            State::Removing { unique, started } if at_rest && !*started => {
                *started = true;
                log.jobs.clear();
                log.jobs.push_back(Job::Remove { unique: *unique });
                log.stall = None;
                log.rest(&mut self.core.chunks);
                self.cold.forget(id, |_| true);
            }
            _ => {}
        }
        self.core.start_job(log, reactor);
    }

    /// Starts the lookups of a log for which enough is written.
    pub(crate) fn start_lookups(&mut self, id: LogId, reactor: &mut Reactor) {
        let Some(log) = find(&mut self.logs, id) else { return };
        if log.writing.iter().any(|writing| writing.written > 0 && !writing.is_named)
            || log.compaction.is_swapping()
        {
            // Lookups find files by their names.
            return;
        }
        let mut i = 0;
        while let Some(lookup) = log.lookups.get(i) {
            if lookup.written_to > log.written_end {
                i += 1;
                continue;
            }
            let lookup = log.lookups.swap_remove(i);
            let Some(task) = LookupTask::new(log, lookup.target, lookup.up_to) else {
                self.core.outcomes.push_back(Outcome::LookupDone { id: lookup.id, result: Ok(None) });
                continue;
            };
            let (origin, messages) = (log.origin.clone(), self.core.messages.clone());
            let layout = log.compaction.layout();
            reactor.offload(move || {
                let result = task.run(origin.disk(), &origin.path);
                let looked_up = LookedUp { log: id, lookup, layout, result };
                // It fails when the store is gone: then nobody wants to know.
                let _ = messages.send(Message::LookedUp(looked_up));
            });
        }
    }

    /// A lookup has ended: with an answer, unless files have changed their names meanwhile.
    fn on_looked_up(&mut self, looked_up: LookedUp, reactor: &mut Reactor) {
        let LookedUp { log: id, lookup, layout, result } = looked_up;
        match find(&mut self.logs, id) {
            Some(log) if log.compaction.layout() != layout => {
                log.lookups.push(lookup);
                self.start_lookups(id, reactor);
            }
            _ => self.core.outcomes.push_back(Outcome::LookupDone { id: lookup.id, result }),
        }
    }

    /// Forgets a log that is gone.
    pub(crate) fn forget(&mut self, id: LogId) {
        let Some(mut log) = self.logs.try_remove(id.key as usize) else { return };
        log.tail.clear(&mut self.core.chunks);
        self.core.unwritten = self.core.unwritten.saturating_sub(log.unwritten);
        // What the journal has of a log that failed is all that there may be of its newest records.
        let is_lost = matches!(log.state, State::Offline(_));
        if let Some(journal) = self.core.journals.get_mut(log.journal.index).filter(|_| !is_lost) {
            journal.forget(&mut log);
        }
        self.cold.forget(id, |_| true);
        for lookup in log.lookups {
            let result = Err(StorageError::UnknownLog);
            self.core.outcomes.push_back(Outcome::LookupDone { id: lookup.id, result });
        }
    }

    /// Saves how far every log is durable, and where it starts.
    fn checkpoint(&mut self, reactor: &mut Reactor) {
        if self.upkeep.checkpoint_running || self.upkeep.closing.is_some() {
            return;
        }
        self.upkeep.checkpoint_wanted = false;
        let mut changes: Vec<(Arc<LogDir>, Vec<CheckpointChange>)> = Vec::new();
        for (_, log) in &mut self.logs {
            let now = (log.recovery_point(), log.log_start);
            let steady = matches!(log.state, State::Open);
            if log.checkpointed == Some(now) || !steady {
                continue;
            }
            log.checkpointed = Some(now);
            if let Some(addition) = log.index_addition() {
                log.jobs.push_back(Job::AddIndex(addition));
                self.core.start_job(log, reactor);
            }
            push_change(&mut changes, log, now);
        }
        self.save_checkpoints(changes, reactor);
    }

    fn save_checkpoints(
        &mut self,
        changes: Vec<(Arc<LogDir>, Vec<CheckpointChange>)>,
        reactor: &mut Reactor,
    ) {
        if changes.is_empty() && self.upkeep.closing.is_none() {
            return;
        }
        self.upkeep.checkpoint_running = true;
        let messages = self.core.messages.clone();
        reactor.offload(move || {
            let mut failed = Vec::new();
            for (dir, changes) in changes.into_iter().filter(|(dir, _)| dir.failure().is_none()) {
                if let Err(error) = dir.save_checkpoints(changes) {
                    dir.judge(&error);
                    failed.push((dir, error));
                }
            }
            // It fails when the store is gone: then nobody wants to know.
            let _ = messages.send(Message::Checkpointed(failed));
        });
    }

    /// Checkpoints were saved but for those of the directories that `errors` names.
    fn on_checkpointed(&mut self, errors: Vec<(Arc<LogDir>, StorageError)>, reactor: &mut Reactor) {
        self.upkeep.checkpoint_running = false;
        let waits = |log: &Log| matches!(log.state, State::Truncating { .. } | State::Removing { .. });
        let waiting: Vec<LogId> =
            self.logs.iter().filter(|(_, log)| waits(log)).map(|(_, log)| log.id).collect();
        for id in waiting {
            self.settle(id, reactor);
        }
        for (dir, error) in errors.iter().filter(|(dir, _)| dir.failure().is_none()) {
            warn!(dir = %dir.path().display(), %error, "cannot save checkpoints: recovery after a crash will take longer");
            for (_, log) in &mut self.logs {
                log.checkpointed = None;
            }
        }
        if self.upkeep.closing.as_ref().is_some_and(|closing| closing.last_checkpoint) {
            let mut failed = self.upkeep.closing.take().unwrap_or_default().failed;
            for (dir, error) in errors {
                // One is enough to keep the directory from being taken for clean.
                let mut logs = self.logs.iter().map(|(_, log)| log);
                let of_dir = logs.find(|log| Arc::ptr_eq(&log.origin.dir, &dir));
                failed.extend(of_dir.map(|log| (log.id, error)));
            }
            info!(logs = self.logs.len(), failed = failed.len(), "all logs of the shard are closed");
            self.core.outcomes.push_back(Outcome::Closed { failed });
        }
    }

    /// When all logs are closed, or have failed to, the last checkpoint follows.
    fn advance_closing(&mut self, reactor: &mut Reactor) {
        let Some(closing) = &mut self.upkeep.closing else { return };
        if closing.last_checkpoint || self.upkeep.checkpoint_running || self.compactor.is_busy() {
            return;
        }
        for (_, log) in &mut self.logs {
            if let (State::Closing { .. }, Some(stall)) = (&log.state, &log.stall) {
                // The disk is full: waiting for space could take for ever.
                log.state = State::Offline(stall.error.clone());
            }
        }
        let under_way = |log: &Log| {
            let busy = log.in_flight.is_some() || log.job_running;
            busy || matches!(
                log.state,
                State::Closing { .. } | State::Truncating { .. } | State::Removing { .. }
            )
        };
        if self.logs.iter().any(|(_, log)| under_way(log)) {
            return;
        }
        closing.last_checkpoint = true;
        let mut changes = Vec::new();
        for (id, log) in self.logs.iter().map(|(_, log)| (log.id, log)) {
            match &log.state {
                State::Closed => push_change(&mut changes, log, (log.log_end, log.log_start)),
                State::Offline(error) => {
                    closing.failed.push((id, error.clone()));
                    push_change(&mut changes, log, (log.recovery_point(), log.log_start));
                }
                _ => closing.failed.push((id, StorageError::Busy)),
            }
        }
        self.save_checkpoints(changes, reactor);
    }
}

fn push_change(
    changes: &mut Vec<(Arc<LogDir>, Vec<CheckpointChange>)>,
    log: &Log,
    (recovery_point, log_start): (Offset, Offset),
) {
    let change = (log.origin.name.clone(), Some(CheckpointEntry { recovery_point, log_start }));
    match changes.iter_mut().find(|(dir, _)| Arc::ptr_eq(dir, &log.origin.dir)) {
        Some((_, of_dir)) => of_dir.push(change),
        None => changes.push((Arc::clone(&log.origin.dir), vec![change])),
    }
}

/// A job has failed: what nothing depends on is let go, what the log cannot do without is tried again if space is all
/// that is missing, and anything else ends the log.
fn on_failed(log: &mut Log, job: Option<Job>, error: StorageError, core: &mut Core) {
    match job {
        Some(Job::PrepareNext { .. }) if !error.is_disk_failure() => log.spare = Spare::Failed,
        Some(
            Job::Seal { .. }
            | Job::AddIndex(_)
            | Job::Shrink { .. }
            | Job::Snapshot { .. }
            | Job::LeaderEpochs(_)
            | Job::NoteCompacted(_)
            | Job::FirstTimestamps(_)
            | Job::SetAside { .. },
        ) if !error.is_disk_failure() => {
            warn!(log = %log.origin.name, %error, "background work on the log's files has failed");
            log.saved_entries = None;
        }
        Some(job @ (Job::Prepare { .. } | Job::Extend { .. } | Job::Name { .. })) if error.is_no_space() => {
            log.jobs.push_front(job);
            commit::stall(log, error, core);
        }
        Some(Job::Remove { .. }) => {
            log.origin.dir.judge(&error);
            core.outcomes.push_back(Outcome::Removed { log: log.id, result: Err(error.clone()) });
            log.state = State::Offline(error);
        }
        _ => commit::go_offline(log, &error, core),
    }
}

impl Log {
    /// What the active segment's index files lack of entries that are durable.
    fn index_addition(&mut self) -> Option<IndexAddition> {
        let active = self.writing.back()?;
        let (offsets, times) = (active.index.offsets.len(), active.index.times.len());
        let (from_offset, from_time) = self.saved_entries.unwrap_or((0, 0));
        if self.saved_entries == Some((offsets, times)) || active.durable != active.size && offsets == 0 {
            return None;
        }
        let addition = IndexAddition {
            base: active.base,
            anew: self.saved_entries.is_none(),
            offsets: active.index.offsets.encode(from_offset),
            times: active.index.times.encode(from_time),
        };
        self.saved_entries = Some((offsets, times));
        Some(addition)
    }
}
