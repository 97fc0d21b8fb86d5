//! Sleeping until there is news: a completion, a wake from another thread, or a deadline.
//!
//! The ring's eventfd is read through glommio, so that while the shard sleeps the executor may run other tasks, and sleeps
//! itself when there are none.
//!
//! # Invariants
//! - Before the await, everything queued is with the kernel, the eventfd is armed, and a last look has found nothing.
//! - The timer in the ring fires no later than the deadline asked for; it may fire for an earlier one, and then the sleep
//!   simply ends early.

use std::hint;
use std::io;
use std::os::fd::{AsFd, FromRawFd, IntoRawFd, OwnedFd};
use std::time::{Duration, Instant};

use glommio::io::BufferedFile;
use io_uring::{opcode, types};

use crate::operation::{TIMER, UNHEARD};
use crate::reactor::Reactor;
use crate::ring::Ring;
use crate::waker::Waker;

/// What a reactor needs for sleeping.
pub(crate) struct Sleeper {
    waker: Waker,
    spin: Duration,
    /// A second descriptor of the waker's eventfd, until the first sleep.
    cast: Option<OwnedFd>,
    /// The same as glommio's file, which only exists within an executor.
    bell: Option<BufferedFile>,
    /// The deadline that the ring's timer has, if it is running.
    armed: Option<Instant>,
    /// What the kernel reads when it takes an entry of the timer.
    time: Box<types::Timespec>,
}

impl Sleeper {
    pub(crate) fn new(waker: Waker, spin: Duration) -> io::Result<Self> {
        let cast = Some(waker.as_fd().try_clone_to_owned()?);
        Ok(Self { waker, spin, cast, bell: None, armed: None, time: Box::new(types::Timespec::new()) })
    }

    pub(crate) fn waker(&self) -> &Waker {
        &self.waker
    }

    pub(crate) fn timer_fired(&mut self, result: i32) {
        debug_assert!(result == -libc::ETIME || result == -libc::ECANCELED, "the timer ended with {result}");
        self.armed = None;
    }

    /// Sees to it that the ring has a completion at `until` at the latest.
    fn arm(&mut self, until: Instant, ring: &mut Ring) {
        if self.armed.is_some_and(|armed| armed <= until) {
            return;
        }
        let left = until.saturating_duration_since(Instant::now());
        *self.time = types::Timespec::new().sec(left.as_secs()).nsec(left.subsec_nanos());
        let time = &raw const *self.time;
        let entry = if self.armed.is_some() {
            opcode::TimeoutUpdate::new(TIMER, time).build().user_data(UNHEARD)
        } else {
            opcode::Timeout::new(time).build().user_data(TIMER)
        };
        // SAFETY: the kernel copies the time when it takes the entry (SUBMIT_STABLE, which `Features` requires). Until
        // then it stays where it is, boxed; should it be set anew meanwhile, both entries mean the new one.
        unsafe { ring.push(entry) };
        self.armed = Some(until);
    }

    /// Sleeps until the eventfd is signalled.
    async fn listen(&mut self) {
        if let Some(fd) = self.cast.take() {
            // SAFETY: the descriptor is ours alone, and glommio's file becomes its owner.
            self.bell = Some(unsafe { BufferedFile::from_raw_fd(fd.into_raw_fd()) });
        }
        let Some(bell) = &self.bell else { return };
        if let Err(error) = bell.read_at(0, EVENTFD_BYTES).await {
            tracing::error!(%error, "reading the shard's eventfd");
        }
    }
}

/// An eventfd is read as one such number, else not at all.
const EVENTFD_BYTES: usize = size_of::<u64>();

impl Reactor {
    /// Sleeps until a completion, a wake or `until`; may return earlier. Other tasks of the executor run meanwhile.
    ///
    /// # Panics
    /// Outside of a glommio executor (see [`launch`](crate::launch)).
    pub async fn park(&mut self, until: Option<Instant>) {
        let until = [until, self.resume_accepts].into_iter().flatten().min();
        self.ring.enter();
        if self.look_out(until) {
            return;
        }
        if let Some(until) = until {
            self.sleeper.arm(until, &mut self.ring);
            self.ring.enter();
        }
        if !self.ring.announce_sleep() {
            return;
        }
        if self.sleeper.waker.prepare_to_park() {
            self.sleeper.listen().await;
            self.sleeper.waker.unpark();
        }
        self.ring.announce_awake();
    }

    /// Looks for news for as long as spinning is allowed; whether there are any, or the deadline has come.
    fn look_out(&mut self, until: Option<Instant>) -> bool {
        let begin = Instant::now();
        let mut now = begin;
        loop {
            let due = until.is_some_and(|until| until <= now);
            if due || self.has_work() || self.sleeper.waker.take_notification() {
                return true;
            }
            if now.duration_since(begin) >= self.sleeper.spin {
                return false;
            }
            for _ in 0..SPINS_PER_LOOK {
                hint::spin_loop();
            }
            now = Instant::now();
        }
    }

    /// For the end: waits for a completion, at most until `deadline`, without the executor.
    pub(crate) fn wait_for_completion(&mut self, deadline: Instant) {
        self.sleeper.arm(deadline, &mut self.ring);
        self.ring.wait_for_completion();
    }
}

/// Some hundred nanoseconds between two looks, so that a sibling hyper-thread gets something of the core.
const SPINS_PER_LOOK: usize = 8;

/// Lets other tasks of this shard's executor run if they are due. Costs next to nothing when none is; a loop that is never idle
/// calls it once per round.
pub async fn yield_if_needed() {
    glommio::yield_if_needed().await;
}
