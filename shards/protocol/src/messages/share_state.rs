//! TODO

use crate::Str;
use crate::table::{first, present, tables, versions};
use types::Uuid;

tables! {
    /// TODO InitializeShareGroupStateRequest
    pub struct InitializeShareGroupStateRequest {
        /// TODO group_id
        group_id: Str, [0+];
        /// TODO topics
        topics: Vec<InitializeStateData>, [0+];
    }

    /// TODO InitializeStateData
    pub struct InitializeStateData {
        /// TODO topic_id
        topic_id: Uuid, [0+];
        /// TODO partitions
        partitions: Vec<InitializeShareGroupStatePartitionData>, [0+];
    }

    /// TODO InitializeShareGroupStatePartitionData
    pub struct InitializeShareGroupStatePartitionData {
        /// TODO partition
        partition: i32, [0+];
        /// TODO state_epoch
        state_epoch: i32, [0+];
        /// TODO start_offset
        start_offset: i64, [0+];
    }

    /// TODO InitializeShareGroupStateResponse
    pub struct InitializeShareGroupStateResponse {
        /// TODO results
        results: Vec<InitializeStateResult>, [0+];
    }

    /// TODO InitializeStateResult
    pub struct InitializeStateResult {
        /// TODO topic_id
        topic_id: Uuid, [0+];
        /// TODO partitions
        partitions: Vec<InitializeShareGroupStatePartitionResult>, [0+];
    }

    /// TODO InitializeShareGroupStatePartitionResult
    pub struct InitializeShareGroupStatePartitionResult {
        /// TODO partition
        partition: i32, [0+];
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO error_message
        error_message: Option<Str>, [0+] nullable [0+] = None;
    }

    /// TODO ReadShareGroupStateRequest
    pub struct ReadShareGroupStateRequest {
        /// TODO group_id
        group_id: Str, [0+];
        /// TODO topics
        topics: Vec<ReadStateData>, [0+];
    }

    /// TODO ReadStateData
    pub struct ReadStateData {
        /// TODO topic_id
        topic_id: Uuid, [0+];
        /// TODO partitions
        partitions: Vec<ReadShareGroupStatePartitionData>, [0+];
    }

    /// TODO ReadShareGroupStatePartitionData
    pub struct ReadShareGroupStatePartitionData {
        /// TODO partition
        partition: i32, [0+];
        /// TODO leader_epoch
        leader_epoch: i32, [0+];
    }

    /// TODO ReadShareGroupStateResponse
    pub struct ReadShareGroupStateResponse {
        /// TODO results
        results: Vec<ReadStateResult>, [0+];
    }

    /// TODO ReadStateResult
    pub struct ReadStateResult {
        /// TODO topic_id
        topic_id: Uuid, [0+];
        /// TODO partitions
        partitions: Vec<ReadShareGroupStatePartitionResult>, [0+];
    }

    /// TODO ReadShareGroupStatePartitionResult
    pub struct ReadShareGroupStatePartitionResult {
        /// TODO partition
        partition: i32, [0+];
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO error_message
        error_message: Option<Str>, [0+] nullable [0+] = None;
        /// TODO state_epoch
        state_epoch: i32, [0+];
        /// TODO start_offset
        start_offset: i64, [0+];
        /// TODO state_batches
        state_batches: Vec<ReadShareGroupStateStateBatch>, [0+];
    }

    /// TODO ReadShareGroupStateStateBatch
    pub struct ReadShareGroupStateStateBatch {
        /// TODO first_offset
        first_offset: i64, [0+];
        /// TODO last_offset
        last_offset: i64, [0+];
        /// TODO delivery_state
        delivery_state: i8, [0+];
        /// TODO delivery_count
        delivery_count: i16, [0+];
    }

    /// TODO WriteShareGroupStateRequest
    pub struct WriteShareGroupStateRequest {
        /// TODO group_id
        group_id: Str, [0+];
        /// TODO topics
        topics: Vec<WriteStateData>, [0+];
    }

    /// TODO WriteStateData
    pub struct WriteStateData {
        /// TODO topic_id
        topic_id: Uuid, [0+];
        /// TODO partitions
        partitions: Vec<WriteShareGroupStatePartitionData>, [0+];
    }

    /// TODO WriteShareGroupStatePartitionData
    pub struct WriteShareGroupStatePartitionData {
        /// TODO partition
        partition: i32, [0+];
        /// TODO state_epoch
        state_epoch: i32, [0+];
        /// TODO leader_epoch
        leader_epoch: i32, [0+];
        /// TODO start_offset
        start_offset: i64, [0+];
        /// TODO delivery_complete_count
        delivery_complete_count: i32, [1+] (ignorable) = -1;
        /// TODO state_batches
        state_batches: Vec<WriteShareGroupStateStateBatch>, [0+];
    }

    /// TODO WriteShareGroupStateStateBatch
    pub struct WriteShareGroupStateStateBatch {
        /// TODO first_offset
        first_offset: i64, [0+];
        /// TODO last_offset
        last_offset: i64, [0+];
        /// TODO delivery_state
        delivery_state: i8, [0+];
        /// TODO delivery_count
        delivery_count: i16, [0+];
    }

    /// TODO WriteShareGroupStateResponse
    pub struct WriteShareGroupStateResponse {
        /// TODO results
        results: Vec<WriteStateResult>, [0+];
    }

    /// TODO WriteStateResult
    pub struct WriteStateResult {
        /// TODO topic_id
        topic_id: Uuid, [0+];
        /// TODO partitions
        partitions: Vec<WriteShareGroupStatePartitionResult>, [0+];
    }

    /// TODO WriteShareGroupStatePartitionResult
    pub struct WriteShareGroupStatePartitionResult {
        /// TODO partition
        partition: i32, [0+];
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO error_message
        error_message: Option<Str>, [0+] nullable [0+] = None;
    }

    /// TODO DeleteShareGroupStateRequest
    pub struct DeleteShareGroupStateRequest {
        /// TODO group_id
        group_id: Str, [0+];
        /// TODO topics
        topics: Vec<DeleteStateData>, [0+];
    }

    /// TODO DeleteStateData
    pub struct DeleteStateData {
        /// TODO topic_id
        topic_id: Uuid, [0+];
        /// TODO partitions
        partitions: Vec<DeleteShareGroupStatePartitionData>, [0+];
    }

    /// TODO DeleteShareGroupStatePartitionData
    pub struct DeleteShareGroupStatePartitionData {
        /// TODO partition
        partition: i32, [0+];
    }

    /// TODO DeleteShareGroupStateResponse
    pub struct DeleteShareGroupStateResponse {
        /// TODO results
        results: Vec<DeleteStateResult>, [0+];
    }

    /// TODO DeleteStateResult
    pub struct DeleteStateResult {
        /// TODO topic_id
        topic_id: Uuid, [0+];
        /// TODO partitions
        partitions: Vec<DeleteShareGroupStatePartitionResult>, [0+];
    }

    /// TODO DeleteShareGroupStatePartitionResult
    pub struct DeleteShareGroupStatePartitionResult {
        /// TODO partition
        partition: i32, [0+];
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO error_message
        error_message: Option<Str>, [0+] nullable [0+] = None;
    }

    /// TODO ReadShareGroupStateSummaryRequest
    pub struct ReadShareGroupStateSummaryRequest {
        /// TODO group_id
        group_id: Str, [0+];
        /// TODO topics
        topics: Vec<ReadStateSummaryData>, [0+];
    }

    /// TODO ReadStateSummaryData
    pub struct ReadStateSummaryData {
        /// TODO topic_id
        topic_id: Uuid, [0+];
        /// TODO partitions
        partitions: Vec<ReadShareGroupStateSummaryPartitionData>, [0+];
    }

    /// TODO ReadShareGroupStateSummaryPartitionData
    pub struct ReadShareGroupStateSummaryPartitionData {
        /// TODO partition
        partition: i32, [0+];
        /// TODO leader_epoch
        leader_epoch: i32, [0+];
    }

    /// TODO ReadShareGroupStateSummaryResponse
    pub struct ReadShareGroupStateSummaryResponse {
        /// TODO results
        results: Vec<ReadStateSummaryResult>, [0+];
    }

    /// TODO ReadStateSummaryResult
    pub struct ReadStateSummaryResult {
        /// TODO topic_id
        topic_id: Uuid, [0+];
        /// TODO partitions
        partitions: Vec<ReadShareGroupStateSummaryPartitionResult>, [0+];
    }

    /// TODO ReadShareGroupStateSummaryPartitionResult
    pub struct ReadShareGroupStateSummaryPartitionResult {
        /// TODO partition
        partition: i32, [0+];
        /// TODO error_code
        error_code: i16, [0+];
        /// TODO error_message
        error_message: Option<Str>, [0+] nullable [0+] = None;
        /// TODO state_epoch
        state_epoch: i32, [0+];
        /// TODO leader_epoch
        leader_epoch: i32, [0+];
        /// TODO start_offset
        start_offset: i64, [0+];
        /// TODO delivery_complete_count
        delivery_complete_count: i32, [1+] (ignorable) = -1;
    }
}
