//! Wakes a sleeping shard (or the control thread) from any other thread.
//!
//! A small state in front of an eventfd saves the system call whenever the owner is awake anyway.
//!
//! # Invariants
//! - A wake is a token: given at any moment before the owner sleeps, it makes the next sleep return at once.
//! - Only the owner reads the eventfd: a reactor through its ring or through glommio, any other thread in
//!   [`Waker::wait`].

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

/// The owner runs; nobody has woken it since it last looked.
const RUNNING: u8 = 0;
/// The owner sleeps on the eventfd, or is about to.
const PARKED: u8 = 1;
/// Somebody called `wake` and the owner has not yet noticed.
const NOTIFIED: u8 = 2;

/// The handle with which any thread wakes one participant. Clones wake the same one.
#[derive(Clone, Debug)]
pub struct Waker {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    eventfd: OwnedFd,
    state: AtomicU8,
}

impl Waker {
    /// A waker of its own eventfd. Fails when the process has no file descriptors left.
    pub fn new() -> io::Result<Self> {
        // A blocking one on purpose: io_uring answers reads of a non-blocking one with EAGAIN instead of waiting
        // for it to become readable.
        // SAFETY: eventfd takes no pointers; its result is checked before it is used.
        let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: `fd` was just created, is open, and nobody else owns it.
        let eventfd = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Self { inner: Arc::new(Inner { eventfd, state: AtomicU8::new(RUNNING) }) })
    }

    /// Makes the owner look at its queues again. One atomic swap while it runs, one `write` while it sleeps.
    pub fn wake(&self) {
        if self.inner.state.swap(NOTIFIED, Ordering::SeqCst) == PARKED {
            self.signal();
        }
    }

    /// Sleeps until [`wake`](Self::wake) is called or `timeout` has passed; for threads without a reactor, which
    /// must not share the waker with one.
    /// Returns whether it was woken. A wake given earlier counts; it may also return early without reason.
    pub fn wait(&self, timeout: Option<Duration>) -> io::Result<bool> {
        if !self.prepare_to_park() {
            return Ok(true);
        }
        let deadline = timeout.map(|timeout| Instant::now() + timeout);
        let outcome = self.poll_until(deadline);
        let woken = self.unpark();
        outcome.map(|readable| readable || woken)
    }

    /// Announces that the owner is going to sleep. `false` when somebody has woken it already.
    pub(crate) fn prepare_to_park(&self) -> bool {
        let state = &self.inner.state;
        let parked = state.compare_exchange(RUNNING, PARKED, Ordering::SeqCst, Ordering::SeqCst).is_ok();
        if !parked {
            // A swap, not a store: what the waker wrote before its wake has to be visible from here on.
            state.swap(RUNNING, Ordering::SeqCst);
        }
        parked
    }

    /// Ends a sleep. Returns whether somebody called `wake` meanwhile.
    pub(crate) fn unpark(&self) -> bool {
        self.inner.state.swap(RUNNING, Ordering::SeqCst) == NOTIFIED
    }

    /// Takes a wake that was given while the owner was running.
    pub(crate) fn take_notification(&self) -> bool {
        let state = &self.inner.state;
        state.load(Ordering::Relaxed) == NOTIFIED && state.swap(RUNNING, Ordering::SeqCst) == NOTIFIED
    }

    fn signal(&self) {
        let one = 1u64.to_ne_bytes();
        // SAFETY: the eventfd is open for as long as `inner` lives, and `one` is 8 readable bytes.
        let written = unsafe { libc::write(self.inner.eventfd.as_raw_fd(), one.as_ptr().cast(), one.len()) };
        // It could only block, or fail, with 2^64 - 2 signals unread; then the eventfd is readable in any case.
        debug_assert_eq!(written, EVENTFD_BYTES as isize);
    }

    fn poll_until(&self, deadline: Option<Instant>) -> io::Result<bool> {
        let fd = self.inner.eventfd.as_raw_fd();
        loop {
            // Rounded up, so that a wait is never ended a fraction of a millisecond early only to spin.
            let timeout_ms = deadline.map_or(-1, |deadline| {
                let left = deadline.saturating_duration_since(Instant::now());
                left.as_micros().div_ceil(1000).min(i32::MAX as u128) as i32
            });
            let mut poll = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
            // SAFETY: `poll` is one valid pollfd for the whole call.
            match unsafe { libc::poll(&raw mut poll, 1, timeout_ms) } {
                0 => return Ok(false),
                1.. => break,
                _ => {
                    let error = io::Error::last_os_error();
                    if error.kind() != io::ErrorKind::Interrupted {
                        return Err(error);
                    }
                }
            }
        }
        let mut count = [0u8; EVENTFD_BYTES];
        // SAFETY: `count` is 8 writable bytes. The read cannot block: poll saw the eventfd readable, and only the
        // owner, which is this thread, reads it.
        let read = unsafe { libc::read(fd, count.as_mut_ptr().cast(), count.len()) };
        if read < 0 { Err(io::Error::last_os_error()) } else { Ok(true) }
    }
}

impl AsFd for Waker {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.eventfd.as_fd()
    }
}

/// An eventfd is read and written as one number of so many bytes.
pub(crate) const EVENTFD_BYTES: usize = size_of::<u64>();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wake_before_the_wait_is_not_lost() {
        let waker = Waker::new().unwrap();
        waker.wake();
        assert!(waker.wait(None).unwrap());
        assert!(!waker.wait(Some(Duration::from_millis(1))).unwrap());
    }

    #[test]
    fn a_wake_from_another_thread_ends_the_wait() {
        let waker = Waker::new().unwrap();
        let other = waker.clone();
        let thread = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(20));
            other.wake();
        });
        assert!(waker.wait(Some(Duration::from_secs(30))).unwrap());
        thread.join().unwrap();
    }

    #[test]
    fn two_threads_hand_a_token_back_and_forth_without_losing_it() {
        let (ours, theirs) = (Waker::new().unwrap(), Waker::new().unwrap());
        let (us, them) = (ours.clone(), theirs.clone());
        let thread = std::thread::spawn(move || {
            for _ in 0..20_000 {
                while !them.wait(Some(Duration::from_secs(30))).unwrap() {}
                us.wake();
            }
        });
        let begin = Instant::now();
        for _ in 0..20_000 {
            theirs.wake();
            assert!(ours.wait(Some(Duration::from_secs(30))).unwrap());
        }
        assert!(begin.elapsed() < Duration::from_secs(30), "a wake was lost and a time-out helped");
        thread.join().unwrap();
    }
}
