//! TODO

use crate::Str;
use crate::table::{first, present, tables, versions};

tables! {
    /// TODO ElectLeadersRequest
    pub struct ElectLeadersRequest {
        /// TODO election_type
        election_type: i8, [1+];
        /// TODO topic_partitions
        topic_partitions: Option<Vec<TopicPartitions>>, [0+] nullable [0+];
        /// TODO timeout_ms
        timeout_ms: i32, [0+] = 60_000;
    }

    /// TODO TopicPartitions
    pub struct TopicPartitions {
        /// TODO topic
        topic: Str, [0+];
        /// TODO partitions
        partitions: Vec<i32>, [0+];
    }

    /// TODO ElectLeadersResponse
    pub struct ElectLeadersResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [0+];
        /// TODO error_code
        error_code: i16, [1+];
        /// TODO replica_election_results
        replica_election_results: Vec<ReplicaElectionResult>, [0+];
    }

    /// TODO ReplicaElectionResult
    pub struct ReplicaElectionResult {
        /// TODO topic
        topic: Str, [0+];
        /// TODO partition_result
        partition_result: Vec<PartitionResult>, [0+];
    }

    /// TODO PartitionResult
    pub struct PartitionResult {
        /// TODO partition_id
        partition_id: i32, [0+];
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO error_message
        error_message: Option<Str>, [0+] nullable [0+];
    }

    /// TODO AlterPartitionReassignmentsRequest
    pub struct AlterPartitionReassignmentsRequest {
        /// TODO timeout_ms
        timeout_ms: i32, [0+] = 60_000;
        /// TODO allow_replication_factor_change
        allow_replication_factor_change: bool, [1+] = true;
        /// TODO topics
        topics: Vec<ReassignableTopic>, [0+];
    }

    /// TODO ReassignableTopic
    pub struct ReassignableTopic {
        /// TODO name
        name: Str, [0+];
        /// TODO partitions
        partitions: Vec<ReassignablePartition>, [0+];
    }

    /// TODO ReassignablePartition
    pub struct ReassignablePartition {
        /// TODO partition_index
        partition_index: i32, [0+];
        /// TODO replicas
        replicas: Option<Vec<i32>>, [0+] nullable [0+] = None;
    }

    /// TODO AlterPartitionReassignmentsResponse
    pub struct AlterPartitionReassignmentsResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [0+];
        /// TODO allow_replication_factor_change
        allow_replication_factor_change: bool, [1+] (ignorable) = true;
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO error_message
        error_message: Option<Str>, [0+] nullable [0+];
        /// TODO responses
        responses: Vec<ReassignableTopicResponse>, [0+];
    }

    /// TODO ReassignableTopicResponse
    pub struct ReassignableTopicResponse {
        /// TODO name
        name: Str, [0+];
        /// TODO partitions
        partitions: Vec<ReassignablePartitionResponse>, [0+];
    }

    /// TODO ReassignablePartitionResponse
    pub struct ReassignablePartitionResponse {
        /// TODO partition_index
        partition_index: i32, [0+];
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO error_message
        error_message: Option<Str>, [0+] nullable [0+];
    }

    /// TODO ListPartitionReassignmentsRequest
    pub struct ListPartitionReassignmentsRequest {
        /// TODO timeout_ms
        timeout_ms: i32, [0+] = 60_000;
        /// TODO topics
        topics: Option<Vec<ListPartitionReassignmentsTopics>>, [0+] nullable [0+] = None;
    }

    /// TODO ListPartitionReassignmentsTopics
    pub struct ListPartitionReassignmentsTopics {
        /// TODO name
        name: Str, [0+];
        /// TODO partition_indexes
        partition_indexes: Vec<i32>, [0+];
    }

    /// TODO ListPartitionReassignmentsResponse
    pub struct ListPartitionReassignmentsResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [0+];
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO error_message
        error_message: Option<Str>, [0+] nullable [0+];
        /// TODO topics
        topics: Vec<OngoingTopicReassignment>, [0+];
    }

    /// TODO OngoingTopicReassignment
    pub struct OngoingTopicReassignment {
        /// TODO name
        name: Str, [0+];
        /// TODO partitions
        partitions: Vec<OngoingPartitionReassignment>, [0+];
    }

    /// TODO OngoingPartitionReassignment
    pub struct OngoingPartitionReassignment {
        /// TODO partition_index
        partition_index: i32, [0+];
        /// TODO replicas
        replicas: Vec<i32>, [0+];
        /// TODO adding_replicas
        adding_replicas: Vec<i32>, [0+];
        /// TODO removing_replicas
        removing_replicas: Vec<i32>, [0+];
    }
}
