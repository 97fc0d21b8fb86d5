//! Memory at a block boundary, as O_DIRECT wants it.
//!
//! # Not here
//! What may be written where and when (`chunk.rs`, `transfer.rs`).

use std::alloc::{Layout, alloc, alloc_zeroed, dealloc, handle_alloc_error};
use std::ptr::NonNull;

/// The alignment of every buffer that the disk sees. Block devices with larger logical blocks are used buffered.
pub const ALIGNMENT: usize = 4096;

const _: () = assert!(ALIGNMENT.is_power_of_two());

/// A heap block whose address is a multiple of [`ALIGNMENT`]. Knows nothing of what its bytes hold.
#[derive(Debug)]
pub(crate) struct AlignedMemory {
    start: NonNull<u8>,
    capacity: usize,
}

// SAFETY: the block is plain bytes owned by this value alone; freeing it from another thread is allowed by the
// allocator's contract. Access goes through raw pointers whose users state their own reasons.
unsafe impl Send for AlignedMemory {}
// SAFETY: a shared reference hands out only a pointer and a length.
unsafe impl Sync for AlignedMemory {}

impl AlignedMemory {
    /// `bytes` rounded up to whole blocks, all zero.
    pub(crate) fn zeroed(bytes: usize) -> Self {
        // SAFETY: the layout that `build` passes is never of size zero.
        Self::build(bytes, |layout| unsafe { alloc_zeroed(layout) })
    }

    /// `bytes` rounded up to whole blocks, with undefined content.
    pub(crate) fn uninitialised(bytes: usize) -> Self {
        // SAFETY: as above.
        Self::build(bytes, |layout| unsafe { alloc(layout) })
    }

    fn build(bytes: usize, allocate: impl FnOnce(Layout) -> *mut u8) -> Self {
        let layout = Self::layout(bytes.max(1).next_multiple_of(ALIGNMENT));
        let Some(start) = NonNull::new(allocate(layout)) else { handle_alloc_error(layout) };
        Self { start, capacity: layout.size() }
    }

    fn layout(capacity: usize) -> Layout {
        // Only a capacity above isize::MAX could fail, which is no memory at all.
        Layout::from_size_align(capacity, ALIGNMENT)
            .unwrap_or_else(|_| handle_alloc_error(Layout::new::<u8>()))
    }

    pub(crate) fn start(&self) -> *mut u8 {
        self.start.as_ptr()
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }
}

impl Drop for AlignedMemory {
    fn drop(&mut self) {
        // SAFETY: allocated in `build` with this very layout, and freed once.
        unsafe { dealloc(self.start.as_ptr(), Self::layout(self.capacity)) }
    }
}
