//! One connection of a producer or consumer to one broker, on the ring.
//!
//! # Invariants
//! - Requests are answered in their order; what is unanswered when the connection breaks is handed back.
//! - At most one send is with the ring; what comes meanwhile goes out together after it.

use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use bytes::Bytes;
use protocol::{ApiKey, Request, encode_request};
use reactor::{Reactor, Socket, Token};
use types::BrokerId;

use crate::dial::{Address, Dialed, Spoken};
use crate::error::BenchError;
use crate::frames::Frames;
use crate::moment::Moment;
use crate::producer::Batch;

/// A request without its answer.
#[derive(Debug)]
pub(crate) struct Unanswered {
    pub(crate) correlation: i32,
    pub(crate) version: i16,
    pub(crate) asked: Moment,
    /// The batches of a Produce request; none for a fetch.
    pub(crate) batches: Vec<Batch>,
    /// Nobody will answer: it is over when it is sent.
    pub(crate) ends_when_sent: bool,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Link {
    /// Index of the producer or consumer it belongs to.
    pub(crate) member: usize,
    pub(crate) broker: BrokerId,
    pub(crate) address: Address,
    index: u32,
    /// Counts connections, so that events of an earlier one are not taken for those of this one.
    generation: u32,
    open: Option<Open>,
    pub(crate) unanswered: VecDeque<Unanswered>,
    next_correlation: i32,
    /// When it broke, until it is made again.
    pub(crate) broken: Option<Moment>,
    /// Whether somebody is making it.
    pub(crate) dialing: bool,
}

#[derive(Debug)]
struct Open {
    socket: Socket,
    spoken: Arc<Spoken>,
    frames: Frames,
    waiting: Vec<Bytes>,
    sending: bool,
    /// Requests of the send that is with the ring, and of the next.
    sent_requests: usize,
    waiting_requests: usize,
}

/// A connection that can go to another thread.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) member: usize,
    pub(crate) broker: BrokerId,
    pub(crate) address: Address,
    pub(crate) fd: OwnedFd,
    pub(crate) spoken: Arc<Spoken>,
}

impl Line {
    pub(crate) fn new(member: usize, broker: BrokerId, dialed: Dialed) -> Self {
        let Dialed { address, stream, spoken, .. } = dialed;
        Self { member, broker, address, fd: stream.into(), spoken }
    }
}

impl Link {
    /// A connection that is begun with later.
    pub(crate) fn new(index: u32, member: usize, broker: BrokerId, address: Address) -> Self {
        Self {
            member,
            broker,
            address,
            index,
            generation: 0,
            open: None,
            unanswered: VecDeque::new(),
            next_correlation: 0,
            broken: None,
            dialing: false,
        }
    }

    /// The link that a token belongs to, and its generation.
    pub(crate) fn of_token(token: Token) -> (usize, u32) {
        ((token.0 & u64::from(u32::MAX)) as usize, (token.0 >> 32) as u32)
    }

    fn token(&self) -> Token {
        Token(u64::from(self.generation) << 32 | u64::from(self.index))
    }

    /// Whether an event is of the connection that is open now.
    pub(crate) fn is_of(&self, generation: u32) -> bool {
        self.open.is_some() && self.generation == generation
    }

    pub(crate) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Begins to work over a connection.
    pub(crate) fn begin(
        &mut self,
        fd: OwnedFd,
        spoken: Arc<Spoken>,
        reactor: &mut Reactor,
    ) -> Result<(), BenchError> {
        let socket = Socket::from_fd(fd).map_err(|source| self.io("cannot use the connection", source))?;
        self.generation += 1;
        reactor.receive(&socket, self.token());
        self.open = Some(Open {
            socket,
            spoken,
            frames: Frames::default(),
            waiting: Vec::new(),
            sending: false,
            sent_requests: 0,
            waiting_requests: 0,
        });
        (self.broken, self.dialing) = (None, false);
        Ok(())
    }

    /// Queues a request; [`flush`](Self::flush) sends it.
    pub(crate) fn ask<R: Request>(
        &mut self,
        request: &R,
        batches: Vec<Batch>,
        ends_when_sent: bool,
        now: Moment,
    ) -> Result<(), BenchError> {
        let unsupported = BenchError::Unsupported { address: self.address.clone(), api: R::API };
        let Some(open) = &mut self.open else { return Err(unsupported) };
        let version = open.spoken.version(R::API).ok_or(unsupported)?;
        self.next_correlation = self.next_correlation.wrapping_add(1);
        let correlation = self.next_correlation;
        let pieces = encode_request(version, correlation, Some(open.spoken.client_id.clone()), request)?;
        open.waiting.extend(pieces);
        open.waiting_requests += 1;
        self.unanswered.push_back(Unanswered { correlation, version, asked: now, batches, ends_when_sent });
        Ok(())
    }

    /// Sends what is queued, if nothing is being sent.
    pub(crate) fn flush(&mut self, reactor: &mut Reactor) {
        let token = self.token();
        if let Some(open) = &mut self.open
            && !open.sending
            && !open.waiting.is_empty()
        {
            open.sending = true;
            open.sent_requests = std::mem::take(&mut open.waiting_requests);
            reactor.send(&open.socket, std::mem::take(&mut open.waiting), token);
        }
    }

    /// A send is over; returns the requests that end with it.
    pub(crate) fn sent(&mut self) -> Vec<Unanswered> {
        let Some(open) = &mut self.open else { return Vec::new() };
        open.sending = false;
        let requests = std::mem::take(&mut open.sent_requests);
        if self.unanswered.front().is_some_and(|first| first.ends_when_sent) {
            return self.unanswered.drain(..requests.min(self.unanswered.len())).collect();
        }
        Vec::new()
    }

    /// The next answer in `input`, with what it answers.
    pub(crate) fn answer(&mut self, input: &mut &[u8]) -> Result<Option<(Unanswered, Bytes)>, BenchError> {
        let Some(open) = &mut self.open else { return Ok(None) };
        let frame = match open.frames.take(input) {
            Ok(None) => return Ok(None),
            Ok(Some(frame)) => frame,
            Err(length) => return Err(self.not_kafka(&format!("an answer of {} bytes", length.0))),
        };
        let correlation = frame.first_chunk().map(|id| i32::from_be_bytes(*id));
        let is_asked = |first: &mut Unanswered| Some(first.correlation) == correlation;
        match self.unanswered.pop_front_if(is_asked) {
            Some(unanswered) => Ok(Some((unanswered, frame))),
            None => Err(self.not_kafka("it answers a question that was not asked")),
        }
    }

    /// Takes the memory of an answer back.
    pub(crate) fn give_back(&mut self, frame: Bytes) {
        if let Some(open) = &mut self.open {
            open.frames.give_back(frame);
        }
    }

    /// The connection is over. What was unanswered is handed back.
    pub(crate) fn close(&mut self, now: Moment, reactor: &mut Reactor) -> Vec<Unanswered> {
        if let Some(open) = self.open.take() {
            reactor.shutdown(&open.socket);
        }
        self.broken = Some(self.broken.unwrap_or(now));
        self.unanswered.drain(..).collect()
    }

    /// What was asked first and has no answer.
    pub(crate) fn oldest(&self) -> Option<Moment> {
        self.unanswered.front().map(|first| first.asked)
    }

    pub(crate) fn io(&self, what: &'static str, source: io::Error) -> BenchError {
        BenchError::Io { address: self.address.clone(), what, source }
    }

    pub(crate) fn decode(&self, api: ApiKey, source: protocol::DecodeError) -> BenchError {
        BenchError::Decode { address: self.address.clone(), api, source }
    }

    fn not_kafka(&self, why: &str) -> BenchError {
        BenchError::NotKafka { address: self.address.clone(), why: why.to_owned() }
    }
}
