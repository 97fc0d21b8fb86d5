//! Questions of clients, and what is to be seen in the answers.

use bytes::Bytes;
use group::{OffsetFetch, Request, Response};
use protocol::messages::group_members::{JoinGroupRequestProtocol, SyncGroupRequestAssignment};
use protocol::messages::group_offsets::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic, OffsetFetchRequestGroup, OffsetFetchRequestTopics,
};
use protocol::messages::{JoinGroupRequest, ListGroupsRequest, OffsetCommitRequest, SyncGroupRequest};
use types::ErrorCode;

use super::world::TOPIC;

pub const SESSION_MS: i32 = 10_000;

/// A commit of somebody who is no member.
pub fn commit(group: &str, partition: i32, offset: i64, note: &str) -> Request {
    let partitions = vec![OffsetCommitRequestPartition {
        partition_index: partition,
        committed_offset: offset,
        committed_metadata: Some(note.into()),
        ..Default::default()
    }];
    Request::OffsetCommit(OffsetCommitRequest {
        group_id: group.into(),
        generation_id_or_member_epoch: -1,
        topics: vec![OffsetCommitRequestTopic { name: TOPIC.into(), partitions, ..Default::default() }],
        ..Default::default()
    })
}

pub fn fetch(group: &str, partition: i32) -> Request {
    let topics = vec![OffsetFetchRequestTopics {
        name: TOPIC.into(),
        partition_indexes: vec![partition],
        ..Default::default()
    }];
    let group =
        OffsetFetchRequestGroup { group_id: group.into(), topics: Some(topics), ..Default::default() };
    Request::OffsetFetch(OffsetFetch { group, require_stable: true })
}

pub fn describe(group: &str) -> Request {
    Request::DescribeGroups(vec![group.into()])
}

pub fn list() -> Request {
    Request::ListGroups(ListGroupsRequest::default())
}

/// A member that has no id yet, and is given one.
pub fn first_join(group: &str) -> Request {
    join(group, "")
}

pub fn join(group: &str, member: &str) -> Request {
    let metadata = Bytes::from_static(b"\0\0\0\0\0\x01\0\x01t");
    Request::JoinGroup(JoinGroupRequest {
        group_id: group.into(),
        session_timeout_ms: SESSION_MS,
        rebalance_timeout_ms: 60_000,
        member_id: member.into(),
        protocol_type: "consumer".into(),
        protocols: vec![JoinGroupRequestProtocol { name: "range".into(), metadata }],
        ..Default::default()
    })
}

/// The leader of the first generation hands in the assignment of its only member.
pub fn sync(group: &str, member: &str) -> Request {
    let assignment =
        SyncGroupRequestAssignment { member_id: member.into(), assignment: Bytes::from_static(b"all") };
    Request::SyncGroup(SyncGroupRequest {
        group_id: group.into(),
        generation_id: 1,
        member_id: member.into(),
        protocol_type: Some("consumer".into()),
        protocol_name: Some("range".into()),
        assignments: vec![assignment],
        ..Default::default()
    })
}

/// The id that a member is to join with.
pub fn join_as(response: &Response) -> String {
    match response {
        Response::JoinGroup(response) => response.member_id.to_string(),
        other => panic!("an answer to JoinGroup was expected, not {other:?}"),
    }
}

pub fn offset_in(response: &Response) -> i64 {
    match response {
        Response::OffsetFetch(group) if group.error_code == 0 => {
            group.topics[0].partitions[0].committed_offset
        }
        other => panic!("offsets were expected, not {other:?}"),
    }
}

pub fn state_in(response: &Response) -> String {
    match response {
        Response::DescribeGroups(groups) => groups[0].group_state.to_string(),
        other => panic!("a group was expected, not {other:?}"),
    }
}

pub fn error_of(response: &Response) -> ErrorCode {
    let code = match response {
        Response::OffsetCommit(response) => response.topics[0].partitions[0].error_code,
        Response::OffsetFetch(group) => group.error_code,
        Response::DescribeGroups(groups) => groups[0].error_code,
        Response::ListGroups(response) => response.error_code,
        Response::JoinGroup(response) => response.error_code,
        Response::SyncGroup(response) => response.error_code,
        other => panic!("nobody asked for {other:?}"),
    };
    ErrorCode::from_code(code).expect("a code of Kafka's")
}
