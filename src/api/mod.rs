//! One file per API: each authorises, splits, asks and merges, and holds no rule of its own.
//!
//! # Invariants
//! - What is announced in ApiVersions is what [`handle`] serves: both come from the one table below.

mod api_versions;
mod authorized;
mod configs;
mod consumer_group_describe;
mod consumer_group_heartbeat;
mod create_partitions;
mod create_topics;
mod delete_groups;
mod delete_records;
mod delete_topics;
mod describe_cluster;
mod describe_groups;
mod describe_log_dirs;
mod describe_producers;
mod describe_topic_partitions;
mod fetch;
mod find_coordinator;
mod groups;
mod heartbeat;
mod init_producer_id;
mod join_group;
mod leave_group;
mod list_groups;
mod list_offsets;
mod metadata;
mod offset_commit;
mod offset_delete;
mod offset_fetch;
mod offset_for_leader_epoch;
mod produce;
mod refusals;
mod sync_group;
mod topics;

use bytes::Bytes;
use protocol::{ApiKey, Message, Request, decode_request, encode_response};

use crate::requests::{Answer, Call};
use crate::shard::Shard;

macro_rules! served {
    ($($key:ident => $handler:path,)*) => {
        /// Whether this API is served, and so announced.
        fn is_served(key: ApiKey) -> bool {
            matches!(key, $(ApiKey::$key)|*)
        }

        fn dispatch(shard: &mut Shard, call: &Call, key: ApiKey, frame: &Bytes) -> Answer {
            match key {
                $(ApiKey::$key => serve(shard, call, frame, $handler),)*
                _ => Answer::Close,
            }
        }
    };
}

served! {
    Produce => produce::handle,
    Fetch => fetch::handle,
    ListOffsets => list_offsets::handle,
    Metadata => metadata::handle,
    ApiVersions => api_versions::handle,
    CreateTopics => create_topics::handle,
    DeleteTopics => delete_topics::handle,
    DeleteRecords => delete_records::handle,
    OffsetCommit => offset_commit::handle,
    OffsetFetch => offset_fetch::handle,
    FindCoordinator => find_coordinator::handle,
    JoinGroup => join_group::handle,
    Heartbeat => heartbeat::handle,
    LeaveGroup => leave_group::handle,
    SyncGroup => sync_group::handle,
    DescribeGroups => describe_groups::handle,
    ListGroups => list_groups::handle,
    DeleteGroups => delete_groups::handle,
    OffsetDelete => offset_delete::handle,
    ConsumerGroupHeartbeat => consumer_group_heartbeat::handle,
    ConsumerGroupDescribe => consumer_group_describe::handle,
    InitProducerId => init_producer_id::handle,
    OffsetForLeaderEpoch => offset_for_leader_epoch::handle,
    DescribeConfigs => configs::describe,
    AlterConfigs => configs::alter,
    IncrementalAlterConfigs => configs::incremental_alter,
    ListConfigResources => configs::list_resources,
    CreatePartitions => create_partitions::handle,
    DescribeLogDirs => describe_log_dirs::handle,
    DescribeCluster => describe_cluster::handle,
    DescribeProducers => describe_producers::handle,
    DescribeTopicPartitions => describe_topic_partitions::handle,
}

/// Serves one request. A frame that cannot be understood ends its connection, as in Kafka.
pub fn handle(shard: &mut Shard, call: &Call, frame: &Bytes) -> Answer {
    let Some(key) = ApiKey::from_key(call.api_key).filter(|key| is_served(*key)) else {
        tracing::debug!("a client asked for API {}, which is not served here", call.api_key);
        return Answer::Close;
    };
    // A version beyond those that are announced is not settled yet, though it can be read.
    let api = key.api();
    if api.versions.contains(call.version) && api.advertised.contains(call.version) {
        return dispatch(shard, call, key, frame);
    }
    match key {
        ApiKey::ApiVersions => api_versions::unsupported(call),
        _ => {
            tracing::debug!("a client asked for version {} of {key:?}, which is not served", call.version);
            Answer::Close
        }
    }
}

fn serve<R: Request>(
    shard: &mut Shard,
    call: &Call,
    frame: &Bytes,
    handler: fn(&mut Shard, &Call, R) -> Answer,
) -> Answer {
    match decode_request::<R>(frame) {
        Ok((_, request)) => handler(shard, call, request),
        Err(error) => {
            tracing::debug!("a request that cannot be read: {error}");
            Answer::Close
        }
    }
}

/// The answer to `call` as a frame.
fn encode<M: Message>(call: &Call, response: &M) -> Answer {
    match encode_response(call.version, call.correlation_id, response) {
        Ok(frame) => Answer::Reply { frame, errors: response.errors("") },
        Err(error) => {
            // Every handler fills only what its version has; the connection is of no use without an answer.
            tracing::error!("a response of API {} could not be encoded: {error}", call.api_key);
            Answer::Close
        }
    }
}
