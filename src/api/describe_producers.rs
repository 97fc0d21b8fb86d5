//! DescribeProducers, version 0 (KIP-664).

use protocol::messages::transaction_admin::{PartitionResponse, ProducerState, TopicResponse};
use protocol::messages::{DescribeProducersRequest, DescribeProducersResponse};
use types::ErrorCode;

use super::encode;
use super::topics::{self, Places};
use crate::requests::{Answer, Call, Gather};
use crate::routing::ByOwner;
use crate::shard::Shard;
use crate::work::{Done, ProducerSeen, Work};

/// Serves one request.
pub fn handle(shard: &mut Shard, call: &Call, request: DescribeProducersRequest) -> Answer {
    let placement = shard.broker.placement.clone();
    let mut by_owner = ByOwner::new(&placement);
    let mut gather = Box::new(ProducersGather::default());
    for topic in request.topics {
        let mut partitions = Vec::with_capacity(topic.partition_indexes.len());
        for index in topic.partition_indexes {
            let mut response = PartitionResponse { partition_index: index, ..Default::default() };
            match topics::locate(&shard.image, &topic.name, index) {
                Ok(at) => {
                    by_owner.push(gather.places.add(gather.response.topics.len(), partitions.len()), at, ());
                }
                Err(error) => fill(&mut response, Err(error)),
            }
            partitions.push(response);
        }
        gather.response.topics.push(TopicResponse { name: topic.name, partitions });
    }
    let works = by_owner.into_works(Work::Producers);
    shard.ask_owners(call, gather, works)
}

/// The response as far as it is known.
#[derive(Default)]
struct ProducersGather {
    response: DescribeProducersResponse,
    /// Where the owners' answers belong.
    places: Places,
}

impl Gather for ProducersGather {
    fn merge(&mut self, done: Done) {
        let Done::Producers(parts) = done else { return debug_assert!(false, "not producers: {done:?}") };
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

fn fill(response: &mut PartitionResponse, seen: Result<Vec<ProducerSeen>, ErrorCode>) {
    match seen {
        Ok(producers) => response.active_producers = producers.into_iter().map(state).collect(),
        Err(error) => response.error_code = error.code(),
    }
}

fn state(seen: ProducerSeen) -> ProducerState {
    ProducerState {
        producer_id: seen.producer_id,
        producer_epoch: i32::from(seen.producer_epoch),
        last_sequence: seen.last_sequence,
        last_timestamp: seen.last_timestamp.0,
        coordinator_epoch: seen.coordinator_epoch,
        current_txn_start_offset: seen.txn_start.0,
    }
}
