//! What all logs of a store share: settings, the time, operations in flight, what the shard is to hear, and how much
//! memory is in use.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use reactor::{Chunk, Reactor, Token};
use slab::Slab;
use types::TimestampMs;

use crate::chunks::Chunks;
use crate::cold_memory::ColdMemory;
use crate::commit::Commit;
use crate::compact::schedule::Slice;
use crate::damage::Searched;
use crate::error::StorageError;
use crate::figures::Figures;
use crate::job::{self, Finished, Job};
use crate::journal::{self, Journal, OpenedJournal};
use crate::log::Log;
use crate::log_dir::LogDir;
use crate::lookup::LookedUp;
use crate::open_segments::{OpenSegment, Opened, SegmentKey};
use crate::outcome::Outcome;
use crate::reader::Load;
use crate::room::Zeros;
use crate::settings::StoreSettings;
use crate::store::{LogId, ReadId};

/// The bits of a token below the store's class.
const TOKEN_KEY_BITS: u32 = 56;

/// While there is more in memory than there should be, logs that nobody has used for so long rest.
const IDLE_MS_SHORT: i64 = 1_000;
/// Looking at a hundred thousand logs takes some milliseconds.
const IDLE_LOOK_INTERVAL_MS_MIN: i64 = 1_000;

/// Shared by the logs of one store. Lives on the store's shard.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) settings: StoreSettings,
    pub(crate) now: TimestampMs,
    pub(crate) outcomes: VecDeque<Outcome>,
    pub(crate) messages: Sender<Message>,
    operations: Slab<Operation>,
    /// Bytes that are being written to segments, and that somebody waits for.
    committing_bytes: usize,
    /// Logs that the next commit looks at.
    pub(crate) dirty: Vec<LogId>,
    /// What is written where room is made.
    pub(crate) zeros: Option<Chunk>,
    /// Where tails get their chunks from.
    pub(crate) chunks: Chunks,
    /// One for each log directory.
    pub(crate) journals: Vec<Journal>,
    /// Logs that wait for space.
    pub(crate) stalled: Vec<LogId>,
    /// Full segments, still open, for cold readers.
    pub(crate) full: Vec<(SegmentKey, OpenSegment)>,
    /// Bytes that were appended and are not written.
    pub(crate) unwritten: usize,
    /// An append was refused for want of room, and there is still much unwritten.
    pub(crate) wants_room: bool,
    /// An entry for every chunk that takes no more batches, oldest first.
    pub(crate) evictable: VecDeque<LogId>,
    last_read: u64,
    pub(crate) figures: Figures,
}

/// What the reactor has in hand for this store.
#[derive(Debug)]
pub(crate) enum Operation {
    Commit(Commit),
    /// A commit of the journal with this index.
    Journal(usize),
    Zeros(LogId, Zeros),
    Load(Load),
}

/// What offload threads tell.
#[derive(Debug)]
pub(crate) enum Message {
    Job(Finished),
    Opened(Opened),
    /// Somebody has looked behind damage in a segment.
    Searched(Searched),
    LookedUp(LookedUp),
    /// The journal with this index is open, or cannot be.
    JournalOpened(usize, Result<OpenedJournal, StorageError>),
    /// The journal with this index was written on up to a position, or could not be.
    JournalGrown(usize, Result<u64, StorageError>),
    /// The directories' checkpoints were saved, but for these.
    Checkpointed(Vec<(Arc<LogDir>, StorageError)>),
    /// A slice of a compaction has ended.
    Compacted(Slice),
}

impl Core {
    pub(crate) fn new(settings: StoreSettings, messages: Sender<Message>, cold: ColdMemory) -> Self {
        Self {
            settings,
            now: TimestampMs::ZERO,
            outcomes: VecDeque::new(),
            messages,
            operations: Slab::new(),
            committing_bytes: 0,
            dirty: Vec::new(),
            zeros: None,
            chunks: Chunks::new(&settings, cold),
            journals: Vec::new(),
            stalled: Vec::new(),
            full: Vec::new(),
            unwritten: 0,
            wants_room: false,
            evictable: VecDeque::new(),
            last_read: 0,
            figures: Figures::default(),
        }
    }

    /// A token for an operation, which comes back with the token.
    pub(crate) fn begin(&mut self, operation: Operation) -> Token {
        match &operation {
            Operation::Journal(index) => self.note_commit(*index),
            Operation::Commit(commit) => self.committing_bytes += commit.bytes_waited_for(),
            Operation::Zeros(..) | Operation::Load(_) => {}
        }
        let key = self.operations.insert(operation) as u64;
        Token(u64::from(self.settings.token_class) << TOKEN_KEY_BITS | key)
    }

    /// The operation with this token, which has ended.
    pub(crate) fn end(&mut self, token: Token) -> Option<Operation> {
        let key = token.0 & ((1 << TOKEN_KEY_BITS) - 1);
        let ended = self.operations.try_remove(usize::try_from(key).ok()?);
        if let Some(Operation::Commit(commit)) = &ended {
            self.committing_bytes = self.committing_bytes.saturating_sub(commit.bytes_waited_for());
        }
        ended
    }

    /// A commit begins in the directory of this journal.
    pub(crate) fn note_commit(&self, journal: usize) {
        if let Some(journal) = self.journals.get(journal) {
            journal.dir.commits.note(self.now);
        }
    }

    /// Whether producers use one of the disks at present, on whatever shard: cold reads then leave it more room.
    pub(crate) fn is_committing(&self) -> bool {
        self.journals.iter().any(|journal| journal.dir.commits.are_going_on(self.now))
    }

    /// What commits of this shard have at the disk in segments.
    pub(crate) fn committing_bytes(&self) -> usize {
        self.committing_bytes
    }

    pub(crate) fn next_read_id(&mut self) -> ReadId {
        self.last_read += 1;
        ReadId(self.last_read)
    }

    /// After how long without an append a log has to give back its memory: sooner while memory is short, since every
    /// log that is not idle keeps a chunk.
    pub(crate) fn idle_ms(&self) -> i64 {
        if self.chunks.are_too_many() {
            self.settings.idle_ms.min(IDLE_MS_SHORT)
        } else {
            self.settings.idle_ms
        }
    }

    /// So many chunks of a log's tail take no more batches: they may be given up, and come after those of before.
    pub(crate) fn note_closed(&mut self, log: &Log, chunks: usize) {
        for _ in 0..chunks {
            self.evictable.push_back(log.id);
        }
    }

    /// How often all logs are looked at for idle ones.
    pub(crate) fn idle_look_interval_ms(&self) -> i64 {
        (self.idle_ms() / 4).max(IDLE_LOOK_INTERVAL_MS_MIN.min(self.settings.idle_ms / 4)) + 1
    }

    /// Has the next commit look at `log`.
    pub(crate) fn mark_dirty(&mut self, log: &mut Log) {
        if !log.is_dirty {
            log.is_dirty = true;
            self.dirty.push(log.id);
        }
    }

    /// Has `log` write to its segment what is in memory, or in the journal, only.
    pub(crate) fn ask_for_write_back(&mut self, log: &mut Log) {
        if !log.journal.is_write_back_asked {
            log.journal.is_write_back_asked = true;
            self.mark_dirty(log);
        }
    }

    /// Whether journal `index` takes records. The first one who asks has it opened.
    pub(crate) fn journal_is_ready(&mut self, index: usize, reactor: &mut Reactor) -> bool {
        let (bytes_max, salt) = (self.settings.journal_bytes_max, self.settings.journal_salt);
        let Some(journal) = self.journals.get_mut(index).filter(|_| bytes_max > 0) else { return false };
        if journal.begin_opening() {
            let (dir, messages) = (journal.dir.clone(), self.messages.clone());
            reactor.offload(move || {
                let result = journal::open(&dir, salt, bytes_max);
                // It fails when the store is gone: then nobody wants to know.
                let _ = messages.send(Message::JournalOpened(index, result));
            });
        }
        journal.is_ready()
    }

    /// Has the journals grown that need it.
    pub(crate) fn grow_journals(&mut self, reactor: &mut Reactor) {
        let (bytes_max, now) = (self.settings.journal_bytes_max, self.now);
        for (index, journal) in self.journals.iter_mut().enumerate() {
            let Some((path, from, to)) = journal.begin_growing(bytes_max, now) else { continue };
            let (disk, messages) = (journal.dir.disk().clone(), self.messages.clone());
            reactor.offload(move || {
                let result = journal::grow(&disk, &path, from, to);
                // It fails when the store is gone: then nobody wants to know.
                let _ = messages.send(Message::JournalGrown(index, result));
            });
        }
    }

    /// Starts the log's next job, unless one is running or has to wait.
    pub(crate) fn start_job(&self, log: &mut Log, reactor: &mut Reactor) {
        if log.job_running || log.stall.as_ref().is_some_and(|stall| stall.retry_at > self.now) {
            return;
        }
        let Some(job) = log.jobs.pop_front() else { return };
        log.job_running = true;
        if matches!(job, Job::Swap(_)) {
            log.compaction.swap_begins();
        }
        let (id, origin, messages) = (log.id, log.origin.clone(), self.messages.clone());
        reactor.offload(move || job::run(id, job, &origin, messages));
    }
}
