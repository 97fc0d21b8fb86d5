//! What makes no sense, or is too much, is answered as Kafka answers it, and harms nobody else.

use bytes::Bytes;
use protocol::messages::consumer_groups::ConsumerGroupHeartbeatRequestTopicPartitions;
use protocol::messages::group_members::{
    JoinGroupRequestProtocol, MemberIdentity, SyncGroupRequestAssignment,
};
use protocol::messages::{
    ConsumerGroupDescribeRequest, ConsumerGroupHeartbeatRequest, DeleteGroupsRequest, DescribeGroupsRequest,
    FindCoordinatorRequest, HeartbeatRequest, JoinGroupRequest, LeaveGroupRequest, OffsetDeleteRequest,
    SyncGroupRequest,
};
use types::Uuid;

use crate::client::{Client, newest};
use crate::groups::{
    COMMIT, FETCH_OFFSETS, HEARTBEAT, JOIN, Member, SYNC, await_coordinator, commit, commit_request,
    committed, fetch_request, rebalance,
};
use crate::support::Broker;
use crate::topics::create;

const REPORT: i16 = 1;
const LEAVE: i16 = 5;

const OFFSET_METADATA_TOO_LARGE: i16 = 12;
const ILLEGAL_GENERATION: i16 = 22;
const INVALID_GROUP_ID: i16 = 24;
const UNKNOWN_MEMBER: i16 = 25;
const INVALID_REQUEST: i16 = 42;
const GROUP_NOT_FOUND: i16 = 69;
const MEMBER_ID_REQUIRED: i16 = 79;
const FENCED_EPOCH: i16 = 110;
const UNSUPPORTED_ASSIGNOR: i16 = 112;
const STALE_EPOCH: i16 = 113;
const INVALID_REGEX: i16 = 128;

/// What was answered in another way than Kafka answers; all of it, rather than the first.
#[derive(Default)]
struct Wrong(Vec<String>);

impl Wrong {
    fn compare(&mut self, what: &str, answered: i16, expected: i16) {
        if answered != expected {
            self.0.push(format!("{what:.60}: {answered}, not {expected}"));
        }
    }
}

impl Drop for Wrong {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert!(self.0.is_empty(), "{:#?}", self.0);
        }
    }
}

fn start() -> (Broker, Client) {
    let broker = Broker::start(&[("group.initial.rebalance.delay.ms", "0"), ("strome.shards", "2")]);
    let mut client = Client::connect(broker.address());
    create(&mut client, "t", 4, &[]);
    await_coordinator(&mut client, "g");
    (broker, client)
}

/// What each request about a group with this id is answered, by name.
fn asked_of(client: &mut Client, group: &str) -> Vec<(&'static str, i16)> {
    let protocols = vec![JoinGroupRequestProtocol { name: "p".into(), metadata: Bytes::from_static(b"m") }];
    let join = JoinGroupRequest {
        group_id: group.into(),
        session_timeout_ms: 30_000,
        protocol_type: "consumer".into(),
        protocols,
        ..Default::default()
    };
    let sync = SyncGroupRequest {
        group_id: group.into(),
        member_id: "m".into(),
        protocol_type: Some("consumer".into()),
        protocol_name: Some("p".into()),
        ..Default::default()
    };
    let heartbeat = HeartbeatRequest { group_id: group.into(), member_id: "m".into(), ..Default::default() };
    let members = vec![MemberIdentity { member_id: "m".into(), ..Default::default() }];
    let leave = LeaveGroupRequest { group_id: group.into(), members, ..Default::default() };
    let find = FindCoordinatorRequest { coordinator_keys: vec![group.into()], ..Default::default() };
    let delete = OffsetDeleteRequest { group_id: group.into(), ..Default::default() };
    let describe = DescribeGroupsRequest { groups: vec![group.into()], ..Default::default() };
    let consumer = ConsumerGroupDescribeRequest { group_ids: vec![group.into()], ..Default::default() };
    let report = ConsumerGroupHeartbeatRequest { group_id: group.into(), ..joining() };
    let left = client.call(LEAVE, &leave);
    vec![
        ("find", client.call(6, &find).coordinators[0].error_code),
        ("join", client.call(JOIN, &join).error_code),
        ("sync", client.call(SYNC, &sync).error_code),
        ("heartbeat", client.call(HEARTBEAT, &heartbeat).error_code),
        ("leave", if left.error_code == 0 { left.members[0].error_code } else { left.error_code }),
        ("describe", client.call(5, &describe).groups[0].error_code),
        ("fetch", client.call(FETCH_OFFSETS, &fetch_request(group, None)).groups[0].error_code),
        ("delete offsets", client.call(0, &delete).error_code),
        (
            "describe consumers",
            client.call(newest::<ConsumerGroupDescribeRequest>(), &consumer).groups[0].error_code,
        ),
        ("commit", commit(client, group, "t", &[(0, 1)])[0]),
        ("delete", deleted(client, group)),
        ("report", client.call(REPORT, &report).error_code),
    ]
}

fn deleted(client: &mut Client, group: &str) -> i16 {
    let request = DeleteGroupsRequest { groups_names: vec![group.into()] };
    client.call(newest::<DeleteGroupsRequest>(), &request).results[0].error_code
}

/// A report that joins a group, as it should be.
fn joining() -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest {
        group_id: "c".into(),
        member_id: "m".into(),
        rebalance_timeout_ms: 60_000,
        subscribed_topic_names: Some(vec!["t".into()]),
        topic_partitions: Some(Vec::new()),
        ..Default::default()
    }
}

#[test]
fn groups_may_be_called_anything_but_nothing() {
    let (_broker, mut client) = start();
    let mut wrong = Wrong::default();
    let long = "x".repeat(5_000);
    for group in [&long, "gruppe-größer-グループ-\u{1F600}", "a b\t/../\0", "."] {
        for (what, error) in asked_of(&mut client, group) {
            let expected = match what {
                "join" => MEMBER_ID_REQUIRED,
                "sync" | "heartbeat" | "leave" => UNKNOWN_MEMBER,
                "describe consumers" => GROUP_NOT_FOUND,
                _ => 0,
            };
            wrong.compare(&format!("{what} of {group:.20?}"), error, expected);
        }
    }
    for (what, error) in asked_of(&mut client, "") {
        let expected = match what {
            "report" => INVALID_REQUEST,
            "find" | "fetch" | "commit" | "describe" | "delete" => 0,
            _ => INVALID_GROUP_ID,
        };
        wrong.compare(&format!("{what} of a group without a name"), error, expected);
    }
}

#[test]
fn reports_that_make_no_sense_are_refused() {
    let (_broker, mut client) = start();
    let mut wrong = Wrong::default();
    let holding =
        ConsumerGroupHeartbeatRequestTopicPartitions { topic_id: Uuid([1; 16]), partitions: vec![0] };
    let pattern = |pattern: &str| ConsumerGroupHeartbeatRequest {
        subscribed_topic_names: None,
        subscribed_topic_regex: Some(pattern.into()),
        ..joining()
    };
    let leaving = ConsumerGroupHeartbeatRequest { member_epoch: -1, ..joining() };
    let invalid = [
        ("a blank group", ConsumerGroupHeartbeatRequest { group_id: "  ".into(), ..joining() }),
        ("no member id", ConsumerGroupHeartbeatRequest { member_id: "".into(), ..joining() }),
        ("an empty name", ConsumerGroupHeartbeatRequest { instance_id: Some("".into()), ..joining() }),
        ("an empty rack", ConsumerGroupHeartbeatRequest { rack_id: Some("".into()), ..joining() }),
        ("an epoch below all", ConsumerGroupHeartbeatRequest { member_epoch: -3, ..joining() }),
        (
            "a static member's end without a name",
            ConsumerGroupHeartbeatRequest { member_epoch: -2, ..joining() },
        ),
        ("no time to rebalance", ConsumerGroupHeartbeatRequest { rebalance_timeout_ms: -1, ..joining() }),
        ("no subscription", ConsumerGroupHeartbeatRequest { subscribed_topic_names: None, ..joining() }),
        ("no partitions", ConsumerGroupHeartbeatRequest { topic_partitions: None, ..joining() }),
        ("partitions", ConsumerGroupHeartbeatRequest { topic_partitions: Some(vec![holding]), ..joining() }),
    ];
    for (what, request) in invalid {
        let answered = client.call(REPORT, &request).error_code;
        wrong.compare(what, answered, INVALID_REQUEST);
    }
    let assignor = ConsumerGroupHeartbeatRequest { server_assignor: Some("mine".into()), ..joining() };
    wrong.compare("an assignor", client.call(REPORT, &assignor).error_code, UNSUPPORTED_ASSIGNOR);
    for bad in ["(", "[a", "a{2,1}", r"(a)\1", "(?=a)"] {
        let answered = client.call(REPORT, &pattern(bad)).error_code;
        wrong.compare(bad, answered, INVALID_REGEX);
    }
    let answered = client.call(REPORT, &leaving).error_code;
    wrong.compare("nobody was let in", answered, GROUP_NOT_FOUND);
    // Patterns at which a matcher that tries everything would never come to an end.
    for hard in [r"(a*)*b", r"(a|a|a|b)*\d", "((((.*)*)*)*)*x"] {
        let request = ConsumerGroupHeartbeatRequest { member_id: hard.into(), ..pattern(hard) };
        let answered = client.call(REPORT, &request).error_code;
        wrong.compare(hard, answered, 0);
    }
}

#[test]
fn members_that_nobody_knows_and_stale_epochs_are_refused() {
    let (_broker, mut client) = start();
    let mut wrong = Wrong::default();
    let mut member = joining();
    let response = client.call(REPORT, &member);
    assert_eq!(response.error_code, 0);
    let stranger = ConsumerGroupHeartbeatRequest {
        member_id: "stranger".into(),
        member_epoch: response.member_epoch,
        ..Default::default()
    };
    let stranger = ConsumerGroupHeartbeatRequest { group_id: "c".into(), ..stranger };
    wrong.compare("a stranger", client.call(REPORT, &stranger).error_code, UNKNOWN_MEMBER);
    let elsewhere = ConsumerGroupHeartbeatRequest { group_id: "nosuch".into(), ..stranger };
    wrong.compare("elsewhere", client.call(REPORT, &elsewhere).error_code, GROUP_NOT_FOUND);
    for epoch in [response.member_epoch + 1, i32::MAX] {
        (member.member_epoch, member.topic_partitions) = (epoch, None);
        let answered = client.call(REPORT, &member).error_code;
        wrong.compare(&epoch.to_string(), answered, FENCED_EPOCH);
    }
    let mut request = commit_request("c", "t", &[(0, 7)]);
    for (member, epoch, expected) in [
        ("m", response.member_epoch + 1, STALE_EPOCH),
        ("stranger", 1, UNKNOWN_MEMBER),
        ("m", response.member_epoch, 0),
    ] {
        (request.member_id, request.generation_id_or_member_epoch) = (member.into(), epoch);
        let answered = client.call(COMMIT, &request).topics[0].partitions[0].error_code;
        wrong.compare(&format!("{member} {epoch}"), answered, expected);
    }
}

#[test]
fn notes_and_assignments_that_are_too_long_harm_nobody_else() {
    let (broker, mut client) = start();
    let mut wrong = Wrong::default();
    let mut group = vec![Member::new(broker.address(), "g")];
    rebalance(&mut group);
    assert_eq!(group[0].commit("t", 0, 5), 0);
    let mut request = commit_request("g", "t", &[(0, 6)]);
    request.topics[0].partitions[0].committed_metadata = Some("n".repeat(4_097).as_str().into());
    (request.member_id, request.generation_id_or_member_epoch) =
        (group[0].id.as_str().into(), group[0].generation);
    assert_eq!(client.call(COMMIT, &request).topics[0].partitions[0].error_code, OFFSET_METADATA_TOO_LARGE);
    request.generation_id_or_member_epoch += 1;
    assert_eq!(client.call(COMMIT, &request).topics[0].partitions[0].error_code, ILLEGAL_GENERATION);

    // A leader whose assignment is larger than the records of other clients may be. Kafka refuses it; here it is kept.
    let mut leader = Member::new(broker.address(), "h");
    leader.begin_join();
    assert_eq!(leader.end_join().error_code, 0);
    let assignment = SyncGroupRequestAssignment {
        member_id: leader.id.as_str().into(),
        assignment: Bytes::from(vec![7; 2 * 1024 * 1024]),
    };
    let sync = SyncGroupRequest {
        group_id: "h".into(),
        generation_id: leader.generation,
        member_id: leader.id.as_str().into(),
        protocol_type: Some("consumer".into()),
        protocol_name: Some("range".into()),
        assignments: vec![assignment],
        ..Default::default()
    };
    wrong.compare("a large assignment", leader.client.call(SYNC, &sync).error_code, 0);
    assert_eq!(group[0].heartbeat(), 0, "another group's member goes on");
    assert_eq!(committed(&mut client, "g"), [("t".to_owned(), 0, 5)]);
}
