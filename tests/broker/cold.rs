//! Fetches of records that are on disk only: those from before a restart.

use std::thread;
use std::time::Duration;

use protocol::messages::FetchRequest;
use protocol::messages::fetch::PartitionData;

use crate::client::Client;
use crate::support::Broker;
use crate::topics::{FETCH, append, batch, create, fetch, fetch_request, records};

/// Longer than any test waits for an answer that should come at once.
const NEVER_MS: i32 = 100_000;

fn bytes(data: &PartitionData) -> usize {
    data.records.as_ref().map_or(0, |records| records.len())
}

/// A broker of one shard with a topic `t` of which nothing is in memory; each of its partitions holds `value` once.
fn cold(partitions: i32, value: &str) -> Broker {
    let mut broker = Broker::start(&[("strome.shards", "1")]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", partitions, &[]);
    for partition in 0..partitions {
        append(&mut client, "t", partition, batch(&[value]));
    }
    drop(client);
    assert!(broker.stop().success());
    broker.restart();
    broker
}

#[test]
fn a_record_that_comes_while_the_disk_is_read_for_another_partition_ends_the_wait() {
    const ROUNDS: i32 = 60;
    let broker = cold(ROUNDS, "from the disk");
    let mut producer = Client::connect(broker.address());
    create(&mut producer, "hot", 1, &[]);
    let mut consumer = Client::connect(broker.address());
    for round in 0..ROUNDS {
        let end = append(&mut producer, "hot", 0, batch(&["before"])) + 1;
        let mut request = fetch_request("t", &[(round, 0)]);
        request.topics.extend(fetch_request("hot", &[(0, end)]).topics);
        // Both together, and neither alone.
        let request = FetchRequest { max_wait_ms: NEVER_MS, min_bytes: 100, ..request };
        let record = batch(&["meanwhile"]);
        let address = broker.address();
        let late = thread::spawn(move || {
            let mut producer = Client::connect(address);
            thread::sleep(Duration::from_micros(50 * (round as u64 % 12)));
            append(&mut producer, "hot", 0, record);
        });
        let response = consumer.call(FETCH, &request);
        let together: usize = response.responses.iter().flat_map(|topic| &topic.partitions).map(bytes).sum();
        assert!(together >= 100, "round {round}: {together} bytes");
        late.join().unwrap();
    }
}

#[test]
fn a_partition_that_has_to_be_read_from_disk_does_not_hold_up_another_one_that_has_enough() {
    let broker = cold(1, "from the disk");
    let mut client = Client::connect(broker.address());
    create(&mut client, "hot", 1, &[]);
    append(&mut client, "hot", 0, batch(&["from memory"]));
    let mut request = fetch_request("t", &[(0, 0)]);
    // What it may take must not be all that one answer may have.
    request.topics[0].partitions[0].partition_max_bytes = 1 << 20;
    request.topics.extend(fetch_request("hot", &[(0, 0)]).topics);
    let request = FetchRequest { max_wait_ms: NEVER_MS, min_bytes: 1, ..request };
    let response = client.call(FETCH, &request);
    let mut counts: Vec<(&str, usize)> =
        response.responses.iter().map(|topic| (&*topic.topic, records(&topic.partitions[0]).len())).collect();
    counts.sort_unstable();
    assert_eq!(counts, [("hot", 1), ("t", 0)], "only what is in memory");
    assert_eq!(records(&fetch(&mut client, "t", 0, 0)).len(), 1);
}

#[test]
fn a_backlog_on_disk_is_read_to_its_end_whatever_the_size_of_answers() {
    let mut broker = Broker::start(&[("strome.shards", "1"), ("strome.memory.bytes", "67108864")]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", 3, &[("segment.bytes", "1048576")]);
    const BATCHES: usize = 60;
    for number in 0..BATCHES {
        for partition in 0..3 {
            append(&mut client, "t", partition, batch(&[format!("{number:0>50000}")]));
        }
    }
    drop(client);
    assert!(broker.stop().success());
    broker.restart();
    let mut client = Client::connect(broker.address());
    for bytes_max in [1, 60_000, 300_000, 10 << 20] {
        let mut next = [0, 0, 0];
        while next.iter().any(|next| *next < BATCHES as i64) {
            let partitions: Vec<(i32, i64)> = (0..3).zip(next).collect();
            let mut request =
                FetchRequest { max_wait_ms: 1000, min_bytes: 1, ..fetch_request("t", &partitions) };
            for partition in &mut request.topics[0].partitions {
                partition.partition_max_bytes = bytes_max;
            }
            let response = client.call(FETCH, &request);
            for (data, next) in response.responses[0].partitions.iter().zip(&mut next) {
                for record in records(data) {
                    assert_eq!(record.offset, *next);
                    *next += 1;
                }
            }
        }
    }
}
