//! OffsetCommit, once it is clear that the request may commit.

use metadata::Image;
use protocol::Str;
use protocol::group_log::{OffsetCommitKey, OffsetCommitValue};
use protocol::messages::group_offsets::{
    OffsetCommitRequestPartition, OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use protocol::messages::{OffsetCommitRequest, OffsetCommitResponse};
use types::{ByteCount, ErrorCode, PartitionIndex, TimestampMs};

use crate::consumer::CommitGuard;
use crate::group::Turn;
use crate::names::GroupId;
use crate::records::Record;

/// What a client sends that leaves the retention to the broker.
const DEFAULT_RETENTION_MS: i64 = -1;

/// Commits offsets; gives the answer. A partition whose metadata is too large is refused by itself.
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
    let metadata_max = turn.settings.offsets.metadata_bytes_max;
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in &request.topics {
        let topic_id = image.topic(&topic.name).map(|topic| topic.id);
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for partition in &topic.partitions {
            let error = if let Err(error) = guard.check(topic_id, PartitionIndex(partition.partition_index)) {
                error
            } else if is_too_large(partition.committed_metadata.as_ref(), metadata_max) {
                ErrorCode::OffsetMetadataTooLarge
            } else {
                turn.out.record(record(turn.id, &topic.name, partition, turn.now, expires_at));
                ErrorCode::None
            };
            partitions.push(OffsetCommitResponsePartition {
                partition_index: partition.partition_index,
                error_code: error.code(),
            });
        }
        topics.push(OffsetCommitResponseTopic {
            name: topic.name.clone(),
            topic_id: topic.topic_id,
            partitions,
        });
    }
    OffsetCommitResponse { topics, ..Default::default() }
}

fn record(
    id: &GroupId,
    topic: &Str,
    partition: &OffsetCommitRequestPartition,
    now: TimestampMs,
    expires_at: TimestampMs,
) -> Record {
    let key =
        OffsetCommitKey { group: id.to_wire(), topic: topic.clone(), partition: partition.partition_index };
    let value = OffsetCommitValue {
        offset: partition.committed_offset,
        leader_epoch: partition.committed_leader_epoch,
        metadata: partition.committed_metadata.clone().unwrap_or_default(),
        commit_timestamp: now.0,
        expire_timestamp: expires_at.0,
        ..Default::default()
    };
    Record::OffsetCommit(key, Some(value))
}

/// Kafka's limit counts UTF-16 code units, of which a text has at most as many as bytes.
fn is_too_large(metadata: Option<&Str>, max: ByteCount) -> bool {
    let max = usize::try_from(max.0).unwrap_or(usize::MAX);
    metadata.is_some_and(|text| text.len() > max && text.encode_utf16().count() > max)
}
