//! Where a request's time went: from the first byte of its frame to the last one of its answer, without a gap.
//! Times in, durations out; no clock.
//!
//! # Invariants
//! - The stages add up to the whole time, to the nanosecond: each moment between the two ends belongs to one of them.
//!
//! # Hot path
//! A few words that travel with the request; nothing is looked up.

use std::time::Instant;

/// The key of an API that is not known.
pub const NO_API: i16 = -1;

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
    first: Instant,
    last: Instant,
    spent_ns: [u64; Stage::ALL.len()],
}

impl Timeline {
    /// A request begins.
    #[must_use]
    pub fn begin(now: Instant) -> Self {
        Self { api_key: NO_API, first: now, last: now, spent_ns: [0; Stage::ALL.len()] }
    }

    /// All the time up to `now` that belongs to no stage yet belongs to this one. A time that has passed already, because
    /// it was read before another one was, adds nothing.
    #[inline]
    pub fn mark(&mut self, stage: Stage, now: Instant) {
        if let Some(more) = now.checked_duration_since(self.last) {
            self.spent_ns[stage as usize] += more.as_nanos() as u64;
            self.last = now;
        }
    }

    /// What a stage has taken so far, in nanoseconds.
    #[must_use]
    pub fn spent_ns(&self, stage: Stage) -> u64 {
        self.spent_ns[stage as usize]
    }

    /// What everything has taken so far, in nanoseconds.
    #[must_use]
    pub fn total_ns(&self) -> u64 {
        self.last.duration_since(self.first).as_nanos() as u64
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn stages_add_up_whatever_the_order_of_the_times() {
        let start = Instant::now();
        let at = |us| start + Duration::from_micros(us);
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
