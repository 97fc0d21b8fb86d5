//! Request memory: who gets it, who waits, and that all of it comes back.

use super::*;

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
fn a_request_larger_than_all_memory_is_served_beside_requests_that_wait_for_something() {
    let mut net = Net::new(Limits { request_memory: ByteCount(1000), ..limits() });
    let [poll, first, second] = std::array::from_fn(|_| net.connect());
    net.write(poll, &frame(&[0; 400]));
    net.write(first, &frame(&[1; 500_000]));
    net.write(second, &frame(&[2; 500_000]));
    assert_eq!(net.next().unwrap().0, poll);
    assert_eq!(net.next().unwrap().2.len(), 500_000);
    assert_eq!(net.next(), None, "one giant at a time");
    net.answer(first, 0, bytes("ok"));
    assert_eq!(net.next().unwrap().0, second);
    net.answer(second, 0, bytes("ok"));
    net.answer(poll, 0, bytes("ok"));
    assert_eq!(net.table.request_memory(), (0, 0));
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
fn a_slow_sender_of_a_large_frame_gives_way_only_when_others_need_the_memory() {
    let second = Duration::from_secs(1);
    let patience = 5 * second;
    let mut net =
        Net::new(Limits { request_memory: ByteCount(1000), contended_frame_max: patience, ..limits() });
    let (slow, other) = (net.connect(), net.connect());
    net.write(slow, &frame(&[0; 900])[..100]);
    net.at(20 * second);
    assert!(!net.wires[&slow].closed, "nobody else needs the memory");
    net.write(other, &frame(&[1; 600]));
    assert_eq!(net.next(), None);
    net.at(22 * second);
    assert!(net.wires[&slow].closed);
    assert_eq!(net.closed(CloseReason::TooSlow), 1);
    assert_eq!(net.echo(), 1);
}

#[test]
fn of_several_slow_senders_the_one_that_occupies_most_gives_way_first() {
    let second = Duration::from_secs(1);
    let patience = Limits { contended_frame_max: 5 * second, ..limits() };
    let mut net = Net::new(Limits { request_memory: ByteCount(1000), ..patience });
    let [small, large, quick, other] = std::array::from_fn(|_| net.connect());
    net.write(small, &frame(&[0; 200])[..100]);
    net.write(large, &frame(&[0; 400])[..100]);
    net.at(4 * second);
    net.write(quick, &frame(&[0; 300])[..100]);
    net.write(other, &frame(&[1; 500]));
    net.at(6 * second);
    assert_eq!([small, large, quick].map(|id| net.wires[&id].closed), [false, true, false]);
    assert_eq!(net.echo(), 1);
    net.at(60 * second);
    assert!(!net.wires[&small].closed, "nobody needs its memory any more");
}
