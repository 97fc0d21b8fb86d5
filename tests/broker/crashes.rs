//! What was acknowledged survives kill -9, whatever the number of shards is afterwards.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use protocol::messages::ProduceRequest;

use crate::client::Client;
use crate::support::Broker;
use crate::topics::{ALL, PRODUCE, append, batch, create, produce_request, read_all};

const PARTITIONS: i32 = 8;

/// By partition and offset.
type Acknowledged = BTreeMap<(i32, i64), String>;

/// Produces to all partitions, several requests under way, until the broker is gone. Returns what was acknowledged.
fn produce_until_the_end(
    address: SocketAddr,
    name: String,
    counter: Arc<AtomicUsize>,
) -> JoinHandle<Acknowledged> {
    const UNDER_WAY: usize = 10;
    thread::spawn(move || {
        let mut client = Client::connect(address);
        let mut acknowledged = Acknowledged::new();
        let mut sent = std::collections::VecDeque::new();
        for number in 0usize.. {
            let partition = (number % PARTITIONS as usize) as i32;
            let value = format!("{name}-{number}");
            let request = produce_request("t", partition, ALL, batch(&[&value]));
            let frame = client.frame::<ProduceRequest>(PRODUCE, &request);
            if !client.try_write(&frame) {
                break;
            }
            sent.push_back((partition, value));
            if sent.len() == UNDER_WAY {
                let Some(frame) = client.receive_frame() else { break };
                let (_, response) =
                    protocol::decode_response::<ProduceRequest>(&frame, PRODUCE).expect("a response");
                let answer = &response.responses[0].partition_responses[0];
                let (partition, value) = sent.pop_front().expect("one was sent");
                assert_eq!((answer.index, answer.error_code), (partition, 0));
                acknowledged.insert((partition, answer.base_offset), value);
                counter.fetch_add(1, Ordering::Relaxed);
            }
        }
        acknowledged
    })
}

fn expect_kept(address: SocketAddr, acknowledged: &Acknowledged) {
    let mut client = Client::connect(address);
    for partition in 0..PARTITIONS {
        let values = read_all(&mut client, "t", partition, 0);
        for ((_, offset), value) in acknowledged.range((partition, 0)..(partition + 1, 0)) {
            assert_eq!(values.get(*offset as usize), Some(value), "partition {partition}, offset {offset}");
        }
    }
}

fn acknowledged_records_survive(shards: &[&str]) {
    let mut broker = Broker::start(&[("strome.shards", shards[0])]);
    create(&mut Client::connect(broker.address()), "t", PARTITIONS, &[]);
    let mut acknowledged = Acknowledged::new();
    for (round, shards) in shards.iter().skip(1).enumerate() {
        let counter = Arc::new(AtomicUsize::new(0));
        let producers: Vec<_> = (0..4)
            .map(|p| produce_until_the_end(broker.address(), format!("{round}-{p}"), counter.clone()))
            .collect();
        while counter.load(Ordering::Relaxed) < 1000 {
            thread::sleep(Duration::from_millis(5));
        }
        broker.kill();
        for producer in producers {
            acknowledged.extend(producer.join().expect("a producer"));
        }
        broker.restart_with(&[("strome.shards", *shards)]);
        expect_kept(broker.address(), &acknowledged);
    }
    assert!(broker.stop().success());
    broker.restart();
    expect_kept(broker.address(), &acknowledged);
}

#[test]
fn acknowledged_records_survive_crashes_of_one_shard() {
    acknowledged_records_survive(&["1", "1", "1"]);
}

#[test]
fn acknowledged_records_survive_crashes_and_other_numbers_of_shards() {
    acknowledged_records_survive(&["4", "2", "3", "1", "4"]);
}

#[test]
fn a_topic_may_be_called_like_a_file_of_the_broker() {
    let mut broker = Broker::start(&[("strome.shards", "2")]);
    let mut client = Client::connect(broker.address());
    let names = ["strome-journal", "strome-metadata"];
    for name in names {
        create(&mut client, name, PARTITIONS, &[]);
        for partition in 0..PARTITIONS {
            append(&mut client, name, partition, batch(&["kept"]));
        }
    }
    broker.kill();
    broker.restart();
    let mut client = Client::connect(broker.address());
    for name in names {
        for partition in 0..PARTITIONS {
            assert_eq!(read_all(&mut client, name, partition, 0), ["kept"], "{name}-{partition}");
        }
    }
}
