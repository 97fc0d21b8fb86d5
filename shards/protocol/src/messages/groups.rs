//! TODO

use crate::Str;
use crate::table::{first, present, tables, versions};
use bytes::Bytes;

tables! {
    /// TODO FindCoordinatorRequest
    pub struct FindCoordinatorRequest {
        /// TODO key
        key: Str, [0-3];
        /// TODO key_type
        key_type: i8, [1+];
        /// TODO coordinator_keys
        coordinator_keys: Vec<Str>, [4+];
    }

    /// TODO FindCoordinatorResponse
    pub struct FindCoordinatorResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [1+] (ignorable);
        /// TODO error_code
        error_code: i16, [0-3];
        /// TODO error_message
        error_message: Option<Str>, [1-3] nullable [1-3] (ignorable);
        /// TODO node_id
        node_id: i32, [0-3];
        /// TODO host
        host: Str, [0-3];
        /// TODO port
        port: i32, [0-3];
        /// TODO coordinators
        coordinators: Vec<Coordinator>, [4+];
    }

    /// TODO Coordinator
    pub struct Coordinator {
        /// TODO key
        key: Str, [4+];
        /// TODO node_id
        node_id: i32, [4+];
        /// TODO host
        host: Str, [4+];
        /// TODO port
        port: i32, [4+];
        /// TODO error_code
        error_code: i16, [4+];
        /// TODO error_message
        error_message: Option<Str>, [4+] nullable [4+] (ignorable);
    }

    /// TODO DescribeGroupsRequest
    pub struct DescribeGroupsRequest {
        /// TODO groups
        groups: Vec<Str>, [0+];
        /// TODO include_authorized_operations
        include_authorized_operations: bool, [3+];
    }

    /// TODO DescribeGroupsResponse
    pub struct DescribeGroupsResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [1+] (ignorable);
        /// TODO groups
        groups: Vec<DescribedGroup>, [0+];
    }

    /// TODO DescribedGroup
    pub struct DescribedGroup {
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO error_message
        error_message: Option<Str>, [6+] nullable [6+] = None;
        /// TODO group_id
        group_id: Str, [0+];
        /// TODO group_state
        group_state: Str, [0+];
        /// TODO protocol_type
        protocol_type: Str, [0+];
        /// TODO protocol_data
        protocol_data: Str, [0+];
        /// TODO members
        members: Vec<DescribedGroupMember>, [0+];
        /// TODO authorized_operations
        authorized_operations: i32, [3+] = i32::MIN;
    }

    /// TODO DescribedGroupMember
    pub struct DescribedGroupMember {
        /// TODO member_id
        member_id: Str, [0+];
        /// TODO group_instance_id
        group_instance_id: Option<Str>, [4+] nullable [4+] (ignorable) = None;
        /// TODO client_id
        client_id: Str, [0+];
        /// TODO client_host
        client_host: Str, [0+];
        /// TODO member_metadata
        member_metadata: Bytes, [0+];
        /// TODO member_assignment
        member_assignment: Bytes, [0+];
    }

    /// TODO ListGroupsRequest
    pub struct ListGroupsRequest {
        /// TODO states_filter
        states_filter: Vec<Str>, [4+];
        /// TODO types_filter
        types_filter: Vec<Str>, [5+];
    }

    /// TODO ListGroupsResponse
    pub struct ListGroupsResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [1+] (ignorable);
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO groups
        groups: Vec<ListedGroup>, [0+];
    }

    /// TODO ListedGroup
    pub struct ListedGroup {
        /// TODO group_id
        group_id: Str, [0+];
        /// TODO protocol_type
        protocol_type: Str, [0+];
        /// TODO group_state
        group_state: Str, [4+] (ignorable);
        /// TODO group_type
        group_type: Str, [5+] (ignorable);
    }

    /// TODO DeleteGroupsRequest
    pub struct DeleteGroupsRequest {
        /// TODO groups_names
        groups_names: Vec<Str>, [0+];
    }

    /// TODO DeleteGroupsResponse
    pub struct DeleteGroupsResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [0+];
        /// TODO results
        results: Vec<DeletableGroupResult>, [0+];
    }

    /// TODO DeletableGroupResult
    pub struct DeletableGroupResult {
        /// TODO group_id
        group_id: Str, [0+];
        /// TODO error_code
        error_code: i16, [0+];
    }
}
