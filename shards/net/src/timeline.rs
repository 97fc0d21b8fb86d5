//! Where a request's time went: from the first byte of its frame to the last one of its answer, without a gap.
//! Times in, durations out; no clock.
//!
//! # Invariants
//! - The stages add up to the whole time, to the nanosecond: each moment between the two ends belongs to one of them.
//!
//! # Hot path
//! A few words that travel with the request; nothing is looked up.

use std::sync::OnceLock;
use std::time::Instant;

/// The key of an API that is not known.
pub const NO_API: i16 = -1;

/// A time on the monotonic clock in nanoseconds since this was first asked for one: what is added and compared a dozen
/// times for each request should be one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(u64);

impl Moment {
    /// This moment.
    #[must_use]
    pub fn now() -> Self {
        Self::of(Instant::now())
    }

    /// A time that was read before.
    #[must_use]
    pub fn of(instant: Instant) -> Self {
        static FIRST: OnceLock<Instant> = OnceLock::new();
        let since = instant.saturating_duration_since(*FIRST.get_or_init(|| instant));
        Self(since.as_secs() * 1_000_000_000 + u64::from(since.subsec_nanos()))
    }

    /// How long after an `earlier` moment it is, in nanoseconds; 0 if it is not.
    #[must_use]
    pub fn ns_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// So many nanoseconds later.
    #[must_use]
    pub fn plus_ns(self, ns: u64) -> Self {
        Self(self.0.saturating_add(ns))
    }
}

/// What a request is waiting for, or being worked on for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Its frame is arriving.
    Socket,
    /// For memory, for older requests of its connection, or for its turn in the shard's loop.
    Queue,
    /// The shard decodes it, checks it, and puts its answer together.
    Work,
    /// On the way to the shard that owns the partition, and back.
    Hop,
    /// Its records are becoming durable.
    Commit,
    /// Its records are being read from disk.
    Read,
    /// For others: for records to come, or for the controller.
    Wait,
    /// Its answer waits for older ones of its connection and for the client to take it.
    Send,
}

impl Stage {
    /// All of them, in the order in which a request usually meets them.
    pub const ALL: [Self; 8] =
        [Self::Socket, Self::Queue, Self::Work, Self::Hop, Self::Commit, Self::Read, Self::Wait, Self::Send];

    /// A name for metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Socket => "socket",
            Self::Queue => "queue",
            Self::Work => "work",
            Self::Hop => "hop",
            Self::Commit => "commit",
            Self::Read => "read",
            Self::Wait => "wait",
            Self::Send => "send",
        }
    }
}

/// See the module. Travels with the request, and with its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// What is asked for, once that is known: nobody looks at it here.
    pub api_key: i16,
    first: Moment,
    last: Moment,
    spent_ns: [u64; Stage::ALL.len()],
}

impl Timeline {
    /// A request begins.
    #[must_use]
    pub fn begin(now: Moment) -> Self {
        Self { api_key: NO_API, first: now, last: now, spent_ns: [0; Stage::ALL.len()] }
    }

    /// All the time up to `now` that belongs to no stage yet belongs to this one. A time that has passed already, because
    /// it was read before another one was, adds nothing.
    #[inline]
    pub fn mark(&mut self, stage: Stage, now: Moment) {
        self.spent_ns[stage as usize] += now.ns_since(self.last);
        self.last = self.last.max(now);
    }

    /// What a stage has taken so far, in nanoseconds.
    #[must_use]
    pub fn spent_ns(&self, stage: Stage) -> u64 {
        self.spent_ns[stage as usize]
    }

    /// What everything has taken so far, in nanoseconds.
    #[must_use]
    pub fn total_ns(&self) -> u64 {
        self.last.ns_since(self.first)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn moments_are_as_far_apart_as_the_times_that_they_are_of() {
        let now = Instant::now();
        let (early, late) = (Moment::of(now), Moment::of(now + Duration::from_millis(7_001)));
        assert_eq!((late.ns_since(early), early.ns_since(late)), (7_001_000_000, 0));
        assert_eq!(early.plus_ns(7_001_000_000), late);
    }

    #[test]
    fn stages_add_up_whatever_the_order_of_the_times() {
        let start = Moment::now();
        let at = |us: u64| start.plus_ns(us * 1000);
        let mut timeline = Timeline::begin(at(10));
        let marks =
            [(Stage::Socket, 20), (Stage::Queue, 15), (Stage::Work, 21), (Stage::Hop, 5), (Stage::Send, 50)];
        marks.into_iter().for_each(|(stage, us)| timeline.mark(stage, at(us)));
        assert_eq!(timeline.total_ns(), 40_000);
        let spent = Stage::ALL.map(|stage| timeline.spent_ns(stage));
        assert_eq!(spent, [10_000, 0, 1_000, 0, 0, 0, 0, 29_000]);
        assert_eq!(spent.iter().sum::<u64>(), timeline.total_ns());
        assert!(Stage::ALL.iter().enumerate().all(|(at, stage)| *stage as usize == at));
    }
}
