//! The sparse time index of a segment, in Kafka's format: `.timeindex`.
//!
//! ```text
//! 0  timestamp        i64   the largest so far in the segment
//! 8  relative offset  i32   of the batch that has it (its last record), less the segment's base offset
//! ```
//!
//! # Invariants
//! - Timestamps ascend, and offsets do not descend.
//! - No record at or before an entry's offset is newer than the entry's timestamp.

use types::{Offset, TimestampMs};

/// Bytes of an entry.
pub(crate) const ENTRY_BYTES: usize = 12;

/// One entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeEntry {
    pub(crate) timestamp: TimestampMs,
    pub(crate) delta: u32,
}

/// The entries of one segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TimeIndex {
    base: Offset,
    entries: Vec<TimeEntry>,
}

impl TimeIndex {
    /// An index without entries, for the segment that begins at `base`.
    pub(crate) fn new(base: Offset) -> Self {
        Self { base, entries: Vec::new() }
    }

    /// Adds an entry unless it tells nothing new.
    pub(crate) fn push(&mut self, timestamp: TimestampMs, offset: Offset) {
        let Ok(delta) = u32::try_from(offset.0 - self.base.0) else { return };
        let ascends = self.entries.last().is_none_or(|e| e.timestamp < timestamp && e.delta <= delta);
        if ascends && timestamp.0 >= 0 && delta <= i32::MAX as u32 {
            self.entries.push(TimeEntry { timestamp, delta });
        }
    }

    /// The offset before which no record is as new as `timestamp`.
    pub(crate) fn offset_before(&self, timestamp: TimestampMs) -> Offset {
        let after = self.entries.partition_point(|e| e.timestamp < timestamp);
        let delta = after.checked_sub(1).and_then(|i| self.entries.get(i)).map_or(0, |e| e.delta);
        Offset(self.base.0 + i64::from(delta))
    }

    /// Drops entries at or above `offset`.
    pub(crate) fn cut(&mut self, offset: Offset) {
        let delta = offset.0 - self.base.0;
        let keep = self.entries.partition_point(|e| i64::from(e.delta) < delta);
        self.entries.truncate(keep);
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The newest timestamp that is indexed, with its offset.
    pub(crate) fn last(&self) -> Option<(TimestampMs, Offset)> {
        self.entries.last().map(|e| (e.timestamp, Offset(self.base.0 + i64::from(e.delta))))
    }

    /// The bytes of the entries from number `first` on.
    pub(crate) fn encode(&self, first: usize) -> Vec<u8> {
        let entries = self.entries.get(first..).unwrap_or_default();
        let mut bytes = Vec::with_capacity(entries.len() * ENTRY_BYTES);
        for entry in entries {
            bytes.extend_from_slice(&entry.timestamp.0.to_be_bytes());
            bytes.extend_from_slice(&entry.delta.to_be_bytes());
        }
        bytes
    }

    /// Reads an index file; `None` if it is no such index. Zeros at the end, which Kafka leaves after a crash, are no
    /// entries.
    pub(crate) fn decode(base: Offset, bytes: &[u8]) -> Option<Self> {
        let (chunks, []) = bytes.as_chunks::<ENTRY_BYTES>() else { return None };
        let mut index = Self::new(base);
        for (i, chunk) in chunks.iter().enumerate() {
            // An entry of zeros can be real only at the very beginning (the epoch's first millisecond), and says
            // nothing there.
            if *chunk == [0; ENTRY_BYTES] {
                return chunks.iter().skip(i).all(|rest| *rest == [0; ENTRY_BYTES]).then_some(index);
            }
            let [a, b, c, d, e, f, g, h, i0, i1, i2, i3] = *chunk;
            let timestamp = TimestampMs(i64::from_be_bytes([a, b, c, d, e, f, g, h]));
            index.push(timestamp, Offset(base.0 + i64::from(u32::from_be_bytes([i0, i1, i2, i3]))));
            if index.len() != i + 1 {
                return None;
            }
        }
        Some(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index() -> TimeIndex {
        let mut index = TimeIndex::new(Offset(100));
        index.push(TimestampMs(1000), Offset(109));
        index.push(TimestampMs(2000), Offset(119));
        index
    }

    #[test]
    fn a_lookup_never_begins_behind_the_record() {
        let index = index();
        for (timestamp, offset) in [(0, 100), (1000, 100), (1001, 109), (2000, 109), (9999, 119)] {
            assert_eq!(index.offset_before(TimestampMs(timestamp)), Offset(offset), "{timestamp}");
        }
    }

    #[test]
    fn entries_that_tell_nothing_new_are_left_out() {
        let mut index = index();
        index.push(TimestampMs(2000), Offset(130));
        index.push(TimestampMs(3000), Offset(118));
        index.push(TimestampMs(-1), Offset(140));
        assert_eq!(index.last(), Some((TimestampMs(2000), Offset(119))));
    }

    #[test]
    fn the_file_reads_back_and_has_kafkas_bytes() {
        let index = index();
        let bytes = index.encode(0);
        assert_eq!(bytes[..ENTRY_BYTES], [0, 0, 0, 0, 0, 0, 3, 0xe8, 0, 0, 0, 9]);
        assert_eq!(TimeIndex::decode(Offset(100), &bytes), Some(index.clone()));
        assert_eq!(TimeIndex::decode(Offset(100), &[&bytes[..], &[0; 24]].concat()), Some(index));
        assert_eq!(TimeIndex::decode(Offset(100), &bytes[..20]), None);
        assert_eq!(TimeIndex::decode(Offset(100), &[&bytes[12..], &bytes[..12]].concat()), None);
    }
}
