//! The table against wires that are only memory: what clients have written lies in a wire until the table receives
//! it, and what the table sends stays on its way until the client reads.

use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv4Addr;

use types::ByteCount;

use super::*;
use crate::admission::{Admission, AdmissionLimits};
use crate::connection::Facts;
use crate::ids::ListenerIndex;
use crate::settings::ANSWERS_WAITING_MAX;
use crate::timeline::Stage;

#[derive(Default)]
struct Wire {
    /// Written by the client and not received yet.
    unread: VecDeque<u8>,
    /// The client will write no more.
    ended: bool,
    /// The client has reset the connection. Seen by the table when it next receives or sends.
    broken: bool,
    receiving: Option<Receiving>,
    sending: Option<Vec<u8>>,
    /// The client reads nothing.
    reader_stopped: bool,
    heard: Vec<u8>,
    shut_down: bool,
    closed: bool,
    moved: Option<(ShardId, Parts<u32>)>,
}

/// What the table has asked a socket for.
enum Receiving {
    Stream,
    Once(usize),
    Fill(Vec<u8>, usize),
}

struct Net {
    table: Table<u32>,
    wires: BTreeMap<ConnectionId, Wire>,
    admission: std::sync::Arc<Admission>,
    start: Instant,
    /// So many bytes are received at a time.
    chunk: usize,
    moves_fail: bool,
}

fn limits() -> Limits {
    Limits { request_memory: ByteCount(1 << 20), ..Limits::default() }
}

fn frame(body: &[u8]) -> Vec<u8> {
    [&(body.len() as i32).to_be_bytes(), body].concat()
}

fn bytes(body: impl AsRef<[u8]>) -> Option<Vec<Bytes>> {
    Some(vec![Bytes::copy_from_slice(body.as_ref())])
}

impl Net {
    fn new(limits: Limits) -> Self {
        let start = Instant::now();
        let admission = Admission::new(AdmissionLimits::default());
        let table = Table::new(ShardId(0), limits, start);
        Self { table, wires: BTreeMap::new(), admission, start, chunk: 1 << 16, moves_fail: false }
    }

    fn connect(&mut self) -> ConnectionId {
        let listener = ListenerIndex(0);
        let peer = (Ipv4Addr::LOCALHOST, 1).into();
        let permit = Some(self.admission.admit(listener, Ipv4Addr::LOCALHOST.into()).unwrap());
        let frame_bytes_max = self.table.frame_bytes_max();
        let facts = Facts { peer, listener };
        let id = self.table.insert(Parts { facts, session: 0, permit, frame_bytes_max, unread: Vec::new() });
        self.wires.insert(id.unwrap(), Wire::default());
        self.run();
        id.unwrap()
    }

    fn wire(&mut self, id: ConnectionId) -> &mut Wire {
        self.wires.get_mut(&id).unwrap()
    }

    fn write(&mut self, id: ConnectionId, bytes: &[u8]) {
        self.wire(id).unread.extend(bytes);
        self.run();
    }

    fn end(&mut self, id: ConnectionId) {
        self.wire(id).ended = true;
        self.run();
    }

    fn reset(&mut self, id: ConnectionId) {
        let wire = self.wire(id);
        wire.unread.clear();
        wire.broken = true;
        self.run();
    }

    fn at(&mut self, after: Duration) {
        self.table.tick(self.start + after);
        self.run();
    }

    fn closed(&self, reason: CloseReason) -> u64 {
        self.table.statistics().closed_for(reason)
    }

    fn next(&mut self) -> Option<(ConnectionId, Slot, Bytes)> {
        self.table.next_request().map(|(id, slot, frame, _)| (id, slot, frame))
    }

    fn answer(&mut self, id: ConnectionId, slot: u64, answer: Option<Vec<Bytes>>) {
        let timeline = Timeline::begin(Moment::of(self.start));
        self.table.answer(id, Slot(slot), answer, timeline);
        self.run();
    }

    /// Answers every request with its own frame until there are none.
    fn echo(&mut self) -> usize {
        let mut requests = 0;
        while let Some((id, slot, frame)) = self.next() {
            requests += 1;
            self.answer(id, slot.0, Some(vec![frame]));
        }
        requests
    }

    /// A connection that has left arrives, at the same table for the sake of simplicity.
    fn arrive(&mut self, old: ConnectionId) -> ConnectionId {
        let mut wire = self.wires.remove(&old).unwrap();
        let (_, parts) = wire.moved.take().unwrap();
        let new = self.table.insert(parts).unwrap();
        self.wires.insert(new, wire);
        self.run();
        new
    }

    /// Lets sockets and table go on until nothing more happens.
    fn run(&mut self) {
        loop {
            let mut effects = Vec::new();
            self.table.settle(&mut effects);
            let mut quiet = effects.is_empty();
            effects.into_iter().for_each(|effect| self.apply(effect));
            let ids: Vec<_> = self.wires.keys().copied().collect();
            for id in ids {
                quiet &= !self.transfer(id);
            }
            if quiet {
                return;
            }
        }
    }

    fn apply(&mut self, effect: Effect) {
        match effect {
            Effect::Receive(id) => {
                self.receive(id, Receiving::Stream);
            }
            Effect::ReceiveOnce(id, len_max) => self.receive(id, Receiving::Once(len_max)),
            Effect::Fill(id, buffer, target) => self.receive(id, Receiving::Fill(buffer, target)),
            Effect::Pause(id) => {
                // What is in the wire by then may come before the pause takes effect.
                self.transfer(id);
                self.end_receive(id, End::Paused);
            }
            Effect::Send(id, slices) => {
                let wire = self.wire(id);
                assert!(wire.sending.is_none() && !wire.closed && !wire.shut_down);
                wire.sending = Some(slices.concat());
            }
            Effect::Shutdown(id) => {
                let wire = self.wire(id);
                wire.shut_down = true;
                let sending = wire.sending.take();
                assert!(wire.receiving.is_some() || sending.is_some(), "there is nothing to shut down");
                self.end_receive(id, End::Closed);
                if sending.is_some() {
                    self.table.on_sent(id, false);
                }
            }
            Effect::Close(id) => {
                let wire = self.wire(id);
                assert!(wire.receiving.is_none() && wire.sending.is_none() && !wire.closed);
                wire.closed = true;
            }
            Effect::Move(id, target) => {
                if self.moves_fail {
                    return self.table.stay(id);
                }
                let parts = self.table.take_out(id).unwrap();
                let wire = self.wire(id);
                assert!(wire.receiving.is_none() && wire.sending.is_none() && !wire.closed);
                wire.moved = Some((target, parts));
            }
        }
    }

    fn receive(&mut self, id: ConnectionId, receiving: Receiving) {
        let wire = self.wire(id);
        assert!(wire.receiving.is_none() && !wire.closed && !wire.shut_down);
        wire.receiving = Some(receiving);
    }

    /// Ends what the table has asked for, if there is something.
    fn end_receive(&mut self, id: ConnectionId, end: End) {
        match self.wire(id).receiving.take() {
            Some(Receiving::Fill(buffer, _)) => self.table.on_filled(id, buffer, Some(end)),
            Some(_) => self.table.on_receive_ended(id, end),
            None => {}
        }
    }

    /// Gives the table at most `chunk` bytes of what it has asked for.
    fn bring(&mut self, id: ConnectionId, chunk: usize) {
        let wire = self.wire(id);
        let asked = match &wire.receiving {
            Some(Receiving::Once(len_max)) => *len_max,
            Some(Receiving::Fill(buffer, target)) => target - buffer.len(),
            _ => usize::MAX,
        };
        let data: Vec<u8> = wire.unread.drain(..chunk.min(asked).min(wire.unread.len())).collect();
        match &mut wire.receiving {
            Some(Receiving::Fill(buffer, target)) => {
                buffer.extend_from_slice(&data);
                if buffer.len() == *target {
                    let buffer = std::mem::take(buffer);
                    wire.receiving = None;
                    self.table.on_filled(id, buffer, None);
                }
            }
            Some(Receiving::Once(_)) => {
                wire.receiving = None;
                self.table.on_received(id, &data);
                self.table.on_receive_ended(id, End::Paused);
            }
            _ => self.table.on_received(id, &data),
        }
    }

    /// Moves bytes between a wire and the table; says whether there were any.
    fn transfer(&mut self, id: ConnectionId) -> bool {
        let chunk = self.chunk;
        let wire = self.wire(id);
        if wire.receiving.is_some() && !wire.unread.is_empty() {
            self.bring(id, chunk);
            return true;
        }
        if wire.receiving.is_some() && (wire.ended || wire.broken) {
            let end = if wire.broken { End::Broken } else { End::Closed };
            self.end_receive(id, end);
            return true;
        }
        if wire.broken && wire.sending.take().is_some() {
            self.table.on_sent(id, false);
            return true;
        }
        if let Some(sent) = wire.sending.take_if(|_| !wire.reader_stopped) {
            wire.heard.extend(sent);
            self.table.on_sent(id, true);
            return true;
        }
        false
    }
}

mod answers;
mod endings;
mod memory;
mod random;

#[test]
fn requests_are_handed_out_in_turn_among_connections_and_in_order_within_each() {
    let mut net = Net::new(limits());
    let ids = [net.connect(), net.connect(), net.connect()];
    for id in ids {
        net.write(id, &[frame(b"0"), frame(b"1"), frame(b"2")].concat());
    }
    let order: Vec<_> =
        std::iter::from_fn(|| net.next()).map(|(id, slot, body)| (id, slot.0, body)).collect();
    let turns = (0..3u64).flat_map(|slot| ids.map(|id| (id, slot, Bytes::from(slot.to_string()))));
    assert_eq!(order, turns.collect::<Vec<_>>());
}

#[test]
fn a_fast_connection_gets_no_more_than_its_credits() {
    let credits = 8;
    let mut net = Net::new(Limits { requests_in_flight_max: credits, ..limits() });
    let (fast, slow) = (net.connect(), net.connect());
    for _ in 0..1000 {
        net.write(fast, &frame(&[1; 1000]));
    }
    let taken: Vec<_> = std::iter::from_fn(|| net.next()).collect();
    assert_eq!(taken.len(), credits);
    assert!(net.wires[&fast].unread.len() > 800_000, "the socket is no longer read");
    net.write(slow, &frame(b"me"));
    assert_eq!(net.next().unwrap().0, slow);
    // Each answer makes room for one more.
    for (served, (id, slot, _)) in taken.into_iter().enumerate() {
        net.answer(id, slot.0, bytes("ok"));
        assert_eq!(net.next().map(|(_, slot, _)| slot), Some(Slot((credits + served) as u64)));
        assert_eq!(net.next(), None);
    }
}

#[test]
fn a_client_that_does_not_read_its_answers_is_no_longer_read() {
    let mut net = Net::new(Limits { reply_bytes_waiting_max: 10_000, ..limits() });
    let id = net.connect();
    net.wire(id).reader_stopped = true;
    for _ in 0..2000 {
        net.write(id, &frame(&[3; 1000]));
    }
    let answered = net.echo();
    assert_eq!(answered, 10, "ten answers of 1000 bytes reach the bound");
    assert_eq!(net.table.statistics().requests, 64 + 9, "no frame is begun from then on");
    assert!(net.wires[&id].receiving.is_none() && net.wires[&id].unread.len() > 1_000_000);
    net.wire(id).reader_stopped = false;
    net.run();
    while net.echo() > 0 {}
    assert_eq!(net.wires[&id].heard, vec![3; 2_000_000]);
    assert_eq!(net.table.request_memory(), (0, 0));
}

#[test]
fn a_client_that_does_not_read_short_answers_is_no_longer_read_either() {
    let mut net = Net::new(limits());
    let id = net.connect();
    net.wire(id).reader_stopped = true;
    for _ in 0..20_000 {
        net.write(id, &frame(b"me"));
    }
    let mut answered = 0;
    loop {
        let more = net.echo();
        if more == 0 {
            break;
        }
        answered += more;
    }
    assert_eq!(answered, ANSWERS_WAITING_MAX, "far below the bound in bytes");
    net.wire(id).reader_stopped = false;
    net.run();
    while net.echo() > 0 {}
    assert_eq!(net.wires[&id].heard.len(), 2 * 20_000);
}

#[test]
fn one_connections_frames_can_be_limited_further() {
    let mut net = Net::new(limits());
    let id = net.connect();
    net.table.get_mut(id).unwrap().frame_bytes_max = 10;
    net.write(id, &frame(b"0123456789"));
    assert_eq!(net.echo(), 1);
    net.write(id, &frame(b"0123456789A"));
    assert!(net.wires[&id].closed);
}

#[test]
fn thousands_of_connections_are_served_alike() {
    let mut net = Net::new(Limits { request_memory: ByteCount(20_000), ..limits() });
    let ids: Vec<_> = (0..3000).map(|_| net.connect()).collect();
    for (i, &id) in ids.iter().enumerate() {
        net.wire(id).unread.extend(frame(&(i as u32).to_be_bytes()));
        net.wire(id).unread.extend(frame(&vec![0; i % 97]));
    }
    net.run();
    let mut served = 0;
    while let Some((id, slot, body, timeline)) = net.table.next_request() {
        served += 1;
        net.table.answer(id, slot, Some(vec![body]), timeline);
        assert!(net.table.request_memory().0 <= 20_000);
        if !net.table.has_requests() {
            net.run();
        }
    }
    assert_eq!(served, 6000);
    for (i, &id) in ids.iter().enumerate() {
        assert_eq!(net.wires[&id].heard[..4], (i as u32).to_be_bytes());
        assert_eq!(net.wires[&id].heard.len(), 4 + i % 97);
    }
    assert_eq!(net.table.request_memory(), (0, 0));
}
