//! Idempotent producers and transactions.

use crate::Str;
use crate::table::{first, present, tables, versions};

tables! {
    /// Asks for a producer id, and ends what an earlier producer of that name left open.
    pub struct InitProducerIdRequest {
        /// The name of the transactional producer; null for one that is only idempotent.
        transactional_id: Option<Str>, [0+] nullable [0+];
        /// The transaction is aborted after so many milliseconds.
        transaction_timeout_ms: i32, [0+];
        /// The id that the producer has, or -1.
        producer_id: i64, [3+] = -1;
        /// The epoch that the producer has, or -1.
        producer_epoch: i16, [3+] = -1;
        /// Whether the transaction takes part in two-phase commits (KIP-939).
        enable_2pc: bool, [6+];
        /// Whether a prepared transaction survives the initialisation (KIP-939).
        keep_prepared_txn: bool, [6+];
    }

    /// The producer id and its epoch.
    pub struct InitProducerIdResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [0+] (ignorable);
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The producer's id.
        producer_id: i64, [0+] = -1;
        /// The producer's epoch.
        producer_epoch: i16, [0+];
        /// The producer with the prepared transaction, or -1.
        ongoing_txn_producer_id: i64, [6+] = -1;
        /// The epoch of the producer with the prepared transaction, or -1.
        ongoing_txn_producer_epoch: i16, [6+] = -1;
    }

    /// Adds partitions to transactions.
    pub struct AddPartitionsToTxnRequest {
        /// The transactions.
        transactions: Vec<AddPartitionsToTxnTransaction>, [4+];
        /// The name of the producer, in versions with one transaction.
        v3_and_below_transactional_id: Str, [0-3];
        /// The producer's id, in versions with one transaction.
        v3_and_below_producer_id: i64, [0-3];
        /// The producer's epoch, in versions with one transaction.
        v3_and_below_producer_epoch: i16, [0-3];
        /// The partitions to add, in versions with one transaction.
        v3_and_below_topics: Vec<AddPartitionsToTxnTopic>, [0-3];
    }

    /// A transaction, in [`AddPartitionsToTxnRequest`].
    pub struct AddPartitionsToTxnTransaction {
        /// The name of the transactional producer.
        transactional_id: Str, [4+];
        /// The producer's id.
        producer_id: i64, [4+];
        /// The producer's epoch.
        producer_epoch: i16, [4+];
        /// Whether to ask only if the partitions are already part of the transaction.
        verify_only: bool, [4+];
        /// The topics.
        topics: Vec<AddPartitionsToTxnTopic>, [4+];
    }

    /// A topic, in [`AddPartitionsToTxnRequest`].
    pub struct AddPartitionsToTxnTopic {
        /// The topic's name.
        name: Str, [0+];
        /// The partitions.
        partitions: Vec<i32>, [0+];
    }

    /// What became of each partition.
    pub struct AddPartitionsToTxnResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [4+] (ignorable);
        /// What became of each transaction.
        results_by_transaction: Vec<AddPartitionsToTxnResult>, [4+];
        /// What became of each topic of the only transaction.
        results_by_topic_v3_and_below: Vec<AddPartitionsToTxnTopicResult>, [0-3];
    }

    /// What became of a transaction, in [`AddPartitionsToTxnResponse`].
    pub struct AddPartitionsToTxnResult {
        /// The name of the transactional producer.
        transactional_id: Str, [4+];
        /// What became of each topic.
        topic_results: Vec<AddPartitionsToTxnTopicResult>, [4+];
    }

    /// What became of a topic, in [`AddPartitionsToTxnResponse`].
    pub struct AddPartitionsToTxnTopicResult {
        /// The topic's name.
        name: Str, [0+];
        /// What became of each partition.
        results_by_partition: Vec<AddPartitionsToTxnPartitionResult>, [0+];
    }

    /// What became of a partition, in [`AddPartitionsToTxnResponse`].
    pub struct AddPartitionsToTxnPartitionResult {
        /// The partition.
        partition_index: i32, [0+];
        /// What went wrong with this partition; 0 for success.
        partition_error_code: i16, [0+];
    }

    /// Adds a group's offsets to a transaction.
    pub struct AddOffsetsToTxnRequest {
        /// The name of the transactional producer.
        transactional_id: Str, [0+];
        /// The producer's id.
        producer_id: i64, [0+];
        /// The producer's epoch.
        producer_epoch: i16, [0+];
        /// The group.
        group_id: Str, [0+];
    }

    /// Whether they were added.
    pub struct AddOffsetsToTxnResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
    }

    /// Commits or aborts a transaction.
    pub struct EndTxnRequest {
        /// The name of the transactional producer.
        transactional_id: Str, [0+];
        /// The producer's id.
        producer_id: i64, [0+];
        /// The producer's epoch.
        producer_epoch: i16, [0+];
        /// True to commit, false to abort.
        committed: bool, [0+];
    }

    /// Whether the transaction ends.
    pub struct EndTxnResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The producer's id.
        producer_id: i64, [5+] (ignorable) = -1;
        /// The producer's epoch.
        producer_epoch: i16, [5+] (ignorable) = -1;
    }

    /// Commits a group's offsets within a transaction.
    pub struct TxnOffsetCommitRequest {
        /// The name of the transactional producer.
        transactional_id: Str, [0+];
        /// The group.
        group_id: Str, [0+];
        /// The producer's id.
        producer_id: i64, [0+];
        /// The producer's epoch.
        producer_epoch: i16, [0+];
        /// The generation of the group, or -1.
        generation_id: i32, [3+] = -1;
        /// The member's id; empty outside of a group.
        member_id: Str, [3+];
        /// The name of a static member, or null.
        group_instance_id: Option<Str>, [3+] nullable [3+] = None;
        /// The topics.
        topics: Vec<TxnOffsetCommitRequestTopic>, [0+];
    }

    /// A topic, in [`TxnOffsetCommitRequest`].
    pub struct TxnOffsetCommitRequestTopic {
        /// The topic's name.
        name: Str, [0+];
        /// The partitions.
        partitions: Vec<TxnOffsetCommitRequestPartition>, [0+];
    }

    /// A partition, in [`TxnOffsetCommitRequest`].
    pub struct TxnOffsetCommitRequestPartition {
        /// The partition.
        partition_index: i32, [0+];
        /// The offset of the next record to consume.
        committed_offset: i64, [0+];
        /// The leader epoch of the last record that was consumed, or -1.
        committed_leader_epoch: i32, [2+] (ignorable) = -1;
        /// Whatever the client wants to keep beside the offset.
        committed_metadata: Option<Str>, [0+] nullable [0+];
    }

    /// What became of each partition.
    pub struct TxnOffsetCommitResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [0+];
        /// The topics.
        topics: Vec<TxnOffsetCommitResponseTopic>, [0+];
    }

    /// A topic, in [`TxnOffsetCommitResponse`].
    pub struct TxnOffsetCommitResponseTopic {
        /// The topic's name.
        name: Str, [0+];
        /// The partitions.
        partitions: Vec<TxnOffsetCommitResponsePartition>, [0+];
    }

    /// A partition, in [`TxnOffsetCommitResponse`].
    pub struct TxnOffsetCommitResponsePartition {
        /// The partition.
        partition_index: i32, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
    }

    /// Writes the markers that end transactions in partitions.
    pub struct WriteTxnMarkersRequest {
        /// One for each transaction that ends.
        markers: Vec<WritableTxnMarker>, [0+];
    }

    /// The end of a transaction, in [`WriteTxnMarkersRequest`].
    pub struct WritableTxnMarker {
        /// The producer's id.
        producer_id: i64, [0+];
        /// The producer's epoch.
        producer_epoch: i16, [0+];
        /// True to commit, false to abort.
        transaction_result: bool, [0+];
        /// The topics.
        topics: Vec<WritableTxnMarkerTopic>, [0+];
        /// The epoch of the transaction's coordinator.
        coordinator_epoch: i32, [0+];
        /// The version of the protocol of transactions.
        transaction_version: i8, [2+] (ignorable);
    }

    /// A topic, in [`WriteTxnMarkersRequest`].
    pub struct WritableTxnMarkerTopic {
        /// The topic's name.
        name: Str, [0+];
        /// The partitions.
        partition_indexes: Vec<i32>, [0+];
    }

    /// What became of each marker.
    pub struct WriteTxnMarkersResponse {
        /// One for each transaction that ends.
        markers: Vec<WritableTxnMarkerResult>, [0+];
    }

    /// The end of a transaction, in [`WriteTxnMarkersResponse`].
    pub struct WritableTxnMarkerResult {
        /// The producer's id.
        producer_id: i64, [0+];
        /// The topics.
        topics: Vec<WritableTxnMarkerTopicResult>, [0+];
    }

    /// A topic, in [`WriteTxnMarkersResponse`].
    pub struct WritableTxnMarkerTopicResult {
        /// The topic's name.
        name: Str, [0+];
        /// The partitions.
        partitions: Vec<WritableTxnMarkerPartitionResult>, [0+];
    }

    /// A partition, in [`WriteTxnMarkersResponse`].
    pub struct WritableTxnMarkerPartitionResult {
        /// The partition.
        partition_index: i32, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
    }
}
