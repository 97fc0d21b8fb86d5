//! What is written: bytes that no layer below can make less of.
//!
//! # Invariants
//! - No two blocks that are in flight share memory, and no sector is written with the same bytes twice in a row: a disk that
//!   keeps equal blocks once only would look faster than it is, and memory that stays in a core's cache cheaper.

use reactor::{Chunk, ChunkSlice};

use super::case::{Case, What};

/// Each of these gets a number of its own in every write.
const SECTOR_BYTES: usize = 512;

/// A block for each operation that may be in flight.
pub(super) struct Blocks {
    blocks: Vec<Option<Chunk>>,
    len: usize,
    writes: u64,
}

impl Blocks {
    /// For `slots` operations of a case; none where it only reads.
    pub(super) fn of(case: Case, slots: u16) -> Self {
        let len = case.block.0 as usize;
        let slots = if case.what == What::Read { 0 } else { slots };
        let blocks = (0..slots).map(|slot| Some(noise(len, u64::from(slot)))).collect();
        Self { blocks, len, writes: 0 }
    }

    /// What the operation in this slot writes next; the one before it is over.
    pub(super) fn next(&mut self, slot: usize) -> Vec<ChunkSlice> {
        let len = self.len;
        self.renewed(slot).map(|block| block.slice(0..len)).into_iter().collect()
    }

    fn renewed(&mut self, slot: usize) -> Option<&mut Chunk> {
        let place = self.blocks.get_mut(slot)?;
        self.writes += 1;
        // Nobody sees it any more; if somebody does, it is written as it was.
        let block = place.take()?.emptied();
        Some(place.insert(block.map_or_else(|seen| seen, |block| numbered(block, self.len, self.writes))))
    }
}

/// The same bytes again, but for a number in each sector.
fn numbered(mut chunk: Chunk, len: usize, number: u64) -> Chunk {
    if let Some(bytes) = chunk.spare(len) {
        for sector in bytes.chunks_exact_mut(SECTOR_BYTES) {
            if let Some(place) = sector.first_chunk_mut() {
                *place = number.to_le_bytes();
            }
        }
        chunk.publish(len);
    }
    chunk
}

/// A chunk full of bytes that look random (xorshift).
fn noise(len: usize, seed: u64) -> Chunk {
    let mut chunk = Chunk::with_capacity(len);
    if let Some(spare) = chunk.spare(len) {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ seed;
        for word in spare.chunks_exact_mut(8) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            word.copy_from_slice(&state.to_le_bytes());
        }
        chunk.publish(len);
    }
    chunk
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_sector_is_written_with_the_same_bytes_twice_in_a_row() {
        let case = Case::write(types::ByteCount(8192), 2);
        let mut blocks = Blocks::of(case, 2);
        let mut sectors = std::collections::HashSet::new();
        for write in 0..6 {
            let block = blocks.renewed(write % 2).unwrap().view(0..8192);
            assert!(block.chunks(SECTOR_BYTES).all(|sector| sectors.insert(sector.to_vec())));
        }
    }

    #[test]
    fn a_block_that_is_still_in_flight_is_not_changed() {
        let mut blocks = Blocks::of(Case::write(types::ByteCount(4096), 1), 1);
        let in_flight = blocks.next(0);
        let before = blocks.renewed(0).unwrap().view(0..4096).to_vec();
        assert!(blocks.renewed(0).unwrap().view(0..4096) == before);
        drop(in_flight);
        assert!(blocks.renewed(0).unwrap().view(0..4096) != before);
    }
}
