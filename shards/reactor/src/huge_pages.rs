//! Memory in huge pages, for what is large, written from end to end, and read by the processor and the disk: chunks of records.
//!
//! In ordinary pages the processor looks up an address for every 4 KiB of it, and a transfer to the disk pins as many pages.
//! For everything else huge pages are a waste: a broker at rest uses 2 to 3 MiB, but in all the places of the
//! allocator's memory at which something lies, so that these were 20 MiB in huge pages. So the allocator is built without
//! them (the feature `no_thp`), and who wants them asks here.
//!
//! # Invariants
//! - What is mapped here is the system's own mapping, of zeros, and goes back to the system as soon as it is let go of.

use std::ptr::{self, NonNull};

use crate::aligned::ALIGNMENT;

/// A huge page's size where pages have 4 KiB.
pub(crate) const HUGE_PAGE_BYTES: usize = 2 * 1024 * 1024;

/// `prctl`'s number for it, and what leaves huge pages to those who ask; since Linux 6.18.
const PR_SET_THP_DISABLE: libc::c_int = 41;
const PR_THP_DISABLE_EXCEPT_ADVISED: libc::c_ulong = 1 << 1;

/// Has the system give this process huge pages only where they are asked for, also if it gives them to everybody else
/// (`always`). Before Linux 6.18 it cannot be told, and goes on as it is set.
pub fn only_where_asked() {
    let (on, unused): (libc::c_ulong, libc::c_ulong) = (1, 0);
    // SAFETY: it takes numbers only, and changes no memory that is there.
    let result =
        unsafe { libc::prctl(PR_SET_THP_DISABLE, on, PR_THP_DISABLE_EXCEPT_ADVISED, unused, unused) };
    if result != 0 {
        tracing::debug!("huge pages are given as the system is set: {}", std::io::Error::last_os_error());
    }
}

/// Maps `bytes`, a multiple of [`ALIGNMENT`], at a multiple of [`HUGE_PAGE_BYTES`], and asks for huge pages. `None` if there
/// is no memory to be had, or where pages are larger than [`ALIGNMENT`]: what ends in the middle of one cannot be given back.
pub(crate) fn map(bytes: usize) -> Option<NonNull<u8>> {
    if rustix::param::page_size() > ALIGNMENT {
        return None;
    }
    // The system tends to place what is as large as huge pages at their bounds, beside what was mapped before, so that both count as
    // one mapping, of which a process can have so many.
    let start = map_anywhere(bytes)?;
    let start = if start.addr().get().is_multiple_of(HUGE_PAGE_BYTES) {
        start
    } else {
        // SAFETY: mapped just now, and nobody knows of it.
        unsafe { unmap(start, bytes) };
        map_with_room_around(bytes)?
    };
    // SAFETY: advice about new memory changes nothing but how it is provided.
    unsafe { libc::madvise(start.as_ptr().cast(), bytes, libc::MADV_HUGEPAGE) };
    Some(start)
}

fn map_anywhere(bytes: usize) -> Option<NonNull<u8>> {
    let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: a new mapping of no file, at a place of the system's choice, touches no memory that is in use.
    let mapped = unsafe { libc::mmap(ptr::null_mut(), bytes, access, kind, -1, 0) };
    if mapped == libc::MAP_FAILED { None } else { NonNull::new(mapped.cast::<u8>()) }
}

/// Maps more, and gives back what lies around.
fn map_with_room_around(bytes: usize) -> Option<NonNull<u8>> {
    let mapped_bytes = bytes.checked_add(HUGE_PAGE_BYTES)?;
    let mapped = map_anywhere(mapped_bytes)?;
    let before = mapped.addr().get().next_multiple_of(HUGE_PAGE_BYTES) - mapped.addr().get();
    let behind = mapped_bytes - before - bytes;
    // SAFETY: `before + bytes + behind` is what was mapped, so all of it lies within; of the memory that is not returned
    // nobody knows.
    unsafe {
        let start = mapped.add(before);
        for (from, len) in [(mapped, before), (start.add(bytes), behind)] {
            if len > 0 {
                unmap(from, len);
            }
        }
        Some(start)
    }
}

/// Gives memory back to the system.
///
/// # Safety
/// It was mapped by [`map`], perhaps as a part of more, and nobody uses it any more. Both ends lie between pages.
pub(crate) unsafe fn unmap(start: NonNull<u8>, bytes: usize) {
    // SAFETY: the caller vouches for it.
    let result = unsafe { libc::munmap(start.as_ptr().cast(), bytes) };
    debug_assert_eq!(result, 0, "what was mapped can be given back");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_was_mapped_with_room_around_begins_with_a_huge_page_too() {
        let bytes = HUGE_PAGE_BYTES / 2;
        let start = map_with_room_around(bytes).unwrap();
        assert!(start.addr().get().is_multiple_of(HUGE_PAGE_BYTES));
        // SAFETY: the memory is used within its size, and not after it was unmapped.
        unsafe {
            start.write_bytes(7, bytes);
            unmap(start, bytes);
        }
    }

    #[test]
    fn mapped_memory_begins_with_a_huge_page_is_zero_and_goes_back_in_parts() {
        let bytes = 2 * HUGE_PAGE_BYTES;
        let start = map(bytes).unwrap();
        assert!(start.addr().get().is_multiple_of(HUGE_PAGE_BYTES));
        // SAFETY: the memory is used within its size, and no part of it after that was unmapped.
        unsafe {
            assert!((0..bytes).all(|at| start.add(at).read() == 0));
            start.write_bytes(7, bytes);
            unmap(start, bytes / 4);
            assert!((bytes / 4..bytes).all(|at| start.add(at).read() == 7));
            unmap(start.add(bytes / 4), bytes - bytes / 4);
        }
    }
}
