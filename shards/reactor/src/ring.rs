//! Our own io_uring ring of one shard: submissions in, completions out, never blocking.
//!
//! # Hot path
//! A busy shard makes one `io_uring_enter` per batch: [`Ring::enter`] hands over all submissions and works off all
//! completions in the same call, and makes no call when there is neither.
//!
//! # Invariants
//! - A submission that finds the queue full is handed over early or waits in `waiting`; none is lost, and the order is kept.
//! - The two halves of a linked pair are always handed over in the same call, else the kernel would cut the link.
//! - The eventfd is signalled by the kernel only between `announce_sleep` and `announce_awake`.
//!
//! # Not here
//! What operations mean and own (`operation.rs`); NO_IOWAIT, which concerns waits inside the ring: ours happen on the eventfd.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::atomic::{Ordering, fence};

use io_uring::{EnterFlags, IoUring, cqueue, squeue};

use crate::error::ReactorError;
use crate::options::{Allow, Options};

/// How the kernel delivers completions to this ring, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Worked off when the shard asks for them (DEFER_TASKRUN, Linux 6.1).
    Deferred,
    /// Worked off at the shard's next system call (COOP_TASKRUN, Linux 5.19).
    Cooperative,
    /// The kernel interrupts the shard.
    Interrupting,
}

/// The ring of one shard. Made and used on the shard's thread only.
pub(crate) struct Ring {
    uring: IoUring,
    delivery: Delivery,
    /// Submissions for which the queue had no room.
    waiting: VecDeque<Waiting>,
}

enum Waiting {
    Alone(squeue::Entry),
    Linked([squeue::Entry; 2]),
}

impl Ring {
    /// A ring with the best flags that the kernel knows and `options` allow.
    pub(crate) fn new(options: &Options) -> Result<Self, ReactorError> {
        let mut refusal = io::Error::from_raw_os_error(libc::EINVAL);
        for delivery in deliveries(options.allow) {
            // SUBMIT_ALL came with 5.18, before both flags that are tried with it.
            match build(options, delivery) {
                Ok(uring) => return Ok(Self { uring, delivery, waiting: VecDeque::new() }),
                Err(error) if error.raw_os_error() == Some(libc::EINVAL) => refusal = error,
                Err(error) => return Err(ReactorError::Ring(error)),
            }
        }
        Err(ReactorError::Ring(refusal))
    }

    pub(crate) fn delivery(&self) -> Delivery {
        self.delivery
    }

    pub(crate) fn uring(&self) -> &IoUring {
        &self.uring
    }

    /// Has the kernel signal this eventfd for completions, while the shard sleeps.
    pub(crate) fn register_eventfd(&mut self, eventfd: BorrowedFd<'_>) -> io::Result<()> {
        self.announce_awake();
        self.uring.submitter().register_eventfd(eventfd.as_raw_fd())
    }

    /// Queues one submission.
    ///
    /// # Safety
    /// Whatever the entry points to must stay valid and untouched until its (last) completion has been drained.
    pub(crate) unsafe fn push(&mut self, entry: squeue::Entry) {
        self.make_room(1);
        // SAFETY: passed on to the caller.
        if !self.waiting.is_empty() || unsafe { self.uring.submission().push(&entry) }.is_err() {
            self.waiting.push_back(Waiting::Alone(entry));
        }
    }

    /// Queues two submissions of which the second begins when the first has succeeded.
    ///
    /// # Safety
    /// As for [`push`](Self::push).
    pub(crate) unsafe fn push_linked(&mut self, first: squeue::Entry, second: squeue::Entry) {
        let pair = [first.flags(squeue::Flags::IO_LINK), second];
        self.make_room(pair.len());
        // SAFETY: passed on to the caller.
        if !self.waiting.is_empty() || unsafe { self.uring.submission().push_multiple(&pair) }.is_err() {
            self.waiting.push_back(Waiting::Linked(pair));
        }
    }

    /// Hands everything over to the kernel and works off deferred completions; no system call if there is nothing to do.
    pub(crate) fn enter(&mut self) {
        loop {
            self.queue_waiting();
            let submissions = self.uring.submission();
            let (queued, news) = (submissions.len(), submissions.taskrun() || submissions.cq_overflow());
            drop(submissions);
            if queued == 0 && !news {
                return;
            }
            match self.enter_kernel(queued) {
                Ok(taken) if taken > 0 && (taken < queued || !self.waiting.is_empty()) => {}
                // Busy: the kernel wants its completions drained, or is short of memory. The caller drains and comes again.
                Ok(_) | Err(Busy) => return,
            }
        }
    }

    /// Moves all completions that are there to `completions`.
    pub(crate) fn drain(&mut self, completions: &mut Vec<cqueue::Entry>) {
        completions.extend(self.uring.completion());
    }

    /// Whether `enter` and `drain` would find something to do.
    pub(crate) fn has_work(&mut self) -> bool {
        let submissions = self.uring.submission();
        let queued = !submissions.is_empty() || submissions.taskrun() || submissions.cq_overflow();
        drop(submissions);
        queued || !self.waiting.is_empty() || !self.uring.completion().is_empty()
    }

    /// From here on completions signal the eventfd. Returns `false`, and takes it back, if there is work already.
    pub(crate) fn announce_sleep(&mut self) -> bool {
        self.uring.completion().enable_eventfd();
        // The kernel adds work and then looks at the flag; we set the flag and then look for work. With a full fence between, one sees the other.
        fence(Ordering::SeqCst);
        let sleep = !self.has_work();
        if !sleep {
            self.announce_awake();
        }
        sleep
    }

    /// From here on completions are found by looking; signalling an eventfd for each would cost the kernel time.
    pub(crate) fn announce_awake(&mut self) {
        self.uring.completion().disable_eventfd();
    }

    /// Waits until at least one completion is there; for the end of a reactor only.
    pub(crate) fn wait_for_completion(&mut self) {
        self.queue_waiting();
        if let Err(error) = self.uring.submitter().submit_and_wait(1) {
            tracing::debug!(%error, "waiting for the last completions");
        }
    }

    fn make_room(&mut self, entries: usize) {
        let submissions = self.uring.submission();
        let full = submissions.capacity() - submissions.len() < entries;
        drop(submissions);
        if full {
            self.enter();
        }
    }

    fn queue_waiting(&mut self) {
        let mut submissions = self.uring.submission();
        while let Some(first) = self.waiting.front() {
            // SAFETY: the caller of `push` promised validity until the completion.
            let queued = unsafe {
                match first {
                    Waiting::Alone(entry) => submissions.push(entry),
                    Waiting::Linked(pair) => submissions.push_multiple(pair),
                }
            };
            if queued.is_err() {
                return;
            }
            self.waiting.pop_front();
        }
    }

    fn enter_kernel(&mut self, queued: usize) -> Result<usize, Busy> {
        loop {
            // SAFETY: no argument is passed, and at most what is queued is submitted.
            let outcome = unsafe {
                self.uring.submitter().enter::<libc::sigset_t>(
                    queued as u32,
                    0,
                    EnterFlags::GETEVENTS.bits(),
                    None,
                )
            };
            match outcome.map_err(|error| (error.raw_os_error(), error)) {
                Ok(taken) => return Ok(taken),
                Err((Some(libc::EINTR), _)) => {}
                Err((Some(libc::EAGAIN | libc::EBUSY | libc::ENOMEM), _)) => return Err(Busy),
                // Only a ring used wrongly, or completions that the kernel has dropped for want of memory.
                Err((_, error)) => fail(&error),
            }
        }
    }
}

/// The kernel cannot take more just now.
struct Busy;

#[cold]
fn fail(error: &io::Error) -> ! {
    panic!("io_uring_enter failed: {error}")
}

fn deliveries(allow: Allow) -> impl Iterator<Item = Delivery> {
    [
        allow.defer_taskrun.then_some(Delivery::Deferred),
        allow.coop_taskrun.then_some(Delivery::Cooperative),
        Some(Delivery::Interrupting),
    ]
    .into_iter()
    .flatten()
}

fn build(options: &Options, delivery: Delivery) -> io::Result<IoUring> {
    let mut builder = IoUring::builder();
    builder.dontfork().setup_clamp().setup_cqsize(options.completions.max(options.submissions));
    match delivery {
        Delivery::Deferred => {
            builder.setup_submit_all().setup_single_issuer().setup_defer_taskrun().setup_taskrun_flag();
        }
        Delivery::Cooperative => {
            builder.setup_submit_all().setup_coop_taskrun().setup_taskrun_flag();
        }
        Delivery::Interrupting => {}
    }
    builder.build(options.submissions)
}
