//! OffsetFetch, versions 1 to 10: how far groups have got. Since version 8 it asks for several groups at once.

use group::{OffsetFetch, Request, Response};
use protocol::Str;
use protocol::messages::group_offsets::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics, OffsetFetchResponseGroup,
    OffsetFetchResponsePartition, OffsetFetchResponsePartitions, OffsetFetchResponseTopic,
    OffsetFetchResponseTopics,
};
use protocol::messages::{OffsetFetchRequest, OffsetFetchResponse};
use types::{ErrorCode, Offset, Uuid};

use super::encode;
use super::groups::{parts, question};
use crate::coordinator::led_here;
use crate::requests::{Answer, Call, Gather};
use crate::routing::ByOwner;
use crate::shard::Shard;
use crate::work::{Done, Place, Work};

/// From this version on several groups are asked for (KIP-709).
const BATCH_VERSION: i16 = 8;
/// From this version on an error of the whole group has a place of its own.
const GROUP_ERROR_VERSION: i16 = 2;
/// From this version on topics are named by their ids.
const TOPIC_ID_VERSION: i16 = 10;

/// Serves one request.
pub fn handle(shard: &mut Shard, call: &Call, request: OffsetFetchRequest) -> Answer {
    let require_stable = request.require_stable;
    let (groups, only) = groups_of(call, request);
    let placement = shard.broker.placement.clone();
    let mut by_owner = ByOwner::new(&placement);
    let mut gather = FetchGather { groups: Vec::with_capacity(groups.len()), only };
    for mut group in groups {
        let place = Place(gather.groups.len() as u32);
        let unknown =
            if call.version >= TOPIC_ID_VERSION { name_topics(shard, &mut group) } else { Vec::new() };
        let group_id = group.group_id.clone();
        let response = OffsetFetchResponseGroup { group_id: group_id.clone(), ..Default::default() };
        gather.groups.push(Fetched { response, unknown });
        let request = Request::OffsetFetch(OffsetFetch { group, require_stable });
        match led_here(&shard.image, &group_id) {
            Err(error) => gather.fill(place, request.refused(call.version, error)),
            Ok(at) => {
                let Some(question) = question(shard, call, request) else { return Answer::Close };
                by_owner.push(place, at, question);
            }
        }
    }
    if let Some(owner) = by_owner.only_owner() {
        shard.note_owner(call.connection, owner);
    }
    let works = by_owner.into_works(Work::Group);
    shard.ask_owners(call, Box::new(gather), works)
}

/// The groups asked for. In versions that know only one also its topics, which the oldest answers need.
fn groups_of(
    call: &Call,
    request: OffsetFetchRequest,
) -> (Vec<OffsetFetchRequestGroup>, Option<Vec<OffsetFetchRequestTopic>>) {
    if call.version >= BATCH_VERSION {
        return (request.groups, None);
    }
    let topics = request.topics.as_ref().map(|topics| {
        let topics = topics.iter().map(|topic| OffsetFetchRequestTopics {
            name: topic.name.clone(),
            topic_id: Uuid::ZERO,
            partition_indexes: topic.partition_indexes.clone(),
        });
        topics.collect()
    });
    let group = OffsetFetchRequestGroup { group_id: request.group_id, topics, ..Default::default() };
    (vec![group], Some(request.topics.unwrap_or_default()))
}

/// Puts names to the topics that are asked for by id. Takes out those without one, and answers for them.
fn name_topics(shard: &Shard, group: &mut OffsetFetchRequestGroup) -> Vec<OffsetFetchResponseTopics> {
    let mut unknown = Vec::new();
    let Some(topics) = &mut group.topics else { return unknown };
    topics.retain_mut(|topic| {
        let Some(found) = shard.image.topic_by_id(topic.topic_id) else {
            let indexes = topic.partition_indexes.iter();
            let partitions =
                indexes.map(|index| failed_partition(*index, ErrorCode::UnknownTopicId)).collect();
            unknown.push(OffsetFetchResponseTopics {
                topic_id: topic.topic_id,
                partitions,
                ..Default::default()
            });
            return false;
        };
        topic.name = Str::from(found.name.as_str());
        true
    });
    unknown
}

fn failed_partition(partition_index: i32, error: ErrorCode) -> OffsetFetchResponsePartitions {
    OffsetFetchResponsePartitions {
        partition_index,
        committed_offset: Offset::NONE.0,
        metadata: Some(Str::default()),
        error_code: error.code(),
        ..Default::default()
    }
}

/// The groups, in the order of the request.
struct FetchGather {
    groups: Vec<Fetched>,
    /// The topics asked for, in versions with just one group.
    only: Option<Vec<OffsetFetchRequestTopic>>,
}

/// One group's offsets, and what is said of topics whose ids nobody knows.
struct Fetched {
    response: OffsetFetchResponseGroup,
    unknown: Vec<OffsetFetchResponseTopics>,
}

impl FetchGather {
    fn fill(&mut self, place: Place, response: Response) {
        let Response::OffsetFetch(response) = response else { return debug_assert!(false, "another answer") };
        if let Some(group) = self.groups.get_mut(place.0 as usize) {
            group.response = response;
        }
    }
}

impl Gather for FetchGather {
    fn merge(&mut self, done: Done) {
        for part in parts(done) {
            self.fill(part.place, part.item);
        }
    }

    fn finish(self: Box<Self>, call: &Call, shard: &mut Shard) -> Answer {
        let Self { groups, only } = *self;
        let mut groups: Vec<OffsetFetchResponseGroup> = groups
            .into_iter()
            .map(|Fetched { mut response, unknown }| {
                if call.version >= TOPIC_ID_VERSION && response.error_code == ErrorCode::None.code() {
                    identify_topics(shard, &mut response);
                    response.topics.extend(unknown);
                }
                response
            })
            .collect();
        let response = match (only, groups.pop()) {
            (Some(asked), Some(group)) => single(call, &asked, group),
            (_, last) => {
                groups.extend(last);
                OffsetFetchResponse { groups, ..Default::default() }
            }
        };
        encode(call, &response)
    }
}

/// Puts ids to topics. Those that are no more cannot be named any more.
fn identify_topics(shard: &Shard, group: &mut OffsetFetchResponseGroup) {
    group.topics.retain_mut(|topic| {
        let Some(found) = shard.image.topic(&topic.name) else { return false };
        topic.topic_id = found.id;
        true
    });
}

/// The answer in the form of versions with just one group.
fn single(
    call: &Call,
    asked: &[OffsetFetchRequestTopic],
    group: OffsetFetchResponseGroup,
) -> OffsetFetchResponse {
    if group.error_code != ErrorCode::None.code() && call.version < GROUP_ERROR_VERSION {
        let failed = |index: &i32| OffsetFetchResponsePartition {
            partition_index: *index,
            committed_offset: Offset::NONE.0,
            metadata: Some(Str::default()),
            error_code: group.error_code,
            ..Default::default()
        };
        let topics = asked.iter().map(|topic| OffsetFetchResponseTopic {
            name: topic.name.clone(),
            partitions: topic.partition_indexes.iter().map(failed).collect(),
        });
        return OffsetFetchResponse { topics: topics.collect(), ..Default::default() };
    }
    let partition = |partition: OffsetFetchResponsePartitions| OffsetFetchResponsePartition {
        partition_index: partition.partition_index,
        committed_offset: partition.committed_offset,
        committed_leader_epoch: partition.committed_leader_epoch,
        metadata: partition.metadata,
        error_code: partition.error_code,
    };
    let topics = group.topics.into_iter().map(|topic| OffsetFetchResponseTopic {
        name: topic.name,
        partitions: topic.partitions.into_iter().map(partition).collect(),
    });
    OffsetFetchResponse { topics: topics.collect(), error_code: group.error_code, ..Default::default() }
}
