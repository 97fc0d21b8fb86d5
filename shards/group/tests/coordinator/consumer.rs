//! A consumer of KIP-848 as its client would behave, and the topics it reads.

use std::collections::BTreeSet;

use metadata::{Image, LogIndex, Partition, Record};
use protocol::messages::consumer_groups::{
    ConsumerGroupHeartbeatRequestTopicPartitions, DescribedGroup, Member as DescribedMember,
};
use protocol::messages::{ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse};
use strome_group::{Request, Response};
use types::{BrokerId, DirectoryId, ErrorCode, LeaderEpoch, PartitionIndex, TopicId, TopicName, Uuid};

use crate::world::{World, error};

/// Longer than any assignment interval: a group thinks its assignment over whenever it has a reason to.
pub const SETTLE_MS: i64 = 2_000;

pub const VERSION: i16 = 1;

pub type Owned = BTreeSet<(TopicId, i32)>;

/// A client. It gives back what it is told to at once, unless a test has it dawdle.
#[derive(Clone, Debug)]
pub struct Consumer {
    pub id: String,
    pub group: String,
    pub instance: Option<String>,
    pub epoch: i32,
    pub topics: Vec<String>,
    pub pattern: Option<String>,
    pub assignor: Option<String>,
    /// What it holds.
    pub owned: Owned,
}

impl Consumer {
    pub fn new(group: &str, id: &str, topics: &[&str]) -> Self {
        Self {
            id: id.into(),
            group: group.into(),
            instance: None,
            epoch: 0,
            topics: topics.iter().map(|topic| (*topic).to_owned()).collect(),
            pattern: None,
            assignor: None,
            owned: Owned::new(),
        }
    }

    pub fn named(mut self, instance: &str) -> Self {
        self.instance = Some(instance.into());
        self
    }

    pub fn with_pattern(mut self, pattern: &str) -> Self {
        self.pattern = Some(pattern.into());
        self
    }

    pub fn with_assignor(mut self, assignor: &str) -> Self {
        self.assignor = Some(assignor.into());
        self
    }

    /// What it would send now: everything when it joins, else what it holds.
    pub fn request(&self) -> ConsumerGroupHeartbeatRequest {
        let mut request = ConsumerGroupHeartbeatRequest {
            group_id: self.group.as_str().into(),
            member_id: self.id.as_str().into(),
            member_epoch: self.epoch,
            instance_id: self.instance.as_deref().map(Into::into),
            topic_partitions: Some(on_the_wire(&self.owned)),
            ..Default::default()
        };
        if self.epoch == 0 {
            self.describe(&mut request);
        }
        request
    }

    /// Fills in all that it could say about itself.
    pub fn describe(&self, request: &mut ConsumerGroupHeartbeatRequest) {
        request.rebalance_timeout_ms = 60_000;
        request.subscribed_topic_names =
            Some(self.topics.iter().map(|topic| topic.as_str().into()).collect());
        request.subscribed_topic_regex = self.pattern.as_deref().map(Into::into);
        request.server_assignor = self.assignor.as_deref().map(Into::into);
    }

    /// Sends what it would send now, and does what it is told.
    pub fn beat(&mut self, world: &mut World) -> ConsumerGroupHeartbeatResponse {
        let request = self.request();
        self.send(request, world)
    }

    /// Subscribes to other topics.
    pub fn resubscribe(&mut self, topics: &[&str], world: &mut World) -> ConsumerGroupHeartbeatResponse {
        self.topics = topics.iter().map(|topic| (*topic).to_owned()).collect();
        let mut request = self.request();
        self.describe(&mut request);
        self.send(request, world)
    }

    pub fn send(
        &mut self,
        request: ConsumerGroupHeartbeatRequest,
        world: &mut World,
    ) -> ConsumerGroupHeartbeatResponse {
        let response = heartbeat(request, world);
        self.obey(&response);
        response
    }

    /// Does what an answer says.
    pub fn obey(&mut self, response: &ConsumerGroupHeartbeatResponse) {
        match error(response.error_code) {
            ErrorCode::None => {
                self.epoch = response.member_epoch;
                if let Some(assignment) = &response.assignment {
                    let topics = assignment.topic_partitions.iter();
                    self.owned = topics
                        .flat_map(|topic| topic.partitions.iter().map(|index| (topic.topic_id, *index)))
                        .collect();
                }
            }
            ErrorCode::FencedMemberEpoch | ErrorCode::UnknownMemberId => {
                self.epoch = 0;
                self.owned.clear();
            }
            _ => {}
        }
    }

    /// Leaves for good, or for a while.
    pub fn leave(&mut self, epoch: i32, world: &mut World) -> ErrorCode {
        let request = ConsumerGroupHeartbeatRequest { member_epoch: epoch, ..self.request() };
        let response = heartbeat(request, world);
        self.epoch = 0;
        self.owned.clear();
        error(response.error_code)
    }

    /// The partitions of the only topic.
    pub fn partitions(&self) -> Vec<i32> {
        self.owned.iter().map(|(_, index)| *index).collect()
    }
}

pub fn heartbeat(
    request: ConsumerGroupHeartbeatRequest,
    world: &mut World,
) -> ConsumerGroupHeartbeatResponse {
    let ticket = world.send(Request::ConsumerGroupHeartbeat(request), VERSION);
    match world.answer(ticket) {
        Some(Response::ConsumerGroupHeartbeat(response)) => response,
        other => panic!("an answer to ConsumerGroupHeartbeat was expected, not {other:?}"),
    }
}

fn on_the_wire(owned: &Owned) -> Vec<ConsumerGroupHeartbeatRequestTopicPartitions> {
    let topics: BTreeSet<TopicId> = owned.iter().map(|(topic, _)| *topic).collect();
    let of = |topic| owned.iter().filter(move |(t, _)| *t == topic).map(|(_, index)| *index).collect();
    topics
        .into_iter()
        .map(|topic_id| ConsumerGroupHeartbeatRequestTopicPartitions { topic_id, partitions: of(topic_id) })
        .collect()
}

/// All of them send heartbeats, with time between the rounds, until nothing changes any more.
pub fn settle(consumers: &mut [&mut Consumer], world: &mut World) {
    for _ in 0..8 {
        world.pass(SETTLE_MS);
        for consumer in consumers.iter_mut() {
            let response = consumer.beat(world);
            assert_eq!(error(response.error_code), ErrorCode::None, "{}: {response:?}", consumer.id);
        }
    }
}

pub fn describe(group: &str, world: &mut World) -> DescribedGroup {
    let ticket = world.send(Request::ConsumerGroupDescribe(vec![group.into()]), 1);
    match world.answer(ticket) {
        Some(Response::ConsumerGroupDescribe(mut groups)) => groups.remove(0),
        other => panic!("an answer to ConsumerGroupDescribe was expected, not {other:?}"),
    }
}

pub fn described(group: &str, member: &str, world: &mut World) -> DescribedMember {
    let members = describe(group, world).members;
    members.into_iter().find(|found| found.member_id == *member).expect("the member is in the group")
}

/// The id of a topic of this name in tests.
pub fn topic_id(name: &str) -> TopicId {
    let mut bytes = [0x40; 16];
    for (place, byte) in name.bytes().take(16).enumerate() {
        bytes[place] = byte;
    }
    Uuid(bytes)
}

/// Creates a topic, or gives it more partitions.
pub fn set_topic(name: &str, partitions: i32, world: &mut World) {
    let id = topic_id(name);
    let existing = world.image.topic(name).map(|topic| topic.partitions.len() as i32);
    let mut records = Vec::new();
    if existing.is_none() {
        records.push(Record::Topic { id, name: TopicName::new(name).expect("a name") });
    }
    records.extend((existing.unwrap_or(0)..partitions).map(|index| Record::Partition {
        topic: id,
        index: PartitionIndex(index),
        state: partition(),
    }));
    apply(records, world);
}

pub fn remove_topic(name: &str, world: &mut World) {
    apply(vec![Record::RemoveTopic { id: topic_id(name) }], world);
}

pub fn apply(records: Vec<Record>, world: &mut World) {
    let index: LogIndex = world.image.index().next();
    let (image, _): (Image, _) = world.image.apply(index, &records).expect("the records fit");
    world.image = image;
}

fn partition() -> Partition {
    Partition {
        replicas: vec![BrokerId(1)],
        directories: vec![DirectoryId::ZERO],
        isr: vec![BrokerId(1)],
        leader: BrokerId(1),
        leader_epoch: LeaderEpoch(0),
        partition_epoch: 0,
    }
}
