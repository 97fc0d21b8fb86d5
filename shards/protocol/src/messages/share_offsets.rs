//! The offsets of share groups.

use crate::Str;
use crate::table::{first, present, tables, versions};
use types::Uuid;

tables! {
    /// Asks how far share groups have got.
    pub struct DescribeShareGroupOffsetsRequest {
        /// The groups.
        groups: Vec<DescribeShareGroupOffsetsRequestGroup>, [0+];
    }

    /// A group, in [`DescribeShareGroupOffsetsRequest`].
    pub struct DescribeShareGroupOffsetsRequestGroup {
        /// The group.
        group_id: Str, [0+];
        /// The topics; null for all of the group's.
        topics: Option<Vec<DescribeShareGroupOffsetsRequestTopic>>, [0+] nullable [0+];
    }

    /// A topic, in [`DescribeShareGroupOffsetsRequest`].
    pub struct DescribeShareGroupOffsetsRequestTopic {
        /// The topic.
        topic_name: Str, [0+];
        /// The partitions.
        partitions: Vec<i32>, [0+];
    }

    /// The start offsets.
    pub struct DescribeShareGroupOffsetsResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [0+];
        /// The groups.
        groups: Vec<DescribeShareGroupOffsetsResponseGroup>, [0+];
    }

    /// A group, in [`DescribeShareGroupOffsetsResponse`].
    pub struct DescribeShareGroupOffsetsResponseGroup {
        /// The group.
        group_id: Str, [0+];
        /// The topics.
        topics: Vec<DescribeShareGroupOffsetsResponseTopic>, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The same in words, or null.
        error_message: Option<Str>, [0+] nullable [0+] = None;
    }

    /// A topic, in [`DescribeShareGroupOffsetsResponse`].
    pub struct DescribeShareGroupOffsetsResponseTopic {
        /// The topic.
        topic_name: Str, [0+];
        /// The topic's id.
        topic_id: Uuid, [0+];
        /// The partitions.
        partitions: Vec<DescribeShareGroupOffsetsResponsePartition>, [0+];
    }

    /// A partition, in [`DescribeShareGroupOffsetsResponse`].
    pub struct DescribeShareGroupOffsetsResponsePartition {
        /// The partition.
        partition_index: i32, [0+];
        /// The first offset that still matters to the share group.
        start_offset: i64, [0+];
        /// The leader epoch, or -1 if it is unknown.
        leader_epoch: i32, [0+];
        /// How many records the group is behind, or -1.
        lag: i64, [1+] (ignorable) = -1;
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The same in words, or null.
        error_message: Option<Str>, [0+] nullable [0+] = None;
    }

    /// Moves the start offsets of an empty share group.
    pub struct AlterShareGroupOffsetsRequest {
        /// The group.
        group_id: Str, [0+];
        /// The topics.
        topics: Vec<AlterShareGroupOffsetsRequestTopic>, [0+];
    }

    /// A topic, in [`AlterShareGroupOffsetsRequest`].
    pub struct AlterShareGroupOffsetsRequestTopic {
        /// The topic.
        topic_name: Str, [0+];
        /// The partitions.
        partitions: Vec<AlterShareGroupOffsetsRequestPartition>, [0+];
    }

    /// A partition, in [`AlterShareGroupOffsetsRequest`].
    pub struct AlterShareGroupOffsetsRequestPartition {
        /// The partition.
        partition_index: i32, [0+];
        /// The first offset that still matters to the share group.
        start_offset: i64, [0+];
    }

    /// What became of each partition.
    pub struct AlterShareGroupOffsetsResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The same in words, or null.
        error_message: Option<Str>, [0+] nullable [0+] = None;
        /// What became of each topic.
        responses: Vec<AlterShareGroupOffsetsResponseTopic>, [0+];
    }

    /// A topic, in [`AlterShareGroupOffsetsResponse`].
    pub struct AlterShareGroupOffsetsResponseTopic {
        /// The topic.
        topic_name: Str, [0+];
        /// The topic's id.
        topic_id: Uuid, [0+];
        /// The partitions.
        partitions: Vec<AlterShareGroupOffsetsResponsePartition>, [0+];
    }

    /// A partition, in [`AlterShareGroupOffsetsResponse`].
    pub struct AlterShareGroupOffsetsResponsePartition {
        /// The partition.
        partition_index: i32, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The same in words, or null.
        error_message: Option<Str>, [0+] nullable [0+] = None;
    }

    /// Deletes the start offsets of an empty share group.
    pub struct DeleteShareGroupOffsetsRequest {
        /// The group.
        group_id: Str, [0+];
        /// The topics.
        topics: Vec<DeleteShareGroupOffsetsRequestTopic>, [0+];
    }

    /// A topic, in [`DeleteShareGroupOffsetsRequest`].
    pub struct DeleteShareGroupOffsetsRequestTopic {
        /// The topic.
        topic_name: Str, [0+];
    }

    /// What became of each topic.
    pub struct DeleteShareGroupOffsetsResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The same in words, or null.
        error_message: Option<Str>, [0+] nullable [0+] = None;
        /// What became of each topic.
        responses: Vec<DeleteShareGroupOffsetsResponseTopic>, [0+];
    }

    /// A topic, in [`DeleteShareGroupOffsetsResponse`].
    pub struct DeleteShareGroupOffsetsResponseTopic {
        /// The topic.
        topic_name: Str, [0+];
        /// The topic's id.
        topic_id: Uuid, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The same in words, or null.
        error_message: Option<Str>, [0+] nullable [0+] = None;
    }
}
