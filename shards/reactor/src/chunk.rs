//! The aligned buffer to which one writer appends while any number of readers and the disk look on.
//!
//! # Invariants
//! - Bytes below `len` never change again: every view of them stays true, on whatever thread it is.
//! - Bytes at and above `len` are seen by nobody but the writer, and by the disk as padding: zeros, or what the writer
//!   has put there, and never what was published in an earlier use.
//! - Bytes below `head` are seen by nobody, until they are there.
//! - The memory lives until its writer, the last view and the last slice are gone.
//!
//! # Safety
//! The memory is reached only through raw pointers, so that no reference ever covers both the published and the
//! unpublished part: a view makes a `&[u8]` of published bytes only, `spare` makes a `&mut [u8]` of unpublished
//! bytes only, and the two cannot overlap because `len` only grows and `Chunk`, which owns it, is not `Clone`. Nor does
//! a view made before `fill_head` cover what that writes.
//! A view reaches another thread only by a hand-over that synchronises (`Bytes` is `Send`, its passing is up to the
//! channel), so the writes that came before `publish` are visible there. The kernel reads slices by DMA or copy;
//! it is outside of the language's memory model, and bytes that change meanwhile, above `len`, may reach the
//! disk old or new.

use std::any::Any;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use crate::aligned::{ALIGNMENT, AlignedMemory};

/// The writer's only handle to an aligned buffer. Lives on the shard that appends.
#[derive(Debug)]
pub struct Chunk {
    memory: Arc<Memory>,
    len: usize,
    /// Bytes at the beginning that are not there yet.
    head: usize,
    /// Whatever the writer has not written below here is zero. A multiple of [`ALIGNMENT`].
    clean_to: usize,
    /// These were zero when the chunk was empty, unless the writer has put something there that it did not publish.
    zeros: Range<usize>,
    /// A view of the bytes that were published when it was made: cutting a piece out of it costs no allocation.
    published: Bytes,
    /// Where that begins.
    published_from: usize,
}

/// What a chunk, its views and its slices share.
#[derive(Debug)]
struct Memory {
    aligned: AlignedMemory,
    /// Dropped with the memory.
    guard: OnceLock<Box<dyn Any + Send + Sync>>,
}

/// A piece of a chunk on its way to the disk; keeps the memory alive. May cover unpublished bytes as padding.
#[derive(Clone, Debug)]
pub struct ChunkSlice {
    memory: Arc<Memory>,
    start: usize,
    len: usize,
}

impl Chunk {
    /// The alignment of a chunk's memory, in bytes.
    pub const ALIGNMENT: usize = ALIGNMENT;

    /// An empty chunk with room for at least `bytes`, rounded up to whole blocks of [`Self::ALIGNMENT`].
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self::new(AlignedMemory::zeroed(bytes))
    }

    /// How many chunks with room for `bytes` [`Self::in_huge_pages`] makes.
    #[must_use]
    pub fn count_in_huge_page(bytes: usize) -> usize {
        AlignedMemory::count_in_huge_page(bytes)
    }

    /// As many empty chunks with room for `bytes` as share a huge page, and at least one, unless there is no memory to be had.
    #[must_use]
    pub fn in_huge_pages(bytes: usize) -> Vec<Self> {
        AlignedMemory::in_huge_pages(bytes).into_iter().map(Self::new).collect()
    }

    /// Has the system provide the chunk's memory, so that the writer need not wait for it page by page.
    pub fn populate(&self) {
        self.memory.aligned.populate();
    }

    /// An empty chunk in the same memory, of which only so much is zeroed, as it is used, as becomes padding and is not zero.
    ///
    /// # Errors
    /// The chunk as it was, while there are views or slices of it.
    pub fn emptied(mut self) -> Result<Self, Self> {
        self.published = Bytes::new();
        match Arc::get_mut(&mut self.memory) {
            Some(_) => {
                let (start, end) = (self.len, self.clean_to);
                let goes_on = self.zeros.start <= end && end < self.zeros.end;
                let zeros = start..if goes_on { self.zeros.end } else { end };
                Ok(Self { len: 0, head: 0, clean_to: 0, zeros, ..self })
            }
            None => Err(self),
        }
    }

    /// Leaves the memory to those who see it. `guard` is dropped with it, when nobody does any more, on whatever thread
    /// that is.
    pub fn give_up(self, guard: impl Send + Sync + 'static) {
        // The only one: a chunk is given up once.
        let _ = self.memory.guard.set(Box::new(guard));
    }

    /// In memory that is zero.
    fn new(aligned: AlignedMemory) -> Self {
        let clean_to = aligned.capacity();
        let (memory, published) = (Arc::new(Memory { aligned, guard: OnceLock::new() }), Bytes::new());
        Self { memory, len: 0, head: 0, clean_to, zeros: 0..clean_to, published, published_from: 0 }
    }

    /// Leaves room at the beginning of an empty chunk for bytes that come later, with [`Self::fill_head`]. Until then they
    /// count as published, but there are no views and slices of them.
    ///
    /// # Panics
    /// When the chunk is not empty or they do not fit.
    pub fn leave_head(&mut self, bytes: usize) {
        assert!(self.is_empty() && bytes <= self.capacity(), "a head comes before anything else");
        self.publish(bytes);
        self.head = bytes;
    }

    /// How many bytes at the beginning are not there yet.
    #[must_use]
    pub fn head(&self) -> usize {
        self.head
    }

    /// The bytes for which [`Self::leave_head`] has left room.
    ///
    /// # Panics
    /// When they are more or less than that.
    pub fn fill_head(&mut self, bytes: &[u8]) {
        assert!(bytes.len() == self.head, "the head is as long as it was announced");
        // SAFETY: the range lies within the allocation, for `head <= len`. No view and no slice covers any of it: both begin
        // at or above `head`; `spare` begins at `len`, and `&mut self` excludes another call of this.
        unsafe { self.memory.aligned.start().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        self.head = 0;
        // What was cut from it stays true, but there is more to be cut from now.
        self.published = Bytes::new();
    }

    /// How many bytes are published.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing is published yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many bytes fit.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.memory.aligned.capacity()
    }

    /// The `bytes` bytes after the published ones, for the writer to fill; `None` when they do not fit.
    #[must_use]
    pub fn spare(&mut self, bytes: usize) -> Option<&mut [u8]> {
        if bytes > self.capacity() - self.len {
            return None;
        }
        // SAFETY: `len + bytes <= capacity`, so the range lies within the allocation, which was zeroed when it was made
        // and is thus initialised. No other reference covers it: views end at `len`, slices are raw, and `&mut self`
        // excludes a second `spare`.
        Some(unsafe { std::slice::from_raw_parts_mut(self.memory.aligned.start().add(self.len), bytes) })
    }

    /// Makes the next `bytes` bytes part of what readers may see; they never change again.
    ///
    /// # Panics
    /// When they do not fit: the writer would claim bytes that it cannot have written.
    pub fn publish(&mut self, bytes: usize) {
        assert!(bytes <= self.capacity() - self.len, "published more than the chunk can hold");
        self.len += bytes;
        let padded = self.len.next_multiple_of(ALIGNMENT);
        if padded > self.clean_to {
            let is_zero_behind = self.zeros.contains(&(padded - 1));
            let stale_to = if is_zero_behind { padded.min(self.zeros.start) } else { padded };
            let stale = stale_to.saturating_sub(self.len);
            // SAFETY: the capacity is a multiple of ALIGNMENT, so the range lies within the allocation. No view covers it,
            // for it begins at `len`; no slice does, for it lies above `clean_to`; `&mut self` excludes a `spare`.
            unsafe { self.memory.aligned.start().add(self.len).write_bytes(0, stale) };
            self.clean_to = padded;
        }
    }

    /// Published bytes, to be looked at here and now: unlike a [`view`](Self::view) they cost nothing to get.
    ///
    /// # Panics
    /// When the range is not wholly published.
    #[must_use]
    pub fn published(&self, range: Range<usize>) -> &[u8] {
        let Range { start, end } = range;
        assert!(self.head <= start && start <= end && end <= self.len, "a look at what is not published");
        // SAFETY: the range lies within the allocation, for `end <= len`, and was zeroed or written. Nobody writes to it while
        // this borrow lasts: `spare` and `fill_head` take `&mut self`, and published bytes never change.
        unsafe { std::slice::from_raw_parts(self.memory.aligned.start().add(start), end - start) }
    }

    /// Published bytes without a copy. The view keeps the memory alive and may go to any thread.
    ///
    /// # Panics
    /// When the range is not wholly published.
    #[must_use]
    pub fn view(&mut self, range: Range<usize>) -> Bytes {
        let Range { start, end } = range;
        assert!(
            self.head <= start && start <= end && end <= self.len,
            "a view of bytes that are not published"
        );
        if end > self.published_from + self.published.len() || self.published.is_empty() {
            let published = Published { memory: Arc::clone(&self.memory), range: self.head..self.len };
            self.published = Bytes::from_owner(published);
            self.published_from = self.head;
        }
        self.published.slice(start - self.published_from..end - self.published_from)
    }

    /// A piece for the disk. It may reach beyond the published bytes, up to the end of their last block, or up to the
    /// capacity if the chunk is in its first use: what lies there goes to the disk as padding (zeros, or what the
    /// writer has begun to put there). For files opened with O_DIRECT both ends must be block-aligned.
    ///
    /// # Panics
    /// When the range reaches further.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> ChunkSlice {
        assert!(range.start >= self.head, "a slice of what is not there yet");
        assert!(range.start <= range.end && range.end <= self.clean_to, "a slice beyond the chunk");
        ChunkSlice { memory: Arc::clone(&self.memory), start: range.start, len: range.end - range.start }
    }
}

impl ChunkSlice {
    /// Its length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it covers nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Appends its bytes to `target`, for a simulated disk, which lives on the writer's thread.
    pub(crate) fn copy_to(&self, target: &mut Vec<u8>) {
        // SAFETY: the range lies within the allocation and was zeroed when that was made. The writer, which is on this very
        // thread, is not at it now.
        target.extend_from_slice(unsafe { std::slice::from_raw_parts(self.start(), self.len) });
    }

    /// Where its bytes begin; valid for `len` bytes while the slice lives.
    pub(crate) fn start(&self) -> *const u8 {
        // SAFETY: `start <= capacity`, so the result stays within the allocation or one past its end.
        unsafe { self.memory.aligned.start().add(self.start) }
    }
}

/// What a view owns: the memory, and which part of it was published when the view was made.
struct Published {
    memory: Arc<Memory>,
    range: Range<usize>,
}

impl AsRef<[u8]> for Published {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: the range is initialised, within the allocation, and published: nobody writes it again.
        unsafe {
            std::slice::from_raw_parts(self.memory.aligned.start().add(self.range.start), self.range.len())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(chunk: &mut Chunk, bytes: &[u8]) {
        chunk.spare(bytes.len()).unwrap().copy_from_slice(bytes);
        chunk.publish(bytes.len());
    }

    #[test]
    fn views_show_published_bytes_and_outlive_the_chunk() {
        let mut chunk = Chunk::with_capacity(10);
        assert_eq!(chunk.capacity(), ALIGNMENT);
        put(&mut chunk, b"hello ");
        let first = chunk.view(0..5);
        put(&mut chunk, b"world");
        let both = chunk.view(0..11);
        assert_eq!(chunk.published(6..11), b"world");
        drop(chunk);
        assert_eq!((&first[..], &both[..]), (&b"hello"[..], &b"hello world"[..]));
        assert_eq!(std::thread::spawn(move || both.len()).join().unwrap(), 11);
    }

    #[test]
    fn spare_room_ends_at_the_capacity() {
        let mut chunk = Chunk::with_capacity(ALIGNMENT);
        put(&mut chunk, &[7; ALIGNMENT - 1]);
        assert!(chunk.spare(2).is_none());
        assert_eq!(chunk.spare(1).unwrap(), [0]);
    }

    #[test]
    #[should_panic(expected = "not published")]
    fn a_view_of_unpublished_bytes_is_refused() {
        let mut chunk = Chunk::with_capacity(100);
        put(&mut chunk, b"x");
        let _ = chunk.view(0..2);
    }

    #[test]
    #[should_panic(expected = "beyond the chunk")]
    fn a_slice_beyond_the_capacity_is_refused() {
        let _ = Chunk::with_capacity(1).slice(0..ALIGNMENT + 1);
    }

    #[test]
    fn a_chunk_that_is_used_again_shows_the_disk_nothing_of_its_past() {
        let mut chunk = Chunk::with_capacity(3 * ALIGNMENT);
        put(&mut chunk, &[7; 3 * ALIGNMENT]);
        let start = chunk.slice(0..ALIGNMENT).start();
        let mut chunk = chunk.emptied().unwrap();
        put(&mut chunk, &[1; 10]);
        let slice = chunk.slice(0..ALIGNMENT);
        assert_eq!(slice.start(), start);
        put(&mut chunk, &[2; ALIGNMENT]);
        let slices = [slice, chunk.slice(ALIGNMENT..2 * ALIGNMENT)];
        // SAFETY: the slices live, and nobody writes meanwhile.
        let blocks = slices.each_ref().map(|s| unsafe { std::slice::from_raw_parts(s.start(), s.len()) });
        let [first, second] = blocks;
        assert_eq!((&first[..10], &first[10..]), (&[1; 10][..], &[2; ALIGNMENT - 10][..]));
        assert_eq!((&second[..10], &second[10..]), (&[2; 10][..], &[0; ALIGNMENT - 10][..]));
    }

    #[test]
    fn the_padding_is_zero_after_uses_of_all_lengths_in_any_order() {
        let lengths = [3 * ALIGNMENT, 10, 700, 20, ALIGNMENT + 5, 5, 2 * ALIGNMENT, 1, ALIGNMENT - 1, 2];
        let mut chunk = Chunk::with_capacity(4 * ALIGNMENT);
        for (use_number, len) in lengths.into_iter().cycle().take(3 * lengths.len() + 1).enumerate() {
            // Half at once, then the rest in two pieces.
            for bytes in [len / 2, len / 4, len - len / 2 - len / 4] {
                put(&mut chunk, &vec![7; bytes]);
                let mut block = Vec::new();
                chunk.slice(0..chunk.len().next_multiple_of(ALIGNMENT)).copy_to(&mut block);
                let (records, padding) = block.split_at(chunk.len());
                assert!(records.iter().all(|byte| *byte == 7), "use {use_number}");
                assert!(padding.iter().all(|byte| *byte == 0), "{} bytes, use {use_number}", chunk.len());
            }
            chunk = chunk.emptied().unwrap();
        }
    }

    #[test]
    #[should_panic(expected = "beyond the chunk")]
    fn a_slice_of_what_an_earlier_use_has_left_is_refused() {
        let mut chunk = Chunk::with_capacity(2 * ALIGNMENT).emptied().unwrap();
        put(&mut chunk, b"x");
        let _ = chunk.slice(0..2 * ALIGNMENT);
    }

    #[test]
    fn a_head_that_comes_later_leaves_views_as_they_are_and_is_seen_afterwards() {
        let mut chunk = Chunk::with_capacity(ALIGNMENT).emptied().unwrap();
        chunk.leave_head(6);
        put(&mut chunk, b"world");
        let before = chunk.view(6..11);
        assert_eq!((chunk.head(), chunk.len()), (6, 11));
        chunk.fill_head(b"hello ");
        put(&mut chunk, b"!");
        assert_eq!((&before[..], &chunk.view(0..12)[..]), (&b"world"[..], &b"hello world!"[..]));
        let mut block = Vec::new();
        chunk.slice(0..ALIGNMENT).copy_to(&mut block);
        assert_eq!((&block[..12], &block[12..]), (&b"hello world!"[..], &[0; ALIGNMENT - 12][..]));
    }

    #[test]
    #[should_panic(expected = "not published")]
    fn a_view_of_a_head_that_is_not_there_is_refused() {
        let mut chunk = Chunk::with_capacity(100);
        chunk.leave_head(6);
        put(&mut chunk, b"world");
        let _ = chunk.view(5..11);
    }

    #[test]
    #[should_panic(expected = "not there yet")]
    fn a_slice_of_a_head_that_is_not_there_is_refused() {
        let mut chunk = Chunk::with_capacity(100);
        chunk.leave_head(6);
        let _ = chunk.slice(0..ALIGNMENT);
    }

    #[test]
    fn memory_that_somebody_sees_is_not_used_again() {
        let mut chunk = Chunk::with_capacity(10);
        put(&mut chunk, b"hello");
        let view = chunk.view(0..5);
        assert!(chunk.emptied().is_err());
        assert_eq!(view, "hello");
        let chunk = Chunk::with_capacity(10);
        let slice = chunk.slice(0..ALIGNMENT);
        assert!(chunk.emptied().is_err());
        drop(slice);
    }

    #[test]
    fn what_guards_given_up_memory_goes_when_nobody_sees_it_any_more() {
        let guard = Arc::new(());
        Chunk::with_capacity(10).give_up(Arc::clone(&guard));
        assert_eq!(Arc::strong_count(&guard), 1);
        let mut chunk = Chunk::with_capacity(10);
        put(&mut chunk, b"hello");
        let view = chunk.view(1..2);
        chunk.give_up(Arc::clone(&guard));
        assert_eq!((Arc::strong_count(&guard), &view[..]), (2, &b"e"[..]));
        drop(view);
        assert_eq!(Arc::strong_count(&guard), 1);
    }

    #[test]
    fn chunks_are_aligned_and_zeroed() {
        let mut chunk = Chunk::with_capacity(3 * ALIGNMENT + 1);
        assert_eq!(chunk.capacity(), 4 * ALIGNMENT);
        let spare = chunk.spare(4 * ALIGNMENT).unwrap();
        assert_eq!(spare.as_ptr() as usize % ALIGNMENT, 0);
        assert!(spare.iter().all(|byte| *byte == 0));
    }

    #[test]
    fn chunks_that_another_thread_has_made_and_populated_are_like_any_other() {
        let mut chunks = std::thread::spawn(|| Chunk::in_huge_pages(1 << 20)).join().unwrap();
        assert_eq!(chunks.len(), Chunk::count_in_huge_page(1 << 20));
        for chunk in &mut chunks {
            chunk.populate();
            put(chunk, &[0xab; 300_000]);
            assert!(chunk.view(0..300_000).iter().all(|byte| *byte == 0xab));
            assert!(chunk.spare(700_000).unwrap().iter().all(|byte| *byte == 0));
        }
        let mut again = chunks.pop().unwrap().emptied().unwrap();
        drop(chunks);
        put(&mut again, &[0xcd; 10]);
        assert!(again.view(0..10).iter().all(|byte| *byte == 0xcd));
    }

    #[test]
    fn a_reader_thread_sees_only_whole_published_bytes_while_the_writer_goes_on() {
        let mut chunk = Chunk::with_capacity(1 << 20);
        let (sender, receiver) = std::sync::mpsc::channel::<Bytes>();
        let reader = std::thread::spawn(move || {
            for view in receiver {
                assert!(view.iter().all(|byte| *byte == 0xab));
            }
        });
        while let Some(spare) = chunk.spare(1000) {
            spare.fill(0xab);
            chunk.publish(1000);
            let len = chunk.len();
            sender.send(chunk.view(len.saturating_sub(3000)..len)).unwrap();
        }
        drop(sender);
        reader.join().unwrap();
    }
}
