//! The members of classic groups.

use crate::Str;
use crate::table::{first, present, tables, versions};
use bytes::Bytes;

tables! {
    /// Joins a classic group; answered once all members have joined.
    pub struct JoinGroupRequest {
        /// The group.
        group_id: Str, [0+];
        /// The member is dropped after so many milliseconds without a heartbeat.
        session_timeout_ms: i32, [0+];
        /// How long members may take to give up partitions or to rejoin, in milliseconds.
        rebalance_timeout_ms: i32, [1+] (ignorable) = -1;
        /// The member's id; empty if it has none yet.
        member_id: Str, [0+];
        /// The name of a static member, or null.
        group_instance_id: Option<Str>, [5+] nullable [5+] = None;
        /// The type of protocol, such as `consumer`.
        protocol_type: Str, [0+];
        /// The protocols that the member understands, the preferred first.
        protocols: Vec<JoinGroupRequestProtocol>, [0+];
        /// Why, in words.
        reason: Option<Str>, [8+] nullable [8+] (ignorable) = None;
    }

    /// A protocol that the member understands, in [`JoinGroupRequest`].
    pub struct JoinGroupRequestProtocol {
        /// The name of the protocol.
        name: Str, [0+];
        /// What the member says about itself in this protocol.
        metadata: Bytes, [0+];
    }

    /// The new generation of the group.
    pub struct JoinGroupResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [2+] (ignorable);
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The generation of the group.
        generation_id: i32, [0+] = -1;
        /// The type of protocol, such as `consumer`.
        protocol_type: Option<Str>, [7+] nullable [7+] (ignorable) = None;
        /// The name of the protocol that the group has agreed on.
        protocol_name: Option<Str>, [0+] nullable [7+];
        /// The member that computes the assignment.
        leader: Str, [0+];
        /// Whether the leader need not compute an assignment.
        skip_assignment: bool, [9+];
        /// The member's id.
        member_id: Str, [0+];
        /// The members, for the leader of the group only.
        members: Vec<JoinGroupResponseMember>, [0+];
    }

    /// A member, in [`JoinGroupResponse`].
    pub struct JoinGroupResponseMember {
        /// The member's id.
        member_id: Str, [0+];
        /// The name of a static member, or null.
        group_instance_id: Option<Str>, [5+] nullable [5+] (ignorable) = None;
        /// What the member said about itself in the chosen protocol.
        metadata: Bytes, [0+];
    }

    /// Hands in or waits for the assignment of a classic group.
    pub struct SyncGroupRequest {
        /// The group.
        group_id: Str, [0+];
        /// The generation of the group.
        generation_id: i32, [0+];
        /// The member's id.
        member_id: Str, [0+];
        /// The name of a static member, or null.
        group_instance_id: Option<Str>, [3+] nullable [3+] = None;
        /// The type of protocol, such as `consumer`.
        protocol_type: Option<Str>, [5+] nullable [5+] (ignorable) = None;
        /// The name of the protocol that the group has agreed on.
        protocol_name: Option<Str>, [5+] nullable [5+] (ignorable) = None;
        /// What each member gets, from the leader of the group only.
        assignments: Vec<SyncGroupRequestAssignment>, [0+];
    }

    /// What one member gets, in [`SyncGroupRequest`].
    pub struct SyncGroupRequestAssignment {
        /// The member's id.
        member_id: Str, [0+];
        /// What the member gets.
        assignment: Bytes, [0+];
    }

    /// The member's assignment.
    pub struct SyncGroupResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [1+] (ignorable);
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The type of protocol, such as `consumer`.
        protocol_type: Option<Str>, [5+] nullable [5+] (ignorable) = None;
        /// The name of the protocol that the group has agreed on.
        protocol_name: Option<Str>, [5+] nullable [5+] (ignorable) = None;
        /// What this member gets.
        assignment: Bytes, [0+];
    }

    /// Says that a member of a classic group is alive.
    pub struct HeartbeatRequest {
        /// The group.
        group_id: Str, [0+];
        /// The generation of the group.
        generation_id: i32, [0+];
        /// The member's id.
        member_id: Str, [0+];
        /// The name of a static member, or null.
        group_instance_id: Option<Str>, [3+] nullable [3+] = None;
    }

    /// Whether the group goes on as it is.
    pub struct HeartbeatResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [1+] (ignorable);
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
    }

    /// Takes members out of a classic group.
    pub struct LeaveGroupRequest {
        /// The group.
        group_id: Str, [0+];
        /// The member's id.
        member_id: Str, [0-2];
        /// The members.
        members: Vec<MemberIdentity>, [3+];
    }

    /// A member, in [`LeaveGroupRequest`].
    pub struct MemberIdentity {
        /// The member's id.
        member_id: Str, [3+];
        /// The name of a static member, or null.
        group_instance_id: Option<Str>, [3+] nullable [3+] = None;
        /// Why, in words.
        reason: Option<Str>, [5+] nullable [5+] (ignorable) = None;
    }

    /// What became of each member.
    pub struct LeaveGroupResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [1+] (ignorable);
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The members.
        members: Vec<MemberResponse>, [3+];
    }

    /// A member, in [`LeaveGroupResponse`].
    pub struct MemberResponse {
        /// The member's id.
        member_id: Str, [3+];
        /// The name of a static member, or null.
        group_instance_id: Option<Str>, [3+] nullable [3+];
        /// What went wrong; 0 for success.
        error_code: i16, [3+];
    }
}
