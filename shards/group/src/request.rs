//! What a coordinator is asked, and what it answers. The structs are the protocol's own; a request that names several
//! groups comes with those of this coordinator's partition only.

use metadata::Image;
use protocol::Str;
use protocol::messages::consumer_groups;
use protocol::messages::group_offsets::{OffsetFetchRequestGroup, OffsetFetchResponseGroup};
use protocol::messages::groups::{DeletableGroupResult, DescribedGroup};
use protocol::messages::{
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, HeartbeatRequest, HeartbeatResponse,
    JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest, LeaveGroupResponse, ListGroupsRequest,
    ListGroupsResponse, OffsetCommitRequest, OffsetCommitResponse, OffsetDeleteRequest, OffsetDeleteResponse,
    SyncGroupRequest, SyncGroupResponse,
};
use types::{TimestampMs, Uuid};

use crate::effects::Ticket;

/// What surrounds a request.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Names the request until it is answered.
    pub ticket: Ticket,
    /// The version of the request. What is answered fits it.
    pub version: i16,
    /// When it is handled.
    pub now: TimestampMs,
    /// How the client calls itself; empty if it does not.
    pub client_id: &'a str,
    /// Where the client connects from, as Kafka writes it: `/127.0.0.1`.
    pub client_host: &'a str,
    /// Random, and given once: a new member gets its id from it.
    pub unique: Uuid,
    /// The topics.
    pub image: &'a Image,
}

/// Asks for the offsets of one group. Versions below 8 and topics named by their ids are put into this form by the
/// broker's API.
#[derive(Clone, Debug, PartialEq)]
pub struct OffsetFetch {
    /// The group, the member that asks if it says so, and the topics, which have names.
    pub group: OffsetFetchRequestGroup,
    /// Whether offsets that an open transaction may change are to be withheld.
    pub require_stable: bool,
}

/// Everything that a coordinator can be asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// Joins a classic group.
    JoinGroup(JoinGroupRequest),
    /// Hands in or waits for the assignment of a classic group.
    SyncGroup(SyncGroupRequest),
    /// A member of a classic group is alive.
    Heartbeat(HeartbeatRequest),
    /// Members leave a classic group.
    LeaveGroup(LeaveGroupRequest),
    /// Commits offsets. Topics have names, and ids where those are known.
    OffsetCommit(OffsetCommitRequest),
    /// Asks for offsets.
    OffsetFetch(OffsetFetch),
    /// Deletes offsets.
    OffsetDelete(OffsetDeleteRequest),
    /// Describes classic groups.
    DescribeGroups(Vec<Str>),
    /// The same with the account of each group, of whatever type it is. Answered as DescribeGroups is.
    DescribeGroupsInDetail(Vec<Str>),
    /// Lists groups.
    ListGroups(ListGroupsRequest),
    /// Deletes groups of any type.
    DeleteGroups(Vec<Str>),
    /// Joins, keeps up or leaves a consumer group.
    ConsumerGroupHeartbeat(ConsumerGroupHeartbeatRequest),
    /// Describes consumer groups.
    ConsumerGroupDescribe(Vec<Str>),
}

macro_rules! responses {
    ($($(#[$doc:meta])* $name:ident($ty:ty),)*) => {
        /// The answer to a [`Request`] of the same name.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Response {
            $($(#[$doc])* $name($ty),)*
        }

        $(
            impl From<$ty> for Response {
                fn from(response: $ty) -> Self {
                    Self::$name(response)
                }
            }
        )*
    };
}

responses! {
    /// The new generation.
    JoinGroup(JoinGroupResponse),
    /// The member's assignment.
    SyncGroup(SyncGroupResponse),
    /// Whether the generation lasts.
    Heartbeat(HeartbeatResponse),
    /// What became of each member.
    LeaveGroup(LeaveGroupResponse),
    /// What became of each partition, in the order of the request.
    OffsetCommit(OffsetCommitResponse),
    /// The group's offsets.
    OffsetFetch(OffsetFetchResponseGroup),
    /// What became of each partition, in the order of the request.
    OffsetDelete(OffsetDeleteResponse),
    /// The groups, in the order of the request. Authorized operations are for the broker's API to fill in.
    DescribeGroups(Vec<DescribedGroup>),
    /// The groups, in the order of their ids.
    ListGroups(ListGroupsResponse),
    /// What became of each group, in the order of the request.
    DeleteGroups(Vec<DeletableGroupResult>),
    /// The member's epoch, and its assignment where that is new.
    ConsumerGroupHeartbeat(ConsumerGroupHeartbeatResponse),
    /// The groups, in the order of the request. Authorized operations are for the broker's API to fill in.
    ConsumerGroupDescribe(Vec<consumer_groups::DescribedGroup>),
}
