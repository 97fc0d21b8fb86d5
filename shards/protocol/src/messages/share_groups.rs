//! The members of share groups (KIP-932).

use crate::Str;
use crate::table::{first, present, tables, versions};
use types::Uuid;

tables! {
    /// Joins, keeps up or leaves a share group (KIP-932).
    pub struct ShareGroupHeartbeatRequest {
        /// The group.
        group_id: Str, [0+];
        /// The member's id.
        member_id: Str, [0+];
        /// The member's epoch; 0 to join, -1 to leave.
        member_epoch: i32, [0+];
        /// The rack of the client.
        rack_id: Option<Str>, [0+] nullable [0+] = None;
        /// The topics that the member subscribes to; null if nothing has changed.
        subscribed_topic_names: Option<Vec<Str>>, [0+] nullable [0+] = None;
    }

    /// The member's state and assignment.
    pub struct ShareGroupHeartbeatResponse {
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
        assignment: Option<ShareGroupHeartbeatAssignment>, [0+] nullable [0+] = None;
    }

    /// What a member holds, in [`ShareGroupHeartbeatResponse`].
    pub struct ShareGroupHeartbeatAssignment {
        /// The partitions, by topic.
        topic_partitions: Vec<ShareGroupHeartbeatTopicPartitions>, [0+];
    }

    /// Partitions of a topic, in [`ShareGroupHeartbeatResponse`].
    pub struct ShareGroupHeartbeatTopicPartitions {
        /// The topic's id.
        topic_id: Uuid, [0+];
        /// The partitions.
        partitions: Vec<i32>, [0+];
    }

    /// Asks for share groups and their members.
    pub struct ShareGroupDescribeRequest {
        /// The groups.
        group_ids: Vec<Str>, [0+];
        /// Whether to tell what the client may do.
        include_authorized_operations: bool, [0+];
    }

    /// The groups and their members.
    pub struct ShareGroupDescribeResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [0+];
        /// The groups.
        groups: Vec<DescribedGroup>, [0+];
    }

    /// A group, in [`ShareGroupDescribeResponse`].
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

    /// A member, in [`ShareGroupDescribeResponse`].
    pub struct Member {
        /// The member's id.
        member_id: Str, [0+];
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
        /// What the member holds.
        assignment: ShareGroupDescribeAssignment, [0+];
    }

    /// Partitions of a topic, in [`ShareGroupDescribeResponse`].
    pub struct ShareGroupDescribeTopicPartitions {
        /// The topic's id.
        topic_id: Uuid, [0+];
        /// The topic.
        topic_name: Str, [0+];
        /// The partitions.
        partitions: Vec<i32>, [0+];
    }

    /// What a member holds, in [`ShareGroupDescribeResponse`].
    pub struct ShareGroupDescribeAssignment {
        /// The partitions, by topic.
        topic_partitions: Vec<ShareGroupDescribeTopicPartitions>, [0+];
    }
}
