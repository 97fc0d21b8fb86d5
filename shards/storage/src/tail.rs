//! The newest bytes of a log in memory: where batches are appended, from where commits take what they write, and from
//! where hot reads are answered without touching the disk.
//!
//! A chunk begins at a block boundary of its segment's file. When it is full, the next chunk takes over the last,
//! partly filled block (a copy of less than 4 KiB), so that every batch lies in one piece and every write is made of
//! whole blocks.
//!
//! # Hot path
//! Appending copies the batch once and allocates only with a new chunk.
//!
//! # Invariants
//! - Chunks are ordered by offset; chunks of one segment are contiguous in its file.
//! - A block of a file is written from one chunk only at a time: from the last one that holds it.
//!
//! # Not here
//! Which bytes are written (`log.rs`), and when chunks may go (`upkeep.rs`).

use std::collections::VecDeque;

use bytes::Bytes;
use reactor::{Chunk, ChunkSlice};
use record::{BatchHeader, batches};
use types::Offset;

use crate::chunks::Chunks;

/// The unit of writes. Files of any block size up to this can be written directly.
pub(crate) const BLOCK_BYTES: u64 = 4096;

const _: () = assert!(BLOCK_BYTES as usize == Chunk::ALIGNMENT);

/// How many bytes of batches lie between two marks of a chunk: a look-up walks over so many at most.
const MARK_BYTES: usize = 4096;

/// The chunks of one log, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    chunks: VecDeque<TailChunk>,
    /// Capacity of the next chunk; 0 stands for the smallest.
    next_capacity: usize,
}

#[derive(Debug)]
struct TailChunk {
    chunk: Chunk,
    /// Base offset of the segment.
    segment: Offset,
    /// Where the chunk begins in the segment's file: at a block boundary.
    position: u64,
    /// Where its batches begin. What lies before is the beginning of the first one's block.
    begun: usize,
    /// Some batches in order; the first one is that of the chunk's first batch.
    marks: Vec<Mark>,
    /// The offset behind the last batch.
    end: Offset,
    /// From here on the next chunk holds and writes the bytes.
    taken_over_at: Option<usize>,
}

#[derive(Clone, Copy, Debug)]
struct Mark {
    offset: Offset,
    at: usize,
}

/// What a commit writes.
#[derive(Debug)]
pub(crate) struct Piece {
    /// Where it begins in the file: at a block boundary.
    pub(crate) at: u64,
    pub(crate) slices: Vec<ChunkSlice>,
    /// Where its last batch ends in the file; padding follows.
    pub(crate) to: u64,
    /// The offset behind its last batch.
    pub(crate) to_offset: Offset,
}

/// Where a piece ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PieceEnd {
    /// In the segment.
    pub(crate) to: u64,
    /// The offset behind its last batch.
    pub(crate) to_offset: Offset,
}

impl Piece {
    pub(crate) fn end(&self) -> PieceEnd {
        PieceEnd { to: self.to, to_offset: self.to_offset }
    }
}

/// What was copied out of a tail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Copied {
    pub(crate) bytes: usize,
    /// The offset behind the last batch.
    pub(crate) to: Offset,
}

/// Where a batch is to be put.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// Base offset of the segment.
    pub(crate) segment: Offset,
    /// The segment's size before.
    pub(crate) position: u64,
}

impl Tail {
    /// Copies a batch to `place` and lets `stamp` change the copy. Returns the memory that this took, in bytes: 0 unless
    /// a chunk was needed.
    pub(crate) fn append(
        &mut self,
        place: Place,
        header: &BatchHeader,
        bytes: &[u8],
        chunks: &mut Chunks,
        stamp: impl FnOnce(&mut [u8]),
    ) -> usize {
        let fits = self
            .chunks
            .back_mut()
            .is_some_and(|last| last.segment == place.segment && last.chunk.spare(bytes.len()).is_some());
        let taken = if fits { 0 } else { self.add_chunk(place, bytes.len(), chunks) };
        let Some(last) = self.chunks.back_mut() else { return taken };
        debug_assert_eq!(last.position + last.chunk.len() as u64, place.position);
        let at = last.chunk.len();
        let Some(spare) = last.chunk.spare(bytes.len()) else { return taken };
        spare.copy_from_slice(bytes);
        stamp(spare);
        last.chunk.publish(bytes.len());
        if last.marks.last().is_none_or(|mark| at - mark.at >= MARK_BYTES) {
            last.marks.push(Mark { offset: header.base_offset, at });
        }
        last.end = header.next_offset();
        taken
    }

    fn add_chunk(&mut self, place: Place, batch_bytes: usize, chunks: &mut Chunks) -> usize {
        let begun = (place.position % BLOCK_BYTES) as usize;
        let wanted = self.next_capacity.clamp(chunks.bytes_min, chunks.bytes_max);
        let mut chunk = chunks.take(wanted.max(begun + batch_bytes));
        self.next_capacity = wanted.saturating_mul(2).min(chunks.bytes_max);
        match self.chunks.back_mut().filter(|last| last.segment == place.segment) {
            Some(before) => {
                let len = before.chunk.len();
                let at = len - begun;
                before.taken_over_at = Some(at);
                let copied = before.chunk.view(at.max(before.chunk.head())..len);
                chunk.leave_head(begun - copied.len());
                if let Some(spare) = chunk.spare(copied.len()) {
                    spare.copy_from_slice(&copied);
                    chunk.publish(copied.len());
                }
            }
            None => chunk.leave_head(begun),
        }
        let capacity = chunk.capacity();
        self.chunks.push_back(TailChunk {
            chunk,
            segment: place.segment,
            position: place.position - begun as u64,
            begun,
            marks: Vec::new(),
            end: self.chunks.back().map_or(place.segment, |before| before.end),
            taken_over_at: None,
        });
        capacity
    }

    /// How many chunks take no more batches since the newest one was added: the one before it, and itself if it was made
    /// for one large batch.
    pub(crate) fn newly_closed(&self, chunks: &Chunks) -> usize {
        let mut newest_first = self.chunks.iter().rev().map(|part| chunks.is_outsize(&part.chunk));
        let newest_is_closed = newest_first.next().unwrap_or(false);
        // One that was made for a large batch has been counted.
        let was_open = newest_first.next().is_some_and(|was_closed| !was_closed);
        usize::from(newest_is_closed) + usize::from(was_open)
    }

    /// Puts the beginning of a block, which was read from the disk, into the chunks that lack it.
    pub(crate) fn complete(&mut self, segment: Offset, block: &[u8]) {
        for part in self.chunks.iter_mut().filter(|part| part.segment == segment && part.chunk.head() > 0) {
            if let Some(found) = block.get(..part.chunk.head()) {
                part.chunk.fill_head(found);
            }
        }
    }

    /// What is to be written of a segment of which the first `written` bytes were: at most about `bytes_max`, and no
    /// block at or behind `end`. `None` if that leaves nothing.
    pub(crate) fn piece(&self, segment: Offset, written: u64, bytes_max: usize, end: u64) -> Option<Piece> {
        let at = written - written % BLOCK_BYTES;
        let mut cursor = at;
        let mut slices: Vec<ChunkSlice> = Vec::new();
        let mut reached: Option<(&TailChunk, usize)> = None;
        for part in self.chunks.iter().filter(|part| part.segment == segment) {
            let own_end = part.position + part.taken_over_at.unwrap_or(part.chunk.len()) as u64;
            if part.taken_over_at.is_some() && own_end <= cursor {
                continue;
            }
            let padded = part.chunk.len().next_multiple_of(BLOCK_BYTES as usize);
            if part.chunk.head() > 0 || part.position + padded as u64 > end {
                break;
            }
            if let Some((before, start)) = reached.take() {
                // The block that both hold comes from this one.
                slices.push(before.chunk.slice(start..before.taken_over_at.unwrap_or(start)));
            }
            let start = (cursor.max(part.position) - part.position) as usize;
            reached = Some((part, start));
            cursor = own_end;
            if cursor - at >= bytes_max as u64 {
                break;
            }
        }
        let (last, start) = reached?;
        let to = last.position + last.chunk.len() as u64;
        if to <= written {
            return None;
        }
        slices.push(last.chunk.slice(start..last.chunk.len().next_multiple_of(BLOCK_BYTES as usize)));
        slices.retain(|slice| !slice.is_empty());
        Some(Piece { at, slices, to, to_offset: last.end })
    }

    /// Whether everything of a segment from `position` on, up to its end, is here.
    pub(crate) fn reaches_back_to(&self, segment: Offset, position: u64) -> bool {
        let first = self.chunks.iter().find(|part| part.segment == segment);
        first.is_some_and(|part| part.position + part.chunk.head() as u64 <= position)
    }

    /// From which batch on all are here: the segment, and the position in it.
    pub(crate) fn begins(&self) -> Option<(Offset, u64)> {
        // The first chunk may hold nothing but the beginning of a block.
        let mut parts = self.chunks.iter();
        parts.find_map(|part| Some((part.segment, part.position + part.marks.first()?.at as u64)))
    }

    /// Whole batches from the one that contains `from`, none reaching beyond `up_to`, about `bytes_max` bytes but at
    /// least one batch. `None` if `from` lies before the first chunk.
    pub(crate) fn read(&mut self, from: Offset, up_to: Offset, bytes_max: usize) -> Option<Vec<Bytes>> {
        let first = self.chunks.partition_point(|part| part.end <= from);
        if first == 0 && self.chunks.front()?.marks.first()?.offset > from {
            return None;
        }
        let mut found = Vec::new();
        let mut left = bytes_max;
        for part in self.chunks.iter_mut().skip(first) {
            let published = part.batches();
            let len = published.len();
            let start = part.find(&published, |header, _| header.last_offset() >= from);
            let stop = if part.end <= up_to {
                len
            } else {
                part.find(&published, |header, _| header.next_offset() > up_to)
            };
            let limit = start.saturating_add(left);
            let mut end = stop;
            if stop > limit {
                end = part.find(&published, |_, batch_end| batch_end > limit);
                if end <= start && found.is_empty() {
                    // One batch comes in any case.
                    let first = published.get(start..).and_then(|bytes| BatchHeader::parse(bytes).ok());
                    end = first.map_or(stop, |header| start + header.batch_len_bytes);
                }
            }
            if end > start {
                left = left.saturating_sub(end - start);
                found.push(published.slice(start..end));
            }
            if end < len || left == 0 {
                break;
            }
        }
        Some(found)
    }

    /// Copies whole batches from the one that contains `from` to `room`, as many as fit. `None` if `from` lies before the
    /// first chunk.
    pub(crate) fn copy(&mut self, from: Offset, room: &mut [u8]) -> Option<Copied> {
        if !self.holds(from) {
            return None;
        }
        let first = self.chunks.partition_point(|part| part.end <= from);
        let mut copied = Copied { bytes: 0, to: from };
        for part in self.chunks.iter_mut().skip(first) {
            let published = part.batches();
            let len = published.len();
            let start = part.find(&published, |header, _| header.last_offset() >= from);
            let limit = start + (room.len() - copied.bytes);
            let end = if len <= limit { len } else { part.find(&published, |_, end| end > limit) };
            let Some(batches) = published.get(start..end).filter(|batches| !batches.is_empty()) else {
                break;
            };
            if let Some(place) = room.get_mut(copied.bytes..copied.bytes + batches.len()) {
                place.copy_from_slice(batches);
                copied.bytes += batches.len();
                copied.to = if end == len { part.end } else { end_of(batches).unwrap_or(copied.to) };
            }
            if end < len {
                break;
            }
        }
        Some(copied)
    }

    /// Whether every batch from `from` on is here.
    pub(crate) fn holds(&self, from: Offset) -> bool {
        let first = self.chunks.front().and_then(|part| part.marks.first());
        first.is_some_and(|mark| mark.offset <= from)
            || self.chunks.front().is_some_and(|part| part.end <= from)
    }

    /// The oldest chunk's segment and where it ends there, if it takes no more batches.
    pub(crate) fn oldest(&self, chunks: &Chunks) -> Option<(Offset, u64)> {
        let has_next = self.chunks.len() > 1;
        let oldest = self.chunks.front().filter(|part| has_next || chunks.is_outsize(&part.chunk))?;
        Some((oldest.segment, oldest.position + oldest.chunk.len() as u64))
    }

    /// Gives up the oldest chunk, all of which is written; returns the memory that is free for it. If it was the only
    /// one, a small one takes over its last block, which the next batch goes on in.
    pub(crate) fn drop_oldest(&mut self, chunks: &mut Chunks) -> usize {
        let mut taken = 0;
        if let Some(only) = self.chunks.front().filter(|_| self.chunks.len() == 1) {
            let end = Place { segment: only.segment, position: only.position + only.chunk.len() as u64 };
            self.next_capacity = 0;
            taken = self.add_chunk(end, 0, chunks);
        }
        let Some(TailChunk { chunk, .. }) = self.chunks.pop_front() else { return 0 };
        let bytes = chunk.capacity();
        chunks.put_back(chunk);
        bytes.saturating_sub(taken)
    }

    /// Gives up everything; returns its size.
    pub(crate) fn clear(&mut self, chunks: &mut Chunks) -> usize {
        let bytes = self.capacity();
        std::mem::take(self).chunks.into_iter().for_each(|part| chunks.put_back(part.chunk));
        bytes
    }

    /// Memory of all chunks.
    pub(crate) fn capacity(&self) -> usize {
        self.chunks.iter().map(|part| part.chunk.capacity()).sum()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }
}

/// The offset behind the last of `bytes`, which are whole batches.
fn end_of(bytes: &[u8]) -> Option<Offset> {
    batches(bytes).filter_map(Result::ok).last().map(|(header, _)| header.next_offset())
}

impl TailChunk {
    /// Its batches.
    fn batches(&mut self) -> Bytes {
        let len = self.chunk.len();
        self.chunk.view(self.begun..len)
    }

    /// Where in `published`, its batches, the first one begins for which `is_it` holds; their end if there is none. `is_it`
    /// must hold for all batches behind the first one for which it does.
    fn find(&self, published: &[u8], is_it: impl Fn(&BatchHeader, usize) -> bool) -> usize {
        let place = |mark: &Mark| mark.at - self.begun;
        // The batch that is looked for lies behind the last mark for whose batch `is_it` does not hold.
        let marks = self.marks.partition_point(|mark| {
            published
                .get(place(mark)..)
                .and_then(|bytes| BatchHeader::parse(bytes).ok())
                .is_some_and(|header| !is_it(&header, place(mark) + header.batch_len_bytes))
        });
        let mut at = marks.checked_sub(1).and_then(|i| self.marks.get(i)).map_or(0, place);
        for batch in batches(published.get(at..).unwrap_or_default()) {
            let Ok((header, _)) = batch else { break };
            if is_it(&header, at + header.batch_len_bytes) {
                return at;
            }
            at += header.batch_len_bytes;
        }
        published.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::{BatchBuilder, BatchOptions};
    use types::TimestampMs;

    use crate::cold_memory::ColdMemory;
    use crate::settings::StoreSettings;

    fn chunks() -> Chunks {
        let settings =
            StoreSettings { chunk_bytes_min: 4096, chunk_bytes_max: 8192, ..StoreSettings::default() };
        Chunks::new(&settings, ColdMemory::new(0))
    }

    /// Appends batches of one record until the segment holds `bytes`; returns where each one ends.
    fn fill(tail: &mut Tail, bytes: u64) -> Vec<u64> {
        let mut chunks = chunks();
        let mut ends = vec![0];
        while let Some(&position) = ends.last().filter(|end| **end < bytes) {
            let mut builder = BatchBuilder::new(BatchOptions::default());
            let value = vec![b'x'; ends.len() * 37 % 900];
            builder.push(TimestampMs(1), None, Some(&value), &[]).unwrap();
            let batch = builder.build().unwrap();
            let header = BatchHeader {
                base_offset: Offset(ends.len() as i64 - 1),
                ..BatchHeader::parse(&batch).unwrap()
            };
            let place = Place { segment: Offset(0), position };
            tail.append(place, &header, &batch, &mut chunks, |copy| {
                record::stamp(copy, header.base_offset, header.partition_leader_epoch);
            });
            ends.push(position + batch.len() as u64);
        }
        ends
    }

    fn bytes_of(piece: &Piece) -> u64 {
        piece.slices.iter().map(|slice| slice.len() as u64).sum()
    }

    #[test]
    fn a_piece_is_whole_blocks_from_what_was_written_to_the_end_of_a_batch() {
        let mut tail = Tail::default();
        let ends = fill(&mut tail, 50_000);
        let size = ends[ends.len() - 1];
        for written in ends.iter().copied().filter(|written| *written < size) {
            let piece = tail.piece(Offset(0), written, usize::MAX, u64::MAX).unwrap();
            assert_eq!(piece.at, written / BLOCK_BYTES * BLOCK_BYTES);
            assert_eq!(piece.at + bytes_of(&piece), size.next_multiple_of(BLOCK_BYTES));
            assert_eq!((piece.to, piece.to_offset), (size, Offset(ends.len() as i64 - 1)));
            assert!(piece.slices.iter().all(|slice| (slice.len() as u64).is_multiple_of(BLOCK_BYTES)));
        }
        assert!(tail.piece(Offset(0), size, usize::MAX, u64::MAX).is_none());
    }

    #[test]
    fn a_piece_ends_before_the_room_does_and_about_where_it_shall() {
        let mut tail = Tail::default();
        let ends = fill(&mut tail, 50_000);
        let mut written = 0;
        for end in (0..60_000).step_by(BLOCK_BYTES as usize) {
            if let Some(piece) = tail.piece(Offset(0), written, usize::MAX, end) {
                assert!(piece.at + bytes_of(&piece) <= end);
                assert_eq!(ends.get(piece.to_offset.0 as usize), Some(&piece.to), "a whole batch");
                written = piece.to;
            }
        }
        assert_eq!(Some(&written), ends.last());
        let piece = tail.piece(Offset(0), 0, 10_000, u64::MAX).unwrap();
        assert!((10_000..30_000).contains(&bytes_of(&piece)));
    }

    /// A tail that holds a batch of 20,000 bytes, which is more than a chunk, and all of which counts as written.
    fn tail_with_large_batch(chunks: &mut Chunks) -> (Tail, Place) {
        let mut tail = Tail::default();
        let header = append(&mut tail, chunks, Place { segment: Offset(0), position: 0 }, 0, 20_000);
        assert_eq!(tail.newly_closed(chunks), 1, "nothing else fits it");
        (tail, Place { segment: Offset(0), position: header.batch_len_bytes as u64 })
    }

    fn append(tail: &mut Tail, chunks: &mut Chunks, at: Place, offset: i64, bytes: usize) -> BatchHeader {
        let mut builder = BatchBuilder::new(BatchOptions::default());
        builder.push(TimestampMs(1), None, Some(&vec![b'x'; bytes]), &[]).unwrap();
        let batch = builder.build().unwrap();
        let header = BatchHeader { base_offset: Offset(offset), ..BatchHeader::parse(&batch).unwrap() };
        tail.append(at, &header, &batch, chunks, |copy| {
            record::stamp(copy, header.base_offset, header.partition_leader_epoch);
        });
        header
    }

    #[test]
    fn the_chunk_of_a_large_batch_may_go_although_it_is_the_newest_and_its_last_block_is_gone_on_in() {
        let mut chunks = chunks();
        let (mut tail, next) = tail_with_large_batch(&mut chunks);
        assert_eq!(tail.oldest(&chunks), Some((Offset(0), next.position)));
        let before = tail.capacity();
        assert_eq!(tail.drop_oldest(&mut chunks), before - tail.capacity());
        assert_eq!((tail.capacity(), tail.oldest(&chunks)), (4096, None));
        assert!(tail.holds(Offset(1)) && !tail.holds(Offset(0)));
        assert_eq!((tail.read(Offset(0), Offset(1), 1), tail.begins()), (None, None));

        let header = append(&mut tail, &mut chunks, next, 1, 100);
        let piece = tail.piece(Offset(0), next.position, usize::MAX, u64::MAX).unwrap();
        assert_eq!(piece.at, next.position / BLOCK_BYTES * BLOCK_BYTES);
        assert_eq!(piece.to, next.position + header.batch_len_bytes as u64);
        assert_eq!(tail.begins(), Some((Offset(0), next.position)));
        let read = tail.read(Offset(1), Offset(2), 1).unwrap().concat();
        assert_eq!(BatchHeader::parse(&read).unwrap(), header);
    }

    #[test]
    fn each_chunk_is_closed_once_whether_it_is_large_or_not() {
        let mut chunks = chunks();
        let (mut tail, mut next) = tail_with_large_batch(&mut chunks);
        let mut closed = 1;
        for (offset, bytes) in [100, 3000, 20_000, 20_000, 100, 3000].into_iter().enumerate() {
            let before = tail.chunks.len();
            let header = append(&mut tail, &mut chunks, next, offset as i64 + 1, bytes);
            next.position += header.batch_len_bytes as u64;
            if tail.chunks.len() > before {
                closed += tail.newly_closed(&chunks);
            }
        }
        for _ in 1..tail.chunks.len() {
            assert!(tail.oldest(&chunks).is_some());
            tail.drop_oldest(&mut chunks);
            closed -= 1;
        }
        assert_eq!((tail.oldest(&chunks), closed), (None, 0), "the newest one is for small batches");
    }

    #[test]
    fn nothing_is_written_of_a_block_whose_beginning_is_still_on_the_disk() {
        let mut tail = Tail::default();
        let mut builder = BatchBuilder::new(BatchOptions::default());
        builder.push(TimestampMs(1), None, Some(b"value"), &[]).unwrap();
        let batch = builder.build().unwrap();
        let header = BatchHeader { base_offset: Offset(9), ..BatchHeader::parse(&batch).unwrap() };
        let place = Place { segment: Offset(0), position: 5000 };
        tail.append(place, &header, &batch, &mut chunks(), |_| {});
        assert!(tail.piece(Offset(0), 5000, usize::MAX, u64::MAX).is_none());
        assert!(tail.read(Offset(9), Offset(10), 1).is_some(), "reading does not need it");
        tail.complete(Offset(0), &[7; 5000 - 4096]);
        let piece = tail.piece(Offset(0), 5000, usize::MAX, u64::MAX).unwrap();
        assert_eq!((piece.at, bytes_of(&piece)), (4096, 4096));
    }
}
