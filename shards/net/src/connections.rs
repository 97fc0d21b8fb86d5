//! All connections of one shard, with their sockets: the reactor's events in, requests out, answers in.
//!
//! Events, answers and orders only change state; [`Connections::flush`] starts what follows from them at the reactor.
//! So a shard's loop is: deliver the reactor's events, take requests and answer them, `tick`, `flush`, poll again; and
//! it parks only when [`Connections::has_requests`] is false.
//!
//! # Hot path
//! A request costs the memory of its frame and nothing else here; a send takes over the answer's own vector.
//!
//! # Not here
//! What connections do (`connection.rs`) and who is next (`table.rs`): both know no sockets.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use reactor::{Event, Reactor, ReceiveEnd, Socket, Token};
use types::{ByteCount, ShardId};

use crate::admission::Admission;
use crate::connection::{End, Facts, Parts};
use crate::ids::{ConnectionId, ListenerIndex, Slot};
use crate::log_limit::LogLimit;
use crate::settings::Limits;
use crate::statistics::{CloseReason, Statistics};
use crate::surroundings::Effect;
use crate::table::Table;
use crate::timeline::{Moment, Timeline};

/// A request, in the order of its connection. Each one that was handed out must be answered with
/// [`Connections::reply`] once, even after its connection is gone: until then it counts as occupying memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Whose it is.
    pub connection: ConnectionId,
    /// Its number there.
    pub slot: Slot,
    /// The frame without its four length bytes.
    pub frame: Bytes,
    /// Where its time went so far; comes back with the answer.
    pub timeline: Timeline,
}

/// The connections of one shard; `S` is what the broker keeps for each (its principal, say, or its fetch session).
/// Lives as long as the shard.
pub struct Connections<S> {
    table: Table<S>,
    sockets: Vec<Option<Socket>>,
    admission: Arc<Admission>,
    effects: Vec<Effect>,
    moved: VecDeque<(ShardId, Moved<S>)>,
    now: Instant,
    refusals_logged: LogLimit,
    failures_logged: LogLimit,
}

/// A connection between two shards.
pub struct Moved<S> {
    fd: OwnedFd,
    parts: Parts<S>,
}

impl<S: Default> Connections<S> {
    /// The connections of `shard`: none yet.
    #[must_use]
    pub fn new(shard: ShardId, limits: Limits, admission: Arc<Admission>, now: Instant) -> Self {
        Self {
            table: Table::new(shard, limits, now),
            sockets: Vec::new(),
            admission,
            effects: Vec::new(),
            moved: VecDeque::new(),
            now,
            refusals_logged: LogLimit::default(),
            failures_logged: LogLimit::default(),
        }
    }

    /// Begins to accept connections.
    pub fn accept(&mut self, reactor: &mut Reactor, listener: TcpListener, index: ListenerIndex) {
        reactor.accept(listener, Token(index.token()));
    }

    /// Takes an event in, or gives it back if it is not about a connection.
    pub fn on_event(&mut self, event: Event) -> Option<Event> {
        match event {
            Event::Accepted { token, socket, peer } => match ListenerIndex::from_token(token.0) {
                Some(listener) => self.on_accepted(listener, socket, peer),
                None => return Some(Event::Accepted { token, socket, peer }),
            },
            Event::AcceptFailed { token, error } => match ListenerIndex::from_token(token.0) {
                Some(listener) => self.on_accept_failed(listener, &error),
                None => return Some(Event::AcceptFailed { token, error }),
            },
            Event::Received { token, data } => match ConnectionId::from_u64(token.0) {
                Some(id) => self.table.on_received(id, &data),
                None => return Some(Event::Received { token, data }),
            },
            Event::ReceiveEnded { token, end } => match ConnectionId::from_u64(token.0) {
                Some(id) => self.table.on_receive_ended(id, (&end).into()),
                None => return Some(Event::ReceiveEnded { token, end }),
            },
            Event::Filled { token, buffer, end } => match ConnectionId::from_u64(token.0) {
                Some(id) => self.table.on_filled(id, buffer, end.as_ref().map(End::from)),
                None => return Some(Event::Filled { token, buffer, end }),
            },
            Event::Sent { token, result } => match ConnectionId::from_u64(token.0) {
                Some(id) => self.table.on_sent(id, result.is_ok()),
                None => return Some(Event::Sent { token, result }),
            },
            other => return Some(other),
        }
        None
    }

    /// The next request: in turn among the connections, in order within each. Whoever cannot work on more (because
    /// the mesh is congested, say) does not ask; then nothing more is read than what fits the request memory.
    pub fn next_request(&mut self) -> Option<Request> {
        let (connection, slot, frame, timeline) = self.table.next_request()?;
        Some(Request { connection, slot, frame, timeline })
    }

    /// Whether [`Self::next_request`] may have something. Answers and flushes can bring up requests too, so look
    /// here before parking.
    #[must_use]
    pub fn has_requests(&self) -> bool {
        self.table.has_requests()
    }

    /// Answers a request with bytes that are ready for the wire, length and all; `None` if it has no answer. Answers
    /// may come in any order. The request's share of the memory is free from here on, so its frame should be too.
    /// `timeline` comes out of [`Self::next_timeline`] when the answer is out.
    ///
    /// # Panics
    /// When the request was answered before.
    pub fn reply(
        &mut self,
        connection: ConnectionId,
        slot: Slot,
        answer: Option<Vec<Bytes>>,
        timeline: Timeline,
    ) {
        self.table.answer(connection, slot, answer, timeline);
    }

    /// The next request that is over: its answer was sent, or it had none. In no particular order; one whose client has gone
    /// before is never told.
    pub fn next_timeline(&mut self) -> Option<Timeline> {
        self.table.next_timeline()
    }

    /// Says that the answer to a request may have so many bytes. They count as if they were waiting to be sent until it is
    /// there, so that whoever asks for much time and again, and reads nothing, is given one answer after the other.
    pub fn expect(&mut self, connection: ConnectionId, slot: Slot, bytes: usize) {
        self.table.expect(connection, slot, bytes);
    }

    /// Closes a connection at once; what was not sent is lost.
    pub fn close(&mut self, connection: ConnectionId) {
        self.table.abort(connection, CloseReason::ByBroker);
    }

    /// Takes no more requests from a connection, and closes it when all it has asked was answered.
    pub fn close_when_answered(&mut self, connection: ConnectionId) {
        self.table.finish(connection, CloseReason::ByBroker);
    }

    /// The longest frame of one connection, if it is to be another than [`Limits::frame_bytes_max`]: lower before a
    /// client is known, say. Holds from the next frame on.
    pub fn set_frame_bytes_max(&mut self, connection: ConnectionId, bytes: usize) {
        if let Some(connection) = self.table.get_mut(connection) {
            connection.frame_bytes_max = bytes;
        }
    }

    /// What the broker keeps for a connection; `None` when it is gone.
    #[must_use]
    pub fn session(&self, connection: ConnectionId) -> Option<&S> {
        self.table.get(connection).map(|connection| &connection.session)
    }

    /// The same, to change it.
    pub fn session_mut(&mut self, connection: ConnectionId) -> Option<&mut S> {
        self.table.get_mut(connection).map(|connection| &mut connection.session)
    }

    /// What is known about a connection from its beginning; `None` when it is gone.
    #[must_use]
    pub fn facts(&self, connection: ConnectionId) -> Option<Facts> {
        self.table.get(connection).map(|connection| connection.facts)
    }

    /// Whether nothing more is to come from a connection: its client has gone, or it is about to be closed. What it
    /// asked for need not wait for anything any longer.
    #[must_use]
    pub fn is_leaving(&self, connection: ConnectionId) -> bool {
        self.table.get(connection).is_none_or(|connection| connection.is_leaving())
    }

    /// Lets the clock go on: events that follow happen at `now`, and connections that are idle by then are closed.
    pub fn tick(&mut self, now: Instant) {
        self.now = now;
        self.table.tick(now);
    }

    /// When [`Self::tick`] is next needed.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.table.next_deadline()
    }

    /// Starts at the reactor what follows from everything that was said since the last time: receives, pauses and
    /// sends, several answers to one client in one send.
    pub fn flush(&mut self, reactor: &mut Reactor) {
        loop {
            let mut effects = std::mem::take(&mut self.effects);
            self.table.settle(&mut effects);
            if effects.is_empty() {
                self.effects = effects;
                return;
            }
            let sends = effects.iter().filter(|effect| matches!(effect, Effect::Send(..))).count();
            for effect in effects.drain(..) {
                match effect {
                    // Among several, those behind it would have to wait for its system call, and for the client that it wakes.
                    Effect::Send(id, slices) if sends == 1 => self.send_at_once(id, slices, reactor),
                    effect => self.apply(effect, reactor),
                }
            }
            self.effects = effects;
        }
    }

    /// Stops accepting, and takes no more requests from anybody; connections are closed as they get their last
    /// answers. Requests that have arrived are still handed out.
    pub fn stop(&mut self, reactor: &mut Reactor) {
        reactor.stop_accepting();
        self.table.stop();
    }

    /// After [`Self::stop`]: whether every request was answered, every answer sent, and every connection closed. How
    /// long to wait for that is the caller's choice; after [`Self::close_all`] only requests that were handed out and
    /// not answered are left.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.table.is_stopping() && self.table.is_empty() && self.moved.is_empty()
    }

    /// Closes every connection at once.
    pub fn close_all(&mut self) {
        self.table.abort_all(CloseReason::Stopping);
    }

    /// Prepares a connection to move to another shard: no further request of it is taken in, and when all are
    /// answered it comes out of [`Self::next_moved`], after a flush. If it is closed first, it does not. While a
    /// request of it waits for something, its client is not served otherwise; so choose a moment when none does.
    pub fn begin_hand_over(&mut self, connection: ConnectionId, target: ShardId) {
        self.table.leave_for(connection, target);
    }

    /// The next connection that has left, and for where.
    pub fn next_moved(&mut self) -> Option<(ShardId, Moved<S>)> {
        self.moved.pop_front()
    }

    /// Takes a connection over from another shard. `None` when that failed and the connection is closed.
    pub fn adopt(&mut self, moved: Moved<S>) -> Option<ConnectionId> {
        let socket = match Socket::from_fd(moved.fd) {
            Ok(socket) => socket,
            Err(error) => {
                tracing::warn!(peer = %moved.parts.facts.peer, %error, "lost a connection on its way to another shard");
                return None;
            }
        };
        let id = self.insert(socket, moved.parts)?;
        self.table.statistics_mut().adopted += 1;
        Some(id)
    }

    /// What was counted so far.
    #[must_use]
    pub fn statistics(&self) -> &Statistics {
        self.table.statistics()
    }

    /// The memory that requests occupy now.
    #[must_use]
    pub fn request_memory(&self) -> ByteCount {
        let (reserved, held) = self.table.request_memory();
        ByteCount(reserved + held)
    }

    fn on_accepted(&mut self, listener: ListenerIndex, socket: Socket, peer: SocketAddr) {
        if self.table.is_stopping() {
            return;
        }
        let permit = match self.admission.admit(listener, peer.ip()) {
            Ok(permit) => permit,
            Err(refused) => {
                self.table.statistics_mut().refused += 1;
                if let Some(suppressed) = self.refusals_logged.admit(self.now) {
                    tracing::warn!(%peer, listener = listener.0, suppressed, "refused a connection: {refused}");
                }
                return;
            }
        };
        let parts = Parts {
            facts: Facts { peer, listener },
            session: S::default(),
            permit: Some(permit),
            frame_bytes_max: self.table.frame_bytes_max(),
            unread: Vec::new(),
        };
        if self.insert(socket, parts).is_some() {
            self.table.statistics_mut().accepted += 1;
        }
    }

    fn on_accept_failed(&mut self, listener: ListenerIndex, error: &io::Error) {
        if matches!(error.kind(), ErrorKind::NotConnected | ErrorKind::ConnectionAborted) {
            tracing::debug!(listener = listener.0, %error, "a client was gone before it was accepted");
            return;
        }
        self.table.statistics_mut().accepts_failed += 1;
        if let Some(suppressed) = self.failures_logged.admit(self.now) {
            tracing::warn!(listener = listener.0, %error, suppressed, "cannot accept connections");
        }
    }

    fn insert(&mut self, socket: Socket, parts: Parts<S>) -> Option<ConnectionId> {
        let peer = parts.facts.peer;
        let Some(id) = self.table.insert(parts) else {
            self.table.statistics_mut().refused += 1;
            tracing::warn!(%peer, "refused a connection: the shard has no place for another");
            return None;
        };
        if self.sockets.len() <= id.index() {
            self.sockets.resize_with(id.index() + 1, || None);
        }
        if let Some(place) = self.sockets.get_mut(id.index()) {
            *place = Some(socket);
        }
        Some(id)
    }

    fn apply(&mut self, effect: Effect, reactor: &mut Reactor) {
        match effect {
            Effect::Receive(id) => {
                if let Some(socket) = self.socket(id) {
                    reactor.receive(socket, Token(id.as_u64()));
                }
            }
            Effect::ReceiveOnce(id, len_max) => {
                if let Some(socket) = self.socket(id) {
                    reactor.receive_once(socket, len_max, Token(id.as_u64()));
                }
            }
            Effect::Fill(id, buffer, target) => {
                if let Some(socket) = self.socket(id) {
                    reactor.fill(socket, buffer, target, Token(id.as_u64()));
                }
            }
            Effect::Pause(id) => reactor.pause(Token(id.as_u64())),
            Effect::Send(id, slices) => {
                if let Some(socket) = self.socket(id) {
                    reactor.send(socket, slices, Token(id.as_u64()));
                }
            }
            Effect::Shutdown(id) => {
                if let Some(socket) = self.socket(id) {
                    reactor.shutdown(socket);
                }
            }
            Effect::Close(id) => drop(self.take_socket(id)),
            Effect::Move(id, target) => self.move_out(id, target),
        }
    }

    fn send_at_once(&mut self, id: ConnectionId, slices: Vec<Bytes>, reactor: &mut Reactor) {
        let Some(socket) = self.socket(id) else { return };
        if reactor.send_at_once(socket, slices, Token(id.as_u64())) {
            self.table.reach(Moment::now());
            self.table.on_sent(id, true);
        }
    }

    fn move_out(&mut self, id: ConnectionId, target: ShardId) {
        match self.take_socket(id).map(Socket::into_fd) {
            Some(Ok(fd)) => {
                if let Some(parts) = self.table.take_out(id) {
                    self.table.statistics_mut().handed_over += 1;
                    self.moved.push_back((target, Moved { fd, parts }));
                }
            }
            Some(Err(socket)) => {
                if let Some(place) = self.sockets.get_mut(id.index()) {
                    *place = Some(socket);
                }
                self.table.stay(id);
            }
            None => {}
        }
    }

    fn socket(&self, id: ConnectionId) -> Option<&Socket> {
        self.sockets.get(id.index())?.as_ref()
    }

    fn take_socket(&mut self, id: ConnectionId) -> Option<Socket> {
        self.sockets.get_mut(id.index())?.take()
    }
}

impl<S> Moved<S> {
    /// What is known about the connection from its beginning.
    #[must_use]
    pub fn facts(&self) -> Facts {
        self.parts.facts
    }
}

impl<S> fmt::Debug for Moved<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Moved")
            .field("fd", &self.fd)
            .field("facts", &self.parts.facts)
            .finish_non_exhaustive()
    }
}

impl From<&ReceiveEnd> for End {
    fn from(end: &ReceiveEnd) -> Self {
        match end {
            ReceiveEnd::Closed => Self::Closed,
            ReceiveEnd::Paused => Self::Paused,
            ReceiveEnd::Failed(_) => Self::Broken,
        }
    }
}
