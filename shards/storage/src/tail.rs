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
//! Which bytes are written (`log.rs`), and when chunks may go (`relief.rs`).

use std::collections::VecDeque;

use bytes::Bytes;
use reactor::{Chunk, ChunkSlice, copy_for_disk};
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
    /// It takes no more batches, although there may be room.
    is_closed: bool,
    /// Some batches in order; the first one is that of the chunk's first batch.
    marks: Vec<Mark>,
    /// The offset behind the last batch.
    end: Offset,
    /// The end of the batches, when they were last copied up to it: where the next copy begins, mostly.
    copied_to: Option<Mark>,
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
    /// Copies a batch to `place` and lets `stamp` change the copy. Returns how many chunks take no more batches since: none,
    /// unless a new one was needed.
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
            .filter(|last| last.segment == place.segment && !last.is_closed)
            .is_some_and(|last| last.chunk.spare(bytes.len()).is_some());
        let closed = if fits { 0 } else { self.add_chunk(place, bytes.len(), chunks) };
        let Some(last) = self.chunks.back_mut() else { return closed };
        debug_assert_eq!(last.position + last.chunk.len() as u64, place.position);
        let at = last.chunk.len();
        let Some(spare) = last.chunk.spare(bytes.len()) else { return closed };
        copy_for_disk(spare, bytes);
        stamp(spare);
        last.chunk.publish(bytes.len());
        if last.marks.last().is_none_or(|mark| at - mark.at >= MARK_BYTES) {
            last.marks.push(Mark { offset: header.base_offset, at });
        }
        last.end = header.next_offset();
        closed
    }

    /// Adds a chunk for a batch and what follows; returns how many take no more batches since.
    fn add_chunk(&mut self, place: Place, batch_bytes: usize, chunks: &mut Chunks) -> usize {
        if self.chunks.is_empty() {
            chunks.tail_begins();
        }
        let begun = (place.position % BLOCK_BYTES) as usize;
        let wanted = self.next_capacity.clamp(chunks.bytes_min, chunks.share_bytes());
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
        self.chunks.push_back(TailChunk {
            chunk,
            segment: place.segment,
            position: place.position - begun as u64,
            begun,
            is_closed: false,
            marks: Vec::new(),
            end: self.chunks.back().map_or(place.segment, |before| before.end),
            copied_to: None,
            taken_over_at: None,
        });
        self.newly_closed(chunks)
    }

    /// How many chunks take no more batches since the newest one was added: the one before it, and itself if it was made
    /// for one large batch.
    fn newly_closed(&self, chunks: &Chunks) -> usize {
        let mut newest_first = self.chunks.iter().rev().map(|part| part.is_done(chunks));
        let newest_is_closed = newest_first.next().unwrap_or(false);
        // One that was closed before, or made for a large batch, has been counted.
        let was_open = newest_first.next().is_some_and(|was_closed| !was_closed);
        usize::from(newest_is_closed) + usize::from(was_open)
    }

    /// Lets the newest chunk take no more batches if it is larger than a tail's share is by now. Returns whether it was one
    /// that did, and will be given up.
    pub(crate) fn close_beyond_share(&mut self, chunks: &Chunks) -> bool {
        let Some(newest) = self.chunks.back_mut() else { return false };
        let is_beyond = newest.chunk.capacity() > chunks.share_bytes() && !newest.is_done(chunks);
        newest.is_closed |= is_beyond;
        is_beyond
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
            let published = part.chunk.published(part.begun..part.chunk.len());
            let len = published.len();
            let start = match part.copied_to.filter(|mark| mark.offset == from) {
                Some(mark) => mark.at - part.begun,
                None => part.find(published, |header, _| header.last_offset() >= from),
            };
            let limit = start + (room.len() - copied.bytes);
            let end = if len <= limit { len } else { part.find(published, |_, end| end > limit) };
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
            part.copied_to = Some(Mark { offset: part.end, at: part.begun + len });
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
        let oldest = self.chunks.front().filter(|part| has_next || part.is_done(chunks))?;
        Some((oldest.segment, oldest.position + oldest.chunk.len() as u64))
    }

    /// Gives up the oldest chunk, all of which is written. If it was the only one, a small one takes over its last block,
    /// which the next batch goes on in.
    pub(crate) fn drop_oldest(&mut self, chunks: &mut Chunks) {
        if let Some(only) = self.chunks.front().filter(|_| self.chunks.len() == 1) {
            let end = Place { segment: only.segment, position: only.position + only.chunk.len() as u64 };
            self.next_capacity = 0;
            self.add_chunk(end, 0, chunks);
        }
        if let Some(oldest) = self.chunks.pop_front() {
            chunks.put_back(oldest.chunk);
        }
    }

    /// Gives up everything.
    pub(crate) fn clear(&mut self, chunks: &mut Chunks) {
        if !self.chunks.is_empty() {
            chunks.tail_ends();
        }
        std::mem::take(self).chunks.into_iter().for_each(|part| chunks.put_back(part.chunk));
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
    /// Whether it takes no more batches, even if it is the newest: it was closed, or made for one large batch.
    fn is_done(&self, chunks: &Chunks) -> bool {
        self.is_closed || chunks.is_outsize(&self.chunk)
    }

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
mod tests;
