//! TODO

use crate::table::{first, present, tables, versions};
use crate::{Records, Str};
use types::Uuid;

tables! {
    /// TODO ShareFetchRequest
    pub struct ShareFetchRequest {
        /// TODO group_id
        group_id: Option<Str>, [0+] nullable [0+] = None;
        /// TODO member_id
        member_id: Option<Str>, [0+] nullable [0+];
        /// TODO share_session_epoch
        share_session_epoch: i32, [0+];
        /// TODO max_wait_ms
        max_wait_ms: i32, [0+];
        /// TODO min_bytes
        min_bytes: i32, [0+];
        /// TODO max_bytes
        max_bytes: i32, [0+] = i32::MAX;
        /// TODO max_records
        max_records: i32, [1+];
        /// TODO batch_size
        batch_size: i32, [1+];
        /// TODO share_acquire_mode
        share_acquire_mode: i8, [2+] (ignorable);
        /// TODO is_renew_ack
        is_renew_ack: bool, [2+];
        /// TODO topics
        topics: Vec<FetchTopic>, [0+];
        /// TODO forgotten_topics_data
        forgotten_topics_data: Vec<ForgottenTopic>, [0+];
    }

    /// TODO FetchTopic
    pub struct FetchTopic {
        /// TODO topic_id
        topic_id: Uuid, [0+];
        /// TODO partitions
        partitions: Vec<FetchPartition>, [0+];
    }

    /// TODO FetchPartition
    pub struct FetchPartition {
        /// TODO partition_index
        partition_index: i32, [0+];
        /// TODO partition_max_bytes
        partition_max_bytes: i32, [0];
        /// TODO acknowledgement_batches
        acknowledgement_batches: Vec<ShareFetchAcknowledgementBatch>, [0+];
    }

    /// TODO ShareFetchAcknowledgementBatch
    pub struct ShareFetchAcknowledgementBatch {
        /// TODO first_offset
        first_offset: i64, [0+];
        /// TODO last_offset
        last_offset: i64, [0+];
        /// TODO acknowledge_types
        acknowledge_types: Vec<i8>, [0+];
    }

    /// TODO ForgottenTopic
    pub struct ForgottenTopic {
        /// TODO topic_id
        topic_id: Uuid, [0+];
        /// TODO partitions
        partitions: Vec<i32>, [0+];
    }

    /// TODO ShareFetchResponse
    pub struct ShareFetchResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [0+];
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO error_message
        error_message: Option<Str>, [0+] nullable [0+] = None;
        /// TODO acquisition_lock_timeout_ms
        acquisition_lock_timeout_ms: i32, [1+];
        /// TODO responses
        responses: Vec<ShareFetchableTopicResponse>, [0+];
        /// TODO node_endpoints
        node_endpoints: Vec<ShareFetchNodeEndpoint>, [0+];
    }

    /// TODO ShareFetchableTopicResponse
    pub struct ShareFetchableTopicResponse {
        /// TODO topic_id
        topic_id: Uuid, [0+];
        /// TODO partitions
        partitions: Vec<ShareFetchPartitionData>, [0+];
    }

    /// TODO ShareFetchPartitionData
    pub struct ShareFetchPartitionData {
        /// TODO partition_index
        partition_index: i32, [0+];
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO error_message
        error_message: Option<Str>, [0+] nullable [0+] = None;
        /// TODO acknowledge_error_code
        acknowledge_error_code: i16, [0+];
        /// TODO acknowledge_error_message
        acknowledge_error_message: Option<Str>, [0+] nullable [0+] = None;
        /// TODO current_leader
        current_leader: ShareFetchLeaderIdAndEpoch, [0+];
        /// TODO records
        records: Option<Records>, [0+] nullable [0];
        /// TODO acquired_records
        acquired_records: Vec<AcquiredRecords>, [0+];
    }

    /// TODO ShareFetchLeaderIdAndEpoch
    pub struct ShareFetchLeaderIdAndEpoch {
        /// TODO leader_id
        leader_id: i32, [0+];
        /// TODO leader_epoch
        leader_epoch: i32, [0+];
    }

    /// TODO AcquiredRecords
    pub struct AcquiredRecords {
        /// TODO first_offset
        first_offset: i64, [0+];
        /// TODO last_offset
        last_offset: i64, [0+];
        /// TODO delivery_count
        delivery_count: i16, [0+];
    }

    /// TODO ShareFetchNodeEndpoint
    pub struct ShareFetchNodeEndpoint {
        /// TODO node_id
        node_id: i32, [0+];
        /// TODO host
        host: Str, [0+];
        /// TODO port
        port: i32, [0+];
        /// TODO rack
        rack: Option<Str>, [0+] nullable [0+] = None;
    }

    /// TODO ShareAcknowledgeRequest
    pub struct ShareAcknowledgeRequest {
        /// TODO group_id
        group_id: Option<Str>, [0+] nullable [0+] = None;
        /// TODO member_id
        member_id: Option<Str>, [0+] nullable [0+];
        /// TODO share_session_epoch
        share_session_epoch: i32, [0+];
        /// TODO is_renew_ack
        is_renew_ack: bool, [2+];
        /// TODO topics
        topics: Vec<AcknowledgeTopic>, [0+];
    }

    /// TODO AcknowledgeTopic
    pub struct AcknowledgeTopic {
        /// TODO topic_id
        topic_id: Uuid, [0+];
        /// TODO partitions
        partitions: Vec<AcknowledgePartition>, [0+];
    }

    /// TODO AcknowledgePartition
    pub struct AcknowledgePartition {
        /// TODO partition_index
        partition_index: i32, [0+];
        /// TODO acknowledgement_batches
        acknowledgement_batches: Vec<ShareAcknowledgeAcknowledgementBatch>, [0+];
    }

    /// TODO ShareAcknowledgeAcknowledgementBatch
    pub struct ShareAcknowledgeAcknowledgementBatch {
        /// TODO first_offset
        first_offset: i64, [0+];
        /// TODO last_offset
        last_offset: i64, [0+];
        /// TODO acknowledge_types
        acknowledge_types: Vec<i8>, [0+];
    }

    /// TODO ShareAcknowledgeResponse
    pub struct ShareAcknowledgeResponse {
        /// TODO throttle_time_ms
        throttle_time_ms: i32, [0+];
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO error_message
        error_message: Option<Str>, [0+] nullable [0+] = None;
        /// TODO acquisition_lock_timeout_ms
        acquisition_lock_timeout_ms: i32, [2+] (ignorable);
        /// TODO responses
        responses: Vec<ShareAcknowledgeTopicResponse>, [0+];
        /// TODO node_endpoints
        node_endpoints: Vec<ShareAcknowledgeNodeEndpoint>, [0+];
    }

    /// TODO ShareAcknowledgeTopicResponse
    pub struct ShareAcknowledgeTopicResponse {
        /// TODO topic_id
        topic_id: Uuid, [0+];
        /// TODO partitions
        partitions: Vec<ShareAcknowledgePartitionData>, [0+];
    }

    /// TODO ShareAcknowledgePartitionData
    pub struct ShareAcknowledgePartitionData {
        /// TODO partition_index
        partition_index: i32, [0+];
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO error_message
        error_message: Option<Str>, [0+] nullable [0+] = None;
        /// TODO current_leader
        current_leader: ShareAcknowledgeLeaderIdAndEpoch, [0+];
    }

    /// TODO ShareAcknowledgeLeaderIdAndEpoch
    pub struct ShareAcknowledgeLeaderIdAndEpoch {
        /// TODO leader_id
        leader_id: i32, [0+];
        /// TODO leader_epoch
        leader_epoch: i32, [0+];
    }

    /// TODO ShareAcknowledgeNodeEndpoint
    pub struct ShareAcknowledgeNodeEndpoint {
        /// TODO node_id
        node_id: i32, [0+];
        /// TODO host
        host: Str, [0+];
        /// TODO port
        port: i32, [0+];
        /// TODO rack
        rack: Option<Str>, [0+] nullable [0+] = None;
    }
}
