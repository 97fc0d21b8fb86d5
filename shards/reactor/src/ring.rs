//! Our own io_uring ring of one shard: submissions in, completions out.
//!
//! # Hot path
//! A busy shard makes one `io_uring_enter` per batch: [`Ring::enter`] hands over all submissions and works off all
//! completions in the same call, and makes no call when there is neither.
//!
//! # Invariants
//! - A submission that finds the queue full is handed over early or waits in `waiting`; none is lost, and the
//!   order is kept.
//! - The two halves of a linked pair are always handed over in the same call, else the kernel would cut the link.
//! - The eventfd is signalled by the kernel only between `announce_sleep` and `announce_awake`.
//! - A call that finds nothing, though the kernel said that it had put something off, is not made again before a sleep. The
//!   kernel's flag may be set once more by what it is just working off, and stays until something else comes about (seen on
//!   Linux 6.18: 20,000 calls a second for nothing, beside producers that wait for their disk). A sleep looks at the work
//!   itself.
//!
//! # Not here
//! What operations mean and own (`operation.rs`); when to sleep and how (`park.rs`).

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::atomic::{Ordering, fence};
use std::time::Instant;

use io_uring::{EnterFlags, IoUring, cqueue, squeue, types};

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
    /// How many times the kernel was entered.
    enters: u64,
    /// The last `enter`, made for what the kernel had put off, found nothing, and the flag stayed.
    is_flag_stale: bool,
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
                Ok(uring) => return Ok(Self::of(uring, delivery)),
                Err(error) if error.raw_os_error() == Some(libc::EINVAL) => refusal = error,
                Err(error) => return Err(ReactorError::Ring(error)),
            }
        }
        Err(ReactorError::Ring(refusal))
    }

    fn of(uring: IoUring, delivery: Delivery) -> Self {
        Self { uring, delivery, enters: 0, is_flag_stale: false, waiting: VecDeque::new() }
    }

    pub(crate) fn delivery(&self) -> Delivery {
        self.delivery
    }

    pub(crate) fn enters(&self) -> u64 {
        self.enters
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

    /// Hands everything over to the kernel and works off deferred completions; no system call if there is
    /// nothing to do.
    pub(crate) fn enter(&mut self) {
        loop {
            self.queue_waiting();
            let submissions = self.uring.submission();
            let (queued, news) = (submissions.len(), submissions.taskrun() || submissions.cq_overflow());
            drop(submissions);
            if queued == 0 && !news {
                return;
            }
            let outcome = self.enter_kernel::<libc::sigset_t>(queued, 0, EnterFlags::GETEVENTS, None);
            let has_brought = queued > 0 || !self.uring.completion().is_empty();
            self.is_flag_stale = !has_brought && self.uring.submission().taskrun();
            match outcome {
                Outcome::Taken(taken) if taken > 0 && (taken < queued || !self.waiting.is_empty()) => {}
                // Busy: the caller drains and comes again.
                Outcome::Taken(_) | Outcome::Busy | Outcome::Interrupted => return,
            }
        }
    }

    /// Hands everything over and sleeps until there is a completion or `until` has come; may return earlier.
    pub(crate) fn enter_and_wait(&mut self, until: Option<Instant>) {
        self.queue_waiting();
        if !self.waiting.is_empty() {
            return self.enter();
        }
        let queued = self.uring.submission().len();
        let mut flags = EnterFlags::GETEVENTS | EnterFlags::EXT_ARG;
        if self.uring.params().is_feature_no_iowait() {
            // An idle shard is not one that waits for a disk; without this the system's load would say so.
            flags |= EnterFlags::NO_IOWAIT;
        }
        let time;
        let mut arguments = types::SubmitArgs::new();
        if let Some(until) = until {
            time = time_left(until);
            arguments = arguments.timespec(&time);
        }
        self.enter_kernel(queued, 1, flags, Some(&arguments));
        self.is_flag_stale = false;
    }

    /// Moves all completions that are there to `completions`.
    pub(crate) fn drain(&mut self, completions: &mut Vec<cqueue::Entry>) {
        completions.extend(self.uring.completion());
    }

    /// Whether completions are there, or would be after `enter`.
    pub(crate) fn has_completions(&mut self) -> bool {
        let submissions = self.uring.submission();
        let deferred = submissions.taskrun() && !self.is_flag_stale || submissions.cq_overflow();
        drop(submissions);
        deferred || !self.uring.completion().is_empty()
    }

    fn is_all_handed_over(&mut self) -> bool {
        self.waiting.is_empty() && self.uring.submission().is_empty()
    }

    /// From here on completions signal the eventfd. Returns `false`, and takes it back, if there is work already.
    pub(crate) fn announce_sleep(&mut self) -> bool {
        self.uring.completion().enable_eventfd();
        // The kernel adds work and then looks at the flag; we set the flag and then look for work. With a full
        // fence between, one sees the other.
        fence(Ordering::SeqCst);
        let is_deferred = self.uring.submission().taskrun();
        let sleep = self.is_all_handed_over() && !is_deferred && !self.has_completions();
        if !sleep {
            self.announce_awake();
        }
        sleep
    }

    /// From here on completions are found by looking; signalling an eventfd for each would cost the kernel time.
    pub(crate) fn announce_awake(&mut self) {
        self.uring.completion().disable_eventfd();
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

    fn enter_kernel<T>(
        &mut self,
        queued: usize,
        want: u32,
        flags: EnterFlags,
        argument: Option<&T>,
    ) -> Outcome {
        self.enters += 1;
        // SAFETY: at most what is queued is submitted; the argument is what the flags announce (EXT_ARG:
        // `SubmitArgs`, which borrows its time; else nothing).
        let outcome = unsafe { self.uring.submitter().enter(queued as u32, want, flags.bits(), argument) };
        match outcome.map_err(|error| (error.raw_os_error(), error)) {
            Ok(taken) => Outcome::Taken(taken),
            Err((Some(libc::EINTR | libc::ETIME), _)) => Outcome::Interrupted,
            Err((Some(libc::EAGAIN | libc::EBUSY | libc::ENOMEM), _)) => Outcome::Busy,
            // Only a ring used wrongly, or completions that the kernel has dropped for want of memory.
            Err((_, error)) => fail(&error),
        }
    }
}

/// What became of an `io_uring_enter`.
enum Outcome {
    /// So many submissions were taken.
    Taken(usize),
    /// The kernel wants its completions drained, or is short of memory.
    Busy,
    /// A signal or the deadline came first.
    Interrupted,
}

/// The time until `until`, as the kernel wants it.
pub(crate) fn time_left(until: Instant) -> types::Timespec {
    let left = until.saturating_duration_since(Instant::now());
    types::Timespec::new().sec(left.as_secs()).nsec(left.subsec_nanos())
}

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
