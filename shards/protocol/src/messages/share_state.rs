//! The persistent state of share groups, between brokers.

use crate::Str;
use crate::table::{first, present, tables, versions};
use types::Uuid;

tables! {
    /// Begins the persistent state of share partitions.
    pub struct InitializeShareGroupStateRequest {
        /// The group.
        group_id: Str, [0+];
        /// The topics.
        topics: Vec<InitializeStateData>, [0+];
    }

    /// A topic, in [`InitializeShareGroupStateRequest`].
    pub struct InitializeStateData {
        /// The topic's id.
        topic_id: Uuid, [0+];
        /// The partitions.
        partitions: Vec<InitializeShareGroupStatePartitionData>, [0+];
    }

    /// A partition, in [`InitializeShareGroupStateRequest`].
    pub struct InitializeShareGroupStatePartitionData {
        /// The partition.
        partition: i32, [0+];
        /// Grows whenever the state is initialised anew.
        state_epoch: i32, [0+];
        /// The first offset that still matters to the share group.
        start_offset: i64, [0+];
    }

    /// What became of each partition.
    pub struct InitializeShareGroupStateResponse {
        /// What became of each item.
        results: Vec<InitializeStateResult>, [0+];
    }

    /// A topic, in [`InitializeShareGroupStateResponse`].
    pub struct InitializeStateResult {
        /// The topic's id.
        topic_id: Uuid, [0+];
        /// The partitions.
        partitions: Vec<InitializeShareGroupStatePartitionResult>, [0+];
    }

    /// A partition, in [`InitializeShareGroupStateResponse`].
    pub struct InitializeShareGroupStatePartitionResult {
        /// The partition.
        partition: i32, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The same in words, or null.
        error_message: Option<Str>, [0+] nullable [0+] = None;
    }

    /// Reads the persistent state of share partitions.
    pub struct ReadShareGroupStateRequest {
        /// The group.
        group_id: Str, [0+];
        /// The topics.
        topics: Vec<ReadStateData>, [0+];
    }

    /// A topic, in [`ReadShareGroupStateRequest`].
    pub struct ReadStateData {
        /// The topic's id.
        topic_id: Uuid, [0+];
        /// The partitions.
        partitions: Vec<ReadShareGroupStatePartitionData>, [0+];
    }

    /// A partition, in [`ReadShareGroupStateRequest`].
    pub struct ReadShareGroupStatePartitionData {
        /// The partition.
        partition: i32, [0+];
        /// The leader epoch, or -1 if it is unknown.
        leader_epoch: i32, [0+];
    }

    /// The states.
    pub struct ReadShareGroupStateResponse {
        /// What became of each item.
        results: Vec<ReadStateResult>, [0+];
    }

    /// A topic, in [`ReadShareGroupStateResponse`].
    pub struct ReadStateResult {
        /// The topic's id.
        topic_id: Uuid, [0+];
        /// The partitions.
        partitions: Vec<ReadShareGroupStatePartitionResult>, [0+];
    }

    /// A partition, in [`ReadShareGroupStateResponse`].
    pub struct ReadShareGroupStatePartitionResult {
        /// The partition.
        partition: i32, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The same in words, or null.
        error_message: Option<Str>, [0+] nullable [0+] = None;
        /// Grows whenever the state is initialised anew.
        state_epoch: i32, [0+];
        /// The first offset that still matters to the share group, or -1.
        start_offset: i64, [0+];
        /// The states of ranges of records.
        state_batches: Vec<ReadShareGroupStateBatch>, [0+];
    }

    /// The state of a range of records, in [`ReadShareGroupStateResponse`].
    pub struct ReadShareGroupStateBatch {
        /// The first offset of the range.
        first_offset: i64, [0+];
        /// The last offset of the range.
        last_offset: i64, [0+];
        /// Their state: 0 available, 2 acknowledged, 4 archived.
        delivery_state: i8, [0+];
        /// How often the records have been delivered.
        delivery_count: i16, [0+];
    }

    /// Changes the persistent state of share partitions.
    pub struct WriteShareGroupStateRequest {
        /// The group.
        group_id: Str, [0+];
        /// The topics.
        topics: Vec<WriteStateData>, [0+];
    }

    /// A topic, in [`WriteShareGroupStateRequest`].
    pub struct WriteStateData {
        /// The topic's id.
        topic_id: Uuid, [0+];
        /// The partitions.
        partitions: Vec<WriteShareGroupStatePartitionData>, [0+];
    }

    /// A partition, in [`WriteShareGroupStateRequest`].
    pub struct WriteShareGroupStatePartitionData {
        /// The partition.
        partition: i32, [0+];
        /// Grows whenever the state is initialised anew.
        state_epoch: i32, [0+];
        /// The leader epoch, or -1 if it is unknown.
        leader_epoch: i32, [0+];
        /// The first offset that still matters to the share group.
        start_offset: i64, [0+];
        /// How many records at and after the start offset need no delivery any more, or -1.
        delivery_complete_count: i32, [1+] (ignorable) = -1;
        /// The states of ranges of records.
        state_batches: Vec<WriteShareGroupStateBatch>, [0+];
    }

    /// The state of a range of records, in [`WriteShareGroupStateRequest`].
    pub struct WriteShareGroupStateBatch {
        /// The first offset of the range.
        first_offset: i64, [0+];
        /// The last offset of the range.
        last_offset: i64, [0+];
        /// Their state: 0 available, 2 acknowledged, 4 archived.
        delivery_state: i8, [0+];
        /// How often the records have been delivered.
        delivery_count: i16, [0+];
    }

    /// What became of each partition.
    pub struct WriteShareGroupStateResponse {
        /// What became of each item.
        results: Vec<WriteStateResult>, [0+];
    }

    /// A topic, in [`WriteShareGroupStateResponse`].
    pub struct WriteStateResult {
        /// The topic's id.
        topic_id: Uuid, [0+];
        /// The partitions.
        partitions: Vec<WriteShareGroupStatePartitionResult>, [0+];
    }

    /// A partition, in [`WriteShareGroupStateResponse`].
    pub struct WriteShareGroupStatePartitionResult {
        /// The partition.
        partition: i32, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The same in words, or null.
        error_message: Option<Str>, [0+] nullable [0+] = None;
    }

    /// Deletes the persistent state of share partitions.
    pub struct DeleteShareGroupStateRequest {
        /// The group.
        group_id: Str, [0+];
        /// The topics.
        topics: Vec<DeleteStateData>, [0+];
    }

    /// A topic, in [`DeleteShareGroupStateRequest`].
    pub struct DeleteStateData {
        /// The topic's id.
        topic_id: Uuid, [0+];
        /// The partitions.
        partitions: Vec<DeleteShareGroupStatePartitionData>, [0+];
    }

    /// A partition, in [`DeleteShareGroupStateRequest`].
    pub struct DeleteShareGroupStatePartitionData {
        /// The partition.
        partition: i32, [0+];
    }

    /// What became of each partition.
    pub struct DeleteShareGroupStateResponse {
        /// What became of each item.
        results: Vec<DeleteStateResult>, [0+];
    }

    /// A topic, in [`DeleteShareGroupStateResponse`].
    pub struct DeleteStateResult {
        /// The topic's id.
        topic_id: Uuid, [0+];
        /// The partitions.
        partitions: Vec<DeleteShareGroupStatePartitionResult>, [0+];
    }

    /// A partition, in [`DeleteShareGroupStateResponse`].
    pub struct DeleteShareGroupStatePartitionResult {
        /// The partition.
        partition: i32, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The same in words, or null.
        error_message: Option<Str>, [0+] nullable [0+] = None;
    }

    /// Reads the start offsets of share partitions.
    pub struct ReadShareGroupStateSummaryRequest {
        /// The group.
        group_id: Str, [0+];
        /// The topics.
        topics: Vec<ReadStateSummaryData>, [0+];
    }

    /// A topic, in [`ReadShareGroupStateSummaryRequest`].
    pub struct ReadStateSummaryData {
        /// The topic's id.
        topic_id: Uuid, [0+];
        /// The partitions.
        partitions: Vec<ReadShareGroupStateSummaryPartitionData>, [0+];
    }

    /// A partition, in [`ReadShareGroupStateSummaryRequest`].
    pub struct ReadShareGroupStateSummaryPartitionData {
        /// The partition.
        partition: i32, [0+];
        /// The leader epoch, or -1 if it is unknown.
        leader_epoch: i32, [0+];
    }

    /// The start offsets.
    pub struct ReadShareGroupStateSummaryResponse {
        /// What became of each item.
        results: Vec<ReadStateSummaryResult>, [0+];
    }

    /// A topic, in [`ReadShareGroupStateSummaryResponse`].
    pub struct ReadStateSummaryResult {
        /// The topic's id.
        topic_id: Uuid, [0+];
        /// The partitions.
        partitions: Vec<ReadShareGroupStateSummaryPartitionResult>, [0+];
    }

    /// A partition, in [`ReadShareGroupStateSummaryResponse`].
    pub struct ReadShareGroupStateSummaryPartitionResult {
        /// The partition.
        partition: i32, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The same in words, or null.
        error_message: Option<Str>, [0+] nullable [0+] = None;
        /// Grows whenever the state is initialised anew.
        state_epoch: i32, [0+];
        /// The leader epoch, or -1 if it is unknown.
        leader_epoch: i32, [0+];
        /// The first offset that still matters to the share group.
        start_offset: i64, [0+];
        /// How many records at and after the start offset need no delivery any more, or -1.
        delivery_complete_count: i32, [1+] (ignorable) = -1;
    }
}
