//! Idempotent producers: sequences, epochs, and what a broker remembers of them.

use std::thread;
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::offsets::delete_records;
use crate::support::{Broker, PATIENCE};
use crate::topics::{append, batch, create, idempotent, produce, producer_id, read_all};

const OUT_OF_ORDER_SEQUENCE: i16 = 45;
const INVALID_PRODUCER_EPOCH: i16 = 47;

/// Produces a batch of three records with this sequence; the error code and base offset.
fn send(client: &mut Client, id: i64, epoch: i16, sequence: i32) -> (i16, i64) {
    let values: Vec<String> = (sequence..sequence + 3).map(|n| format!("{epoch}:{n}")).collect();
    let answer = produce(client, "t", 0, idempotent(id, epoch, sequence, &values));
    (answer.error_code, answer.base_offset)
}

#[test]
fn a_repeated_batch_is_answered_with_its_first_offset() {
    let broker = Broker::start(&[("strome.shards", "2")]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", 1, &[]);
    append(&mut client, "t", 0, batch(&["before"]));
    let id = producer_id(&mut client);
    for number in 0..5 {
        assert_eq!(send(&mut client, id, 0, number * 3), (0, 1 + i64::from(number) * 3));
    }
    // Any of the last five, through any connection.
    let mut other = Client::connect(broker.address());
    for number in 0..5 {
        assert_eq!(send(&mut other, id, 0, number * 3), (0, 1 + i64::from(number) * 3));
    }
    assert_eq!(read_all(&mut client, "t", 0, 0).len(), 16, "nothing was appended twice");
}

#[test]
fn gaps_and_old_epochs_are_refused() {
    let broker = Broker::start(&[]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", 1, &[]);
    let id = producer_id(&mut client);
    assert_ne!(id, producer_id(&mut client), "every producer has its own id");
    assert_eq!(send(&mut client, id, 0, 0), (0, 0));
    assert_eq!(send(&mut client, id, 0, 6).0, OUT_OF_ORDER_SEQUENCE);
    assert_eq!(send(&mut client, id, 0, 3), (0, 3));
    // A new epoch begins its sequence anew, and fences the old one.
    assert_eq!(send(&mut client, id, 2, 3).0, OUT_OF_ORDER_SEQUENCE);
    assert_eq!(send(&mut client, id, 2, 0), (0, 6));
    assert_eq!(send(&mut client, id, 1, 0).0, INVALID_PRODUCER_EPOCH);
    assert_eq!(send(&mut client, id, 0, 6).0, INVALID_PRODUCER_EPOCH);
    assert_eq!(read_all(&mut client, "t", 0, 0).len(), 9);
}

fn producers_are_remembered(end: impl Fn(&mut Broker)) {
    let mut broker = Broker::start(&[("strome.shards", "2")]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", 2, &[]);
    let ids = [producer_id(&mut client), producer_id(&mut client)];
    assert_eq!(send(&mut client, ids[0], 0, 0), (0, 0));
    assert_eq!(send(&mut client, ids[1], 3, 0), (0, 3));
    assert_eq!(send(&mut client, ids[0], 0, 3), (0, 6));
    for round in 0..2 {
        end(&mut broker);
        broker.restart();
        client = Client::connect(broker.address());
        assert_eq!(send(&mut client, ids[0], 0, 3), (0, 6), "a duplicate in round {round}");
        assert_eq!(send(&mut client, ids[0], 0, 9).0, OUT_OF_ORDER_SEQUENCE);
        assert_eq!(send(&mut client, ids[1], 2, 0).0, INVALID_PRODUCER_EPOCH);
        assert_eq!(send(&mut client, ids[1], 3, 0), (0, 3));
    }
    assert_eq!(send(&mut client, ids[0], 0, 6), (0, 9));
    assert_eq!(send(&mut client, ids[1], 3, 3), (0, 12));
    assert_eq!(read_all(&mut client, "t", 0, 0).len(), 15);
    assert!(!ids.contains(&producer_id(&mut client)), "an id is never given out again");
}

#[test]
fn producers_are_remembered_over_a_restart() {
    producers_are_remembered(|broker| assert!(broker.stop().success()));
}

#[test]
fn producers_are_remembered_over_a_crash() {
    producers_are_remembered(Broker::kill);
}

/// A snapshot keeps one batch of each producer; what lies before it is read from the log again.
#[test]
fn every_batch_in_flight_is_recognised_after_a_crash_that_follows_a_snapshot() {
    let mut broker = Broker::start(&[]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", 1, &[]);
    let id = producer_id(&mut client);
    for number in 0..5 {
        assert_eq!(send(&mut client, id, 0, number * 3), (0, i64::from(number) * 3));
    }
    // Where records are deleted, the state of their producers is saved.
    assert_eq!(delete_records(&mut client, 1).low_watermark, 1);
    let snapshot = broker.data_dir().join("t-0/00000000000000000015.snapshot");
    let deadline = Instant::now() + PATIENCE;
    while !snapshot.exists() {
        assert!(Instant::now() < deadline, "no snapshot is taken");
        thread::sleep(Duration::from_millis(10));
    }
    broker.kill();
    broker.restart();
    client = Client::connect(broker.address());
    for number in 0..5 {
        assert_eq!(send(&mut client, id, 0, number * 3), (0, i64::from(number) * 3), "batch {number}");
    }
    assert_eq!(send(&mut client, id, 0, 15), (0, 15));
}

/// A duplicate of a batch that is not durable yet waits with it; both get the same answer.
#[test]
fn duplicates_under_way_at_the_same_time_get_one_offset() {
    use crate::topics::{ALL, PRODUCE, produce_request};
    use protocol::messages::ProduceRequest;

    let broker = Broker::start(&[("strome.shards", "2")]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", 1, &[]);
    let id = producer_id(&mut client);
    for sequence in 0..50 {
        let batch = idempotent(id, 0, sequence, &[sequence.to_string()]);
        // Four of the same in one write: most arrive before the first one is synced.
        let mut frames = Vec::new();
        for _ in 0..4 {
            let request = produce_request("t", 0, ALL, batch.clone());
            frames.extend(client.frame::<ProduceRequest>(PRODUCE, &request));
        }
        client.write(&frames);
        for _ in 0..4 {
            let (_, response) = client.receive::<ProduceRequest>(PRODUCE);
            let answer = &response.responses[0].partition_responses[0];
            assert_eq!((answer.error_code, answer.base_offset), (0, i64::from(sequence)));
        }
    }
    assert_eq!(read_all(&mut client, "t", 0, 0).len(), 50);
}
