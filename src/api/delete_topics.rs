//! DeleteTopics, versions 1 to 6: by name, and from version 6 on by id (KIP-516).

use controller::{DeleteTopics, DeletedTopic, Reply, TopicSelector};
use protocol::Str;
use protocol::messages::topics::DeletableTopicResult;
use protocol::messages::{DeleteTopicsRequest, DeleteTopicsResponse};
use types::Uuid;

use super::encode;
use super::refusals::{Failure, refused_by_control};
use crate::requests::{Answer, Call, Gather};
use crate::shard::Shard;
use crate::work::Done;

/// From this version on each topic is named by name or id.
const SELECTOR_VERSION: i16 = 6;

/// Serves one request.
pub fn handle(shard: &mut Shard, call: &Call, request: DeleteTopicsRequest) -> Answer {
    let topics: Vec<TopicSelector> = if call.version >= SELECTOR_VERSION {
        let states = request.topics.into_iter();
        states
            .map(|state| TopicSelector { name: state.name.map(|n| n.to_string()), id: state.topic_id })
            .collect()
    } else {
        let names = request.topic_names.iter();
        names.map(|name| TopicSelector { name: Some(name.to_string()), id: Uuid::ZERO }).collect()
    };
    let gather = DeleteGather { topics: topics.clone(), outcome: Err(Failure::default()) };
    shard.ask_controller(call, Box::new(gather), controller::Request::DeleteTopics(DeleteTopics { topics }))
}

struct DeleteGather {
    topics: Vec<TopicSelector>,
    outcome: Result<Vec<DeletedTopic>, Failure>,
}

impl Gather for DeleteGather {
    fn merge(&mut self, done: Done) {
        self.outcome = match refused_by_control(done) {
            Ok(Reply::DeleteTopics(results)) => Ok(results),
            Ok(_) => Err(Failure::default()),
            Err(failure) => Err(failure),
        };
    }

    fn finish(self: Box<Self>, call: &Call, _shard: &mut Shard) -> Answer {
        let Self { topics, outcome } = *self;
        let results = outcome.unwrap_or_else(|failure| {
            let failed = |topic| DeletedTopic { topic, result: Err(failure.refusal()) };
            topics.into_iter().map(failed).collect()
        });
        let responses = results.into_iter().map(result).collect();
        encode(call, &DeleteTopicsResponse { responses, ..Default::default() })
    }
}

fn result(deleted: DeletedTopic) -> DeletableTopicResult {
    let refusal = deleted.result.err();
    DeletableTopicResult {
        name: deleted.topic.name.map(Str::from),
        topic_id: deleted.topic.id,
        error_code: refusal.as_ref().map_or(0, |refusal| refusal.code.code()),
        error_message: refusal.map(|refusal| Str::from(refusal.message)),
    }
}
