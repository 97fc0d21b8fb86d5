//! What is known of a segment without opening it.

use types::{Offset, TimestampMs};

/// A segment that gets no more batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    /// Its first offset, which names its files.
    pub(crate) base: Offset,
    /// Bytes of batches.
    pub(crate) bytes: u64,
    /// Its newest timestamp; the file's own time if no batch has one.
    pub(crate) max_timestamp: TimestampMs,
}
