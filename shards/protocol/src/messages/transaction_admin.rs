//! Looking into producers and transactions (KIP-664).

use crate::Str;
use crate::table::{first, present, tables, versions};

tables! {
    /// Asks for the producers that partitions know (KIP-664).
    pub struct DescribeProducersRequest {
        /// The topics.
        topics: Vec<TopicRequest>, [0+];
    }

    /// A topic, in [`DescribeProducersRequest`].
    pub struct TopicRequest {
        /// The topic's name.
        name: Str, [0+];
        /// The partitions.
        partition_indexes: Vec<i32>, [0+];
    }

    /// The producers.
    pub struct DescribeProducersResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [0+];
        /// The topics.
        topics: Vec<TopicResponse>, [0+];
    }

    /// A topic, in [`DescribeProducersResponse`].
    pub struct TopicResponse {
        /// The topic's name.
        name: Str, [0+];
        /// The partitions.
        partitions: Vec<PartitionResponse>, [0+];
    }

    /// A partition, in [`DescribeProducersResponse`].
    pub struct PartitionResponse {
        /// The partition.
        partition_index: i32, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The same in words, or null.
        error_message: Option<Str>, [0+] nullable [0+] = None;
        /// The producers that are known in the partition.
        active_producers: Vec<ProducerState>, [0+];
    }

    /// A producer, in [`DescribeProducersResponse`].
    pub struct ProducerState {
        /// The producer's id.
        producer_id: i64, [0+];
        /// The producer's epoch.
        producer_epoch: i32, [0+];
        /// The sequence number of the producer's last record.
        last_sequence: i32, [0+] = -1;
        /// When the producer last wrote, in milliseconds since 1970.
        last_timestamp: i64, [0+] = -1;
        /// The epoch of the coordinator that wrote the last marker, or -1.
        coordinator_epoch: i32, [0+];
        /// The first offset of the producer's open transaction, or -1.
        current_txn_start_offset: i64, [0+] = -1;
    }

    /// Asks for transactions by the names of their producers.
    pub struct DescribeTransactionsRequest {
        /// The names of the transactional producers.
        transactional_ids: Vec<Str>, [0+];
    }

    /// The transactions.
    pub struct DescribeTransactionsResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [0+];
        /// The transactions.
        transaction_states: Vec<DescribeTransactionsTransactionState>, [0+];
    }

    /// A transaction, in [`DescribeTransactionsResponse`].
    pub struct DescribeTransactionsTransactionState {
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The name of the transactional producer.
        transactional_id: Str, [0+];
        /// The state of the transaction.
        transaction_state: Str, [0+];
        /// The transaction is aborted after so many milliseconds.
        transaction_timeout_ms: i32, [0+];
        /// When the transaction began, in milliseconds since 1970, or -1.
        transaction_start_time_ms: i64, [0+];
        /// The producer's id.
        producer_id: i64, [0+];
        /// The producer's epoch.
        producer_epoch: i16, [0+];
        /// The topics.
        topics: Vec<TopicData>, [0+];
    }

    /// A topic, in [`DescribeTransactionsResponse`].
    pub struct TopicData {
        /// The topic.
        topic: Str, [0+];
        /// The partitions.
        partitions: Vec<i32>, [0+];
    }

    /// Asks for all transactions that the broker coordinates.
    pub struct ListTransactionsRequest {
        /// Only transactions in these states; empty for all.
        state_filters: Vec<Str>, [0+];
        /// Only transactions of these producers; empty for all.
        producer_id_filters: Vec<i64>, [0+];
        /// Only transactions that have been open longer than so many milliseconds; -1 for all.
        duration_filter: i64, [1+] = -1;
        /// A pattern of the names to list, or null.
        transactional_id_pattern: Option<Str>, [2+] nullable [2+] = None;
    }

    /// The transactions.
    pub struct ListTransactionsResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The states asked for that do not exist.
        unknown_state_filters: Vec<Str>, [0+];
        /// The transactions.
        transaction_states: Vec<ListTransactionsTransactionState>, [0+];
    }

    /// A transaction, in [`ListTransactionsResponse`].
    pub struct ListTransactionsTransactionState {
        /// The name of the transactional producer.
        transactional_id: Str, [0+];
        /// The producer's id.
        producer_id: i64, [0+];
        /// The state of the transaction.
        transaction_state: Str, [0+];
    }
}
