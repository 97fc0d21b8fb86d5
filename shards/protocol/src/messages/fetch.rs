//! Reading records.

use crate::table::{first, present, tables, versions};
use crate::{Records, Str};
use types::Uuid;

tables! {
    /// Reads records, for a consumer or a follower.
    pub struct FetchRequest {
        /// The cluster.
        cluster_id: Option<Str>, [12+] nullable [12+] tag 0 (ignorable) = None;
        /// The replica that asks, or -1 for a client.
        replica_id: i32, [0-14] = -1;
        /// The follower that asks.
        replica_state: ReplicaState, [15+] tag 1;
        /// How long to wait for `min_bytes`, in milliseconds.
        max_wait_ms: i32, [0+];
        /// How many bytes must be there before the broker answers, unless `max_wait_ms` is over.
        min_bytes: i32, [0+];
        /// How many bytes the answer should have at most.
        max_bytes: i32, [3+] (ignorable) = i32::MAX;
        /// What may be read: 0 all records, 1 only those outside of open and aborted transactions.
        isolation_level: i8, [4+] (ignorable);
        /// The fetch session; 0 for none.
        session_id: i32, [7+] (ignorable);
        /// Counts the requests of the session; 0 opens one, -1 stays without.
        session_epoch: i32, [7+] (ignorable) = -1;
        /// The topics.
        topics: Vec<FetchTopic>, [0+];
        /// The partitions to take out of the session.
        forgotten_topics_data: Vec<ForgottenTopic>, [7+];
        /// The rack of the client.
        rack_id: Str, [11+] (ignorable);
    }

    /// The follower that asks, in [`FetchRequest`].
    pub struct ReplicaState {
        /// The replica that asks, or -1 for a client.
        replica_id: i32, [15+] = -1;
        /// The broker epoch of the follower, or -1.
        replica_epoch: i64, [15+] = -1;
    }

    /// A topic, in [`FetchRequest`].
    pub struct FetchTopic {
        /// The topic.
        topic: Str, [0-12] (ignorable);
        /// The topic's id.
        topic_id: Uuid, [13+] (ignorable);
        /// The partitions.
        partitions: Vec<FetchPartition>, [0+];
    }

    /// A partition, in [`FetchRequest`].
    pub struct FetchPartition {
        /// The partition.
        partition: i32, [0+];
        /// The leader epoch that the client knows of, or -1; it is compared with the leader's.
        current_leader_epoch: i32, [9+] (ignorable) = -1;
        /// The offset to read from.
        fetch_offset: i64, [0+];
        /// The leader epoch of the last record that the follower has, or -1.
        last_fetched_epoch: i32, [12+] = -1;
        /// The first offset that is still there, or -1 if it is unknown.
        log_start_offset: i64, [5+] (ignorable) = -1;
        /// How many bytes of this partition the answer should have at most.
        partition_max_bytes: i32, [0+];
        /// The log directory of the replica.
        replica_directory_id: Uuid, [17+] tag 0 (ignorable);
        /// The offset after the last committed record.
        high_watermark: i64, [18+] tag 1 (ignorable) = i64::MAX;
    }

    /// A topic to take out of the session, in [`FetchRequest`].
    pub struct ForgottenTopic {
        /// The topic.
        topic: Str, [7-12] (ignorable);
        /// The topic's id.
        topic_id: Uuid, [13+] (ignorable);
        /// The partitions.
        partitions: Vec<i32>, [7+];
    }

    /// Records, and how far the partitions are.
    pub struct FetchResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [1+] (ignorable);
        /// What went wrong; 0 for success.
        error_code: i16, [7+] (ignorable);
        /// The fetch session; 0 for none.
        session_id: i32, [7+];
        /// What became of each topic.
        responses: Vec<FetchableTopicResponse>, [0+];
        /// The addresses of the leaders that are named.
        node_endpoints: Vec<NodeEndpoint>, [16+] tag 0;
    }

    /// A topic, in [`FetchResponse`].
    pub struct FetchableTopicResponse {
        /// The topic.
        topic: Str, [0-12] (ignorable);
        /// The topic's id.
        topic_id: Uuid, [13+] (ignorable);
        /// The partitions.
        partitions: Vec<PartitionData>, [0+];
    }

    /// A partition, in [`FetchResponse`].
    pub struct PartitionData {
        /// The partition.
        partition_index: i32, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The offset after the last committed record.
        high_watermark: i64, [0+];
        /// The offset before which no transaction is undecided, or -1.
        last_stable_offset: i64, [4+] (ignorable) = -1;
        /// The first offset that is still there, or -1 if it is unknown.
        log_start_offset: i64, [5+] (ignorable) = -1;
        /// Where the follower's log parts from the leader's.
        diverging_epoch: EpochEndOffset, [12+] tag 0;
        /// The leader, if the client asked the wrong broker.
        current_leader: LeaderIdAndEpoch, [12+] tag 1;
        /// The snapshot that the follower has to load first.
        snapshot_id: SnapshotId, [12+] tag 2;
        /// The aborted transactions among these records; null for readers of uncommitted records.
        aborted_transactions: Option<Vec<AbortedTransaction>>, [4+] nullable [4+] (ignorable);
        /// The replica to read from instead, or -1.
        preferred_read_replica: i32, [11+] = -1;
        /// The record batches.
        records: Option<Records>, [0+] nullable [0+];
    }

    /// Where the logs of leader and follower part, in [`FetchResponse`].
    pub struct EpochEndOffset {
        /// The leader epoch.
        epoch: i32, [12+] = -1;
        /// The offset after the last record of that epoch, or -1.
        end_offset: i64, [12+] = -1;
    }

    /// The leader of a partition, in [`FetchResponse`].
    pub struct LeaderIdAndEpoch {
        /// The leader of the partition, or -1 if it is unknown.
        leader_id: i32, [12+] = -1;
        /// The leader epoch, or -1 if it is unknown.
        leader_epoch: i32, [12+] = -1;
    }

    /// A snapshot, in [`FetchResponse`].
    pub struct SnapshotId {
        /// The offset after the snapshot's last record.
        end_offset: i64, [0+] = -1;
        /// The leader epoch.
        epoch: i32, [0+] = -1;
    }

    /// An aborted transaction, in [`FetchResponse`].
    pub struct AbortedTransaction {
        /// The producer's id.
        producer_id: i64, [4+];
        /// The offset of the transaction's first record.
        first_offset: i64, [4+];
    }

    /// The address of a leader, in [`FetchResponse`].
    pub struct NodeEndpoint {
        /// The broker's id.
        node_id: i32, [16+];
        /// The host to connect to.
        host: Str, [16+];
        /// The port to connect to.
        port: i32, [16+];
        /// The rack, or null.
        rack: Option<Str>, [16+] nullable [16+] = None;
    }
}
