//! Elections and the replicas of partitions.

use crate::Str;
use crate::table::{first, present, tables, versions};

tables! {
    /// Elects leaders of partitions (KIP-460).
    pub struct ElectLeadersRequest {
        /// The kind of election: 0 for the preferred leader, 1 for an unclean one.
        election_type: i8, [1+];
        /// The partitions; null for all.
        topic_partitions: Option<Vec<TopicPartitions>>, [0+] nullable [0+];
        /// How long the broker may take, in milliseconds.
        timeout_ms: i32, [0+] = 60_000;
    }

    /// Partitions of a topic, in [`ElectLeadersRequest`].
    pub struct TopicPartitions {
        /// The topic.
        topic: Str, [0+];
        /// The partitions.
        partitions: Vec<i32>, [0+];
    }

    /// What became of each election.
    pub struct ElectLeadersResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [1+];
        /// What became of each election.
        replica_election_results: Vec<ReplicaElectionResult>, [0+];
    }

    /// A topic, in [`ElectLeadersResponse`].
    pub struct ReplicaElectionResult {
        /// The topic.
        topic: Str, [0+];
        /// What became of each partition.
        partition_result: Vec<PartitionResult>, [0+];
    }

    /// A partition, in [`ElectLeadersResponse`].
    pub struct PartitionResult {
        /// The partition.
        partition_id: i32, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The same in words, or null.
        error_message: Option<Str>, [0+] nullable [0+];
    }

    /// Gives partitions other replicas, or cancels that (KIP-455).
    pub struct AlterPartitionReassignmentsRequest {
        /// How long the broker may take, in milliseconds.
        timeout_ms: i32, [0+] = 60_000;
        /// Whether the number of replicas may change with the reassignment.
        allow_replication_factor_change: bool, [1+] = true;
        /// The topics.
        topics: Vec<ReassignableTopic>, [0+];
    }

    /// A topic, in [`AlterPartitionReassignmentsRequest`].
    pub struct ReassignableTopic {
        /// The topic's name.
        name: Str, [0+];
        /// The partitions.
        partitions: Vec<ReassignablePartition>, [0+];
    }

    /// A partition, in [`AlterPartitionReassignmentsRequest`].
    pub struct ReassignablePartition {
        /// The partition.
        partition_index: i32, [0+];
        /// All replicas there shall be, the preferred leader first; null to cancel.
        replicas: Option<Vec<i32>>, [0+] nullable [0+] = None;
    }

    /// What became of each partition.
    pub struct AlterPartitionReassignmentsResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [0+];
        /// Whether the number of replicas may change with the reassignment.
        allow_replication_factor_change: bool, [1+] (ignorable) = true;
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The same in words, or null.
        error_message: Option<Str>, [0+] nullable [0+];
        /// What became of each topic.
        responses: Vec<ReassignableTopicResponse>, [0+];
    }

    /// A topic, in [`AlterPartitionReassignmentsResponse`].
    pub struct ReassignableTopicResponse {
        /// The topic's name.
        name: Str, [0+];
        /// The partitions.
        partitions: Vec<ReassignablePartitionResponse>, [0+];
    }

    /// A partition, in [`AlterPartitionReassignmentsResponse`].
    pub struct ReassignablePartitionResponse {
        /// The partition.
        partition_index: i32, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The same in words, or null.
        error_message: Option<Str>, [0+] nullable [0+];
    }

    /// Asks for the reassignments under way.
    pub struct ListPartitionReassignmentsRequest {
        /// How long the broker may take, in milliseconds.
        timeout_ms: i32, [0+] = 60_000;
        /// The topics; null for all reassignments.
        topics: Option<Vec<ListPartitionReassignmentsTopics>>, [0+] nullable [0+] = None;
    }

    /// A topic, in [`ListPartitionReassignmentsRequest`].
    pub struct ListPartitionReassignmentsTopics {
        /// The topic's name.
        name: Str, [0+];
        /// The partitions.
        partition_indexes: Vec<i32>, [0+];
    }

    /// The reassignments under way.
    pub struct ListPartitionReassignmentsResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The same in words, or null.
        error_message: Option<Str>, [0+] nullable [0+];
        /// The topics.
        topics: Vec<OngoingTopicReassignment>, [0+];
    }

    /// A topic, in [`ListPartitionReassignmentsResponse`].
    pub struct OngoingTopicReassignment {
        /// The topic's name.
        name: Str, [0+];
        /// The partitions.
        partitions: Vec<OngoingPartitionReassignment>, [0+];
    }

    /// A partition, in [`ListPartitionReassignmentsResponse`].
    pub struct OngoingPartitionReassignment {
        /// The partition.
        partition_index: i32, [0+];
        /// All replicas, the preferred leader first.
        replicas: Vec<i32>, [0+];
        /// The replicas that are being added.
        adding_replicas: Vec<i32>, [0+];
        /// The replicas that are being removed.
        removing_replicas: Vec<i32>, [0+];
    }
}
