//! Where the chunks of tails come from and go to. In a busy store at the bound of its cache every new chunk takes the
//! memory of an old one, so that memory is neither zeroed nor fetched from the system all the time.
//!
//! # Not here
//! Which chunks are given up, and when (`upkeep.rs`); that nothing of a chunk's past reaches the disk (`reactor`).

use reactor::Chunk;

use crate::cold_memory::ColdMemory;
use crate::settings::StoreSettings;

/// Chunks of the largest size that are kept when nobody uses them: as many as the commits of a turn may give back at once
/// before the next appends take them.
const SPARE_MAX: usize = 8;

/// The chunks of one store that no tail uses, and how large chunks may be.
#[derive(Debug)]
pub(crate) struct Chunks {
    pub(crate) bytes_min: usize,
    pub(crate) bytes_max: usize,
    /// Empty, of the largest size.
    spare: Vec<Chunk>,
    /// Where chunks count that readers still see.
    cold: ColdMemory,
}

impl Chunks {
    pub(crate) fn new(settings: &StoreSettings, cold: ColdMemory) -> Self {
        Self {
            bytes_min: settings.chunk_bytes_min,
            bytes_max: settings.chunk_bytes_max,
            spare: Vec::with_capacity(SPARE_MAX),
            cold,
        }
    }

    /// An empty chunk with room for at least `bytes`.
    pub(crate) fn take(&mut self, bytes: usize) -> Chunk {
        // A small log must not get a large chunk: it would keep it.
        let spare = if bytes == self.bytes_max { self.spare.pop() } else { None };
        spare.unwrap_or_else(|| Chunk::with_capacity(bytes))
    }

    /// Whether a chunk was made for one large batch.
    pub(crate) fn is_outsize(&self, chunk: &Chunk) -> bool {
        chunk.capacity() > self.bytes_max.next_multiple_of(Chunk::ALIGNMENT)
    }

    /// Takes back what a tail no longer needs.
    pub(crate) fn put_back(&mut self, chunk: Chunk) {
        let is_usual = chunk.capacity() == self.bytes_max.next_multiple_of(Chunk::ALIGNMENT);
        let chunk = if is_usual && self.spare.len() < SPARE_MAX { chunk.emptied() } else { Err(chunk) };
        match chunk {
            Ok(empty) => self.spare.push(empty),
            // One that a reader still sees is freed when that reader is done.
            Err(seen) => {
                let reserved = self.cold.reserve(seen.capacity());
                seen.give_up(reserved);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunks() -> Chunks {
        let settings =
            StoreSettings { chunk_bytes_min: 4096, chunk_bytes_max: 16384, ..StoreSettings::default() };
        Chunks::new(&settings, ColdMemory::new(0))
    }

    #[test]
    fn a_large_chunk_is_used_again_and_a_small_one_is_not() {
        let mut chunks = chunks();
        let large = chunks.take(16384);
        let small = chunks.take(8192);
        chunks.put_back(small);
        assert_eq!(chunks.spare.len(), 0);
        chunks.put_back(large);
        assert_eq!(chunks.take(8192).capacity(), 8192);
        assert_eq!(chunks.spare.len(), 1);
        assert_eq!(chunks.take(16384).capacity(), 16384);
        assert_eq!(chunks.spare.len(), 0);
    }

    #[test]
    fn a_chunk_that_is_given_up_counts_for_as_long_as_a_reader_sees_it() {
        let mut chunks = chunks();
        for bytes in [4096, 16384, 40960] {
            let mut chunk = chunks.take(bytes);
            chunk.publish(100);
            let view = chunk.view(0..1);
            chunks.put_back(chunk);
            assert_eq!(chunks.cold.used(), bytes);
            drop(view);
            assert_eq!((chunks.cold.used(), chunks.spare.len()), (0, 0));
            let unseen = chunks.take(bytes);
            chunks.put_back(unseen);
            assert_eq!(chunks.cold.used(), 0);
            chunks.spare.clear();
        }
    }

    #[test]
    fn few_unused_chunks_are_kept() {
        let mut chunks = chunks();
        let taken: Vec<Chunk> = (0..2 * SPARE_MAX).map(|_| chunks.take(16384)).collect();
        taken.into_iter().for_each(|chunk| chunks.put_back(chunk));
        assert_eq!(chunks.spare.len(), SPARE_MAX);
    }
}
