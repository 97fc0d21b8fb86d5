//! Finding offsets, by time and by leader epoch.

use crate::Str;
use crate::table::{first, present, tables, versions};

tables! {
    /// Looks for offsets by timestamp, or for the ends of logs.
    pub struct ListOffsetsRequest {
        /// The replica that asks, or -1 for a client.
        replica_id: i32, [0+];
        /// What may be read: 0 all records, 1 only those outside of open and aborted transactions.
        isolation_level: i8, [2+];
        /// The topics.
        topics: Vec<ListOffsetsTopic>, [0+];
        /// How long the broker may take, in milliseconds.
        timeout_ms: i32, [10+] (ignorable);
    }

    /// A topic, in [`ListOffsetsRequest`].
    pub struct ListOffsetsTopic {
        /// The topic's name.
        name: Str, [0+];
        /// The partitions.
        partitions: Vec<ListOffsetsPartition>, [0+];
    }

    /// A partition, in [`ListOffsetsRequest`].
    pub struct ListOffsetsPartition {
        /// The partition.
        partition_index: i32, [0+];
        /// The leader epoch that the client knows of, or -1; it is compared with the leader's.
        current_leader_epoch: i32, [4+] (ignorable) = -1;
        /// The time to look for in milliseconds since 1970, or one of Kafka's marks: -1 latest, -2 earliest, -3
        /// the largest timestamp, -4 earliest local, -5 latest tiered, -6 earliest not yet tiered.
        timestamp: i64, [0+];
    }

    /// The offsets that were found.
    pub struct ListOffsetsResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [2+] (ignorable);
        /// The topics.
        topics: Vec<ListOffsetsTopicResponse>, [0+];
    }

    /// A topic, in [`ListOffsetsResponse`].
    pub struct ListOffsetsTopicResponse {
        /// The topic's name.
        name: Str, [0+];
        /// The partitions.
        partitions: Vec<ListOffsetsPartitionResponse>, [0+];
    }

    /// A partition, in [`ListOffsetsResponse`].
    pub struct ListOffsetsPartitionResponse {
        /// The partition.
        partition_index: i32, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The timestamp of the record that was found, or -1.
        timestamp: i64, [1+] = -1;
        /// The offset that was found, or -1.
        offset: i64, [1+] = -1;
        /// The leader epoch, or -1.
        leader_epoch: i32, [4+] = -1;
    }

    /// Asks where leader epochs end, to find out where logs part (KIP-101, KIP-320).
    pub struct OffsetForLeaderEpochRequest {
        /// The replica that asks, or -1 for a client.
        replica_id: i32, [3+] (ignorable) = -2;
        /// The topics.
        topics: Vec<OffsetForLeaderTopic>, [0+];
    }

    /// A topic, in [`OffsetForLeaderEpochRequest`].
    pub struct OffsetForLeaderTopic {
        /// The topic.
        topic: Str, [0+];
        /// The partitions.
        partitions: Vec<OffsetForLeaderPartition>, [0+];
    }

    /// A partition, in [`OffsetForLeaderEpochRequest`].
    pub struct OffsetForLeaderPartition {
        /// The partition.
        partition: i32, [0+];
        /// The leader epoch that the client knows of, or -1; it is compared with the leader's.
        current_leader_epoch: i32, [2+] (ignorable) = -1;
        /// The leader epoch whose end is asked for.
        leader_epoch: i32, [0+];
    }

    /// The ends of the epochs.
    pub struct OffsetForLeaderEpochResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [2+] (ignorable);
        /// The topics.
        topics: Vec<OffsetForLeaderTopicResult>, [0+];
    }

    /// A topic, in [`OffsetForLeaderEpochResponse`].
    pub struct OffsetForLeaderTopicResult {
        /// The topic.
        topic: Str, [0+];
        /// The partitions.
        partitions: Vec<EpochEndOffset>, [0+];
    }

    /// A partition, in [`OffsetForLeaderEpochResponse`].
    pub struct EpochEndOffset {
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The partition.
        partition: i32, [0+];
        /// The leader epoch, or -1.
        leader_epoch: i32, [1+] (ignorable) = -1;
        /// The offset after the last record of that epoch, or -1.
        end_offset: i64, [0+] = -1;
    }
}
