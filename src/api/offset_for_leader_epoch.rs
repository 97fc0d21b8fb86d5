//! OffsetForLeaderEpoch, versions 2 to 4 (KIP-320).

use protocol::messages::list_offsets::{EpochEndOffset, OffsetForLeaderTopicResult};
use protocol::messages::{OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse};
use types::LeaderEpoch;

use super::encode;
use super::topics::{self, Places};
use crate::requests::{Answer, Call, Gather};
use crate::routing::ByOwner;
use crate::shard::Shard;
use crate::work::{Done, EpochEnd, EpochQuery, Work};

/// Serves one request.
pub fn handle(shard: &mut Shard, call: &Call, request: OffsetForLeaderEpochRequest) -> Answer {
    let placement = shard.broker.placement.clone();
    let mut by_owner = ByOwner::new(&placement);
    let mut gather = Box::new(EpochGather::default());
    for topic in request.topics {
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for partition in &topic.partitions {
            let mut response = EpochEndOffset { partition: partition.partition, ..Default::default() };
            match topics::locate(&shard.image, &topic.topic, partition.partition) {
                Ok(at) => {
                    let query = EpochQuery {
                        current_epoch: LeaderEpoch(partition.current_leader_epoch),
                        epoch: LeaderEpoch(partition.leader_epoch),
                    };
                    by_owner.push(
                        gather.places.add(gather.response.topics.len(), partitions.len()),
                        at,
                        query,
                    );
                }
                Err(error) => fill(&mut response, &EpochEnd::failed(error)),
            }
            partitions.push(response);
        }
        gather.response.topics.push(OffsetForLeaderTopicResult { topic: topic.topic, partitions });
    }
    let works = by_owner.into_works(Work::EpochEnds);
    shard.ask_owners(call, gather, works)
}

/// The response as far as it is known.
#[derive(Default)]
struct EpochGather {
    response: OffsetForLeaderEpochResponse,
    /// Where the owners' answers belong.
    places: Places,
}

impl Gather for EpochGather {
    fn merge(&mut self, done: Done) {
        let Done::EpochEnds(parts) = done else { return debug_assert!(false, "not epochs: {done:?}") };
        for part in parts {
            if let Some((topic, partition)) = self.places.find(part.place) {
                fill(&mut self.response.topics[topic].partitions[partition], &part.item);
            }
        }
    }

    fn finish(self: Box<Self>, call: &Call, _shard: &mut Shard) -> Answer {
        encode(call, &self.response)
    }
}

fn fill(response: &mut EpochEndOffset, end: &EpochEnd) {
    response.error_code = end.error.code();
    response.leader_epoch = end.epoch.0;
    response.end_offset = end.end.0;
}
