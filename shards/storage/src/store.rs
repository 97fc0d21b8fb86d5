//! All logs of one shard.

use bytes::Bytes;
use reactor::{Reactor, Token};
use record::{BatchHeader, ValidBatch};
use types::{LeaderEpoch, Offset, TimestampMs, Uuid};

use crate::error::StorageError;
use crate::opened::OpenedLog;
use crate::outcome::{Appended, Lookup, Outcome, Read, TimestampTarget};
use crate::settings::{LogSettings, StoreSettings};

/// Names a log within its store. Never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogId(pub(crate) u64);

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
    settings: StoreSettings,
}

impl Store {
    /// A store without logs.
    #[must_use]
    pub fn new(settings: StoreSettings) -> Self {
        Self { settings }
    }

    /// Takes over a log that was opened.
    pub fn adopt(&mut self, opened: OpenedLog) -> LogId {
        let _ = (opened, self.settings);
        LogId(0)
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
        let _ = (log, batches, epoch);
        Err(StorageError::UnknownLog)
    }

    /// Appends a batch that its leader has given offsets and epoch, as followers do. Offsets may have gaps, but
    /// never go back.
    pub fn append_replica(
        &mut self,
        log: LogId,
        header: &BatchHeader,
        batch: &Bytes,
    ) -> Result<Appended, StorageError> {
        let _ = (log, header, batch);
        Err(StorageError::UnknownLog)
    }

    /// Asks that everything appended to `log` so far becomes durable with the next commit. Without, appended bytes
    /// are written within `write_delay_ms_max`, and synced when their segment ends or somebody asks.
    pub fn want_durable(&mut self, log: LogId) {
        let _ = log;
    }

    /// Starts commits of all logs that need one and have none in flight. Once a turn of the shard's loop.
    pub fn commit(&mut self, reactor: &mut Reactor) {
        let _ = reactor;
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
        let _ = (log, from, up_to, bytes_max, reactor);
        Err(StorageError::UnknownLog)
    }

    /// Looks for a record by its timestamp, below `up_to`.
    pub fn lookup(
        &mut self,
        log: LogId,
        target: TimestampTarget,
        up_to: Offset,
        reactor: &mut Reactor,
    ) -> Result<Lookup, StorageError> {
        let _ = (log, target, up_to, reactor);
        Err(StorageError::UnknownLog)
    }

    /// A write or sync of this store has completed (`Event::Wrote`).
    pub fn on_wrote(&mut self, token: Token, result: std::io::Result<()>, reactor: &mut Reactor) {
        let _ = (token, result, reactor);
    }

    /// A read of this store has completed (`Event::Read`).
    pub fn on_read(&mut self, token: Token, result: std::io::Result<Bytes>, reactor: &mut Reactor) {
        let _ = (token, result, reactor);
    }

    /// Takes in what offload threads have finished, and does what the time asks for. Once a turn of the shard's loop,
    /// and at least every second.
    pub fn tick(&mut self, now: TimestampMs, reactor: &mut Reactor) {
        let _ = (now, reactor);
    }

    /// The next thing that the shard should hear of.
    pub fn next_outcome(&mut self) -> Option<Outcome> {
        None
    }

    /// Where a log stands.
    #[must_use]
    pub fn status(&self, log: LogId) -> Option<LogStatus> {
        let _ = log;
        None
    }

    /// New settings for a log: they count from the next append.
    pub fn configure(&mut self, log: LogId, settings: LogSettings) {
        let _ = (log, settings);
    }

    /// Moves the log start up to `to`, which lies between the log start and end, and removes segments that lie wholly
    /// below it. Returns the log start.
    pub fn delete_records(
        &mut self,
        log: LogId,
        to: Offset,
        reactor: &mut Reactor,
    ) -> Result<Offset, StorageError> {
        let _ = (log, to, reactor);
        Err(StorageError::UnknownLog)
    }

    /// Removes old segments as `retention.ms` and `retention.bytes` ask, but nothing at or above `below` (the high
    /// watermark). Returns the log start.
    pub fn apply_retention(
        &mut self,
        log: LogId,
        below: Offset,
        now: TimestampMs,
        reactor: &mut Reactor,
    ) -> Result<Offset, StorageError> {
        let _ = (log, below, now, reactor);
        Err(StorageError::UnknownLog)
    }

    /// Cuts the log so that no batch reaches to `to` or beyond; for followers. Ends with [`Outcome::Truncated`], and
    /// until then the log is `Busy`.
    pub fn truncate(&mut self, log: LogId, to: Offset, reactor: &mut Reactor) -> Result<(), StorageError> {
        let _ = (log, to, reactor);
        Err(StorageError::UnknownLog)
    }

    /// Saves the state of producers at `at` (the log's end, or an older one) in the background.
    pub fn save_producer_snapshot(&mut self, log: LogId, at: Offset, bytes: Vec<u8>, reactor: &mut Reactor) {
        let _ = (log, at, bytes, reactor);
    }

    /// Saves `leader-epoch-checkpoint` in the background.
    pub fn save_leader_epochs(&mut self, log: LogId, text: String, reactor: &mut Reactor) {
        let _ = (log, text, reactor);
    }

    /// Forgets a log and deletes its files. `unique` goes into the name that the directory has meanwhile. Ends with
    /// [`Outcome::Removed`].
    pub fn remove(&mut self, log: LogId, unique: Uuid, reactor: &mut Reactor) {
        let _ = (log, unique, reactor);
    }

    /// Makes everything durable, cuts files to their real size and saves indexes and checkpoints. Ends with
    /// [`Outcome::Closed`]; after that [`crate::LogDir::mark_clean`] is due.
    pub fn close(&mut self, reactor: &mut Reactor) {
        let _ = reactor;
    }
}
