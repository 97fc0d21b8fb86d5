//! OffsetDelete (KIP-496), once it is clear that the group lets offsets be deleted.

use protocol::messages::group_offsets::{OffsetDeleteResponsePartition, OffsetDeleteResponseTopic};
use protocol::messages::{OffsetDeleteRequest, OffsetDeleteResponse};
use types::{ErrorCode, PartitionIndex};

use super::{Offsets, tombstone};
use crate::group::{Subscription, Turn};

/// Deletes offsets; gives the answer. Those of topics that members consume stay.
pub(crate) fn delete(
    request: &OffsetDeleteRequest,
    offsets: &Offsets,
    consumed: &Subscription,
    turn: &mut Turn<'_>,
) -> OffsetDeleteResponse {
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in &request.topics {
        let is_consumed = consumed.contains(&topic.name);
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for partition in &topic.partitions {
            let index = PartitionIndex(partition.partition_index);
            let error = if is_consumed { ErrorCode::GroupSubscribedToTopic } else { ErrorCode::None };
            if !is_consumed && offsets.get(&topic.name, index).is_some() {
                turn.out.record(tombstone(turn.id, &topic.name, index));
            }
            partitions
                .push(OffsetDeleteResponsePartition { partition_index: index.0, error_code: error.code() });
        }
        topics.push(OffsetDeleteResponseTopic { name: topic.name.clone(), partitions });
    }
    OffsetDeleteResponse { topics, ..Default::default() }
}
