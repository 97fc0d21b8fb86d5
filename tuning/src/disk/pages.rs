//! Memory in ordinary pages while a disk is measured.
//!
//! A request to a disk lists the pieces of memory that lie together: 128 for 512 KiB in ordinary pages, one in a huge page. Each
//! has to be pinned and listed, and some disks take few in one request. The broker's allocator asks for huge pages, fio, dd and
//! most programs do not; whether somebody gets them depends on the host and on luck. Without them figures can be compared, and a
//! broker does no worse.

use rustix::thread::{disable_transparent_huge_pages, transparent_huge_pages_are_disabled};

/// While this lives the process, and those that it starts, get ordinary pages only.
pub(super) struct OrdinaryPages {
    were_disabled: bool,
}

impl OrdinaryPages {
    /// A kernel that does not know how is one without huge pages.
    pub(super) fn only() -> Self {
        let were_disabled = transparent_huge_pages_are_disabled().unwrap_or(true);
        if !were_disabled {
            let _ = disable_transparent_huge_pages(true);
        }
        Self { were_disabled }
    }
}

impl Drop for OrdinaryPages {
    fn drop(&mut self) {
        if !self.were_disabled {
            let _ = disable_transparent_huge_pages(false);
        }
    }
}
