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
    let sizes = [900, 600, 50, 200];
    for (&id, size) in ids.iter().zip(sizes) {
        net.write(id, &frame(&vec![0; size]));
    }
    assert_eq!(net.next().unwrap().2.len(), 900);
    assert_eq!(net.next(), None, "not even the small one overtakes");
    assert!(net.wires[&ids[1]].receiving.is_none() && net.wires[&ids[2]].receiving.is_none());
    net.answer(ids[0], 0, None);
    let served: Vec<_> = std::iter::from_fn(|| net.next()).map(|(_, _, body)| body.len()).collect();
    assert_eq!(served, [600, 50, 200]);
    for &id in &ids[1..] {
        net.answer(id, 0, None);
        assert!(net.wires[&id].receiving.is_some());
    }
    assert_eq!(net.table.request_memory(), (0, 0));
}

#[test]
fn a_request_larger_than_all_memory_is_served_beside_requests_that_wait_for_something() {
    let mut net = Net::new(Limits { request_memory: ByteCount(1000), ..limits() });
    let [poll, first, second] = std::array::from_fn(|_| net.connect());
    net.write(poll, &frame(&[0; 250]));
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
        assert!(net.wires[&id].unread.len() > 90_000 && net.wires[&id].receiving.is_none());
    }
    net.at(limits().idle_max.unwrap() * 2);
    net.answer(ids[0], 0, None);
    let served = std::iter::from_fn(|| {
        let (id, slot, _) = net.next()?;
        net.answer(id, slot.0, None);
        Some(id)
    });
    assert_eq!(served.collect::<Vec<_>>(), ids[1..], "nobody was idle: it was us who did not read");
    assert!(ids.iter().all(|id| net.wires[id].receiving.is_some()));
}

#[test]
fn small_requests_go_on_whatever_large_ones_do() {
    // Frames of up to 1562 bytes are small.
    let mut net = Net::new(Limits { request_memory: ByteCount(100_000), ..limits() });
    net.chunk = 600;
    let idle = net.connect();
    let large: Vec<_> = (0..12).map(|_| net.connect()).collect();
    for (i, &id) in large.iter().enumerate() {
        // Some come whole, some announce much and stop in the middle.
        let wire = frame(&vec![1; 50_000 + 40_000 * (i % 3)]);
        net.write(id, if i % 2 == 0 { &wire } else { &wire[..20_000] });
    }
    assert_eq!(net.next().unwrap().0, large[0]);
    let waiting = net.table.statistics().memory_waits;
    assert!(waiting >= 2 && large.iter().any(|id| net.wires[id].receiving.is_none()), "{waiting}");
    let newcomer = net.connect();
    for id in [idle, newcomer] {
        for size in [0, 1, 100, 1562] {
            net.write(id, &frame(&vec![2; size]));
            assert_eq!(net.echo(), 1, "{size} bytes");
        }
        net.write(id, &frame(&[2; 1563]));
        assert_eq!(net.next(), None, "large ones wait their turn");
    }
}

#[test]
fn who_announces_much_and_sends_nothing_keeps_nobody_waiting() {
    let mut net = Net::new(Limits { request_memory: ByteCount(100_000), ..limits() });
    let silent: Vec<_> = (0..100).map(|_| net.connect()).collect();
    for (i, &id) in silent.iter().enumerate() {
        net.write(id, &frame(&vec![0; 90_000])[..4 + 10 * i]);
        net.write(id, &[0; 20]);
    }
    let other = net.connect();
    for size in [10, 2000, 90_000] {
        net.write(other, &frame(&vec![1; size]));
        assert_eq!(net.echo(), 1, "{size} bytes");
    }
    assert_eq!(net.table.statistics().memory_waits, 0);
    let (reserved, held) = net.table.request_memory();
    assert!(reserved == 0 && held < 100 * 1024, "{held} bytes are held");
    // They are as idle as if they had sent nothing at all.
    net.at(limits().idle_max.unwrap() + Duration::from_secs(1));
    assert!(silent.iter().all(|id| net.wires[id].closed));
    assert_eq!(net.table.request_memory(), (0, 0));
}

#[test]
fn a_head_that_comes_byte_by_byte_is_put_together() {
    let mut net = Net::new(limits());
    let id = net.connect();
    let bodies = [&b"first"[..], &[7; 1023], &[8; 1025], &[9; 3000], b""];
    for byte in bodies.iter().flat_map(|body| frame(body)) {
        net.write(id, &[byte]);
    }
    for body in bodies {
        let (id, slot, frame) = net.next().unwrap();
        assert_eq!(frame, body);
        net.answer(id, slot.0, None);
    }
    assert_eq!(net.table.request_memory(), (0, 0));
}

#[test]
fn memory_is_occupied_until_the_answer_even_if_the_client_leaves() {
    let mut net = Net::new(Limits { request_memory: ByteCount(10_000), ..limits() });
    for size in [3700, 3700, 500, 500, 500] {
        let id = net.connect();
        net.write(id, &frame(&vec![0; size]));
        net.reset(id);
    }
    // Two fit. What the others had sent is still worked on, in turn.
    let mut taken: Vec<_> = std::iter::from_fn(|| net.next()).collect();
    assert_eq!(taken.len(), 2);
    assert_eq!(net.table.request_memory(), (7400, 1500));
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
        Net::new(Limits { request_memory: ByteCount(100_000), contended_frame_max: patience, ..limits() });
    let (slow, other) = (net.connect(), net.connect());
    net.write(slow, &frame(&[0; 90_000])[..10_000]);
    net.at(20 * second);
    assert!(!net.wires[&slow].closed, "nobody else needs the memory");
    net.write(other, &frame(&[1; 60_000]));
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
    let mut net = Net::new(Limits { request_memory: ByteCount(100_000), ..patience });
    let [small, large, quick, other] = std::array::from_fn(|_| net.connect());
    net.write(small, &frame(&[0; 15_000])[..10_000]);
    net.write(large, &frame(&[0; 30_000])[..10_000]);
    net.at(4 * second);
    net.write(quick, &frame(&[0; 20_000])[..10_000]);
    net.write(other, &frame(&[1; 40_000]));
    net.at(6 * second);
    assert_eq!([small, large, quick].map(|id| net.wires[&id].closed), [false, true, false]);
    assert_eq!(net.echo(), 1);
    net.at(60 * second);
    assert!(!net.wires[&small].closed, "nobody needs its memory any more");
}

#[test]
fn a_slow_sender_of_a_small_frame_gives_way_to_others_of_its_kind() {
    let second = Duration::from_secs(1);
    // Frames of up to 15,625 bytes are small; sixteen of them are their share.
    let limits = Limits { request_memory: ByteCount(1_000_000), contended_frame_max: 5 * second, ..limits() };
    let mut net = Net::new(limits);
    let large: Vec<_> = (0..3).map(|_| net.connect()).collect();
    for &id in &large {
        net.write(id, &frame(&[0; 600_000])[..500]);
        net.write(id, &[0; 1000]);
    }
    let slow: Vec<_> = (0..16).map(|_| net.connect()).collect();
    for &id in &slow {
        net.write(id, &frame(&[0; 15_625])[..1100]);
    }
    let other = net.connect();
    net.write(other, &frame(&[1; 2000]));
    assert_eq!(net.next(), None);
    net.at(4 * second);
    net.at(6 * second);
    // The large one that is arriving goes first: more wait for what it has.
    assert!(net.wires[&large[0]].closed && slow.iter().all(|id| !net.wires[id].closed));
    net.at(7 * second);
    net.at(8 * second);
    net.at(9 * second);
    assert_eq!(net.echo(), 1);
}

#[test]
fn the_time_of_a_frame_that_waits_for_memory_is_told_apart_from_that_of_its_arrival_and_of_its_answer() {
    let mut net = Net::new(Limits { request_memory: ByteCount(10_000), ..limits() });
    let [first, second] = std::array::from_fn(|_| net.connect());
    net.write(first, &frame(&[0; 9000]));
    let _ = net.next().unwrap();
    let late = frame(&[0; 6000]);
    let at = Duration::from_millis;
    net.write(second, &late[..100]);
    net.at(at(1));
    // Now its head is here: it waits for memory, whatever else arrives.
    net.write(second, &late[100..1500]);
    net.at(at(5));
    net.write(second, &late[1500..2000]);
    net.at(at(8));
    net.answer(first, 0, None);
    net.at(at(10));
    net.write(second, &late[2000..]);
    let (_, slot, body, timeline) = net.table.next_request().unwrap();
    assert_eq!(body.len(), 6000);
    let spent_ms = |timeline: &Timeline, stage| timeline.spent_ns(stage) / 1_000_000;
    assert_eq!((spent_ms(&timeline, Stage::Socket), spent_ms(&timeline, Stage::Queue)), (3, 7));
    while net.table.next_timeline().is_some() {}
    net.wire(second).reader_stopped = true;
    net.table.answer(second, slot, bytes("ok"), timeline);
    net.at(at(40));
    assert_eq!(net.table.next_timeline(), None);
    net.wire(second).reader_stopped = false;
    net.run();
    let timeline = net.table.next_timeline().unwrap();
    assert_eq!((spent_ms(&timeline, Stage::Send), timeline.total_ns()), (30, 40_000_000));
}
