//! TODO

use crate::Str;
use crate::table::{first, present, tables, versions};
use types::Uuid;

tables! {
    /// TODO ShareGroupHeartbeatRequest
    pub struct ShareGroupHeartbeatRequest {
        /// TODO group_id
        group_id: Str, [0+];
        /// TODO member_id
        member_id: Str, [0+];
        /// TODO member_epoch
        member_epoch: i32, [0+];
        /// TODO rack_id
        rack_id: Option<Str>, [0+] nullable [0+] = None;
        /// TODO subscribed_topic_names
        subscribed_topic_names: Option<Vec<Str>>, [0+] nullable [0+] = None;
    }

    /// TODO ShareGroupHeartbeatResponse
    pub struct ShareGroupHeartbeatResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [0+];
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO error_message
        error_message: Option<Str>, [0+] nullable [0+] = None;
        /// TODO member_id
        member_id: Option<Str>, [0+] nullable [0+] = None;
        /// TODO member_epoch
        member_epoch: i32, [0+];
        /// TODO heartbeat_interval_ms
        heartbeat_interval_ms: i32, [0+];
        /// TODO assignment
        assignment: Option<ShareGroupHeartbeatAssignment>, [0+] nullable [0+] = None;
    }

    /// TODO ShareGroupHeartbeatAssignment
    pub struct ShareGroupHeartbeatAssignment {
        /// TODO topic_partitions
        topic_partitions: Vec<ShareGroupHeartbeatTopicPartitions>, [0+];
    }

    /// TODO ShareGroupHeartbeatTopicPartitions
    pub struct ShareGroupHeartbeatTopicPartitions {
        /// TODO topic_id
        topic_id: Uuid, [0+];
        /// TODO partitions
        partitions: Vec<i32>, [0+];
    }

    /// TODO ShareGroupDescribeRequest
    pub struct ShareGroupDescribeRequest {
        /// TODO group_ids
        group_ids: Vec<Str>, [0+];
        /// TODO include_authorized_operations
        include_authorized_operations: bool, [0+];
    }

    /// TODO ShareGroupDescribeResponse
    pub struct ShareGroupDescribeResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [0+];
        /// TODO groups
        groups: Vec<DescribedGroup>, [0+];
    }

    /// TODO DescribedGroup
    pub struct DescribedGroup {
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO error_message
        error_message: Option<Str>, [0+] nullable [0+] = None;
        /// TODO group_id
        group_id: Str, [0+];
        /// TODO group_state
        group_state: Str, [0+];
        /// TODO group_epoch
        group_epoch: i32, [0+];
        /// TODO assignment_epoch
        assignment_epoch: i32, [0+];
        /// TODO assignor_name
        assignor_name: Str, [0+];
        /// TODO members
        members: Vec<Member>, [0+];
        /// TODO authorized_operations
        authorized_operations: i32, [0+] = i32::MIN;
    }

    /// TODO Member
    pub struct Member {
        /// TODO member_id
        member_id: Str, [0+];
        /// TODO rack_id
        rack_id: Option<Str>, [0+] nullable [0+] = None;
        /// TODO member_epoch
        member_epoch: i32, [0+];
        /// TODO client_id
        client_id: Str, [0+];
        /// TODO client_host
        client_host: Str, [0+];
        /// TODO subscribed_topic_names
        subscribed_topic_names: Vec<Str>, [0+];
        /// TODO assignment
        assignment: ShareGroupDescribeAssignment, [0+];
    }

    /// TODO ShareGroupDescribeTopicPartitions
    pub struct ShareGroupDescribeTopicPartitions {
        /// TODO topic_id
        topic_id: Uuid, [0+];
        /// TODO topic_name
        topic_name: Str, [0+];
        /// TODO partitions
        partitions: Vec<i32>, [0+];
    }

    /// TODO ShareGroupDescribeAssignment
    pub struct ShareGroupDescribeAssignment {
        /// TODO topic_partitions
        topic_partitions: Vec<ShareGroupDescribeTopicPartitions>, [0+];
    }
}
