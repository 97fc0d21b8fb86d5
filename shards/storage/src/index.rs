//! The sparse offset index of a segment, in Kafka's format: `.index`.
//!
//! ```text
//! 0  relative offset  i32   of the last record of a batch, less the segment's base offset
//! 4  position         i32   where that batch begins in the segment
//! ```
//!
//! # Invariants
//! - Offsets and positions of the entries ascend.
//! - A batch that contains or follows an entry's offset begins at or behind the entry's position.

use types::Offset;

/// Bytes of an entry.
pub(crate) const ENTRY_BYTES: usize = 8;

/// One entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OffsetEntry {
    pub(crate) delta: u32,
    pub(crate) position: u32,
}

/// The entries of one segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OffsetIndex {
    base: Offset,
    entries: Vec<OffsetEntry>,
}

impl OffsetIndex {
    /// An index without entries, for the segment that begins at `base`.
    pub(crate) fn new(base: Offset) -> Self {
        Self { base, entries: Vec::new() }
    }

    /// Adds an entry. One that does not ascend is left out: an index may be sparser, but never wrong.
    pub(crate) fn push(&mut self, last_offset: Offset, position: u32) {
        let Ok(delta) = u32::try_from(last_offset.0 - self.base.0) else { return };
        let ascends = self.entries.last().is_none_or(|e| e.delta < delta && e.position < position);
        if ascends && delta <= i32::MAX as u32 && position <= i32::MAX as u32 {
            self.entries.push(OffsetEntry { delta, position });
        }
    }

    /// Where to begin looking for the batch that contains `offset`.
    pub(crate) fn position_before(&self, offset: Offset) -> u32 {
        let delta = offset.0 - self.base.0;
        let after = self.entries.partition_point(|e| i64::from(e.delta) <= delta);
        after.checked_sub(1).and_then(|i| self.entries.get(i)).map_or(0, |e| e.position)
    }

    /// The offset of the last entry at or before `position`, if there is one.
    pub(crate) fn offset_at(&self, position: u64) -> Option<Offset> {
        let after = self.entries.partition_point(|e| u64::from(e.position) <= position);
        let entry = after.checked_sub(1).and_then(|i| self.entries.get(i))?;
        Some(Offset(self.base.0 + i64::from(entry.delta)))
    }

    /// The last entry that lies below `offset`, as offset and position.
    pub(crate) fn last_below(&self, offset: Offset) -> Option<(Offset, u32)> {
        let delta = offset.0 - self.base.0;
        let after = self.entries.partition_point(|e| i64::from(e.delta) < delta);
        let entry = after.checked_sub(1).and_then(|i| self.entries.get(i))?;
        Some((Offset(self.base.0 + i64::from(entry.delta)), entry.position))
    }

    /// Drops entries whose batches begin at or behind `position`.
    pub(crate) fn cut(&mut self, position: u64) {
        let keep = self.entries.partition_point(|e| u64::from(e.position) < position);
        self.entries.truncate(keep);
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The bytes of the entries from number `first` on.
    pub(crate) fn encode(&self, first: usize) -> Vec<u8> {
        let entries = self.entries.get(first..).unwrap_or_default();
        let mut bytes = Vec::with_capacity(entries.len() * ENTRY_BYTES);
        for entry in entries {
            bytes.extend_from_slice(&entry.delta.to_be_bytes());
            bytes.extend_from_slice(&entry.position.to_be_bytes());
        }
        bytes
    }

    /// Reads an index file of a segment with `segment_bytes`. `None` if it is no such index. Zeros at the end, which
    /// Kafka leaves after a crash, are no entries.
    pub(crate) fn decode(base: Offset, bytes: &[u8], segment_bytes: u64) -> Option<Self> {
        let (chunks, []) = bytes.as_chunks::<ENTRY_BYTES>() else { return None };
        let mut index = Self::new(base);
        for (i, chunk) in chunks.iter().enumerate() {
            let [a, b, c, d, e, f, g, h] = *chunk;
            let (delta, position) = (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]));
            if delta == 0 && position == 0 {
                return chunks.iter().skip(i).all(|rest| *rest == [0; ENTRY_BYTES]).then_some(index);
            }
            index.push(Offset(base.0 + i64::from(delta)), position);
            if index.len() != i + 1 || u64::from(position) >= segment_bytes {
                return None;
            }
        }
        Some(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index() -> OffsetIndex {
        let mut index = OffsetIndex::new(Offset(100));
        index.push(Offset(109), 4200);
        index.push(Offset(119), 8400);
        index.push(Offset(129), 12600);
        index
    }

    #[test]
    fn a_lookup_never_begins_behind_the_batch() {
        let index = index();
        for (offset, position) in [(100, 0), (108, 0), (109, 4200), (118, 4200), (119, 8400), (5000, 12600)] {
            assert_eq!(index.position_before(Offset(offset)), position, "{offset}");
        }
        assert_eq!(index.last_below(Offset(119)), Some((Offset(109), 4200)));
        assert_eq!(index.last_below(Offset(109)), None);
        for (position, offset) in [(4199, None), (4200, Some(109)), (8399, Some(109)), (90_000, Some(129))] {
            assert_eq!(index.offset_at(position), offset.map(Offset), "{position}");
        }
    }

    #[test]
    fn entries_that_do_not_ascend_are_left_out() {
        let mut index = index();
        index.push(Offset(129), 20_000);
        index.push(Offset(140), 12_600);
        index.push(Offset(100 + i64::from(u32::MAX)), 30_000);
        assert_eq!(index.len(), 3);
    }

    #[test]
    fn the_file_reads_back_and_has_kafkas_bytes() {
        let index = index();
        let bytes = index.encode(0);
        assert_eq!(bytes[..8], [0, 0, 0, 9, 0, 0, 0x10, 0x68]);
        assert_eq!(OffsetIndex::decode(Offset(100), &bytes, 20_000), Some(index.clone()));
        let with_zeros = [&bytes[..], &[0; 800]].concat();
        assert_eq!(OffsetIndex::decode(Offset(100), &with_zeros, 20_000), Some(index.clone()));
        assert_eq!(index.encode(2).len(), ENTRY_BYTES);
    }

    #[test]
    fn a_damaged_file_is_not_an_index() {
        let bytes = index().encode(0);
        assert_eq!(OffsetIndex::decode(Offset(100), &bytes, 12_600), None, "a position behind the end");
        assert_eq!(OffsetIndex::decode(Offset(100), &bytes[1..], 20_000), None, "not whole entries");
        let twice = [&bytes[..], &bytes[..8]].concat();
        assert_eq!(OffsetIndex::decode(Offset(100), &twice, 20_000), None, "not ascending");
        let hole = [&bytes[..8], &[0; 8], &bytes[8..]].concat();
        assert_eq!(OffsetIndex::decode(Offset(100), &hole, 20_000), None, "entries behind zeros");
    }

    #[test]
    fn cutting_drops_entries_of_batches_that_are_gone() {
        let mut index = index();
        index.cut(8400);
        assert_eq!(index.entries, [OffsetEntry { delta: 9, position: 4200 }]);
    }
}
