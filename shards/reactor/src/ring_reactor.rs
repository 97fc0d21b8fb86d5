//! The ring of one shard with everything that goes through it: verbs in, events out.
//!
//! # Hot path
//! `poll` makes at most one system call, and none when nothing is to be handed over or worked off.
//!
//! # Invariants
//! - Everything an operation owns stays until the kernel has let go of it; also when the reactor is dropped.
//! - Every operation ends with exactly one final event, which a later `poll` brings; no verb fails at once.
//!
//! # Not here
//! Each operation's own life (`accept.rs`, `receive.rs`, `send.rs`, `transfer.rs`); sleeping (`park.rs`).

use std::collections::{HashMap, VecDeque};
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::{Duration, Instant};

use ::types::FilePosition;
use bytes::Bytes;
use io_uring::{cqueue, opcode};

use crate::accept::Accept;
use crate::chunk::ChunkSlice;
use crate::error::ReactorError;
use crate::event::{Event, ReceiveEnd, Token};
use crate::features::Features;
use crate::file::File;
use crate::fill::Fill;
use crate::offload::{Offload, Pace};
use crate::operation::{Completion, Context, Operation, OperationId, Operations, Step, TIMER, UNHEARD, WAKE};
use crate::options::Options;
use crate::park::Sleeper;
use crate::pool::Pool;
use crate::reactor::Counts;
use crate::receive::Receive;
use crate::ring::Ring;
use crate::send::Send;
use crate::socket::Socket;
use crate::transfer::{Read, Sync, Write};
use crate::waker::Waker;

/// The backing of a real reactor.
pub(crate) struct RingReactor {
    pub(crate) ring: Ring,
    features: Features,
    operations: Operations,
    /// Receives and fills by their token, for `pause`.
    receives: HashMap<Token, OperationId>,
    pool: Rc<Pool>,
    starved: VecDeque<OperationId>,
    pub(crate) resume_accepts: Option<Instant>,
    /// Events that came about without the kernel; the next `poll` brings them.
    pub(crate) ready: Vec<Event>,
    completions: Vec<cqueue::Entry>,
    completed: u64,
    pub(crate) sleeper: Sleeper,
    offload: Offload,
}

impl RingReactor {
    /// A reactor for the calling thread, woken by `waker`, which no other reactor may have.
    pub(crate) fn new(options: Options, waker: Waker) -> Result<Self, ReactorError> {
        let mut ring = Ring::new(&options)?;
        let features = Features::of(&ring, &options)?;
        let mut pool = Pool::new(&options)?;
        if features.multishot_receive {
            pool.offer_to_kernel(ring.uring()).map_err(ReactorError::Ring)?;
        }
        let sleeper = Sleeper::new(waker.clone(), options.spin, &mut ring).map_err(ReactorError::Eventfd)?;
        Ok(Self {
            ring,
            features,
            operations: Operations::new(),
            receives: HashMap::new(),
            pool: Rc::new(pool),
            starved: VecDeque::new(),
            resume_accepts: None,
            ready: Vec::new(),
            completions: Vec::new(),
            completed: 0,
            sleeper,
            offload: Offload::new(options.offload_threads, waker),
        })
    }

    /// Which of the kernel's abilities are in use.
    pub(crate) fn features(&self) -> Features {
        self.features
    }

    /// Accepts connections on `listener` until [`stop_accepting`](Self::stop_accepting).
    pub(crate) fn accept(&mut self, listener: TcpListener, token: Token) {
        // io_uring waits only on blocking sockets. If this fails the accept itself will, and report it.
        if let Err(error) = listener.set_nonblocking(false) {
            tracing::debug!(%error, "making a listener blocking");
        }
        let listener = OwnedFd::from(listener);
        let id = self.operations.insert(Operation::Accept(Accept::new(listener, token)));
        if let Some(Operation::Accept(accept)) = self.operations.get_mut(id) {
            accept.arm(id, self.features.multishot_accept, &mut self.ring);
        }
    }

    /// Closes all listeners given to [`accept`](Self::accept), as soon as the kernel lets go. A connection that
    /// was accepted already may still be reported.
    pub(crate) fn stop_accepting(&mut self) {
        let accepts: Vec<OperationId> = self
            .operations
            .iter()
            .filter(|(_, operation)| matches!(operation, Operation::Accept(_)))
            .map(|(id, _)| id)
            .collect();
        for id in accepts {
            let Some(Operation::Accept(accept)) = self.operations.get_mut(id) else { continue };
            if accept.stop() {
                self.cancel(id);
            } else {
                self.operations.remove(id);
            }
        }
        self.resume_accepts = None;
    }

    /// Receives from `socket` until its end or [`pause`](Self::pause).
    ///
    /// # Panics
    /// When a receive with this token has not ended yet.
    pub(crate) fn receive(&mut self, socket: &Socket, token: Token) {
        self.begin_receive(Receive::new(socket.share(), token));
    }

    /// Receives at most `len_max` bytes once.
    pub(crate) fn receive_once(&mut self, socket: &Socket, len_max: usize, token: Token) {
        self.begin_receive(Receive::once(socket.share(), len_max, token));
    }

    fn begin_receive(&mut self, receive: Receive) {
        let token = receive.token();
        let id = self.operations.insert(Operation::Receive(receive));
        self.note_receive(token, id);
        if let Some(Operation::Receive(receive)) = self.operations.get_mut(id) {
            receive.arm(id, self.pool.is_offered(), &mut self.ring);
        }
    }

    /// Receives into `buffer` until it is `target` bytes long.
    pub(crate) fn fill(&mut self, socket: &Socket, buffer: Vec<u8>, target: usize, token: Token) {
        let fill = Fill::new(socket.share(), buffer, target, token);
        let id = self.operations.insert(Operation::Fill(Box::new(fill)));
        self.note_receive(token, id);
        if let Some(Operation::Fill(fill)) = self.operations.get_mut(id) {
            fill.arm(id, &mut self.ring);
        }
    }

    fn note_receive(&mut self, token: Token, id: OperationId) {
        let before = self.receives.insert(token, id);
        assert!(before.is_none(), "two receives with the same token at a time");
    }

    /// Ends the receive with this token. What has come already is still delivered, then `ReceiveEnded`, normally
    /// with `Paused`. Without such a receive nothing happens.
    pub(crate) fn pause(&mut self, token: Token) {
        let Some(&id) = self.receives.get(&token) else { return };
        let is_with_kernel = match self.operations.get_mut(id) {
            Some(Operation::Receive(receive)) => receive.pause(),
            Some(Operation::Fill(fill)) => {
                fill.pause();
                true
            }
            _ => return,
        };
        if is_with_kernel {
            self.cancel(id);
        } else {
            self.operations.remove(id);
            self.receives.remove(&token);
            self.ready.push(Event::ReceiveEnded { token, end: ReceiveEnd::Paused });
        }
    }

    /// Sends all of `bytes`, in order, without copying. One send at a time per socket, else their parts may mix.
    pub(crate) fn send(&mut self, socket: &Socket, bytes: Vec<Bytes>, token: Token) {
        let send = Send::new(socket.share(), bytes, token);
        if send.is_empty() {
            self.ready.push(Event::Sent { token, result: Ok(0) });
            return;
        }
        self.begin_send(send);
    }

    /// Sends at once what the socket takes. Returns whether that was all; else `Sent` tells, as after `send`.
    pub(crate) fn send_at_once(&mut self, socket: &Socket, bytes: Vec<Bytes>, token: Token) -> bool {
        let mut send = Send::new(socket.share(), bytes, token);
        if send.is_empty() {
            return true;
        }
        match send.attempt() {
            Ok(true) => return true,
            Ok(false) => self.begin_send(send),
            Err(error) => self.ready.push(Event::Sent { token, result: Err(error) }),
        }
        false
    }

    fn begin_send(&mut self, send: Send) {
        let id = self.operations.insert(Operation::Send(Box::new(send)));
        if let Some(Operation::Send(send)) = self.operations.get_mut(id) {
            send.arm(id, &mut self.ring);
        }
    }

    /// Ends the connection in both directions: receives and sends in flight end soon.
    pub(crate) fn shutdown(&mut self, socket: &Socket) {
        socket.shutdown();
    }

    /// Writes `slices` one after the other at `at`, and syncs if asked. For direct files `at` and every slice
    /// must be block-aligned. Writes to one file may be in flight together; their order is not defined.
    pub(crate) fn write(
        &mut self,
        file: &File,
        at: FilePosition,
        slices: Vec<ChunkSlice>,
        sync: Sync,
        token: Token,
    ) {
        let write = Write::new(file.clone(), at, slices, sync, token);
        if write.is_empty() {
            self.ready.push(Event::Wrote { token, result: Ok(()) });
            return;
        }
        let id = self.operations.insert(Operation::Write(Box::new(write)));
        if let Some(Operation::Write(write)) = self.operations.get_mut(id) {
            write.arm(id, self.features.linked_sync, &mut self.ring);
        }
    }

    /// Reads `len` bytes at `at`; any alignment will do.
    pub(crate) fn read(&mut self, file: &File, at: FilePosition, len: usize, token: Token) {
        if len == 0 {
            self.ready.push(Event::Read { token, result: Ok(Bytes::new()) });
            return;
        }
        let id = self.operations.insert(Operation::Read(Box::new(Read::new(file.clone(), at, len, token))));
        if let Some(Operation::Read(read)) = self.operations.get_mut(id) {
            read.arm(id, &mut self.ring);
        }
    }

    /// Runs `work` on a blocking thread of this pace and wakes the shard when it is done.
    pub(crate) fn offload(&mut self, pace: Pace, work: impl FnOnce() + std::marker::Send + 'static) {
        self.offload.run(pace, work);
    }

    /// The handle that wakes this reactor from anywhere.
    pub(crate) fn waker(&self) -> Waker {
        self.sleeper.waker().clone()
    }

    /// Hands over what the verbs have queued, and appends what has happened to `events`. Never blocks.
    pub(crate) fn poll(&mut self, events: &mut Vec<Event>) {
        events.append(&mut self.ready);
        self.resume_accepting();
        self.feed_starved();
        self.ring.enter();
        let mut completions = std::mem::take(&mut self.completions);
        self.ring.drain(&mut completions);
        self.completed += completions.len() as u64;
        for completion in completions.drain(..) {
            self.complete(&completion, events);
        }
        self.completions = completions;
    }

    /// How many operations the kernel has, or wait here for something.
    pub(crate) fn operations_in_flight(&self) -> usize {
        self.operations.len()
    }

    /// What this reactor has done so far.
    pub(crate) fn counts(&self) -> Counts {
        Counts { enters: self.ring.enters(), completions: self.completed, sleeps: self.sleeper.sleeps() }
    }

    /// Whether `poll` could bring something at once.
    pub(crate) fn has_events(&mut self) -> bool {
        !self.ready.is_empty()
            || (!self.starved.is_empty() && self.pool.available() > 0)
            || self.ring.has_completions()
    }

    fn complete(&mut self, entry: &cqueue::Entry, events: &mut Vec<Event>) {
        match entry.user_data() {
            TIMER => return self.sleeper.bridge.timer_fired(),
            WAKE => return self.sleeper.woken(),
            UNHEARD => return,
            _ => {}
        }
        let (id, second_half) = OperationId::from_user_data(entry.user_data());
        let Some(operation) = self.operations.get_mut(id) else {
            debug_assert!(false, "a completion without an operation");
            return;
        };
        let completion = Completion { result: entry.result(), flags: entry.flags(), second_half };
        let mut context = Context {
            id,
            ring: &mut self.ring,
            pool: &self.pool,
            features: &self.features,
            starved: &mut self.starved,
            resume_accepts: &mut self.resume_accepts,
            events,
        };
        let step = match operation {
            Operation::Accept(accept) => accept.complete(completion, &mut context),
            Operation::Receive(receive) => receive.complete(completion, &mut context),
            Operation::Fill(fill) => fill.complete(completion, &mut context),
            Operation::Send(send) => send.complete(completion, &mut context),
            Operation::Write(write) => write.complete(completion, &mut context),
            Operation::Read(read) => read.complete(completion, &mut context),
        };
        if step == Step::Over {
            let token = match self.operations.remove(id) {
                Some(Operation::Receive(receive)) => receive.token(),
                Some(Operation::Fill(fill)) => fill.token(),
                _ => return,
            };
            self.receives.remove(&token);
        }
    }

    /// Receives that ran out of buffers go on as buffers come back, as many as there are buffers.
    fn feed_starved(&mut self) {
        let fed = self.starved.len().min(self.pool.available());
        for id in self.starved.drain(..fed) {
            // One that was paused meanwhile is gone.
            if let Some(Operation::Receive(receive)) = self.operations.get_mut(id) {
                receive.arm(id, self.pool.is_offered(), &mut self.ring);
            }
        }
    }

    fn resume_accepting(&mut self) {
        if self.resume_accepts.is_none_or(|at| at > Instant::now()) {
            return;
        }
        self.resume_accepts = None;
        let resting: Vec<OperationId> = self
            .operations
            .iter()
            .filter(|(_, operation)| matches!(operation, Operation::Accept(accept) if !accept.is_armed()))
            .map(|(id, _)| id)
            .collect();
        for id in resting {
            if let Some(Operation::Accept(accept)) = self.operations.get_mut(id) {
                accept.arm(id, self.features.multishot_accept, &mut self.ring);
            }
        }
    }

    fn cancel(&mut self, id: OperationId) {
        self.cancel_named(id.user_data());
    }

    /// Calls off what has this `user_data`.
    pub(crate) fn cancel_named(&mut self, user_data: u64) {
        let entry = opcode::AsyncCancel::new(user_data).build().user_data(UNHEARD);
        // SAFETY: the entry points to no memory.
        unsafe { self.ring.push(entry) };
    }
}

/// How long a dropped reactor waits for the disk before it gives the buffers up for lost.
const LAST_COMPLETIONS_WAIT: Duration = Duration::from_secs(10);

impl Drop for RingReactor {
    fn drop(&mut self) {
        let ids: Vec<OperationId> = self.operations.iter().map(|(id, _)| id).collect();
        self.stop_accepting();
        for id in ids {
            match self.operations.get_mut(id) {
                Some(Operation::Receive(receive)) => {
                    receive.pause();
                    self.cancel(id);
                }
                Some(Operation::Fill(fill)) => {
                    fill.pause();
                    self.cancel(id);
                }
                // A send that is called off halfway would go on with the rest; this way it fails.
                Some(Operation::Send(send)) => send.shutdown(),
                // Accepts are being stopped, reads, writes and syncs end by themselves.
                _ => {}
            }
        }
        self.cancel_named(WAKE);
        let deadline = Instant::now() + LAST_COMPLETIONS_WAIT;
        let mut events = Vec::new();
        while self.sleeper.is_listening()
            || self.operations.iter().any(|(_, operation)| is_with_kernel(operation))
        {
            if Instant::now() > deadline {
                // The kernel may still write to them: leaking is the only safe way.
                tracing::error!(
                    operations = self.operations.len(),
                    "the kernel keeps buffers of a dropped reactor"
                );
                std::mem::forget(std::mem::replace(&mut self.operations, Operations::new()));
                std::mem::forget(Rc::clone(&self.pool));
                self.sleeper.leak();
                return;
            }
            self.ring.enter_and_wait(Some(deadline));
            self.poll(&mut events);
            events.clear();
        }
        self.pool.withdraw_from_kernel(self.ring.uring());
    }
}

fn is_with_kernel(operation: &Operation) -> bool {
    match operation {
        Operation::Accept(accept) => accept.is_armed(),
        Operation::Receive(receive) => receive.is_armed(),
        Operation::Fill(_) | Operation::Send(_) | Operation::Write(_) | Operation::Read(_) => true,
    }
}
