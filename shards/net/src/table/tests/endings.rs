//! How connections end or leave: closed by either side, idle, stopped, moved.

use super::*;

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
    // Neither a half frame nor an unread answer is excused by another request that waits for the broker.
    net.write(half_frame, &[&frame(b"poll")[..], &frame(b"never finished")[..9]].concat());
    net.write(deaf, &[frame(b"an answer that is not read"), frame(b"poll")].concat());
    net.write(waiting, &frame(b"a long poll"));
    net.wire(deaf).reader_stopped = true;
    let taken: Vec<_> = std::iter::from_fn(|| net.next()).collect();
    assert_eq!(taken.iter().map(|(id, ..)| *id).collect::<Vec<_>>(), [half_frame, deaf, waiting, deaf]);
    net.answer(deaf, 0, bytes("an answer that is not read"));
    let long_poll = &taken[2];
    assert_eq!(net.table.next_deadline(), Some(net.start + 10 * second));
    net.at(9 * second);
    net.write(busy, &frame(b"x"));
    let (_, slot, _) = net.next().unwrap();
    net.answer(busy, slot.0, None);
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
    assert!(net.wires[&waiting].closed);
    assert_eq!(net.table.next_deadline(), None);
    net.answer(half_frame, 0, None);
    net.answer(deaf, 1, None);
    assert!(net.table.is_empty());
    assert_eq!(net.table.request_memory(), (0, 0));
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
    net.write(busy, &frame(b"even later"));
    assert!(
        net.wires[&busy].unread.is_empty(),
        "it is read, lest closing the socket loses answers on their way"
    );
    assert!(net.wires[&idle].closed && net.wires[&half].closed && !net.wires[&busy].closed);
    assert_eq!(net.echo(), 1);
    assert!(!net.table.is_empty());
    net.answer(id, slot.0, Some(vec![body]));
    assert!(net.wires[&busy].closed && net.table.is_empty());
    assert_eq!(net.wires[&busy].heard, b"onetwo");
    assert_eq!(net.closed(CloseReason::Stopping), 3);
    assert_eq!(net.table.next_deadline(), None);
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
    assert_eq!(net.admission.connections(), 0, "a connection counts only as long as its socket is open");
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
    assert!(net.wires[&id].receiving.is_none());
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
fn requests_that_were_not_begun_go_along_to_the_other_shard() {
    let mut net = Net::new(Limits { requests_in_flight_max: 1, ..limits() });
    let id = net.connect();
    net.write(id, &[frame(b"here"), frame(b"there"), frame(b"there too")].concat());
    let (_, slot, _) = net.next().unwrap();
    net.table.leave_for(id, ShardId(1));
    net.answer(id, slot.0, bytes("ok"));
    assert_eq!(net.next(), None);
    let (_, parts) = net.wires[&id].moved.as_ref().unwrap();
    assert_eq!(parts.unread, [frame(b"there"), frame(b"there too")].concat());
    assert_eq!(net.table.next_deadline(), None);
}

#[test]
fn a_connection_that_arrives_at_a_shard_that_stops_is_closed() {
    let mut net = Net::new(limits());
    let id = net.connect();
    net.table.leave_for(id, ShardId(1));
    net.run();
    net.table.stop();
    let there = net.arrive(id);
    assert!(net.wires[&there].closed && net.table.is_empty());
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
    net.table.answer(old, Slot(0), bytes("ghost"), Timeline::begin(Moment::of(net.start)));
    net.table.abort(old, CloseReason::ByBroker);
    net.run();
    assert_eq!(net.next(), None);
    assert!(!net.wires[&new].closed);
}
