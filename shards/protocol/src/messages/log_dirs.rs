//! TODO

use crate::Str;
use crate::table::{first, present, tables, versions};

tables! {
    /// TODO AlterReplicaLogDirsRequest
    pub struct AlterReplicaLogDirsRequest {
        /// TODO dirs
        dirs: Vec<AlterReplicaLogDir>, [0+];
    }

    /// TODO AlterReplicaLogDir
    pub struct AlterReplicaLogDir {
        /// TODO path
        path: Str, [0+];
        /// TODO topics
        topics: Vec<AlterReplicaLogDirTopic>, [0+];
    }

    /// TODO AlterReplicaLogDirTopic
    pub struct AlterReplicaLogDirTopic {
        /// TODO name
        name: Str, [0+];
        /// TODO partitions
        partitions: Vec<i32>, [0+];
    }

    /// TODO AlterReplicaLogDirsResponse
    pub struct AlterReplicaLogDirsResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [0+];
        /// TODO results
        results: Vec<AlterReplicaLogDirTopicResult>, [0+];
    }

    /// TODO AlterReplicaLogDirTopicResult
    pub struct AlterReplicaLogDirTopicResult {
        /// TODO topic_name
        topic_name: Str, [0+];
        /// TODO partitions
        partitions: Vec<AlterReplicaLogDirPartitionResult>, [0+];
    }

    /// TODO AlterReplicaLogDirPartitionResult
    pub struct AlterReplicaLogDirPartitionResult {
        /// TODO partition_index
        partition_index: i32, [0+];
        /// TODO error_code
        error_code: i16, [0+];
    }

    /// TODO DescribeLogDirsRequest
    pub struct DescribeLogDirsRequest {
        /// TODO topics
        topics: Option<Vec<DescribableLogDirTopic>>, [0+] nullable [0+];
    }

    /// TODO DescribableLogDirTopic
    pub struct DescribableLogDirTopic {
        /// TODO topic
        topic: Str, [0+];
        /// TODO partitions
        partitions: Vec<i32>, [0+];
    }

    /// TODO DescribeLogDirsResponse
    pub struct DescribeLogDirsResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [0+];
        /// TODO error_code
        error_code: i16, [3+] (ignorable);
        /// TODO results
        results: Vec<DescribeLogDirsResult>, [0+];
    }

    /// TODO DescribeLogDirsResult
    pub struct DescribeLogDirsResult {
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO log_dir
        log_dir: Str, [0+];
        /// TODO topics
        topics: Vec<DescribeLogDirsTopic>, [0+];
        /// TODO total_bytes
        total_bytes: i64, [4+] (ignorable) = -1;
        /// TODO usable_bytes
        usable_bytes: i64, [4+] (ignorable) = -1;
        /// TODO is_cordoned
        is_cordoned: bool, [5+] (ignorable);
    }

    /// TODO DescribeLogDirsTopic
    pub struct DescribeLogDirsTopic {
        /// TODO name
        name: Str, [0+];
        /// TODO partitions
        partitions: Vec<DescribeLogDirsPartition>, [0+];
    }

    /// TODO DescribeLogDirsPartition
    pub struct DescribeLogDirsPartition {
        /// TODO partition_index
        partition_index: i32, [0+];
        /// TODO partition_size
        partition_size: i64, [0+];
        /// TODO offset_lag
        offset_lag: i64, [0+];
        /// TODO is_future_key
        is_future_key: bool, [0+];
    }
}
