//! TODO

use crate::Str;
use crate::table::{first, present, tables, versions};
use types::Uuid;

tables! {
    /// TODO ConsumerGroupHeartbeatRequest
    pub struct ConsumerGroupHeartbeatRequest {
        /// TODO group_id
        group_id: Str, [0+];
        /// TODO member_id
        member_id: Str, [0+];
        /// TODO member_epoch
        member_epoch: i32, [0+];
        /// TODO instance_id
        instance_id: Option<Str>, [0+] nullable [0+] = None;
        /// TODO rack_id
        rack_id: Option<Str>, [0+] nullable [0+] = None;
        /// TODO rebalance_timeout_ms
        rebalance_timeout_ms: i32, [0+] = -1;
        /// TODO subscribed_topic_names
        subscribed_topic_names: Option<Vec<Str>>, [0+] nullable [0+] = None;
        /// TODO subscribed_topic_regex
        subscribed_topic_regex: Option<Str>, [1+] nullable [1+] = None;
        /// TODO server_assignor
        server_assignor: Option<Str>, [0+] nullable [0+] = None;
        /// TODO topic_partitions
        topic_partitions: Option<Vec<ConsumerGroupHeartbeatRequestTopicPartitions>>, [0+] nullable [0+] = None;
    }

    /// TODO ConsumerGroupHeartbeatRequestTopicPartitions
    pub struct ConsumerGroupHeartbeatRequestTopicPartitions {
        /// TODO topic_id
        topic_id: Uuid, [0+];
        /// TODO partitions
        partitions: Vec<i32>, [0+];
    }

    /// TODO ConsumerGroupHeartbeatResponse
    pub struct ConsumerGroupHeartbeatResponse {
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
        assignment: Option<ConsumerGroupHeartbeatAssignment>, [0+] nullable [0+] = None;
    }

    /// TODO ConsumerGroupHeartbeatAssignment
    pub struct ConsumerGroupHeartbeatAssignment {
        /// TODO topic_partitions
        topic_partitions: Vec<ConsumerGroupHeartbeatResponseTopicPartitions>, [0+];
    }

    /// TODO ConsumerGroupHeartbeatResponseTopicPartitions
    pub struct ConsumerGroupHeartbeatResponseTopicPartitions {
        /// TODO topic_id
        topic_id: Uuid, [0+];
        /// TODO partitions
        partitions: Vec<i32>, [0+];
    }

    /// TODO ConsumerGroupDescribeRequest
    pub struct ConsumerGroupDescribeRequest {
        /// TODO group_ids
        group_ids: Vec<Str>, [0+];
        /// TODO include_authorized_operations
        include_authorized_operations: bool, [0+];
    }

    /// TODO ConsumerGroupDescribeResponse
    pub struct ConsumerGroupDescribeResponse {
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
        /// TODO instance_id
        instance_id: Option<Str>, [0+] nullable [0+] = None;
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
        /// TODO subscribed_topic_regex
        subscribed_topic_regex: Option<Str>, [0+] nullable [0+] = None;
        /// TODO assignment
        assignment: ConsumerGroupDescribeAssignment, [0+];
        /// TODO target_assignment
        target_assignment: ConsumerGroupDescribeAssignment, [0+];
        /// TODO member_type
        member_type: i8, [1+] (ignorable) = -1;
    }

    /// TODO ConsumerGroupDescribeTopicPartitions
    pub struct ConsumerGroupDescribeTopicPartitions {
        /// TODO topic_id
        topic_id: Uuid, [0+];
        /// TODO topic_name
        topic_name: Str, [0+];
        /// TODO partitions
        partitions: Vec<i32>, [0+];
    }

    /// TODO ConsumerGroupDescribeAssignment
    pub struct ConsumerGroupDescribeAssignment {
        /// TODO topic_partitions
        topic_partitions: Vec<ConsumerGroupDescribeTopicPartitions>, [0+];
    }
}
