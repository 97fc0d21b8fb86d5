//! Graceful stops, and topics that come and go under load.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use protocol::messages::{FetchRequest, ProduceRequest};

use crate::client::Client;
use crate::prometheus::Metrics;
use crate::support::{Broker, PATIENCE};
use crate::topics::{
    ALL, FETCH, PRODUCE, append, batch, create, delete, fetch_request, produce, produce_request, read_all,
    records,
};

#[test]
fn polls_are_answered_when_the_broker_stops() {
    let mut broker = Broker::start(&[("strome.shards", "4"), ("strome.admin.listener", "127.0.0.1:0")]);
    let mut admin = Client::connect(broker.address());
    create(&mut admin, "t", 4, &[]);
    let mut clients: Vec<Client> = (0..8).map(|_| Client::connect(broker.address())).collect();
    for (at, client) in clients.iter_mut().enumerate() {
        let all = [(0, 0), (1, 0), (2, 0), (3, 0)];
        let partitions = if at % 2 == 0 { &all[..] } else { &all[at / 2..=at / 2] };
        let request = FetchRequest { max_wait_ms: 1_000_000, min_bytes: 1, ..fetch_request("t", partitions) };
        client.send(FETCH, &request);
    }
    let deadline = Instant::now() + PATIENCE;
    while Metrics::scrape(broker.admin_address()).sum("strome_requests_in_flight", &[]) < clients.len() as f64
    {
        assert!(Instant::now() < deadline, "not all of them wait");
        thread::sleep(Duration::from_millis(10));
    }
    append(&mut admin, "t", 0, batch(&["wakes those that read partition 0"]));
    broker.begin_stop();
    for client in &mut clients {
        let (_, response) = client.receive::<FetchRequest>(FETCH);
        assert!(response.responses.iter().flat_map(|t| &t.partitions).all(|data| data.error_code == 0));
        client.expect_closed();
    }
    admin.expect_closed();
    assert!(broker.wait().success());
}

/// Whatever was appended was also answered: a shard ends only when no other needs it.
#[test]
fn a_stop_under_load_answers_all_that_it_appends() {
    for _ in 0..3 {
        let mut broker = Broker::start(&[("strome.shards", "4")]);
        let mut admin = Client::connect(broker.address());
        create(&mut admin, "t", 4, &[]);
        let mut client = Client::connect(broker.address());
        let mut frames = Vec::new();
        for number in 0..400 {
            let request = produce_request("t", number % 4, ALL, batch(&[number.to_string()]));
            frames.extend(client.frame::<ProduceRequest>(PRODUCE, &request));
        }
        client.write(&frames);
        client.receive::<ProduceRequest>(PRODUCE);
        broker.begin_stop();
        let mut answered = 1;
        while let Some(frame) = client.receive_frame() {
            let (_, response) =
                protocol::decode_response::<ProduceRequest>(&frame, PRODUCE).expect("a response");
            assert_eq!(response.responses[0].partition_responses[0].error_code, 0);
            answered += 1;
        }
        assert!(broker.wait().success());
        broker.restart();
        let mut client = Client::connect(broker.address());
        let kept: usize = (0..4).map(|partition| read_all(&mut client, "t", partition, 0).len()).sum();
        assert_eq!(kept, answered);
    }
}

#[test]
fn topics_come_and_go_under_load() {
    let broker = Broker::start(&[("strome.shards", "4")]);
    let mut admin = Client::connect(broker.address());
    create(&mut admin, "stays", 4, &[]);
    let over = Arc::new(AtomicBool::new(false));
    let mut threads = Vec::new();
    for worker in 0..4 {
        let (address, over) = (broker.address(), over.clone());
        threads.push(thread::spawn(move || {
            let mut client = Client::connect(address);
            let mut appended = 0;
            while !over.load(Ordering::Relaxed) {
                let answer = produce(&mut client, "goes", worker, batch(&["x"]));
                // 3: unknown topic or partition, 6: not the leader (yet): clients try again after either.
                assert!([0, 3, 6].contains(&answer.error_code), "error {}", answer.error_code);
                let request = FetchRequest {
                    max_wait_ms: 50,
                    min_bytes: 1_000_000,
                    ..fetch_request("goes", &[(worker, 0), ((worker + 1) % 4, 0)])
                };
                let response = client.call(FETCH, &request);
                for data in &response.responses[0].partitions {
                    assert!([0, 3, 6].contains(&data.error_code), "error {}", data.error_code);
                }
                append(&mut client, "stays", worker, batch(&[appended.to_string()]));
                appended += 1;
            }
            appended
        }));
    }
    for _ in 0..15 {
        create(&mut admin, "goes", 4, &[]);
        // Whoever was told that the topic is there can use it, and finds it empty.
        let offset = append(&mut admin, "goes", 3, batch(&["mine"]));
        assert!(read_all(&mut admin, "goes", 3, 0).len() as i64 > offset);
        thread::sleep(Duration::from_millis(20));
        assert_eq!(delete(&mut admin, "goes"), 0);
        assert_eq!(produce(&mut admin, "goes", 0, batch(&["x"])).error_code, 3);
    }
    over.store(true, Ordering::Relaxed);
    for (worker, thread) in threads.into_iter().enumerate() {
        let appended: usize = thread.join().expect("a worker");
        let values = read_all(&mut admin, "stays", worker as i32, 0);
        assert_eq!(values, (0..appended).map(|number| number.to_string()).collect::<Vec<_>>());
    }
    let left = std::fs::read_dir(broker.data_dir()).expect("the data directory").filter_map(Result::ok);
    let left: Vec<String> = left.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    // What waits for `file.delete.delay.ms` has another name.
    let goes_on = |name: &&String| name.starts_with("goes") && !name.ends_with("-delete");
    assert_eq!(left.iter().find(goes_on), None);
}

#[test]
fn deleting_a_topic_ends_the_polls_that_wait_for_it() {
    let broker = Broker::start(&[("strome.shards", "4")]);
    let mut admin = Client::connect(broker.address());
    create(&mut admin, "t", 4, &[]);
    let mut client = Client::connect(broker.address());
    let partitions = [(0, 0), (1, 0), (2, 0), (3, 0)];
    let request = FetchRequest { max_wait_ms: 1_000_000, min_bytes: 1, ..fetch_request("t", &partitions) };
    client.send(FETCH, &request);
    thread::sleep(Duration::from_millis(50));
    assert_eq!(delete(&mut admin, "t"), 0);
    let (_, response) = client.receive::<FetchRequest>(FETCH);
    let data = &response.responses[0].partitions;
    assert!(data.iter().any(|data| data.error_code == 3));
    assert!(data.iter().all(|data| records(data).is_empty()));
}

#[test]
fn a_topic_that_was_deleted_is_gone_after_a_crash() {
    let mut broker = Broker::start(&[("strome.shards", "2")]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", 2, &[]);
    create(&mut client, "u", 2, &[]);
    append(&mut client, "t", 0, batch(&["old"]));
    assert_eq!(delete(&mut client, "t"), 0);
    assert_eq!(delete(&mut client, "t"), 3);
    create(&mut client, "t", 2, &[]);
    append(&mut client, "t", 0, batch(&["new"]));
    assert_eq!(delete(&mut client, "u"), 0);
    broker.kill();
    broker.restart();
    let mut client = Client::connect(broker.address());
    assert_eq!(read_all(&mut client, "t", 0, 0), ["new"]);
    assert_eq!(produce(&mut client, "u", 0, batch(&["x"])).error_code, 3);
}
