//! The connections of one shard without their sockets: who is next, who has been idle, who gets memory.
//! Events in, effects on sockets out. No I/O; the time comes in with [`Table::tick`].
//!
//! # Invariants
//! - Requests are handed out in turn: one of each connection that has any, then the next of each.
//! - Whatever an event changes, [`Table::settle`] turns into effects; between two calls of it nothing happens to
//!   any socket.
//!
//! # Hot path
//! Nothing here looks at more connections than the event names, except while memory is short: once a second, and when
//! it begins or ends to be crowded.
//!
//! # Not here
//! One connection's own rules (`connection.rs`); sockets (`connections.rs`).

use std::time::{Duration, Instant};

use bytes::Bytes;
use types::ShardId;

use crate::budget::Kind;
use crate::connection::{Connection, End, Parts};
use crate::idle::IdleOrder;
use crate::ids::{ConnectionId, Slot};
use crate::settings::Limits;
use crate::slab::Slab;
use crate::statistics::{CloseReason, Statistics};
use crate::surroundings::{Effect, Surroundings};
use crate::timeline::{Moment, Timeline};

/// How often the frames that arrive are looked at while others wait for memory.
const CONTENTION_PERIOD: Duration = Duration::from_secs(1);

pub(crate) struct Table<S> {
    slab: Slab<Connection<S>>,
    around: Surroundings,
    idle: IdleOrder,
    contention_checked: Instant,
    stopping: bool,
}

impl<S> Table<S> {
    pub(crate) fn new(shard: ShardId, mut limits: Limits, now: Instant) -> Self {
        // Time must pass between two looks at a connection that is excused from being idle.
        limits.idle_max = limits.idle_max.map(|max| max.max(Duration::from_millis(1)));
        Self {
            slab: Slab::new(shard),
            around: Surroundings::new(limits, now),
            idle: IdleOrder::new(),
            contention_checked: now,
            stopping: false,
        }
    }

    /// Takes in a connection; `None` when the shard has no place for another.
    pub(crate) fn insert(&mut self, mut parts: Parts<S>) -> Option<ConnectionId> {
        let unread = std::mem::take(&mut parts.unread);
        let now = self.around.now;
        let id = self.slab.insert_with(|id| Connection::new(id, parts, now))?;
        self.idle.touch(id.index(), now);
        self.around.statistics.active += 1;
        let connection = self.slab.get_mut(id)?;
        connection.on_received(&unread, &mut self.around);
        if self.stopping {
            connection.finish(CloseReason::Stopping, &mut self.around);
        }
        Some(id)
    }

    pub(crate) fn on_received(&mut self, id: ConnectionId, data: &[u8]) {
        if let Some((connection, around)) = self.active(id) {
            around.statistics.received_bytes += data.len() as u64;
            connection.on_received(data, around);
        }
    }

    pub(crate) fn on_receive_ended(&mut self, id: ConnectionId, end: End) {
        if let Some(connection) = self.slab.get_mut(id) {
            connection.on_receive_ended(end, &mut self.around);
        }
    }

    pub(crate) fn on_filled(&mut self, id: ConnectionId, buffer: Vec<u8>, end: Option<End>) {
        if let Some((connection, around)) = self.active(id) {
            connection.on_filled(buffer, end, around);
        }
    }

    pub(crate) fn on_sent(&mut self, id: ConnectionId, succeeded: bool) {
        if let Some((connection, around)) = self.active(id) {
            connection.on_sent(succeeded, around);
        }
    }

    /// The next request of the connection whose turn it is.
    pub(crate) fn next_request(&mut self) -> Option<(ConnectionId, Slot, Bytes, Timeline)> {
        while let Some(id) = self.around.runnable.pop_front() {
            let request = self.slab.get_mut(id).and_then(|it| it.next_request(&mut self.around));
            if let Some((slot, frame, timeline)) = request {
                return Some((id, slot, frame, timeline));
            }
        }
        None
    }

    pub(crate) fn has_requests(&self) -> bool {
        !self.around.runnable.is_empty()
    }

    pub(crate) fn answer(
        &mut self,
        id: ConnectionId,
        slot: Slot,
        answer: Option<Vec<Bytes>>,
        timeline: Timeline,
    ) {
        if let Some(connection) = self.slab.get_mut(id) {
            connection.answer(slot, answer, timeline, &mut self.around);
            self.share_memory();
        }
    }

    pub(crate) fn expect(&mut self, id: ConnectionId, slot: Slot, bytes: usize) {
        if let Some(connection) = self.slab.get_mut(id) {
            connection.expect(slot, bytes);
        }
    }

    pub(crate) fn abort(&mut self, id: ConnectionId, reason: CloseReason) {
        if let Some(connection) = self.slab.get_mut(id) {
            connection.abort(reason, &mut self.around);
            self.share_memory();
        }
    }

    pub(crate) fn finish(&mut self, id: ConnectionId, reason: CloseReason) {
        if let Some(connection) = self.slab.get_mut(id) {
            connection.finish(reason, &mut self.around);
            self.share_memory();
        }
    }

    /// Takes no more requests from anybody; each connection is closed when its last answer is out.
    pub(crate) fn stop(&mut self) {
        self.stopping = true;
        self.slab.iter_mut().for_each(|it| it.finish(CloseReason::Stopping, &mut self.around));
    }

    /// Closes all connections at once.
    pub(crate) fn abort_all(&mut self, reason: CloseReason) {
        self.slab.iter_mut().for_each(|it| it.abort(reason, &mut self.around));
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping
    }

    pub(crate) fn leave_for(&mut self, id: ConnectionId, target: ShardId) {
        if let Some(connection) = self.slab.get_mut(id) {
            connection.leave_for(target, &mut self.around);
        }
    }

    /// The move did not come about.
    pub(crate) fn stay(&mut self, id: ConnectionId) {
        if let Some(connection) = self.slab.get_mut(id) {
            connection.stay(&mut self.around);
        }
    }

    /// Takes out a connection that moves.
    pub(crate) fn take_out(&mut self, id: ConnectionId) -> Option<Parts<S>> {
        let connection = self.slab.remove(id)?;
        self.idle.remove(id.index());
        self.around.statistics.active -= 1;
        Some(connection.into_parts(&mut self.around))
    }

    /// Lets time pass: closes idle connections, and slow ones while memory is short.
    pub(crate) fn tick(&mut self, now: Instant) {
        self.around.now = self.around.now.max(now);
        self.around.moment = Moment::of(self.around.now);
        self.close_idle();
        self.close_slow();
    }

    /// It is so late for the timelines of requests: what happens next took until now.
    pub(crate) fn reach(&mut self, moment: Moment) {
        self.around.moment = self.around.moment.max(moment);
    }

    /// When [`Self::tick`] has something to do at the latest.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let idle = self.around.limits.idle_max.and_then(|max| self.idle.oldest().map(|(_, at)| at + max));
        let contention = self.around.budget.is_short().then_some(self.contention_checked + CONTENTION_PERIOD);
        [idle, contention].into_iter().flatten().min()
    }

    /// Says what has to happen to the sockets.
    pub(crate) fn settle(&mut self, effects: &mut Vec<Effect>) {
        loop {
            self.share_memory();
            if self.around.budget.crowding_has_changed() {
                self.slab.iter_mut().for_each(|it| it.unsettle(&mut self.around));
            }
            let Some(id) = self.around.unsettled.pop() else { return };
            let Some(connection) = self.slab.get_mut(id) else { continue };
            connection.settle(&mut self.around, effects);
            if !connection.is_live() {
                self.idle.remove(id.index());
            }
            if connection.is_over() {
                self.slab.remove(id);
            }
        }
    }

    pub(crate) fn get(&self, id: ConnectionId) -> Option<&Connection<S>> {
        self.slab.get(id)
    }

    pub(crate) fn get_mut(&mut self, id: ConnectionId) -> Option<&mut Connection<S>> {
        self.slab.get_mut(id)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.slab.len() == 0
    }

    /// The next request whose answer is out.
    pub(crate) fn next_timeline(&mut self) -> Option<Timeline> {
        self.around.timelines.pop()
    }

    pub(crate) fn statistics(&self) -> &Statistics {
        &self.around.statistics
    }

    pub(crate) fn statistics_mut(&mut self) -> &mut Statistics {
        &mut self.around.statistics
    }

    /// What frames have reserved, and what is held besides.
    pub(crate) fn request_memory(&self) -> (u64, u64) {
        (self.around.budget.occupied(), self.around.budget.held())
    }

    pub(crate) fn frame_bytes_max(&self) -> usize {
        self.around.limits.frame_bytes_max
    }

    /// Gives memory to those in line, in their order.
    fn share_memory(&mut self) {
        for kind in Kind::ALL {
            while let Some(id) = self.around.budget.first_in_line(kind) {
                let Some(connection) = self.slab.get_mut(id).filter(|it| it.is_in_line()) else {
                    self.around.budget.skip_first(kind);
                    continue;
                };
                if !self.around.budget.grant_first(kind) {
                    break;
                }
                connection.on_memory(&mut self.around);
            }
        }
    }

    /// A connection on which something happens: it is not idle.
    fn active(&mut self, id: ConnectionId) -> Option<(&mut Connection<S>, &mut Surroundings)> {
        let connection = self.slab.get_mut(id)?;
        if connection.is_live() {
            self.idle.touch(id.index(), self.around.now);
        }
        Some((connection, &mut self.around))
    }

    fn close_idle(&mut self) {
        let Some(idle_max) = self.around.limits.idle_max else { return };
        while let Some((index, at)) = self.idle.oldest() {
            if at + idle_max > self.around.now {
                return;
            }
            self.idle.remove(index);
            let Some(connection) = self.slab.at_mut(index) else { continue };
            if connection.is_excused() {
                self.idle.touch(index, self.around.now);
            } else {
                connection.abort(CloseReason::Idle, &mut self.around);
            }
        }
    }

    /// While others wait for memory, a client must not sit on it by sending a large frame very slowly.
    fn close_slow(&mut self) {
        let now = self.around.now;
        let due = now >= self.contention_checked + CONTENTION_PERIOD;
        let Surroundings { budget, .. } = &self.around;
        if !due || !budget.is_short() {
            return;
        }
        // Small frames may sit on what a large one waits for, but not the reverse.
        let any_kind = budget.waits(Kind::Large);
        self.contention_checked = now;
        let patience = self.around.limits.contended_frame_max;
        let slowest = self.slab.iter_mut().filter_map(|connection| {
            let (len, since) = connection.arriving()?;
            let concerned = any_kind || budget.kind(len) == Kind::Small;
            (concerned && now.duration_since(since) >= patience).then_some((len, connection))
        });
        if let Some((_, connection)) = slowest.max_by_key(|(len, _)| *len) {
            connection.abort(CloseReason::TooSlow, &mut self.around);
        }
    }
}

#[cfg(test)]
mod tests;
