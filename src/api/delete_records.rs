//! DeleteRecords, versions 0 to 2.

use protocol::messages::topics::{DeleteRecordsPartitionResult, DeleteRecordsTopicResult};
use protocol::messages::{DeleteRecordsRequest, DeleteRecordsResponse};
use types::{ErrorCode, Offset};

use super::encode;
use super::topics::{self, Places};
use crate::requests::{Answer, Call, Gather};
use crate::routing::ByOwner;
use crate::shard::Shard;
use crate::work::{Done, Work};

/// Serves one request.
pub fn handle(shard: &mut Shard, call: &Call, request: DeleteRecordsRequest) -> Answer {
    let placement = shard.broker.placement.clone();
    let mut by_owner = ByOwner::new(&placement);
    let mut gather = Box::new(DeleteGather::default());
    for topic in request.topics {
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for partition in &topic.partitions {
            let mut result = DeleteRecordsPartitionResult {
                partition_index: partition.partition_index,
                low_watermark: Offset::NONE.0,
                ..Default::default()
            };
            match topics::locate(&shard.image, &topic.name, partition.partition_index) {
                Ok(at) => {
                    let place = gather.places.add(gather.response.topics.len(), partitions.len());
                    by_owner.push(place, at, Offset(partition.offset));
                }
                Err(error) => fill(&mut result, Err(error)),
            }
            partitions.push(result);
        }
        gather.response.topics.push(DeleteRecordsTopicResult { name: topic.name, partitions });
    }
    let works = by_owner.into_works(Work::DeleteRecords);
    shard.ask_owners(call, gather, works)
}

/// The response as far as it is known.
#[derive(Default)]
struct DeleteGather {
    response: DeleteRecordsResponse,
    /// Where the owners' answers belong.
    places: Places,
}

impl Gather for DeleteGather {
    fn merge(&mut self, done: Done) {
        let Done::DeleteRecords(parts) = done else { return debug_assert!(false, "not deletions: {done:?}") };
        for part in parts {
            if let Some((topic, partition)) = self.places.find(part.place) {
                fill(&mut self.response.topics[topic].partitions[partition], part.item);
            }
        }
    }

    fn finish(self: Box<Self>, call: &Call, _shard: &mut Shard) -> Answer {
        encode(call, &self.response)
    }
}

fn fill(result: &mut DeleteRecordsPartitionResult, outcome: Result<Offset, ErrorCode>) {
    match outcome {
        Ok(low_watermark) => result.low_watermark = low_watermark.0,
        Err(error) => result.error_code = error.code(),
    }
}
