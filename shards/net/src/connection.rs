//! One connection as a state machine: what arrives becomes requests, answers become sends, and whatever happens the
//! socket is read exactly as long as the connection may have more requests.
//! Events in; [`Connection::settle`] says what has to happen to the socket. No I/O, no clock.
//!
//! # Invariants
//! - A frame's body is taken in only after its head has arrived and its length was reserved in the shard's budget; the reservation is given
//!   back when the request is answered, or when the frame is dropped without having been handed out.
//! - A connection that was told to close keeps its place until every request that was handed out has been answered,
//!   because until then its frames occupy memory.
//! - What a client sent before it closed its side is still worked on (a produce request with `acks=0` is nothing
//!   else), and while the client can hear, its answers still go out.
//!
//! # Not here
//! Sockets (`connections.rs`); the order among connections, idle times and the line for memory (`table.rs`).

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Instant;

use bytes::Bytes;
use types::ShardId;

use crate::admission::Permit;
use crate::budget::{Crowding, Kind};
use crate::ids::{ConnectionId, ListenerIndex, Slot};
use crate::inbound::{Inbound, Step, head_bytes};
use crate::outbound::Outbound;
use crate::settings::{ANSWERS_WAITING_MAX, FIRST_BYTES_MAX, HELD_BYTES_MAX};
use crate::statistics::CloseReason;
use crate::surroundings::{Effect, Surroundings};
use crate::timeline::{Moment, Stage, Timeline};

/// What is known about a connection from its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The other end.
    pub peer: SocketAddr,
    /// The listener that accepted it.
    pub listener: ListenerIndex,
}

/// A connection without its socket, on its way to another shard.
pub(crate) struct Parts<S> {
    pub(crate) facts: Facts,
    pub(crate) session: S,
    pub(crate) permit: Option<Permit>,
    pub(crate) frame_bytes_max: usize,
    /// Received bytes that no frame was made of.
    pub(crate) unread: Vec<u8>,
}

/// How a receive came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Paused,
    Closed,
    Broken,
}

pub(crate) struct Connection<S> {
    pub(crate) id: ConnectionId,
    pub(crate) facts: Facts,
    pub(crate) session: S,
    pub(crate) frame_bytes_max: usize,
    permit: Option<Permit>,
    inbound: Inbound,
    outbound: Outbound,
    /// What of its answers the shard has counted among all that wait to be sent.
    noted_waiting_bytes: usize,
    /// Frames that were not handed out: those of the newest slots.
    ready: VecDeque<(Bytes, Timeline)>,
    /// Of the frame that is arriving.
    arriving_timeline: Timeline,
    /// That frame may not be taken in yet.
    is_held_up: bool,
    receive: Receive,
    input: Input,
    socket: SocketState,
    reason: Option<CloseReason>,
    leaving: Option<ShardId>,
    frame_began: Instant,
    /// Whether the newest frame was a large one.
    sends_large: bool,
    /// Whether the newest frame was worth receiving straight into its memory, as the next one may be.
    fills: bool,
    /// How much of the body was there when its memory was lent out to be filled.
    lent_bytes: usize,
    is_in_line: bool,
    is_runnable: bool,
    is_unsettled: bool,
}

/// The receive operation at the reactor.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Receive {
    No,
    /// Brings what comes until it is paused.
    Armed,
    /// Brings the first bytes that come.
    Once,
    /// Receives the rest of a body straight into its memory.
    Filling,
    Pausing,
}

/// What becomes of the bytes that arrive.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Input {
    /// They become requests.
    Open,
    /// There will be no more; those at hand become requests.
    Ended,
    /// They are dropped: the connection only waits for its last answers to go out. (It goes on reading, because a
    /// socket that is closed with bytes unread makes the client lose what it had not read either.)
    Ignored,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum SocketState {
    Open,
    /// To be closed as soon as nothing is in flight.
    Unwanted,
    /// The same, and the operations in flight have been asked to end.
    ShutDown,
    Closed,
}

impl<S> Connection<S> {
    /// A connection that has just come. Its unread bytes are the caller's to bring in.
    pub(crate) fn new(id: ConnectionId, parts: Parts<S>, now: Instant) -> Self {
        Self {
            id,
            facts: parts.facts,
            session: parts.session,
            frame_bytes_max: parts.frame_bytes_max,
            permit: parts.permit,
            inbound: Inbound::new(),
            outbound: Outbound::new(),
            noted_waiting_bytes: 0,
            ready: VecDeque::new(),
            arriving_timeline: Timeline::begin(Moment::of(now)),
            is_held_up: false,
            receive: Receive::No,
            input: Input::Open,
            socket: SocketState::Open,
            reason: None,
            leaving: None,
            frame_began: now,
            sends_large: false,
            fills: false,
            lent_bytes: 0,
            is_in_line: false,
            is_runnable: false,
            is_unsettled: false,
        }
    }

    /// Bytes have arrived.
    pub(crate) fn on_received(&mut self, mut data: &[u8], around: &mut Surroundings) {
        if self.input == Input::Open {
            let goes_on = self.inbound.held_len() > 0;
            if !goes_on {
                self.take_in(&mut data, around);
            }
            if !data.is_empty() && self.input == Input::Open {
                self.inbound.hold(data);
                around.budget.hold(data.len());
                if goes_on && !self.is_in_line {
                    self.take_in_held(around);
                }
            }
        }
        self.unsettle(around);
    }

    /// The memory of the body that is arriving is back, with more in it; or with less than it should, for a reason.
    pub(crate) fn on_filled(&mut self, buffer: Vec<u8>, end: Option<End>, around: &mut Surroundings) {
        around.statistics.received_bytes += buffer.len().saturating_sub(self.lent_bytes) as u64;
        if self.input == Input::Open
            && let Some(frame) = self.inbound.filled(buffer)
        {
            self.on_frame(frame, around);
        }
        self.on_receive_ended(end.unwrap_or(End::Paused), around);
    }

    /// The receive operation is over.
    pub(crate) fn on_receive_ended(&mut self, end: End, around: &mut Surroundings) {
        self.receive = Receive::No;
        if end != End::Paused {
            self.input = Input::Ended;
            self.forget_part_frame(around);
        }
        match end {
            End::Paused => {}
            End::Closed => _ = self.reason.get_or_insert(CloseReason::PeerClosed),
            End::Broken => self.hang_up(CloseReason::Broken),
        }
        self.go_on(around);
    }

    /// The send in flight is over.
    pub(crate) fn on_sent(&mut self, succeeded: bool, around: &mut Surroundings) {
        let bytes = self.outbound.sent();
        if succeeded {
            around.statistics.sent_bytes += bytes as u64;
            while let Some(timeline) = self.outbound.next_sent() {
                around.over(timeline);
            }
        } else {
            self.hang_up(CloseReason::Broken);
        }
        self.go_on(around);
    }

    /// A request that was handed out is answered; `None` for a request that has no answer.
    pub(crate) fn answer(
        &mut self,
        slot: Slot,
        answer: Option<Vec<Bytes>>,
        timeline: Timeline,
        around: &mut Surroundings,
    ) {
        if answer.is_none() && self.is_live() {
            around.over(timeline);
        }
        let reserved = self.outbound.answer(slot, answer, timeline);
        around.budget.release(reserved);
        self.go_on(around);
    }

    /// The next request, if it may be handed out now.
    pub(crate) fn next_request(&mut self, around: &mut Surroundings) -> Option<(Slot, Bytes, Timeline)> {
        self.is_runnable = false;
        if self.has_unheard_answers(around) {
            return None;
        }
        let slot = Slot(self.outbound.next_slot().0 - self.ready.len() as u64);
        let (frame, timeline) = self.ready.pop_front()?;
        self.queue_requests(around);
        Some((slot, frame, timeline))
    }

    /// Memory was reserved for the announced frame.
    pub(crate) fn on_memory(&mut self, around: &mut Surroundings) {
        self.is_in_line = false;
        self.begin_frame(around);
        self.take_in_held(around);
        self.unsettle(around);
    }

    /// Closes the connection at once. Requests that were not handed out are dropped with it.
    pub(crate) fn abort(&mut self, reason: CloseReason, around: &mut Surroundings) {
        self.ignore_input(around);
        for _ in self.ready.drain(..) {
            around.budget.release(self.outbound.withdraw_newest());
        }
        self.hang_up(reason);
        self.unsettle(around);
    }

    /// Takes no more requests, and closes the connection when those at hand are answered.
    pub(crate) fn finish(&mut self, reason: CloseReason, around: &mut Surroundings) {
        self.ignore_input(around);
        self.leaving = None;
        self.reason.get_or_insert(reason);
        self.unsettle(around);
    }

    /// Prepares to move to another shard as soon as no request is under way.
    pub(crate) fn leave_for(&mut self, target: ShardId, around: &mut Surroundings) {
        if self.input == Input::Open && self.socket == SocketState::Open {
            self.leaving = Some(target);
            self.unsettle(around);
        }
    }

    /// Stays after all.
    pub(crate) fn stay(&mut self, around: &mut Surroundings) {
        self.leaving = None;
        self.go_on(around);
    }

    /// What has to happen to the socket after all that was said since the last time.
    pub(crate) fn settle(&mut self, around: &mut Surroundings, effects: &mut Vec<Effect>) {
        self.is_unsettled = false;
        if self.socket == SocketState::Open && self.is_finished() {
            self.hang_up(CloseReason::PeerClosed);
        }
        if self.socket != SocketState::Open {
            return self.wind_up(around, effects);
        }
        if let Some(target) = self.leaving
            && self.is_quiet()
        {
            return effects.push(Effect::Move(self.id, target));
        }
        match (self.receive, self.wants_input(around)) {
            (Receive::No, true) => effects.push(self.receive(around)),
            (Receive::Armed, true) if self.inbound.missing() >= around.limits.fill_bytes_min => {
                self.fills = true;
                self.receive = Receive::Pausing;
                effects.push(Effect::Pause(self.id));
            }
            (Receive::Armed | Receive::Once | Receive::Filling, false) => {
                self.receive = Receive::Pausing;
                around.statistics.pauses += 1;
                effects.push(Effect::Pause(self.id));
            }
            _ => {}
        }
        if let Some(slices) = self.outbound.take_send() {
            effects.push(Effect::Send(self.id, slices));
        }
    }

    /// How to receive next.
    fn receive(&mut self, around: &Surroundings) -> Effect {
        if self.inbound.missing() >= around.limits.fill_bytes_min
            && let Some((buffer, target)) = self.inbound.lend()
        {
            self.fills = true;
            self.receive = Receive::Filling;
            self.lent_bytes = buffer.len();
            return Effect::Fill(self.id, buffer, target);
        }
        if self.fills {
            self.receive = Receive::Once;
            return Effect::ReceiveOnce(self.id, FIRST_BYTES_MAX);
        }
        self.receive = Receive::Armed;
        Effect::Receive(self.id)
    }

    /// Whether nothing is left of it but its place.
    pub(crate) fn is_over(&self) -> bool {
        self.socket == SocketState::Closed && self.outbound.is_done() && self.has_no_more_frames()
    }

    /// Whether the socket is open and meant to stay so.
    pub(crate) fn is_live(&self) -> bool {
        self.socket == SocketState::Open
    }

    /// Whether nothing more is to come from it: its client has gone, or it is about to be closed.
    pub(crate) fn is_leaving(&self) -> bool {
        self.input == Input::Ended || !self.is_live()
    }

    /// Whether its next frame waits for memory.
    pub(crate) fn is_in_line(&self) -> bool {
        self.is_in_line
    }

    /// The length of the frame that is arriving, and since when it is.
    pub(crate) fn arriving(&self) -> Option<(usize, Instant)> {
        self.inbound.arriving().map(|len| (len, self.frame_began))
    }

    /// Whether its being quiet is not the client's doing.
    pub(crate) fn is_excused(&self) -> bool {
        if self.outbound.is_sending() {
            return false;
        }
        let unread = self.input == Input::Open && matches!(self.receive, Receive::No | Receive::Pausing);
        let waits_for_us = unread || self.inbound.announced().is_some() && !self.inbound.lacks_head();
        waits_for_us || self.outbound.requests() > 0 && !self.inbound.is_within_frame()
    }

    /// Takes the connection apart for another shard.
    pub(crate) fn into_parts(self, around: &mut Surroundings) -> Parts<S> {
        around.budget.let_go(self.inbound.held_len());
        around.budget.release(self.inbound.arriving().unwrap_or(0));
        Parts {
            facts: self.facts,
            session: self.session,
            permit: self.permit,
            frame_bytes_max: self.frame_bytes_max,
            unread: self.inbound.into_unread(),
        }
    }

    /// Cuts frames off the input as long as there is input and the frames may come.
    fn take_in(&mut self, input: &mut &[u8], around: &mut Surroundings) {
        loop {
            if !self.inbound.is_within_frame() {
                self.arriving_timeline = Timeline::begin(around.moment);
            }
            match self.inbound.feed(input, self.frame_bytes_max) {
                Step::Hungry => return,
                Step::Frame(frame) => self.on_frame(frame, around),
                Step::Announced(len) => {
                    self.fills &= len >= around.limits.fill_bytes_min;
                    self.sends_large = around.budget.kind(len) == Kind::Large;
                    if input.len() < head_bytes(len) {
                        return;
                    }
                    if self.is_in_line || !self.may_begin_frame(around) {
                        return self.hold_up(around);
                    }
                    if !around.budget.try_reserve(len) {
                        around.budget.wait(self.id, len);
                        around.statistics.memory_waits += 1;
                        self.is_in_line = true;
                        return self.hold_up(around);
                    }
                    self.begin_frame(around);
                }
                Step::BadLength(length) => {
                    if let Some(suppressed) = around.bad_frames_logged.admit(around.now) {
                        tracing::debug!(
                            connection = %self.id, peer = %self.facts.peer, length, limit = self.frame_bytes_max,
                            suppressed, "closed a connection that announced a request of an impossible length"
                        );
                    }
                    *input = &[];
                    return self.abort(CloseReason::BadFrame, around);
                }
            }
        }
    }

    fn on_frame(&mut self, frame: Bytes, around: &mut Surroundings) {
        around.statistics.requests += 1;
        self.outbound.begin(frame.len());
        self.arriving_timeline.mark(Stage::Socket, around.moment);
        self.ready.push_back((frame, self.arriving_timeline));
        self.queue_requests(around);
    }

    /// The same for bytes that were held back.
    fn take_in_held(&mut self, around: &mut Surroundings) {
        let held = self.inbound.take_held();
        around.budget.let_go(held.len());
        let mut input = held.as_ref();
        self.take_in(&mut input, around);
        let left = input.len();
        around.budget.hold(left);
        self.inbound.put_back(held, left);
        self.forget_part_frame(around);
    }

    /// The frame has to wait from now on, if it did not before.
    fn hold_up(&mut self, around: &Surroundings) {
        if !std::mem::replace(&mut self.is_held_up, true) {
            self.arriving_timeline.mark(Stage::Socket, around.moment);
        }
    }

    fn begin_frame(&mut self, around: &Surroundings) {
        if std::mem::take(&mut self.is_held_up) {
            self.arriving_timeline.mark(Stage::Queue, around.moment);
        }
        self.inbound.permit();
        self.frame_began = around.now;
    }

    fn may_begin_frame(&self, around: &Surroundings) -> bool {
        self.leaving.is_none()
            && self.outbound.requests() < around.limits.requests_in_flight_max
            && self.outbound.unanswered_bytes() < around.limits.request_bytes_in_flight_max
            && !self.has_unheard_answers(around)
    }

    /// Whether so many answers wait to be heard, or will, that there should not be more of them.
    fn has_unheard_answers(&self, around: &Surroundings) -> bool {
        let bytes = self.outbound.waiting_bytes() + self.outbound.expected_bytes();
        bytes >= around.reply_bytes_waiting_max() || self.outbound.waiting_answers() >= ANSWERS_WAITING_MAX
    }

    /// The answer to a request that was handed out may have so many bytes.
    pub(crate) fn expect(&mut self, slot: Slot, bytes: usize) {
        self.outbound.expect(slot, bytes);
    }

    fn note_waiting(&mut self, around: &mut Surroundings) {
        let now = self.outbound.waiting_bytes();
        let before = std::mem::replace(&mut self.noted_waiting_bytes, now);
        around.reply_bytes_waiting = around.reply_bytes_waiting - before + now;
    }

    /// An answer or a send has made room: for a frame that had to wait, and for requests that were not handed out.
    fn go_on(&mut self, around: &mut Surroundings) {
        self.note_waiting(around);
        if self.inbound.announced().is_some() && !self.is_in_line {
            self.take_in_held(around);
        }
        self.queue_requests(around);
        self.unsettle(around);
    }

    fn queue_requests(&mut self, around: &mut Surroundings) {
        if !self.is_runnable && !self.ready.is_empty() && !self.has_unheard_answers(around) {
            self.is_runnable = true;
            around.runnable.push_back(self.id);
        }
    }

    pub(crate) fn unsettle(&mut self, around: &mut Surroundings) {
        self.note_waiting(around);
        if !self.is_unsettled {
            self.is_unsettled = true;
            around.unsettled.push(self.id);
        }
    }

    fn wants_input(&self, around: &Surroundings) -> bool {
        match self.input {
            Input::Ignored => true,
            Input::Ended => false,
            Input::Open if self.leaving.is_some() => false,
            Input::Open if self.inbound.is_within_frame() && self.inbound.announced().is_none() => true,
            Input::Open if self.inbound.lacks_head() => true,
            Input::Open if self.inbound.announced().is_none() => match around.budget.crowding() {
                Crowding::None => true,
                Crowding::Crowded => !self.sends_large,
                Crowding::Packed => false,
            },
            Input::Open => self.inbound.held_len() < HELD_BYTES_MAX && !around.budget.is_short(),
        }
    }

    /// Whether no frame is to come, now that the input has ended.
    fn has_no_more_frames(&self) -> bool {
        self.input == Input::Ignored || !self.inbound.has_whole_frame()
    }

    fn is_finished(&self) -> bool {
        self.input != Input::Open && self.has_no_more_frames() && self.outbound.is_done()
    }

    fn is_quiet(&self) -> bool {
        self.receive == Receive::No && self.outbound.is_done()
    }

    /// From here on the client hears nothing, and the socket is given up.
    fn hang_up(&mut self, reason: CloseReason) {
        self.reason.get_or_insert(reason);
        self.leaving = None;
        self.outbound.deafen();
        if self.socket == SocketState::Open {
            self.socket = SocketState::Unwanted;
        }
    }

    fn wind_up(&mut self, around: &mut Surroundings, effects: &mut Vec<Effect>) {
        let in_flight = self.receive != Receive::No || self.outbound.is_sending();
        match self.socket {
            SocketState::Unwanted if in_flight => {
                self.socket = SocketState::ShutDown;
                effects.push(Effect::Shutdown(self.id));
            }
            SocketState::Unwanted | SocketState::ShutDown if !in_flight => {
                self.socket = SocketState::Closed;
                self.input = Input::Ended;
                self.forget_part_frame(around);
                self.permit = None;
                around.statistics.active -= 1;
                around.statistics.count_closed(self.reason.unwrap_or(CloseReason::Broken));
                effects.push(Effect::Close(self.id));
            }
            _ => {}
        }
    }

    fn ignore_input(&mut self, around: &mut Surroundings) {
        self.forget_input(around);
        if self.input == Input::Open {
            self.input = Input::Ignored;
        }
    }

    /// After the last byte: a frame that can no longer be completed gives its memory back.
    fn forget_part_frame(&mut self, around: &mut Surroundings) {
        if self.input == Input::Ended && !self.inbound.has_whole_frame() {
            self.forget_input(around);
        }
    }

    fn forget_input(&mut self, around: &mut Surroundings) {
        around.budget.let_go(self.inbound.held_len());
        around.budget.release(self.inbound.arriving().unwrap_or(0));
        self.inbound = Inbound::new();
        self.fills = false;
        self.is_in_line = false;
        self.is_held_up = false;
    }
}
