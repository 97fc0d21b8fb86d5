//! TODO

use crate::Str;
use crate::table::{first, present, tables, versions};

tables! {
    /// TODO InitProducerIdRequest
    pub struct InitProducerIdRequest {
        /// TODO transactional_id
        transactional_id: Option<Str>, [0+] nullable [0+];
        /// TODO transaction_timeout_ms
        transaction_timeout_ms: i32, [0+];
        /// TODO producer_id
        producer_id: i64, [3+] = -1;
        /// TODO producer_epoch
        producer_epoch: i16, [3+] = -1;
        /// TODO enable2_pc
        enable2_pc: bool, [6+];
        /// TODO keep_prepared_txn
        keep_prepared_txn: bool, [6+];
    }

    /// TODO InitProducerIdResponse
    pub struct InitProducerIdResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [0+] (ignorable);
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO producer_id
        producer_id: i64, [0+] = -1;
        /// TODO producer_epoch
        producer_epoch: i16, [0+];
        /// TODO ongoing_txn_producer_id
        ongoing_txn_producer_id: i64, [6+] = -1;
        /// TODO ongoing_txn_producer_epoch
        ongoing_txn_producer_epoch: i16, [6+] = -1;
    }

    /// TODO AddPartitionsToTxnRequest
    pub struct AddPartitionsToTxnRequest {
        /// TODO transactions
        transactions: Vec<AddPartitionsToTxnTransaction>, [4+];
        /// TODO v3_and_below_transactional_id
        v3_and_below_transactional_id: Str, [0-3];
        /// TODO v3_and_below_producer_id
        v3_and_below_producer_id: i64, [0-3];
        /// TODO v3_and_below_producer_epoch
        v3_and_below_producer_epoch: i16, [0-3];
        /// TODO v3_and_below_topics
        v3_and_below_topics: Vec<AddPartitionsToTxnTopic>, [0-3];
    }

    /// TODO AddPartitionsToTxnTransaction
    pub struct AddPartitionsToTxnTransaction {
        /// TODO transactional_id
        transactional_id: Str, [4+];
        /// TODO producer_id
        producer_id: i64, [4+];
        /// TODO producer_epoch
        producer_epoch: i16, [4+];
        /// TODO verify_only
        verify_only: bool, [4+];
        /// TODO topics
        topics: Vec<AddPartitionsToTxnTopic>, [4+];
    }

    /// TODO AddPartitionsToTxnTopic
    pub struct AddPartitionsToTxnTopic {
        /// TODO name
        name: Str, [0+];
        /// TODO partitions
        partitions: Vec<i32>, [0+];
    }

    /// TODO AddPartitionsToTxnResponse
    pub struct AddPartitionsToTxnResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [0+];
        /// TODO error_code
        error_code: i16, [4+] (ignorable);
        /// TODO results_by_transaction
        results_by_transaction: Vec<AddPartitionsToTxnResult>, [4+];
        /// TODO results_by_topic_v3_and_below
        results_by_topic_v3_and_below: Vec<AddPartitionsToTxnTopicResult>, [0-3];
    }

    /// TODO AddPartitionsToTxnResult
    pub struct AddPartitionsToTxnResult {
        /// TODO transactional_id
        transactional_id: Str, [4+];
        /// TODO topic_results
        topic_results: Vec<AddPartitionsToTxnTopicResult>, [4+];
    }

    /// TODO AddPartitionsToTxnTopicResult
    pub struct AddPartitionsToTxnTopicResult {
        /// TODO name
        name: Str, [0+];
        /// TODO results_by_partition
        results_by_partition: Vec<AddPartitionsToTxnPartitionResult>, [0+];
    }

    /// TODO AddPartitionsToTxnPartitionResult
    pub struct AddPartitionsToTxnPartitionResult {
        /// TODO partition_index
        partition_index: i32, [0+];
        /// TODO partition_error_code
        partition_error_code: i16, [0+];
    }

    /// TODO AddOffsetsToTxnRequest
    pub struct AddOffsetsToTxnRequest {
        /// TODO transactional_id
        transactional_id: Str, [0+];
        /// TODO producer_id
        producer_id: i64, [0+];
        /// TODO producer_epoch
        producer_epoch: i16, [0+];
        /// TODO group_id
        group_id: Str, [0+];
    }

    /// TODO AddOffsetsToTxnResponse
    pub struct AddOffsetsToTxnResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [0+];
        /// TODO error_code
        error_code: i16, [0+];
    }

    /// TODO EndTxnRequest
    pub struct EndTxnRequest {
        /// TODO transactional_id
        transactional_id: Str, [0+];
        /// TODO producer_id
        producer_id: i64, [0+];
        /// TODO producer_epoch
        producer_epoch: i16, [0+];
        /// TODO committed
        committed: bool, [0+];
    }

    /// TODO EndTxnResponse
    pub struct EndTxnResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [0+];
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO producer_id
        producer_id: i64, [5+] (ignorable) = -1;
        /// TODO producer_epoch
        producer_epoch: i16, [5+] (ignorable) = -1;
    }

    /// TODO TxnOffsetCommitRequest
    pub struct TxnOffsetCommitRequest {
        /// TODO transactional_id
        transactional_id: Str, [0+];
        /// TODO group_id
        group_id: Str, [0+];
        /// TODO producer_id
        producer_id: i64, [0+];
        /// TODO producer_epoch
        producer_epoch: i16, [0+];
        /// TODO generation_id
        generation_id: i32, [3+] = -1;
        /// TODO member_id
        member_id: Str, [3+];
        /// TODO group_instance_id
        group_instance_id: Option<Str>, [3+] nullable [3+] = None;
        /// TODO topics
        topics: Vec<TxnOffsetCommitRequestTopic>, [0+];
    }

    /// TODO TxnOffsetCommitRequestTopic
    pub struct TxnOffsetCommitRequestTopic {
        /// TODO name
        name: Str, [0+];
        /// TODO partitions
        partitions: Vec<TxnOffsetCommitRequestPartition>, [0+];
    }

    /// TODO TxnOffsetCommitRequestPartition
    pub struct TxnOffsetCommitRequestPartition {
        /// TODO partition_index
        partition_index: i32, [0+];
        /// TODO committed_offset
        committed_offset: i64, [0+];
        /// TODO committed_leader_epoch
        committed_leader_epoch: i32, [2+] (ignorable) = -1;
        /// TODO committed_metadata
        committed_metadata: Option<Str>, [0+] nullable [0+];
    }

    /// TODO TxnOffsetCommitResponse
    pub struct TxnOffsetCommitResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [0+];
        /// TODO topics
        topics: Vec<TxnOffsetCommitResponseTopic>, [0+];
    }

    /// TODO TxnOffsetCommitResponseTopic
    pub struct TxnOffsetCommitResponseTopic {
        /// TODO name
        name: Str, [0+];
        /// TODO partitions
        partitions: Vec<TxnOffsetCommitResponsePartition>, [0+];
    }

    /// TODO TxnOffsetCommitResponsePartition
    pub struct TxnOffsetCommitResponsePartition {
        /// TODO partition_index
        partition_index: i32, [0+];
        /// TODO error_code
        error_code: i16, [0+];
    }

    /// TODO WriteTxnMarkersRequest
    pub struct WriteTxnMarkersRequest {
        /// TODO markers
        markers: Vec<WritableTxnMarker>, [0+];
    }

    /// TODO WritableTxnMarker
    pub struct WritableTxnMarker {
        /// TODO producer_id
        producer_id: i64, [0+];
        /// TODO producer_epoch
        producer_epoch: i16, [0+];
        /// TODO transaction_result
        transaction_result: bool, [0+];
        /// TODO topics
        topics: Vec<WritableTxnMarkerTopic>, [0+];
        /// TODO coordinator_epoch
        coordinator_epoch: i32, [0+];
        /// TODO transaction_version
        transaction_version: i8, [2+] (ignorable);
    }

    /// TODO WritableTxnMarkerTopic
    pub struct WritableTxnMarkerTopic {
        /// TODO name
        name: Str, [0+];
        /// TODO partition_indexes
        partition_indexes: Vec<i32>, [0+];
    }

    /// TODO WriteTxnMarkersResponse
    pub struct WriteTxnMarkersResponse {
        /// TODO markers
        markers: Vec<WritableTxnMarkerResult>, [0+];
    }

    /// TODO WritableTxnMarkerResult
    pub struct WritableTxnMarkerResult {
        /// TODO producer_id
        producer_id: i64, [0+];
        /// TODO topics
        topics: Vec<WritableTxnMarkerTopicResult>, [0+];
    }

    /// TODO WritableTxnMarkerTopicResult
    pub struct WritableTxnMarkerTopicResult {
        /// TODO name
        name: Str, [0+];
        /// TODO partitions
        partitions: Vec<WritableTxnMarkerPartitionResult>, [0+];
    }

    /// TODO WritableTxnMarkerPartitionResult
    pub struct WritableTxnMarkerPartitionResult {
        /// TODO partition_index
        partition_index: i32, [0+];
        /// TODO error_code
        error_code: i16, [0+];
    }
}
