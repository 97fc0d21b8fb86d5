//! OffsetDelete, version 0 (KIP-496): deletes committed offsets of a group.

use group::{Request, Response};
use protocol::messages::group_offsets::{
    OffsetDeleteRequestTopic, OffsetDeleteResponsePartition, OffsetDeleteResponseTopic,
};
use protocol::messages::{OffsetDeleteRequest, OffsetDeleteResponse};
use types::ErrorCode;

use super::encode;
use super::groups::{parts, question};
use super::topics::{self, Places};
use crate::coordinator::led_here;
use crate::requests::{Answer, Call, Gather};
use crate::shard::Shard;
use crate::work::{Done, Part, Place, Work};

/// Serves one request.
pub fn handle(shard: &mut Shard, call: &Call, mut request: OffsetDeleteRequest) -> Answer {
    if request.group_id.is_empty() {
        return encode(call, &failed(ErrorCode::InvalidGroupId));
    }
    let at = match led_here(&shard.image, &request.group_id) {
        Ok(at) => at,
        Err(error) => return encode(call, &failed(error)),
    };
    let mut gather = DeleteGather::default();
    let topics = std::mem::take(&mut request.topics);
    request.topics = topics.into_iter().filter_map(|topic| gather.add(shard, topic)).collect();
    let Some(question) = question(shard, call, Request::OffsetDelete(request)) else { return Answer::Close };
    let part = Part { place: Place(0), at, item: question };
    let owner = shard.broker.placement.owner(at);
    shard.ask_owners(call, Box::new(gather), vec![(owner, Work::Group(vec![part]))])
}

fn failed(error: ErrorCode) -> OffsetDeleteResponse {
    OffsetDeleteResponse { error_code: error.code(), ..Default::default() }
}

/// The response, in the order of the request.
#[derive(Default)]
struct DeleteGather {
    response: OffsetDeleteResponse,
    /// Where what the coordinator answers belongs, in its order.
    places: Places,
}

impl DeleteGather {
    /// Answers for the partitions of a topic that do not exist. Returns the others, for the coordinator.
    fn add(
        &mut self,
        shard: &Shard,
        mut asked: OffsetDeleteRequestTopic,
    ) -> Option<OffsetDeleteRequestTopic> {
        let mut partitions = Vec::with_capacity(asked.partitions.len());
        let place = self.response.topics.len();
        asked.partitions.retain(|partition| {
            let found = topics::locate(&shard.image, &asked.name, partition.partition_index);
            if found.is_ok() {
                self.places.add(place, partitions.len());
            }
            partitions.push(OffsetDeleteResponsePartition {
                partition_index: partition.partition_index,
                error_code: found.err().unwrap_or(ErrorCode::None).code(),
            });
            found.is_ok()
        });
        self.response.topics.push(OffsetDeleteResponseTopic { name: asked.name.clone(), partitions });
        (!asked.partitions.is_empty()).then_some(asked)
    }
}

impl Gather for DeleteGather {
    fn merge(&mut self, done: Done) {
        for part in parts(done) {
            let Response::OffsetDelete(response) = part.item else {
                return debug_assert!(false, "another answer");
            };
            if response.error_code != ErrorCode::None.code() {
                self.response = response;
                return;
            }
            let partitions = response.topics.iter().flat_map(|topic| &topic.partitions);
            for (place, partition) in (0..).map(Place).zip(partitions) {
                let Some((topic, index)) = self.places.find(place) else { continue };
                self.response.topics[topic].partitions[index].error_code = partition.error_code;
            }
        }
    }

    fn finish(self: Box<Self>, call: &Call, _shard: &mut Shard) -> Answer {
        encode(call, &self.response)
    }
}
