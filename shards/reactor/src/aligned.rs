//! Memory at a block boundary, as O_DIRECT wants it.
//!
//! Whoever reads a file in large pieces lets go of one buffer for every one that it takes, and memory fresh from the
//! system has to be cleared, which costs half as much as sending it. So a thread keeps a few that it has let go of.
//!
//! Memory that is new is provided by the system when it is first touched, perhaps a huge page at a time. On a virtual machine
//! whose host had to find the pages, too, that held up a shard for 6 ms. [`AlignedMemory::populate`] has it done before, by a
//! thread for which nobody waits.
//!
//! # Not here
//! What may be written where and when (`chunk.rs`, `transfer.rs`).

use std::alloc::{Layout, alloc, alloc_zeroed, dealloc, handle_alloc_error};
use std::cell::RefCell;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;

use crate::huge_pages::{self, HUGE_PAGE_BYTES};

/// The alignment of every buffer that the disk sees. Block devices with larger logical blocks are used buffered.
pub const ALIGNMENT: usize = 4096;

/// Smaller buffers come from the allocator fast enough.
const SPARE_BYTES_MIN: usize = 64 * 1024;
/// Larger ones are not used often enough.
const SPARE_BYTES_MAX: usize = 1024 * 1024;
/// So much a thread keeps in all, in bytes.
const SPARES_BYTES_MAX: usize = 4 * 1024 * 1024;

/// From this size on buffers for reads lie in huge pages: some disks take no more than so many pieces of memory at once.
const IN_HUGE_PAGES_BYTES_MIN: usize = 256 * 1024;

/// So much is populated by one call, but of a huge page all of it: as long as that takes, no memory can be mapped or given back.
const POPULATED_BYTES: usize = 64 * 1024;

const _: () = assert!(ALIGNMENT.is_power_of_two());
const _: () = assert!(POPULATED_BYTES.is_multiple_of(ALIGNMENT) && HUGE_PAGE_BYTES.is_multiple_of(ALIGNMENT));
const _: () = assert!(SPARE_BYTES_MIN <= SPARE_BYTES_MAX && SPARE_BYTES_MAX <= SPARES_BYTES_MAX);

thread_local! {
    /// Buffers with undefined content that this thread has let go of, the newest last, or that share huge pages with such.
    static SPARES: RefCell<Vec<Block>> = const { RefCell::new(Vec::new()) };
}

/// A block whose address is a multiple of [`ALIGNMENT`]. Knows nothing of what its bytes hold.
#[derive(Debug)]
pub(crate) struct AlignedMemory {
    block: ManuallyDrop<Block>,
    /// Whether the thread that lets go of it may keep it for its next one.
    is_reusable: bool,
}

/// The memory itself, freed when this is dropped.
#[derive(Debug)]
struct Block {
    start: NonNull<u8>,
    capacity: usize,
    source: Source,
}

/// Where a block came from, and goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Allocator,
    /// A mapping, whose huge pages it may share with others.
    HugePages,
}

// SAFETY: the block is plain bytes owned by this value alone; freeing it from another thread is allowed by the
// contract of the allocator and of the system. Access goes through raw pointers whose users state their own reasons.
unsafe impl Send for Block {}
// SAFETY: a shared reference hands out only a pointer and a length.
unsafe impl Sync for Block {}

impl AlignedMemory {
    /// `bytes` rounded up to whole blocks, all zero.
    pub(crate) fn zeroed(bytes: usize) -> Self {
        // SAFETY: the layout that `new` passes is never of size zero.
        let block = Block::new(rounded(bytes), |layout| unsafe { alloc_zeroed(layout) });
        Self { block: ManuallyDrop::new(block), is_reusable: false }
    }

    /// How many blocks of `bytes` share a huge page: what [`Self::in_huge_pages`] makes at once.
    pub(crate) fn count_in_huge_page(bytes: usize) -> usize {
        (HUGE_PAGE_BYTES / rounded(bytes)).max(1)
    }

    /// So many blocks of `bytes` rounded up, all zero, side by side in huge pages if there are any. None if there is no
    /// memory to be had, or none in pieces of this kind.
    pub(crate) fn in_huge_pages(bytes: usize) -> Vec<Self> {
        let blocks = Block::in_huge_pages(rounded(bytes), Self::count_in_huge_page(bytes)).into_iter();
        blocks.map(|block| Self { block: ManuallyDrop::new(block), is_reusable: false }).collect()
    }

    /// Has the system provide what was not touched yet. Leaves the memory's bytes as they are, and may run on any thread,
    /// whatever others do with them meanwhile. Where the system cannot (before Linux 5.14, with larger pages, or for want of
    /// memory), pages come when they are touched.
    pub(crate) fn populate(&self) {
        let end = self.capacity();
        for from in (0..end).step_by(POPULATED_BYTES) {
            let bytes = POPULATED_BYTES.min(end - from);
            let start = self.start().wrapping_add(from);
            // SAFETY: the range lies within the allocation, which lives as long as `self`; no byte of it is changed.
            if unsafe { libc::madvise(start.cast(), bytes, libc::MADV_POPULATE_WRITE) } != 0 {
                return;
            }
        }
    }

    /// `bytes` rounded up to whole blocks, with undefined content.
    pub(crate) fn uninitialised(bytes: usize) -> Self {
        let capacity = rounded(bytes);
        let is_reusable = (SPARE_BYTES_MIN..=SPARE_BYTES_MAX).contains(&capacity);
        let spare = if is_reusable { take_spare(capacity).or_else(|| make_spares(capacity)) } else { None };
        // SAFETY: as above.
        let block = spare.unwrap_or_else(|| Block::new(capacity, |layout| unsafe { alloc(layout) }));
        Self { block: ManuallyDrop::new(block), is_reusable }
    }

    pub(crate) fn start(&self) -> *mut u8 {
        self.block.start.as_ptr()
    }

    pub(crate) fn capacity(&self) -> usize {
        self.block.capacity
    }
}

impl Drop for AlignedMemory {
    fn drop(&mut self) {
        // SAFETY: the block is taken once, here, and nobody looks at it afterwards.
        let block = unsafe { ManuallyDrop::take(&mut self.block) };
        if self.is_reusable {
            keep_spare(block);
        }
    }
}

impl Block {
    /// A block of `capacity` bytes, which is not 0 and a multiple of [`ALIGNMENT`].
    fn new(capacity: usize, allocate: impl FnOnce(Layout) -> *mut u8) -> Self {
        let layout = Self::layout(capacity);
        let Some(start) = NonNull::new(allocate(layout)) else { handle_alloc_error(layout) };
        Self { start, capacity, source: Source::Allocator }
    }

    /// `count` blocks of `capacity` bytes side by side.
    fn in_huge_pages(capacity: usize, count: usize) -> Vec<Self> {
        let Some(start) = capacity.checked_mul(count).and_then(huge_pages::map) else { return Vec::new() };
        let block = |index| {
            // SAFETY: `index < count`, so the block lies within what was mapped.
            let start = unsafe { start.add(index * capacity) };
            Self { start, capacity, source: Source::HugePages }
        };
        (0..count).map(block).collect()
    }

    fn layout(capacity: usize) -> Layout {
        // Only a capacity above isize::MAX could fail, which is no memory at all.
        Layout::from_size_align(capacity, ALIGNMENT)
            .unwrap_or_else(|_| handle_alloc_error(Layout::new::<u8>()))
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        match self.source {
            // SAFETY: allocated in `new` with this very layout, and freed once.
            Source::Allocator => unsafe { dealloc(self.start.as_ptr(), Self::layout(self.capacity)) },
            // SAFETY: mapped in `in_huge_pages`, beside others that it does not overlap, and given back once.
            Source::HugePages => unsafe { huge_pages::unmap(self.start, self.capacity) },
        }
    }
}

fn rounded(bytes: usize) -> usize {
    bytes.max(1).next_multiple_of(ALIGNMENT)
}

/// A block of this size that the thread has kept.
fn take_spare(capacity: usize) -> Option<Block> {
    // A thread that ends has none any more.
    let take = |spares: &RefCell<Vec<Block>>| {
        let mut spares = spares.borrow_mut();
        let newest = spares.iter().rposition(|spare| spare.capacity == capacity)?;
        Some(spares.remove(newest))
    };
    SPARES.try_with(take).ok().flatten()
}

/// A block in a huge page, and keeps those that share it. Small ones are not worth that, nor sizes that are hardly asked for
/// twice, such as those of what is left of a file.
fn make_spares(capacity: usize) -> Option<Block> {
    if capacity < IN_HUGE_PAGES_BYTES_MIN || !capacity.is_power_of_two() {
        return None;
    }
    let mut made = Block::in_huge_pages(capacity, AlignedMemory::count_in_huge_page(capacity));
    let block = made.pop();
    made.into_iter().for_each(keep_spare);
    block
}

/// Keeps a block for the thread's next one of its size, and frees the oldest ones if that makes too many.
fn keep_spare(block: Block) {
    let keep = |spares: &RefCell<Vec<Block>>| {
        let mut spares = spares.borrow_mut();
        spares.push(block);
        while spares.iter().map(|spare| spare.capacity).sum::<usize>() > SPARES_BYTES_MAX {
            spares.remove(0);
        }
    };
    // In a thread that ends it is freed.
    let _ = SPARES.try_with(keep);
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: usize = 1024;

    fn kept() -> Vec<usize> {
        SPARES.with_borrow(|spares| spares.iter().map(|spare| spare.capacity / KIB).collect())
    }

    #[test]
    fn a_large_buffer_is_used_again_by_the_thread_that_let_go_of_it() {
        let buffer = AlignedMemory::uninitialised(512 * KIB);
        let start = buffer.start();
        drop(buffer);
        drop(AlignedMemory::uninitialised(4 * KIB));
        drop(AlignedMemory::zeroed(512 * KIB));
        assert_eq!(kept(), [512; 4], "with those that share its huge page");
        let other_size = AlignedMemory::uninitialised(128 * KIB);
        let same_size = AlignedMemory::uninitialised(512 * KIB - 100);
        assert_eq!((same_size.start(), kept()), (start, vec![512; 3]));
        std::thread::spawn(move || drop(same_size)).join().unwrap();
        drop(other_size);
        assert_eq!(kept(), [512, 512, 512, 128]);
    }

    #[test]
    fn blocks_share_huge_pages_and_go_back_one_by_one() {
        for (bytes, capacities) in
            [(700 * KIB, vec![700; 2]), (1024 * KIB, vec![1024; 2]), (5000 * KIB, vec![5000])]
        {
            let blocks = AlignedMemory::in_huge_pages(bytes);
            assert_eq!(blocks.iter().map(|block| block.capacity() / KIB).collect::<Vec<_>>(), capacities);
            assert!(blocks[0].start().addr().is_multiple_of(HUGE_PAGE_BYTES));
            for (number, block) in blocks.iter().enumerate() {
                // SAFETY: the block is alive and its bytes are nobody else's.
                unsafe {
                    assert!((0..block.capacity()).all(|at| block.start().add(at).read() == 0));
                    block.start().write_bytes(number as u8 + 1, block.capacity());
                }
            }
            for (number, block) in blocks.into_iter().enumerate() {
                let is_own = |byte: u8| usize::from(byte) == number + 1;
                // SAFETY: as above, for those that are left.
                unsafe { assert!((0..block.capacity()).all(|at| is_own(block.start().add(at).read()))) };
            }
        }
    }

    #[test]
    fn a_thread_keeps_so_much_and_no_more() {
        let sizes = [64, 128, 192, 1024, 1024, 1024, 1024, 64];
        let buffers: Vec<_> = sizes.iter().map(|kib| AlignedMemory::uninitialised(kib * KIB)).collect();
        drop(buffers);
        assert_eq!(kept(), [1024, 1024, 1024, 64]);
    }
}
