//! Fetches that wait, and how much they return.

use std::thread;
use std::time::{Duration, Instant};

use protocol::messages::FetchRequest;

use crate::client::Client;
use crate::support::Broker;
use crate::topics::{FETCH, append, batch, create, fetch, fetch_request, only_partition, records};

/// Longer than any test waits for an answer that should come at once.
const NEVER_MS: i32 = 100_000;

#[test]
fn a_poll_over_all_shards_is_woken_by_a_record_on_any_of_them() {
    let broker = Broker::start(&[("strome.shards", "4")]);
    let mut producer = Client::connect(broker.address());
    create(&mut producer, "t", 4, &[]);
    let mut ends = [0; 4];
    for round in 0..8 {
        let mut consumer = Client::connect(broker.address());
        let partitions: Vec<(i32, i64)> = (0..4).zip(ends).collect();
        let request = FetchRequest { max_wait_ms: NEVER_MS, min_bytes: 1, ..fetch_request("t", &partitions) };
        let id = consumer.send(FETCH, &request);
        thread::sleep(Duration::from_millis(20 * (round % 3)));
        let partition = round as usize % 4;
        append(&mut producer, "t", partition as i32, batch(&["wake up"]));
        let (answered, response) = consumer.receive::<FetchRequest>(FETCH);
        assert_eq!(answered, id);
        let data = &response.responses[0].partitions;
        assert_eq!(data.len(), 4);
        assert_eq!(records(&data[partition]).len(), 1, "round {round}");
        ends[partition] += 1;
    }
}

#[test]
fn a_poll_ends_when_its_time_is_over() {
    let broker = Broker::start(&[("strome.shards", "2")]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", 2, &[]);
    let request = FetchRequest { max_wait_ms: 300, min_bytes: 1, ..fetch_request("t", &[(0, 0), (1, 0)]) };
    let began = Instant::now();
    let response = client.call(FETCH, &request);
    assert!(began.elapsed() >= Duration::from_millis(300));
    assert_eq!(response.responses[0].partitions.len(), 2);
    assert!(response.responses[0].partitions.iter().all(|data| records(data).is_empty()));
}

#[test]
fn a_poll_waits_for_min_bytes_even_when_all_come_from_one_shard() {
    let broker = Broker::start(&[("strome.shards", "4")]);
    let mut producer = Client::connect(broker.address());
    create(&mut producer, "t", 4, &[]);
    let mut consumer = Client::connect(broker.address());
    let partitions = [(0, 0), (1, 0), (2, 0), (3, 0)];
    let request =
        FetchRequest { max_wait_ms: NEVER_MS, min_bytes: 10_000, ..fetch_request("t", &partitions) };
    consumer.send(FETCH, &request);
    for number in 0..10 {
        append(&mut producer, "t", 2, batch(&[format!("{number:01100}")]));
    }
    let (_, response) = consumer.receive::<FetchRequest>(FETCH);
    let bytes: usize = response.responses[0]
        .partitions
        .iter()
        .map(|data| data.records.as_ref().map_or(0, |records| records.len()))
        .sum();
    assert!(bytes >= 10_000, "{bytes} bytes");
}

#[test]
fn an_error_in_one_partition_ends_the_wait_for_the_others() {
    let broker = Broker::start(&[("strome.shards", "4")]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", 4, &[]);
    let partitions = [(0, 0), (1, 0), (2, 77), (3, 0), (9, 0)];
    let request = FetchRequest { max_wait_ms: NEVER_MS, min_bytes: 1, ..fetch_request("t", &partitions) };
    let response = client.call(FETCH, &request);
    let codes: Vec<i16> = response.responses[0].partitions.iter().map(|data| data.error_code).collect();
    assert_eq!(codes, [0, 0, 1, 0, 3]);
    // One that only an owner can tell, too.
    let partitions = [(0, 0), (1, 0), (2, 77), (3, 0)];
    let request = FetchRequest { max_wait_ms: NEVER_MS, min_bytes: 1, ..fetch_request("t", &partitions) };
    let response = client.call(FETCH, &request);
    assert_eq!(response.responses[0].partitions[2].error_code, 1);
}

#[test]
fn the_first_batch_comes_whole_however_small_the_limits_are() {
    let broker = Broker::start(&[("strome.shards", "2")]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", 2, &[]);
    let large = "x".repeat(10_000);
    append(&mut client, "t", 0, batch(&[&large]));
    append(&mut client, "t", 0, batch(&[&large]));
    for (max_bytes, partition_max_bytes) in [(1, 1), (0, 0), (1, 1 << 20), (1 << 20, 1)] {
        let mut request = FetchRequest { max_bytes, ..fetch_request("t", &[(0, 0)]) };
        request.topics[0].partitions[0].partition_max_bytes = partition_max_bytes;
        let data = only_partition(client.call(FETCH, &request));
        assert_eq!(records(&data).len(), 1, "max_bytes {max_bytes}, {partition_max_bytes} per partition");
    }
    let mut request = fetch_request("t", &[(0, 0)]);
    request.topics[0].partitions[0].partition_max_bytes = 25_000;
    assert_eq!(records(&only_partition(client.call(FETCH, &request))).len(), 2);
}

#[test]
fn one_answer_holds_about_max_bytes() {
    let broker = Broker::start(&[("strome.shards", "1")]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", 4, &[]);
    for partition in 0..4 {
        append(&mut client, "t", partition, batch(&["x".repeat(10_000)]));
    }
    let partitions = [(0, 0), (1, 0), (2, 0), (3, 0)];
    let request = FetchRequest { max_bytes: 10_000, ..fetch_request("t", &partitions) };
    let response = client.call(FETCH, &request);
    let counts: Vec<usize> =
        response.responses[0].partitions.iter().map(|data| records(data).len()).collect();
    assert_eq!(counts, [1, 0, 0, 0], "the limit is used up by the first");
}

#[test]
fn an_offset_inside_a_batch_returns_the_whole_batch() {
    let broker = Broker::start(&[]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", 1, &[]);
    append(&mut client, "t", 0, batch(&["0", "1", "2", "3"]));
    append(&mut client, "t", 0, batch(&["4", "5"]));
    let offsets = |data: &_| records(data).iter().map(|record| record.offset).collect::<Vec<_>>();
    assert_eq!(offsets(&fetch(&mut client, "t", 0, 2)), [0, 1, 2, 3, 4, 5]);
    assert_eq!(offsets(&fetch(&mut client, "t", 0, 5)), [4, 5]);
    assert!(offsets(&fetch(&mut client, "t", 0, 6)).is_empty());
    let beyond = fetch(&mut client, "t", 0, 7);
    assert_eq!((beyond.error_code, beyond.high_watermark), (1, -1));
    assert_eq!(fetch(&mut client, "t", 0, -1).error_code, 1);
}

/// Many polls wait on one partition while records come one by one, so that every record wakes all of them.
#[test]
fn no_poll_misses_the_record_that_it_waits_for() {
    let broker = Broker::start(&[("strome.shards", "4")]);
    let mut producer = Client::connect(broker.address());
    create(&mut producer, "t", 4, &[]);
    let consumers: Vec<_> = (0..8)
        .map(|_| {
            let address = broker.address();
            thread::spawn(move || {
                let mut client = Client::connect(address);
                let mut next = 0;
                while next < 60 {
                    let partitions = [(0, 0), (1, next), (2, 0), (3, 0)];
                    let request = FetchRequest {
                        max_wait_ms: NEVER_MS,
                        min_bytes: 1,
                        ..fetch_request("t", &partitions)
                    };
                    let response = client.call(FETCH, &request);
                    let read = records(&response.responses[0].partitions[1]);
                    assert!(!read.is_empty(), "woken for nothing at {next}");
                    next = read.last().map_or(next, |record| record.offset + 1);
                }
            })
        })
        .collect();
    for number in 0..60 {
        append(&mut producer, "t", 1, batch(&[number.to_string()]));
    }
    for consumer in consumers {
        consumer.join().expect("a consumer");
    }
}

#[test]
fn a_poll_does_not_outlive_its_client() {
    let broker = Broker::start(&[("strome.shards", "4")]);
    let mut admin = Client::connect(broker.address());
    create(&mut admin, "t", 4, &[]);
    for partitions in [&[(0, 0), (1, 0), (2, 0), (3, 0)][..], &[(1, 0)], &[(2, 0)]] {
        let mut client = Client::connect(broker.address());
        let request = FetchRequest { max_wait_ms: i32::MAX, min_bytes: 1, ..fetch_request("t", partitions) };
        client.send(FETCH, &request);
        client.end();
        // An answer or none: the place that the poll took is free.
        while client.receive_frame().is_some() {}
    }
}
