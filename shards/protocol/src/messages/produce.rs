//! TODO

use crate::table::{first, present, tables, versions};
use crate::{Records, Str};
use types::Uuid;

tables! {
    /// TODO ProduceRequest
    pub struct ProduceRequest {
        /// TODO transactional_id
        transactional_id: Option<Str>, [3+] nullable [3+] = None;
        /// TODO acks
        acks: i16, [0+];
        /// TODO timeout_ms
        timeout_ms: i32, [0+];
        /// TODO topic_data
        topic_data: Vec<TopicProduceData>, [0+];
    }

    /// TODO TopicProduceData
    pub struct TopicProduceData {
        /// TODO name
        name: Str, [0-12] (ignorable);
        /// TODO topic_id
        topic_id: Uuid, [13+] (ignorable);
        /// TODO partition_data
        partition_data: Vec<PartitionProduceData>, [0+];
    }

    /// TODO PartitionProduceData
    pub struct PartitionProduceData {
        /// TODO index
        index: i32, [0+];
        /// TODO records
        records: Option<Records>, [0+] nullable [0+];
    }

    /// TODO ProduceResponse
    pub struct ProduceResponse {
        /// TODO responses
        responses: Vec<TopicProduceResponse>, [0+];
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [1+] (ignorable);
        /// TODO node_endpoints
        node_endpoints: Vec<NodeEndpoint>, [10+] tag 0;
    }

    /// TODO TopicProduceResponse
    pub struct TopicProduceResponse {
        /// TODO name
        name: Str, [0-12] (ignorable);
        /// TODO topic_id
        topic_id: Uuid, [13+] (ignorable);
        /// TODO partition_responses
        partition_responses: Vec<PartitionProduceResponse>, [0+];
    }

    /// TODO PartitionProduceResponse
    pub struct PartitionProduceResponse {
        /// TODO index
        index: i32, [0+];
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO base_offset
        base_offset: i64, [0+];
        /// TODO log_append_time_ms
        log_append_time_ms: i64, [2+] (ignorable) = -1;
        /// TODO log_start_offset
        log_start_offset: i64, [5+] (ignorable) = -1;
        /// TODO record_errors
        record_errors: Vec<BatchIndexAndErrorMessage>, [8+] (ignorable);
        /// TODO error_message
        error_message: Option<Str>, [8+] nullable [8+] (ignorable) = None;
        /// TODO current_leader
        current_leader: LeaderIdAndEpoch, [10+] tag 0;
    }

    /// TODO BatchIndexAndErrorMessage
    pub struct BatchIndexAndErrorMessage {
        /// TODO batch_index
        batch_index: i32, [8+];
        /// TODO batch_index_error_message
        batch_index_error_message: Option<Str>, [8+] nullable [8+] = None;
    }

    /// TODO LeaderIdAndEpoch
    pub struct LeaderIdAndEpoch {
        /// TODO leader_id
        leader_id: i32, [10+] = -1;
        /// TODO leader_epoch
        leader_epoch: i32, [10+] = -1;
    }

    /// TODO NodeEndpoint
    pub struct NodeEndpoint {
        /// TODO node_id
        node_id: i32, [10+];
        /// TODO host
        host: Str, [10+];
        /// TODO port
        port: i32, [10+];
        /// TODO rack
        rack: Option<Str>, [10+] nullable [10+] = None;
    }
}
