//! Whole batches in pieces of a segment that lie one behind the other in memory. A batch may begin in one piece and end
//! in another.
//!
//! # Invariants
//! - Only whole batches are found, none reaching beyond the limit, and at least one if there is one.
//!
//! # Not here
//! Checksums: the reader at the other end compares them, as with Kafka. Only what makes finding batches impossible is
//! noticed here.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use record::{BATCH_HEADER_BYTES, BatchHeader};
use types::Offset;

use crate::cold_memory::Loaded;

/// Loaded pieces of one segment without a gap between them.
#[derive(Debug, Default)]
pub(crate) struct Span {
    /// Where each one begins in the segment.
    pieces: Vec<(u64, Arc<Loaded>)>,
}

/// What to look for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    /// The batch that contains or follows this offset comes first.
    pub(crate) from: Offset,
    /// No batch reaches beyond.
    pub(crate) up_to: Offset,
    pub(crate) bytes_max: u64,
    /// The first batch that is looked at lies at or behind this offset; else the place is damaged.
    pub(crate) behind: Offset,
}

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Where the batches lie in the segment; empty if there are none. Without any, a later look may begin at its end.
    pub(crate) range: Range<u64>,
    /// The offset behind the last one.
    pub(crate) next: Offset,
    pub(crate) then: Then,
}

/// Why there is no more.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// It is all that was wanted, or all that may be had.
    Enough,
    /// It takes all bytes up to here to go on.
    Short(u64),
    /// The segment's batches end.
    SegmentEnd,
    /// There is no batch where one should be.
    Damaged(String),
}

impl Span {
    /// Adds what lies behind the last piece.
    pub(crate) fn push(&mut self, start: u64, piece: Arc<Loaded>) {
        debug_assert!(self.pieces.is_empty() || self.end() == start, "a gap in a span");
        self.pieces.push((start, piece));
    }

    /// Where the last piece ends; 0 without pieces.
    pub(crate) fn end(&self) -> u64 {
        self.pieces.last().map_or(0, |(start, piece)| start + piece.bytes().len() as u64)
    }

    /// The bytes of `range`, as far as they are here.
    pub(crate) fn views(&self, range: Range<u64>) -> Vec<Bytes> {
        let cut = |(start, piece): &(u64, Arc<Loaded>)| {
            let end = start + piece.bytes().len() as u64;
            let (from, to) = (range.start.max(*start), range.end.min(end));
            (from < to).then(|| piece.view((from - start) as usize..(to - start) as usize))
        };
        self.pieces.iter().filter_map(cut).collect()
    }

    /// Looks for batches, beginning with the one at `position`, in a segment whose batches end at `end`.
    pub(crate) fn look(&self, wanted: Wanted, position: u64, end: u64) -> Found {
        let here = self.end();
        let (mut at, mut first, mut next) = (position, None, wanted.from);
        let mut behind = wanted.behind;
        let then = loop {
            if at >= end {
                break Then::SegmentEnd;
            }
            let needed = at + BATCH_HEADER_BYTES as u64;
            if needed > end {
                break Then::Damaged("the segment ends within a header".to_owned());
            }
            if needed > here {
                break Then::Short(needed);
            }
            let header = match self.header(at) {
                Ok(header) => header,
                Err(error) => break Then::Damaged(error.to_string()),
            };
            let batch_end = at + header.batch_len_bytes as u64;
            if header.base_offset < behind {
                break Then::Damaged(format!(
                    "offset {} comes after those before {behind}",
                    header.base_offset
                ));
            }
            behind = header.next_offset();
            if batch_end > end {
                break Then::Damaged("a batch reaches beyond the segment's end".to_owned());
            }
            if header.last_offset() >= wanted.from {
                let begin = first.unwrap_or(at);
                // The first batch comes in any case.
                let too_much = batch_end - begin > wanted.bytes_max && begin != at;
                if header.next_offset() > wanted.up_to || too_much {
                    break Then::Enough;
                }
                if batch_end > here {
                    break Then::Short(batch_end);
                }
                first = Some(begin);
                next = header.next_offset();
                if batch_end - begin >= wanted.bytes_max {
                    at = batch_end;
                    break Then::Enough;
                }
            }
            at = batch_end;
        };
        Found { range: first.unwrap_or(at)..at, next, then }
    }

    /// The header at `at`, which is here as a whole.
    fn header(&self, at: u64) -> Result<BatchHeader, record::RecordError> {
        let mut copy = [0; BATCH_HEADER_BYTES];
        let mut filled = 0;
        let behind = self.pieces.partition_point(|(start, _)| *start <= at);
        for (start, piece) in self.pieces.iter().skip(behind.saturating_sub(1)) {
            let from = (at + filled as u64).saturating_sub(*start) as usize;
            let bytes = piece.bytes().get(from..).unwrap_or_default();
            if filled == 0 && bytes.len() >= BATCH_HEADER_BYTES {
                return BatchHeader::parse(bytes);
            }
            let len = bytes.len().min(BATCH_HEADER_BYTES - filled);
            if let (Some(to), Some(from)) = (copy.get_mut(filled..filled + len), bytes.get(..len)) {
                to.copy_from_slice(from);
            }
            filled += len;
            if filled == BATCH_HEADER_BYTES {
                break;
            }
        }
        BatchHeader::parse(copy.get(..filled).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use record::{BatchBuilder, BatchOptions, batches};
    use types::{LeaderEpoch, TimestampMs};

    use super::*;
    use crate::cold_memory::ColdMemory;

    /// Ten batches of two records, and where they end.
    fn segment() -> (Vec<u8>, Vec<u64>) {
        let (mut bytes, mut ends) = (Vec::new(), vec![0]);
        for number in 0..10_i64 {
            let mut builder = BatchBuilder::new(BatchOptions::default());
            for _ in 0..2 {
                builder.push(TimestampMs(1), None, Some(&vec![7; number as usize * 13 % 57]), &[]).unwrap();
            }
            let mut batch = builder.build().unwrap().to_vec();
            record::stamp(&mut batch, Offset(number * 2), LeaderEpoch(0));
            bytes.extend(batch);
            ends.push(bytes.len() as u64);
        }
        (bytes, ends)
    }

    /// The bytes of `range` in pieces of `piece` bytes.
    fn span(bytes: &[u8], range: Range<usize>, piece: usize) -> Span {
        let memory = ColdMemory::new(0);
        let mut span = Span::default();
        for (number, part) in bytes[range.clone()].chunks(piece).enumerate() {
            let loaded = Loaded::new(Bytes::copy_from_slice(part), memory.reserve(part.len()));
            span.push((range.start + number * piece) as u64, Arc::new(loaded));
        }
        span
    }

    fn wanted(from: i64, up_to: i64, bytes_max: u64) -> Wanted {
        Wanted { from: Offset(from), up_to: Offset(up_to), bytes_max, behind: Offset::ZERO }
    }

    #[test]
    fn batches_are_found_whatever_the_pieces_are() {
        let (bytes, ends) = segment();
        let end = bytes.len() as u64;
        for piece in [1, 7, 60, 61, 100, 10_000] {
            let span = span(&bytes, 0..bytes.len(), piece);
            for from in 0..20 {
                let first = ends[from as usize / 2];
                let found = span.look(wanted(from, 20, u64::MAX), 0, end);
                assert_eq!((found.range.clone(), found.next), (first..end, Offset(20)));
                assert_eq!(found.then, Then::SegmentEnd);
                let read = span.views(found.range).concat();
                assert_eq!(read, bytes[first as usize..]);
                assert!(batches(&read).all(|batch| batch.is_ok()));
                let found = span.look(wanted(from, 17, u64::MAX), 0, end);
                let last = if from < 16 { ends[8] } else { first };
                assert_eq!((found.range, found.then), (first..last.max(first), Then::Enough));
            }
        }
    }

    #[test]
    fn so_many_bytes_and_no_more_but_one_batch_in_any_case() {
        let (bytes, ends) = segment();
        let end = bytes.len() as u64;
        let span = span(&bytes, 0..bytes.len(), 50);
        assert_eq!(span.look(wanted(4, 20, 1), 0, end).range, ends[2]..ends[3]);
        let two = ends[4] - ends[2];
        for (bytes_max, to) in [(two - 1, ends[3]), (two, ends[4]), (two + 1, ends[4])] {
            let found = span.look(wanted(4, 20, bytes_max), ends[1], end);
            assert_eq!((found.range, found.then), (ends[2]..to, Then::Enough));
        }
    }

    #[test]
    fn what_is_missing_is_told_and_batches_before_it_are_found() {
        let (bytes, ends) = segment();
        let end = bytes.len() as u64;
        for here in 0..bytes.len() {
            let span = span(&bytes, 0..here, 64);
            let found = span.look(wanted(0, 20, u64::MAX), 0, end);
            let whole = ends.iter().rposition(|end| *end <= here as u64).unwrap();
            assert_eq!((found.range.end, found.next), (ends[whole], Offset(2 * whole as i64)));
            let Then::Short(needed) = found.then else { panic!("{found:?}") };
            let header = ends[whole] + BATCH_HEADER_BYTES as u64;
            assert_eq!(needed, if (here as u64) < header { header } else { ends[whole + 1] });
        }
    }

    #[test]
    fn batches_before_damage_are_found_and_it_is_reported_when_it_comes_first() {
        let (mut bytes, ends) = segment();
        let end = bytes.len() as u64;
        bytes[ends[3] as usize + 16] = 9; // The magic.
        let span = span(&bytes, 0..bytes.len(), 1000);
        let found = span.look(wanted(2, 20, u64::MAX), 0, end);
        assert_eq!(found.range, ends[1]..ends[3]);
        assert!(matches!(found.then, Then::Damaged(_)));
        let found = span.look(wanted(6, 20, u64::MAX), ends[2], end);
        assert_eq!(found.range, ends[3]..ends[3]);
        assert!(matches!(found.then, Then::Damaged(_)));
        let cut = span.look(wanted(2, 20, u64::MAX), 0, ends[2] + 20);
        assert!(matches!((cut.range, cut.then), (range, Then::Damaged(_)) if range == (ends[1]..ends[2])));
    }
}
