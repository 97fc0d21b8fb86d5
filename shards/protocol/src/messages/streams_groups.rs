//! TODO

use crate::Str;
use crate::table::{first, present, tables, versions};

tables! {
    /// TODO StreamsGroupHeartbeatRequest
    pub struct StreamsGroupHeartbeatRequest {
        /// TODO group_id
        group_id: Str, [0+];
        /// TODO member_id
        member_id: Str, [0+];
        /// TODO member_epoch
        member_epoch: i32, [0+];
        /// TODO endpoint_information_epoch
        endpoint_information_epoch: i32, [0+];
        /// TODO instance_id
        instance_id: Option<Str>, [0+] nullable [0+] = None;
        /// TODO rack_id
        rack_id: Option<Str>, [0+] nullable [0+] = None;
        /// TODO rebalance_timeout_ms
        rebalance_timeout_ms: i32, [0+] = -1;
        /// TODO topology
        topology: Option<StreamsGroupHeartbeatTopology>, [0+] nullable [0+] = None;
        /// TODO active_tasks
        active_tasks: Option<Vec<StreamsGroupHeartbeatRequestTaskIds>>, [0+] nullable [0+] = None;
        /// TODO standby_tasks
        standby_tasks: Option<Vec<StreamsGroupHeartbeatRequestTaskIds>>, [0+] nullable [0+] = None;
        /// TODO warmup_tasks
        warmup_tasks: Option<Vec<StreamsGroupHeartbeatRequestTaskIds>>, [0+] nullable [0+] = None;
        /// TODO process_id
        process_id: Option<Str>, [0+] nullable [0+] = None;
        /// TODO user_endpoint
        user_endpoint: Option<StreamsGroupHeartbeatRequestEndpoint>, [0+] nullable [0+] = None;
        /// TODO client_tags
        client_tags: Option<Vec<StreamsGroupHeartbeatKeyValue>>, [0+] nullable [0+] = None;
        /// TODO task_offsets
        task_offsets: Option<Vec<StreamsGroupHeartbeatTaskOffset>>, [0+] nullable [0+] = None;
        /// TODO task_end_offsets
        task_end_offsets: Option<Vec<StreamsGroupHeartbeatTaskOffset>>, [0+] nullable [0+] = None;
        /// TODO shutdown_application
        shutdown_application: bool, [0+];
    }

    /// TODO StreamsGroupHeartbeatTopology
    pub struct StreamsGroupHeartbeatTopology {
        /// TODO epoch
        epoch: i32, [0+];
        /// TODO subtopologies
        subtopologies: Vec<StreamsGroupHeartbeatSubtopology>, [0+];
    }

    /// TODO StreamsGroupHeartbeatSubtopology
    pub struct StreamsGroupHeartbeatSubtopology {
        /// TODO subtopology_id
        subtopology_id: Str, [0+];
        /// TODO source_topics
        source_topics: Vec<Str>, [0+];
        /// TODO source_topic_regex
        source_topic_regex: Vec<Str>, [0+];
        /// TODO state_changelog_topics
        state_changelog_topics: Vec<StreamsGroupHeartbeatTopicInfo>, [0+];
        /// TODO repartition_sink_topics
        repartition_sink_topics: Vec<Str>, [0+];
        /// TODO repartition_source_topics
        repartition_source_topics: Vec<StreamsGroupHeartbeatTopicInfo>, [0+];
        /// TODO copartition_groups
        copartition_groups: Vec<CopartitionGroup>, [0+];
    }

    /// TODO CopartitionGroup
    pub struct CopartitionGroup {
        /// TODO source_topics
        source_topics: Vec<i16>, [0+];
        /// TODO source_topic_regex
        source_topic_regex: Vec<i16>, [0+];
        /// TODO repartition_source_topics
        repartition_source_topics: Vec<i16>, [0+];
    }

    /// TODO StreamsGroupHeartbeatKeyValue
    pub struct StreamsGroupHeartbeatKeyValue {
        /// TODO key
        key: Str, [0+];
        /// TODO value
        value: Str, [0+];
    }

    /// TODO StreamsGroupHeartbeatTopicInfo
    pub struct StreamsGroupHeartbeatTopicInfo {
        /// TODO name
        name: Str, [0+];
        /// TODO partitions
        partitions: i32, [0+];
        /// TODO replication_factor
        replication_factor: i16, [0+];
        /// TODO topic_configs
        topic_configs: Vec<StreamsGroupHeartbeatKeyValue>, [0+];
    }

    /// TODO StreamsGroupHeartbeatRequestEndpoint
    pub struct StreamsGroupHeartbeatRequestEndpoint {
        /// TODO host
        host: Str, [0+];
        /// TODO port
        port: u16, [0+];
    }

    /// TODO StreamsGroupHeartbeatTaskOffset
    pub struct StreamsGroupHeartbeatTaskOffset {
        /// TODO subtopology_id
        subtopology_id: Str, [0+];
        /// TODO partition
        partition: i32, [0+];
        /// TODO offset
        offset: i64, [0+];
    }

    /// TODO StreamsGroupHeartbeatRequestTaskIds
    pub struct StreamsGroupHeartbeatRequestTaskIds {
        /// TODO subtopology_id
        subtopology_id: Str, [0+];
        /// TODO partitions
        partitions: Vec<i32>, [0+];
    }

    /// TODO StreamsGroupHeartbeatResponse
    pub struct StreamsGroupHeartbeatResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [0+];
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO error_message
        error_message: Option<Str>, [0+] nullable [0+] = None;
        /// TODO member_id
        member_id: Str, [0+];
        /// TODO member_epoch
        member_epoch: i32, [0+];
        /// TODO heartbeat_interval_ms
        heartbeat_interval_ms: i32, [0+];
        /// TODO acceptable_recovery_lag
        acceptable_recovery_lag: i32, [0+];
        /// TODO task_offset_interval_ms
        task_offset_interval_ms: i32, [0+];
        /// TODO status
        status: Option<Vec<Status>>, [0+] nullable [0+];
        /// TODO active_tasks
        active_tasks: Option<Vec<StreamsGroupHeartbeatResponseTaskIds>>, [0+] nullable [0+] = None;
        /// TODO standby_tasks
        standby_tasks: Option<Vec<StreamsGroupHeartbeatResponseTaskIds>>, [0+] nullable [0+] = None;
        /// TODO warmup_tasks
        warmup_tasks: Option<Vec<StreamsGroupHeartbeatResponseTaskIds>>, [0+] nullable [0+] = None;
        /// TODO endpoint_information_epoch
        endpoint_information_epoch: i32, [0+];
        /// TODO partitions_by_user_endpoint
        partitions_by_user_endpoint: Option<Vec<EndpointToPartitions>>, [0+] nullable [0+] = None;
    }

    /// TODO EndpointToPartitions
    pub struct EndpointToPartitions {
        /// TODO user_endpoint
        user_endpoint: StreamsGroupHeartbeatResponseEndpoint, [0+];
        /// TODO active_partitions
        active_partitions: Vec<TopicPartition>, [0+];
        /// TODO standby_partitions
        standby_partitions: Vec<TopicPartition>, [0+];
    }

    /// TODO Status
    pub struct Status {
        /// TODO status_code
        status_code: i8, [0+];
        /// TODO status_detail
        status_detail: Str, [0+];
    }

    /// TODO TopicPartition
    pub struct TopicPartition {
        /// TODO topic
        topic: Str, [0+];
        /// TODO partitions
        partitions: Vec<i32>, [0+];
    }

    /// TODO StreamsGroupHeartbeatResponseTaskIds
    pub struct StreamsGroupHeartbeatResponseTaskIds {
        /// TODO subtopology_id
        subtopology_id: Str, [0+];
        /// TODO partitions
        partitions: Vec<i32>, [0+];
    }

    /// TODO StreamsGroupHeartbeatResponseEndpoint
    pub struct StreamsGroupHeartbeatResponseEndpoint {
        /// TODO host
        host: Str, [0+];
        /// TODO port
        port: u16, [0+];
    }

    /// TODO StreamsGroupDescribeRequest
    pub struct StreamsGroupDescribeRequest {
        /// TODO group_ids
        group_ids: Vec<Str>, [0+];
        /// TODO include_authorized_operations
        include_authorized_operations: bool, [0+];
    }

    /// TODO StreamsGroupDescribeResponse
    pub struct StreamsGroupDescribeResponse {
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
        /// TODO topology
        topology: Option<StreamsGroupDescribeTopology>, [0+] nullable [0+] = None;
        /// TODO members
        members: Vec<Member>, [0+];
        /// TODO authorized_operations
        authorized_operations: i32, [0+] = i32::MIN;
    }

    /// TODO StreamsGroupDescribeTopology
    pub struct StreamsGroupDescribeTopology {
        /// TODO epoch
        epoch: i32, [0+];
        /// TODO subtopologies
        subtopologies: Option<Vec<StreamsGroupDescribeSubtopology>>, [0+] nullable [0+] = None;
    }

    /// TODO StreamsGroupDescribeSubtopology
    pub struct StreamsGroupDescribeSubtopology {
        /// TODO subtopology_id
        subtopology_id: Str, [0+];
        /// TODO source_topics
        source_topics: Vec<Str>, [0+];
        /// TODO repartition_sink_topics
        repartition_sink_topics: Vec<Str>, [0+];
        /// TODO state_changelog_topics
        state_changelog_topics: Vec<StreamsGroupDescribeTopicInfo>, [0+];
        /// TODO repartition_source_topics
        repartition_source_topics: Vec<StreamsGroupDescribeTopicInfo>, [0+];
    }

    /// TODO Member
    pub struct Member {
        /// TODO member_id
        member_id: Str, [0+];
        /// TODO member_epoch
        member_epoch: i32, [0+];
        /// TODO instance_id
        instance_id: Option<Str>, [0+] nullable [0+] = None;
        /// TODO rack_id
        rack_id: Option<Str>, [0+] nullable [0+] = None;
        /// TODO client_id
        client_id: Str, [0+];
        /// TODO client_host
        client_host: Str, [0+];
        /// TODO topology_epoch
        topology_epoch: i32, [0+];
        /// TODO process_id
        process_id: Str, [0+];
        /// TODO user_endpoint
        user_endpoint: Option<StreamsGroupDescribeEndpoint>, [0+] nullable [0+] = None;
        /// TODO client_tags
        client_tags: Vec<StreamsGroupDescribeKeyValue>, [0+];
        /// TODO task_offsets
        task_offsets: Vec<StreamsGroupDescribeTaskOffset>, [0+];
        /// TODO task_end_offsets
        task_end_offsets: Vec<StreamsGroupDescribeTaskOffset>, [0+];
        /// TODO assignment
        assignment: Assignment, [0+];
        /// TODO target_assignment
        target_assignment: Assignment, [0+];
        /// TODO is_classic
        is_classic: bool, [0+];
    }

    /// TODO StreamsGroupDescribeEndpoint
    pub struct StreamsGroupDescribeEndpoint {
        /// TODO host
        host: Str, [0+];
        /// TODO port
        port: u16, [0+];
    }

    /// TODO StreamsGroupDescribeTaskOffset
    pub struct StreamsGroupDescribeTaskOffset {
        /// TODO subtopology_id
        subtopology_id: Str, [0+];
        /// TODO partition
        partition: i32, [0+];
        /// TODO offset
        offset: i64, [0+];
    }

    /// TODO Assignment
    pub struct Assignment {
        /// TODO active_tasks
        active_tasks: Vec<StreamsGroupDescribeTaskIds>, [0+];
        /// TODO standby_tasks
        standby_tasks: Vec<StreamsGroupDescribeTaskIds>, [0+];
        /// TODO warmup_tasks
        warmup_tasks: Vec<StreamsGroupDescribeTaskIds>, [0+];
    }

    /// TODO StreamsGroupDescribeTaskIds
    pub struct StreamsGroupDescribeTaskIds {
        /// TODO subtopology_id
        subtopology_id: Str, [0+];
        /// TODO partitions
        partitions: Vec<i32>, [0+];
    }

    /// TODO StreamsGroupDescribeKeyValue
    pub struct StreamsGroupDescribeKeyValue {
        /// TODO key
        key: Str, [0+];
        /// TODO value
        value: Str, [0+];
    }

    /// TODO StreamsGroupDescribeTopicInfo
    pub struct StreamsGroupDescribeTopicInfo {
        /// TODO name
        name: Str, [0+];
        /// TODO partitions
        partitions: i32, [0+];
        /// TODO replication_factor
        replication_factor: i16, [0+];
        /// TODO topic_configs
        topic_configs: Vec<StreamsGroupDescribeKeyValue>, [0+];
    }
}
