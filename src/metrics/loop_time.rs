//! How a shard's thread has spent its time, as the kernel's scheduler tells it: asked when somebody wants to know, so that
//! the loop itself measures nothing.
//!
//! # Invariants
//! - No part ever falls, and together they are never more than the time since the loop began.

use std::time::{Duration, Instant};

/// What a thread does with its time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoopTime {
    /// On a processor, also in the kernel.
    pub running: Duration,
    /// It had something to do, and others had the processors.
    pub ready: Duration,
    /// It had nothing to do, or waited for the kernel.
    pub parked: Duration,
}

/// The time of the thread on which it was made.
#[derive(Debug)]
pub struct LoopTimer {
    began: Instant,
    before: Scheduled,
    last: LoopTime,
}

/// What the scheduler has counted for a thread since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Scheduled {
    running: Duration,
    ready: Duration,
}

impl LoopTimer {
    /// Begins now. `None` if the kernel does not count.
    pub fn begin() -> Option<Self> {
        Scheduled::read().map(|before| Self { began: Instant::now(), before, last: LoopTime::default() })
    }

    /// How the time was spent since the beginning.
    pub fn read(&mut self) -> LoopTime {
        if let Some(now) = Scheduled::read() {
            self.note(self.began.elapsed(), now);
        }
        self.last
    }

    /// The scheduler counts what is under way later, by a tick at most: what is left of the time may seem to be less than
    /// it was.
    fn note(&mut self, elapsed: Duration, now: Scheduled) {
        let running = now.running.saturating_sub(self.before.running).max(self.last.running);
        let ready = now.ready.saturating_sub(self.before.ready).max(self.last.ready);
        let parked = elapsed.saturating_sub(running + ready).max(self.last.parked);
        self.last = LoopTime { running, ready, parked };
    }
}

impl Scheduled {
    fn read() -> Option<Self> {
        Self::parse(&std::fs::read_to_string("/proc/thread-self/schedstat").ok()?)
    }

    /// Out of the nanoseconds of both and a number of turns. A kernel that does not count says zero, which cannot be.
    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_ascii_whitespace().map(|word| word.parse().map(Duration::from_nanos).ok());
        let (running, ready) = (words.next()??, words.next()??);
        (!running.is_zero()).then_some(Self { running, ready })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn what_the_scheduler_says_is_understood_or_unknown() {
        let of = |text| Scheduled::parse(text).map(|found| (found.running, found.ready));
        assert_eq!(of("2000000 1000000 7\n"), Some((ms(2), ms(1))));
        for text in ["", "2000000", "x 1 2", "0 0 0\n", "-1 0 0"] {
            assert_eq!(of(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_neither_running_nor_ready_is_parked_and_nothing_falls() {
        let before = Scheduled { running: ms(100), ready: ms(10) };
        let mut timer = LoopTimer { began: Instant::now(), before, last: LoopTime::default() };
        let mut after = |elapsed: u64, running: u64, ready: u64| {
            timer.note(ms(elapsed), Scheduled { running: ms(100 + running), ready: ms(10 + ready) });
            (timer.last.running, timer.last.ready, timer.last.parked)
        };
        assert_eq!(after(50, 20, 5), (ms(20), ms(5), ms(25)));
        // Busy all the time, of which the scheduler has not counted the last four milliseconds, and then has.
        assert_eq!(after(60, 26, 5), (ms(26), ms(5), ms(29)));
        assert_eq!(after(61, 31, 5), (ms(31), ms(5), ms(29)));
        assert_eq!(after(62, 38, 5), (ms(38), ms(5), ms(29)), "more than there was");
    }

    #[test]
    fn a_thread_that_sleeps_is_parked_and_one_that_works_is_not() {
        let Some(mut timer) = LoopTimer::begin() else {
            eprintln!(
                "SKIPPED: a_thread_that_sleeps_is_parked_and_one_that_works_is_not: this kernel counts no threads' time"
            );
            return;
        };
        let begin = Instant::now();
        while timer.read().running < ms(30) {
            std::hint::spin_loop();
        }
        let worked = timer.read();
        // A tick is 10 ms at most, and reading takes its time, too.
        assert!(worked.parked <= ms(20) + begin.elapsed() / 10, "{worked:?} in {:?}", begin.elapsed());
        std::thread::sleep(ms(100));
        let slept = timer.read();
        assert!(slept.parked >= worked.parked + ms(90), "{slept:?} after {worked:?}");
    }
}
