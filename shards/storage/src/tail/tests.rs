//! Appending to a tail, and what is written of it and given up.

use super::*;
use record::{BatchBuilder, BatchOptions};
use types::TimestampMs;

use crate::cold_memory::ColdMemory;
use crate::settings::StoreSettings;

fn chunks() -> Chunks {
    let settings = StoreSettings { chunk_bytes_min: 4096, chunk_bytes_max: 8192, ..StoreSettings::default() };
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
        let header =
            BatchHeader { base_offset: Offset(ends.len() as i64 - 1), ..BatchHeader::parse(&batch).unwrap() };
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
    let at = Place { segment: Offset(0), position: 0 };
    let (header, closed) = append(&mut tail, chunks, at, 0, 20_000);
    assert_eq!(closed, 1, "nothing else fits it");
    (tail, Place { segment: Offset(0), position: header.batch_len_bytes as u64 })
}

fn append(
    tail: &mut Tail,
    chunks: &mut Chunks,
    at: Place,
    offset: i64,
    bytes: usize,
) -> (BatchHeader, usize) {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    builder.push(TimestampMs(1), None, Some(&vec![b'x'; bytes]), &[]).unwrap();
    let batch = builder.build().unwrap();
    let header = BatchHeader { base_offset: Offset(offset), ..BatchHeader::parse(&batch).unwrap() };
    let closed = tail.append(at, &header, &batch, chunks, |copy| {
        record::stamp(copy, header.base_offset, header.partition_leader_epoch);
    });
    (header, closed)
}

#[test]
fn the_chunk_of_a_large_batch_may_go_although_it_is_the_newest_and_its_last_block_is_gone_on_in() {
    let mut chunks = chunks();
    let (mut tail, next) = tail_with_large_batch(&mut chunks);
    assert_eq!(tail.oldest(&chunks), Some((Offset(0), next.position)));
    tail.drop_oldest(&mut chunks);
    assert_eq!((chunks.in_use(), tail.oldest(&chunks)), (4096, None));
    assert!(tail.holds(Offset(1)) && !tail.holds(Offset(0)));
    assert_eq!((tail.read(Offset(0), Offset(1), 1), tail.begins()), (None, None));

    let (header, _) = append(&mut tail, &mut chunks, next, 1, 100);
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
        let (header, newly_closed) = append(&mut tail, &mut chunks, next, offset as i64 + 1, bytes);
        next.position += header.batch_len_bytes as u64;
        closed += newly_closed;
    }
    for _ in 1..tail.chunks.len() {
        assert!(tail.oldest(&chunks).is_some());
        tail.drop_oldest(&mut chunks);
        closed -= 1;
    }
    assert_eq!((tail.oldest(&chunks), closed), (None, 0), "the newest one is for small batches");
}

#[test]
fn a_chunk_that_was_closed_is_gone_on_behind_of_and_given_up_once() {
    let mut chunks = Chunks::new(
        &StoreSettings {
            chunk_bytes_min: 4096,
            chunk_bytes_max: 8192,
            cache_bytes_max: 32768,
            ..StoreSettings::default()
        },
        ColdMemory::new(0),
    );
    let (mut tail, mut others) = (Tail::default(), [Tail::default(), Tail::default()]);
    let (mut next, mut closed) = (Place { segment: Offset(0), position: 0 }, 0);
    for offset in 0..2 {
        let (header, newly_closed) = append(&mut tail, &mut chunks, next, offset, 3900);
        next.position += header.batch_len_bytes as u64;
        closed += newly_closed;
    }
    assert!(!tail.close_beyond_share(&chunks), "one tail may have all of it");
    for other in &mut others {
        append(other, &mut chunks, Place { segment: Offset(0), position: 0 }, 0, 10);
    }
    assert_eq!((chunks.in_use(), chunks.share_bytes()), (4096 + 8192 + 2 * 4096, 4096));
    assert!(tail.close_beyond_share(&chunks) && !tail.close_beyond_share(&chunks), "once");
    assert!(!others[0].close_beyond_share(&chunks));
    closed += 1;
    let (header, newly_closed) = append(&mut tail, &mut chunks, next, 2, 10);
    assert_eq!(chunks.in_use(), 4096 + 8192 + 3 * 4096, "there was room, but it was closed");
    let end = next.position + header.batch_len_bytes as u64;
    let piece = tail.piece(Offset(0), 0, usize::MAX, u64::MAX).unwrap();
    assert_eq!((piece.at, piece.to, bytes_of(&piece)), (0, end, end.next_multiple_of(BLOCK_BYTES)));
    closed += newly_closed;
    assert_eq!(closed, 2, "all but the newest, each once");
    (0..2).for_each(|_| tail.drop_oldest(&mut chunks));
    assert_eq!((chunks.in_use(), tail.oldest(&chunks)), (3 * 4096, None));
    let read = tail.read(Offset(2), Offset(3), 1).unwrap().concat();
    assert_eq!(BatchHeader::parse(&read).unwrap(), header);
    tail.clear(&mut chunks);
    assert_eq!((chunks.in_use(), chunks.share_bytes()), (2 * 4096, 8192));
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

#[test]
fn copies_go_on_where_the_last_one_ended_or_begin_anywhere_else() {
    let mut chunks = chunks();
    let mut tail = Tail::default();
    let mut place = Place { segment: Offset(0), position: 0 };
    let mut room = vec![0; 64 * 1024];
    let offsets =
        |bytes: &[u8]| -> Vec<i64> { batches(bytes).map(|batch| batch.unwrap().0.base_offset.0).collect() };
    let mut copied_to = 0;
    for offset in 0..60 {
        place.position += append(&mut tail, &mut chunks, place, offset, 300).0.batch_len_bytes as u64;
        // Commits of one to three batches, through several chunks; now and then one of fewer than there are.
        if offset % 4 == 2 {
            continue;
        }
        let wanted: Vec<i64> = (copied_to..=offset).collect();
        let short = tail.copy(Offset(copied_to), &mut room[..500]).unwrap();
        assert_eq!((offsets(&room[..short.bytes]), short.to), (vec![copied_to], Offset(copied_to + 1)));
        let copied = tail.copy(Offset(copied_to), &mut room).unwrap();
        assert_eq!((offsets(&room[..copied.bytes]), copied.to), (wanted, Offset(offset + 1)));
        let all = tail.copy(Offset(0), &mut room).unwrap();
        assert_eq!(offsets(&room[..all.bytes]), (0..=offset).collect::<Vec<_>>());
        copied_to = offset + 1;
    }
    assert!(tail.chunks.len() > 1);
}
