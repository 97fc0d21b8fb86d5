//! OffsetCommit, once it is clear that the request may commit.

use metadata::Image;
use protocol::Str;
use protocol::group_log::{OffsetCommitKey, OffsetCommitValue};
use protocol::messages::group_offsets::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic, OffsetCommitResponsePartition,
    OffsetCommitResponseTopic,
};
use protocol::messages::{OffsetCommitRequest, OffsetCommitResponse};
use types::{ByteCount, ErrorCode, PartitionIndex, TimestampMs};

use crate::consumer::CommitGuard;
use crate::group::Turn;
use crate::records::Record;

/// What a client sends that leaves the retention to the broker.
const DEFAULT_RETENTION_MS: i64 = -1;

/// Commits offsets; gives the answer. A partition that is not the member's, or whose metadata is too large, is refused by
/// itself.
pub(crate) fn commit(
    request: &OffsetCommitRequest,
    guard: &CommitGuard<'_>,
    image: &Image,
    turn: &mut Turn<'_>,
) -> OffsetCommitResponse {
    let expires_at = match request.retention_time_ms {
        DEFAULT_RETENTION_MS => TimestampMs::NONE,
        retention_ms => TimestampMs(turn.now.0.saturating_add(retention_ms)),
    };
    let commit_topic = |topic| commit_topic(topic, guard, image, expires_at, turn);
    OffsetCommitResponse { topics: request.topics.iter().map(commit_topic).collect(), ..Default::default() }
}

fn commit_topic(
    topic: &OffsetCommitRequestTopic,
    guard: &CommitGuard<'_>,
    image: &Image,
    expires_at: TimestampMs,
    turn: &mut Turn<'_>,
) -> OffsetCommitResponseTopic {
    let metadata_max = turn.settings.offsets.metadata_bytes_max;
    // Clients name topics by their ids from version 10 on.
    let named = (!topic.topic_id.is_zero()).then_some(topic.topic_id);
    let topic_id = named.or_else(|| image.topic(&topic.name).map(|topic| topic.id));
    let mut commit = |partition: &OffsetCommitRequestPartition| {
        let error = if let Err(error) = guard.check(topic_id, PartitionIndex(partition.partition_index)) {
            error
        } else if is_too_large(partition.committed_metadata.as_ref(), metadata_max) {
            ErrorCode::OffsetMetadataTooLarge
        } else {
            let key = OffsetCommitKey {
                group: turn.id.to_wire(),
                topic: topic.name.clone(),
                partition: partition.partition_index,
            };
            let value = OffsetCommitValue {
                offset: partition.committed_offset,
                leader_epoch: partition.committed_leader_epoch,
                metadata: partition.committed_metadata.clone().unwrap_or_default(),
                commit_timestamp: turn.now.0,
                expire_timestamp: expires_at.0,
                topic_id: topic_id.unwrap_or_default(),
            };
            turn.out.record(Record::OffsetCommit(key, Some(value)));
            ErrorCode::None
        };
        OffsetCommitResponsePartition { partition_index: partition.partition_index, error_code: error.code() }
    };
    OffsetCommitResponseTopic {
        name: topic.name.clone(),
        topic_id: topic.topic_id,
        partitions: topic.partitions.iter().map(&mut commit).collect(),
    }
}

/// Kafka's limit counts UTF-16 code units, of which a text has at most as many as bytes.
fn is_too_large(metadata: Option<&Str>, max: ByteCount) -> bool {
    let max = usize::try_from(max.0).unwrap_or(usize::MAX);
    metadata.is_some_and(|text| text.len() > max && text.encode_utf16().count() > max)
}
