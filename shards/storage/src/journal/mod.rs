//! The shard journal: what makes small commits of many logs durable with one write and one sync.
//!
//! While a commit is under way, all that is to become durable gathers for the next one; when none is, the first record
//! goes at once. Logs get the same bytes into their segments later, in large writes from memory, and by that the journal
//! becomes free again. A log with much to write passes by the journal (`commit.rs`).
//!
//! A store has one journal for each log directory. Its file is a ring of prewritten blocks, grown as it is used.
//!
//! # Invariants
//! - A journal has one commit under way at most, and each begins behind the one before.
//! - A commit is overwritten only when every record in it is durable in its segment, or its log is gone.
//! - A journal that has failed takes nothing any more; its logs write to their segments.
//!
//! # Not here
//! Which logs use it (`commit.rs`); filling a commit (`pack.rs`); its file's life (`files.rs`); what it is for after a
//! crash (`scan.rs`, `replay.rs`).

mod files;
mod format;
mod look;
mod pack;
mod replay;
mod ring;
mod scan;

use std::collections::{BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use reactor::{Chunk, File};
use tracing::error;
use types::{Offset, TimestampMs};

use crate::core::Core;
use crate::error::StorageError;
use crate::figures::JournalLevel;
use crate::log::Log;
use crate::log_dir::LogDir;
use crate::store::{LITTLE_UNWRITTEN_PART, LogId};

pub(crate) use files::{OpenedJournal, grow, open};
pub(crate) use look::{Held, Piece, is_journal, look};
pub(crate) use pack::{finish, start_commits};
pub(crate) use replay::{Replayed, held_from, replay};
pub(crate) use ring::Ring;
pub(crate) use scan::{Journals, Leftover, LogKey};

use format::JournalId;

/// A commit takes about so much at most, so that its waiters do not wait for all that came after them.
const COMMIT_BYTES_MAX: usize = 2 * 1024 * 1024;
/// How long a journal that the disk has no room for stays as it is.
const NO_ROOM_MS: i64 = 60_000;
/// How many logs are asked at a time to write to their segments what the journal holds of them.
const WRITE_BACKS_MAX: usize = 16;
/// How many logs are looked at for that. Some may be waiting for space.
const WRITE_BACK_LOOKS: usize = 256;

/// One journal as its shard sees it.
#[derive(Debug)]
pub(crate) struct Journal {
    pub(crate) dir: Arc<LogDir>,
    state: State,
    ring: Ring,
    /// Logs for the next commit.
    waiting: VecDeque<LogId>,
    /// Logs with records that are durable nowhere else, by the oldest commit that holds some of them.
    needed: BTreeSet<(u64, LogId)>,
    flight: Option<Flight>,
    /// Where the next commit is packed.
    buffer: Option<Chunk>,
    is_growing: bool,
    /// The disk had no room for a larger file: it is not looked at before this time.
    no_growth_before: TimestampMs,
}

#[derive(Debug)]
enum State {
    /// Nobody has wanted it yet.
    Unopened,
    Opening,
    Ready {
        path: PathBuf,
        file: File,
        id: JournalId,
    },
    /// It cannot be used.
    Failed,
}

/// A commit that is under way.
#[derive(Debug)]
struct Flight {
    parts: Vec<Part>,
    began: Instant,
    bytes: u64,
}

/// What becomes of commits in a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JournalState {
    /// Nothing there had to be made durable yet.
    Unused,
    /// They are packed into the journal.
    InUse,
    /// The journal cannot be used: every log commits for itself.
    Failed,
}

/// What a commit does for one log.
#[derive(Clone, Copy, Debug)]
struct Part {
    log: LogId,
    what: Content,
}

#[derive(Clone, Copy, Debug)]
enum Content {
    /// Records up to this offset, and up to this many bytes of the log, are durable.
    Records { to: Offset, to_byte: u64 },
    /// Older commits no longer count.
    Void,
}

/// How a log stands to its journal. Lives in the log.
#[derive(Debug, Default)]
pub(crate) struct InJournal {
    /// Which of the store's journals.
    pub(crate) index: usize,
    /// Whether it waits for the next commit.
    is_waiting: bool,
    /// Whether it is part of the commit under way.
    pub(crate) is_in_flight: bool,
    /// The oldest commit with records that are durable nowhere else.
    low: Option<u64>,
    /// The offset behind its last record in the journal; zero if it never had one.
    pub(crate) end: Offset,
    /// The journal had no room for it: it has to go its own way.
    pub(crate) was_refused: bool,
    /// It is asked to write to its segment what the journal holds.
    pub(crate) is_write_back_asked: bool,
    pub(crate) void: Void,
}

impl InJournal {
    /// Whether what the journal holds of the log has to be made void before the log is cut.
    pub(crate) fn needs_void(&self) -> bool {
        self.end > Offset::ZERO && self.void != Void::Done
    }
}

/// Whether what the journal holds of a log may be replayed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Void {
    #[default]
    No,
    Wanted,
    Done,
}

impl Journal {
    /// A journal that is opened when somebody wants it.
    pub(crate) fn new(dir: Arc<LogDir>) -> Self {
        Self {
            dir,
            state: State::Unopened,
            ring: Ring::new(0),
            waiting: VecDeque::new(),
            needed: BTreeSet::new(),
            flight: None,
            buffer: None,
            is_growing: false,
            no_growth_before: TimestampMs::ZERO,
        }
    }

    /// How full it is.
    pub(crate) fn level(&self) -> JournalLevel {
        let state = match self.state {
            State::Unopened | State::Opening => JournalState::Unused,
            State::Ready { .. } => JournalState::InUse,
            State::Failed => JournalState::Failed,
        };
        JournalLevel {
            dir: self.dir.path().to_owned(),
            state,
            used_bytes: self.ring.used(),
            capacity_bytes: self.ring.capacity(),
            method: self.dir.commit_method(),
        }
    }

    /// Whether it takes records.
    pub(crate) fn is_ready(&self) -> bool {
        matches!(self.state, State::Ready { .. })
    }

    /// Whether somebody has to open it; says so once.
    pub(crate) fn begin_opening(&mut self) -> bool {
        let begins = matches!(self.state, State::Unopened);
        if begins {
            self.state = State::Opening;
        }
        begins
    }

    /// The file is there, or cannot be had: then everything works as well, with a write and a sync for each log.
    pub(crate) fn opened(&mut self, result: Result<OpenedJournal, StorageError>) {
        match result {
            Ok(OpenedJournal { path, file, id, end }) => {
                self.ring = Ring::new(end);
                self.state = State::Ready { path, file, id };
            }
            Err(cause) => {
                error!(error = %cause, "the journal cannot be opened: every log commits for itself");
                self.dir.judge(&cause);
                self.state = State::Failed;
            }
        }
    }

    /// Has the next commit look at `log`.
    pub(crate) fn wait(&mut self, log: &mut Log) {
        if !log.journal.is_waiting {
            log.journal.is_waiting = true;
            self.waiting.push_back(log.id);
        }
    }

    /// The sequence of the next commit: a mark behind all that was packed so far.
    pub(crate) fn mark(&self) -> u64 {
        self.ring.next_sequence()
    }

    /// `log` is durable in its segments up to its stored end. `mark` is given if the write behind that was begun when the
    /// journal stood there and held nothing of the log that was not written.
    pub(crate) fn stored(&mut self, log: &mut Log, mark: Option<u64>) {
        let (Some(low), id) = (log.journal.low, log.id) else { return };
        let new_low = if log.journal.end <= log.stored_end {
            None
        } else {
            mark.filter(|mark| *mark > low).or(Some(low))
        };
        if new_low != Some(low) {
            self.needed.remove(&(low, id));
            self.needed.extend(new_low.map(|low| (low, id)));
            log.journal.low = new_low;
            self.release();
        }
    }

    /// The log is gone, and with it what it needed.
    pub(crate) fn forget(&mut self, log: &mut Log) {
        if let Some(low) = log.journal.low.take() {
            self.needed.remove(&(low, log.id));
            self.release();
        }
    }

    /// The logs that are to write to their segments what the journal holds of them: those that keep the oldest commits
    /// from being overwritten. None while there is room and memory enough.
    pub(crate) fn write_backs(&self, memory_is_short: bool) -> impl Iterator<Item = LogId> {
        let is_due = memory_is_short
            || self.ring.used() > self.ring.capacity() / 2
            || matches!(self.state, State::Failed);
        self.needed.iter().take(if is_due { WRITE_BACK_LOOKS } else { 0 }).map(|(_, log)| *log)
    }

    /// Whether the file should grow to more than it is now; says so once, until [`Self::grown`].
    pub(crate) fn begin_growing(&mut self, bytes_max: u64, now: TimestampMs) -> Option<(PathBuf, u64, u64)> {
        let end = self.ring.end();
        let State::Ready { path, .. } = &self.state else { return None };
        let is_large_enough = end >= bytes_max || self.ring.used() <= self.ring.capacity() / 4;
        if self.is_growing || is_large_enough || now < self.no_growth_before {
            return None;
        }
        self.is_growing = true;
        Some((path.clone(), end, (end * 2).min(bytes_max)))
    }

    /// The file has grown to `end`, or stays as it is.
    pub(crate) fn grown(&mut self, result: Result<u64, StorageError>, now: TimestampMs) {
        match result {
            Ok(end) if end > self.ring.end() => {
                self.is_growing = false;
                self.ring.grow(end);
            }
            Err(cause) if !cause.is_no_space() => {
                // It is not tried again.
                tracing::warn!(error = %cause, "the journal stays as small as it is");
            }
            _ => {
                self.is_growing = false;
                self.no_growth_before = TimestampMs(now.0.saturating_add(NO_ROOM_MS));
            }
        }
    }

    /// Commits that nobody needs may be overwritten.
    fn release(&mut self) {
        let oldest = self.needed.first().map_or(self.ring.next_sequence(), |(low, _)| *low);
        self.ring.release_below(oldest);
    }
}

/// Asks logs to write to their segments what the journals hold of them, if that is due.
pub(crate) fn ask_for_write_backs(logs: &mut slab::Slab<Log>, core: &mut Core) {
    core.wants_room &= core.unwritten > core.settings.unwritten_bytes_max / LITTLE_UNWRITTEN_PART;
    let memory_is_short = core.wants_room || core.unwritten > core.settings.unwritten_bytes_max / 2;
    for index in 0..core.journals.len() {
        let Some(journal) = core.journals.get(index) else { return };
        let wanted: Vec<LogId> = journal.write_backs(memory_is_short).collect();
        let mut asked = 0;
        for id in wanted {
            let Some(log) = crate::store::find(logs, id).filter(|log| log.stall.is_none()) else { continue };
            core.ask_for_write_back(log);
            asked += 1;
            if asked == WRITE_BACKS_MAX {
                break;
            }
        }
    }
}
