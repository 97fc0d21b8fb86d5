//! How appended bytes become written and durable: which way they go.
//!
//! Little that has to become durable goes to the journal, with what other logs have (`journal`), and to its segment later,
//! in large writes. A log with much to write goes straight to its segment, which is written and synced in one operation, or in
//! a chain of two.
//!
//! # Hot path
//! No allocation but the vector of slices that a write takes.
//!
//! # Invariants
//! - A log has one write of a segment in flight at most; what arrives meanwhile joins the next one. More at a time were tried
//!   and brought nothing (ADR 11).
//! - A commit writes one segment. The next segment is not written before this one is durable to its end.
//! - Nothing is written where the file has no room yet: making room and writing never meet.
//! - A failed sync is never followed by another one as if nothing had happened: either all that was not durable is
//!   written again from memory, or the log goes offline.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use reactor::{File, Reactor, Sync, Token};
use tracing::{error, warn};
use types::{FilePosition, Offset, TimestampMs};

use crate::core::{Core, Operation};
use crate::error::{StorageError, no_space};
use crate::job::Job;
use crate::journal::Journal;
use crate::layout::{FileKind, file_path};
use crate::log::{InFlight, Log, Stall, State, Writing};
use crate::open_segments::OpenSegment;
use crate::outcome::Outcome;
use crate::segment::Segment;
use crate::store::LogId;
use crate::tail::{BLOCK_BYTES, Piece, PieceEnd};

/// A commit takes about so much at most, so that its waiters do not wait for all that came after them.
const COMMIT_BYTES_MAX: usize = 4 * 1024 * 1024;
/// A log with so much to be made durable goes straight to its segment: bandwidth is what it needs, and in the journal it
/// would be written twice.
const DIRECT_BYTES: u64 = 128 * 1024;
/// What the journal holds is written to its segment in small pieces (`write_back_bytes`), behind which no commit waits for long,
/// and synced there once there is so much: a sync costs more than a write does, and frees nothing but room in the journal.
const WRITE_BACK_SYNC_BYTES: u64 = 1024 * 1024;
/// Bytes that nobody waits for are written once there are so many: large writes are cheap.
const BACKGROUND_BYTES: u64 = 256 * 1024;

/// A commit that is under way.
#[derive(Debug)]
pub(crate) struct Commit {
    pub(crate) log: LogId,
    segment: Offset,
    /// How much of the segment is written when it has succeeded.
    to: u64,
    to_offset: Offset,
    /// How many bytes the log has got up to there.
    to_byte: u64,
    synced: bool,
    /// Where the journal stood, if all that it held of the log then is part of this.
    journal_mark: Option<u64>,
    /// Whether somebody waits for it.
    is_commit: bool,
    began: Instant,
    bytes: u64,
}

impl Commit {
    /// What it writes, if somebody waits for it.
    pub(crate) fn bytes_waited_for(&self) -> usize {
        if self.is_commit { usize::try_from(self.bytes).unwrap_or(usize::MAX) } else { 0 }
    }
}

/// Which way records go that have to become durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route {
    /// There are none, or what is in flight comes first.
    None,
    Journal,
    Segment,
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
    let route = log.route(core, reactor);
    if route != Route::None {
        log.is_direct = route == Route::Segment;
    }
    if route == Route::Journal
        && let Some(journal) = core.journals.get_mut(log.journal.index)
    {
        journal.wait(log);
    }
    let next = log.next_write(route, core);
    core.start_job(log, reactor);
    let is_commit = route == Route::Segment;
    match next {
        Next::Nothing => false,
        Next::Wait => true,
        Next::Write { file, segment, piece, sync } => {
            let bytes = piece.end().to.saturating_sub(piece.at);
            let way = if sync { log.way_of_sync() } else { Sync::No };
            let token = log.begin_write(segment, &piece.end(), (bytes, sync), is_commit, core);
            reactor.write(&file, FilePosition(piece.at), piece.slices, way, token);
            false
        }
        Next::Sync { file, segment, to } => {
            let end = PieceEnd { to, to_offset: log.written_end };
            let token = log.begin_write(segment, &end, (0, true), is_commit, core);
            reactor.sync(&file, token);
            false
        }
    }
}

/// Takes in how the write or sync of a segment went.
pub(crate) fn finish(log: &mut Log, commit: &Commit, result: io::Result<()>, core: &mut Core) {
    log.in_flight = None;
    let figures = match commit.is_commit {
        true => &mut core.figures.segment_commits,
        false => &mut core.figures.write_backs,
    };
    figures.note(commit.began, commit.bytes, result.is_ok());
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
        log.stored_end = log.stored_end.max(commit.to_offset);
        log.journal.was_refused = false;
        log.journal.is_write_back_asked = false;
        if let Some(journal) = core.journals.get_mut(log.journal.index) {
            journal.stored(log, commit.journal_mark);
        }
        log.made_durable(commit.to_offset, commit.to_byte, core);
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
    /// Everything below `to`, the log's first `to_byte` bytes, is durable.
    pub(crate) fn made_durable(&mut self, to: Offset, to_byte: u64, core: &mut Core) {
        if to > self.durable_end {
            self.durable_end = to;
            self.durable_byte = to_byte;
            core.outcomes.push_back(Outcome::Committed { log: self.id, durable_end: to });
        }
    }

    /// Which way goes what has to become durable.
    fn route(&self, core: &mut Core, reactor: &mut Reactor) -> Route {
        if self.wanted_durable <= self.durable_end || self.is_halted(core) {
            return Route::None;
        }
        if self.in_flight == Some(InFlight::Commit) {
            // It holds most of it; the rest follows.
            return Route::None;
        }
        let may_wait = self.is_open()
            && self.stall.is_none()
            && !self.journal.was_refused
            && self.tail.holds(self.durable_end);
        if !may_wait || !core.journal_is_ready(self.journal.index, reactor) {
            return Route::Segment;
        }
        if self.has_much() && self.in_flight.is_none() && self.has_room() {
            Route::Segment
        } else {
            Route::Journal
        }
    }

    /// Whether there is so much to be made durable that the journal is not for it.
    fn has_much(&self) -> bool {
        self.appended_bytes - self.durable_byte >= DIRECT_BYTES
    }

    /// Whether the only segment that is not full can be written to its end at once.
    fn has_room(&self) -> bool {
        let is_only = self.writing.len() == 1;
        self.writing.front().is_some_and(|segment| {
            is_only && segment.file.is_some() && segment.size.next_multiple_of(BLOCK_BYTES) <= segment.usable
        })
    }

    /// Whether it may not write for the moment, or at all.
    fn is_halted(&self, core: &Core) -> bool {
        matches!(self.state, State::Offline(_) | State::Closed | State::Removing { .. })
            || self.stall.as_ref().is_some_and(|stall| stall.retry_at > core.now)
    }

    /// What is to be written to the first segment that is not written to its end.
    fn next_write(&mut self, route: Route, core: &mut Core) -> Next {
        if self.in_flight.is_some() || self.is_halted(core) {
            return Next::Nothing;
        }
        self.seal_full_segments(core);
        let is_full = self.writing.len() > 1;
        let is_ending = matches!(self.state, State::Truncating { .. } | State::Closing { .. });
        // After a stall, only a write tells whether there is space again.
        let must_sync = route == Route::Segment
            || is_full
            || is_ending
            || self.journal.is_write_back_asked
            || self.stall.is_some();
        let Some(segment) = self.writing.front() else { return Next::Nothing };
        if segment.written == segment.size {
            let (file, to) = (segment.file.clone(), segment.written);
            if must_sync && segment.durable < segment.written {
                return file.map_or(Next::Nothing, |file| Next::Sync { file, segment: segment.base, to });
            }
            self.journal.is_write_back_asked = false;
            if self.is_direct {
                // Nothing is due, but the next appends will need room.
                self.ask_for_room(core.now);
            }
            return Next::Nothing;
        }
        let is_due = must_sync || self.wanted_written > self.written_end || self.is_write_due(core);
        if !is_due {
            if self.has_much() {
                // Room for the next commits, which need not pass through the journal then.
                self.ask_for_room(core.now);
            }
            let is_unwanted = self.log_end > self.durable_end && self.wanted_durable <= self.durable_end;
            return if is_unwanted { Next::Wait } else { Next::Nothing };
        }
        self.ask_for_room(core.now);
        let Some(segment) = self.writing.front() else { return Next::Nothing };
        // Without a file, or without room in it, the job that makes it looks here again.
        let Some(file) = segment.file.clone() else { return Next::Nothing };
        let piece = self.tail.piece(segment.base, segment.written, COMMIT_BYTES_MAX, segment.usable);
        piece.map_or(Next::Nothing, |piece| {
            let is_journalled = self.durable_end > self.stored_end;
            let is_much = piece.to - segment.durable >= WRITE_BACK_SYNC_BYTES;
            let sync = must_sync || is_journalled && is_much;
            let end = piece.to.next_multiple_of(BLOCK_BYTES);
            assert!(end <= segment.usable, "records would meet the zeros that are written ahead");
            Next::Write { file, segment: segment.base, piece, sync }
        })
    }

    /// Whether enough has gathered that nobody waits for, or has waited for long enough.
    fn is_write_due(&self, core: &Core) -> bool {
        let unwritten = self.unwritten as u64;
        // Before the log takes no more.
        let write_back = core.settings.write_back_bytes.min(core.settings.log_unwritten_bytes_max as u64 / 2);
        if self.log_end <= self.durable_end {
            return unwritten >= write_back;
        }
        let waited_ms = core.now.0 - self.unwritten_since.0;
        let is_wanted = self.wanted_durable > self.durable_end;
        unwritten >= if is_wanted { write_back } else { BACKGROUND_BYTES }
            || !is_wanted && waited_ms >= core.settings.write_delay_ms_max
    }

    /// How what is written next is made durable. A write that carries its sync vouches for nothing that was written before it.
    fn way_of_sync(&self) -> Sync {
        let is_all_durable = self.writing.front().is_some_and(|segment| segment.durable == segment.written);
        if is_all_durable { self.origin.dir.commit_method().sync_of_much() } else { Sync::Data }
    }

    /// Notes a write of so many bytes, or a sync, or both, which is about to begin; returns its token.
    fn begin_write(
        &mut self,
        segment: Offset,
        end: &PieceEnd,
        (bytes, synced): (u64, bool),
        is_commit: bool,
        core: &mut Core,
    ) -> Token {
        self.in_flight = Some(if is_commit { InFlight::Commit } else { InFlight::WriteBack });
        let first_byte = self.writing.front().map_or(0, |writing| writing.first_byte);
        let journal = core.journals.get(self.journal.index);
        if is_commit {
            core.note_commit(self.journal.index);
        }
        let journal_mark = journal.filter(|_| end.to_offset >= self.journal.end).map(Journal::mark);
        core.begin(Operation::Commit(Commit {
            log: self.id,
            segment,
            to: end.to,
            to_offset: end.to_offset,
            to_byte: first_byte + end.to,
            synced,
            journal_mark,
            is_commit,
            began: Instant::now(),
            bytes,
        }))
    }

    /// Lets go of full segments that are durable to their end. Not while zeros are on their way to one: they would come
    /// behind its end after it was given its size.
    fn seal_full_segments(&mut self, core: &mut Core) {
        let is_done = |segment: &Writing| segment.durable == segment.size && !segment.is_preparing;
        while self.writing.len() > 1 && self.writing.front().is_some_and(is_done) {
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
        self.written_end = self.stored_end;
        self.unwritten += again;
        core.unwritten += again;
        true
    }
}
