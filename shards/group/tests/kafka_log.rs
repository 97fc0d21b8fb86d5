//! The log of `__consumer_offsets`, as Kafka writes it and as Kafka's tools read ours.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test may look at files and at the environment"
)]

use std::collections::BTreeMap;
use std::process::Command;

use bytes::Bytes;
use metadata::{Image, NodeSettings};
use protocol::group_log::{
    ConsumerGroupMetadataKey, ConsumerGroupMetadataValue, GroupMetadataKey, GroupMetadataValue,
    MemberMetadata, OffsetCommitKey, OffsetCommitValue,
};
use protocol::messages::group_offsets::OffsetFetchRequestGroup;
use record::{BatchBuilder, BatchOptions, batches, decompress};
use strome_group::records::EncodedRecord;
use strome_group::{Context, Coordinator, Effects, OffsetFetch, Record, Request, Response, Settings, Ticket};
use types::{BrokerId, LeaderEpoch, TimestampMs, Uuid};

const NOW: TimestampMs = TimestampMs(1_800_000_000_000);

/// All records of a partition of the fixture.
fn fixture(partition: u32) -> Vec<EncodedRecord> {
    let name = format!("tests/fixtures/kafka-4.3/__consumer_offsets-{partition}.log");
    let bytes = std::fs::read(name).expect("the fixture is there");
    let mut found = Vec::new();
    for batch in batches(&bytes) {
        let (_, batch) = batch.expect("a batch");
        let records = decompress(batch, 1 << 20).expect("records");
        found.extend(records.iter().map(|record| record.expect("a record")).map(|record| EncodedRecord {
            key: Bytes::copy_from_slice(record.key.expect("a key")),
            value: record.value.map(Bytes::copy_from_slice),
        }));
    }
    found
}

fn loaded(partition: u32) -> Coordinator {
    let mut coordinator = Coordinator::new(Settings::default());
    for record in fixture(partition) {
        coordinator.replay(&Record::decode(&record.key, record.value.as_ref()).expect("it is known"));
    }
    coordinator.loaded(NOW, &mut Effects::default());
    coordinator
}

fn ask(coordinator: &mut Coordinator, request: Request) -> Response {
    let node = NodeSettings { id: BrokerId(1), file: BTreeMap::new() };
    let image = Image::new(node).expect("defaults are in order");
    let context = Context {
        ticket: Ticket(1),
        version: 6,
        now: NOW,
        client_id: "",
        client_host: "",
        unique: Uuid::ZERO,
        image: &image,
    };
    let mut out = Effects::default();
    coordinator.handle(request, &context, &mut out);
    out.replies.pop().expect("an answer").response
}

fn offsets(coordinator: &mut Coordinator, group: &str) -> Vec<i64> {
    let group = OffsetFetchRequestGroup { group_id: group.into(), topics: None, ..Default::default() };
    match ask(coordinator, Request::OffsetFetch(OffsetFetch { group, require_stable: false })) {
        Response::OffsetFetch(response) => {
            let partitions = response.topics.iter().flat_map(|topic| &topic.partitions);
            partitions.map(|partition| partition.committed_offset).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_record_that_kafka_wrote_is_written_back_byte_for_byte() {
    let mut count = 0;
    for record in (0..2).flat_map(fixture) {
        let read = Record::decode(&record.key, record.value.as_ref()).expect("it is known");
        assert_eq!(read.encode(), Ok(record), "{read:?}");
        count += 1;
    }
    assert_eq!(count, 57);
}

#[test]
fn a_coordinator_takes_over_what_kafka_has_left() {
    let mut first = loaded(0);
    let described = ask(&mut first, Request::DescribeGroups(vec!["classic".into(), "static".into()]));
    let Response::DescribeGroups(groups) = described else { panic!("{described:?}") };
    let [classic, fixed] = &groups[..] else { panic!("{groups:?}") };
    assert_eq!((&*classic.group_state, &*classic.protocol_type), ("Empty", "consumer"));
    // A static member does not leave when it stops.
    assert_eq!((&*fixed.group_state, &*fixed.protocol_data), ("Stable", "range"));
    assert_eq!(fixed.members[0].group_instance_id.as_deref(), Some("one"));
    for group in ["classic", "static"] {
        assert_eq!(offsets(&mut first, group), [100, 0, 0]);
    }
    assert_eq!(offsets(&mut first, "simple"), [7, 0, 0]);
    let mut second = loaded(1);
    assert_eq!(offsets(&mut second, "next"), [100, 0, 0]);
    assert!(offsets(&mut second, "gone").is_empty(), "it was deleted");
}

/// Records of ours, one of each form.
fn written_by_us() -> Vec<Record> {
    let key = || OffsetCommitKey { group: "g".into(), topic: "t".into(), partition: 3 };
    let value = OffsetCommitValue {
        offset: 42,
        leader_epoch: 5,
        metadata: "why".into(),
        commit_timestamp: 1_700_000_000_000,
        ..Default::default()
    };
    let with_id = OffsetCommitValue { topic_id: Uuid([1; 16]), ..value.clone() };
    let expiring = OffsetCommitValue { expire_timestamp: 1_700_000_060_000, ..value.clone() };
    let member = MemberMetadata {
        member_id: "m-1".into(),
        group_instance_id: Some("one".into()),
        client_id: "client".into(),
        client_host: "/127.0.0.1".into(),
        rebalance_timeout: 300_000,
        session_timeout: 45_000,
        subscription: Bytes::from_static(b"\0\0\0\0\0\x01\0\x01t\xff\xff\xff\xff"),
        assignment: Bytes::from_static(b"\0\0\0\0\0\x01\0\x01t\0\0\0\x01\0\0\0\x03\xff\xff\xff\xff"),
    };
    let generation = GroupMetadataValue {
        protocol_type: "consumer".into(),
        generation: 4,
        protocol: Some("range".into()),
        leader: Some("m-1".into()),
        current_state_timestamp: 1_700_000_000_000,
        members: vec![member],
    };
    let epoch = ConsumerGroupMetadataValue { epoch: 7, metadata_hash: 11 };
    vec![
        Record::OffsetCommit(key(), Some(value)),
        Record::OffsetCommit(key(), Some(with_id)),
        Record::OffsetCommit(key(), Some(expiring)),
        Record::OffsetCommit(key(), None),
        Record::GroupMetadata(GroupMetadataKey { group: "g".into() }, Some(generation)),
        Record::ConsumerGroupMetadata(ConsumerGroupMetadataKey { group_id: "n".into() }, Some(epoch)),
        Record::GroupMetadata(GroupMetadataKey { group: "g".into() }, None),
    ]
}

/// Needs the command `KAFKA_TOOL`, which runs Kafka's command line tools by their name.
#[test]
fn kafkas_dump_tool_decodes_our_records() {
    let Ok(tool) = std::env::var("KAFKA_TOOL") else {
        eprintln!("SKIPPED: KAFKA_TOOL is not set");
        return;
    };
    let mut batch = BatchBuilder::new(BatchOptions { leader_epoch: LeaderEpoch(0), ..Default::default() });
    for record in written_by_us() {
        let EncodedRecord { key, value } = record.encode().expect("it can be written");
        batch.push(NOW, Some(&key), value.as_deref(), &[]).expect("it fits");
    }
    let temp = tempfile::tempdir().expect("a folder");
    let path = temp.path().join("00000000000000000000.log");
    std::fs::write(&path, batch.build().expect("a batch")).expect("it is written");
    let mut words = tool.split_whitespace();
    let output = Command::new(words.next().expect("a command"))
        .args(words)
        .args(["dump-log", "--print-data-log", "--offsets-decoder", "--files"])
        .arg(&path)
        .output()
        .expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout);
    for expected in [
        r#"key: {"type":"1","data":{"group":"g","topic":"t","partition":3}}"#,
        r#"payload: {"version":"3","data":{"offset":42,"leaderEpoch":5,"metadata":"why","commitTimestamp":1700000000000}}"#,
        r#""commitTimestamp":1700000000000,"topicId":"AQEBAQEBAQEBAQEBAQEBAQ"}}"#,
        r#""expireTimestamp":1700000060000}}"#,
        r#"payload: {"version":"3","data":{"protocolType":"consumer","generation":4,"protocol":"range","leader":"m-1""#,
        r#""groupInstanceId":"one","clientId":"client","clientHost":"/127.0.0.1","rebalanceTimeout":300000"#,
        r#""assignment":{"assignedPartitions":[{"topic":"t","partitions":[3]}],"userData":null}"#,
        r#"payload: {"version":"0","data":{"epoch":7,"metadataHash":11}}"#,
    ] {
        assert!(text.contains(expected), "{expected}\nis missing in\n{text}");
    }
    assert_eq!(text.matches("payload: <DELETE>").count(), 2, "{text}");
}
