//! Going over all records of a batch without keeping any: what validation and the search by timestamp do.
//!
//! # Invariants
//! - Exactly the records that the header counts, with offset deltas 0, 1, 2, ... unless the batch was compacted, and
//!   nothing after them.
//!
//! # Hot path
//! Uncompressed records are walked where they lie; compressed ones flow through a window of fixed size.

use std::ops::ControlFlow;

use crate::compress;
use crate::cursor::{Cursor, Decompressed, Slice, Stop};
use crate::error::RecordError;
use crate::header::{BATCH_HEADER_BYTES, BatchHeader, Compression};
use crate::shape::{Fault, Shape};

/// What a walk shows of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Passed {
    /// Its place in the batch, from 0.
    pub(crate) index: i32,
    pub(crate) offset_delta: i32,
    pub(crate) timestamp_delta: i64,
    pub(crate) has_key: bool,
}

/// Shows `visit` every record of `batch`, one whole batch with this `header`, until it breaks. When it does, the rest
/// is not looked at.
pub(crate) fn walk(
    header: &BatchHeader,
    batch: &[u8],
    limit: usize,
    mut visit: impl FnMut(Passed) -> ControlFlow<()>,
) -> Result<(), RecordError> {
    let records = batch.get(BATCH_HEADER_BYTES..).unwrap_or_default();
    let compression = header.compression()?;
    if compression == Compression::None {
        return walk_slice(header, records, &mut visit);
    }
    compress::with_reader(compression, records, |reader| {
        let mut cursor = Decompressed::new(compression, reader, limit);
        match walk_decompressed(header, &mut cursor, &mut visit) {
            Ok(()) => Ok(()),
            Err(error) => Err(cursor.into_failure().unwrap_or(error)),
        }
    })?
}

/// The same for records that are not, or no longer, compressed.
pub(crate) fn walk_slice(
    header: &BatchHeader,
    records: &[u8],
    visit: &mut impl FnMut(Passed) -> ControlFlow<()>,
) -> Result<(), RecordError> {
    let mut cursor = Slice::new(records);
    if walk_records(header, &mut cursor, visit)?.is_continue() && !cursor.is_at_end() {
        return Err(RecordError::RecordCount(MORE));
    }
    Ok(())
}

const FEWER: &str = "the batch holds fewer records than its header says";
const MORE: &str = "the batch holds more than the records its header counts";

fn walk_decompressed(
    header: &BatchHeader,
    cursor: &mut Decompressed<'_>,
    visit: &mut impl FnMut(Passed) -> ControlFlow<()>,
) -> Result<(), RecordError> {
    if walk_records(header, cursor, visit)?.is_continue() {
        // An error here is the decompressor's: a checksum at its end, say. It replaces this one.
        match cursor.is_at_end() {
            Ok(true) => {}
            Ok(false) | Err(_) => return Err(RecordError::RecordCount(MORE)),
        }
    }
    Ok(())
}

#[inline]
fn walk_records(
    header: &BatchHeader,
    cursor: &mut impl Cursor,
    visit: &mut impl FnMut(Passed) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, RecordError> {
    for index in 0..header.record_count {
        let shape = Shape::read(cursor).map_err(|fault| record_error(index, fault))?;
        let passed = Passed {
            index,
            offset_delta: shape.offset_delta,
            timestamp_delta: shape.timestamp_delta,
            has_key: shape.key.is_some(),
        };
        if visit(passed).is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// What a fault means for the record that is `index` in its batch.
#[cold]
pub(crate) fn record_error(index: i32, fault: Fault) -> RecordError {
    match fault {
        Fault::Malformed(why) => RecordError::Record { index, why },
        // A failed decompressor's own error takes the place of this one.
        Fault::Stopped(Stop::End | Stop::Varint | Stop::Failed) => RecordError::RecordCount(FEWER),
    }
}
