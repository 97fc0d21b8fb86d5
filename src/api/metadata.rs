//! Metadata, versions 0 to 13: brokers, topics, and the automatic creation of topics.

use std::collections::{BTreeMap, BTreeSet};

use controller::{CreateTopics, NewTopic, Reply};
use metadata::{Partition, Topic};
use protocol::Str;
use protocol::messages::metadata::{
    MetadataRequestTopic, MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use protocol::messages::{MetadataRequest, MetadataResponse};
use types::{ErrorCode, PartitionIndex, TopicName, Uuid};

use super::{authorized, encode, topics};
use crate::requests::{Answer, Call, Gather};
use crate::shard::Shard;
use crate::work::Done;

/// Before this version an empty list asks for all topics; since then `null` does.
const NULL_FOR_ALL_VERSION: i16 = 1;
/// Before this version topics are always created when they are missing, if the broker allows it.
const AUTO_CREATION_CHOICE_VERSION: i16 = 4;
/// From this version on topics may be named by their ids. Versions 10 and 11 carry the field, but ignore it.
const TOPIC_ID_VERSION: i16 = 12;

/// Serves one request.
pub fn handle(shard: &mut Shard, call: &Call, mut request: MetadataRequest) -> Answer {
    if call.version < NULL_FOR_ALL_VERSION {
        request.topics.take_if(|topics| topics.is_empty());
    }
    let missing = missing_names(shard, request.topics.as_deref().unwrap_or_default());
    let wanted = request.allow_auto_topic_creation || call.version < AUTO_CREATION_CHOICE_VERSION;
    if missing.is_empty() || !wanted || !shard.broker_settings().topics.auto_create {
        return respond(shard, call, &request, &BTreeMap::new());
    }
    let new_topics = missing.into_iter().map(|name| NewTopic::automatic(&name, &shard.image)).collect();
    let create = controller::Request::CreateTopics(CreateTopics { topics: new_topics, validate_only: false });
    shard.ask_controller(call, Box::new(CreationGather { request, refused: BTreeMap::new() }), create)
}

/// Names that could be topics, but are none yet.
fn missing_names(shard: &Shard, topics: &[MetadataRequestTopic]) -> BTreeSet<String> {
    let names =
        topics.iter().filter(|topic| topic.topic_id.is_zero()).filter_map(|topic| topic.name.as_ref());
    let missing = names.filter(|name| TopicName::new(name).is_ok() && shard.image.topic(name).is_none());
    missing.map(|name| name.to_string()).collect()
}

/// Waits for topics that are created automatically.
struct CreationGather {
    request: MetadataRequest,
    /// What was not created, and why.
    refused: BTreeMap<String, ErrorCode>,
}

impl Gather for CreationGather {
    fn merge(&mut self, done: Done) {
        if let Done::Controlled(Ok(reply)) = done
            && let Reply::CreateTopics(results) = *reply
        {
            let refused =
                results.into_iter().filter_map(|topic| Some((topic.name, topic.result.err()?.code)));
            // Another client was faster; the topic is there.
            self.refused = refused.filter(|(_, code)| *code != ErrorCode::TopicAlreadyExists).collect();
        }
    }

    fn finish(self: Box<Self>, call: &Call, shard: &mut Shard) -> Answer {
        respond(shard, call, &self.request, &self.refused)
    }
}

fn respond(
    shard: &Shard,
    call: &Call,
    request: &MetadataRequest,
    refused: &BTreeMap<String, ErrorCode>,
) -> Answer {
    let mut topics: Vec<_> = match &request.topics {
        None => shard.image.topics().map(|topic| described(topic)).collect(),
        Some(topics) => topics.iter().map(|topic| look_up(shard, call, topic, refused)).collect(),
    };
    for topic in topics.iter_mut().filter(|topic| topic.error_code == ErrorCode::None.code()) {
        topic.topic_authorized_operations = authorized::on_topic(request.include_topic_authorized_operations);
    }
    let brokers = shard.reachable_brokers(call.connection).into_iter();
    encode(
        call,
        &MetadataResponse {
            brokers: brokers
                .map(|(broker, listener)| MetadataResponseBroker {
                    node_id: broker.id.0,
                    host: Str::from(listener.host.as_str()),
                    port: i32::from(listener.port),
                    rack: broker.rack.as_deref().map(Str::from),
                })
                .collect(),
            cluster_id: shard.image.cluster_id().map(Str::from),
            controller_id: shard.image.controller().0,
            topics,
            cluster_authorized_operations: authorized::on_cluster(
                request.include_cluster_authorized_operations,
            ),
            ..Default::default()
        },
    )
}

fn look_up(
    shard: &Shard,
    call: &Call,
    asked: &MetadataRequestTopic,
    refused: &BTreeMap<String, ErrorCode>,
) -> MetadataResponseTopic {
    if call.version >= TOPIC_ID_VERSION && !asked.topic_id.is_zero() {
        let unknown = || failed(None, asked.topic_id, ErrorCode::UnknownTopicId);
        return shard.image.topic_by_id(asked.topic_id).map_or_else(unknown, |topic| described(topic));
    }
    let Some(name) = &asked.name else {
        return failed(None, asked.topic_id, ErrorCode::InvalidTopicException);
    };
    match shard.image.topic(name) {
        Some(topic) => described(topic),
        None if TopicName::new(name).is_err() => {
            failed(Some(name), Uuid::ZERO, ErrorCode::InvalidTopicException)
        }
        None => {
            let error = refused.get(&**name).copied().unwrap_or(ErrorCode::UnknownTopicOrPartition);
            failed(Some(name), Uuid::ZERO, error)
        }
    }
}

fn failed(name: Option<&Str>, topic_id: Uuid, error: ErrorCode) -> MetadataResponseTopic {
    MetadataResponseTopic { error_code: error.code(), name: name.cloned(), topic_id, ..Default::default() }
}

fn described(topic: &Topic) -> MetadataResponseTopic {
    MetadataResponseTopic {
        name: Some(Str::from(topic.name.as_str())),
        topic_id: topic.id,
        is_internal: topic.name.is_internal(),
        partitions: topic.partitions().map(|(index, partition)| partition_of(index, partition)).collect(),
        ..Default::default()
    }
}

fn partition_of(index: PartitionIndex, partition: &Partition) -> MetadataResponsePartition {
    MetadataResponsePartition {
        error_code: topics::availability(partition).code(),
        partition_index: index.0,
        leader_id: partition.leader.0,
        leader_epoch: partition.leader_epoch.0,
        replica_nodes: topics::broker_ids(&partition.replicas),
        isr_nodes: topics::broker_ids(&partition.isr),
        offline_replicas: topics::offline_replicas(partition),
    }
}
