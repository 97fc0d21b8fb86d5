//! All logs of one shard: the calls that a shard makes, and where completions go.
//!
//! # Hot path
//! `append`, `commit`, `read` from memory and `on_wrote` allocate nothing per record and log nothing.
//!
//! # Not here
//! What a log knows (`log.rs`); what the passing of time and finished background work cause (`upkeep.rs`).

use std::fmt;
use std::sync::mpsc::{Receiver, channel};

use bytes::Bytes;
use reactor::{Pace, Reactor, Token};
use record::{BatchHeader, ValidBatch};
use slab::Slab;
use types::{LeaderEpoch, Offset};

use std::sync::Arc;

use crate::cold_memory::ColdMemory;
use crate::commit;
use crate::compact::schedule::Compactor;
use crate::compact::txn_index::AbortedTxn;
use crate::core::{Core, Message, Operation};
use crate::error::StorageError;
use crate::figures::{Figures, Levels};
use crate::journal::{self, Journal};
use crate::log::Log;
use crate::lookup::PendingLookup;
use crate::opened::OpenedLog;
use crate::outcome::{Appended, Lookup, Outcome, Read, TimestampTarget};
use crate::reader::{ColdRead, ColdReads};
use crate::room;
use crate::settings::{LogSettings, StoreSettings};
use crate::upkeep::Upkeep;

/// Below this part of a bound of unwritten bytes a log, or the store, takes a request of any size.
pub(crate) const LITTLE_UNWRITTEN_PART: usize = 4;

/// Names a log within its store. Never given twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogId {
    pub(crate) key: u32,
    /// Tells apart the logs that have used a key one after the other.
    pub(crate) generation: u32,
}

impl fmt::Debug for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogId({}.{})", self.key, self.generation)
    }
}

/// Names a read or a lookup within its store. Never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReadId(pub(crate) u64);

/// Where a log stands.
#[derive(Clone, Debug)]
pub struct LogStatus {
    /// The first offset that may be read.
    pub log_start: Offset,
    /// The offset below which everything is durable.
    pub durable_end: Offset,
    /// The offset that the next record will get.
    pub log_end: Offset,
    /// Bytes of all segments.
    pub size_bytes: u64,
    /// Number of segments.
    pub segments: usize,
    /// Why it takes no appends, if it does not.
    pub error: Option<StorageError>,
}

/// All logs of one shard. Lives on that shard's thread, and is told of everything through `&mut`.
#[derive(Debug)]
pub struct Store {
    pub(crate) logs: Slab<Log>,
    generation: u32,
    pub(crate) core: Core,
    pub(crate) messages: Receiver<Message>,
    pub(crate) cold: ColdReads,
    pub(crate) upkeep: Upkeep,
    pub(crate) compactor: Compactor,
}

impl Store {
    /// A store without logs.
    #[must_use]
    pub fn new(settings: StoreSettings) -> Self {
        let (sender, messages) = channel();
        let cold = ColdMemory::new(settings.cold_bytes_max);
        Self {
            logs: Slab::new(),
            generation: 0,
            core: Core::new(settings, sender, cold.clone()),
            messages,
            cold: ColdReads::new(&settings, cold),
            upkeep: Upkeep::default(),
            compactor: Compactor::default(),
        }
    }

    /// Takes over a log that was opened.
    pub fn adopt(&mut self, opened: OpenedLog) -> LogId {
        self.generation = self.generation.wrapping_add(1);
        let generation = self.generation;
        self.upkeep.directories.note(&opened.origin.dir);
        let entry = self.logs.vacant_entry();
        let id = LogId { key: entry.key() as u32, generation };
        let dir = &opened.origin.dir;
        let journals = &mut self.core.journals;
        let index = journals.iter().position(|journal| Arc::ptr_eq(&journal.dir, dir));
        let index = index.unwrap_or_else(|| {
            journals.push(Journal::new(Arc::clone(dir)));
            journals.len() - 1
        });
        let mut log = Log::new(id, opened, self.core.now);
        log.journal.index = index;
        entry.insert(log);
        id
    }

    /// Appends batches of producers: gives them the next offsets and `epoch`. Nothing is written before
    /// [`Self::commit`].
    ///
    /// # Errors
    /// `Full`, `Stalled`, `Offline`, `Busy`, `BatchTooLarge`. Then nothing was appended.
    pub fn append(
        &mut self,
        log: LogId,
        batches: &[ValidBatch],
        epoch: LeaderEpoch,
    ) -> Result<Appended, StorageError> {
        let bytes = batches.iter().map(|batch| batch.bytes.len()).sum();
        let largest = batches.iter().map(|batch| batch.bytes.len()).max().unwrap_or(0);
        let (log, core) = self.admit(log, bytes, largest)?;
        let mut all: Option<Appended> = None;
        for batch in batches {
            let (appended, closed) = log.append(batch, epoch, core.now, &mut core.chunks);
            core.note_closed(log, closed);
            all = Some(Appended {
                first_offset: all.map_or(appended.first_offset, |all| all.first_offset),
                ..appended
            });
        }
        core.unwritten += bytes;
        core.mark_dirty(log);
        Ok(all.unwrap_or(Appended {
            first_offset: log.log_end,
            last_offset: Offset(log.log_end.0 - 1),
            log_start: log.log_start,
        }))
    }

    /// Appends a batch that its leader has given offsets and epoch, as followers do. Offsets may have gaps, but
    /// never go back.
    ///
    /// # Errors
    /// As [`Self::append`], and `OutOfOrder`.
    pub fn append_replica(
        &mut self,
        log: LogId,
        header: &BatchHeader,
        batch: &Bytes,
    ) -> Result<Appended, StorageError> {
        let (log, core) = self.admit(log, batch.len(), batch.len())?;
        if header.base_offset < log.log_end {
            return Err(StorageError::OutOfOrder { expected: log.log_end, got: header.base_offset });
        }
        let (appended, closed) = log.append_replica(header, batch, core.now, &mut core.chunks);
        core.note_closed(log, closed);
        core.unwritten += batch.len();
        core.mark_dirty(log);
        Ok(appended)
    }

    /// The log, if it takes `bytes` more.
    fn admit(
        &mut self,
        log: LogId,
        bytes: usize,
        largest: usize,
    ) -> Result<(&mut Log, &mut Core), StorageError> {
        let log = find(&mut self.logs, log).ok_or(StorageError::UnknownLog)?;
        if let Some(refusal) = log.refusal() {
            return Err(refusal);
        }
        let segment_bytes = log.settings.segment_bytes as usize;
        if largest > segment_bytes {
            return Err(StorageError::BatchTooLarge { batch_bytes: largest, segment_bytes });
        }
        let settings = &self.core.settings;
        // Where little is unwritten any request is taken, else one that is larger than the bound could never come through.
        let lacks_room = |unwritten: usize, bytes_max: usize| {
            unwritten > bytes_max / LITTLE_UNWRITTEN_PART && unwritten + bytes > bytes_max
        };
        let log_is_full = lacks_room(log.unwritten, settings.log_unwritten_bytes_max);
        let is_full = lacks_room(self.core.unwritten, settings.unwritten_bytes_max);
        if log_is_full || is_full {
            // What lies in the journal would stay unwritten for as long as nobody asks.
            self.core.wants_room |= is_full;
            self.core.figures.appends_refused += 1;
            self.core.ask_for_write_back(log);
            return Err(StorageError::Full);
        }
        Ok((log, &mut self.core))
    }

    /// Asks that everything appended to `log` so far becomes durable with the next commit. Without, appended bytes
    /// are written within `write_delay_ms_max`, and synced when their segment ends or somebody asks.
    pub fn want_durable(&mut self, log: LogId) {
        if let Some(log) = find(&mut self.logs, log)
            && log.wanted_durable < log.log_end
        {
            log.wanted_durable = log.log_end;
            self.core.mark_dirty(log);
        }
    }

    /// Starts commits of all logs that need one and have none in flight. Once a turn of the shard's loop.
    pub fn commit(&mut self, reactor: &mut Reactor) {
        journal::ask_for_write_backs(&mut self.logs, &mut self.core);
        self.start_commits(reactor);
        if journal::start_commits(&mut self.logs, &mut self.core, reactor) {
            self.start_commits(reactor);
        }
        self.core.chunks.prepare().for_each(|make| reactor.offload_at(Pace::Idle, make));
    }

    fn start_commits(&mut self, reactor: &mut Reactor) {
        let mut dirty = std::mem::take(&mut self.core.dirty);
        for id in dirty.drain(..) {
            let Some(log) = find(&mut self.logs, id) else { continue };
            log.is_dirty = false;
            if commit::start(log, &mut self.core, reactor) {
                self.upkeep.wait(log);
            }
            self.settle(id, reactor);
        }
        for (key, segment) in self.core.full.drain(..) {
            self.cold.keep(key, segment);
        }
        // Logs that were marked meanwhile come with the next turn.
        dirty.append(&mut self.core.dirty);
        self.core.dirty = dirty;
    }

    /// Reads whole batches, beginning with the one that contains `from`, up to `bytes_max` bytes but at least one
    /// batch, and none that reaches beyond `up_to`.
    ///
    /// # Errors
    /// `OffsetOutOfRange` unless `log start <= from <= log end`.
    pub fn read(
        &mut self,
        log: LogId,
        from: Offset,
        up_to: Offset,
        bytes_max: usize,
        reactor: &mut Reactor,
    ) -> Result<Read, StorageError> {
        let log =
            find(&mut self.logs, log).filter(|log| log.is_readable()).ok_or(StorageError::UnknownLog)?;
        if from < log.log_start || from > log.log_end {
            let (log_start, log_end) = (log.log_start, log.log_end);
            return Err(StorageError::OffsetOutOfRange { asked: from, log_start, log_end });
        }
        if from >= up_to.min(log.log_end) {
            return Ok(Read::Now(Vec::new()));
        }
        if let Some(batches) = log.tail.read(from, up_to, bytes_max) {
            self.core.figures.memory_reads += 1;
            return Ok(Read::Now(batches));
        }
        let id = self.core.next_read_id();
        let read = ColdRead::new(id, log.id, from, up_to, bytes_max);
        let answer = self.cold.read(read, log, &mut self.core, reactor);
        match answer {
            Ok(Read::Now(_)) => self.core.figures.loaded_reads += 1,
            Ok(Read::Later(_)) => self.core.figures.disk_reads += 1,
            Err(_) => {}
        }
        answer
    }

    /// Whoever began this read, which was answered [`Read::Later`], does not wait for it any more.
    pub fn abandon_read(&mut self, log: LogId, read: ReadId) {
        self.cold.abandon_read(log, read);
    }

    /// Notes that the marker of an aborted transaction was appended; it gets into the transaction index.
    pub fn note_aborted(&mut self, log: LogId, aborted: AbortedTxn) {
        if let Some(log) = find(&mut self.logs, log) {
            log.aborted.push(aborted);
        }
    }

    /// Whether a reader of committed records at `from` can meet an aborted transaction at all.
    #[must_use]
    pub fn has_aborted(&self, log: LogId, from: Offset) -> bool {
        let found = self.logs.get(log.key as usize).filter(|found| found.id == log);
        found.is_some_and(|log| log.aborted.are_behind(from))
    }

    /// The aborted transactions of which a reader of the records between `from` and `up_to` has to know, in the order of
    /// their markers.
    #[must_use]
    pub fn aborted(&self, log: LogId, from: Offset, up_to: Offset) -> Vec<AbortedTxn> {
        let found = self.logs.get(log.key as usize).filter(|found| found.id == log);
        found.map_or_else(Vec::new, |log| log.aborted.between(from, up_to))
    }

    /// Whether what lies from `from` on is read without the disk.
    #[must_use]
    pub fn is_in_memory(&self, log: LogId, from: Offset) -> bool {
        let found = self.logs.get(log.key as usize).filter(|found| found.id == log);
        found.is_none_or(|log| from >= log.log_end || log.tail.holds(from))
    }

    /// Looks for a record by its timestamp, below `up_to`.
    pub fn lookup(
        &mut self,
        log: LogId,
        target: TimestampTarget,
        up_to: Offset,
        reactor: &mut Reactor,
    ) -> Result<Lookup, StorageError> {
        let log =
            find(&mut self.logs, log).filter(|log| log.is_readable()).ok_or(StorageError::UnknownLog)?;
        let newest = log.newest_timestamps().map(|(_, newest)| newest).max();
        let hopeless = match target {
            TimestampTarget::AtOrAfter(timestamp) => newest.is_none_or(|newest| newest < timestamp),
            TimestampTarget::Max => false,
        };
        if hopeless || log.log_start >= up_to.min(log.log_end) {
            return Ok(Lookup::Now(None));
        }
        let id = self.core.next_read_id();
        let written_to = log.log_end.min(up_to);
        log.wanted_written = log.wanted_written.max(written_to);
        log.lookups.push(PendingLookup { id, target, up_to, written_to });
        self.core.mark_dirty(log);
        let key = log.id;
        self.start_lookups(key, reactor);
        Ok(Lookup::Later(id))
    }

    /// A write or sync of this store has completed (`Event::Wrote`).
    pub fn on_wrote(&mut self, token: Token, result: std::io::Result<()>, reactor: &mut Reactor) {
        match self.core.end(token) {
            Some(Operation::Commit(commit)) => {
                let Some(log) = find(&mut self.logs, commit.log) else { return };
                commit::finish(log, &commit, result, &mut self.core);
                let id = log.id;
                self.start_lookups(id, reactor);
                self.settle(id, reactor);
            }
            Some(Operation::Journal(index)) => {
                for id in journal::finish(index, result, &mut self.logs, &mut self.core) {
                    self.settle(id, reactor);
                }
            }
            Some(Operation::Zeros(log, zeros)) => {
                let Some(log) = find(&mut self.logs, log) else { return };
                room::zeros_written(log, zeros, result, &mut self.core);
            }
            Some(Operation::Load(_)) | None => debug_assert!(false, "a write that is none"),
        }
    }

    /// A read of this store has completed (`Event::Read`).
    pub fn on_read(&mut self, token: Token, result: std::io::Result<Bytes>, reactor: &mut Reactor) {
        let Some(Operation::Load(load)) = self.core.end(token) else {
            debug_assert!(false, "a read that is none");
            return;
        };
        let log = find(&mut self.logs, load.region.segment.0).map(|log| &*log);
        self.cold.on_loaded(load, result, log, &mut self.core, reactor);
    }

    /// The next thing that the shard should hear of.
    pub fn next_outcome(&mut self) -> Option<Outcome> {
        self.core.outcomes.pop_front()
    }

    /// Where a log stands.
    #[must_use]
    pub fn status(&self, log: LogId) -> Option<LogStatus> {
        let log = self.logs.get(log.key as usize).filter(|found| found.id == log)?;
        Some(LogStatus {
            log_start: log.log_start,
            durable_end: log.durable_end,
            log_end: log.log_end,
            size_bytes: log.size_bytes(),
            segments: log.sealed.len() + log.writing.len(),
            error: log.refusal(),
        })
    }

    /// How many bytes to ask for with one read, if it has to go to the disk: less while memory is short.
    #[must_use]
    pub fn cold_answer_bytes_max(&self) -> usize {
        self.cold.answer_bytes_max()
    }

    /// Bytes of records that were read from disk, or given up by their tails, and that somebody sees.
    #[must_use]
    pub fn cold_bytes(&self) -> usize {
        self.cold.memory_bytes()
    }

    /// What was counted since the store was made.
    #[must_use]
    pub fn figures(&self) -> &Figures {
        &self.core.figures
    }

    /// What it holds now.
    #[must_use]
    pub fn levels(&self) -> Levels {
        let settings = &self.core.settings;
        let (loading_bytes, loads_waiting) = self.cold.loading();
        Levels {
            cache_bytes: self.core.chunks.in_use(),
            cache_bytes_max: settings.cache_bytes_max,
            unwritten_bytes: self.core.unwritten,
            unwritten_bytes_max: settings.unwritten_bytes_max,
            cold_bytes: self.cold.memory_bytes(),
            cold_bytes_max: settings.cold_bytes_max,
            loading_bytes,
            loads_waiting,
            stalled_logs: self.core.stalled.len(),
            journals: self.core.journals.iter().map(Journal::level).collect(),
        }
    }

    /// Bytes in memory: of all tails, and of them what is not yet written.
    #[must_use]
    pub fn memory_bytes(&self) -> (usize, usize) {
        (self.core.chunks.in_use(), self.core.unwritten)
    }

    /// New settings for a log: they count from the next append.
    pub fn configure(&mut self, log: LogId, settings: LogSettings) {
        if let Some(log) = find(&mut self.logs, log) {
            log.settings = settings;
        }
    }
}

/// The log with this id, unless it was removed.
pub(crate) fn find(logs: &mut Slab<Log>, id: LogId) -> Option<&mut Log> {
    logs.get_mut(id.key as usize).filter(|log| log.id == id)
}
