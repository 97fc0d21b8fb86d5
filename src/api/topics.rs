//! Finding topics and partitions as requests name them.

use std::sync::Arc;

use metadata::{Image, Topic};
use types::{ErrorCode, PartitionIndex, TopicId};

/// The topic that a request names by its id, or by its name in versions that know no ids.
pub fn find<'a>(image: &'a Image, by_id: bool, name: &str, id: TopicId) -> Result<&'a Arc<Topic>, ErrorCode> {
    if by_id {
        image.topic_by_id(id).ok_or(ErrorCode::UnknownTopicId)
    } else {
        image.topic(name).ok_or(ErrorCode::UnknownTopicOrPartition)
    }
}

/// The partition, if the topic has it.
pub fn partition(topic: &Topic, index: i32) -> Result<PartitionIndex, ErrorCode> {
    let index = PartitionIndex(index);
    topic.partition(index).map(|_| index).ok_or(ErrorCode::UnknownTopicOrPartition)
}
