//! TODO

use crate::Str;
use crate::table::{first, present, tables, versions};
use types::Uuid;

tables! {
    /// TODO CreateTopicsRequest
    pub struct CreateTopicsRequest {
        /// TODO topics
        topics: Vec<CreatableTopic>, [0+];
        /// TODO timeout_ms
        timeout_ms: i32, [0+] = 60_000;
        /// TODO validate_only
        validate_only: bool, [1+];
    }

    /// TODO CreatableTopic
    pub struct CreatableTopic {
        /// TODO name
        name: Str, [0+];
        /// TODO num_partitions
        num_partitions: i32, [0+];
        /// TODO replication_factor
        replication_factor: i16, [0+];
        /// TODO assignments
        assignments: Vec<CreatableReplicaAssignment>, [0+];
        /// TODO configs
        configs: Vec<CreatableTopicConfig>, [0+];
    }

    /// TODO CreatableReplicaAssignment
    pub struct CreatableReplicaAssignment {
        /// TODO partition_index
        partition_index: i32, [0+];
        /// TODO broker_ids
        broker_ids: Vec<i32>, [0+];
    }

    /// TODO CreatableTopicConfig
    pub struct CreatableTopicConfig {
        /// TODO name
        name: Str, [0+];
        /// TODO value
        value: Option<Str>, [0+] nullable [0+];
    }

    /// TODO CreateTopicsResponse
    pub struct CreateTopicsResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [2+] (ignorable);
        /// TODO topics
        topics: Vec<CreatableTopicResult>, [0+];
    }

    /// TODO CreatableTopicResult
    pub struct CreatableTopicResult {
        /// TODO name
        name: Str, [0+];
        /// TODO topic_id
        topic_id: Uuid, [7+] (ignorable);
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO error_message
        error_message: Option<Str>, [1+] nullable [0+] (ignorable);
        /// TODO topic_config_error_code
        topic_config_error_code: i16, [5+] tag 0 (ignorable);
        /// TODO num_partitions
        num_partitions: i32, [5+] (ignorable) = -1;
        /// TODO replication_factor
        replication_factor: i16, [5+] (ignorable) = -1;
        /// TODO configs
        configs: Option<Vec<CreatableTopicConfigs>>, [5+] nullable [5+] (ignorable);
    }

    /// TODO CreatableTopicConfigs
    pub struct CreatableTopicConfigs {
        /// TODO name
        name: Str, [5+];
        /// TODO value
        value: Option<Str>, [5+] nullable [5+];
        /// TODO read_only
        read_only: bool, [5+];
        /// TODO config_source
        config_source: i8, [5+] (ignorable) = -1;
        /// TODO is_sensitive
        is_sensitive: bool, [5+];
    }

    /// TODO DeleteTopicsRequest
    pub struct DeleteTopicsRequest {
        /// TODO topics
        topics: Vec<DeleteTopicState>, [6+];
        /// TODO topic_names
        topic_names: Vec<Str>, [0-5] (ignorable);
        /// TODO timeout_ms
        timeout_ms: i32, [0+];
    }

    /// TODO DeleteTopicState
    pub struct DeleteTopicState {
        /// TODO name
        name: Option<Str>, [6+] nullable [6+] = None;
        /// TODO topic_id
        topic_id: Uuid, [6+];
    }

    /// TODO DeleteTopicsResponse
    pub struct DeleteTopicsResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [1+] (ignorable);
        /// TODO responses
        responses: Vec<DeletableTopicResult>, [0+];
    }

    /// TODO DeletableTopicResult
    pub struct DeletableTopicResult {
        /// TODO name
        name: Option<Str>, [0+] nullable [6+];
        /// TODO topic_id
        topic_id: Uuid, [6+] (ignorable);
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO error_message
        error_message: Option<Str>, [5+] nullable [5+] (ignorable) = None;
    }

    /// TODO CreatePartitionsRequest
    pub struct CreatePartitionsRequest {
        /// TODO topics
        topics: Vec<CreatePartitionsTopic>, [0+];
        /// TODO timeout_ms
        timeout_ms: i32, [0+];
        /// TODO validate_only
        validate_only: bool, [0+];
    }

    /// TODO CreatePartitionsTopic
    pub struct CreatePartitionsTopic {
        /// TODO name
        name: Str, [0+];
        /// TODO count
        count: i32, [0+];
        /// TODO assignments
        assignments: Option<Vec<CreatePartitionsAssignment>>, [0+] nullable [0+];
    }

    /// TODO CreatePartitionsAssignment
    pub struct CreatePartitionsAssignment {
        /// TODO broker_ids
        broker_ids: Vec<i32>, [0+];
    }

    /// TODO CreatePartitionsResponse
    pub struct CreatePartitionsResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [0+];
        /// TODO results
        results: Vec<CreatePartitionsTopicResult>, [0+];
    }

    /// TODO CreatePartitionsTopicResult
    pub struct CreatePartitionsTopicResult {
        /// TODO name
        name: Str, [0+];
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO error_message
        error_message: Option<Str>, [0+] nullable [0+] = None;
    }

    /// TODO DeleteRecordsRequest
    pub struct DeleteRecordsRequest {
        /// TODO topics
        topics: Vec<DeleteRecordsTopic>, [0+];
        /// TODO timeout_ms
        timeout_ms: i32, [0+];
    }

    /// TODO DeleteRecordsTopic
    pub struct DeleteRecordsTopic {
        /// TODO name
        name: Str, [0+];
        /// TODO partitions
        partitions: Vec<DeleteRecordsPartition>, [0+];
    }

    /// TODO DeleteRecordsPartition
    pub struct DeleteRecordsPartition {
        /// TODO partition_index
        partition_index: i32, [0+];
        /// TODO offset
        offset: i64, [0+];
    }

    /// TODO DeleteRecordsResponse
    pub struct DeleteRecordsResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [0+];
        /// TODO topics
        topics: Vec<DeleteRecordsTopicResult>, [0+];
    }

    /// TODO DeleteRecordsTopicResult
    pub struct DeleteRecordsTopicResult {
        /// TODO name
        name: Str, [0+];
        /// TODO partitions
        partitions: Vec<DeleteRecordsPartitionResult>, [0+];
    }

    /// TODO DeleteRecordsPartitionResult
    pub struct DeleteRecordsPartitionResult {
        /// TODO partition_index
        partition_index: i32, [0+];
        /// TODO low_watermark
        low_watermark: i64, [0+];
        /// TODO error_code
        error_code: i16, [0+];
    }
}
