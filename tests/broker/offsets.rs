//! Questions about offsets: by time, special ones, leader epochs; and DeleteRecords.

use protocol::messages::list_offsets::{EpochEndOffset, OffsetForLeaderPartition, OffsetForLeaderTopic};
use protocol::messages::topics::{DeleteRecordsPartition, DeleteRecordsPartitionResult, DeleteRecordsTopic};
use protocol::messages::{DeleteRecordsRequest, OffsetForLeaderEpochRequest};
use record::BatchOptions;

use crate::client::{Client, newest};
use crate::support::Broker;
use crate::topics::{
    FETCH, PRODUCE, SOME_TIME, append, batch, batch_of, create, fetch, fetch_request, list, list_at,
    only_partition, produce_request, read_all, records,
};

const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const MAX_TIMESTAMP: i64 = -3;
const EARLIEST_LOCAL: i64 = -4;
const LATEST_TIERED: i64 = -5;
const EARLIEST_PENDING_UPLOAD: i64 = -6;

const OFFSET_OUT_OF_RANGE: i16 = 1;
const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;
const UNSUPPORTED_VERSION: i16 = 35;
const FENCED_LEADER_EPOCH: i16 = 74;
const UNKNOWN_LEADER_EPOCH: i16 = 75;

/// Appends a batch whose records carry these timestamps.
fn append_at(client: &mut Client, first_timestamp: i64, count: usize) -> i64 {
    let values: Vec<String> = (0..count).map(|n| format!("{n}{}", "x".repeat(40_000))).collect();
    append(client, "t", 0, batch_of(BatchOptions::default(), first_timestamp, None, &values))
}

pub fn delete_records(client: &mut Client, offset: i64) -> DeleteRecordsPartitionResult {
    let partitions = vec![DeleteRecordsPartition { partition_index: 0, offset }];
    let topics = vec![DeleteRecordsTopic { name: "t".into(), partitions }];
    let request = DeleteRecordsRequest { topics, timeout_ms: 30_000 };
    client.call(newest::<DeleteRecordsRequest>(), &request).topics[0].partitions[0].clone()
}

fn epoch_end(client: &mut Client, current: i32, epoch: i32) -> EpochEndOffset {
    let partitions =
        vec![OffsetForLeaderPartition { partition: 0, current_leader_epoch: current, leader_epoch: epoch }];
    let topics = vec![OffsetForLeaderTopic { topic: "t".into(), partitions }];
    let request = OffsetForLeaderEpochRequest { topics, ..Default::default() };
    client.call(newest::<OffsetForLeaderEpochRequest>(), &request).topics[0].partitions[0].clone()
}

#[test]
fn an_empty_partition_has_offsets_but_no_timestamps() {
    let broker = Broker::start(&[]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", 1, &[]);
    for special in [LATEST, EARLIEST, EARLIEST_LOCAL] {
        let listed = list(&mut client, "t", 0, special);
        assert_eq!((listed.error_code, listed.offset, listed.timestamp), (0, 0, -1), "{special}");
    }
    for none in [MAX_TIMESTAMP, LATEST_TIERED, EARLIEST_PENDING_UPLOAD, SOME_TIME] {
        let listed = list(&mut client, "t", 0, none);
        assert_eq!((listed.error_code, listed.offset, listed.timestamp), (0, -1, -1), "{none}");
    }
    assert_eq!(list(&mut client, "t", 1, LATEST).error_code, UNKNOWN_TOPIC_OR_PARTITION);
    assert_eq!(list(&mut client, "u", 0, LATEST).error_code, UNKNOWN_TOPIC_OR_PARTITION);
    assert_eq!(list(&mut client, "t", 0, -7).error_code, UNSUPPORTED_VERSION);
    // Each special came with a version of its own.
    for (special, since) in [(MAX_TIMESTAMP, 7), (EARLIEST_LOCAL, 8), (LATEST_TIERED, 9)] {
        assert_eq!(list_at(&mut client, since - 1, "t", 0, special).error_code, UNSUPPORTED_VERSION);
        assert_eq!(list_at(&mut client, since, "t", 0, special).error_code, 0);
    }
}

/// Before and after a restart, from memory and from disk.
fn timestamps_are_found(client: &mut Client, batches: i64) {
    let at = |client: &mut Client, timestamp| {
        let listed = list(client, "t", 0, timestamp);
        assert_eq!(listed.error_code, 0);
        (listed.offset, listed.timestamp)
    };
    assert_eq!(at(client, SOME_TIME - 1_000_000), (0, SOME_TIME));
    for number in [0, 1, batches / 2, batches - 1] {
        let first = SOME_TIME + number * 1000;
        assert_eq!(at(client, first), (number * 5, first), "batch {number}");
        assert_eq!(at(client, first + 3), (number * 5 + 3, first + 3), "inside of batch {number}");
    }
    // Between two batches the next one counts.
    assert_eq!(at(client, SOME_TIME + 500), (5, SOME_TIME + 1000));
    assert_eq!(at(client, SOME_TIME + batches * 1000), (-1, -1));
    assert_eq!(at(client, MAX_TIMESTAMP), (batches * 5 - 1, SOME_TIME + (batches - 1) * 1000 + 4));
    assert_eq!(at(client, EARLIEST).0, 0);
    assert_eq!(at(client, LATEST).0, batches * 5);
}

#[test]
fn timestamps_are_found_across_segments_and_restarts() {
    const BATCHES: i64 = 30;
    let mut broker = Broker::start(&[("strome.shards", "2")]);
    let mut client = Client::connect(broker.address());
    // About five batches fill a segment.
    let id = create(&mut client, "t", 1, &[("segment.bytes", "1048576"), ("index.interval.bytes", "4096")]);
    for number in 0..BATCHES {
        append_at(&mut client, SOME_TIME + number * 1000, 5);
    }
    let segments = std::fs::read_dir(broker.data_dir().join("t-0")).expect("the partition's directory");
    let segments =
        segments.filter_map(Result::ok).filter(|f| f.path().extension().is_some_and(|e| e == "log"));
    assert!(segments.count() >= 3, "the test needs several segments of {id}");
    timestamps_are_found(&mut client, BATCHES);
    assert!(broker.stop().success());
    broker.restart();
    timestamps_are_found(&mut Client::connect(broker.address()), BATCHES);
    broker.kill();
    broker.restart();
    timestamps_are_found(&mut Client::connect(broker.address()), BATCHES);
}

#[test]
fn the_max_timestamp_need_not_be_the_last_record() {
    let broker = Broker::start(&[]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", 1, &[]);
    append_at(&mut client, SOME_TIME, 2);
    append_at(&mut client, SOME_TIME + 50_000, 2);
    append_at(&mut client, SOME_TIME + 20_000, 2);
    let newest = list(&mut client, "t", 0, MAX_TIMESTAMP);
    assert_eq!((newest.offset, newest.timestamp), (3, SOME_TIME + 50_001));
    // The first one at or after the time, in the order of offsets.
    assert_eq!(list(&mut client, "t", 0, SOME_TIME + 10_000).offset, 2);
}

#[test]
fn leader_epochs_of_clients_are_held_against_the_partitions_own() {
    let broker = Broker::start(&[]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", 1, &[]);
    append(&mut client, "t", 0, batch(&["a", "b", "c"]));
    assert_eq!(list(&mut client, "t", 0, LATEST).leader_epoch, 0);
    let end = epoch_end(&mut client, 0, 0);
    assert_eq!((end.error_code, end.leader_epoch, end.end_offset), (0, 0, 3));
    assert_eq!(epoch_end(&mut client, 1, 0).error_code, UNKNOWN_LEADER_EPOCH);
    let unknown = epoch_end(&mut client, -1, 5);
    assert_eq!((unknown.error_code, unknown.leader_epoch, unknown.end_offset), (0, -1, -1));

    let mut request = fetch_request("t", &[(0, 0)]);
    request.topics[0].partitions[0].current_leader_epoch = 1;
    assert_eq!(only_partition(client.call(FETCH, &request)).error_code, UNKNOWN_LEADER_EPOCH);
    request.topics[0].partitions[0].current_leader_epoch = 0;
    assert_eq!(records(&only_partition(client.call(FETCH, &request))).len(), 3);
    // An epoch that nobody wrote in has no place where the logs could part.
    request.topics[0].partitions[0].last_fetched_epoch = 7;
    assert_eq!(only_partition(client.call(FETCH, &request)).error_code, OFFSET_OUT_OF_RANGE);
}

/// A log that lost its unfinished end begins a new leader epoch, so that clients can see that it was cut.
#[test]
fn a_cut_log_begins_a_new_leader_epoch() {
    let mut broker = Broker::start(&[("strome.journal.bytes", "0")]); // It would have what is cut off.
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", 1, &[]);
    append(&mut client, "t", 0, batch(&["a", "b"]));
    append(&mut client, "t", 0, batch(&["lost"]));
    broker.kill();
    let segment = broker.data_dir().join("t-0/00000000000000000000.log");
    let mut bytes = std::fs::read(&segment).expect("the segment");
    // The last record's value is spoilt, as by a write that did not get through.
    let at = bytes.windows(4).rposition(|window| window == b"lost").expect("the last record");
    bytes[at] ^= 0xff;
    std::fs::write(&segment, bytes).expect("the segment");
    broker.restart();
    let mut client = Client::connect(broker.address());
    assert_eq!(read_all(&mut client, "t", 0, 0), ["a", "b"]);
    assert_eq!(list(&mut client, "t", 0, LATEST).leader_epoch, 1);
    assert_eq!(append(&mut client, "t", 0, batch(&["c"])), 2);
    let first = epoch_end(&mut client, 1, 0);
    assert_eq!((first.error_code, first.leader_epoch, first.end_offset), (0, 0, 2));
    let second = epoch_end(&mut client, 1, 1);
    assert_eq!((second.leader_epoch, second.end_offset), (1, 3));
    assert_eq!(epoch_end(&mut client, 0, 0).error_code, FENCED_LEADER_EPOCH);
    // A consumer that had read the lost record, in the old epoch, is told where the logs part.
    let mut request = fetch_request("t", &[(0, 3)]);
    request.topics[0].partitions[0].last_fetched_epoch = 0;
    let diverged = only_partition(client.call(FETCH, &request));
    assert_eq!(diverged.error_code, 0);
    assert_eq!((diverged.diverging_epoch.epoch, diverged.diverging_epoch.end_offset), (0, 2));
    // All of that is still known after stops of either kind.
    assert!(broker.stop().success());
    broker.restart();
    let mut client = Client::connect(broker.address());
    assert_eq!(epoch_end(&mut client, -1, 0).end_offset, 2);
    broker.kill();
    broker.restart();
    let mut client = Client::connect(broker.address());
    assert_eq!(epoch_end(&mut client, -1, 0).end_offset, 2);
    assert_eq!(read_all(&mut client, "t", 0, 0), ["a", "b", "c"]);
}

#[test]
fn deleted_records_stay_deleted() {
    let mut broker = Broker::start(&[("strome.shards", "2")]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", 1, &[("segment.bytes", "1048576")]);
    for number in 0..20 {
        append_at(&mut client, SOME_TIME + number * 1000, 5);
    }
    assert_eq!(delete_records(&mut client, 101).error_code, OFFSET_OUT_OF_RANGE);
    assert_eq!(delete_records(&mut client, -2).error_code, OFFSET_OUT_OF_RANGE);
    let deleted = delete_records(&mut client, 42);
    assert_eq!((deleted.error_code, deleted.low_watermark), (0, 42));
    assert_eq!(delete_records(&mut client, 10).low_watermark, 42, "the log start never moves back");
    let check = |client: &mut Client, start: i64| {
        assert_eq!(list(client, "t", 0, EARLIEST).offset, start);
        assert_eq!(fetch(client, "t", 0, start - 1).error_code, OFFSET_OUT_OF_RANGE);
        assert_eq!(fetch(client, "t", 0, start).log_start_offset, start);
        assert_eq!(read_all(client, "t", 0, start).len() as i64, 100 - start);
        assert_eq!(list(client, "t", 0, SOME_TIME).offset, if start < 100 { start } else { -1 });
    };
    check(&mut client, 42);
    assert!(broker.stop().success());
    broker.restart();
    let mut client = Client::connect(broker.address());
    check(&mut client, 42);
    // -1 deletes all that may be read.
    assert_eq!(delete_records(&mut client, -1).low_watermark, 100);
    check(&mut client, 100);
    assert!(broker.stop().success());
    broker.restart();
    let mut client = Client::connect(broker.address());
    check(&mut client, 100);
    assert_eq!(append(&mut client, "t", 0, batch(&["next"])), 100);
    assert_eq!(delete_records(&mut client, 101).low_watermark, 101);
}

#[test]
fn a_topic_that_is_only_compacted_keeps_its_records() {
    let broker = Broker::start(&[]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", 1, &[("cleanup.policy", "compact")]);
    assert_eq!(delete_records(&mut client, 0).error_code, 44);
}

/// With `acks=1` the answer comes before the records are durable, and only durable ones are readable. At a single replica
/// of Kafka's they count at once, and some clients' users rely on it.
#[test]
fn what_one_replica_has_acknowledged_counts_at_once() {
    let broker = Broker::start(&[]);
    let (mut client, mut other) = (Client::connect(broker.address()), Client::connect(broker.address()));
    create(&mut client, "t", 1, &[]);
    for end in 1..=100 {
        let answer = client.call(PRODUCE, &produce_request("t", 0, 1, batch(&["x"])));
        assert_eq!(answer.responses[0].partition_responses[0].error_code, 0);
        if end % 2 == 0 {
            assert_eq!(list(&mut other, "t", 0, LATEST).offset, end);
        } else {
            let deleted = delete_records(&mut other, end);
            assert_eq!((deleted.error_code, deleted.low_watermark), (0, end));
        }
    }
}
