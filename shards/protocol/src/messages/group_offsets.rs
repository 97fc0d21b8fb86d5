//! TODO

use crate::Str;
use crate::table::{first, present, tables, versions};
use types::Uuid;

tables! {
    /// TODO OffsetCommitRequest
    pub struct OffsetCommitRequest {
        /// TODO group_id
        group_id: Str, [0+];
        /// TODO generation_id_or_member_epoch
        generation_id_or_member_epoch: i32, [1+] (ignorable) = -1;
        /// TODO member_id
        member_id: Str, [1+] (ignorable);
        /// TODO group_instance_id
        group_instance_id: Option<Str>, [7+] nullable [7+] = None;
        /// TODO retention_time_ms
        retention_time_ms: i64, [2-4] (ignorable) = -1;
        /// TODO topics
        topics: Vec<OffsetCommitRequestTopic>, [0+];
    }

    /// TODO OffsetCommitRequestTopic
    pub struct OffsetCommitRequestTopic {
        /// TODO name
        name: Str, [0-9] (ignorable);
        /// TODO topic_id
        topic_id: Uuid, [10+] (ignorable);
        /// TODO partitions
        partitions: Vec<OffsetCommitRequestPartition>, [0+];
    }

    /// TODO OffsetCommitRequestPartition
    pub struct OffsetCommitRequestPartition {
        /// TODO partition_index
        partition_index: i32, [0+];
        /// TODO committed_offset
        committed_offset: i64, [0+];
        /// TODO committed_leader_epoch
        committed_leader_epoch: i32, [6+] (ignorable) = -1;
        /// TODO committed_metadata
        committed_metadata: Option<Str>, [0+] nullable [0+];
    }

    /// TODO OffsetCommitResponse
    pub struct OffsetCommitResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [3+] (ignorable);
        /// TODO topics
        topics: Vec<OffsetCommitResponseTopic>, [0+];
    }

    /// TODO OffsetCommitResponseTopic
    pub struct OffsetCommitResponseTopic {
        /// TODO name
        name: Str, [0-9] (ignorable);
        /// TODO topic_id
        topic_id: Uuid, [10+] (ignorable);
        /// TODO partitions
        partitions: Vec<OffsetCommitResponsePartition>, [0+];
    }

    /// TODO OffsetCommitResponsePartition
    pub struct OffsetCommitResponsePartition {
        /// TODO partition_index
        partition_index: i32, [0+];
        /// TODO error_code
        error_code: i16, [0+];
    }

    /// TODO OffsetFetchRequest
    pub struct OffsetFetchRequest {
        /// TODO group_id
        group_id: Str, [0-7];
        /// TODO topics
        topics: Option<Vec<OffsetFetchRequestTopic>>, [0-7] nullable [2-7];
        /// TODO groups
        groups: Vec<OffsetFetchRequestGroup>, [8+];
        /// TODO require_stable
        require_stable: bool, [7+];
    }

    /// TODO OffsetFetchRequestTopic
    pub struct OffsetFetchRequestTopic {
        /// TODO name
        name: Str, [0-7];
        /// TODO partition_indexes
        partition_indexes: Vec<i32>, [0-7];
    }

    /// TODO OffsetFetchRequestGroup
    pub struct OffsetFetchRequestGroup {
        /// TODO group_id
        group_id: Str, [8+];
        /// TODO member_id
        member_id: Option<Str>, [9+] nullable [9+] (ignorable) = None;
        /// TODO member_epoch
        member_epoch: i32, [9+] (ignorable) = -1;
        /// TODO topics
        topics: Option<Vec<OffsetFetchRequestTopics>>, [8+] nullable [8+];
    }

    /// TODO OffsetFetchRequestTopics
    pub struct OffsetFetchRequestTopics {
        /// TODO name
        name: Str, [8-9] (ignorable);
        /// TODO topic_id
        topic_id: Uuid, [10+] (ignorable);
        /// TODO partition_indexes
        partition_indexes: Vec<i32>, [8+];
    }

    /// TODO OffsetFetchResponse
    pub struct OffsetFetchResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [3+] (ignorable);
        /// TODO topics
        topics: Vec<OffsetFetchResponseTopic>, [0-7];
        /// TODO error_code
        error_code: i16, [2-7] (ignorable);
        /// TODO groups
        groups: Vec<OffsetFetchResponseGroup>, [8+];
    }

    /// TODO OffsetFetchResponseTopic
    pub struct OffsetFetchResponseTopic {
        /// TODO name
        name: Str, [0-7];
        /// TODO partitions
        partitions: Vec<OffsetFetchResponsePartition>, [0-7];
    }

    /// TODO OffsetFetchResponsePartition
    pub struct OffsetFetchResponsePartition {
        /// TODO partition_index
        partition_index: i32, [0-7];
        /// TODO committed_offset
        committed_offset: i64, [0-7];
        /// TODO committed_leader_epoch
        committed_leader_epoch: i32, [5-7] (ignorable) = -1;
        /// TODO metadata
        metadata: Option<Str>, [0-7] nullable [0-7];
        /// TODO error_code
        error_code: i16, [0-7];
    }

    /// TODO OffsetFetchResponseGroup
    pub struct OffsetFetchResponseGroup {
        /// TODO group_id
        group_id: Str, [8+];
        /// TODO topics
        topics: Vec<OffsetFetchResponseTopics>, [8+];
        /// TODO error_code
        error_code: i16, [8+];
    }

    /// TODO OffsetFetchResponseTopics
    pub struct OffsetFetchResponseTopics {
        /// TODO name
        name: Str, [8-9] (ignorable);
        /// TODO topic_id
        topic_id: Uuid, [10+] (ignorable);
        /// TODO partitions
        partitions: Vec<OffsetFetchResponsePartitions>, [8+];
    }

    /// TODO OffsetFetchResponsePartitions
    pub struct OffsetFetchResponsePartitions {
        /// TODO partition_index
        partition_index: i32, [8+];
        /// TODO committed_offset
        committed_offset: i64, [8+];
        /// TODO committed_leader_epoch
        committed_leader_epoch: i32, [8+] (ignorable) = -1;
        /// TODO metadata
        metadata: Option<Str>, [8+] nullable [8+];
        /// TODO error_code
        error_code: i16, [8+];
    }

    /// TODO OffsetDeleteRequest
    pub struct OffsetDeleteRequest {
        /// TODO group_id
        group_id: Str, [0+];
        /// TODO topics
        topics: Vec<OffsetDeleteRequestTopic>, [0+];
    }

    /// TODO OffsetDeleteRequestTopic
    pub struct OffsetDeleteRequestTopic {
        /// TODO name
        name: Str, [0+];
        /// TODO partitions
        partitions: Vec<OffsetDeleteRequestPartition>, [0+];
    }

    /// TODO OffsetDeleteRequestPartition
    pub struct OffsetDeleteRequestPartition {
        /// TODO partition_index
        partition_index: i32, [0+];
    }

    /// TODO OffsetDeleteResponse
    pub struct OffsetDeleteResponse {
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [0+] (ignorable);
        /// TODO topics
        topics: Vec<OffsetDeleteResponseTopic>, [0+];
    }

    /// TODO OffsetDeleteResponseTopic
    pub struct OffsetDeleteResponseTopic {
        /// TODO name
        name: Str, [0+];
        /// TODO partitions
        partitions: Vec<OffsetDeleteResponsePartition>, [0+];
    }

    /// TODO OffsetDeleteResponsePartition
    pub struct OffsetDeleteResponsePartition {
        /// TODO partition_index
        partition_index: i32, [0+];
        /// TODO error_code
        error_code: i16, [0+];
    }
}
