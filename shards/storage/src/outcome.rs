//! What comes out of a store: answers, and outcomes that the shard hears of later.

use bytes::Bytes;
use types::{LeaderEpoch, Offset, TimestampMs};

use crate::compact::CompactionReport;
use crate::error::StorageError;
use crate::store::{LogId, ReadId};

/// Where batches went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Offset of the first record.
    pub first_offset: Offset,
    /// Offset of the last record. The log ends one after it.
    pub last_offset: Offset,
    /// The first offset there is, which a Produce response tells, too.
    pub log_start: Offset,
}

/// The answer to [`crate::Store::read`].
#[derive(Clone, Debug)]
pub enum Read {
    /// Whole batches, in order; a piece may hold many. Empty if there are none below the limit.
    Now(Vec<Bytes>),
    /// They come as [`Outcome::ReadDone`].
    Later(ReadId),
}

/// Which record to look for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampTarget {
    /// The first one with this timestamp or a later one.
    AtOrAfter(TimestampMs),
    /// The first one with the largest timestamp.
    Max,
}

/// The record that was looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundTimestamp {
    pub offset: Offset,
    pub timestamp: TimestampMs,
    /// The leader epoch of its batch.
    pub leader_epoch: LeaderEpoch,
}

/// The answer to [`crate::Store::lookup`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// The record, or `None` if there is no such record below the limit.
    Now(Option<FoundTimestamp>),
    /// It comes as [`Outcome::LookupDone`].
    Later(ReadId),
}

/// What a shard hears of later; drained with [`crate::Store::next_outcome`].
#[derive(Debug)]
pub enum Outcome {
    /// Everything below `durable_end` is durable now.
    Committed { log: LogId, durable_end: Offset },
    /// A read has ended.
    ReadDone { id: ReadId, result: Result<Vec<Bytes>, StorageError> },
    /// A lookup by timestamp has ended.
    LookupDone { id: ReadId, result: Result<Option<FoundTimestamp>, StorageError> },
    /// The log takes no appends until [`Outcome::Resumed`]; what was appended before is kept and tried again.
    Stalled { log: LogId, error: StorageError },
    /// The log takes appends again.
    Resumed { log: LogId },
    /// The log has failed for good. What lay above its durable end may be lost.
    Offline { log: LogId, error: StorageError },
    /// A truncation has ended, with the log's new end. It may lie below what was asked for, since batches stay whole.
    Truncated { log: LogId, result: Result<Offset, StorageError> },
    /// The log's directory has got another name: one of the same name can be created. Its files disappear later.
    Removed { log: LogId, result: Result<(), StorageError> },
    /// A compaction has ended.
    Compacted { log: LogId, result: Result<CompactionReport, StorageError> },
    /// All logs are closed; `failed` names those that are not clean.
    Closed { failed: Vec<(LogId, StorageError)> },
}
