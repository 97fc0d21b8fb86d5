//! Sleeping until there is news: a completion, a wake from another thread, or a deadline.
//!
//! A shard without background tasks sleeps in its own ring: one system call hands over what is queued, waits,
//! and brings the completions. With background tasks it sleeps through glommio (`bridge.rs`).
//!
//! # Invariants
//! - Before a sleep everything queued is with the kernel, and a last look has found nothing.
//! - During a sleep in the ring a read of the waker's eventfd is with the kernel, so that a wake becomes a
//!   completion; during a sleep through glommio it is not.

use std::hint;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, Instant};

use io_uring::{opcode, types};

use crate::background;
use crate::bridge::Bridge;
use crate::operation::WAKE;

use crate::ring::Ring;
use crate::ring_reactor::RingReactor;
use crate::waker::{EVENTFD_BYTES, Waker};

/// What a reactor needs for sleeping.
pub(crate) struct Sleeper {
    waker: Waker,
    spin: Duration,
    pub(crate) bridge: Bridge,
    /// Where the kernel puts the number of wakes, and whether it is at it.
    wakes: Box<[u8; EVENTFD_BYTES]>,
    listening: bool,
    sleeps: u64,
}

impl Sleeper {
    pub(crate) fn new(waker: Waker, spin: Duration, ring: &mut Ring) -> io::Result<Self> {
        ring.register_eventfd(waker.as_fd())?;
        let wakes = Box::new([0; EVENTFD_BYTES]);
        Ok(Self { waker, spin, bridge: Bridge::new(), wakes, listening: false, sleeps: 0 })
    }

    pub(crate) fn waker(&self) -> &Waker {
        &self.waker
    }

    pub(crate) fn sleeps(&self) -> u64 {
        self.sleeps
    }

    /// Whether the kernel may still write the number of wakes.
    pub(crate) fn is_listening(&self) -> bool {
        self.listening
    }

    /// The read of the eventfd has ended.
    pub(crate) fn woken(&mut self) {
        self.listening = false;
    }

    /// Leaves the number's place to the kernel for ever.
    pub(crate) fn leak(&mut self) {
        std::mem::forget(std::mem::take(&mut self.wakes));
    }

    /// Has the ring read the eventfd.
    fn listen(&mut self, ring: &mut Ring) {
        if self.listening {
            return;
        }
        let eventfd = types::Fd(self.waker.as_fd().as_raw_fd());
        let entry = opcode::Read::new(eventfd, self.wakes.as_mut_ptr(), EVENTFD_BYTES as u32).build();
        // SAFETY: the number's place is boxed and, since nobody reads it, touched by the kernel alone;
        // `RingReactor::drop` waits for the completion, or leaks it. The waker keeps the eventfd open.
        unsafe { ring.push(entry.user_data(WAKE)) };
        self.listening = true;
    }
}

impl RingReactor {
    /// Sleeps until a completion, a wake or `until`; may return earlier. Background tasks run meanwhile. Returns at once
    /// while there is something to `poll` for.
    ///
    /// # Panics
    /// With background tasks outside of a shard's thread.
    pub(crate) async fn park(&mut self, until: Option<Instant>) {
        let until = [until, self.resume_accepts].into_iter().flatten().min();
        if self.look_out(until) {
            return;
        }
        self.sleeper.sleeps += 1;
        if background::is_any() {
            self.park_with_others(until).await;
        } else if self.sleeper.waker.prepare_to_park() {
            self.sleeper.listen(&mut self.ring);
            self.ring.enter_and_wait(until);
            self.sleeper.waker.unpark();
        }
    }

    async fn park_with_others(&mut self, until: Option<Instant>) {
        if self.sleeper.is_listening() {
            // The next sleep will do.
            self.cancel_named(WAKE);
            return self.ring.enter();
        }
        if let Some(until) = until {
            self.sleeper.bridge.arm_timer(until, &mut self.ring);
        }
        self.ring.enter();
        if !self.ring.announce_sleep() {
            return;
        }
        if self.sleeper.waker.prepare_to_park() {
            let Sleeper { waker, bridge, .. } = &mut self.sleeper;
            bridge.listen(waker.as_fd()).await;
            background::begin_slice();
            waker.unpark();
        }
        self.ring.announce_awake();
    }

    /// Looks for news for as long as spinning is allowed; whether there are any, or the deadline has come.
    fn look_out(&mut self, until: Option<Instant>) -> bool {
        if self.has_news() {
            return true;
        }
        if self.sleeper.spin.is_zero() {
            return false;
        }
        let begin = Instant::now();
        loop {
            // What is queued must not wait for the end of the spinning, nor what the kernel has put off.
            self.ring.enter();
            let now = Instant::now();
            if self.has_news() || until.is_some_and(|until| until <= now) {
                return true;
            }
            if now.duration_since(begin) >= self.sleeper.spin {
                return false;
            }
            for _ in 0..SPINS_PER_LOOK {
                hint::spin_loop();
            }
        }
    }

    fn has_news(&mut self) -> bool {
        self.has_events() || self.sleeper.waker.take_notification()
    }
}

/// Some hundred nanoseconds between two looks, so that a sibling hyper-thread gets something of the core.
const SPINS_PER_LOOK: usize = 8;
