//! TODO

use crate::Str;
use crate::table::{first, present, tables, versions};
use bytes::Bytes;

tables! {
    /// TODO JoinGroupRequest
    pub struct JoinGroupRequest {
        /// TODO group_id
        group_id: Str, [0+];
        /// TODO session_timeout_ms
        session_timeout_ms: i32, [0+];
        /// TODO rebalance_timeout_ms
        rebalance_timeout_ms: i32, [1+] (ignorable) = -1;
        /// TODO member_id
        member_id: Str, [0+];
        /// TODO group_instance_id
        group_instance_id: Option<Str>, [5+] nullable [5+] = None;
        /// TODO protocol_type
        protocol_type: Str, [0+];
        /// TODO protocols
        protocols: Vec<JoinGroupRequestProtocol>, [0+];
        /// TODO reason
        reason: Option<Str>, [8+] nullable [8+] (ignorable) = None;
    }

    /// TODO JoinGroupRequestProtocol
    pub struct JoinGroupRequestProtocol {
        /// TODO name
        name: Str, [0+];
        /// TODO metadata
        metadata: Bytes, [0+];
    }

    /// TODO JoinGroupResponse
    pub struct JoinGroupResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [2+] (ignorable);
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO generation_id
        generation_id: i32, [0+] = -1;
        /// TODO protocol_type
        protocol_type: Option<Str>, [7+] nullable [7+] (ignorable) = None;
        /// TODO protocol_name
        protocol_name: Option<Str>, [0+] nullable [7+];
        /// TODO leader
        leader: Str, [0+];
        /// TODO skip_assignment
        skip_assignment: bool, [9+];
        /// TODO member_id
        member_id: Str, [0+];
        /// TODO members
        members: Vec<JoinGroupResponseMember>, [0+];
    }

    /// TODO JoinGroupResponseMember
    pub struct JoinGroupResponseMember {
        /// TODO member_id
        member_id: Str, [0+];
        /// TODO group_instance_id
        group_instance_id: Option<Str>, [5+] nullable [5+] (ignorable) = None;
        /// TODO metadata
        metadata: Bytes, [0+];
    }

    /// TODO SyncGroupRequest
    pub struct SyncGroupRequest {
        /// TODO group_id
        group_id: Str, [0+];
        /// TODO generation_id
        generation_id: i32, [0+];
        /// TODO member_id
        member_id: Str, [0+];
        /// TODO group_instance_id
        group_instance_id: Option<Str>, [3+] nullable [3+] = None;
        /// TODO protocol_type
        protocol_type: Option<Str>, [5+] nullable [5+] (ignorable) = None;
        /// TODO protocol_name
        protocol_name: Option<Str>, [5+] nullable [5+] (ignorable) = None;
        /// TODO assignments
        assignments: Vec<SyncGroupRequestAssignment>, [0+];
    }

    /// TODO SyncGroupRequestAssignment
    pub struct SyncGroupRequestAssignment {
        /// TODO member_id
        member_id: Str, [0+];
        /// TODO assignment
        assignment: Bytes, [0+];
    }

    /// TODO SyncGroupResponse
    pub struct SyncGroupResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [1+] (ignorable);
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO protocol_type
        protocol_type: Option<Str>, [5+] nullable [5+] (ignorable) = None;
        /// TODO protocol_name
        protocol_name: Option<Str>, [5+] nullable [5+] (ignorable) = None;
        /// TODO assignment
        assignment: Bytes, [0+];
    }

    /// TODO HeartbeatRequest
    pub struct HeartbeatRequest {
        /// TODO group_id
        group_id: Str, [0+];
        /// TODO generation_id
        generation_id: i32, [0+];
        /// TODO member_id
        member_id: Str, [0+];
        /// TODO group_instance_id
        group_instance_id: Option<Str>, [3+] nullable [3+] = None;
    }

    /// TODO HeartbeatResponse
    pub struct HeartbeatResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [1+] (ignorable);
        /// TODO error_code
        error_code: i16, [0+];
    }

    /// TODO LeaveGroupRequest
    pub struct LeaveGroupRequest {
        /// TODO group_id
        group_id: Str, [0+];
        /// TODO member_id
        member_id: Str, [0-2];
        /// TODO members
        members: Vec<MemberIdentity>, [3+];
    }

    /// TODO MemberIdentity
    pub struct MemberIdentity {
        /// TODO member_id
        member_id: Str, [3+];
        /// TODO group_instance_id
        group_instance_id: Option<Str>, [3+] nullable [3+] = None;
        /// TODO reason
        reason: Option<Str>, [5+] nullable [5+] (ignorable) = None;
    }

    /// TODO LeaveGroupResponse
    pub struct LeaveGroupResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [1+] (ignorable);
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO members
        members: Vec<MemberResponse>, [3+];
    }

    /// TODO MemberResponse
    pub struct MemberResponse {
        /// TODO member_id
        member_id: Str, [3+];
        /// TODO group_instance_id
        group_instance_id: Option<Str>, [3+] nullable [3+];
        /// TODO error_code
        error_code: i16, [3+];
    }
}
