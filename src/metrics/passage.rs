//! Where the time went at the shard that owns the partitions of a request; the answer brings it home.

use std::time::{Duration, Instant};

use net::{Stage, Timeline};

/// From the moment an owner took up its part of a request to its answer: first it waits for room, then for its own disk
/// and for others, in turns.
#[derive(Clone, Copy, Debug)]
pub struct Passage {
    begun: Instant,
    queue_ns: u64,
    disk_ns: u64,
    wait_ns: u64,
}

impl Passage {
    /// The owner takes it up. An answer that is ready at once has nothing to add.
    pub fn begin(now: Instant) -> Self {
        Self { begun: now, queue_ns: 0, disk_ns: 0, wait_ns: 0 }
    }

    /// Until now it has waited for room.
    pub fn queued(&mut self, now: Instant) {
        self.queue_ns += self.since(now);
    }

    /// ... for the disk.
    pub fn on_disk(&mut self, now: Instant) {
        self.disk_ns += self.since(now);
    }

    /// ... for others.
    pub fn waited(&mut self, now: Instant) {
        self.wait_ns += self.since(now);
    }

    /// The time that is not accounted for.
    fn since(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.end()).as_nanos() as u64
    }

    fn end(&self) -> Instant {
        self.begun + Duration::from_nanos(self.queue_ns + self.disk_ns + self.wait_ns)
    }

    /// Takes over where the time went: on the way to the owner, and there. `disk` says what it had the disk do.
    pub fn add_to(&self, timeline: &mut Timeline, way: Stage, disk: Stage) {
        timeline.mark(way, self.begun);
        let mut end = self.begun;
        for (stage, ns) in [(Stage::Queue, self.queue_ns), (Stage::Wait, self.wait_ns), (disk, self.disk_ns)]
        {
            end += Duration::from_nanos(ns);
            timeline.mark(stage, end);
        }
    }
}
