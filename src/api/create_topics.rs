//! CreateTopics, versions 2 to 7.

use controller::{CreateTopics, CreatedTopic, NewTopic, Refusal, Reply, TopicResult};
use metadata::settings;
use protocol::Str;
use protocol::messages::topics::{CreatableTopic, CreatableTopicConfigs, CreatableTopicResult};
use protocol::messages::{CreateTopicsRequest, CreateTopicsResponse};
use types::{BrokerId, PartitionIndex};

use super::encode;
use super::refusals::{Failure, refused_by_control};
use crate::requests::{Answer, Call, Gather};
use crate::shard::Shard;
use crate::work::Done;

/// Serves one request.
pub fn handle(shard: &mut Shard, call: &Call, request: CreateTopicsRequest) -> Answer {
    let names = request.topics.iter().map(|topic| topic.name.clone()).collect();
    let topics = request.topics.into_iter().map(new_topic).collect();
    let create = CreateTopics { topics, validate_only: request.validate_only };
    let gather = CreateGather { names, outcome: Err(Failure::default()) };
    shard.ask_controller(call, Box::new(gather), controller::Request::CreateTopics(create))
}

fn new_topic(topic: CreatableTopic) -> NewTopic {
    let brokers = |ids: Vec<i32>| ids.into_iter().map(BrokerId).collect();
    let assignments = topic.assignments.into_iter();
    let configs = topic.configs.into_iter();
    NewTopic {
        name: topic.name.to_string(),
        partitions: topic.num_partitions,
        replication_factor: topic.replication_factor,
        assignments: assignments
            .map(|a| (PartitionIndex(a.partition_index), brokers(a.broker_ids)))
            .collect(),
        configs: configs.map(|c| (c.name.to_string(), c.value.map(|v| v.to_string()))).collect(),
    }
}

struct CreateGather {
    names: Vec<Str>,
    outcome: Result<Vec<TopicResult<CreatedTopic>>, Failure>,
}

impl Gather for CreateGather {
    fn merge(&mut self, done: Done) {
        self.outcome = match refused_by_control(done) {
            Ok(Reply::CreateTopics(results)) => Ok(results),
            Ok(_) => Err(Failure::default()),
            Err(failure) => Err(failure),
        };
    }

    fn finish(self: Box<Self>, call: &Call, _shard: &mut Shard) -> Answer {
        let topics = match self.outcome {
            Ok(results) => results.into_iter().map(result).collect(),
            Err(failure) => self.names.into_iter().map(|name| failed(name, &failure.refusal())).collect(),
        };
        encode(call, &CreateTopicsResponse { topics, ..Default::default() })
    }
}

fn result(topic: TopicResult<CreatedTopic>) -> CreatableTopicResult {
    let name = Str::from(topic.name);
    match topic.result {
        Err(refusal) => failed(name, &refusal),
        Ok(created) => CreatableTopicResult {
            name,
            topic_id: created.id,
            num_partitions: created.partitions,
            replication_factor: created.replication_factor,
            configs: Some(created.configs.into_iter().map(config).collect()),
            ..Default::default()
        },
    }
}

fn failed(name: Str, refusal: &Refusal) -> CreatableTopicResult {
    CreatableTopicResult {
        name,
        error_code: refusal.code.code(),
        error_message: Some(Str::from(refusal.message.as_str())),
        ..Default::default()
    }
}

fn config(value: metadata::ConfigValue) -> CreatableTopicConfigs {
    let is_sensitive = settings::topic(&value.name).is_some_and(settings::Setting::is_sensitive);
    CreatableTopicConfigs {
        value: value.value.filter(|_| !is_sensitive).map(Str::from),
        read_only: false,
        config_source: value.source as i8,
        is_sensitive,
        name: Str::from(value.name),
    }
}
