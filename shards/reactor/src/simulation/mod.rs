//! A simulated disk and reactors on it, for tests: everything that a machine may do to a log happens here, and a seed says
//! when.
//!
//! What is not synced is lost, kept, torn or reordered by a crash, sector by sector; changes of names and sizes happen in
//! order or not at all. Operations end in an order chosen by the seed, can fail, and the disk can be full.
//!
//! # Not here
//! Sockets and sleeping: a simulated reactor has none of it. Two pieces of offloaded work that run at the same time: each
//! runs to its end, or to the crash.

mod content;
mod copying;
mod directory;
mod random;
mod reactor;
mod state;
mod transfers;

use std::io;

use ::types::{ByteCount, TimestampMs};

pub use copying::Copying;
pub use random::Random;

pub(crate) use reactor::SimulatedReactor;
pub(crate) use state::{DescriptionId, NodeId, Shared};

use crate::disk::Disk;
use crate::reactor::Reactor;
use crate::waker::Waker;

pub(crate) const PAGE_BYTES: usize = content::PAGE_BYTES;

/// A machine with one disk. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Simulation {
    shared: Shared,
}

/// How everything stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// The process dies; the page cache, and with it all that was written, stays. What a failed sync has left in it as if it
    /// were clean does not: no later process could know.
    Process,
    /// The power fails: what was not synced is lost, or not.
    Power,
}

/// What an operation does, as far as failing is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Reading a file or a directory.
    Read,
    /// Writing to a file, cutting and extending it.
    Write,
    /// Making a file or a directory durable.
    Sync,
    /// Reserving room.
    Allocate,
    /// Opening, creating, renaming, removing.
    Name,
}

/// Operations that fail.
#[derive(Clone, Copy, Debug)]
pub struct Failure {
    /// Which.
    pub kind: Kind,
    /// How many of them succeed before.
    pub after: u64,
    /// How many fail then.
    pub times: u64,
    /// With which error of the operating system.
    pub errno: i32,
}

impl Simulation {
    /// A machine with an empty disk. Whether files can be opened past the page cache is up to the seed, too.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let has_direct = !random.one_in(4);
        Self { shared: Shared::new(state::State::new(random, has_direct)) }
    }

    /// Its file system.
    #[must_use]
    pub fn disk(&self) -> Disk {
        Disk::simulated(self.shared.clone())
    }

    /// A reactor of one of its shards. Fails when the process has no file descriptors left for a waker.
    pub fn reactor(&self) -> io::Result<Reactor> {
        let waker = Waker::new()?;
        Ok(Reactor::simulated(SimulatedReactor::new(self.shared.clone(), waker)))
    }

    /// Tells the file system the time.
    pub fn set_now(&self, now: TimestampMs) {
        self.shared.lock().now = now;
    }

    /// How many bytes fit onto the disk; `None` for any number. May be less than what is there.
    pub fn set_capacity(&self, bytes: Option<ByteCount>) {
        self.shared.lock().capacity_pages = bytes.map(|bytes| bytes.0 / PAGE_BYTES as u64);
    }

    /// Has operations fail.
    pub fn fail(&self, failure: Failure) {
        self.shared.lock().failures.push(failure);
    }

    /// Nothing fails any more.
    pub fn heal(&self) {
        self.shared.lock().failures.clear();
    }

    /// How many operations there were so far.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.shared.lock().operations
    }

    /// Stops everything after so many more operations; `None` calls that off.
    pub fn stop_after(&self, operations: Option<u64>) {
        self.shared.lock().stop_after = operations;
    }

    /// Whether everything has stopped. Then all operations fail, and nothing has an effect.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.shared.lock().is_stopped
    }

    /// The machine that comes up after this one has crashed, which it does now unless it has stopped before.
    #[must_use]
    pub fn restart(&self, crash: Crash) -> Self {
        let state = self.shared.lock().after(crash);
        Self { shared: Shared::new(state) }
    }

    /// A machine of its own, with what the disk of this one shows at present. This one goes on.
    #[must_use]
    pub fn copy(&self) -> Self {
        let state = self.shared.lock().copy();
        Self { shared: Shared::new(state) }
    }

    /// Begins to copy the disk, piece by piece, while this machine goes on.
    #[must_use]
    pub fn begin_copy(&self) -> Copying {
        Copying::new(self.shared.clone())
    }
}
