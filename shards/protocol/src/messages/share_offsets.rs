//! TODO

use crate::Str;
use crate::table::{first, present, tables, versions};
use types::Uuid;

tables! {
    /// TODO DescribeShareGroupOffsetsRequest
    pub struct DescribeShareGroupOffsetsRequest {
        /// TODO groups
        groups: Vec<DescribeShareGroupOffsetsRequestGroup>, [0+];
    }

    /// TODO DescribeShareGroupOffsetsRequestGroup
    pub struct DescribeShareGroupOffsetsRequestGroup {
        /// TODO group_id
        group_id: Str, [0+];
        /// TODO topics
        topics: Option<Vec<DescribeShareGroupOffsetsRequestTopic>>, [0+] nullable [0+];
    }

    /// TODO DescribeShareGroupOffsetsRequestTopic
    pub struct DescribeShareGroupOffsetsRequestTopic {
        /// TODO topic_name
        topic_name: Str, [0+];
        /// TODO partitions
        partitions: Vec<i32>, [0+];
    }

    /// TODO DescribeShareGroupOffsetsResponse
    pub struct DescribeShareGroupOffsetsResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [0+];
        /// TODO groups
        groups: Vec<DescribeShareGroupOffsetsResponseGroup>, [0+];
    }

    /// TODO DescribeShareGroupOffsetsResponseGroup
    pub struct DescribeShareGroupOffsetsResponseGroup {
        /// TODO group_id
        group_id: Str, [0+];
        /// TODO topics
        topics: Vec<DescribeShareGroupOffsetsResponseTopic>, [0+];
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO error_message
        error_message: Option<Str>, [0+] nullable [0+] = None;
    }

    /// TODO DescribeShareGroupOffsetsResponseTopic
    pub struct DescribeShareGroupOffsetsResponseTopic {
        /// TODO topic_name
        topic_name: Str, [0+];
        /// TODO topic_id
        topic_id: Uuid, [0+];
        /// TODO partitions
        partitions: Vec<DescribeShareGroupOffsetsResponsePartition>, [0+];
    }

    /// TODO DescribeShareGroupOffsetsResponsePartition
    pub struct DescribeShareGroupOffsetsResponsePartition {
        /// TODO partition_index
        partition_index: i32, [0+];
        /// TODO start_offset
        start_offset: i64, [0+];
        /// TODO leader_epoch
        leader_epoch: i32, [0+];
        /// TODO lag
        lag: i64, [1+] (ignorable) = -1;
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO error_message
        error_message: Option<Str>, [0+] nullable [0+] = None;
    }

    /// TODO AlterShareGroupOffsetsRequest
    pub struct AlterShareGroupOffsetsRequest {
        /// TODO group_id
        group_id: Str, [0+];
        /// TODO topics
        topics: Vec<AlterShareGroupOffsetsRequestTopic>, [0+];
    }

    /// TODO AlterShareGroupOffsetsRequestTopic
    pub struct AlterShareGroupOffsetsRequestTopic {
        /// TODO topic_name
        topic_name: Str, [0+];
        /// TODO partitions
        partitions: Vec<AlterShareGroupOffsetsRequestPartition>, [0+];
    }

    /// TODO AlterShareGroupOffsetsRequestPartition
    pub struct AlterShareGroupOffsetsRequestPartition {
        /// TODO partition_index
        partition_index: i32, [0+];
        /// TODO start_offset
        start_offset: i64, [0+];
    }

    /// TODO AlterShareGroupOffsetsResponse
    pub struct AlterShareGroupOffsetsResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [0+];
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO error_message
        error_message: Option<Str>, [0+] nullable [0+] = None;
        /// TODO responses
        responses: Vec<AlterShareGroupOffsetsResponseTopic>, [0+];
    }

    /// TODO AlterShareGroupOffsetsResponseTopic
    pub struct AlterShareGroupOffsetsResponseTopic {
        /// TODO topic_name
        topic_name: Str, [0+];
        /// TODO topic_id
        topic_id: Uuid, [0+];
        /// TODO partitions
        partitions: Vec<AlterShareGroupOffsetsResponsePartition>, [0+];
    }

    /// TODO AlterShareGroupOffsetsResponsePartition
    pub struct AlterShareGroupOffsetsResponsePartition {
        /// TODO partition_index
        partition_index: i32, [0+];
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO error_message
        error_message: Option<Str>, [0+] nullable [0+] = None;
    }

    /// TODO DeleteShareGroupOffsetsRequest
    pub struct DeleteShareGroupOffsetsRequest {
        /// TODO group_id
        group_id: Str, [0+];
        /// TODO topics
        topics: Vec<DeleteShareGroupOffsetsRequestTopic>, [0+];
    }

    /// TODO DeleteShareGroupOffsetsRequestTopic
    pub struct DeleteShareGroupOffsetsRequestTopic {
        /// TODO topic_name
        topic_name: Str, [0+];
    }

    /// TODO DeleteShareGroupOffsetsResponse
    pub struct DeleteShareGroupOffsetsResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [0+];
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO error_message
        error_message: Option<Str>, [0+] nullable [0+] = None;
        /// TODO responses
        responses: Vec<DeleteShareGroupOffsetsResponseTopic>, [0+];
    }

    /// TODO DeleteShareGroupOffsetsResponseTopic
    pub struct DeleteShareGroupOffsetsResponseTopic {
        /// TODO topic_name
        topic_name: Str, [0+];
        /// TODO topic_id
        topic_id: Uuid, [0+];
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO error_message
        error_message: Option<Str>, [0+] nullable [0+] = None;
    }
}
