//! What is known of a segment without opening it.

use record::BatchHeader;
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

impl Segment {
    /// The base of a segment that begins with this batch, of a log that ends at `log_end`: there, so that segments follow each
    /// other without a gap, even if a batch of a compacted log does not; unless that is too far off for the segment's indexes.
    pub(crate) fn base_for(header: &BatchHeader, log_end: Offset) -> Offset {
        let is_far = header.last_offset().0 - log_end.0 > i64::from(i32::MAX);
        if is_far { header.base_offset } else { log_end }
    }
}
