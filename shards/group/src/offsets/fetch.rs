//! OffsetFetch: how far a group has got.
//!
//! Offsets of open transactions are not taken yet, and those of an adopted log are dropped, so every offset is stable.

use protocol::Str;
use protocol::messages::group_offsets::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartitions, OffsetFetchResponseTopics,
};
use types::{LeaderEpoch, Offset, PartitionIndex};

use super::{CommittedOffset, Offsets};
use crate::request::OffsetFetch;

/// The offsets that the request asks for. A group that does not exist has none, which is no error.
pub(crate) fn fetch(request: &OffsetFetch, offsets: Option<&Offsets>) -> OffsetFetchResponseGroup {
    let topics = match (&request.group.topics, offsets) {
        (Some(topics), _) => topics
            .iter()
            .map(|topic| OffsetFetchResponseTopics {
                name: topic.name.clone(),
                topic_id: topic.topic_id,
                partitions: topic
                    .partition_indexes
                    .iter()
                    .map(|index| {
                        let found = offsets.and_then(|all| all.get(&topic.name, PartitionIndex(*index)));
                        answer(PartitionIndex(*index), found)
                    })
                    .collect(),
            })
            .collect(),
        (None, None) => Vec::new(),
        (None, Some(offsets)) => offsets
            .topics()
            .map(|(name, partitions)| OffsetFetchResponseTopics {
                name: name.clone(),
                partitions: partitions.iter().map(|(index, offset)| answer(*index, Some(offset))).collect(),
                ..Default::default()
            })
            .collect(),
    };
    OffsetFetchResponseGroup { group_id: request.group.group_id.clone(), topics, ..Default::default() }
}

fn answer(partition: PartitionIndex, offset: Option<&CommittedOffset>) -> OffsetFetchResponsePartitions {
    OffsetFetchResponsePartitions {
        partition_index: partition.0,
        committed_offset: offset.map_or(Offset::NONE, |offset| offset.offset).0,
        committed_leader_epoch: offset.map_or(LeaderEpoch::NONE, |offset| offset.leader_epoch).0,
        metadata: Some(offset.map_or_else(Str::default, |offset| offset.metadata.clone())),
        error_code: 0,
    }
}
