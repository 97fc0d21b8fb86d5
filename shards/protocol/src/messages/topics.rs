//! Creating, growing, emptying and deleting topics.

use crate::Str;
use crate::table::{first, present, tables, versions};
use types::Uuid;

tables! {
    /// Creates topics.
    pub struct CreateTopicsRequest {
        /// The topics to create.
        topics: Vec<CreatableTopic>, [0+];
        /// How long the broker may take, in milliseconds.
        timeout_ms: i32, [0+] = 60_000;
        /// Whether to check everything but to change nothing.
        validate_only: bool, [1+];
    }

    /// A topic, in [`CreateTopicsRequest`].
    pub struct CreatableTopic {
        /// The topic's name.
        name: Str, [0+];
        /// How many partitions to make; -1 for the default, or if `assignments` says it.
        num_partitions: i32, [0+];
        /// How many replicas to make of each; -1 for the default, or if `assignments` says it.
        replication_factor: i16, [0+];
        /// The brokers of each partition, if they are not left to the controller.
        assignments: Vec<CreatableReplicaAssignment>, [0+];
        /// The settings.
        configs: Vec<CreatableTopicConfig>, [0+];
    }

    /// The brokers of a partition, in [`CreateTopicsRequest`].
    pub struct CreatableReplicaAssignment {
        /// The partition.
        partition_index: i32, [0+];
        /// The brokers that hold a replica, the preferred leader first.
        broker_ids: Vec<i32>, [0+];
    }

    /// A setting, in [`CreateTopicsRequest`].
    pub struct CreatableTopicConfig {
        /// The topic's name.
        name: Str, [0+];
        /// The value, or null.
        value: Option<Str>, [0+] nullable [0+];
    }

    /// What became of each topic.
    pub struct CreateTopicsResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [2+] (ignorable);
        /// The topics.
        topics: Vec<CreatableTopicResult>, [0+];
    }

    /// A topic, in [`CreateTopicsResponse`].
    pub struct CreatableTopicResult {
        /// The topic's name.
        name: Str, [0+];
        /// The topic's id.
        topic_id: Uuid, [7+] (ignorable);
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The same in words, or null.
        error_message: Option<Str>, [1+] nullable [0+] (ignorable);
        /// Why the settings are not told; 0 if they are.
        topic_config_error_code: i16, [5+] tag 0 (ignorable);
        /// How many partitions there are; -1 for the default.
        num_partitions: i32, [5+] (ignorable) = -1;
        /// How many replicas a partition has; -1 for the default.
        replication_factor: i16, [5+] (ignorable) = -1;
        /// The settings.
        configs: Option<Vec<CreatableTopicConfigs>>, [5+] nullable [5+] (ignorable);
    }

    /// A setting, in [`CreateTopicsResponse`].
    pub struct CreatableTopicConfigs {
        /// The topic's name.
        name: Str, [5+];
        /// The value, or null.
        value: Option<Str>, [5+] nullable [5+];
        /// Whether the setting cannot be changed at run time.
        read_only: bool, [5+];
        /// Where the value comes from: 1 topic, 2 broker, 3 default of all brokers, 4 the broker's file, 5
        /// default.
        config_source: i8, [5+] (ignorable) = -1;
        /// Whether the value is secret and therefore withheld.
        is_sensitive: bool, [5+];
    }

    /// Deletes topics.
    pub struct DeleteTopicsRequest {
        /// The topics to delete, by name or by id.
        topics: Vec<DeleteTopicState>, [6+];
        /// The topics to delete.
        topic_names: Vec<Str>, [0-5] (ignorable);
        /// How long the broker may take, in milliseconds.
        timeout_ms: i32, [0+];
    }

    /// A topic, in [`DeleteTopicsRequest`].
    pub struct DeleteTopicState {
        /// The topic's name; null if it is given by id.
        name: Option<Str>, [6+] nullable [6+] = None;
        /// The topic's id.
        topic_id: Uuid, [6+];
    }

    /// What became of each topic.
    pub struct DeleteTopicsResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [1+] (ignorable);
        /// What became of each topic.
        responses: Vec<DeletableTopicResult>, [0+];
    }

    /// A topic, in [`DeleteTopicsResponse`].
    pub struct DeletableTopicResult {
        /// The topic's name; null if it is not known.
        name: Option<Str>, [0+] nullable [6+];
        /// The topic's id.
        topic_id: Uuid, [6+] (ignorable);
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The same in words, or null.
        error_message: Option<Str>, [5+] nullable [5+] (ignorable) = None;
    }

    /// Adds partitions to topics.
    pub struct CreatePartitionsRequest {
        /// The topics.
        topics: Vec<CreatePartitionsTopic>, [0+];
        /// How long the broker may take, in milliseconds.
        timeout_ms: i32, [0+];
        /// Whether to check everything but to change nothing.
        validate_only: bool, [0+];
    }

    /// A topic, in [`CreatePartitionsRequest`].
    pub struct CreatePartitionsTopic {
        /// The topic's name.
        name: Str, [0+];
        /// How many partitions there shall be altogether.
        count: i32, [0+];
        /// The brokers of each new partition; null to leave them to the controller.
        assignments: Option<Vec<CreatePartitionsAssignment>>, [0+] nullable [0+];
    }

    /// The brokers of a partition, in [`CreatePartitionsRequest`].
    pub struct CreatePartitionsAssignment {
        /// The brokers that hold a replica, the preferred leader first.
        broker_ids: Vec<i32>, [0+];
    }

    /// What became of each topic.
    pub struct CreatePartitionsResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [0+];
        /// What became of each item.
        results: Vec<CreatePartitionsTopicResult>, [0+];
    }

    /// What became of a topic, in [`CreatePartitionsResponse`].
    pub struct CreatePartitionsTopicResult {
        /// The topic's name.
        name: Str, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The same in words, or null.
        error_message: Option<Str>, [0+] nullable [0+] = None;
    }

    /// Deletes the records before given offsets.
    pub struct DeleteRecordsRequest {
        /// The topics.
        topics: Vec<DeleteRecordsTopic>, [0+];
        /// How long the broker may take, in milliseconds.
        timeout_ms: i32, [0+];
    }

    /// A topic, in [`DeleteRecordsRequest`].
    pub struct DeleteRecordsTopic {
        /// The topic's name.
        name: Str, [0+];
        /// The partitions.
        partitions: Vec<DeleteRecordsPartition>, [0+];
    }

    /// A partition, in [`DeleteRecordsRequest`].
    pub struct DeleteRecordsPartition {
        /// The partition.
        partition_index: i32, [0+];
        /// The first offset to keep; -1 for the high watermark.
        offset: i64, [0+];
    }

    /// The new beginnings of the partitions.
    pub struct DeleteRecordsResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [0+];
        /// The topics.
        topics: Vec<DeleteRecordsTopicResult>, [0+];
    }

    /// A topic, in [`DeleteRecordsResponse`].
    pub struct DeleteRecordsTopicResult {
        /// The topic's name.
        name: Str, [0+];
        /// The partitions.
        partitions: Vec<DeleteRecordsPartitionResult>, [0+];
    }

    /// A partition, in [`DeleteRecordsResponse`].
    pub struct DeleteRecordsPartitionResult {
        /// The partition.
        partition_index: i32, [0+];
        /// The first offset that is still there on all replicas, or -1.
        low_watermark: i64, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
    }
}
