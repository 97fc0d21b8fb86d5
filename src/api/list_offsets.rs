//! ListOffsets, versions 1 to 11.

use protocol::messages::list_offsets::{
    ListOffsetsPartition, ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use protocol::messages::{ListOffsetsRequest, ListOffsetsResponse};
use types::{ErrorCode, LeaderEpoch, TimestampMs};

use super::encode;
use super::topics::{self, Places};
use crate::requests::{Answer, Call, Gather};
use crate::routing::ByOwner;
use crate::shard::Shard;
use crate::work::{Done, Listed, OffsetQuery, WhichOffset, Work};

const READ_COMMITTED: i8 = 1;
/// From this version on the answer tells the record's leader epoch.
const LEADER_EPOCH_VERSION: i16 = 4;

/// Serves one request.
pub fn handle(shard: &mut Shard, call: &Call, request: ListOffsetsRequest) -> Answer {
    let committed_only = request.isolation_level == READ_COMMITTED;
    let placement = shard.broker.placement.clone();
    let mut by_owner = ByOwner::new(&placement);
    let mut gather = Box::new(ListOffsetsGather::default());
    for topic in request.topics {
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for partition in &topic.partitions {
            let mut response = ListOffsetsPartitionResponse {
                partition_index: partition.partition_index,
                ..Default::default()
            };
            let located = query(call.version, partition, committed_only).and_then(|query| {
                Ok((topics::locate(&shard.image, &topic.name, partition.partition_index)?, query))
            });
            match located {
                Ok((at, query)) => {
                    by_owner.push(
                        gather.places.add(gather.response.topics.len(), partitions.len()),
                        at,
                        query,
                    );
                }
                Err(error) => fill(&mut response, &Listed::failed(error)),
            }
            partitions.push(response);
        }
        gather.response.topics.push(ListOffsetsTopicResponse { name: topic.name, partitions });
    }
    let works = by_owner.into_works(Work::ListOffsets);
    shard.ask_owners(call, gather, works)
}

/// What the client asks for; negative timestamps stand for special offsets.
fn query(
    version: i16,
    partition: &ListOffsetsPartition,
    committed_only: bool,
) -> Result<OffsetQuery, ErrorCode> {
    // Each with the version that brought it.
    let (since, which) = match partition.timestamp {
        -1 => (1, WhichOffset::Latest),
        -2 => (1, WhichOffset::Earliest),
        -3 => (7, WhichOffset::MaxTimestamp),
        -4 => (8, WhichOffset::EarliestLocal),
        -5 => (9, WhichOffset::LatestTiered),
        -6 => (11, WhichOffset::EarliestPendingUpload),
        timestamp if timestamp >= 0 => (1, WhichOffset::AtOrAfter(TimestampMs(timestamp))),
        _ => return Err(ErrorCode::UnsupportedVersion),
    };
    if version < since {
        return Err(ErrorCode::UnsupportedVersion);
    }
    let current_epoch = LeaderEpoch(partition.current_leader_epoch);
    Ok(OffsetQuery { current_epoch, which, committed_only })
}

/// The response as far as it is known.
#[derive(Default)]
struct ListOffsetsGather {
    response: ListOffsetsResponse,
    /// Where the owners' answers belong.
    places: Places,
}

impl Gather for ListOffsetsGather {
    fn merge(&mut self, done: Done) {
        let Done::ListOffsets(parts) = done else { return debug_assert!(false, "not offsets: {done:?}") };
        for part in parts {
            if let Some((topic, partition)) = self.places.find(part.place) {
                fill(&mut self.response.topics[topic].partitions[partition], &part.item);
            }
        }
    }

    fn finish(mut self: Box<Self>, call: &Call, _shard: &mut Shard) -> Answer {
        if call.version < LEADER_EPOCH_VERSION {
            let partitions = self.response.topics.iter_mut().flat_map(|topic| &mut topic.partitions);
            partitions.for_each(|partition| partition.leader_epoch = LeaderEpoch::NONE.0);
        }
        encode(call, &self.response)
    }
}

fn fill(response: &mut ListOffsetsPartitionResponse, listed: &Listed) {
    response.error_code = listed.error.code();
    response.timestamp = listed.timestamp.0;
    response.offset = listed.offset.0;
    response.leader_epoch = listed.epoch.0;
}
