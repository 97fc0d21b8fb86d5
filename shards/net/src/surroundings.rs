//! What the connections of one shard share: limits, memory, and the lists of those that have something to do.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;
use types::ShardId;

use crate::budget::Budget;
use crate::ids::ConnectionId;
use crate::log_limit::LogLimit;
use crate::settings::Limits;
use crate::statistics::Statistics;
use crate::timeline::{Moment, Stage, Timeline};

/// Handed to a connection with each event. Lives as long as the shard.
pub(crate) struct Surroundings {
    pub(crate) limits: Limits,
    pub(crate) budget: Budget,
    /// Bytes of answers that wait to be sent, of all connections.
    pub(crate) reply_bytes_waiting: usize,
    /// Connections with requests that may be handed out, in turn.
    pub(crate) runnable: VecDeque<ConnectionId>,
    /// Connections that an event has touched since they were last settled.
    pub(crate) unsettled: Vec<ConnectionId>,
    pub(crate) statistics: Statistics,
    /// Of requests whose answers are out.
    pub(crate) timelines: Vec<Timeline>,
    pub(crate) bad_frames_logged: LogLimit,
    /// As of the last tick.
    pub(crate) now: Instant,
    /// The same, for timelines.
    pub(crate) moment: Moment,
}

/// What has to happen to a connection's socket.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    Receive(ConnectionId),
    /// Receive the beginning of the next frame, at most so many bytes.
    ReceiveOnce(ConnectionId, usize),
    /// Receive into this memory until so many bytes are in it.
    Fill(ConnectionId, Vec<u8>, usize),
    /// End the receive or fill in flight.
    Pause(ConnectionId),
    Send(ConnectionId, Vec<Bytes>),
    /// End the receive and the send in flight.
    Shutdown(ConnectionId),
    /// Nothing is in flight any more: close it.
    Close(ConnectionId),
    /// Nothing is in flight any more: take it out for another shard.
    Move(ConnectionId, ShardId),
}

impl Surroundings {
    /// A request is over.
    pub(crate) fn over(&mut self, mut timeline: Timeline) {
        timeline.mark(Stage::Send, self.moment);
        self.timelines.push(timeline);
    }

    pub(crate) fn new(limits: Limits, now: Instant) -> Self {
        Self {
            budget: Budget::new(limits.request_memory),
            reply_bytes_waiting: 0,
            limits,
            runnable: VecDeque::new(),
            unsettled: Vec::new(),
            statistics: Statistics::default(),
            timelines: Vec::new(),
            bad_frames_logged: LogLimit::default(),
            now,
            moment: Moment::of(now),
        }
    }

    /// Beyond how many bytes that wait to be sent a connection's next request is not handed out: any at all while there
    /// are too many on the shard.
    pub(crate) fn reply_bytes_waiting_max(&self) -> usize {
        let is_short = self.reply_bytes_waiting as u64 > self.limits.reply_memory.0;
        if is_short { 1 } else { self.limits.reply_bytes_waiting_max }
    }
}
