//! Clients that do not do their part: announce and send nothing, ask and do not read.

use std::io::Write;
use std::thread;

use protocol::messages::{ApiVersionsRequest, FetchRequest};

use crate::client::Client;
use crate::host::{MIB, resident, resident_peak, scale, take_turn};
use crate::support::Broker;
use crate::topics::{FETCH, append, batch, create, fetch_request, only_partition, read_all, records};

#[test]
fn announced_requests_that_never_come_keep_nobody_waiting() {
    let _turn = take_turn();
    let broker = Broker::start(&[("strome.shards", "2"), ("strome.memory.bytes", "67108864")]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "silence", 2, &[]);
    let before = resident(broker.pid());
    let claims: Vec<Client> = (0..100).map(|_| Client::connect(broker.address())).collect();
    for (at, claim) in claims.iter().enumerate() {
        let mut wire = (100i32 << 20).to_be_bytes().to_vec();
        // Every other one sends enough of it to get a place in the line for memory.
        wire.resize(if at % 2 == 0 { 12 } else { 5000 }, 0);
        claim.stream().write_all(&wire).expect("the broker reads");
    }
    let mut newcomer = Client::connect(broker.address());
    for round in 0..20 {
        for client in [&mut client, &mut newcomer] {
            append(client, "silence", round % 2, batch(&["small"]));
        }
    }
    assert_eq!(read_all(&mut newcomer, "silence", 0, 0).len(), 20);
    let grown = resident(broker.pid()).saturating_sub(before);
    eprintln!("{} KiB for 100 requests of 100 MiB that were announced", grown / 1024);
    assert!(grown < 32 * MIB, "{} MiB", grown / MIB);
}

#[test]
fn readers_that_stop_do_not_make_memory_grow_and_get_everything_later() {
    let _turn = take_turn();
    let (readers, requests) = scale((5, 2), (100, 2));
    let broker = Broker::start(&[("strome.shards", "2"), ("strome.memory.bytes", "268435456")]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "large", 1, &[]);
    let values = vec![vec![b'v'; 900_000]];
    for _ in 0..64 {
        append(&mut client, "large", 0, batch(&values));
    }
    let before = resident(broker.pid());
    let request = FetchRequest { max_bytes: 50 << 20, ..fetch_request("large", &[(0, 0)]) };
    let mut lazy: Vec<Client> = (0..readers).map(|_| Client::connect(broker.address())).collect();
    for reader in &mut lazy {
        for _ in 0..requests {
            reader.send(FETCH, &request);
        }
    }
    // Whatever the broker does for them it has done by the time that others were served many times.
    for _ in 0..200 {
        append(&mut client, "large", 0, batch(&["small"]));
    }
    let grown = resident_peak(broker.pid()).saturating_sub(before);
    eprintln!("{} MiB for {readers} readers that stopped before {requests} answers of 10 MiB", grown / MIB);
    // A quarter of the memory is for what was read from disk; beyond it every request still gets a batch.
    let bound = 256 * MIB + readers * requests * MIB;
    assert!(grown < bound, "{} MiB, {} are allowed", grown / MIB, bound / MIB);
    for reader in &mut lazy {
        for _ in 0..requests {
            let (_, response) = reader.receive::<FetchRequest>(FETCH);
            let data = only_partition(response);
            assert_eq!(data.error_code, 0);
            assert!(data.records.is_some_and(|records| !records.is_empty()));
        }
    }
}

#[test]
fn readers_that_ask_for_much_at_once_and_stop_get_one_answer_at_a_time_and_in_order() {
    const MEMORY: u64 = 64 * MIB;
    const BATCHES: i64 = 100;
    let _turn = take_turn();
    let (readers, requests) = scale((20, 10), (40, 20));
    let broker = Broker::start(&[("strome.shards", "2"), ("strome.memory.bytes", &MEMORY.to_string())]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "large", 4, &[]);
    let values = vec![vec![b'v'; 900_000]];
    for at in 0..4 * BATCHES {
        append(&mut client, "large", at as i32 % 4, batch(&values));
    }
    let before = resident(broker.pid());
    // Each answer is another part of what there is.
    let start = |reader: i64, request: i64| (reader / 4 * 10 + request * 37) % (BATCHES - 5);
    let mut lazy: Vec<Client> = (0..readers).map(|_| Client::connect(broker.address())).collect();
    for (at, reader) in (0..).zip(&mut lazy) {
        for request in 0..requests {
            reader.send(FETCH, &fetch_request("large", &[(at as i32 % 4, start(at, request))]));
        }
    }
    // Whatever the broker does for them it has done by the time that others were served many times.
    for _ in 0..200 {
        append(&mut client, "large", 0, batch(&["small"]));
    }
    let grown = resident_peak(broker.pid()).saturating_sub(before);
    eprintln!("{} MiB for {readers} readers that stopped before {requests} answers of 10 MiB", grown / MIB);
    // A quarter of the memory is for what was read from disk; beyond it each reader still gets one batch.
    let bound = MEMORY / 4 + readers as u64 * MIB + 32 * MIB;
    assert!(grown < bound, "{} MiB, {} are allowed", grown / MIB, bound / MIB);
    for (at, reader) in (0..).zip(&mut lazy) {
        for request in 0..requests {
            let (_, response) = reader.receive::<FetchRequest>(FETCH);
            let data = only_partition(response);
            assert_eq!(data.error_code, 0);
            assert_eq!(records(&data)[0].offset, start(at, request), "answers come in order");
        }
    }
}

#[test]
fn a_client_that_asks_without_reading_is_held_up_itself_and_then_gets_every_answer() {
    let _turn = take_turn();
    let requests = scale(20_000, 200_000);
    let broker = Broker::start(&[("strome.shards", "2")]);
    let mut other = Client::connect(broker.address());
    create(&mut other, "pipe", 1, &[]);
    for _ in 0..200 {
        append(&mut other, "pipe", 0, batch(&["small"]));
    }
    let before = resident(broker.pid());
    let mut client = Client::connect(broker.address());
    let mut writer = client.stream().try_clone().expect("a socket");
    let wire: Vec<Vec<u8>> = (0..100).map(|_| client.frame(0, &ApiVersionsRequest::default())).collect();
    let wire = wire.concat();
    let writing = thread::spawn(move || {
        for _ in 0..requests / 100 {
            writer.write_all(&wire).expect("the broker reads");
        }
    });
    for _ in 0..200 {
        append(&mut other, "pipe", 0, batch(&["small"]));
    }
    let grown = resident_peak(broker.pid()).saturating_sub(before);
    eprintln!("{} KiB for {requests} requests whose answers nobody reads", grown / 1024);
    // All the answers would be more than 100 MiB.
    assert!(grown < 48 * MIB, "{} MiB", grown / MIB);
    for _ in 0..requests {
        let (_, response) = client.receive::<ApiVersionsRequest>(0);
        assert_eq!(response.error_code, 0);
    }
    writing.join().expect("all was written");
}
