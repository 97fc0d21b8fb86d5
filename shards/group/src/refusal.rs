//! The answers that refuse a whole request: its coordinator is not here, not loaded yet, or could not append.

use protocol::Str;
use protocol::messages::consumer_groups;
use protocol::messages::group_offsets::{
    OffsetCommitRequest, OffsetCommitResponsePartition, OffsetCommitResponseTopic, OffsetFetchResponseGroup,
};
use protocol::messages::groups::{DeletableGroupResult, DescribedGroup};
use protocol::messages::{
    ConsumerGroupHeartbeatResponse, HeartbeatResponse, JoinGroupResponse, LeaveGroupResponse,
    ListGroupsResponse, OffsetCommitResponse, OffsetDeleteResponse, SyncGroupResponse,
};
use types::ErrorCode;

use crate::request::{Request, Response};

impl Request {
    /// The answer that refuses all of this request, which is of version `version`.
    #[must_use]
    pub fn refused(&self, version: i16, error: ErrorCode) -> Response {
        let code = error.code();
        match self {
            Self::JoinGroup(request) => join(version, &request.member_id, error).into(),
            Self::SyncGroup(_) => SyncGroupResponse { error_code: code, ..Default::default() }.into(),
            // As in Kafka: nobody can say yet whether the member is one, and it is to go on as if it were.
            Self::Heartbeat(_) if error == ErrorCode::CoordinatorLoadInProgress => {
                HeartbeatResponse::default().into()
            }
            Self::Heartbeat(_) => HeartbeatResponse { error_code: code, ..Default::default() }.into(),
            Self::LeaveGroup(_) => LeaveGroupResponse { error_code: code, ..Default::default() }.into(),
            Self::OffsetCommit(request) => commit(request, error).into(),
            Self::OffsetFetch(request) => fetch(&request.group.group_id, error).into(),
            Self::OffsetDelete(_) => OffsetDeleteResponse { error_code: code, ..Default::default() }.into(),
            Self::DescribeGroups(groups) | Self::DescribeGroupsInDetail(groups) => {
                Response::DescribeGroups(groups.iter().map(|group| described(group, error)).collect())
            }
            Self::ListGroups(_) => ListGroupsResponse { error_code: code, ..Default::default() }.into(),
            Self::DeleteGroups(groups) => {
                Response::DeleteGroups(groups.iter().map(|group| deleted(group, error)).collect())
            }
            Self::ConsumerGroupHeartbeat(_) => {
                ConsumerGroupHeartbeatResponse { error_code: code, ..Default::default() }.into()
            }
            Self::ConsumerGroupDescribe(groups) => {
                let described = groups.iter().map(|group| consumer_described(group, error));
                Response::ConsumerGroupDescribe(described.collect())
            }
        }
    }
}

impl Response {
    /// The answer to the same request, of version `version`, that refuses all of it: what the coordinator has decided
    /// could not be made durable.
    #[must_use]
    pub fn refused(self, version: i16, error: ErrorCode) -> Self {
        let code = error.code();
        match self {
            Self::JoinGroup(response) => join(version, &response.member_id, error).into(),
            Self::SyncGroup(_) => SyncGroupResponse { error_code: code, ..Default::default() }.into(),
            Self::Heartbeat(_) => HeartbeatResponse { error_code: code, ..Default::default() }.into(),
            Self::LeaveGroup(_) => LeaveGroupResponse { error_code: code, ..Default::default() }.into(),
            Self::OffsetCommit(mut response) => {
                for partition in response.topics.iter_mut().flat_map(|topic| &mut topic.partitions) {
                    partition.error_code = code;
                }
                response.into()
            }
            Self::OffsetFetch(response) => fetch(&response.group_id, error).into(),
            Self::OffsetDelete(_) => OffsetDeleteResponse { error_code: code, ..Default::default() }.into(),
            Self::DescribeGroups(groups) => {
                Self::DescribeGroups(groups.iter().map(|group| described(&group.group_id, error)).collect())
            }
            Self::ListGroups(_) => ListGroupsResponse { error_code: code, ..Default::default() }.into(),
            Self::DeleteGroups(groups) => {
                Self::DeleteGroups(groups.iter().map(|group| deleted(&group.group_id, error)).collect())
            }
            Self::ConsumerGroupHeartbeat(_) => {
                ConsumerGroupHeartbeatResponse { error_code: code, ..Default::default() }.into()
            }
            Self::ConsumerGroupDescribe(groups) => {
                let described = groups.iter().map(|group| consumer_described(&group.group_id, error));
                Self::ConsumerGroupDescribe(described.collect())
            }
        }
    }
}

/// The first version of JoinGroup in which a response need not name a protocol.
const JOIN_NULL_PROTOCOL_VERSION: i16 = 7;

/// Refuses a JoinGroup request of a member.
pub(crate) fn join(version: i16, member_id: &Str, error: ErrorCode) -> JoinGroupResponse {
    JoinGroupResponse {
        error_code: error.code(),
        protocol_name: (version < JOIN_NULL_PROTOCOL_VERSION).then(Str::default),
        member_id: member_id.clone(),
        ..Default::default()
    }
}

/// Refuses all partitions of a commit.
pub(crate) fn commit(request: &OffsetCommitRequest, error: ErrorCode) -> OffsetCommitResponse {
    let topics = request.topics.iter().map(|topic| OffsetCommitResponseTopic {
        name: topic.name.clone(),
        topic_id: topic.topic_id,
        partitions: topic
            .partitions
            .iter()
            .map(|partition| OffsetCommitResponsePartition {
                partition_index: partition.partition_index,
                error_code: error.code(),
            })
            .collect(),
    });
    OffsetCommitResponse { topics: topics.collect(), ..Default::default() }
}

/// Refuses to tell a group's offsets.
pub(crate) fn fetch(group_id: &Str, error: ErrorCode) -> OffsetFetchResponseGroup {
    OffsetFetchResponseGroup { group_id: group_id.clone(), error_code: error.code(), ..Default::default() }
}

fn described(group_id: &Str, error: ErrorCode) -> DescribedGroup {
    DescribedGroup { group_id: group_id.clone(), error_code: error.code(), ..Default::default() }
}

fn deleted(group_id: &Str, error: ErrorCode) -> DeletableGroupResult {
    DeletableGroupResult { group_id: group_id.clone(), error_code: error.code() }
}

/// Refuses to describe a consumer group.
pub(crate) fn consumer_described(group_id: &Str, error: ErrorCode) -> consumer_groups::DescribedGroup {
    consumer_groups::DescribedGroup {
        group_id: group_id.clone(),
        error_code: error.code(),
        ..Default::default()
    }
}
