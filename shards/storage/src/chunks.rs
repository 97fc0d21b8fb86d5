//! Where the chunks of tails come from and go to, and how large they may be. In a busy store at the bound of its cache every
//! new chunk takes the memory of an old one, so that memory is neither zeroed nor fetched from the system all the time.
//! Before a store gets there, chunks are made by a thread for which nobody waits, lest appends wait for the system's memory, and
//! in huge pages: what is copied to and written from them is most of what a busy broker touches. The more chunks were taken
//! lately the more lie ready, and none in a store that is at rest.
//!
//! # Invariants
//! - The chunk that a tail appends to cannot be given up, however short memory is. So the more tails there are, the smaller
//!   it is: all of them together get a part of the cache, and what is smallest for each.
//!
//! # Not here
//! Which chunks are given up, and when (`relief.rs`); that nothing of a chunk's past reaches the disk (`reactor`).

use std::collections::VecDeque;
use std::sync::mpsc::{self, Receiver, Sender};

use reactor::Chunk;
use types::TimestampMs;

use crate::cold_memory::ColdMemory;
use crate::settings::StoreSettings;

/// Chunks of the usual size that are kept when nobody uses them: as many as the commits of a turn may give back at once
/// before the next appends take them.
const SPARE_MAX: usize = 8;
/// While a store grows, so many chunks lie ready at most: as many logs may need one at about the same time.
const AHEAD_MAX: usize = SPARE_MAX;
/// For each chunk that was taken in an interval so many lie ready in this one and the next. A log takes chunks of half the
/// usual size, and of a quarter, before its first one of that: so some lie ready by then.
const AHEAD_PER_TAKEN: usize = 2;
/// Smaller chunks are there soon enough, and lie in ordinary pages.
const AHEAD_BYTES_MIN: usize = 256 * 1024;
/// How often it is looked at how many were taken. Each time, one fewer lies ready if that were too many.
const LOOK_INTERVAL_MS: i64 = 2_000;

/// The part of the cache that is for chunks that are appended to: 1/2. The other half keeps what was written for readers.
const APPENDED_TO_PART: usize = 2;

/// The chunks of one store that no tail uses, how large chunks may be, and how much memory those have that tails use.
#[derive(Debug)]
pub(crate) struct Chunks {
    pub(crate) bytes_min: usize,
    pub(crate) bytes_max: usize,
    /// What all chunks of tails should not exceed.
    cache_bytes_max: usize,
    /// Memory of the chunks that tails have.
    in_use: usize,
    /// Tails that have any.
    tails: usize,
    /// Empty, of the usual size, which is the share of a tail; the next one to be taken is the last.
    spare: VecDeque<Chunk>,
    /// Whether one was taken since it was last seen to that enough lie ready.
    was_taken: bool,
    /// How many that are not small were taken since the last look.
    taken: usize,
    /// How many should lie ready.
    ahead: usize,
    next_look: TimestampMs,
    /// How often another thread is still to make some of the usual size.
    ordered: usize,
    /// Where those come from.
    made: (Sender<Vec<Chunk>>, Receiver<Vec<Chunk>>),
    /// Where chunks count that readers still see.
    cold: ColdMemory,
}

impl Chunks {
    pub(crate) fn new(settings: &StoreSettings, cold: ColdMemory) -> Self {
        Self {
            bytes_min: settings.chunk_bytes_min,
            bytes_max: settings.chunk_bytes_max,
            cache_bytes_max: settings.cache_bytes_max,
            in_use: 0,
            tails: 0,
            spare: VecDeque::with_capacity(SPARE_MAX),
            was_taken: false,
            taken: 0,
            ahead: 0,
            next_look: TimestampMs(0),
            ordered: 0,
            made: mpsc::channel(),
            cold,
        }
    }

    /// An empty chunk with room for at least `bytes`.
    pub(crate) fn take(&mut self, bytes: usize) -> Chunk {
        // A small log must not get a large chunk: it would keep it.
        let share_bytes = self.share_bytes();
        let is_usual = bytes == share_bytes;
        if (AHEAD_BYTES_MIN..=share_bytes).contains(&bytes) {
            self.was_taken = true;
            self.taken += 1;
            self.ahead = self.ahead.max(self.ahead_for_taken());
        }
        let ready = if is_usual { self.pop_spare().or_else(|| self.make_usual()) } else { None };
        let chunk = ready.unwrap_or_else(|| Chunk::with_capacity(bytes));
        self.in_use += chunk.capacity();
        chunk
    }

    /// A tail that had no chunk is about to get one.
    pub(crate) fn tail_begins(&mut self) {
        self.set_tails(self.tails + 1);
    }

    /// A tail has given back all of its chunks.
    pub(crate) fn tail_ends(&mut self) {
        self.set_tails(self.tails.saturating_sub(1));
    }

    /// Memory of all tails.
    pub(crate) fn in_use(&self) -> usize {
        self.in_use
    }

    /// Whether tails have more memory than they should.
    pub(crate) fn are_too_many(&self) -> bool {
        self.in_use > self.cache_bytes_max
    }

    /// How large a chunk may be, at present, that is filled little by little.
    pub(crate) fn share_bytes(&self) -> usize {
        let share = self.cache_bytes_max / APPENDED_TO_PART / self.tails.max(1);
        // A power of two, so that the memory that one tail gives back fits another.
        let share = share.checked_ilog2().map_or(0, |log| 1 << log);
        share.clamp(self.bytes_min, self.bytes_max)
    }

    /// What lies ready is of no use any more where the share has become another.
    fn set_tails(&mut self, tails: usize) {
        let share_bytes = self.share_bytes();
        self.tails = tails;
        if self.share_bytes() != share_bytes {
            self.spare.clear();
        }
    }

    /// If one was taken, orders what should lie ready, but no more than tails may still grow by. Each is work for another thread;
    /// nobody waits until it is done.
    pub(crate) fn prepare(&mut self) -> impl Iterator<Item = impl FnOnce() + Send + use<>> {
        let bytes = self.share_bytes();
        let growth = self.cache_bytes_max.saturating_sub(self.in_use) / bytes.max(1);
        let enough = if std::mem::take(&mut self.was_taken) { self.ahead.min(growth) } else { 0 };
        let together = Chunk::count_in_huge_page(bytes);
        let missing = enough.saturating_sub(self.spare.len() + self.ordered * together).div_ceil(together);
        self.ordered += missing;
        (0..missing).map(move |_| {
            let made = self.made.0.clone();
            move || {
                let chunks = Chunk::in_huge_pages(bytes);
                chunks.iter().for_each(Chunk::populate);
                // If the store is gone nobody needs them.
                let _ = made.send(chunks);
            }
        })
    }

    /// From time to time, lets go of what needs no longer lie ready.
    pub(crate) fn look(&mut self, now: TimestampMs) {
        if now < self.next_look {
            return;
        }
        self.next_look = TimestampMs(now.0 + LOOK_INTERVAL_MS);
        self.ahead = self.ahead.saturating_sub(1).max(self.ahead_for_taken());
        self.taken = 0;
        self.receive_made();
        // Those first that were never used: the ones that share a huge page lie side by side, and go together.
        let together = Chunk::count_in_huge_page(self.share_bytes());
        let needless = self.spare.len().saturating_sub(self.ahead);
        self.spare.drain(..if self.ahead == 0 { needless } else { needless / together * together });
    }

    fn ahead_for_taken(&self) -> usize {
        (self.taken * AHEAD_PER_TAKEN).min(AHEAD_MAX)
    }

    fn receive_made(&mut self) {
        while let Ok(chunks) = self.made.1.try_recv() {
            self.ordered = self.ordered.saturating_sub(1);
            // The share may have become another meanwhile.
            if chunks.first().is_some_and(|chunk| chunk.capacity() == self.usual_capacity()) {
                let room = SPARE_MAX.saturating_sub(self.spare.len());
                chunks.into_iter().take(room).for_each(|chunk| self.spare.push_front(chunk));
            }
        }
    }

    /// The spare chunk that was used last, behind which those come that were never used.
    fn pop_spare(&mut self) -> Option<Chunk> {
        self.receive_made();
        self.spare.pop_back()
    }

    /// One of the usual size, where none lies ready; those that share its huge page are spare from now on.
    fn make_usual(&mut self) -> Option<Chunk> {
        if self.share_bytes() < AHEAD_BYTES_MIN {
            return None;
        }
        let mut made = Chunk::in_huge_pages(self.share_bytes());
        let chunk = made.pop();
        self.spare.extend(made);
        chunk
    }

    /// Whether a chunk was made for one large batch.
    pub(crate) fn is_outsize(&self, chunk: &Chunk) -> bool {
        chunk.capacity() > self.bytes_max.next_multiple_of(Chunk::ALIGNMENT)
    }

    /// What a chunk of the usual size has room for.
    fn usual_capacity(&self) -> usize {
        self.share_bytes().next_multiple_of(Chunk::ALIGNMENT)
    }

    /// Takes back what a tail no longer needs.
    pub(crate) fn put_back(&mut self, chunk: Chunk) {
        self.in_use = self.in_use.saturating_sub(chunk.capacity());
        let is_usual = chunk.capacity() == self.usual_capacity();
        let chunk = if is_usual && self.spare.len() < SPARE_MAX { chunk.emptied() } else { Err(chunk) };
        match chunk {
            Ok(empty) => self.spare.push_back(empty),
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

    const CACHE_BYTES: usize = 1 << 20;

    fn chunk_sizes() -> StoreSettings {
        StoreSettings { chunk_bytes_min: 4096, chunk_bytes_max: 16384, ..StoreSettings::default() }
    }

    fn chunks() -> Chunks {
        let settings = StoreSettings { cache_bytes_max: CACHE_BYTES, ..chunk_sizes() };
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
    fn what_tails_append_to_keeps_within_half_of_the_cache_until_each_has_the_smallest_chunk() {
        let settings = StoreSettings { cache_bytes_max: 1_000_000, ..chunk_sizes() };
        let mut chunks = Chunks::new(&settings, ColdMemory::new(0));
        let mut share_before = usize::MAX;
        for tails in 1..1_000 {
            chunks.tail_begins();
            let share = chunks.share_bytes();
            assert!(share <= share_before && (4096..=16384).contains(&share));
            assert!(share == 4096 || share * tails <= 500_000, "{tails} tails with {share} each");
            assert!(share == 16384 || share * tails > 250_000, "{tails} tails could have more than {share}");
            share_before = share;
        }
        assert_eq!(share_before, 4096);
        (1..1_000).for_each(|_| chunks.tail_ends());
        assert_eq!(chunks.share_bytes(), 16384);
    }

    #[test]
    fn memory_counts_from_when_a_tail_takes_it_until_it_gives_it_back() {
        let mut chunks = chunks();
        let taken: Vec<Chunk> = [4096, 5000, 16384].into_iter().map(|bytes| chunks.take(bytes)).collect();
        assert_eq!((chunks.in_use(), chunks.are_too_many()), (4096 + 8192 + 16384, false));
        let outsize = chunks.take(CACHE_BYTES);
        assert!(chunks.are_too_many());
        chunks.put_back(outsize);
        assert!(!chunks.are_too_many());
        taken.into_iter().for_each(|chunk| chunks.put_back(chunk));
        assert_eq!(chunks.in_use(), 0, "what is kept for the next tail is nobody's");
    }

    /// How many chunks share a huge page.
    const TOGETHER: usize = 2;
    const LARGE: usize = 1024 * 1024;

    /// Makes what is ordered, and says how many chunks that were.
    fn prepare(chunks: &mut Chunks) -> usize {
        chunks.prepare().map(|make| make()).count() * TOGETHER
    }

    fn large_chunks(cache_bytes_max: usize) -> Chunks {
        let settings = StoreSettings { chunk_bytes_max: LARGE, cache_bytes_max, ..chunk_sizes() };
        Chunks::new(&settings, ColdMemory::new(0))
    }

    #[test]
    fn the_more_chunks_are_taken_the_more_lie_ready_while_tails_may_grow() {
        let mut chunks = large_chunks(20 * LARGE);
        assert_eq!(prepare(&mut chunks), 0, "nobody has taken one");
        let _small = chunks.take(AHEAD_BYTES_MIN / 2);
        assert_eq!(prepare(&mut chunks), 0, "a small one is no reason");
        let _half = chunks.take(LARGE / 2);
        assert_eq!(prepare(&mut chunks), AHEAD_PER_TAKEN, "its log will soon want a large one");
        let _first = chunks.take(LARGE);
        assert_eq!((chunks.spare.len(), chunks.ordered), (AHEAD_PER_TAKEN - 1, 0), "it was one of those");
        assert_eq!(prepare(&mut chunks), 4, "twice two, and an odd one shares its page with another");
        let taken: Vec<Chunk> = (0..6).map(|_| chunks.take(LARGE)).collect();
        assert_eq!(prepare(&mut chunks), AHEAD_MAX);
        taken.into_iter().for_each(|chunk| chunks.put_back(chunk));
        assert_eq!(prepare(&mut chunks), 0);
        let outsize = chunks.take(17 * LARGE);
        let _taken: Vec<Chunk> = (0..SPARE_MAX).map(|_| chunks.take(LARGE)).collect();
        assert_eq!(prepare(&mut chunks), 0, "the memory is used up");
        chunks.put_back(outsize);
        let _next = chunks.take(LARGE);
        assert!(prepare(&mut chunks) > 0, "there is room again");
    }

    #[test]
    fn many_tails_have_smaller_chunks_that_are_made_and_used_again_like_large_ones() {
        let mut chunks = large_chunks(16 * LARGE);
        let _large: Vec<Chunk> = (0..3).map(|_| chunks.take(LARGE)).collect();
        let late: Vec<_> = chunks.prepare().collect();
        assert_eq!(chunks.spare.len(), 1, "two share a page");
        (0..16).for_each(|_| chunks.tail_begins());
        assert_eq!(
            (chunks.share_bytes(), chunks.spare.len()),
            (LARGE / 2, 0),
            "nobody takes the large one now"
        );
        let first = chunks.take(LARGE / 2);
        assert_eq!(chunks.spare.len(), 3, "four share a page");
        late.into_iter().for_each(|make| make());
        let _second = chunks.take(LARGE / 2);
        assert_eq!(
            (chunks.spare.len(), chunks.ordered),
            (2, 0),
            "those that were made too late are none of them"
        );
        chunks.put_back(first);
        assert!(chunks.spare.iter().all(|chunk| chunk.capacity() == LARGE / 2) && chunks.spare.len() == 3);
    }

    #[test]
    fn a_store_at_rest_lets_go_of_what_lies_ready_little_by_little() {
        let mut chunks = large_chunks(20 * LARGE);
        let taken: Vec<Chunk> = (0..AHEAD_MAX).map(|_| chunks.take(LARGE)).collect();
        assert_eq!(prepare(&mut chunks), AHEAD_MAX);
        let mut now = 0;
        let mut ready_after = |chunks: &mut Chunks, ms| {
            now += ms;
            chunks.look(TimestampMs(now));
            chunks.spare.len()
        };
        assert_eq!(ready_after(&mut chunks, LOOK_INTERVAL_MS), AHEAD_MAX, "they were taken in this interval");
        assert_eq!(ready_after(&mut chunks, LOOK_INTERVAL_MS - 1), AHEAD_MAX, "it is not over");
        assert_eq!(ready_after(&mut chunks, 1), AHEAD_MAX, "one fewer, but two share a huge page");
        for enough in (0..AHEAD_MAX - 1).rev() {
            assert_eq!(ready_after(&mut chunks, LOOK_INTERVAL_MS), enough.next_multiple_of(TOGETHER));
        }
        taken.into_iter().for_each(|chunk| chunks.put_back(chunk));
        assert_eq!(chunks.spare.len(), SPARE_MAX, "the next append may want one");
        assert_eq!(ready_after(&mut chunks, LOOK_INTERVAL_MS), 0);
    }

    #[test]
    fn nobody_waits_for_a_chunk_that_is_still_to_be_made_and_none_is_ordered_twice() {
        let mut chunks = large_chunks(20 * LARGE);
        let _taken: Vec<Chunk> = (0..AHEAD_MAX).map(|_| chunks.take(LARGE)).collect();
        let ordered: Vec<_> = chunks.prepare().collect();
        assert_eq!(ordered.len() * TOGETHER, AHEAD_MAX);
        assert_eq!(chunks.take(LARGE).capacity(), LARGE);
        assert_eq!(prepare(&mut chunks), 0, "as many are on their way as shall lie ready");
        ordered.into_iter().for_each(|make| make());
        let _next = chunks.take(LARGE);
        assert_eq!((chunks.spare.len(), chunks.ordered), (SPARE_MAX - 1, 0), "more than that are not kept");
    }

    #[test]
    fn few_unused_chunks_are_kept() {
        let mut chunks = chunks();
        let taken: Vec<Chunk> = (0..2 * SPARE_MAX).map(|_| chunks.take(16384)).collect();
        taken.into_iter().for_each(|chunk| chunks.put_back(chunk));
        assert_eq!(chunks.spare.len(), SPARE_MAX);
    }
}
