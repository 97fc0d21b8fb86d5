//! Connections over real sockets on real reactors.

mod stage;

use std::io::Write;
use std::net::Shutdown;
use std::time::Duration;

use reactor::{Allow, Options};
use stage::{Broker, Client, frame, memory};
use strome_net::{AdmissionLimits, CloseReason, Limits, Statistics};

#[test]
fn three_thousand_connections_get_their_answers_in_order() {
    let broker = Broker::one_shard(memory(64 * 1024));
    let mut clients: Vec<Client> = (0..3000).map(|_| broker.connect()).collect();
    for (i, client) in clients.iter_mut().enumerate() {
        let first = format!("e first {i}");
        let all = [frame(first.as_bytes()), frame(b"n"), frame(&vec![b'e'; i % 500 + 1]), frame(b"e last")];
        client.stream.write_all(&all.concat()).unwrap();
    }
    for (i, client) in clients.iter_mut().enumerate() {
        assert_eq!(client.answer(), format!("e first {i}").as_bytes());
        assert_eq!(client.answer(), vec![b'e'; i % 500 + 1]);
        assert_eq!(client.answer(), b"e last");
    }
    broker.wait_until("all are counted", |all| {
        all[0].statistics.active == 3000 && all[0].statistics.requests == 12_000 && all[0].request_memory == 0
    });
    drop(clients);
    broker.wait_until("all are gone", |all| all[0].statistics.closed_for(CloseReason::PeerClosed) == 3000);
    broker.end();
}

#[test]
fn slow_senders_do_not_hold_up_others() {
    let broker = Broker::one_shard(memory(1 << 20));
    let mut slow: Vec<Client> = (0..20).map(|_| broker.connect()).collect();
    let mut quick = broker.connect();
    let wire = frame(b"e a byte at a time");
    for byte in &wire {
        for client in &mut slow {
            client.stream.write_all(&[*byte]).unwrap();
        }
        assert_eq!(quick.ask(b"e quick"), b"e quick");
    }
    for client in &mut slow {
        assert_eq!(client.answer(), b"e a byte at a time");
    }
    broker.end();
}

#[test]
fn half_frames_and_resets_leave_nothing_behind() {
    let broker = Broker::one_shard(memory(1 << 20));
    let mut survivor = broker.connect();
    for round in 0..50usize {
        let mut half = broker.connect();
        half.stream.write_all(&frame(&[b'e'; 5000])[..round * 100]).unwrap();
        let mut large = broker.connect();
        large.stream.write_all(&frame(&vec![b'e'; 300_000])[..200_000]).unwrap();
        let mut waiting = broker.connect();
        waiting.request(b"l nobody will hear this");
        let mut deaf = broker.connect();
        deaf.request(b"b\x00\xf0\x00\x00x");
        broker.wait_until("all have arrived", |all| {
            let statistics = &all[0].statistics;
            statistics.accepted == 4 * round as u64 + 5 && statistics.requests == 3 * round as u64 + 2
        });
        if round % 2 == 0 {
            [half, large, waiting, deaf].into_iter().for_each(Client::reset);
        }
        assert_eq!(survivor.ask(b"e still here"), b"e still here");
    }
    // Who only closed could still hear an answer; who has reset the connection could not.
    broker.wait_until("only the requests that wait are left", |all| {
        all[0].statistics.active == 1 + 25 && all[0].request_memory == 50 * 23
    });
    assert_eq!(survivor.ask(b"r"), b"r");
    broker.wait_until("all is free", |all| all[0].request_memory == 0 && all[0].statistics.active == 1);
    drop(survivor);
    broker.end();
}

#[test]
fn a_reader_that_stops_is_no_longer_read_and_gets_everything_later() {
    const ANSWER: usize = 1 << 20;
    let broker = Broker::one_shard(Limits { reply_bytes_waiting_max: 2 * ANSWER, ..memory(1 << 20) });
    let lazy = broker.connect();
    let mut other = broker.connect();
    let mut writer = lazy.stream.try_clone().unwrap();
    // More requests than credits and sockets hold: the writer is stopped until the reader reads.
    let writing = std::thread::spawn(move || {
        for number in 0..200u8 {
            writer.write_all(&frame(&[b'b', 0, 0x10, 0, 0, number])).unwrap();
        }
        for _ in 0..200 {
            writer.write_all(&frame(&[b'n'; 100_000])).unwrap();
        }
        writer.shutdown(Shutdown::Write).unwrap();
    });
    broker.wait_until("its socket is no longer read", |all| all[0].statistics.pauses > 0);
    for _ in 0..100 {
        assert_eq!(other.ask(b"e others go on"), b"e others go on");
    }
    let mut reader = lazy;
    for number in 0..200u8 {
        let answer = reader.answer();
        assert_eq!((answer.len(), answer[0], answer[ANSWER - 1]), (ANSWER, number, number));
    }
    writing.join().unwrap();
    assert_eq!(reader.read_to_the_end(), 0, "it has closed its side, and all is answered");
    broker.end();
}

#[test]
fn requests_beyond_the_memory_stay_in_the_sockets_until_there_is_room() {
    const REQUEST: usize = 1 << 20;
    const FIT: u64 = 6;
    const CLIENTS: u64 = 100;
    let broker = Broker::one_shard(memory(8 * REQUEST as u64));
    let clients: Vec<_> = (0..CLIENTS as u8).map(|number| (number, broker.connect())).collect();
    let threads = clients.into_iter().map(|(number, mut client)| {
        std::thread::spawn(move || {
            let mut request = vec![number; REQUEST];
            request[0] = b'l';
            assert_eq!(client.ask(&request), request);
        })
    });
    let threads: Vec<_> = threads.collect();
    broker.wait_until("as many as fit are there and the others are not read", |all| {
        all[0].statistics.requests == FIT && all[0].statistics.pauses >= CLIENTS - FIT
    });
    // Besides what fits, there is what a few rounds have brought before the sockets were paused: each at most the
    // reactor's buffers.
    let report = broker.report(0);
    assert!(report.request_memory < 50 * REQUEST as u64, "{report:?}");
    broker.release();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    broker.wait_until("all is free", |all| all[0].request_memory == 0);
    broker.end();
}

#[test]
fn small_requests_go_on_while_giants_stand_in_line() {
    const GIANT: u32 = 100 << 20;
    let broker = Broker::one_shard(memory(8 << 20));
    let mut before = broker.connect();
    let mut giants: Vec<Client> = (0..100).map(|_| broker.connect()).collect();
    for (i, giant) in giants.iter_mut().enumerate() {
        giant.stream.write_all(&GIANT.to_be_bytes()).unwrap();
        // Half of them send no more than a header, which is not worth a place in line; the others something.
        giant.stream.write_all(&vec![b'n'; if i % 2 == 0 { 10 } else { 5000 }]).unwrap();
    }
    broker.wait_until("all but the one whose turn it is wait", |all| {
        all[0].statistics.memory_waits == 49 && all[0].statistics.received_bytes == 50 * (14 + 5004)
    });
    let mut after = broker.connect();
    for size in [1, 1000, 64 * 1024] {
        let request = vec![b'e'; size];
        assert_eq!(before.ask(&request), request);
        assert_eq!(after.ask(&request), request);
    }
    assert!(broker.report(0).request_memory < 102 << 20);
    drop(giants);
    broker.wait_until("all is free", |all| all[0].request_memory == 0);
    assert_eq!(after.ask(&vec![b'e'; 3 << 20]).len(), 3 << 20);
    drop((before, after));
    broker.end();
}

#[test]
fn idle_connections_are_closed() {
    let broker = Broker::one_shard(Limits { idle_max: Some(Duration::from_millis(100)), ..memory(1 << 20) });
    let mut clients = [broker.connect(), broker.connect()];
    clients[1].stream.write_all(&frame(b"e half a frame")[..9]).unwrap();
    for client in &mut clients {
        assert_eq!(client.read_to_the_end(), 0);
    }
    broker.wait_until("both are counted", |all| all[0].statistics.closed_for(CloseReason::Idle) == 2);
    broker.end();
}

#[test]
fn connections_beyond_the_limit_are_closed_at_once() {
    let limits = AdmissionLimits { connections_max: 3, ..AdmissionLimits::default() };
    let broker = Broker::start(2, memory(1 << 20), limits);
    let mut admitted: Vec<Client> = (0..3).map(|_| broker.connect()).collect();
    admitted.iter_mut().for_each(|client| assert_eq!(client.ask(b"e in"), b"e in"));
    for _ in 0..10 {
        assert_eq!(broker.connect().read_to_the_end(), 0);
    }
    broker.wait_until("they are counted", |all| {
        all.iter().map(|one| one.statistics.refused).sum::<u64>() == 10
    });
    drop(admitted.pop());
    broker.wait_until("one has gone", |all| all.iter().map(|one| one.statistics.active).sum::<u64>() == 2);
    assert_eq!(broker.connect().ask(b"e in its place"), b"e in its place");
    drop(admitted);
    broker.end();
}

#[test]
fn impossible_lengths_end_a_connection() {
    let broker = Broker::one_shard(Limits { frame_bytes_max: 1000, ..memory(1 << 20) });
    for length in [-1i32, 1001, i32::MAX, i32::from_be_bytes(*b"GET ")] {
        let mut client = broker.connect();
        assert_eq!(client.ask(b"e fine"), b"e fine");
        client.stream.write_all(&length.to_be_bytes()).unwrap();
        assert_eq!(client.read_to_the_end(), 0);
    }
    broker.wait_until("all are counted", |all| all[0].statistics.closed_for(CloseReason::BadFrame) == 4);
    broker.end();
}

#[test]
fn stopping_waits_for_the_answers_and_closes_everything() {
    let broker = Broker::one_shard(memory(1 << 20));
    let mut idle = broker.connect();
    assert_eq!(idle.ask(b"e hello"), b"e hello");
    let mut waiting = broker.connect();
    waiting.request(b"l the last answer");
    waiting.request(b"r");
    let mut stuck = broker.connect();
    stuck.request(b"l");
    broker.wait_until("the requests have arrived", |all| all[0].statistics.requests == 4);
    assert_eq!(waiting.answer(), b"l the last answer");
    assert_eq!(waiting.answer(), b"r");
    // Whether `stuck` came before or after `r`, one more `r` from elsewhere frees it.
    let mut last = broker.connect();
    last.request(b"r");
    broker.wait_until("the last has arrived", |all| all[0].statistics.requests == 5);
    broker.stop();
    assert_eq!(stuck.answer(), b"l");
    for client in [&mut idle, &mut waiting, &mut stuck] {
        assert_eq!(client.read_to_the_end(), 0);
    }
    assert_eq!(last.read_to_the_end(), frame(b"r").len());
    broker.wait_until("it is drained", |all| all[0].drained);
    broker.end();
}

#[test]
fn connections_move_between_shards_under_load_without_a_loss() {
    move_under_load(Options::default());
}

#[test]
fn they_do_so_on_the_oldest_kernels_too() {
    move_under_load(Options { allow: Allow::NONE, ..Options::default() });
}

#[test]
fn a_handful_of_receive_buffers_is_enough_for_all() {
    move_under_load(Options { receive_buffers: 2, receive_buffer_bytes: 512, ..Options::default() });
}

fn move_under_load(options: Options) {
    let broker = Broker::start_with(2, memory(1 << 20), AdmissionLimits::default(), options);
    let clients: Vec<_> = (0..8).map(|_| broker.connect()).collect();
    let threads = clients.into_iter().enumerate().map(|(which, mut client)| {
        std::thread::spawn(move || {
            let mut writer = client.stream.try_clone().unwrap();
            let writing = std::thread::spawn(move || {
                for number in 0..2000usize {
                    let kind = if number % 50 == which { 'm' } else { 'e' };
                    let body = format!("{kind} {number} {}", "x".repeat(number % 300));
                    // In two writes now and then, so that moves happen within frames too.
                    let wire = frame(body.as_bytes());
                    let (head, tail) = wire.split_at(if number % 7 == 0 { 3 + number % 5 } else { 0 });
                    writer.write_all(head).unwrap();
                    writer.write_all(tail).unwrap();
                }
            });
            for number in 0..2000usize {
                let answer = String::from_utf8(client.answer()).unwrap();
                let expected = format!(" {number} {}", "x".repeat(number % 300));
                assert_eq!(answer[1..], expected, "client {which}");
            }
            writing.join().unwrap();
        })
    });
    for thread in threads.collect::<Vec<_>>() {
        thread.join().unwrap();
    }
    // One that moves after its last answer is nobody's until it has been adopted.
    broker.wait_until("all have arrived where they went, and are gone", |all| {
        let sum = |figure: fn(&Statistics) -> u64| all.iter().map(|one| figure(&one.statistics)).sum::<u64>();
        sum(|one| one.active) == 0 && sum(|one| one.handed_over) == sum(|one| one.adopted)
    });
    let [one, two] = [broker.report(0), broker.report(1)].map(|report| report.statistics);
    assert!(one.handed_over > 0 && two.handed_over > 0);
    assert_eq!((one.handed_over, two.handed_over), (two.adopted, one.adopted));
    broker.end();
}
