//! The quorum of the metadata log (KIP-595, KIP-853).

use crate::Str;
use crate::table::{first, present, tables, versions};
use types::Uuid;

tables! {
    /// Asks for the state of the metadata quorum (KIP-595).
    pub struct DescribeQuorumRequest {
        /// The topics.
        topics: Vec<DescribeQuorumRequestTopicData>, [0+];
    }

    /// A topic, in [`DescribeQuorumRequest`].
    pub struct DescribeQuorumRequestTopicData {
        /// The topic.
        topic_name: Str, [0+];
        /// The partitions.
        partitions: Vec<DescribeQuorumRequestPartitionData>, [0+];
    }

    /// A partition, in [`DescribeQuorumRequest`].
    pub struct DescribeQuorumRequestPartitionData {
        /// The partition.
        partition_index: i32, [0+];
    }

    /// The state of the metadata quorum.
    pub struct DescribeQuorumResponse {
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The same in words, or null.
        error_message: Option<Str>, [2+] nullable [2+] (ignorable);
        /// The topics.
        topics: Vec<DescribeQuorumResponseTopicData>, [0+];
        /// The addresses of the replicas.
        nodes: Vec<Node>, [2+];
    }

    /// A topic, in [`DescribeQuorumResponse`].
    pub struct DescribeQuorumResponseTopicData {
        /// The topic.
        topic_name: Str, [0+];
        /// The partitions.
        partitions: Vec<DescribeQuorumResponsePartitionData>, [0+];
    }

    /// A partition, in [`DescribeQuorumResponse`].
    pub struct DescribeQuorumResponsePartitionData {
        /// The partition.
        partition_index: i32, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The same in words, or null.
        error_message: Option<Str>, [2+] nullable [2+] (ignorable);
        /// The leader of the partition, or -1 if it is unknown.
        leader_id: i32, [0+];
        /// The leader epoch.
        leader_epoch: i32, [0+];
        /// The offset after the last committed record.
        high_watermark: i64, [0+];
        /// The replicas that vote.
        current_voters: Vec<ReplicaState>, [0+];
        /// The replicas that only follow.
        observers: Vec<ReplicaState>, [0+];
    }

    /// A replica and its addresses, in [`DescribeQuorumResponse`].
    pub struct Node {
        /// The broker's id.
        node_id: i32, [2+];
        /// The addresses to connect to.
        listeners: Vec<DescribeQuorumListener>, [2+];
    }

    /// An address, in [`DescribeQuorumResponse`].
    pub struct DescribeQuorumListener {
        /// The name of the listener.
        name: Str, [2+];
        /// The host to connect to.
        host: Str, [2+];
        /// The port to connect to.
        port: u16, [2+];
    }

    /// How far a replica is, in [`DescribeQuorumResponse`].
    pub struct ReplicaState {
        /// The replica.
        replica_id: i32, [0+];
        /// The log directory of the replica.
        replica_directory_id: Uuid, [2+];
        /// The offset after the replica's last record, or -1.
        log_end_offset: i64, [0+];
        /// When the replica last asked for records, in milliseconds since 1970, or -1.
        last_fetch_timestamp: i64, [1+] (ignorable) = -1;
        /// When the replica had all of the leader's records, in milliseconds since 1970, or -1.
        last_caught_up_timestamp: i64, [1+] (ignorable) = -1;
    }

    /// Adds a voter to the metadata quorum (KIP-853).
    pub struct AddRaftVoterRequest {
        /// The cluster.
        cluster_id: Option<Str>, [0+] nullable [0+];
        /// How long the broker may take, in milliseconds.
        timeout_ms: i32, [0+];
        /// The voter.
        voter_id: i32, [0+];
        /// The log directory of the voter.
        voter_directory_id: Uuid, [0+];
        /// The addresses to connect to.
        listeners: Vec<AddRaftVoterListener>, [0+];
        /// Whether to answer only once the change is committed to the log.
        ack_when_committed: bool, [1+] = true;
    }

    /// An address, in [`AddRaftVoterRequest`].
    pub struct AddRaftVoterListener {
        /// The name of the listener.
        name: Str, [0+];
        /// The host to connect to.
        host: Str, [0+];
        /// The port to connect to.
        port: u16, [0+];
    }

    /// Whether the voter was added.
    pub struct AddRaftVoterResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The same in words, or null.
        error_message: Option<Str>, [0+] nullable [0+] (ignorable);
    }

    /// Removes a voter from the metadata quorum (KIP-853).
    pub struct RemoveRaftVoterRequest {
        /// The cluster.
        cluster_id: Option<Str>, [0+] nullable [0+];
        /// The voter.
        voter_id: i32, [0+];
        /// The log directory of the voter.
        voter_directory_id: Uuid, [0+];
    }

    /// Whether the voter was removed.
    pub struct RemoveRaftVoterResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The same in words, or null.
        error_message: Option<Str>, [0+] nullable [0+] (ignorable);
    }
}
