//! Consumer groups of KIP-848 over the wire: the coordinator assigns, members report.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use protocol::messages::consumer_groups::ConsumerGroupHeartbeatRequestTopicPartitions;
use protocol::messages::{
    ApiVersionsRequest, ConsumerGroupDescribeRequest, ConsumerGroupHeartbeatRequest,
    ConsumerGroupHeartbeatResponse, ListGroupsRequest,
};
use types::Uuid;

use crate::client::{Client, newest};
use crate::groups::{COMMIT, await_coordinator, await_loaded, commit_request, committed};
use crate::support::{Broker, PATIENCE};
use crate::topics::create;

const VERSION: i16 = 1;
const LEAVING: i32 = -1;
const STALE_EPOCH: i16 = 113;
const INVALID_REQUEST: i16 = 42;
const INVALID_REGEX: i16 = 128;

/// A member that does what its coordinator says.
struct Member {
    client: Client,
    id: String,
    epoch: i32,
    /// What it was assigned last, by index; all tests have one topic.
    held: BTreeSet<i32>,
    topic: Uuid,
    /// It has something to report.
    changed: bool,
}

impl Member {
    fn new(broker: &Broker, id: &str, topic: Uuid) -> Self {
        let client = Client::connect(broker.address());
        Self { client, id: id.to_owned(), epoch: 0, held: BTreeSet::new(), topic, changed: true }
    }

    fn request(&self) -> ConsumerGroupHeartbeatRequest {
        let owned = ConsumerGroupHeartbeatRequestTopicPartitions {
            topic_id: self.topic,
            partitions: self.held.iter().copied().collect(),
        };
        let owned = if self.held.is_empty() { Vec::new() } else { vec![owned] };
        ConsumerGroupHeartbeatRequest {
            group_id: "g".into(),
            member_id: self.id.as_str().into(),
            member_epoch: self.epoch,
            rebalance_timeout_ms: if self.epoch == 0 { 60_000 } else { -1 },
            subscribed_topic_names: (self.epoch == 0).then(|| vec!["t".into()]),
            topic_partitions: self.changed.then_some(owned),
            ..Default::default()
        }
    }

    fn heartbeat(&mut self) -> ConsumerGroupHeartbeatResponse {
        let request = self.request();
        let response = self.client.call(VERSION, &request);
        self.changed = false;
        if response.error_code == 0 {
            self.epoch = response.member_epoch;
            if let Some(assignment) = &response.assignment {
                let partitions = assignment.topic_partitions.iter().flat_map(|topic| &topic.partitions);
                self.held = partitions.copied().collect();
                self.changed = true;
            }
        }
        response
    }
}

/// Has all members report until each has so many partitions.
fn settle(members: &mut [Member], each: usize) {
    let deadline = Instant::now() + PATIENCE;
    while members.iter().any(|member| member.held.len() != each || member.changed) {
        assert!(Instant::now() < deadline, "the partitions are never shared");
        for member in members.iter_mut() {
            assert_eq!(member.heartbeat().error_code, 0);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let all: BTreeSet<i32> = members.iter().flat_map(|member| &member.held).copied().collect();
    assert_eq!(all.len(), members.len() * each, "no partition has two owners");
}

#[test]
fn the_coordinator_assigns_partitions_and_keeps_members_over_a_crash() {
    let settings = [("strome.shards", "2"), ("group.consumer.assignment.interval.ms", "0")];
    let mut broker = Broker::start(&settings);
    let mut client = Client::connect(broker.address());
    let topic = create(&mut client, "t", 4, &[]);
    await_coordinator(&mut client, "g");
    let mut members = vec![Member::new(&broker, "one", topic)];
    settle(&mut members, 4);
    members.push(Member::new(&broker, "two", topic));
    settle(&mut members, 2);

    let mut request = commit_request("g", "t", &[(0, 7)]);
    request.member_id = "one".into();
    request.generation_id_or_member_epoch = members[0].epoch;
    assert_eq!(client.call(COMMIT, &request).topics[0].partitions[0].error_code, 0);
    request.generation_id_or_member_epoch += 1;
    assert_eq!(client.call(COMMIT, &request).topics[0].partitions[0].error_code, STALE_EPOCH);

    broker.kill();
    broker.restart();
    let mut client = Client::connect(broker.address());
    await_loaded(&mut client, "g");
    assert_eq!(committed(&mut client, "g"), [("t".to_owned(), 0, 7)]);
    let groups = vec!["g".into()];
    let described = client.call(
        newest::<ConsumerGroupDescribeRequest>(),
        &ConsumerGroupDescribeRequest { group_ids: groups, ..Default::default() },
    );
    let group = &described.groups[0];
    assert_eq!((group.error_code, &*group.group_state, group.members.len()), (0, "Stable", 2));
    let listed = client.call(newest::<ListGroupsRequest>(), &ListGroupsRequest::default());
    assert_eq!((&*listed.groups[0].group_id, &*listed.groups[0].group_type), ("g", "consumer"));
    for member in &mut members {
        member.client = Client::connect(broker.address());
        assert_eq!(member.heartbeat().error_code, 0, "a member goes on");
    }
    let mut gone = members.pop().expect("two");
    gone.epoch = LEAVING;
    assert_eq!(gone.heartbeat().member_epoch, LEAVING);
    settle(&mut members, 4);
}

#[test]
fn what_cannot_be_asked_of_a_consumer_group_is_refused() {
    let broker = Broker::start(&[]);
    let mut client = Client::connect(broker.address());
    let topic = create(&mut client, "t", 1, &[]);
    await_coordinator(&mut client, "g");
    let member = Member::new(&broker, "one", topic);
    let request = ConsumerGroupHeartbeatRequest { group_id: "".into(), ..member.request() };
    assert_eq!(client.call(VERSION, &request).error_code, INVALID_REQUEST);
    let request = ConsumerGroupHeartbeatRequest {
        subscribed_topic_names: None,
        subscribed_topic_regex: Some("(".into()),
        ..member.request()
    };
    assert_eq!(client.call(VERSION, &request).error_code, INVALID_REGEX);
}

#[test]
fn the_feature_of_consumer_groups_is_announced_to_those_who_understand_it() {
    let broker = Broker::start(&[]);
    let mut client = Client::connect(broker.address());
    let request =
        ApiVersionsRequest { client_software_name: "test".into(), client_software_version: "1".into() };
    for (version, supported) in [(3, false), (4, true)] {
        let response = client.call(version, &request);
        let is_supported = response.supported_features.iter().any(|f| &*f.name == "group.version");
        assert_eq!(is_supported, supported, "version {version}");
        let finalized = response.finalized_features.iter().find(|f| &*f.name == "group.version");
        assert_eq!(finalized.map(|feature| feature.max_version_level), Some(1), "version {version}");
    }
}
