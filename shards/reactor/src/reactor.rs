//! What a shard does I/O with: verbs in, events out.
//!
//! # Invariants
//! - Everything an operation owns stays until the kernel has let go of it; also when the reactor is dropped.
//! - Every operation ends with exactly one final event, which a later `poll` brings; no verb fails at once, and only
//!   `send_at_once` may have succeeded at once.
//!
//! # Not here
//! How it is done: on a ring (`ring_reactor.rs`), or, for files only, on a simulated disk (`simulation/reactor.rs`).

use std::net::TcpListener;
use std::time::Instant;

use ::types::FilePosition;
use bytes::Bytes;

use crate::chunk::ChunkSlice;
use crate::error::ReactorError;
use crate::event::{Event, Token};
use crate::features::Features;
use crate::file::{File, SimulatedFile};
use crate::offload::Pace;
use crate::options::Options;
use crate::ring_reactor::RingReactor;
use crate::simulation::SimulatedReactor;
use crate::socket::Socket;
use crate::transfer::Sync;
use crate::waker::Waker;

/// The reactor of one shard. Lives and dies on the shard's thread.
pub struct Reactor {
    backing: Backing,
}

#[expect(clippy::large_enum_variant, reason = "one per shard, and the large one is the usual one")]
enum Backing {
    Ring(RingReactor),
    Simulated(Box<SimulatedReactor>),
}

/// Running totals of one reactor, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// System calls on the ring (glommio's own for sleeping are not among them).
    pub enters: u64,
    /// Completions of the kernel.
    pub completions: u64,
    /// How often the shard has slept.
    pub sleeps: u64,
}

impl Reactor {
    /// A reactor for the calling thread, woken by `waker`, which no other reactor may have.
    pub fn new(options: Options, waker: Waker) -> Result<Self, ReactorError> {
        RingReactor::new(options, waker).map(|ring| Self { backing: Backing::Ring(ring) })
    }

    pub(crate) fn simulated(simulated: SimulatedReactor) -> Self {
        Self { backing: Backing::Simulated(Box::new(simulated)) }
    }

    /// Which of the kernel's abilities are in use.
    ///
    /// # Panics
    /// In a simulation, as all verbs for sockets do: there is no kernel in it.
    #[must_use]
    pub fn features(&self) -> Features {
        match &self.backing {
            Backing::Ring(ring) => ring.features(),
            Backing::Simulated(_) => no_ring(),
        }
    }

    /// Accepts connections on `listener` until [`stop_accepting`](Self::stop_accepting).
    pub fn accept(&mut self, listener: TcpListener, token: Token) {
        self.ring().accept(listener, token);
    }

    /// Closes all listeners given to [`accept`](Self::accept), as soon as the kernel lets go. A connection that
    /// was accepted already may still be reported.
    pub fn stop_accepting(&mut self) {
        self.ring().stop_accepting();
    }

    /// Receives from `socket` until its end or [`pause`](Self::pause).
    ///
    /// # Panics
    /// When a receive with this token has not ended yet.
    pub fn receive(&mut self, socket: &Socket, token: Token) {
        self.ring().receive(socket, token);
    }

    /// Receives once, at most `len_max` bytes; then the receive has ended, with `Paused`.
    ///
    /// # Panics
    /// When a receive or fill with this token has not ended yet.
    pub fn receive_once(&mut self, socket: &Socket, len_max: usize, token: Token) {
        self.ring().receive_once(socket, len_max, token);
    }

    /// Receives behind what is in `buffer` until it is `target` bytes long: without the copy that `receive` costs.
    ///
    /// # Panics
    /// When a receive or fill with this token has not ended yet, or the buffer's capacity is below `target`.
    pub fn fill(&mut self, socket: &Socket, buffer: Vec<u8>, target: usize, token: Token) {
        self.ring().fill(socket, buffer, target, token);
    }

    /// Ends the receive or fill with this token. What has come already is still delivered, then `ReceiveEnded`, normally
    /// with `Paused`, or `Filled`. Without such a receive nothing happens.
    pub fn pause(&mut self, token: Token) {
        self.ring().pause(token);
    }

    /// Sends all of `bytes`, in order, without copying. One send at a time per socket, else their parts may mix.
    pub fn send(&mut self, socket: &Socket, bytes: Vec<Bytes>, token: Token) {
        self.ring().send(socket, bytes, token);
    }

    /// The same for an answer that goes alone: what the socket takes is sent before this returns. Returns whether that was
    /// all of it, and then no event follows. Several answers are sent cheaper together, by the next `poll` or `park`.
    #[must_use]
    pub fn send_at_once(&mut self, socket: &Socket, bytes: Vec<Bytes>, token: Token) -> bool {
        self.ring().send_at_once(socket, bytes, token)
    }

    /// Ends the connection in both directions: receives and sends in flight end soon.
    pub fn shutdown(&mut self, socket: &Socket) {
        self.ring().shutdown(socket);
    }

    /// Writes `slices` one after the other at `at`, and syncs if asked. For direct files `at` and every slice
    /// must be block-aligned. Writes to one file may be in flight together; their order is not defined.
    pub fn write(
        &mut self,
        file: &File,
        at: FilePosition,
        slices: Vec<ChunkSlice>,
        sync: Sync,
        token: Token,
    ) {
        match &mut self.backing {
            Backing::Ring(ring) => ring.write(file, at, slices, sync, token),
            Backing::Simulated(simulated) => simulated.write(simulated_file(file), at, slices, sync, token),
        }
    }

    /// Makes everything durable that was written to `file` before (fdatasync); ends as `Wrote`.
    pub fn sync(&mut self, file: &File, token: Token) {
        self.write(file, FilePosition::ZERO, Vec::new(), Sync::Data, token);
    }

    /// Reads `len` bytes at `at`; any alignment will do.
    pub fn read(&mut self, file: &File, at: FilePosition, len: usize, token: Token) {
        match &mut self.backing {
            Backing::Ring(ring) => ring.read(file, at, len, token),
            Backing::Simulated(simulated) => simulated.read(simulated_file(file), at, len, token),
        }
    }

    /// Runs `work`, for which somebody waits, on a blocking thread, and wakes the shard when it is done. The result travels
    /// by whatever `work` carries.
    pub fn offload(&mut self, work: impl FnOnce() + Send + 'static) {
        self.offload_at(Pace::Prompt, work);
    }

    /// [`Self::offload`] at another pace.
    pub fn offload_at(&mut self, pace: Pace, work: impl FnOnce() + Send + 'static) {
        match &mut self.backing {
            Backing::Ring(ring) => ring.offload(pace, work),
            Backing::Simulated(simulated) => simulated.offload(work),
        }
    }

    /// The handle that wakes this reactor from anywhere.
    #[must_use]
    pub fn waker(&self) -> Waker {
        match &self.backing {
            Backing::Ring(ring) => ring.waker(),
            Backing::Simulated(simulated) => simulated.waker().clone(),
        }
    }

    /// Hands over what the verbs have queued, and appends what has happened to `events`. Never blocks.
    pub fn poll(&mut self, events: &mut Vec<Event>) {
        match &mut self.backing {
            Backing::Ring(ring) => ring.poll(events),
            Backing::Simulated(simulated) => simulated.poll(events),
        }
    }

    /// Sleeps until a completion, a wake or `until`; may return earlier. Background tasks run meanwhile. Returns at once
    /// while there is something to `poll` for.
    ///
    /// # Panics
    /// With background tasks outside of a shard's thread.
    pub async fn park(&mut self, until: Option<Instant>) {
        if let Backing::Ring(ring) = &mut self.backing {
            ring.park(until).await;
        }
    }

    /// How many operations the kernel has, or wait here for something.
    #[must_use]
    pub fn operations_in_flight(&self) -> usize {
        match &self.backing {
            Backing::Ring(ring) => ring.operations_in_flight(),
            Backing::Simulated(simulated) => simulated.operations_in_flight(),
        }
    }

    /// What this reactor has done so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        match &self.backing {
            Backing::Ring(ring) => ring.counts(),
            Backing::Simulated(_) => Counts::default(),
        }
    }

    fn ring(&mut self) -> &mut RingReactor {
        match &mut self.backing {
            Backing::Ring(ring) => ring,
            Backing::Simulated(_) => no_ring(),
        }
    }
}

fn no_ring() -> ! {
    panic!("a simulated reactor has neither a ring nor sockets");
}

fn simulated_file(file: &File) -> &SimulatedFile {
    file.simulated().expect("a simulated reactor works on files of a simulated disk")
}
