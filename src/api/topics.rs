//! Finding topics and partitions as requests name them.

use std::sync::Arc;

use metadata::{Image, Partition, Topic};
use types::{BrokerId, ErrorCode, PartitionIndex, TopicId, TopicPartition};

use crate::work::Place;

/// The topic that a request names by its id, or by its name in versions that know no ids.
pub fn find<'a>(image: &'a Image, by_id: bool, name: &str, id: TopicId) -> Result<&'a Arc<Topic>, ErrorCode> {
    if by_id {
        image.topic_by_id(id).ok_or(ErrorCode::UnknownTopicId)
    } else {
        image.topic(name).ok_or(ErrorCode::UnknownTopicOrPartition)
    }
}

/// The partition that a request names by its topic's name and its index.
pub fn locate(image: &Image, name: &str, index: i32) -> Result<TopicPartition, ErrorCode> {
    let topic = find(image, false, name, TopicId::ZERO)?;
    Ok(TopicPartition { topic: topic.id, partition: partition(topic, index)? })
}

/// The numbers of brokers, as responses list replicas.
pub fn broker_ids(brokers: &[BrokerId]) -> Vec<i32> {
    brokers.iter().map(|broker| broker.0).collect()
}

/// What is told of a partition beside its replicas: whether it can be used.
pub fn availability(partition: &Partition) -> ErrorCode {
    if partition.leader == BrokerId::NONE { ErrorCode::LeaderNotAvailable } else { ErrorCode::None }
}

/// The replicas of a partition that cannot be used. A partition without a leader has none that can.
pub fn offline_replicas(partition: &Partition) -> Vec<i32> {
    if partition.leader == BrokerId::NONE { broker_ids(&partition.replicas) } else { Vec::new() }
}

/// Where in a response, as topic and partition, the answer to each part of a request belongs.
#[derive(Default)]
pub struct Places(Vec<(usize, usize)>);

impl Places {
    /// The next part's answer belongs there.
    pub fn add(&mut self, topic: usize, partition: usize) -> Place {
        let place = Place(u32::try_from(self.0.len()).unwrap_or(u32::MAX));
        self.0.push((topic, partition));
        place
    }

    /// Where the answer to this part belongs.
    pub fn find(&self, place: Place) -> Option<(usize, usize)> {
        self.0.get(place.0 as usize).copied()
    }
}

/// The partition, if the topic has it.
pub fn partition(topic: &Topic, index: i32) -> Result<PartitionIndex, ErrorCode> {
    let index = PartitionIndex(index);
    topic.partition(index).map(|_| index).ok_or(ErrorCode::UnknownTopicOrPartition)
}
