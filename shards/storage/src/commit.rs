//! How appended bytes become written and durable. The only place that knows: today each log writes its own segment and
//! syncs it in the same chain of operations; a journal that packs small commits of many logs together comes here.
//!
//! # Hot path
//! No allocation but the vector of slices that a write takes.
//!
//! # Invariants
//! - A log has one commit in flight at most; what arrives meanwhile joins the next one.
//! - A commit writes one segment. The next segment is not written before this one is durable to its end.
//! - Nothing is written where the file has no room yet: making room and writing never meet.
//! - A failed sync is never followed by another one as if nothing had happened: either all that was not durable is
//!   written again from memory, or the log goes offline.

use std::io;
use std::sync::Arc;

use reactor::{File, Reactor, Sync};
use tracing::{error, warn};
use types::{FilePosition, Offset, TimestampMs};

use crate::core::{Core, Operation};
use crate::error::{StorageError, no_space};
use crate::job::Job;
use crate::layout::{FileKind, file_path};
use crate::log::{Log, Stall, State, Writing};
use crate::open_segments::OpenSegment;
use crate::outcome::Outcome;
use crate::segment::Segment;
use crate::store::LogId;
use crate::tail::{BLOCK_BYTES, Piece};

/// A commit takes about so much at most, so that its waiters do not wait for all that came after them.
const COMMIT_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Bytes that nobody wants to be durable are written once there are so many: large writes are cheap.
const BACKGROUND_BYTES: u64 = 256 * 1024;

/// A commit that is under way.
#[derive(Debug)]
pub(crate) struct Commit {
    pub(crate) log: LogId,
    segment: Offset,
    /// How much of the segment is written when it has succeeded.
    to: u64,
    to_offset: Offset,
    synced: bool,
}

/// What a log has to do next.
enum Next {
    Nothing,
    /// Unless more comes, it can wait for the time.
    Wait,
    Write {
        file: File,
        segment: Offset,
        piece: Piece,
        sync: bool,
    },
    Sync {
        file: File,
        segment: Offset,
        to: u64,
    },
}

/// Starts what `log` has to do. Returns whether it has to be looked at again when some time has passed.
pub(crate) fn start(log: &mut Log, core: &mut Core, reactor: &mut Reactor) -> bool {
    let next = log.next_commit(core);
    core.start_job(log, reactor);
    match next {
        Next::Nothing => false,
        Next::Wait => true,
        Next::Write { file, segment, piece, sync } => {
            log.commit_in_flight = true;
            let commit =
                Commit { log: log.id, segment, to: piece.to, to_offset: piece.to_offset, synced: sync };
            let token = core.begin(Operation::Commit(commit));
            let sync = if sync { Sync::Data } else { Sync::No };
            reactor.write(&file, FilePosition(piece.at), piece.slices, sync, token);
            false
        }
        Next::Sync { file, segment, to } => {
            log.commit_in_flight = true;
            let commit = Commit { log: log.id, segment, to, to_offset: log.written_end, synced: true };
            let token = core.begin(Operation::Commit(commit));
            reactor.sync(&file, token);
            false
        }
    }
}

/// Takes in how a commit went.
pub(crate) fn finish(log: &mut Log, commit: &Commit, result: io::Result<()>, core: &mut Core) {
    log.commit_in_flight = false;
    if matches!(log.state, State::Offline(_)) {
        // Its bytes no longer count as unwritten, and nobody is told of it any more.
        return;
    }
    if let Err(cause) = result {
        return failed(log, commit, cause, core);
    }
    let Some(segment) = log.writing.front_mut().filter(|segment| segment.base == commit.segment) else {
        return;
    };
    let newly = usize::try_from(commit.to.saturating_sub(segment.written)).unwrap_or(usize::MAX);
    segment.written = segment.written.max(commit.to);
    log.unwritten = log.unwritten.saturating_sub(newly);
    core.unwritten = core.unwritten.saturating_sub(newly);
    log.unwritten_since = core.now;
    log.written_end = log.written_end.max(commit.to_offset);
    if commit.synced {
        segment.durable = segment.durable.max(commit.to);
        if commit.to_offset > log.durable_end {
            log.durable_end = commit.to_offset;
            core.outcomes.push_back(Outcome::Committed { log: log.id, durable_end: log.durable_end });
        }
    }
    resume(log, core);
    core.mark_dirty(log);
}

/// Something could be written: a stall is over.
pub(crate) fn resume(log: &mut Log, core: &mut Core) {
    if log.stall.take().is_some() {
        core.outcomes.push_back(Outcome::Resumed { log: log.id });
        core.mark_dirty(log);
    }
}

/// Nothing can be written for want of space: to be tried again later.
pub(crate) fn stall(log: &mut Log, error: StorageError, core: &mut Core) {
    let retry_at = TimestampMs(core.now.0.saturating_add(core.settings.retry_ms));
    if log.stall.is_none() {
        warn!(log = %log.origin.name, %error, "the log waits for space");
        core.outcomes.push_back(Outcome::Stalled { log: log.id, error: error.clone() });
    }
    log.stall = Some(Stall { error, retry_at });
    core.stalled.push(log.id);
}

/// The log has failed for good.
pub(crate) fn go_offline(log: &mut Log, error: &StorageError, core: &mut Core) {
    log.origin.dir.judge(error);
    match log.state {
        State::Offline(_) | State::Closed => return,
        // It goes away in any case, and whoever asked for that is told how it ended.
        State::Removing { .. } => return,
        State::Truncating { .. } => {
            core.outcomes.push_back(Outcome::Truncated { log: log.id, result: Err(error.clone()) });
        }
        _ => {}
    }
    let error = match log.origin.dir.failure() {
        // Told once, for all of its logs.
        Some(failure) => failure.clone(),
        None => {
            error!(log = %log.origin.name, %error, "the log goes offline");
            StorageError::Offline(error.to_string().into())
        }
    };
    core.unwritten = core.unwritten.saturating_sub(std::mem::take(&mut log.unwritten));
    log.jobs.clear();
    log.stall = None;
    log.state = State::Offline(error.clone());
    core.outcomes.push_back(Outcome::Offline { log: log.id, error });
}

fn failed(log: &mut Log, commit: &Commit, cause: io::Error, core: &mut Core) {
    let can_wait = no_space(&cause);
    let path = file_path(&log.origin.path, commit.segment, FileKind::Log);
    let doing = if commit.synced { "write and sync" } else { "write" };
    let error = StorageError::io(doing, &path, cause);
    if can_wait && log.forget_undurable(core) {
        stall(log, error, core)
    } else {
        go_offline(log, &error, core)
    }
}

impl Log {
    fn next_commit(&mut self, core: &mut Core) -> Next {
        let halted = matches!(self.state, State::Offline(_) | State::Closed | State::Removing { .. })
            || self.stall.as_ref().is_some_and(|stall| stall.retry_at > core.now);
        if self.commit_in_flight || halted {
            return Next::Nothing;
        }
        self.seal_full_segments(core);
        self.ask_for_room(core.now);
        let is_full = self.writing.len() > 1;
        let Some(segment) = self.writing.front() else { return Next::Nothing };
        let to_the_end = is_full || matches!(self.state, State::Truncating { .. } | State::Closing { .. });
        let sync = to_the_end || self.wanted_durable > self.durable_end;
        if segment.written == segment.size {
            let (file, to) = (segment.file.clone(), segment.written);
            let undurable = sync && segment.durable < segment.written;
            return file.filter(|_| undurable).map_or(Next::Nothing, |file| Next::Sync {
                file,
                segment: segment.base,
                to,
            });
        }
        let is_due = sync
            || self.wanted_written > self.written_end
            || segment.size - segment.written >= BACKGROUND_BYTES
            || core.now.0 - self.unwritten_since.0 >= core.settings.write_delay_ms_max;
        if !is_due {
            return Next::Wait;
        }
        // Without a file, or without room in it, the job that makes it looks here again.
        let Some(file) = segment.file.clone() else { return Next::Nothing };
        let piece = self.tail.piece(segment.base, segment.written, COMMIT_BYTES_MAX, segment.usable);
        piece.map_or(Next::Nothing, |piece| {
            let end = piece.to.next_multiple_of(BLOCK_BYTES);
            assert!(end <= segment.usable, "records would meet the zeros that are written ahead");
            Next::Write { file, segment: segment.base, piece, sync }
        })
    }

    /// Lets go of full segments that are durable to their end.
    fn seal_full_segments(&mut self, core: &mut Core) {
        while self.writing.len() > 1
            && self.writing.front().is_some_and(|segment| segment.durable == segment.size)
        {
            let Some(Writing { base, size, index, file, .. }) = self.writing.pop_front() else { return };
            let newest = index.max_timestamp();
            let max_timestamp = if newest > TimestampMs::NONE { newest } else { core.now };
            self.sealed.push_back(Segment { base, bytes: size, max_timestamp });
            let index = Arc::new(index);
            if let Some(file) = file {
                core.full.push(((self.id, base), OpenSegment { file, index: Arc::clone(&index) }));
            }
            self.unsealed.push(base);
            if let Some(next) = self.writing.front().filter(|next| !next.is_named) {
                self.jobs.push_back(Job::Name { base: next.base });
            }
            self.jobs.push_back(Job::Seal { size, index });
        }
    }

    /// After a failed write: what is not durable counts as not written. False if it is no longer in memory.
    fn forget_undurable(&mut self, core: &mut Core) -> bool {
        let Some(segment) = self.writing.front_mut() else { return false };
        if segment.durable == segment.written {
            return true;
        }
        if !self.tail.reaches_back_to(segment.base, segment.durable) {
            return false;
        }
        let again = usize::try_from(segment.written - segment.durable).unwrap_or(usize::MAX);
        segment.written = segment.durable;
        self.written_end = self.durable_end;
        self.unwritten += again;
        core.unwritten += again;
        true
    }
}
