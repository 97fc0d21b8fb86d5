//! Streams groups (KIP-1071).

use crate::Str;
use crate::table::{first, present, tables, versions};

tables! {
    /// Joins, keeps up or leaves a streams group (KIP-1071).
    pub struct StreamsGroupHeartbeatRequest {
        /// The group.
        group_id: Str, [0+];
        /// The member's id.
        member_id: Str, [0+];
        /// The member's epoch; 0 to join, -1 to leave, -2 for a static member that comes back.
        member_epoch: i32, [0+];
        /// Counts the changes of `partitions_by_user_endpoint`.
        endpoint_information_epoch: i32, [0+];
        /// The name of a static member, or null.
        instance_id: Option<Str>, [0+] nullable [0+] = None;
        /// The rack of the client.
        rack_id: Option<Str>, [0+] nullable [0+] = None;
        /// How long the member may take to give up tasks, in milliseconds; -1 if nothing has changed.
        rebalance_timeout_ms: i32, [0+] = -1;
        /// The shape of the application; null if it has not changed.
        topology: Option<StreamsGroupHeartbeatTopology>, [0+] nullable [0+] = None;
        /// The tasks that the member processes; null if nothing has changed.
        active_tasks: Option<Vec<StreamsGroupHeartbeatRequestTaskIds>>, [0+] nullable [0+] = None;
        /// The tasks whose state the member keeps ready; null if nothing has changed.
        standby_tasks: Option<Vec<StreamsGroupHeartbeatRequestTaskIds>>, [0+] nullable [0+] = None;
        /// The tasks whose state the member is building up; null if nothing has changed.
        warmup_tasks: Option<Vec<StreamsGroupHeartbeatRequestTaskIds>>, [0+] nullable [0+] = None;
        /// The instance of the application that the member runs in.
        process_id: Option<Str>, [0+] nullable [0+] = None;
        /// Where interactive queries to the member go, or null.
        user_endpoint: Option<StreamsGroupHeartbeatRequestEndpoint>, [0+] nullable [0+] = None;
        /// Labels by which stand-by tasks are spread.
        client_tags: Option<Vec<StreamsGroupHeartbeatKeyValue>>, [0+] nullable [0+] = None;
        /// How far each task's state has got.
        task_offsets: Option<Vec<StreamsGroupHeartbeatTaskOffset>>, [0+] nullable [0+] = None;
        /// The end of each task's changelog.
        task_end_offsets: Option<Vec<StreamsGroupHeartbeatTaskOffset>>, [0+] nullable [0+] = None;
        /// Whether all instances of the application are to stop.
        shutdown_application: bool, [0+];
    }

    /// The shape of a streams application, in [`StreamsGroupHeartbeatRequest`].
    pub struct StreamsGroupHeartbeatTopology {
        /// The leader epoch.
        epoch: i32, [0+];
        /// The parts of the application that are connected within.
        subtopologies: Vec<StreamsGroupHeartbeatSubtopology>, [0+];
    }

    /// A part of a streams application, in [`StreamsGroupHeartbeatRequest`].
    pub struct StreamsGroupHeartbeatSubtopology {
        /// The subtopology.
        subtopology_id: Str, [0+];
        /// The topics that the subtopology reads.
        source_topics: Vec<Str>, [0+];
        /// Patterns of the topics that the subtopology reads.
        source_topic_regex: Vec<Str>, [0+];
        /// The topics that keep the state of the subtopology.
        state_changelog_topics: Vec<StreamsGroupHeartbeatTopicInfo>, [0+];
        /// The repartition topics that the subtopology writes.
        repartition_sink_topics: Vec<Str>, [0+];
        /// The repartition topics that the subtopology reads.
        repartition_source_topics: Vec<StreamsGroupHeartbeatTopicInfo>, [0+];
        /// Sets of topics whose partitions go together.
        copartition_groups: Vec<CopartitionGroup>, [0+];
    }

    /// Topics whose partitions go together, in [`StreamsGroupHeartbeatRequest`].
    pub struct CopartitionGroup {
        /// Places of the topics in `source_topics` of the subtopology.
        source_topics: Vec<i16>, [0+];
        /// Places of the patterns in `source_topic_regex` of the subtopology.
        source_topic_regex: Vec<i16>, [0+];
        /// Places of the topics in `repartition_source_topics` of the subtopology.
        repartition_source_topics: Vec<i16>, [0+];
    }

    /// A name and a value, in [`StreamsGroupHeartbeatRequest`].
    pub struct StreamsGroupHeartbeatKeyValue {
        /// The key.
        key: Str, [0+];
        /// The value, or null.
        value: Str, [0+];
    }

    /// A topic that the application needs, in [`StreamsGroupHeartbeatRequest`].
    pub struct StreamsGroupHeartbeatTopicInfo {
        /// The topic's name.
        name: Str, [0+];
        /// How many partitions the topic has, or 0 if that follows from others.
        partitions: i32, [0+];
        /// How many replicas a partition has; -1 for the default.
        replication_factor: i16, [0+];
        /// The settings that the topic is to have.
        topic_configs: Vec<StreamsGroupHeartbeatKeyValue>, [0+];
    }

    /// An address for interactive queries, in [`StreamsGroupHeartbeatRequest`].
    pub struct StreamsGroupHeartbeatRequestEndpoint {
        /// The host to connect to.
        host: Str, [0+];
        /// The port to connect to.
        port: u16, [0+];
    }

    /// How far a task has got, in [`StreamsGroupHeartbeatRequest`].
    pub struct StreamsGroupHeartbeatTaskOffset {
        /// The subtopology.
        subtopology_id: Str, [0+];
        /// The partition.
        partition: i32, [0+];
        /// The offset.
        offset: i64, [0+];
    }

    /// Tasks of a subtopology, in [`StreamsGroupHeartbeatRequest`].
    pub struct StreamsGroupHeartbeatRequestTaskIds {
        /// The subtopology.
        subtopology_id: Str, [0+];
        /// The partitions.
        partitions: Vec<i32>, [0+];
    }

    /// The member's state and tasks.
    pub struct StreamsGroupHeartbeatResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The same in words, or null.
        error_message: Option<Str>, [0+] nullable [0+] = None;
        /// The member's id.
        member_id: Str, [0+];
        /// The member's epoch.
        member_epoch: i32, [0+];
        /// How often the member has to report, in milliseconds.
        heartbeat_interval_ms: i32, [0+];
        /// How far, in offsets, a warm-up task may be behind before it counts as caught up.
        acceptable_recovery_lag: i32, [0+];
        /// How often the member reports the offsets of its tasks, in milliseconds.
        task_offset_interval_ms: i32, [0+];
        /// What the member should know about the group; null if nothing has changed.
        status: Option<Vec<Status>>, [0+] nullable [0+];
        /// The tasks that the member processes.
        active_tasks: Option<Vec<StreamsGroupHeartbeatResponseTaskIds>>, [0+] nullable [0+] = None;
        /// The tasks whose state the member keeps ready.
        standby_tasks: Option<Vec<StreamsGroupHeartbeatResponseTaskIds>>, [0+] nullable [0+] = None;
        /// The tasks whose state the member is building up.
        warmup_tasks: Option<Vec<StreamsGroupHeartbeatResponseTaskIds>>, [0+] nullable [0+] = None;
        /// Counts the changes of `partitions_by_user_endpoint`.
        endpoint_information_epoch: i32, [0+];
        /// Which partitions can be asked for where.
        partitions_by_user_endpoint: Option<Vec<EndpointToPartitions>>, [0+] nullable [0+] = None;
    }

    /// What can be asked for at an address, in [`StreamsGroupHeartbeatResponse`].
    pub struct EndpointToPartitions {
        /// Where interactive queries to the member go, or null.
        user_endpoint: StreamsGroupHeartbeatResponseEndpoint, [0+];
        /// The partitions of the active tasks there.
        active_partitions: Vec<TopicPartition>, [0+];
        /// The partitions of the stand-by tasks there.
        standby_partitions: Vec<TopicPartition>, [0+];
    }

    /// A condition of the group, in [`StreamsGroupHeartbeatResponse`].
    pub struct Status {
        /// The condition, as a number.
        status_code: i8, [0+];
        /// The condition in words.
        status_detail: Str, [0+];
    }

    /// Partitions of a topic, in [`StreamsGroupHeartbeatResponse`].
    pub struct TopicPartition {
        /// The topic.
        topic: Str, [0+];
        /// The partitions.
        partitions: Vec<i32>, [0+];
    }

    /// Tasks of a subtopology, in [`StreamsGroupHeartbeatResponse`].
    pub struct StreamsGroupHeartbeatResponseTaskIds {
        /// The subtopology.
        subtopology_id: Str, [0+];
        /// The partitions.
        partitions: Vec<i32>, [0+];
    }

    /// An address for interactive queries, in [`StreamsGroupHeartbeatResponse`].
    pub struct StreamsGroupHeartbeatResponseEndpoint {
        /// The host to connect to.
        host: Str, [0+];
        /// The port to connect to.
        port: u16, [0+];
    }

    /// Asks for streams groups and their members.
    pub struct StreamsGroupDescribeRequest {
        /// The groups.
        group_ids: Vec<Str>, [0+];
        /// Whether to tell what the client may do.
        include_authorized_operations: bool, [0+];
    }

    /// The groups and their members.
    pub struct StreamsGroupDescribeResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [0+];
        /// The groups.
        groups: Vec<DescribedGroup>, [0+];
    }

    /// A group, in [`StreamsGroupDescribeResponse`].
    pub struct DescribedGroup {
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The same in words, or null.
        error_message: Option<Str>, [0+] nullable [0+] = None;
        /// The group.
        group_id: Str, [0+];
        /// The state of the group.
        group_state: Str, [0+];
        /// The epoch of the group.
        group_epoch: i32, [0+];
        /// The group epoch for which the assignment was computed.
        assignment_epoch: i32, [0+];
        /// The shape of the application; null if it has not changed.
        topology: Option<StreamsGroupDescribeTopology>, [0+] nullable [0+] = None;
        /// The members.
        members: Vec<Member>, [0+];
        /// A bit for each operation that the client may do; `i32::MIN` if it did not ask.
        authorized_operations: i32, [0+] = i32::MIN;
    }

    /// The shape of a streams application, in [`StreamsGroupDescribeResponse`].
    pub struct StreamsGroupDescribeTopology {
        /// Grows with each change of the topology.
        epoch: i32, [0+];
        /// The parts of the application that are connected within.
        subtopologies: Option<Vec<StreamsGroupDescribeSubtopology>>, [0+] nullable [0+] = None;
    }

    /// A part of a streams application, in [`StreamsGroupDescribeResponse`].
    pub struct StreamsGroupDescribeSubtopology {
        /// The subtopology.
        subtopology_id: Str, [0+];
        /// The topics that the subtopology reads.
        source_topics: Vec<Str>, [0+];
        /// The repartition topics that the subtopology writes.
        repartition_sink_topics: Vec<Str>, [0+];
        /// The topics that keep the state of the subtopology.
        state_changelog_topics: Vec<StreamsGroupDescribeTopicInfo>, [0+];
        /// The repartition topics that the subtopology reads.
        repartition_source_topics: Vec<StreamsGroupDescribeTopicInfo>, [0+];
    }

    /// A member, in [`StreamsGroupDescribeResponse`].
    pub struct Member {
        /// The member's id.
        member_id: Str, [0+];
        /// The member's epoch.
        member_epoch: i32, [0+];
        /// The name of a static member, or null.
        instance_id: Option<Str>, [0+] nullable [0+] = None;
        /// The rack of the client.
        rack_id: Option<Str>, [0+] nullable [0+] = None;
        /// How the client calls itself.
        client_id: Str, [0+];
        /// The address that the client connects from.
        client_host: Str, [0+];
        /// Grows with each change of the topology.
        topology_epoch: i32, [0+];
        /// The instance of the application that the member runs in.
        process_id: Str, [0+];
        /// Where interactive queries to the member go, or null.
        user_endpoint: Option<StreamsGroupDescribeEndpoint>, [0+] nullable [0+] = None;
        /// Labels by which stand-by tasks are spread.
        client_tags: Vec<StreamsGroupDescribeKeyValue>, [0+];
        /// How far each task's state has got.
        task_offsets: Vec<StreamsGroupDescribeTaskOffset>, [0+];
        /// The end of each task's changelog.
        task_end_offsets: Vec<StreamsGroupDescribeTaskOffset>, [0+];
        /// What is assigned to the member.
        assignment: Assignment, [0+];
        /// What the member is meant to have in the end.
        target_assignment: Assignment, [0+];
        /// Whether the member still uses the classic protocol.
        is_classic: bool, [0+];
    }

    /// An address for interactive queries, in [`StreamsGroupDescribeResponse`].
    pub struct StreamsGroupDescribeEndpoint {
        /// The host to connect to.
        host: Str, [0+];
        /// The port to connect to.
        port: u16, [0+];
    }

    /// How far a task has got, in [`StreamsGroupDescribeResponse`].
    pub struct StreamsGroupDescribeTaskOffset {
        /// The subtopology.
        subtopology_id: Str, [0+];
        /// The partition.
        partition: i32, [0+];
        /// The offset.
        offset: i64, [0+];
    }

    /// What a member holds, in [`StreamsGroupDescribeResponse`].
    pub struct Assignment {
        /// The tasks that the member processes.
        active_tasks: Vec<StreamsGroupDescribeTaskIds>, [0+];
        /// The tasks whose state the member keeps ready.
        standby_tasks: Vec<StreamsGroupDescribeTaskIds>, [0+];
        /// The tasks whose state the member is building up.
        warmup_tasks: Vec<StreamsGroupDescribeTaskIds>, [0+];
    }

    /// Tasks of a subtopology, in [`StreamsGroupDescribeResponse`].
    pub struct StreamsGroupDescribeTaskIds {
        /// The subtopology.
        subtopology_id: Str, [0+];
        /// The partitions.
        partitions: Vec<i32>, [0+];
    }

    /// A name and a value, in [`StreamsGroupDescribeResponse`].
    pub struct StreamsGroupDescribeKeyValue {
        /// The key.
        key: Str, [0+];
        /// The value, or null.
        value: Str, [0+];
    }

    /// A topic that the application needs, in [`StreamsGroupDescribeResponse`].
    pub struct StreamsGroupDescribeTopicInfo {
        /// The topic's name.
        name: Str, [0+];
        /// How many partitions the topic has, or 0 if that follows from others.
        partitions: i32, [0+];
        /// How many replicas a partition has; -1 for the default.
        replication_factor: i16, [0+];
        /// The settings that the topic is to have.
        topic_configs: Vec<StreamsGroupDescribeKeyValue>, [0+];
    }
}
