//! ListGroups, versions 0 to 5: the groups of all types that this broker coordinates.

use group::{Request, Response};
use protocol::messages::{ListGroupsRequest, ListGroupsResponse};
use types::{ErrorCode, TopicPartition};

use super::encode;
use super::groups::{parts, question};
use crate::coordinator::OFFSETS_TOPIC;
use crate::requests::{Answer, Call, Gather};
use crate::routing::ByOwner;
use crate::shard::Shard;
use crate::work::{Done, Place, Work};

/// Serves one request.
pub fn handle(shard: &mut Shard, call: &Call, request: ListGroupsRequest) -> Answer {
    let placement = shard.broker.placement.clone();
    let mut by_owner = ByOwner::new(&placement);
    if let Some(topic) = shard.image.topic(OFFSETS_TOPIC).cloned() {
        let led = topic.partitions().filter(|(_, state)| state.leader == shard.image.node());
        for (partition, _) in led {
            let at = TopicPartition { topic: topic.id, partition };
            let Some(question) = question(shard, call, Request::ListGroups(request.clone())) else {
                return Answer::Close;
            };
            by_owner.push(Place(0), at, question);
        }
    }
    let works = by_owner.into_works(Work::Group);
    shard.ask_owners(call, Box::<ListGather>::default(), works)
}

/// The groups so far.
#[derive(Default)]
struct ListGather {
    response: ListGroupsResponse,
}

impl Gather for ListGather {
    fn merge(&mut self, done: Done) {
        for part in parts(done) {
            let Response::ListGroups(listed) = part.item else {
                return debug_assert!(false, "another answer");
            };
            // One that cannot tell makes the list incomplete, and the client has to hear that; as Kafka says it.
            if self.response.error_code == ErrorCode::None.code() {
                self.response.error_code = listed.error_code;
            }
            self.response.groups.extend(listed.groups);
        }
    }

    fn finish(mut self: Box<Self>, call: &Call, _shard: &mut Shard) -> Answer {
        self.response.groups.sort_by(|a, b| a.group_id.cmp(&b.group_id));
        encode(call, &self.response)
    }
}
