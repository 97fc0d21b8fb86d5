//! The committed offsets of groups.

use crate::Str;
use crate::table::{first, present, tables, versions};
use types::Uuid;

tables! {
    /// Commits how far a group has got.
    pub struct OffsetCommitRequest {
        /// The group.
        group_id: Str, [0+];
        /// The generation of a classic group or the member's epoch in a newer one; -1 if there is none.
        generation_id_or_member_epoch: i32, [1+] (ignorable) = -1;
        /// The member's id.
        member_id: Str, [1+] (ignorable);
        /// The name of a static member, or null.
        group_instance_id: Option<Str>, [7+] nullable [7+] = None;
        /// How long to keep the offsets, in milliseconds.
        retention_time_ms: i64, [2-4] (ignorable) = -1;
        /// The topics.
        topics: Vec<OffsetCommitRequestTopic>, [0+];
    }

    /// A topic, in [`OffsetCommitRequest`].
    pub struct OffsetCommitRequestTopic {
        /// The topic's name.
        name: Str, [0-9] (ignorable);
        /// The topic's id.
        topic_id: Uuid, [10+] (ignorable);
        /// The partitions.
        partitions: Vec<OffsetCommitRequestPartition>, [0+];
    }

    /// A partition, in [`OffsetCommitRequest`].
    pub struct OffsetCommitRequestPartition {
        /// The partition.
        partition_index: i32, [0+];
        /// The offset of the next record to consume, or -1 if none is committed.
        committed_offset: i64, [0+];
        /// The leader epoch of the last record that was consumed, or -1.
        committed_leader_epoch: i32, [6+] (ignorable) = -1;
        /// Whatever the client wants to keep beside the offset.
        committed_metadata: Option<Str>, [0+] nullable [0+];
    }

    /// What became of each partition.
    pub struct OffsetCommitResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [3+] (ignorable);
        /// The topics.
        topics: Vec<OffsetCommitResponseTopic>, [0+];
    }

    /// A topic, in [`OffsetCommitResponse`].
    pub struct OffsetCommitResponseTopic {
        /// The topic's name.
        name: Str, [0-9] (ignorable);
        /// The topic's id.
        topic_id: Uuid, [10+] (ignorable);
        /// The partitions.
        partitions: Vec<OffsetCommitResponsePartition>, [0+];
    }

    /// A partition, in [`OffsetCommitResponse`].
    pub struct OffsetCommitResponsePartition {
        /// The partition.
        partition_index: i32, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
    }

    /// Asks how far groups have got.
    pub struct OffsetFetchRequest {
        /// The group.
        group_id: Str, [0-7];
        /// The topics; null for all of the group's.
        topics: Option<Vec<OffsetFetchRequestTopic>>, [0-7] nullable [2-7];
        /// The groups.
        groups: Vec<OffsetFetchRequestGroup>, [8+];
        /// Whether to wait for transactions that may still change the offsets.
        require_stable: bool, [7+];
    }

    /// A topic, in [`OffsetFetchRequest`].
    pub struct OffsetFetchRequestTopic {
        /// The topic's name.
        name: Str, [0-7];
        /// The partitions.
        partition_indexes: Vec<i32>, [0-7];
    }

    /// A group, in [`OffsetFetchRequest`].
    pub struct OffsetFetchRequestGroup {
        /// The group.
        group_id: Str, [8+];
        /// The member's id.
        member_id: Option<Str>, [9+] nullable [9+] (ignorable) = None;
        /// The member's epoch.
        member_epoch: i32, [9+] (ignorable) = -1;
        /// The topics; null for all of the group's.
        topics: Option<Vec<OffsetFetchRequestTopics>>, [8+] nullable [8+];
    }

    /// A topic, in [`OffsetFetchRequest`].
    pub struct OffsetFetchRequestTopics {
        /// The topic's name.
        name: Str, [8-9] (ignorable);
        /// The topic's id.
        topic_id: Uuid, [10+] (ignorable);
        /// The partitions.
        partition_indexes: Vec<i32>, [8+];
    }

    /// The committed offsets.
    pub struct OffsetFetchResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [3+] (ignorable);
        /// The topics.
        topics: Vec<OffsetFetchResponseTopic>, [0-7];
        /// What went wrong; 0 for success.
        error_code: i16, [2-7] (ignorable);
        /// The groups.
        groups: Vec<OffsetFetchResponseGroup>, [8+];
    }

    /// A topic, in [`OffsetFetchResponse`].
    pub struct OffsetFetchResponseTopic {
        /// The topic's name.
        name: Str, [0-7];
        /// The partitions.
        partitions: Vec<OffsetFetchResponsePartition>, [0-7];
    }

    /// A partition, in [`OffsetFetchResponse`].
    pub struct OffsetFetchResponsePartition {
        /// The partition.
        partition_index: i32, [0-7];
        /// The offset of the next record to consume, or -1 if none is committed.
        committed_offset: i64, [0-7];
        /// The leader epoch of the last record that was consumed, or -1.
        committed_leader_epoch: i32, [5-7] (ignorable) = -1;
        /// Whatever the client kept beside the offset.
        metadata: Option<Str>, [0-7] nullable [0-7];
        /// What went wrong; 0 for success.
        error_code: i16, [0-7];
    }

    /// A group, in [`OffsetFetchResponse`].
    pub struct OffsetFetchResponseGroup {
        /// The group.
        group_id: Str, [8+];
        /// The topics.
        topics: Vec<OffsetFetchResponseTopics>, [8+];
        /// What went wrong; 0 for success.
        error_code: i16, [8+];
    }

    /// A topic, in [`OffsetFetchResponse`].
    pub struct OffsetFetchResponseTopics {
        /// The topic's name.
        name: Str, [8-9] (ignorable);
        /// The topic's id.
        topic_id: Uuid, [10+] (ignorable);
        /// The partitions.
        partitions: Vec<OffsetFetchResponsePartitions>, [8+];
    }

    /// A partition, in [`OffsetFetchResponse`].
    pub struct OffsetFetchResponsePartitions {
        /// The partition.
        partition_index: i32, [8+];
        /// The offset of the next record to consume, or -1 if none is committed.
        committed_offset: i64, [8+];
        /// The leader epoch of the last record that was consumed, or -1.
        committed_leader_epoch: i32, [8+] (ignorable) = -1;
        /// Whatever the client kept beside the offset.
        metadata: Option<Str>, [8+] nullable [8+];
        /// What went wrong; 0 for success.
        error_code: i16, [8+];
    }

    /// Deletes committed offsets of a group (KIP-496).
    pub struct OffsetDeleteRequest {
        /// The group.
        group_id: Str, [0+];
        /// The topics whose offsets are to be deleted.
        topics: Vec<OffsetDeleteRequestTopic>, [0+];
    }

    /// A topic, in [`OffsetDeleteRequest`].
    pub struct OffsetDeleteRequestTopic {
        /// The topic's name.
        name: Str, [0+];
        /// The partitions.
        partitions: Vec<OffsetDeleteRequestPartition>, [0+];
    }

    /// A partition, in [`OffsetDeleteRequest`].
    pub struct OffsetDeleteRequestPartition {
        /// The partition.
        partition_index: i32, [0+];
    }

    /// What became of each partition.
    pub struct OffsetDeleteResponse {
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [0+] (ignorable);
        /// The topics.
        topics: Vec<OffsetDeleteResponseTopic>, [0+];
    }

    /// A topic, in [`OffsetDeleteResponse`].
    pub struct OffsetDeleteResponseTopic {
        /// The topic's name.
        name: Str, [0+];
        /// The partitions.
        partitions: Vec<OffsetDeleteResponsePartition>, [0+];
    }

    /// A partition, in [`OffsetDeleteResponse`].
    pub struct OffsetDeleteResponsePartition {
        /// The partition.
        partition_index: i32, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
    }
}
