//! CreatePartitions, versions 0 to 3.

use controller::{CreatePartitions, NewPartitions, Reply, TopicResult};
use protocol::Str;
use protocol::messages::topics::{CreatePartitionsTopic, CreatePartitionsTopicResult};
use protocol::messages::{CreatePartitionsRequest, CreatePartitionsResponse};
use types::BrokerId;

use super::encode;
use super::refusals::{Failure, refused_by_control};
use crate::requests::{Answer, Call, Gather};
use crate::shard::Shard;
use crate::work::Done;

/// Serves one request.
pub fn handle(shard: &mut Shard, call: &Call, request: CreatePartitionsRequest) -> Answer {
    let names: Vec<String> = request.topics.iter().map(|topic| topic.name.to_string()).collect();
    let create = CreatePartitions {
        topics: request.topics.into_iter().map(new_partitions).collect(),
        validate_only: request.validate_only,
    };
    let gather = CreateGather { names, outcome: Err(Failure::default()) };
    shard.ask_controller(call, Box::new(gather), controller::Request::CreatePartitions(create))
}

fn new_partitions(topic: CreatePartitionsTopic) -> NewPartitions {
    let brokers = |ids: Vec<i32>| ids.into_iter().map(BrokerId).collect();
    let assignments = topic.assignments;
    NewPartitions {
        name: topic.name.to_string(),
        count: topic.count,
        assignments: assignments.map(|new| new.into_iter().map(|a| brokers(a.broker_ids)).collect()),
    }
}

struct CreateGather {
    names: Vec<String>,
    outcome: Result<Vec<TopicResult<()>>, Failure>,
}

impl Gather for CreateGather {
    fn merge(&mut self, done: Done) {
        self.outcome = match refused_by_control(done) {
            Ok(Reply::CreatePartitions(results)) => Ok(results),
            Ok(_) => Err(Failure::default()),
            Err(failure) => Err(failure),
        };
    }

    fn finish(self: Box<Self>, call: &Call, _shard: &mut Shard) -> Answer {
        let Self { names, outcome } = *self;
        let results = outcome.unwrap_or_else(|failure| {
            let failed = |name| TopicResult { name, result: Err(failure.refusal()) };
            names.into_iter().map(failed).collect()
        });
        let results = results.into_iter().map(result).collect();
        encode(call, &CreatePartitionsResponse { results, ..Default::default() })
    }
}

fn result(topic: TopicResult<()>) -> CreatePartitionsTopicResult {
    let refusal = topic.result.err();
    CreatePartitionsTopicResult {
        name: Str::from(topic.name),
        error_code: refusal.as_ref().map_or(0, |refusal| refusal.code.code()),
        error_message: refusal.map(|refusal| Str::from(refusal.message)),
    }
}
