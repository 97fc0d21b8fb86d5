//! OffsetCommit, versions 2 to 10.

use group::{Request, Response};
use protocol::messages::group_offsets::{
    OffsetCommitRequestTopic, OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use protocol::messages::{OffsetCommitRequest, OffsetCommitResponse};
use types::ErrorCode;

use super::encode;
use super::groups::{parts, question};
use super::topics::{self, Places};
use crate::coordinator::led_here;
use crate::requests::{Answer, Call, Gather};
use crate::shard::Shard;
use crate::work::{Done, Part, Place, Work};

/// From this version on topics are named by their ids.
const TOPIC_ID_VERSION: i16 = 10;

/// Serves one request.
pub fn handle(shard: &mut Shard, call: &Call, mut request: OffsetCommitRequest) -> Answer {
    let mut gather = CommitGather::default();
    let topics = std::mem::take(&mut request.topics);
    request.topics = topics.into_iter().filter_map(|topic| gather.add(shard, call, topic)).collect();
    if request.topics.is_empty() {
        return encode(call, &gather.response);
    }
    let group_id = request.group_id.clone();
    let request = Request::OffsetCommit(request);
    let at = match led_here(&shard.image, &group_id) {
        Ok(at) => at,
        Err(error) => {
            gather.fill(request.refused(call.version, error));
            return encode(call, &gather.response);
        }
    };
    let owner = shard.broker.placement.owner(at);
    shard.note_owner(call.connection, owner);
    let Some(question) = question(shard, call, request) else { return Answer::Close };
    let part = Part { place: Place(0), at, item: question };
    shard.ask_owners(call, Box::new(gather), vec![(owner, Work::Group(vec![part]))])
}

/// The response, in the order of the request.
#[derive(Default)]
struct CommitGather {
    response: OffsetCommitResponse,
    /// Where what the coordinator answers belongs, in its order.
    places: Places,
}

impl CommitGather {
    /// Answers for the partitions of a topic that do not exist. Returns the others, for the coordinator.
    fn add(
        &mut self,
        shard: &Shard,
        call: &Call,
        mut asked: OffsetCommitRequestTopic,
    ) -> Option<OffsetCommitRequestTopic> {
        let by_id = call.version >= TOPIC_ID_VERSION;
        let topic = topics::find(&shard.image, by_id, &asked.name, asked.topic_id);
        let mut responses = Vec::with_capacity(asked.partitions.len());
        let place = self.response.topics.len();
        asked.partitions.retain(|partition| {
            let index = partition.partition_index;
            let found = topic.and_then(|topic| topics::partition(topic, index));
            if found.is_ok() {
                self.places.add(place, responses.len());
            }
            let error_code = found.err().unwrap_or(ErrorCode::None).code();
            responses.push(OffsetCommitResponsePartition { partition_index: index, error_code });
            found.is_ok()
        });
        self.response.topics.push(OffsetCommitResponseTopic {
            name: asked.name.clone(),
            topic_id: asked.topic_id,
            partitions: responses,
        });
        let topic = topic.ok().filter(|_| !asked.partitions.is_empty())?;
        asked.name = topic.name.as_str().into();
        asked.topic_id = topic.id;
        Some(asked)
    }

    fn fill(&mut self, response: Response) {
        let Response::OffsetCommit(response) = response else {
            return debug_assert!(false, "another answer");
        };
        let partitions = response.topics.iter().flat_map(|topic| &topic.partitions);
        for (place, partition) in (0..).map(Place).zip(partitions) {
            let Some((topic, index)) = self.places.find(place) else { continue };
            self.response.topics[topic].partitions[index].error_code = partition.error_code;
        }
    }
}

impl Gather for CommitGather {
    fn merge(&mut self, done: Done) {
        for part in parts(done) {
            self.fill(part.item);
        }
    }

    fn finish(self: Box<Self>, call: &Call, _shard: &mut Shard) -> Answer {
        encode(call, &self.response)
    }
}
