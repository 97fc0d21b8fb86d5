//! Where the time went at the shard that owns the partitions of a request; the answer brings it home.

use net::{Moment, Stage, Timeline};

/// From the moment an owner took up its part of a request to its answer: first it waits for room, then for its own disk
/// and for others, in turns.
#[derive(Clone, Copy, Debug)]
pub struct Passage {
    begun: Moment,
    queue_ns: u64,
    disk_ns: u64,
    wait_ns: u64,
}

impl Passage {
    /// The owner takes it up. An answer that is ready at once has nothing to add.
    pub fn begin(now: Moment) -> Self {
        Self { begun: now, queue_ns: 0, disk_ns: 0, wait_ns: 0 }
    }

    /// Until now it has waited for room.
    pub fn queued(&mut self, now: Moment) {
        self.queue_ns += self.since(now);
    }

    /// ... for the disk.
    pub fn on_disk(&mut self, now: Moment) {
        self.disk_ns += self.since(now);
    }

    /// ... for others.
    pub fn waited(&mut self, now: Moment) {
        self.wait_ns += self.since(now);
    }

    /// The time that is not accounted for.
    fn since(&self, now: Moment) -> u64 {
        now.ns_since(self.end())
    }

    fn end(&self) -> Moment {
        self.begun.plus_ns(self.queue_ns + self.disk_ns + self.wait_ns)
    }

    /// Takes over where the time went: on the way to the owner, and there. `disk` says what it had the disk do.
    pub fn add_to(&self, timeline: &mut Timeline, way: Stage, disk: Stage) {
        timeline.mark(way, self.begun);
        let mut end = self.begun;
        for (stage, ns) in [(Stage::Queue, self.queue_ns), (Stage::Wait, self.wait_ns), (disk, self.disk_ns)]
        {
            end = end.plus_ns(ns);
            timeline.mark(stage, end);
        }
    }
}
