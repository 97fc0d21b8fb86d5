//! TODO

use crate::table::{first, present, tables, versions};
use crate::{Records, Str};
use types::Uuid;

tables! {
    /// TODO FetchRequest
    pub struct FetchRequest {
        /// TODO cluster_id
        cluster_id: Option<Str>, [12+] nullable [12+] tag 0 (ignorable) = None;
        /// TODO replica_id
        replica_id: i32, [0-14] = -1;
        /// TODO replica_state
        replica_state: ReplicaState, [15+] tag 1;
        /// TODO max_wait_ms
        max_wait_ms: i32, [0+];
        /// TODO min_bytes
        min_bytes: i32, [0+];
        /// TODO max_bytes
        max_bytes: i32, [3+] (ignorable) = i32::MAX;
        /// TODO isolation_level
        isolation_level: i8, [4+] (ignorable);
        /// TODO session_id
        session_id: i32, [7+] (ignorable);
        /// TODO session_epoch
        session_epoch: i32, [7+] (ignorable) = -1;
        /// TODO topics
        topics: Vec<FetchTopic>, [0+];
        /// TODO forgotten_topics_data
        forgotten_topics_data: Vec<ForgottenTopic>, [7+];
        /// TODO rack_id
        rack_id: Str, [11+] (ignorable);
    }

    /// TODO ReplicaState
    pub struct ReplicaState {
        /// TODO replica_id
        replica_id: i32, [15+] = -1;
        /// TODO replica_epoch
        replica_epoch: i64, [15+] = -1;
    }

    /// TODO FetchTopic
    pub struct FetchTopic {
        /// TODO topic
        topic: Str, [0-12] (ignorable);
        /// TODO topic_id
        topic_id: Uuid, [13+] (ignorable);
        /// TODO partitions
        partitions: Vec<FetchPartition>, [0+];
    }

    /// TODO FetchPartition
    pub struct FetchPartition {
        /// TODO partition
        partition: i32, [0+];
        /// TODO current_leader_epoch
        current_leader_epoch: i32, [9+] (ignorable) = -1;
        /// TODO fetch_offset
        fetch_offset: i64, [0+];
        /// TODO last_fetched_epoch
        last_fetched_epoch: i32, [12+] = -1;
        /// TODO log_start_offset
        log_start_offset: i64, [5+] (ignorable) = -1;
        /// TODO partition_max_bytes
        partition_max_bytes: i32, [0+];
        /// TODO replica_directory_id
        replica_directory_id: Uuid, [17+] tag 0 (ignorable);
        /// TODO high_watermark
        high_watermark: i64, [18+] tag 1 (ignorable) = i64::MAX;
    }

    /// TODO ForgottenTopic
    pub struct ForgottenTopic {
        /// TODO topic
        topic: Str, [7-12] (ignorable);
        /// TODO topic_id
        topic_id: Uuid, [13+] (ignorable);
        /// TODO partitions
        partitions: Vec<i32>, [7+];
    }

    /// TODO FetchResponse
    pub struct FetchResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [1+] (ignorable);
        /// TODO error_code
        error_code: i16, [7+] (ignorable);
        /// TODO session_id
        session_id: i32, [7+];
        /// TODO responses
        responses: Vec<FetchableTopicResponse>, [0+];
        /// TODO node_endpoints
        node_endpoints: Vec<NodeEndpoint>, [16+] tag 0;
    }

    /// TODO FetchableTopicResponse
    pub struct FetchableTopicResponse {
        /// TODO topic
        topic: Str, [0-12] (ignorable);
        /// TODO topic_id
        topic_id: Uuid, [13+] (ignorable);
        /// TODO partitions
        partitions: Vec<PartitionData>, [0+];
    }

    /// TODO PartitionData
    pub struct PartitionData {
        /// TODO partition_index
        partition_index: i32, [0+];
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO high_watermark
        high_watermark: i64, [0+];
        /// TODO last_stable_offset
        last_stable_offset: i64, [4+] (ignorable) = -1;
        /// TODO log_start_offset
        log_start_offset: i64, [5+] (ignorable) = -1;
        /// TODO diverging_epoch
        diverging_epoch: EpochEndOffset, [12+] tag 0;
        /// TODO current_leader
        current_leader: LeaderIdAndEpoch, [12+] tag 1;
        /// TODO snapshot_id
        snapshot_id: SnapshotId, [12+] tag 2;
        /// TODO aborted_transactions
        aborted_transactions: Option<Vec<AbortedTransaction>>, [4+] nullable [4+] (ignorable);
        /// TODO preferred_read_replica
        preferred_read_replica: i32, [11+] = -1;
        /// TODO records
        records: Option<Records>, [0+] nullable [0+];
    }

    /// TODO EpochEndOffset
    pub struct EpochEndOffset {
        /// TODO epoch
        epoch: i32, [12+] = -1;
        /// TODO end_offset
        end_offset: i64, [12+] = -1;
    }

    /// TODO LeaderIdAndEpoch
    pub struct LeaderIdAndEpoch {
        /// TODO leader_id
        leader_id: i32, [12+] = -1;
        /// TODO leader_epoch
        leader_epoch: i32, [12+] = -1;
    }

    /// TODO SnapshotId
    pub struct SnapshotId {
        /// TODO end_offset
        end_offset: i64, [0+] = -1;
        /// TODO epoch
        epoch: i32, [0+] = -1;
    }

    /// TODO AbortedTransaction
    pub struct AbortedTransaction {
        /// TODO producer_id
        producer_id: i64, [4+];
        /// TODO first_offset
        first_offset: i64, [4+];
    }

    /// TODO NodeEndpoint
    pub struct NodeEndpoint {
        /// TODO node_id
        node_id: i32, [16+];
        /// TODO host
        host: Str, [16+];
        /// TODO port
        port: i32, [16+];
        /// TODO rack
        rack: Option<Str>, [16+] nullable [16+] = None;
    }
}
