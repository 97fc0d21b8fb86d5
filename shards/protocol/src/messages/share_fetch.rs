//! Reading and acknowledging records as a share group.

use crate::table::{first, present, tables, versions};
use crate::{Records, Str};
use types::Uuid;

tables! {
    /// Acquires records for a member of a share group, and acknowledges earlier ones.
    pub struct ShareFetchRequest {
        /// The group.
        group_id: Option<Str>, [0+] nullable [0+] = None;
        /// The member's id.
        member_id: Option<Str>, [0+] nullable [0+];
        /// Counts the requests of the share session; 0 opens it, -1 closes it.
        share_session_epoch: i32, [0+];
        /// How long to wait for `min_bytes`, in milliseconds.
        max_wait_ms: i32, [0+];
        /// How many bytes must be there before the broker answers, unless `max_wait_ms` is over.
        min_bytes: i32, [0+];
        /// How many bytes the answer should have at most.
        max_bytes: i32, [0+] = i32::MAX;
        /// How many records to acquire at most.
        max_records: i32, [1+];
        /// How many records one batch of acquired records should have.
        batch_size: i32, [1+];
        /// How to choose records: 0 whole batches, 1 no more than the limit.
        share_acquire_mode: i8, [2+] (ignorable);
        /// Whether some acknowledgements prolong the loan of records.
        is_renew_ack: bool, [2+];
        /// The topics.
        topics: Vec<FetchTopic>, [0+];
        /// The partitions to take out of the session.
        forgotten_topics_data: Vec<ForgottenTopic>, [0+];
    }

    /// A topic, in [`ShareFetchRequest`].
    pub struct FetchTopic {
        /// The topic's id.
        topic_id: Uuid, [0+];
        /// The partitions.
        partitions: Vec<FetchPartition>, [0+];
    }

    /// A partition, in [`ShareFetchRequest`].
    pub struct FetchPartition {
        /// The partition.
        partition_index: i32, [0+];
        /// How many bytes of this partition the answer should have at most.
        partition_max_bytes: i32, [0];
        /// What became of the records, in ranges.
        acknowledgement_batches: Vec<ShareFetchAcknowledgeBatch>, [0+];
    }

    /// What became of a range of records, in [`ShareFetchRequest`].
    pub struct ShareFetchAcknowledgeBatch {
        /// The first offset of the range.
        first_offset: i64, [0+];
        /// The last offset of the range.
        last_offset: i64, [0+];
        /// One value for the whole range, or one per offset: 0 gap, 1 accept, 2 release, 3 reject, 4 renew.
        acknowledge_types: Vec<i8>, [0+];
    }

    /// A topic to take out of the session, in [`ShareFetchRequest`].
    pub struct ForgottenTopic {
        /// The topic's id.
        topic_id: Uuid, [0+];
        /// The partitions.
        partitions: Vec<i32>, [0+];
    }

    /// The acquired records.
    pub struct ShareFetchResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The same in words, or null.
        error_message: Option<Str>, [0+] nullable [0+] = None;
        /// For how long acquired records are lent, in milliseconds.
        acquisition_lock_timeout_ms: i32, [1+];
        /// What became of each topic.
        responses: Vec<ShareFetchableTopicResponse>, [0+];
        /// The addresses of the leaders that are named.
        node_endpoints: Vec<ShareFetchNodeEndpoint>, [0+];
    }

    /// A topic, in [`ShareFetchResponse`].
    pub struct ShareFetchableTopicResponse {
        /// The topic's id.
        topic_id: Uuid, [0+];
        /// The partitions.
        partitions: Vec<ShareFetchPartitionData>, [0+];
    }

    /// A partition, in [`ShareFetchResponse`].
    pub struct ShareFetchPartitionData {
        /// The partition.
        partition_index: i32, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The same in words, or null.
        error_message: Option<Str>, [0+] nullable [0+] = None;
        /// What went wrong with the acknowledgements; 0 for success.
        acknowledge_error_code: i16, [0+];
        /// The same in words, or null.
        acknowledge_error_message: Option<Str>, [0+] nullable [0+] = None;
        /// The leader, if the client asked the wrong broker.
        current_leader: ShareFetchLeaderIdAndEpoch, [0+];
        /// The record batches.
        records: Option<Records>, [0+] nullable [0];
        /// The ranges that are now lent to this member.
        acquired_records: Vec<AcquiredRecords>, [0+];
    }

    /// The leader of a partition, in [`ShareFetchResponse`].
    pub struct ShareFetchLeaderIdAndEpoch {
        /// The leader of the partition, or -1 if it is unknown.
        leader_id: i32, [0+];
        /// The leader epoch, or -1 if it is unknown.
        leader_epoch: i32, [0+];
    }

    /// A range that is lent to the member, in [`ShareFetchResponse`].
    pub struct AcquiredRecords {
        /// The first offset of the range.
        first_offset: i64, [0+];
        /// The last offset of the range.
        last_offset: i64, [0+];
        /// How often the records have been delivered.
        delivery_count: i16, [0+];
    }

    /// The address of a leader, in [`ShareFetchResponse`].
    pub struct ShareFetchNodeEndpoint {
        /// The broker's id.
        node_id: i32, [0+];
        /// The host to connect to.
        host: Str, [0+];
        /// The port to connect to.
        port: i32, [0+];
        /// The rack, or null.
        rack: Option<Str>, [0+] nullable [0+] = None;
    }

    /// Acknowledges records of a share group.
    pub struct ShareAcknowledgeRequest {
        /// The group.
        group_id: Option<Str>, [0+] nullable [0+] = None;
        /// The member's id.
        member_id: Option<Str>, [0+] nullable [0+];
        /// Counts the requests of the share session; 0 opens it, -1 closes it.
        share_session_epoch: i32, [0+];
        /// Whether some acknowledgements prolong the loan of records.
        is_renew_ack: bool, [2+];
        /// The topics.
        topics: Vec<AcknowledgeTopic>, [0+];
    }

    /// A topic, in [`ShareAcknowledgeRequest`].
    pub struct AcknowledgeTopic {
        /// The topic's id.
        topic_id: Uuid, [0+];
        /// The partitions.
        partitions: Vec<AcknowledgePartition>, [0+];
    }

    /// A partition, in [`ShareAcknowledgeRequest`].
    pub struct AcknowledgePartition {
        /// The partition.
        partition_index: i32, [0+];
        /// What became of the records, in ranges.
        acknowledgement_batches: Vec<ShareAcknowledgeBatch>, [0+];
    }

    /// What became of a range of records, in [`ShareAcknowledgeRequest`].
    pub struct ShareAcknowledgeBatch {
        /// The first offset of the range.
        first_offset: i64, [0+];
        /// The last offset of the range.
        last_offset: i64, [0+];
        /// One value for the whole range, or one per offset: 0 gap, 1 accept, 2 release, 3 reject, 4 renew.
        acknowledge_types: Vec<i8>, [0+];
    }

    /// What became of each partition.
    pub struct ShareAcknowledgeResponse {
        /// For how long the client is slowed down because of a quota, in milliseconds.
        throttle_time_ms: i32, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The same in words, or null.
        error_message: Option<Str>, [0+] nullable [0+] = None;
        /// For how long acquired records are lent, in milliseconds.
        acquisition_lock_timeout_ms: i32, [2+] (ignorable);
        /// What became of each topic.
        responses: Vec<ShareAcknowledgeTopicResponse>, [0+];
        /// The addresses of the leaders that are named.
        node_endpoints: Vec<ShareAcknowledgeNodeEndpoint>, [0+];
    }

    /// A topic, in [`ShareAcknowledgeResponse`].
    pub struct ShareAcknowledgeTopicResponse {
        /// The topic's id.
        topic_id: Uuid, [0+];
        /// The partitions.
        partitions: Vec<ShareAcknowledgePartitionData>, [0+];
    }

    /// A partition, in [`ShareAcknowledgeResponse`].
    pub struct ShareAcknowledgePartitionData {
        /// The partition.
        partition_index: i32, [0+];
        /// What went wrong; 0 for success.
        error_code: i16, [0+];
        /// The same in words, or null.
        error_message: Option<Str>, [0+] nullable [0+] = None;
        /// The leader, if the client asked the wrong broker.
        current_leader: ShareAcknowledgeLeaderIdAndEpoch, [0+];
    }

    /// The leader of a partition, in [`ShareAcknowledgeResponse`].
    pub struct ShareAcknowledgeLeaderIdAndEpoch {
        /// The leader of the partition, or -1 if it is unknown.
        leader_id: i32, [0+];
        /// The leader epoch, or -1 if it is unknown.
        leader_epoch: i32, [0+];
    }

    /// The address of a leader, in [`ShareAcknowledgeResponse`].
    pub struct ShareAcknowledgeNodeEndpoint {
        /// The broker's id.
        node_id: i32, [0+];
        /// The host to connect to.
        host: Str, [0+];
        /// The port to connect to.
        port: i32, [0+];
        /// The rack, or null.
        rack: Option<Str>, [0+] nullable [0+] = None;
    }
}
