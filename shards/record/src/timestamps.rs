//! The search for a record by time within a batch, for ListOffsets.
//!
//! # Not here
//! Which batch to look into: the time index of `storage`, and the headers' max timestamps.

use std::ops::ControlFlow;

use types::{Offset, TimestampMs};

use crate::error::RecordError;
use crate::header::BatchHeader;
use crate::records::{offset_of, timestamp_of};
use crate::walk::walk;

/// The first record of `batch` at offset `from` or later whose timestamp is `target` or later, with that timestamp.
/// Records are decompressed to at most `limit` bytes.
///
/// # Errors
/// A batch that is damaged.
pub fn find_timestamp(
    batch: &[u8],
    target: TimestampMs,
    from: Offset,
    limit: usize,
) -> Result<Option<(Offset, TimestampMs)>, RecordError> {
    let header = BatchHeader::parse(batch)?;
    if header.max_timestamp < target || header.last_offset() < from {
        return Ok(None);
    }
    find(&header, batch, limit, |offset, timestamp| timestamp >= target && offset >= from)
}

/// The first record of `batch` with the batch's max timestamp, with that timestamp. Records are decompressed to at
/// most `limit` bytes.
///
/// # Errors
/// A batch that is damaged.
pub fn offset_of_max_timestamp(
    batch: &[u8],
    limit: usize,
) -> Result<Option<(Offset, TimestampMs)>, RecordError> {
    let header = BatchHeader::parse(batch)?;
    find(&header, batch, limit, |_, timestamp| timestamp == header.max_timestamp)
}

fn find(
    header: &BatchHeader,
    batch: &[u8],
    limit: usize,
    is_it: impl Fn(Offset, TimestampMs) -> bool,
) -> Result<Option<(Offset, TimestampMs)>, RecordError> {
    let needed = header.batch_len_bytes;
    let batch = batch.get(..needed).ok_or(RecordError::Truncated { needed, available: batch.len() })?;
    let mut found = None;
    walk(header, batch, limit, |record| {
        let offset = offset_of(header, record.offset_delta);
        let timestamp = timestamp_of(header, record.timestamp_delta);
        if is_it(offset, timestamp) {
            found = Some((offset, timestamp));
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    })?;
    Ok(found)
}
