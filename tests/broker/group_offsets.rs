//! Committed offsets: durable when acknowledged, found by every version of the protocol, and gone with their topic or group.

use std::thread;
use std::time::{Duration, Instant};

use protocol::messages::group_offsets::{
    OffsetDeleteRequestPartition, OffsetDeleteRequestTopic, OffsetFetchRequestTopic,
};
use protocol::messages::metadata::MetadataRequestTopic;
use protocol::messages::{
    DeleteGroupsRequest, DescribeGroupsRequest, FindCoordinatorRequest, ListGroupsRequest, MetadataRequest,
    OffsetCommitRequest, OffsetDeleteRequest, OffsetFetchRequest,
};
use types::Uuid;

use crate::client::{Client, newest};
use crate::groups::{
    COMMIT, FETCH_OFFSETS, await_coordinator, await_loaded, commit, commit_request, committed, fetch_request,
};
use crate::support::{Broker, PATIENCE};
use crate::topics::{ALL, PRODUCE, batch, create, delete, produce_request};

const INVALID_TOPIC: i16 = 17;
const UNKNOWN_TOPIC: i16 = 3;
const UNKNOWN_TOPIC_ID: i16 = 100;
const INVALID_GROUP_ID: i16 = 24;
const GROUP_NOT_FOUND: i16 = 69;
const OFFSET_METADATA_TOO_LARGE: i16 = 12;

#[test]
fn the_offsets_topic_is_made_when_somebody_looks_for_a_coordinator() {
    let broker = Broker::start(&[("offsets.topic.num.partitions", "7")]);
    let mut client = Client::connect(broker.address());
    for version in [0, 1, 3] {
        let request = FindCoordinatorRequest { key: "g".into(), ..Default::default() };
        let response = client.call(version, &request);
        assert_eq!(response.error_code, 0, "version {version}");
        assert_eq!(i32::from(broker.address().port()), response.port);
    }
    let request =
        FindCoordinatorRequest { coordinator_keys: vec!["a".into(), "".into()], ..Default::default() };
    let response = client.call(newest::<FindCoordinatorRequest>(), &request);
    let answered: Vec<_> = response.coordinators.iter().map(|c| (&*c.key, c.error_code)).collect();
    assert_eq!(answered, [("a", 0), ("", 0)]);
    let topic = MetadataRequestTopic { name: Some("__consumer_offsets".into()), ..Default::default() };
    let metadata = client.call(9, &MetadataRequest { topics: Some(vec![topic]), ..Default::default() });
    let topic = &metadata.topics[0];
    assert_eq!((topic.error_code, topic.is_internal, topic.partitions.len()), (0, true, 7));
}

#[test]
fn only_groups_have_a_coordinator() {
    let broker = Broker::start(&[]);
    let mut client = Client::connect(broker.address());
    for (key_type, error) in [(1, 15), (2, 42), (9, 42)] {
        let request = FindCoordinatorRequest { key: "k".into(), key_type, ..Default::default() };
        let response = client.call(3, &request);
        assert_eq!((response.error_code, response.node_id, response.port), (error, -1, -1));
    }
}

#[test]
fn no_client_writes_into_the_offsets_topic() {
    let broker = Broker::start(&[]);
    let mut client = Client::connect(broker.address());
    await_coordinator(&mut client, "g");
    let request = produce_request("__consumer_offsets", 0, ALL, batch(&["x"]));
    let response = client.call(PRODUCE, &request);
    assert_eq!(response.responses[0].partition_responses[0].error_code, INVALID_TOPIC);
}

#[test]
fn offsets_are_found_by_every_version() {
    let broker = Broker::start(&[]);
    let mut client = Client::connect(broker.address());
    let id = create(&mut client, "t", 2, &[]);
    await_coordinator(&mut client, "g");
    for version in 2..=newest::<OffsetCommitRequest>() {
        let mut request = commit_request("g", "t", &[(0, i64::from(version)), (9, 1)]);
        request.topics[0].topic_id = id;
        let response = client.call(version, &request);
        let errors: Vec<_> = response.topics[0].partitions.iter().map(|p| p.error_code).collect();
        assert_eq!(errors, [0, UNKNOWN_TOPIC], "version {version}");
        let topics = vec![OffsetFetchRequestTopic { name: "t".into(), partition_indexes: vec![1, 0] }];
        for fetch in 1..8 {
            let topics = Some(topics.clone());
            let request = OffsetFetchRequest { group_id: "g".into(), topics, ..Default::default() };
            let response = client.call(fetch, &request);
            let found = response.topics[0].partitions.iter().map(|p| (p.partition_index, p.committed_offset));
            assert_eq!(found.collect::<Vec<_>>(), [(1, -1), (0, i64::from(version))], "version {fetch}");
            assert_eq!(response.topics[0].partitions[1].metadata.as_deref(), Some("note"));
        }
        for fetch in 8..=newest::<OffsetFetchRequest>() {
            let mut request = fetch_request("g", Some(("t", &[0, 1])));
            request.groups.push(fetch_request("other", None).groups.remove(0));
            request.groups[0].topics.as_mut().expect("topics")[0].topic_id = id;
            let response = client.call(fetch, &request);
            let group = &response.groups[0];
            let found = group.topics[0].partitions.iter().map(|p| (p.partition_index, p.committed_offset));
            assert_eq!(found.collect::<Vec<_>>(), [(0, i64::from(version)), (1, -1)], "version {fetch}");
            assert_eq!(group.topics[0].topic_id, if fetch < 10 { Uuid::ZERO } else { id });
            assert_eq!(&*response.groups[1].group_id, "other");
            assert!(response.groups[1].topics.is_empty());
        }
    }
}

#[test]
fn topics_that_nobody_knows_have_no_offsets() {
    let broker = Broker::start(&[]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", 1, &[]);
    await_coordinator(&mut client, "g");
    assert_eq!(commit(&mut client, "g", "nosuch", &[(0, 1)]), [UNKNOWN_TOPIC]);
    let mut request = commit_request("g", "t", &[(0, 1)]);
    request.topics[0].topic_id = Uuid([7; 16]);
    let response = client.call(10, &request);
    assert_eq!(response.topics[0].partitions[0].error_code, UNKNOWN_TOPIC_ID);
    let mut request = fetch_request("g", Some(("t", &[0])));
    request.groups[0].topics.as_mut().expect("topics")[0].topic_id = Uuid([7; 16]);
    let response = client.call(10, &request);
    let partition = &response.groups[0].topics[0].partitions[0];
    assert_eq!((partition.error_code, partition.committed_offset), (UNKNOWN_TOPIC_ID, -1));
}

#[test]
fn a_note_longer_than_allowed_is_refused_and_others_are_kept() {
    let broker = Broker::start(&[("offset.metadata.max.bytes", "10")]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", 2, &[]);
    await_coordinator(&mut client, "g");
    let mut request = commit_request("g", "t", &[(0, 1), (1, 2)]);
    request.topics[0].partitions[0].committed_metadata = Some("much longer than that".into());
    let response = client.call(COMMIT, &request);
    let errors: Vec<_> = response.topics[0].partitions.iter().map(|p| p.error_code).collect();
    assert_eq!(errors, [OFFSET_METADATA_TOO_LARGE, 0]);
    assert_eq!(committed(&mut client, "g"), [("t".to_owned(), 1, 2)]);
}

/// Groups enough for every shard and most partitions of the offsets topic.
const GROUPS: usize = 200;

fn group(number: usize) -> String {
    format!("group-{number}")
}

/// Commits for all groups, all requests under way at once; returns what was acknowledged before the connection ended.
fn commit_all(client: &mut Client, offset: i64) -> usize {
    let frames: Vec<_> = (0..GROUPS)
        .map(|number| client.frame(COMMIT, &commit_request(&group(number), "t", &[(0, offset)])))
        .collect();
    // As many as the broker takes of one connection.
    for (number, frame) in frames.iter().enumerate() {
        client.write(frame);
        if number >= 50 {
            expect_committed(client);
        }
    }
    (0..50).for_each(|_| expect_committed(client));
    GROUPS
}

fn expect_committed(client: &mut Client) {
    let (_, response) = client.receive::<OffsetCommitRequest>(COMMIT);
    assert_eq!(response.topics[0].partitions[0].error_code, 0);
}

#[test]
fn acknowledged_offsets_survive_a_crash_whatever_the_number_of_shards() {
    let mut broker = Broker::start(&[("strome.shards", "2")]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", 1, &[]);
    await_coordinator(&mut client, "g");
    for (round, shards) in [(1, "4"), (2, "1"), (3, "2")] {
        commit_all(&mut client, round);
        broker.kill();
        broker.restart_with(&[("strome.shards", shards)]);
        client = Client::connect(broker.address());
        for number in 0..GROUPS {
            await_loaded(&mut client, &group(number));
            assert_eq!(committed(&mut client, &group(number)), [("t".to_owned(), 0, round)]);
        }
    }
    let listed = client.call(newest::<ListGroupsRequest>(), &ListGroupsRequest::default());
    assert_eq!((listed.error_code, listed.groups.len()), (0, GROUPS));
    assert!(listed.groups.iter().all(|group| &*group.group_state == "Empty"));
}

#[test]
fn offsets_survive_a_graceful_stop() {
    let mut broker = Broker::start(&[]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", 1, &[]);
    await_coordinator(&mut client, "g");
    assert_eq!(commit(&mut client, "g", "t", &[(0, 7)]), [0]);
    assert!(broker.stop().success());
    broker.expect_sound();
    broker.restart();
    let mut client = Client::connect(broker.address());
    await_loaded(&mut client, "g");
    assert_eq!(committed(&mut client, "g"), [("t".to_owned(), 0, 7)]);
}

#[test]
fn offsets_go_with_their_topic() {
    let mut broker = Broker::start(&[]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "stays", 1, &[]);
    create(&mut client, "goes", 1, &[]);
    await_coordinator(&mut client, "g");
    for topic in ["stays", "goes"] {
        assert_eq!(commit(&mut client, "g", topic, &[(0, 7)]), [0]);
    }
    assert_eq!(delete(&mut client, "goes"), 0);
    let deadline = Instant::now() + PATIENCE;
    while committed(&mut client, "g").len() > 1 {
        assert!(Instant::now() < deadline, "the offsets of a deleted topic stay");
        thread::sleep(Duration::from_millis(5));
    }
    // A topic of the same name has none of them, also after a start.
    create(&mut client, "goes", 1, &[]);
    assert_eq!(committed(&mut client, "g"), [("stays".to_owned(), 0, 7)]);
    assert!(broker.stop().success());
    broker.restart();
    let mut client = Client::connect(broker.address());
    await_loaded(&mut client, "g");
    assert_eq!(committed(&mut client, "g"), [("stays".to_owned(), 0, 7)]);
}

#[test]
fn groups_are_described_and_deleted_in_the_order_of_the_request() {
    let mut broker = Broker::start(&[("strome.shards", "4")]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", 2, &[]);
    await_coordinator(&mut client, "g");
    for group in ["a", "b", "c"] {
        assert_eq!(commit(&mut client, group, "t", &[(0, 1), (1, 2)]), [0, 0]);
    }
    let names = ["c", "nosuch", "a"];
    let groups = names.map(Into::into).to_vec();
    let described = client.call(5, &DescribeGroupsRequest { groups, ..Default::default() });
    let states: Vec<_> =
        described.groups.iter().map(|g| (&*g.group_id, g.error_code, &*g.group_state)).collect();
    assert_eq!(states, [("c", 0, "Empty"), ("nosuch", 0, "Dead"), ("a", 0, "Empty")]);
    let groups = names.map(Into::into).to_vec();
    let described = client.call(6, &DescribeGroupsRequest { groups, ..Default::default() });
    let errors: Vec<_> = described.groups.iter().map(|group| group.error_code).collect();
    assert_eq!(errors, [0, GROUP_NOT_FOUND, 0]);

    let topics = vec![OffsetDeleteRequestTopic {
        name: "t".into(),
        partitions: vec![
            OffsetDeleteRequestPartition { partition_index: 5 },
            OffsetDeleteRequestPartition { partition_index: 1 },
        ],
    }];
    let response = client.call(0, &OffsetDeleteRequest { group_id: "a".into(), topics });
    let errors: Vec<_> = response.topics[0].partitions.iter().map(|p| p.error_code).collect();
    assert_eq!((response.error_code, errors), (0, vec![UNKNOWN_TOPIC, 0]));
    assert_eq!(committed(&mut client, "a"), [("t".to_owned(), 0, 1)]);

    let groups_names = names.map(Into::into).to_vec();
    let deleted = client.call(newest::<DeleteGroupsRequest>(), &DeleteGroupsRequest { groups_names });
    let results: Vec<_> = deleted.results.iter().map(|r| (&*r.group_id, r.error_code)).collect();
    assert_eq!(results, [("c", 0), ("nosuch", GROUP_NOT_FOUND), ("a", 0)]);
    broker.kill();
    broker.restart();
    let mut client = Client::connect(broker.address());
    ["a", "b", "c"].iter().for_each(|group| await_loaded(&mut client, group));
    let listed = client.call(newest::<ListGroupsRequest>(), &ListGroupsRequest::default());
    let left: Vec<_> = listed.groups.iter().map(|group| &*group.group_id).collect();
    assert_eq!(left, ["b"]);
}

#[test]
fn group_ids_of_every_kind_have_offsets() {
    let broker = Broker::start(&[]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", 1, &[]);
    await_coordinator(&mut client, "g");
    let long = "x".repeat(30_000);
    for (offset, group) in (0..).zip(["", " ", "\u{0}", "ünï€😀", "a/b\\c\n", long.as_str()]) {
        assert_eq!(commit(&mut client, group, "t", &[(0, offset)]), [0], "{group:?}");
        assert_eq!(committed(&mut client, group), [("t".to_owned(), 0, offset)], "{group:?}");
    }
    let request = OffsetDeleteRequest { group_id: "".into(), topics: Vec::new() };
    assert_eq!(client.call(0, &request).error_code, INVALID_GROUP_ID);
    // Before version 2 an error of the group is told with each partition.
    let topics = Some(vec![OffsetFetchRequestTopic { name: "t".into(), partition_indexes: vec![0] }]);
    let request = OffsetFetchRequest { group_id: "none".into(), topics, ..Default::default() };
    let response = client.call(1, &request);
    assert_eq!(response.topics[0].partitions[0].committed_offset, -1);
    assert_eq!(client.call(FETCH_OFFSETS, &fetch_request("none", None)).groups[0].error_code, 0);
}
