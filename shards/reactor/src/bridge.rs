//! Sleeping through glommio, while background tasks share the thread.
//!
//! The waker's eventfd gets a second user: the ring signals it, too, when it has completions, and glommio reads
//! it for us; until it can, it runs other tasks. This costs some four system calls more than sleeping in our own
//! ring, so it is done only when there are other tasks.
//!
//! # Invariants
//! - The kernel signals the eventfd only during such a sleep; signalling for every completion would cost it time.
//! - Our own ring does not read the eventfd during such a sleep. It could take the signal away from glommio; and
//!   while its read has work pending in our ring, which nobody works off during the sleep, the kernel signals no
//!   further completion. (Nor may the ring read one eventfd and signal another: a signal from within an eventfd's
//!   own wake-up is put off by the kernel, and, seen on Linux 6.18, after the first time never given.)
//! - The timer in the ring fires no later than the deadline asked for; it may fire for an earlier one, and then
//!   the sleep simply ends early.

use std::os::fd::{BorrowedFd, FromRawFd, IntoRawFd};
use std::time::Instant;

use glommio::io::BufferedFile;
use io_uring::{opcode, types};

use crate::operation::{TIMER, UNHEARD};
use crate::ring::{Ring, time_left};
use crate::waker::EVENTFD_BYTES;

/// What such a sleep needs.
pub(crate) struct Bridge {
    /// The waker's eventfd as glommio's file; made at the first such sleep, for it needs the executor.
    file: Option<BufferedFile>,
    /// The deadline that the ring's timer has, if it is running.
    timer: Option<Instant>,
    /// What the kernel reads when it takes an entry of the timer.
    time: Box<types::Timespec>,
}

impl Bridge {
    pub(crate) fn new() -> Self {
        Self { file: None, timer: None, time: Box::new(types::Timespec::new()) }
    }

    /// The timer has gone off.
    pub(crate) fn timer_fired(&mut self) {
        self.timer = None;
    }

    /// Sees to it that the ring has a completion at `until` at the latest.
    pub(crate) fn arm_timer(&mut self, until: Instant, ring: &mut Ring) {
        if self.timer.is_some_and(|armed| armed <= until) {
            return;
        }
        *self.time = time_left(until);
        let time = &raw const *self.time;
        let entry = if self.timer.is_some() {
            opcode::TimeoutUpdate::new(TIMER, time).build().user_data(UNHEARD)
        } else {
            opcode::Timeout::new(time).build().user_data(TIMER)
        };
        // SAFETY: the kernel copies the time when it takes the entry (SUBMIT_STABLE, which `Features` requires).
        // Until then it stays where it is, boxed; should it be set anew meanwhile, both entries mean the new one.
        unsafe { ring.push(entry) };
        self.timer = Some(until);
    }

    /// Sleeps until the ring, or a thread that wakes us, signals. Dropping it halfway is harmless.
    pub(crate) async fn listen(&mut self, eventfd: BorrowedFd<'_>) {
        if self.file.is_none() {
            match eventfd.try_clone_to_owned() {
                // SAFETY: the new descriptor is ours alone, and glommio's file becomes its owner.
                Ok(fd) => self.file = Some(unsafe { BufferedFile::from_raw_fd(fd.into_raw_fd()) }),
                // Out of descriptors: without sleep, but alive.
                Err(error) => tracing::warn!(%error, "the shard cannot sleep"),
            }
        }
        if let Some(file) = &self.file
            && let Err(error) = file.read_at(0, EVENTFD_BYTES).await
        {
            tracing::error!(%error, "reading the shard's eventfd");
        }
    }
}
