//! Consumer groups of the next generation (KIP-848).

use crate::Str;
use crate::table::{first, present, tables, versions};
use types::Uuid;

tables! {
    /// Joins, keeps up or leaves a consumer group (KIP-848).
    pub struct ConsumerGroupHeartbeatRequest {
        /// The group.
        group_id: Str, [0+];
        /// The member's id.
        member_id: Str, [0+];
        /// The member's epoch; 0 to join, -1 to leave, -2 for a static member that comes back.
        member_epoch: i32, [0+];
        /// The name of a static member, or null.
        instance_id: Option<Str>, [0+] nullable [0+] = None;
        /// The rack of the client.
        rack_id: Option<Str>, [0+] nullable [0+] = None;
        /// How long the member may take to give up partitions, in milliseconds; -1 if nothing has changed.
        rebalance_timeout_ms: i32, [0+] = -1;
        /// The topics that the member subscribes to; null if nothing has changed.
        subscribed_topic_names: Option<Vec<Str>>, [0+] nullable [0+] = None;
        /// A pattern of topics that the member subscribes to, or null.
        subscribed_topic_regex: Option<Str>, [1+] nullable [1+] = None;
        /// The name of the assignor that the member prefers, or null.
        server_assignor: Option<Str>, [0+] nullable [0+] = None;
        /// The partitions that the member holds; null if nothing has changed.
        topic_partitions: Option<Vec<ConsumerGroupHeartbeatRequestTopicPartitions>>, [0+] nullable [0+] = None;
    }

    /// Partitions of a topic, in [`ConsumerGroupHeartbeatRequest`].
    pub struct ConsumerGroupHeartbeatRequestTopicPartitions {
        /// The topic's id.
        topic_id: Uuid, [0+];
        /// The partitions.
        partitions: Vec<i32>, [0+];
    }

    /// The member's state and assignment.
    pub struct ConsumerGroupHeartbeatResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The same in words, or null.
        error_message: Option<Str>, [0+] nullable [0+] = None;
        /// The member's id.
        member_id: Option<Str>, [0+] nullable [0+] = None;
        /// The member's epoch.
        member_epoch: i32, [0+];
        /// How often the member has to report, in milliseconds.
        heartbeat_interval_ms: i32, [0+];
        /// What the member shall hold; null if nothing has changed.
        assignment: Option<ConsumerGroupHeartbeatAssignment>, [0+] nullable [0+] = None;
    }

    /// What a member holds, in [`ConsumerGroupHeartbeatResponse`].
    pub struct ConsumerGroupHeartbeatAssignment {
        /// The partitions, by topic.
        topic_partitions: Vec<ConsumerGroupHeartbeatResponseTopicPartitions>, [0+];
    }

    /// Partitions of a topic, in [`ConsumerGroupHeartbeatResponse`].
    pub struct ConsumerGroupHeartbeatResponseTopicPartitions {
        /// The topic's id.
        topic_id: Uuid, [0+];
        /// The partitions.
        partitions: Vec<i32>, [0+];
    }

    /// Asks for consumer groups and their members.
    pub struct ConsumerGroupDescribeRequest {
        /// The groups.
        group_ids: Vec<Str>, [0+];
        /// Whether to tell what the client may do.
        include_authorized_operations: bool, [0+];
    }

    /// The groups and their members.
    pub struct ConsumerGroupDescribeResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [0+];
        /// The groups.
        groups: Vec<DescribedGroup>, [0+];
    }

    /// A group, in [`ConsumerGroupDescribeResponse`].
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
        /// The name of the assignor.
        assignor_name: Str, [0+];
        /// The members.
        members: Vec<Member>, [0+];
        /// A bit for each operation that the client may do; `i32::MIN` if it did not ask.
        authorized_operations: i32, [0+] = i32::MIN;
    }

    /// A member, in [`ConsumerGroupDescribeResponse`].
    pub struct Member {
        /// The member's id.
        member_id: Str, [0+];
        /// The name of a static member, or null.
        instance_id: Option<Str>, [0+] nullable [0+] = None;
        /// The rack of the client.
        rack_id: Option<Str>, [0+] nullable [0+] = None;
        /// The member's epoch.
        member_epoch: i32, [0+];
        /// How the client calls itself.
        client_id: Str, [0+];
        /// The address that the client connects from.
        client_host: Str, [0+];
        /// The topics that the member subscribes to.
        subscribed_topic_names: Vec<Str>, [0+];
        /// A pattern of topics that the member subscribes to, or null.
        subscribed_topic_regex: Option<Str>, [0+] nullable [0+] = None;
        /// What the member holds.
        assignment: ConsumerGroupDescribeAssignment, [0+];
        /// What the member is meant to have in the end.
        target_assignment: ConsumerGroupDescribeAssignment, [0+];
        /// The protocol that the member uses: -1 unknown, 0 classic, 1 consumer.
        member_type: i8, [1+] (ignorable) = -1;
    }

    /// Partitions of a topic, in [`ConsumerGroupDescribeResponse`].
    pub struct ConsumerGroupDescribeTopicPartitions {
        /// The topic's id.
        topic_id: Uuid, [0+];
        /// The topic.
        topic_name: Str, [0+];
        /// The partitions.
        partitions: Vec<i32>, [0+];
    }

    /// What a member holds, in [`ConsumerGroupDescribeResponse`].
    pub struct ConsumerGroupDescribeAssignment {
        /// The partitions, by topic.
        topic_partitions: Vec<ConsumerGroupDescribeTopicPartitions>, [0+];
    }
}
