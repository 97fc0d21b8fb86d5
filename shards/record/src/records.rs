//! The records of a batch as slices, for those who look into them: the CLI, coordinators that load their state,
//! compaction.
//!
//! # Not here
//! Validation and search, which keep no records (`walk.rs`).

use std::borrow::Cow;
use std::ops::Range;

use types::{Offset, TimestampMs};

use crate::compress;
use crate::cursor::{Cursor, Slice};
use crate::error::RecordError;
use crate::header::{BATCH_HEADER_BYTES, BatchHeader, Compression, TimestampType};
use crate::shape::{Fault, Shape, nullable};
use crate::walk::record_error;

/// A batch whose records are readable.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    header: BatchHeader,
    bytes: Cow<'a, [u8]>,
}

/// Makes the records of `batch`, one whole batch, readable. Compressed ones are decompressed to at most `limit` bytes;
/// others stay where they are. The checksum is not looked at.
///
/// # Errors
/// A header that does not parse, an unknown compression, compressed bytes that are damaged or too many.
pub fn decompress(batch: &[u8], limit: usize) -> Result<Records<'_>, RecordError> {
    let header = BatchHeader::parse(batch)?;
    let needed = header.batch_len_bytes;
    let records = batch
        .get(BATCH_HEADER_BYTES..needed)
        .ok_or(RecordError::Truncated { needed, available: batch.len() })?;
    let bytes = match header.compression()? {
        Compression::None => Cow::Borrowed(records),
        codec => Cow::Owned(compress::decompress(codec, records, limit)?),
    };
    Ok(Records { header, bytes })
}

impl Records<'_> {
    /// The batch's header, as it is stored.
    #[must_use]
    pub fn header(&self) -> &BatchHeader {
        &self.header
    }

    /// The records, in order. After an error, nothing more comes.
    #[must_use]
    pub fn iter(&self) -> RecordIter<'_> {
        RecordIter { header: &self.header, cursor: Slice::new(&self.bytes), bytes: &self.bytes, next: 0 }
    }
}

impl<'a> IntoIterator for &'a Records<'_> {
    type Item = Result<Record<'a>, RecordError>;
    type IntoIter = RecordIter<'a>;

    fn into_iter(self) -> RecordIter<'a> {
        self.iter()
    }
}

/// See [`Records::iter`].
#[derive(Clone, Debug)]
pub struct RecordIter<'a> {
    header: &'a BatchHeader,
    cursor: Slice<'a>,
    bytes: &'a [u8],
    next: i32,
}

impl RecordIter<'_> {
    /// How many bytes of the batch no record has taken so far. None should be left at the end.
    #[must_use]
    pub fn rest_bytes(&self) -> usize {
        self.bytes.len().saturating_sub(self.cursor.position())
    }
}

impl<'a> Iterator for RecordIter<'a> {
    type Item = Result<Record<'a>, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.header.record_count {
            return None;
        }
        let index = self.next;
        match Shape::read(&mut self.cursor) {
            Ok(shape) => {
                self.next += 1;
                Some(Ok(Record::new(self.header, self.bytes, &shape)))
            }
            Err(fault) => {
                self.next = i32::MAX;
                Some(Err(record_error(index, fault)))
            }
        }
    }
}

impl std::iter::FusedIterator for RecordIter<'_> {}

/// One record.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    pub offset: Offset,
    /// Its own, or the batch's append time.
    pub timestamp: TimestampMs,
    pub key: Option<&'a [u8]>,
    /// `None` is a tombstone on a compacted topic.
    pub value: Option<&'a [u8]>,
    /// The bytes of its headers, behind their number.
    pub(crate) headers: &'a [u8],
    pub(crate) header_count: usize,
}

impl<'a> Record<'a> {
    fn new(header: &BatchHeader, bytes: &'a [u8], shape: &Shape) -> Self {
        let part = |range: &Range<usize>| bytes.get(range.clone()).unwrap_or_default();
        Self {
            offset: offset_of(header, shape.offset_delta),
            timestamp: timestamp_of(header, shape.timestamp_delta),
            key: shape.key.as_ref().map(part),
            value: shape.value.as_ref().map(part),
            headers: part(&shape.headers),
            header_count: usize::try_from(shape.header_count).unwrap_or_default(),
        }
    }

    /// Its headers, in order.
    #[must_use]
    pub fn headers(&self) -> Headers<'a> {
        Headers { bytes: self.headers, cursor: Slice::new(self.headers), left: self.header_count }
    }
}

/// A record's header. Its key is text by convention only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    pub key: &'a [u8],
    pub value: Option<&'a [u8]>,
}

/// See [`Record::headers`].
#[derive(Clone, Debug)]
pub struct Headers<'a> {
    bytes: &'a [u8],
    cursor: Slice<'a>,
    left: usize,
}

impl<'a> Headers<'a> {
    fn field(&mut self) -> Result<Option<&'a [u8]>, Fault> {
        Ok(nullable(&mut self.cursor, self.bytes.len())?.and_then(|range| self.bytes.get(range)))
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = Header<'a>;

    fn next(&mut self) -> Option<Header<'a>> {
        self.left = self.left.checked_sub(1)?;
        // Reading the record has shown that all of this is there.
        let key = self.field().ok()??;
        let value = self.field().ok()?;
        Some(Header { key, value })
    }
}

/// The offset of a record of the batch with this `header`.
pub(crate) fn offset_of(header: &BatchHeader, offset_delta: i32) -> Offset {
    Offset(header.base_offset.0.wrapping_add(i64::from(offset_delta)))
}

/// The timestamp of a record of the batch with this `header`.
pub(crate) fn timestamp_of(header: &BatchHeader, timestamp_delta: i64) -> TimestampMs {
    match header.timestamp_type() {
        TimestampType::CreateTime => TimestampMs(header.base_timestamp.0.wrapping_add(timestamp_delta)),
        TimestampType::LogAppendTime => header.max_timestamp,
    }
}
