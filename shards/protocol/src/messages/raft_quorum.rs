//! TODO

use crate::Str;
use crate::table::{first, present, tables, versions};
use types::Uuid;

tables! {
    /// TODO DescribeQuorumRequest
    pub struct DescribeQuorumRequest {
        /// TODO topics
        topics: Vec<DescribeQuorumRequestTopicData>, [0+];
    }

    /// TODO DescribeQuorumRequestTopicData
    pub struct DescribeQuorumRequestTopicData {
        /// TODO topic_name
        topic_name: Str, [0+];
        /// TODO partitions
        partitions: Vec<DescribeQuorumRequestPartitionData>, [0+];
    }

    /// TODO DescribeQuorumRequestPartitionData
    pub struct DescribeQuorumRequestPartitionData {
        /// TODO partition_index
        partition_index: i32, [0+];
    }

    /// TODO DescribeQuorumResponse
    pub struct DescribeQuorumResponse {
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO error_message
        error_message: Option<Str>, [2+] nullable [2+] (ignorable);
        /// TODO topics
        topics: Vec<DescribeQuorumResponseTopicData>, [0+];
        /// TODO nodes
        nodes: Vec<Node>, [2+];
    }

    /// TODO DescribeQuorumResponseTopicData
    pub struct DescribeQuorumResponseTopicData {
        /// TODO topic_name
        topic_name: Str, [0+];
        /// TODO partitions
        partitions: Vec<DescribeQuorumResponsePartitionData>, [0+];
    }

    /// TODO DescribeQuorumResponsePartitionData
    pub struct DescribeQuorumResponsePartitionData {
        /// TODO partition_index
        partition_index: i32, [0+];
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO error_message
        error_message: Option<Str>, [2+] nullable [2+] (ignorable);
        /// TODO leader_id
        leader_id: i32, [0+];
        /// TODO leader_epoch
        leader_epoch: i32, [0+];
        /// TODO high_watermark
        high_watermark: i64, [0+];
        /// TODO current_voters
        current_voters: Vec<ReplicaState>, [0+];
        /// TODO observers
        observers: Vec<ReplicaState>, [0+];
    }

    /// TODO Node
    pub struct Node {
        /// TODO node_id
        node_id: i32, [2+];
        /// TODO listeners
        listeners: Vec<DescribeQuorumListener>, [2+];
    }

    /// TODO DescribeQuorumListener
    pub struct DescribeQuorumListener {
        /// TODO name
        name: Str, [2+];
        /// TODO host
        host: Str, [2+];
        /// TODO port
        port: u16, [2+];
    }

    /// TODO ReplicaState
    pub struct ReplicaState {
        /// TODO replica_id
        replica_id: i32, [0+];
        /// TODO replica_directory_id
        replica_directory_id: Uuid, [2+];
        /// TODO log_end_offset
        log_end_offset: i64, [0+];
        /// TODO last_fetch_timestamp
        last_fetch_timestamp: i64, [1+] (ignorable) = -1;
        /// TODO last_caught_up_timestamp
        last_caught_up_timestamp: i64, [1+] (ignorable) = -1;
    }

    /// TODO AddRaftVoterRequest
    pub struct AddRaftVoterRequest {
        /// TODO cluster_id
        cluster_id: Option<Str>, [0+] nullable [0+];
        /// TODO timeout_ms
        timeout_ms: i32, [0+];
        /// TODO voter_id
        voter_id: i32, [0+];
        /// TODO voter_directory_id
        voter_directory_id: Uuid, [0+];
        /// TODO listeners
        listeners: Vec<AddRaftVoterListener>, [0+];
        /// TODO ack_when_committed
        ack_when_committed: bool, [1+] = true;
    }

    /// TODO AddRaftVoterListener
    pub struct AddRaftVoterListener {
        /// TODO name
        name: Str, [0+];
        /// TODO host
        host: Str, [0+];
        /// TODO port
        port: u16, [0+];
    }

    /// TODO AddRaftVoterResponse
    pub struct AddRaftVoterResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [0+];
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO error_message
        error_message: Option<Str>, [0+] nullable [0+] (ignorable);
    }

    /// TODO RemoveRaftVoterRequest
    pub struct RemoveRaftVoterRequest {
        /// TODO cluster_id
        cluster_id: Option<Str>, [0+] nullable [0+];
        /// TODO voter_id
        voter_id: i32, [0+];
        /// TODO voter_directory_id
        voter_directory_id: Uuid, [0+];
    }

    /// TODO RemoveRaftVoterResponse
    pub struct RemoveRaftVoterResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [0+];
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO error_message
        error_message: Option<Str>, [0+] nullable [0+] (ignorable);
    }
}
