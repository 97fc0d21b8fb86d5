//! TODO

use crate::Str;
use crate::table::{first, present, tables, versions};

tables! {
    /// TODO ListOffsetsRequest
    pub struct ListOffsetsRequest {
        /// TODO replica_id
        replica_id: i32, [0+];
        /// TODO isolation_level
        isolation_level: i8, [2+];
        /// TODO topics
        topics: Vec<ListOffsetsTopic>, [0+];
        /// TODO timeout_ms
        timeout_ms: i32, [10+] (ignorable);
    }

    /// TODO ListOffsetsTopic
    pub struct ListOffsetsTopic {
        /// TODO name
        name: Str, [0+];
        /// TODO partitions
        partitions: Vec<ListOffsetsPartition>, [0+];
    }

    /// TODO ListOffsetsPartition
    pub struct ListOffsetsPartition {
        /// TODO partition_index
        partition_index: i32, [0+];
        /// TODO current_leader_epoch
        current_leader_epoch: i32, [4+] (ignorable) = -1;
        /// TODO timestamp
        timestamp: i64, [0+];
    }

    /// TODO ListOffsetsResponse
    pub struct ListOffsetsResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [2+] (ignorable);
        /// TODO topics
        topics: Vec<ListOffsetsTopicResponse>, [0+];
    }

    /// TODO ListOffsetsTopicResponse
    pub struct ListOffsetsTopicResponse {
        /// TODO name
        name: Str, [0+];
        /// TODO partitions
        partitions: Vec<ListOffsetsPartitionResponse>, [0+];
    }

    /// TODO ListOffsetsPartitionResponse
    pub struct ListOffsetsPartitionResponse {
        /// TODO partition_index
        partition_index: i32, [0+];
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO timestamp
        timestamp: i64, [1+] = -1;
        /// TODO offset
        offset: i64, [1+] = -1;
        /// TODO leader_epoch
        leader_epoch: i32, [4+] = -1;
    }

    /// TODO OffsetForLeaderEpochRequest
    pub struct OffsetForLeaderEpochRequest {
        /// TODO replica_id
        replica_id: i32, [3+] (ignorable) = -2;
        /// TODO topics
        topics: Vec<OffsetForLeaderTopic>, [0+];
    }

    /// TODO OffsetForLeaderTopic
    pub struct OffsetForLeaderTopic {
        /// TODO topic
        topic: Str, [0+];
        /// TODO partitions
        partitions: Vec<OffsetForLeaderPartition>, [0+];
    }

    /// TODO OffsetForLeaderPartition
    pub struct OffsetForLeaderPartition {
        /// TODO partition
        partition: i32, [0+];
        /// TODO current_leader_epoch
        current_leader_epoch: i32, [2+] (ignorable) = -1;
        /// TODO leader_epoch
        leader_epoch: i32, [0+];
    }

    /// TODO OffsetForLeaderEpochResponse
    pub struct OffsetForLeaderEpochResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [2+] (ignorable);
        /// TODO topics
        topics: Vec<OffsetForLeaderTopicResult>, [0+];
    }

    /// TODO OffsetForLeaderTopicResult
    pub struct OffsetForLeaderTopicResult {
        /// TODO topic
        topic: Str, [0+];
        /// TODO partitions
        partitions: Vec<EpochEndOffset>, [0+];
    }

    /// TODO EpochEndOffset
    pub struct EpochEndOffset {
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO partition
        partition: i32, [0+];
        /// TODO leader_epoch
        leader_epoch: i32, [1+] (ignorable) = -1;
        /// TODO end_offset
        end_offset: i64, [0+] = -1;
    }
}
