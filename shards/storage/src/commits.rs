//! Whether producers need a disk at present, as all shards that share it see it.
//!
//! # Hot path
//! A commit reads one number; it is written a few times a second, so that cores hardly ever wait for each other's caches.

use std::sync::atomic::{AtomicI64, Ordering};

use types::TimestampMs;

/// So long after a commit another one is expected at any time.
const GOING_ON_MS: i64 = 200;
/// Commits that follow each other sooner than this are not noted one by one.
const NOTED_EVERY_MS: i64 = 50;

const _: () = assert!(NOTED_EVERY_MS < GOING_ON_MS);

/// When a commit was begun last, about. Lives with its log directory.
#[derive(Debug, Default)]
pub(crate) struct Commits {
    last_ms: AtomicI64,
}

impl Commits {
    /// A commit begins.
    pub(crate) fn note(&self, now: TimestampMs) {
        if (now.0 - self.last_ms.load(Ordering::Relaxed)).abs() >= NOTED_EVERY_MS {
            self.last_ms.store(now.0, Ordering::Relaxed);
        }
    }

    /// Whether there was one a moment ago.
    pub(crate) fn are_going_on(&self, now: TimestampMs) -> bool {
        // Clocks may be set back.
        (now.0 - self.last_ms.load(Ordering::Relaxed)).abs() < GOING_ON_MS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_go_on_for_a_moment_after_the_last_one_also_when_the_clock_is_set_back() {
        let commits = Commits::default();
        let at = |ms| TimestampMs(1_000_000 + ms);
        assert!(!commits.are_going_on(at(0)));
        for ms in 0..1000 {
            commits.note(at(ms));
            assert!(commits.are_going_on(at(ms)));
        }
        assert!(commits.are_going_on(at(1000 + GOING_ON_MS - NOTED_EVERY_MS - 1)));
        assert!(!commits.are_going_on(at(1000 + GOING_ON_MS)));
        commits.note(at(-500_000));
        assert!(commits.are_going_on(at(-500_000)));
    }
}
