//! The directories of a broker.

use crate::Str;
use crate::table::{first, present, tables, versions};

tables! {
    /// Moves replicas to other directories of the same broker (KIP-113).
    pub struct AlterReplicaLogDirsRequest {
        /// The directories and what is to move there.
        dirs: Vec<AlterReplicaLogDir>, [0+];
    }

    /// A directory, in [`AlterReplicaLogDirsRequest`].
    pub struct AlterReplicaLogDir {
        /// The path of the directory.
        path: Str, [0+];
        /// The replicas that are to move there.
        topics: Vec<AlterReplicaLogDirTopic>, [0+];
    }

    /// A topic, in [`AlterReplicaLogDirsRequest`].
    pub struct AlterReplicaLogDirTopic {
        /// The topic's name.
        name: Str, [0+];
        /// The partitions.
        partitions: Vec<i32>, [0+];
    }

    /// What became of each partition.
    pub struct AlterReplicaLogDirsResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [0+];
        /// What became of each topic or directory.
        results: Vec<AlterReplicaLogDirTopicResult>, [0+];
    }

    /// A topic or a directory, in [`AlterReplicaLogDirsResponse`].
    pub struct AlterReplicaLogDirTopicResult {
        /// The topic.
        topic_name: Str, [0+];
        /// The partitions.
        partitions: Vec<AlterReplicaLogDirPartitionResult>, [0+];
    }

    /// A partition, in [`AlterReplicaLogDirsResponse`].
    pub struct AlterReplicaLogDirPartitionResult {
        /// The partition.
        partition_index: i32, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
    }

    /// Asks what is in the broker's directories.
    pub struct DescribeLogDirsRequest {
        /// The topics; null for all.
        topics: Option<Vec<DescribableLogDirTopic>>, [0+] nullable [0+];
    }

    /// A topic, in [`DescribeLogDirsRequest`].
    pub struct DescribableLogDirTopic {
        /// The topic.
        topic: Str, [0+];
        /// The partitions.
        partitions: Vec<i32>, [0+];
    }

    /// The directories and the replicas in them.
    pub struct DescribeLogDirsResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [3+] (ignorable);
        /// What became of each topic or directory.
        results: Vec<DescribeLogDirsResult>, [0+];
    }

    /// A topic or a directory, in [`DescribeLogDirsResponse`].
    pub struct DescribeLogDirsResult {
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The path of the directory.
        log_dir: Str, [0+];
        /// The topics in the directory.
        topics: Vec<DescribeLogDirsTopic>, [0+];
        /// The size of the volume in bytes, or -1.
        total_bytes: i64, [4+] (ignorable) = -1;
        /// How many bytes of the volume are free, or -1.
        usable_bytes: i64, [4+] (ignorable) = -1;
        /// Whether the directory takes no new partitions.
        is_cordoned: bool, [5+] (ignorable);
    }

    /// A topic in a directory, in [`DescribeLogDirsResponse`].
    pub struct DescribeLogDirsTopic {
        /// The topic's name.
        name: Str, [0+];
        /// The partitions.
        partitions: Vec<DescribeLogDirsPartition>, [0+];
    }

    /// A partition, in [`DescribeLogDirsResponse`].
    pub struct DescribeLogDirsPartition {
        /// The partition.
        partition_index: i32, [0+];
        /// The size of the replica's segments in bytes.
        partition_size: i64, [0+];
        /// How far the replica is behind, in records.
        offset_lag: i64, [0+];
        /// Whether this is a replica on its way to another directory.
        is_future_key: bool, [0+];
    }
}
