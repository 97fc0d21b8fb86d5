//! Writing records.

use crate::table::{first, present, tables, versions};
use crate::{Records, Str};
use types::Uuid;

tables! {
    /// Appends records to partitions.
    pub struct ProduceRequest {
        /// The name of the transactional producer.
        transactional_id: Option<Str>, [3+] nullable [3+] = None;
        /// How many replicas must have the records before the answer: 0 none, 1 the leader, -1 all in sync.
        acks: i16, [0+];
        /// How long the broker may take, in milliseconds.
        timeout_ms: i32, [0+];
        /// The topics.
        topic_data: Vec<TopicProduceData>, [0+];
    }

    /// A topic, in [`ProduceRequest`].
    pub struct TopicProduceData {
        /// The topic's name.
        name: Str, [0-12] (ignorable);
        /// The topic's id.
        topic_id: Uuid, [13+] (ignorable);
        /// The partitions.
        partition_data: Vec<PartitionProduceData>, [0+];
    }

    /// A partition, in [`ProduceRequest`].
    pub struct PartitionProduceData {
        /// The partition's number.
        index: i32, [0+];
        /// The record batches.
        records: Option<Records>, [0+] nullable [0+];
    }

    /// Where the records went.
    pub struct ProduceResponse {
        /// What became of each topic.
        responses: Vec<TopicProduceResponse>, [0+];
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [1+] (ignorable);
        /// The addresses of the leaders that are named.
        node_endpoints: Vec<NodeEndpoint>, [10+] tag 0;
    }

    /// A topic, in [`ProduceResponse`].
    pub struct TopicProduceResponse {
        /// The topic's name.
        name: Str, [0-12] (ignorable);
        /// The topic's id.
        topic_id: Uuid, [13+] (ignorable);
        /// What became of each partition.
        partition_responses: Vec<PartitionProduceResponse>, [0+];
    }

    /// A partition, in [`ProduceResponse`].
    pub struct PartitionProduceResponse {
        /// The partition's number.
        index: i32, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The offset of the first record, or -1.
        base_offset: i64, [0+];
        /// The timestamp that the broker put into the records, or -1 if they keep their own.
        log_append_time_ms: i64, [2+] (ignorable) = -1;
        /// The first offset that is still there, or -1 if it is unknown.
        log_start_offset: i64, [5+] (ignorable) = -1;
        /// The records that were refused, and why.
        record_errors: Vec<BatchIndexAndErrorMessage>, [8+] (ignorable);
        /// The same in words, or null.
        error_message: Option<Str>, [8+] nullable [8+] (ignorable) = None;
        /// The leader, if the client asked the wrong broker.
        current_leader: LeaderIdAndEpoch, [10+] tag 0;
    }

    /// A record that was refused, in [`ProduceResponse`].
    pub struct BatchIndexAndErrorMessage {
        /// The place of the record that caused the error, counted from 0 within the batch.
        batch_index: i32, [8+];
        /// What was wrong with the record, or null.
        batch_index_error_message: Option<Str>, [8+] nullable [8+] = None;
    }

    /// The leader of a partition, in [`ProduceResponse`].
    pub struct LeaderIdAndEpoch {
        /// The leader of the partition, or -1 if it is unknown.
        leader_id: i32, [10+] = -1;
        /// The leader epoch, or -1 if it is unknown.
        leader_epoch: i32, [10+] = -1;
    }

    /// The address of a leader, in [`ProduceResponse`].
    pub struct NodeEndpoint {
        /// The broker's id.
        node_id: i32, [10+];
        /// The host to connect to.
        host: Str, [10+];
        /// The port to connect to.
        port: i32, [10+];
        /// The rack, or null.
        rack: Option<Str>, [10+] nullable [10+] = None;
    }
}
