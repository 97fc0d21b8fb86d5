//! Partitions on other shards than the connection's, and connections that move to them.

use std::collections::BTreeMap;
use std::num::NonZeroU16;

use metadata::placement::{Overrides, shard_of};
use protocol::messages::{FetchRequest, ProduceRequest};
use types::{PartitionIndex, Uuid};

use crate::client::Client;
use crate::support::Broker;
use crate::topics::{
    ALL, FETCH, PRODUCE, append, batch, create, fetch_request, produce_request, read_all, records,
};

/// With so many partitions every shard owns some: neighbours lie on different ones.
const PARTITIONS: i32 = 8;

fn owner(topic: Uuid, partition: i32, shards: u16) -> u16 {
    let shards = NonZeroU16::new(shards).expect("at least one");
    shard_of(topic, PartitionIndex(partition), shards, &Overrides::default()).0
}

fn every_partition_is_served_to_every_connection(shards: u16) {
    let broker = Broker::start(&[("strome.shards", &shards.to_string())]);
    let mut client = Client::connect(broker.address());
    let topic = create(&mut client, "t", PARTITIONS, &[]);
    let owners: std::collections::BTreeSet<u16> = (0..PARTITIONS).map(|p| owner(topic, p, shards)).collect();
    assert_eq!(owners.len(), usize::from(shards), "the test needs partitions on all shards");
    let mut expected: BTreeMap<i32, Vec<String>> = BTreeMap::new();
    for connection in 0..8 {
        let mut client = Client::connect(broker.address());
        for partition in 0..PARTITIONS {
            let values = [format!("{connection}-{partition}-a"), format!("{connection}-{partition}-b")];
            let before = expected.entry(partition).or_default();
            assert_eq!(append(&mut client, "t", partition, batch(&values)), before.len() as i64);
            before.extend(values);
        }
        // What was acknowledged is seen through any connection.
        for partition in 0..PARTITIONS {
            assert_eq!(read_all(&mut client, "t", partition, 0), expected[&partition]);
        }
    }
}

#[test]
fn one_shard_serves_every_partition() {
    every_partition_is_served_to_every_connection(1);
}

#[test]
fn two_shards_serve_every_partition_to_every_connection() {
    every_partition_is_served_to_every_connection(2);
}

#[test]
fn four_shards_serve_every_partition_to_every_connection() {
    every_partition_is_served_to_every_connection(4);
}

#[test]
fn one_request_over_all_shards_is_answered_in_its_own_order() {
    let broker = Broker::start(&[("strome.shards", "4")]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", PARTITIONS, &[]);
    let order = [5, 0, 7, 2, 6, 1, 4, 3];
    let mut request = produce_request("t", 0, ALL, batch(&["x"]));
    request.topic_data[0].partition_data = order
        .iter()
        .map(|partition| {
            let request = produce_request("t", *partition, ALL, batch(&[format!("p{partition}")]));
            request.topic_data[0].partition_data[0].clone()
        })
        .collect();
    let response = client.call(PRODUCE, &request);
    let answered: Vec<(i32, i16)> =
        response.responses[0].partition_responses.iter().map(|p| (p.index, p.error_code)).collect();
    assert_eq!(answered, order.map(|partition| (partition, 0)));

    let response = client.call(FETCH, &fetch_request("t", &order.map(|partition| (partition, 0))));
    let read: Vec<(i32, String)> = response.responses[0]
        .partitions
        .iter()
        .map(|data| (data.partition_index, records(data)[0].value.clone()))
        .collect();
    assert_eq!(read, order.map(|partition| (partition, format!("p{partition}"))));
}

/// Every shard gives a batch that is longer than its share, and one of them is all that the client has room for.
#[test]
fn long_batches_of_several_shards_keep_to_what_the_client_takes() {
    let broker = Broker::start(&[("strome.shards", "4")]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", PARTITIONS, &[]);
    for partition in 0..PARTITIONS {
        append(&mut client, "t", partition, batch(&["x".repeat(900)]));
    }
    // As clients do, those that gave nothing are asked for again.
    let mut unread: Vec<(i32, i64)> = (0..PARTITIONS).map(|partition| (partition, 0)).collect();
    while !unread.is_empty() {
        let request = FetchRequest { max_bytes: 1000, ..fetch_request("t", &unread) };
        let response = client.call(FETCH, &request);
        let read: Vec<i32> = response.responses[0]
            .partitions
            .iter()
            .filter(|data| !records(data).is_empty())
            .map(|data| data.partition_index)
            .collect();
        assert_eq!(read, [unread[0].0], "the first one asked for, and no other");
        unread.remove(0);
    }
}

/// Far more requests to one partition than it takes for a connection to move to its shard, many of them under way at
/// the same time: each connection's are answered in order and its records are in order.
#[test]
fn pipelined_requests_keep_their_order_while_their_connection_moves() {
    const REQUESTS: usize = 300;
    let broker = Broker::start(&[("strome.shards", "4")]);
    let mut admin = Client::connect(broker.address());
    create(&mut admin, "t", PARTITIONS, &[]);
    let mut threads = Vec::new();
    for connection in 0..8 {
        let address = broker.address();
        threads.push(std::thread::spawn(move || {
            let mut client = Client::connect(address);
            let partition = connection % 4;
            // Frames are cut anywhere: a move happens with half a request read.
            let mut bytes = Vec::new();
            let mut ids = Vec::new();
            for number in 0..REQUESTS {
                let values = [format!("{connection}:{number}")];
                let request = produce_request("t", partition, ALL, batch(&values));
                let frame = client.frame::<ProduceRequest>(PRODUCE, &request);
                ids.push(i32::from_be_bytes([frame[8], frame[9], frame[10], frame[11]]));
                bytes.extend(frame);
            }
            let mut last_offset = -1;
            let mut answered = 0;
            for piece in bytes.chunks(bytes.len() / 7 + 1) {
                client.write(piece);
                // Some answers are taken on the way, so that requests come before, during and after the move.
                for _ in 0..REQUESTS / 10 {
                    last_offset = take_answer(&mut client, ids[answered], last_offset);
                    answered += 1;
                }
            }
            while answered < REQUESTS {
                last_offset = take_answer(&mut client, ids[answered], last_offset);
                answered += 1;
            }
        }));
    }
    for thread in threads {
        thread.join().expect("a client");
    }
    for partition in 0..4 {
        let values = read_all(&mut admin, "t", partition, 0);
        assert_eq!(values.len(), 2 * REQUESTS);
        for connection in [partition, partition + 4] {
            let own = values.iter().filter_map(|value| value.strip_prefix(&format!("{connection}:")));
            let own: Vec<usize> = own.map(|number| number.parse().expect("a number")).collect();
            assert_eq!(own, (0..REQUESTS).collect::<Vec<_>>(), "records of connection {connection}");
        }
    }
}

fn take_answer(client: &mut Client, id: i32, last_offset: i64) -> i64 {
    let (answered, response) = client.receive::<ProduceRequest>(PRODUCE);
    assert_eq!(answered, id);
    let partition = &response.responses[0].partition_responses[0];
    assert_eq!(partition.error_code, 0);
    assert!(partition.base_offset > last_offset, "offsets grow along a connection");
    partition.base_offset
}

#[test]
fn acks_0_gets_no_answer_and_acks_1_gets_one() {
    let broker = Broker::start(&[("strome.shards", "2")]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", 2, &[]);
    for partition in 0..2 {
        client.send(PRODUCE, &produce_request("t", partition, 0, batch(&["silent"])));
        let response = client.call(PRODUCE, &produce_request("t", partition, 1, batch(&["told"])));
        assert_eq!(response.responses[0].partition_responses[0].base_offset, 1);
        append(&mut client, "t", partition, batch(&["durable"]));
        assert_eq!(read_all(&mut client, "t", partition, 0), ["silent", "told", "durable"]);
    }
}

#[test]
fn a_failed_acks_0_closes_the_connection() {
    let broker = Broker::start(&[]);
    let mut client = Client::connect(broker.address());
    client.send(PRODUCE, &produce_request("nothing-of-this-name", 0, 0, batch(&["x"])));
    client.expect_closed();
}

#[test]
fn other_acks_are_refused() {
    let broker = Broker::start(&[]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", 1, &[]);
    let response = client.call(PRODUCE, &produce_request("t", 0, 2, batch(&["x"])));
    assert_eq!(response.responses[0].partition_responses[0].error_code, 21);
    assert_eq!(read_all(&mut client, "t", 0, 0), Vec::<String>::new());
}
