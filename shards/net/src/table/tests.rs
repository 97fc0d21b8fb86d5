//! The table against wires that are only memory: what clients have written lies in a wire until the table receives
//! it, and what the table sends stays on its way until the client reads.

use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv4Addr;

use types::ByteCount;

use super::*;
use crate::admission::{Admission, AdmissionLimits};
use crate::connection::Facts;
use crate::ids::ListenerIndex;

#[derive(Default)]
struct Wire {
    /// Written by the client and not received yet.
    unread: VecDeque<u8>,
    /// The client will write no more.
    ended: bool,
    /// The client has reset the connection. Seen by the table when it next receives or sends.
    broken: bool,
    receiving: bool,
    sending: Option<Vec<u8>>,
    /// The client reads nothing.
    reader_stopped: bool,
    heard: Vec<u8>,
    shut_down: bool,
    closed: bool,
    moved: Option<(ShardId, Parts<u32>)>,
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
        self.table.next_request()
    }

    fn answer(&mut self, id: ConnectionId, slot: u64, answer: Option<Vec<Bytes>>) {
        self.table.answer(id, Slot(slot), answer);
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
                let wire = self.wire(id);
                assert!(!wire.receiving && !wire.closed && !wire.shut_down);
                wire.receiving = true;
            }
            Effect::Pause(id) => {
                // What is in the wire by then may come before the pause takes effect.
                self.transfer(id);
                if std::mem::take(&mut self.wire(id).receiving) {
                    self.table.on_receive_ended(id, End::Paused);
                }
            }
            Effect::Send(id, slices) => {
                let wire = self.wire(id);
                assert!(wire.sending.is_none() && !wire.closed && !wire.shut_down);
                wire.sending = Some(slices.concat());
            }
            Effect::Shutdown(id) => {
                let wire = self.wire(id);
                wire.shut_down = true;
                let (receiving, sending) = (std::mem::take(&mut wire.receiving), wire.sending.take());
                assert!(receiving || sending.is_some(), "there is nothing to shut down");
                if receiving {
                    self.table.on_receive_ended(id, End::Closed);
                }
                if sending.is_some() {
                    self.table.on_sent(id, false);
                }
            }
            Effect::Close(id) => {
                let wire = self.wire(id);
                assert!(!wire.receiving && wire.sending.is_none() && !wire.closed);
                wire.closed = true;
            }
            Effect::Move(id, target) => {
                if self.moves_fail {
                    return self.table.stay(id);
                }
                let parts = self.table.take_out(id).unwrap();
                let wire = self.wire(id);
                assert!(!wire.receiving && wire.sending.is_none() && !wire.closed);
                wire.moved = Some((target, parts));
            }
        }
    }

    /// Moves bytes between a wire and the table; says whether there were any.
    fn transfer(&mut self, id: ConnectionId) -> bool {
        let chunk = self.chunk;
        let wire = self.wire(id);
        if wire.receiving && !wire.unread.is_empty() {
            let data: Vec<u8> = wire.unread.drain(..chunk.min(wire.unread.len())).collect();
            self.table.on_received(id, &data);
            return true;
        }
        if wire.receiving && (wire.ended || wire.broken) {
            wire.receiving = false;
            let end = if wire.broken { End::Broken } else { End::Closed };
            self.table.on_receive_ended(id, end);
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
fn a_large_request_is_taken_even_if_it_exceeds_the_connections_share_but_nothing_beside_it() {
    let mut net = Net::new(Limits { request_bytes_in_flight_max: 1000, ..limits() });
    let id = net.connect();
    net.write(id, &[frame(&[0; 5000]), frame(b"next")].concat());
    let (_, slot, first) = net.next().unwrap();
    assert_eq!(first.len(), 5000);
    assert_eq!(net.next(), None);
    net.answer(id, slot.0, None);
    assert_eq!(net.next().unwrap().2, "next");
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
    assert!(!net.wires[&id].receiving && net.wires[&id].unread.len() > 1_000_000);
    net.wire(id).reader_stopped = false;
    net.run();
    while net.echo() > 0 {}
    assert_eq!(net.wires[&id].heard, vec![3; 2_000_000]);
    assert_eq!(net.table.request_memory(), (0, 0));
}

#[test]
fn frames_wait_for_memory_in_the_order_of_their_arrival() {
    let mut net = Net::new(Limits { request_memory: ByteCount(1000), ..limits() });
    let ids: Vec<_> = (0..4).map(|_| net.connect()).collect();
    let sizes = [900, 600, 50, 300];
    for (&id, size) in ids.iter().zip(sizes) {
        net.write(id, &frame(&vec![0; size]));
    }
    assert_eq!(net.next().unwrap().2.len(), 900);
    assert_eq!(net.next(), None, "not even the small one overtakes");
    assert!(!net.wires[&ids[1]].receiving && !net.wires[&ids[2]].receiving);
    net.answer(ids[0], 0, None);
    let served: Vec<_> = std::iter::from_fn(|| net.next()).map(|(_, _, body)| body.len()).collect();
    assert_eq!(served, [600, 50, 300]);
    for &id in &ids[1..] {
        net.answer(id, 0, None);
        assert!(net.wires[&id].receiving);
    }
    assert_eq!(net.table.request_memory(), (0, 0));
}

#[test]
fn a_request_larger_than_all_memory_is_served_alone() {
    let mut net = Net::new(Limits { request_memory: ByteCount(1000), ..limits() });
    let (giant, small) = (net.connect(), net.connect());
    net.write(small, &frame(b"first"));
    net.write(giant, &frame(&[9; 500_000]));
    assert_eq!(net.next().unwrap().2, "first");
    assert_eq!(net.next(), None);
    net.answer(small, 0, None);
    net.write(small, &frame(b"second"));
    assert_eq!(net.next().unwrap().2.len(), 500_000);
    assert_eq!(net.next(), None, "nobody is beside it");
    net.answer(giant, 0, bytes("ok"));
    assert_eq!(net.next().unwrap().2, "second");
}

#[test]
fn when_much_is_held_for_those_in_line_others_are_not_read_at_all() {
    let mut net = Net::new(Limits { request_memory: ByteCount(100_000), ..limits() });
    let ids: Vec<_> = (0..20).map(|_| net.connect()).collect();
    for &id in &ids {
        net.write(id, &frame(&[id.index() as u8; 90_000]));
    }
    assert_eq!(net.next().unwrap().0, ids[0]);
    let (reserved, held) = net.table.request_memory();
    assert_eq!((reserved, held), (90_000, 90_000), "only the second has got in line");
    for &id in &ids[2..] {
        assert!(net.wires[&id].unread.len() > 90_000 && !net.wires[&id].receiving);
    }
    net.at(limits().idle_max.unwrap() * 2);
    net.answer(ids[0], 0, None);
    let served = std::iter::from_fn(|| {
        let (id, slot, _) = net.next()?;
        net.answer(id, slot.0, None);
        Some(id)
    });
    assert_eq!(served.collect::<Vec<_>>(), ids[1..], "nobody was idle: it was us who did not read");
    assert!(ids.iter().all(|id| net.wires[id].receiving));
}

#[test]
fn memory_is_occupied_until_the_answer_even_if_the_client_leaves() {
    let mut net = Net::new(Limits { request_memory: ByteCount(10_000), ..limits() });
    for size in [4800, 4800, 500, 500, 500] {
        let id = net.connect();
        net.write(id, &frame(&vec![0; size]));
        net.reset(id);
    }
    // Two fit. What the others had sent is still worked on, in turn.
    let mut taken: Vec<_> = std::iter::from_fn(|| net.next()).collect();
    assert_eq!(taken.len(), 2);
    assert_eq!(net.table.request_memory(), (9600, 1500));
    for _ in 0..5 {
        let (id, slot, _) = taken.remove(0);
        net.answer(id, slot.0, bytes("nobody hears this"));
        taken.extend(std::iter::from_fn(|| net.next()));
    }
    assert_eq!(net.table.request_memory(), (0, 0));
    assert!(net.table.is_empty());
    assert_eq!(net.admission.connections(), 0);
}

#[test]
fn impossible_lengths_close_the_connection_and_no_other() {
    let mut net = Net::new(Limits { frame_bytes_max: 1000, ..limits() });
    let good = net.connect();
    for length in [-1, i32::MIN, 1001, i32::MAX] {
        let bad = net.connect();
        net.write(bad, &[&frame(b"before")[..], &length.to_be_bytes(), b"GET / HTTP/1.1"].concat());
        assert!(net.wires[&bad].closed);
        assert!(net.table.get(bad).is_none());
    }
    assert_eq!(net.closed(CloseReason::BadFrame), 4);
    net.write(good, &frame(&[0; 1000]));
    assert_eq!(net.echo(), 1);
    assert_eq!(net.table.request_memory(), (0, 0));
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
fn a_client_that_has_closed_its_side_still_gets_its_answers() {
    let mut net = Net::new(Limits { requests_in_flight_max: 2, ..limits() });
    let id = net.connect();
    let requests: Vec<u8> = (0..10u8).flat_map(|i| frame(&[i])).collect();
    net.wire(id).unread.extend(&requests);
    net.wire(id).unread.extend(&[0, 0, 0, 9, 1]);
    net.end(id);
    let first = net.next().unwrap();
    assert!(!net.wires[&id].closed);
    net.answer(first.0, first.1.0, Some(vec![first.2]));
    assert_eq!(net.echo(), 9);
    assert_eq!(net.wires[&id].heard, (0..10).collect::<Vec<u8>>());
    assert!(net.wires[&id].closed && net.table.is_empty());
    assert_eq!(net.closed(CloseReason::PeerClosed), 1);
    assert_eq!(net.table.request_memory(), (0, 0), "the part of a frame at the end is forgotten");
}

#[test]
fn requests_without_an_answer_are_worked_on_although_their_client_is_gone() {
    let mut net = Net::new(Limits { requests_in_flight_max: 3, ..limits() });
    let id = net.connect();
    net.write(id, &(0..7u8).flat_map(|i| frame(&[i])).collect::<Vec<u8>>());
    net.reset(id);
    let mut seen = Vec::new();
    while let Some((id, slot, body)) = net.next() {
        seen.extend(body);
        net.answer(id, slot.0, None);
    }
    assert_eq!(seen, (0..7).collect::<Vec<u8>>());
    assert!(net.table.is_empty());
}

#[test]
fn idle_connections_are_closed_in_time_and_busy_ones_are_not() {
    let second = Duration::from_secs(1);
    let mut net = Net::new(Limits { idle_max: Some(10 * second), ..limits() });
    let [idle, busy, half_frame, waiting, deaf] = std::array::from_fn(|_| net.connect());
    net.write(half_frame, &frame(b"never finished")[..9]);
    net.write(waiting, &frame(b"a long poll"));
    net.wire(deaf).reader_stopped = true;
    net.write(deaf, &frame(b"an answer that is not read"));
    let long_poll = net.next().unwrap();
    assert_eq!(net.echo(), 1);
    assert_eq!(net.table.next_deadline(), Some(net.start + 10 * second));
    net.at(9 * second);
    net.write(busy, &frame(b"x"));
    assert_eq!(net.echo(), 1);
    assert_eq!(net.closed(CloseReason::Idle), 0);
    net.at(10 * second);
    for (id, closed) in [(idle, true), (busy, false), (half_frame, true), (waiting, false), (deaf, true)] {
        assert_eq!(net.wires[&id].closed, closed, "{id}");
    }
    assert_eq!(net.closed(CloseReason::Idle), 3);
    // The one that waited for us is idle from its answer on.
    net.at(15 * second);
    net.answer(long_poll.0, long_poll.1.0, bytes("late"));
    net.at(24 * second);
    assert!(!net.wires[&waiting].closed);
    net.at(25 * second);
    assert!(net.wires[&waiting].closed && net.table.is_empty());
    assert_eq!(net.table.next_deadline(), None);
    assert_eq!(net.table.request_memory(), (0, 0));
}

#[test]
fn a_slow_sender_of_a_large_frame_gives_way_only_when_others_need_the_memory() {
    let second = Duration::from_secs(1);
    let patience = 5 * second;
    let mut net =
        Net::new(Limits { request_memory: ByteCount(1000), contended_frame_max: patience, ..limits() });
    let (slow, other) = (net.connect(), net.connect());
    net.write(slow, &frame(&[0; 900])[..100]);
    net.at(20 * second);
    assert!(!net.wires[&slow].closed, "nobody else needs the memory");
    net.write(other, &frame(&[1; 200]));
    assert_eq!(net.next(), None);
    net.at(22 * second);
    assert!(net.wires[&slow].closed);
    assert_eq!(net.closed(CloseReason::TooSlow), 1);
    assert_eq!(net.echo(), 1);
}

#[test]
fn stopping_answers_what_has_arrived_and_takes_nothing_more() {
    let mut net = Net::new(limits());
    let (busy, idle, half) = (net.connect(), net.connect(), net.connect());
    net.write(busy, &[frame(b"one"), frame(b"two")].concat());
    net.write(half, &frame(b"half a frame")[..10]);
    let (id, slot, body) = net.next().unwrap();
    net.table.stop();
    net.write(busy, &frame(b"too late"));
    assert!(net.wires[&idle].closed && net.wires[&half].closed && !net.wires[&busy].closed);
    assert_eq!(net.echo(), 1);
    assert!(!net.table.is_empty());
    net.answer(id, slot.0, Some(vec![body]));
    assert!(net.wires[&busy].closed && net.table.is_empty());
    assert_eq!(net.wires[&busy].heard, b"onetwo");
    assert_eq!(net.closed(CloseReason::Stopping), 3);
}

#[test]
fn closing_all_at_once_leaves_only_what_was_handed_out() {
    let mut net = Net::new(limits());
    let id = net.connect();
    net.wire(id).reader_stopped = true;
    net.write(id, &[frame(b"one"), frame(b"two"), frame(b"three")].concat());
    net.next().unwrap();
    net.answer(id, 0, bytes("on its way"));
    net.next().unwrap();
    net.table.stop();
    net.table.abort_all(CloseReason::Stopping);
    net.run();
    assert!(net.wires[&id].closed);
    assert_eq!(net.next(), None);
    assert_eq!(net.table.request_memory(), (3, 0));
    net.answer(id, 1, bytes("nobody hears"));
    assert!(net.table.is_empty());
    assert_eq!(net.table.request_memory(), (0, 0));
}

#[test]
fn a_connection_closed_by_the_broker_gets_its_last_answer_first() {
    let mut net = Net::new(limits());
    let id = net.connect();
    net.write(id, &[frame(b"wrong password"), frame(b"more")].concat());
    net.next().unwrap();
    net.table.finish(id, CloseReason::ByBroker);
    net.answer(id, 0, bytes("no"));
    assert!(!net.wires[&id].closed, "its second request had arrived");
    assert_eq!(net.echo(), 1);
    assert_eq!(net.wires[&id].heard, b"nomore");
    assert!(net.wires[&id].closed);
}

#[test]
fn a_connection_moves_only_between_two_requests_and_takes_its_unread_bytes_along() {
    let mut net = Net::new(limits());
    let id = net.connect();
    net.table.get_mut(id).unwrap().session = 77;
    net.write(id, &frame(b"first"));
    net.write(id, &frame(b"second")[..7]);
    net.table.leave_for(id, ShardId(3));
    net.run();
    assert!(net.wires[&id].moved.is_none(), "a request is under way");
    assert!(!net.wires[&id].receiving);
    net.write(id, &frame(b"second")[7..]);
    assert_eq!(net.echo(), 1);
    let (target, parts) = net.wires[&id].moved.as_ref().unwrap();
    assert_eq!((*target, parts.session), (ShardId(3), 77));
    assert_eq!(parts.unread, frame(b"second")[..7]);
    assert_eq!(net.wires[&id].heard, b"first");
    assert!(net.table.is_empty());
    assert_eq!(net.table.request_memory(), (0, 0));

    let there = net.arrive(id);
    assert_ne!(there, id);
    assert_eq!(net.echo(), 1);
    assert_eq!(net.wires[&there].heard, b"firstsecond");
    assert_eq!(net.table.get(there).unwrap().session, 77);
}

#[test]
fn a_move_that_fails_leaves_the_connection_as_it_was() {
    let mut net = Net::new(limits());
    let id = net.connect();
    net.moves_fail = true;
    net.table.leave_for(id, ShardId(1));
    net.write(id, &frame(b"still here"));
    assert_eq!(net.echo(), 1);
    assert_eq!(net.wires[&id].heard, b"still here");
}

#[test]
fn a_client_that_leaves_while_its_connection_is_to_move_is_simply_closed() {
    let mut net = Net::new(limits());
    let id = net.connect();
    net.write(id, &frame(b"under way"));
    let (_, slot, _) = net.next().unwrap();
    net.reset(id);
    net.table.leave_for(id, ShardId(1));
    net.run();
    net.answer(id, slot.0, bytes("late"));
    assert!(net.wires[&id].moved.is_none());
    assert!(net.wires[&id].closed && net.table.is_empty());
}

#[test]
fn stale_ids_change_nothing() {
    let mut net = Net::new(limits());
    let old = net.connect();
    net.reset(old);
    let new = net.connect();
    assert_eq!(old.index(), new.index());
    net.table.on_received(old, &frame(b"ghost"));
    net.table.on_sent(old, false);
    net.table.on_receive_ended(old, End::Broken);
    net.table.answer(old, Slot(0), bytes("ghost"));
    net.table.abort(old, CloseReason::ByBroker);
    net.run();
    assert_eq!(net.next(), None);
    assert!(!net.wires[&new].closed);
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
    while let Some((id, slot, body)) = net.table.next_request() {
        served += 1;
        net.table.answer(id, slot, Some(vec![body]));
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

mod random;
