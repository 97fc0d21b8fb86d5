//! TODO

use crate::Str;
use crate::table::{first, present, tables, versions};

tables! {
    /// TODO DescribeProducersRequest
    pub struct DescribeProducersRequest {
        /// TODO topics
        topics: Vec<TopicRequest>, [0+];
    }

    /// TODO TopicRequest
    pub struct TopicRequest {
        /// TODO name
        name: Str, [0+];
        /// TODO partition_indexes
        partition_indexes: Vec<i32>, [0+];
    }

    /// TODO DescribeProducersResponse
    pub struct DescribeProducersResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [0+];
        /// TODO topics
        topics: Vec<TopicResponse>, [0+];
    }

    /// TODO TopicResponse
    pub struct TopicResponse {
        /// TODO name
        name: Str, [0+];
        /// TODO partitions
        partitions: Vec<PartitionResponse>, [0+];
    }

    /// TODO PartitionResponse
    pub struct PartitionResponse {
        /// TODO partition_index
        partition_index: i32, [0+];
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO error_message
        error_message: Option<Str>, [0+] nullable [0+] = None;
        /// TODO active_producers
        active_producers: Vec<ProducerState>, [0+];
    }

    /// TODO ProducerState
    pub struct ProducerState {
        /// TODO producer_id
        producer_id: i64, [0+];
        /// TODO producer_epoch
        producer_epoch: i32, [0+];
        /// TODO last_sequence
        last_sequence: i32, [0+] = -1;
        /// TODO last_timestamp
        last_timestamp: i64, [0+] = -1;
        /// TODO coordinator_epoch
        coordinator_epoch: i32, [0+];
        /// TODO current_txn_start_offset
        current_txn_start_offset: i64, [0+] = -1;
    }

    /// TODO DescribeTransactionsRequest
    pub struct DescribeTransactionsRequest {
        /// TODO transactional_ids
        transactional_ids: Vec<Str>, [0+];
    }

    /// TODO DescribeTransactionsResponse
    pub struct DescribeTransactionsResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [0+];
        /// TODO transaction_states
        transaction_states: Vec<DescribeTransactionsTransactionState>, [0+];
    }

    /// TODO DescribeTransactionsTransactionState
    pub struct DescribeTransactionsTransactionState {
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO transactional_id
        transactional_id: Str, [0+];
        /// TODO transaction_state
        transaction_state: Str, [0+];
        /// TODO transaction_timeout_ms
        transaction_timeout_ms: i32, [0+];
        /// TODO transaction_start_time_ms
        transaction_start_time_ms: i64, [0+];
        /// TODO producer_id
        producer_id: i64, [0+];
        /// TODO producer_epoch
        producer_epoch: i16, [0+];
        /// TODO topics
        topics: Vec<TopicData>, [0+];
    }

    /// TODO TopicData
    pub struct TopicData {
        /// TODO topic
        topic: Str, [0+];
        /// TODO partitions
        partitions: Vec<i32>, [0+];
    }

    /// TODO ListTransactionsRequest
    pub struct ListTransactionsRequest {
        /// TODO state_filters
        state_filters: Vec<Str>, [0+];
        /// TODO producer_id_filters
        producer_id_filters: Vec<i64>, [0+];
        /// TODO duration_filter
        duration_filter: i64, [1+] = -1;
        /// TODO transactional_id_pattern
        transactional_id_pattern: Option<Str>, [2+] nullable [2+] = None;
    }

    /// TODO ListTransactionsResponse
    pub struct ListTransactionsResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [0+];
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO unknown_state_filters
        unknown_state_filters: Vec<Str>, [0+];
        /// TODO transaction_states
        transaction_states: Vec<ListTransactionsTransactionState>, [0+];
    }

    /// TODO ListTransactionsTransactionState
    pub struct ListTransactionsTransactionState {
        /// TODO transactional_id
        transactional_id: Str, [0+];
        /// TODO producer_id
        producer_id: i64, [0+];
        /// TODO transaction_state
        transaction_state: Str, [0+];
    }
}
