//! What a store counts, for whoever watches the broker.
//!
//! # Hot path
//! Plain numbers of one core. The clock is read twice for each write, never for a batch.

use std::path::PathBuf;
use std::time::Instant;

use reactor::CommitMethod;
use types::Histogram;

use crate::journal::JournalState;

/// Writes of one kind that have succeeded, and those that have not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteFigures {
    /// Bytes that went to the disk, of the journals with their padding.
    pub bytes: u64,
    /// Writes that ended with an error.
    pub failed: u64,
    /// How long those that succeeded took, their syncs included.
    pub durations: Histogram,
}

/// What a store has counted since it was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Commits through the journals.
    pub journal_commits: WriteFigures,
    /// Commits that went straight to a segment.
    pub segment_commits: WriteFigures,
    /// Writes to segments that nobody waited for: what the journal holds, and what need not be durable.
    pub write_backs: WriteFigures,
    /// Appends that were refused because too much was unwritten: their producers have waited.
    pub appends_refused: u64,
    /// Reads that memory answered.
    pub memory_reads: u64,
    /// Reads that what was read from disk before answered, without waiting.
    pub loaded_reads: u64,
    /// Reads that had to wait for the disk.
    pub disk_reads: u64,
    /// Pieces that were read from disk for readers, by those who waited and ahead of them.
    pub loads: u64,
    /// Their bytes.
    pub loaded_bytes: u64,
    /// Segments that retention or DeleteRecords took away.
    pub segments_dropped: u64,
    /// Their bytes.
    pub dropped_bytes: u64,
}

/// What a store holds now, and how much it may hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Levels {
    /// Memory of tails: records kept for readers, and those not yet written.
    pub cache_bytes: usize,
    /// The bound of what is kept for readers.
    pub cache_bytes_max: usize,
    /// Records that are not yet written.
    pub unwritten_bytes: usize,
    /// Their bound.
    pub unwritten_bytes_max: usize,
    /// Records that were read from disk, until nobody sees them.
    pub cold_bytes: usize,
    /// Their bound.
    pub cold_bytes_max: usize,
    /// What the disk is reading for readers now.
    pub loading_bytes: usize,
    /// Pieces that wait for the disk to read them.
    pub loads_waiting: usize,
    /// Logs that wait for space.
    pub stalled_logs: usize,
    /// Its journals.
    pub journals: Vec<JournalLevel>,
}

/// How full a journal is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalLevel {
    /// The log directory.
    pub dir: PathBuf,
    /// What becomes of commits there.
    pub state: JournalState,
    /// Bytes that are needed until their records are in their segments.
    pub used_bytes: u64,
    /// Bytes that it has room for at its present size.
    pub capacity_bytes: u64,
    /// How the directory's disk makes a commit durable.
    pub method: CommitMethod,
}

impl WriteFigures {
    /// A write of `bytes` that began at `began` has ended.
    pub(crate) fn note(&mut self, began: Instant, bytes: u64, has_succeeded: bool) {
        if has_succeeded {
            self.bytes += bytes;
            self.durations.note(began.elapsed());
        } else {
            self.failed += 1;
        }
    }
}
