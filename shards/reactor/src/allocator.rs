//! The broker's allocator: mimalloc, except that large blocks come from the system and go back to it at once.
//!
//! mimalloc keeps freed memory for about a second, in case that it is wanted again. For large blocks of many sizes, as
//! long requests and the chunks of their batches are, it hardly ever fits: half as much again as was in use stayed
//! resident. Fetching a block from the system costs little beside what is done with so many bytes, and a block that
//! grows is moved by the system without a copy.
//!
//! # Invariants
//! - Where a block came from follows from its size and alignment, which its owner knows.

use std::alloc::{GlobalAlloc, Layout};
use std::ptr;

use mimalloc::MiMalloc;

/// From this size on blocks are the system's, which adds their pages as they are first written. Far above a request of
/// one batch of Kafka's default size: with those it would be felt that every page is fetched anew.
pub const LARGE_BLOCK_BYTES_MIN: usize = 4 * 1024 * 1024;

/// The system aligns to pages, which are no smaller than this.
const PAGE_BYTES: usize = 4096;

/// See the module. For `#[global_allocator]`.
#[derive(Debug)]
pub struct Allocator;

fn is_large(layout: &Layout) -> bool {
    layout.size() >= LARGE_BLOCK_BYTES_MIN && layout.align() <= PAGE_BYTES
}

// SAFETY: each block comes from exactly one of two allocators, and the same one gets it back, because which one it is
// follows from the layout, which the caller must pass unchanged. mimalloc keeps the contract of `GlobalAlloc` itself; a
// mapping of its own is page-aligned, at least as long as asked for, zero, and nobody else's. Neither unwinds.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_large(&layout) {
            return map(layout.size());
        }
        // SAFETY: passed on to the caller.
        unsafe { MiMalloc.alloc(layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if is_large(&layout) {
            return map(layout.size());
        }
        // SAFETY: passed on to the caller.
        unsafe { MiMalloc.alloc_zeroed(layout) }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if is_large(&layout) {
            // SAFETY: `block` was mapped with this length, and the caller is done with it.
            let result = unsafe { libc::munmap(block.cast(), layout.size()) };
            debug_assert_eq!(result, 0, "a mapping of its own can be given back");
            return;
        }
        // SAFETY: passed on to the caller.
        unsafe { MiMalloc.dealloc(block, layout) }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller vouches for the new size as the `size` of a layout with this alignment.
        let new_layout = unsafe { Layout::from_size_align_unchecked(new_size, layout.align()) };
        match (is_large(&layout), is_large(&new_layout)) {
            // SAFETY: passed on to the caller.
            (false, false) => unsafe { MiMalloc.realloc(block, layout, new_size) },
            // SAFETY: `block` was mapped with this length.
            (true, true) => unsafe { remap(block, layout.size(), new_size) },
            // SAFETY: passed on to the caller.
            _ => unsafe { self.change_sides(block, layout, new_layout) },
        }
    }
}

impl Allocator {
    /// Moves a block from one of the two allocators to the other.
    ///
    /// # Safety
    /// As for `realloc`.
    #[cold]
    unsafe fn change_sides(&self, block: *mut u8, layout: Layout, new_layout: Layout) -> *mut u8 {
        // SAFETY: the caller vouches for both layouts; the new block overlaps nothing, and both hold what is copied.
        unsafe {
            let new = self.alloc(new_layout);
            if !new.is_null() {
                ptr::copy_nonoverlapping(block, new, layout.size().min(new_layout.size()));
                self.dealloc(block, layout);
            }
            new
        }
    }
}

/// Fresh memory, all zero; null if there is none.
fn map(bytes: usize) -> *mut u8 {
    let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: a new mapping of no file, at a place of the system's choice, touches no memory that is in use.
    or_null(unsafe { libc::mmap(ptr::null_mut(), bytes, access, kind, -1, 0) })
}

/// The same memory with another length, perhaps at another place; null, and the memory as it was, if that fails.
///
/// # Safety
/// `block` must have been mapped with `bytes`, and nobody may use it under its old address afterwards.
unsafe fn remap(block: *mut u8, bytes: usize, new_bytes: usize) -> *mut u8 {
    // SAFETY: passed on to the caller.
    or_null(unsafe { libc::mremap(block.cast(), bytes, new_bytes, libc::MREMAP_MAYMOVE) })
}

fn or_null(mapped: *mut libc::c_void) -> *mut u8 {
    if mapped == libc::MAP_FAILED { ptr::null_mut() } else { mapped.cast() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1024 * 1024;

    fn layout(bytes: usize) -> Layout {
        Layout::from_size_align(bytes, 4096).unwrap()
    }

    /// How much of the block is in memory.
    fn resident_pages(block: *mut u8, bytes: usize) -> Option<usize> {
        let mut pages = vec![0u8; bytes / PAGE_BYTES];
        // SAFETY: the kernel writes one byte for each page, and refuses addresses that are not mapped.
        let result = unsafe { libc::mincore(block.cast(), bytes, pages.as_mut_ptr()) };
        (result == 0).then(|| pages.iter().filter(|page| *page & 1 == 1).count())
    }

    #[test]
    fn a_large_block_goes_back_to_the_system_when_it_is_freed() {
        let large = layout(8 * MIB);
        // SAFETY: the block is used within its size, and not after it was freed.
        unsafe {
            let block = Allocator.alloc(large);
            assert!(!block.is_null() && block.addr().is_multiple_of(PAGE_BYTES));
            assert_eq!(resident_pages(block, 8 * MIB), Some(0), "nothing is there before it is used");
            block.write_bytes(7, 8 * MIB);
            assert_eq!(resident_pages(block, 8 * MIB), Some(8 * MIB / PAGE_BYTES));
            Allocator.dealloc(block, large);
            assert_eq!(resident_pages(block, 8 * MIB), None);
        }
    }

    #[test]
    fn a_block_keeps_its_bytes_as_it_grows_and_shrinks_across_the_bound() {
        let sizes =
            [MIB, LARGE_BLOCK_BYTES_MIN - 1, LARGE_BLOCK_BYTES_MIN, 9 * MIB, 40 * MIB, 5 * MIB, 2 * MIB, 100];
        let pattern = |at: usize| (at / 4096 * 31 + at) as u8;
        // SAFETY: the block is used within its present size and under its present address.
        unsafe {
            let mut now = layout(sizes[0]);
            let mut block = Allocator.alloc(now);
            (0..now.size()).for_each(|at| block.add(at).write(pattern(at)));
            for size in sizes {
                let kept = now.size().min(size);
                block = Allocator.realloc(block, now, size);
                now = layout(size);
                assert!((0..kept).all(|at| block.add(at).read() == pattern(at)), "{size} bytes");
                (kept..size).for_each(|at| block.add(at).write(pattern(at)));
            }
            Allocator.dealloc(block, now);
        }
    }

    #[test]
    fn zeroed_blocks_are_zero_in_memory_that_was_used_before() {
        for bytes in [MIB, 6 * MIB] {
            // SAFETY: the blocks are used within their size, and not after they were freed.
            unsafe {
                let used = Allocator.alloc(layout(bytes));
                used.write_bytes(9, bytes);
                Allocator.dealloc(used, layout(bytes));
                let zeroed = Allocator.alloc_zeroed(layout(bytes));
                assert!((0..bytes).all(|at| zeroed.add(at).read() == 0));
                Allocator.dealloc(zeroed, layout(bytes));
            }
        }
    }

    #[test]
    fn blocks_with_an_alignment_beyond_pages_are_aligned_whatever_their_size() {
        let strict = Layout::from_size_align(8 * MIB, 2 * MIB).unwrap();
        // SAFETY: the block is freed once, with its layout.
        unsafe {
            let block = Allocator.alloc(strict);
            assert!(block.addr().is_multiple_of(2 * MIB));
            Allocator.dealloc(block, strict);
        }
    }

    #[test]
    fn what_is_not_to_be_had_is_null() {
        // SAFETY: nothing is done with the block.
        let block = unsafe { Allocator.alloc(layout(isize::MAX as usize / 4096 * 4096)) };
        assert!(block.is_null());
    }
}
