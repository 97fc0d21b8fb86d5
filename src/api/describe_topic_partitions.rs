//! DescribeTopicPartitions, version 0 (KIP-966): topics in the order of their names, page by page.

use metadata::{Partition, Topic};
use protocol::Str;
use protocol::messages::metadata::{
    DescribeTopicPartitionsResponseCursor, DescribeTopicPartitionsResponsePartition,
    DescribeTopicPartitionsResponseTopic,
};
use protocol::messages::{DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse};
use types::{ErrorCode, PartitionIndex, TopicName};

use super::{authorized, encode, topics};
use crate::requests::{Answer, Call};
use crate::shard::Shard;

/// Partitions in one response at most (`max.request.partition.size.limit`).
const PARTITIONS_MAX: usize = 2000;

/// Serves one request.
pub fn handle(shard: &mut Shard, call: &Call, request: DescribeTopicPartitionsRequest) -> Answer {
    let all = request.topics.is_empty();
    let mut names: Vec<String> = if all {
        shard.image.topics().map(|topic| topic.name.to_string()).collect()
    } else {
        request.topics.iter().map(|topic| topic.name.to_string()).collect()
    };
    names.sort();
    names.dedup();
    let mut first_partition = 0;
    if let Some(cursor) = &request.cursor {
        names.retain(|name| name.as_str() >= &*cursor.topic_name);
        let resumes = names.first().is_some_and(|name| **name == *cursor.topic_name);
        first_partition = if resumes { cursor.partition_index.max(0) } else { 0 };
    }
    let room = usize::try_from(request.response_partition_limit).unwrap_or(0).clamp(1, PARTITIONS_MAX);
    encode(call, &page(shard, &names, first_partition, room, all))
}

fn page(
    shard: &Shard,
    names: &[String],
    mut first_partition: i32,
    mut room: usize,
    all: bool,
) -> DescribeTopicPartitionsResponse {
    let mut response = DescribeTopicPartitionsResponse::default();
    for name in names {
        let Some(topic) = shard.image.topic(name) else {
            // A topic that went away while all were listed is not missed.
            if !all {
                response.topics.push(unknown(name));
            }
            continue;
        };
        let from = usize::try_from(std::mem::take(&mut first_partition)).unwrap_or(0);
        if room == 0 {
            response.next_cursor = Some(cursor(name, from));
            break;
        }
        let shown = topic.partitions().skip(from).take(room);
        let partitions: Vec<_> = shown.map(|(index, partition)| described(index, partition)).collect();
        room -= partitions.len();
        let next = from + partitions.len();
        response.topics.push(described_topic(topic, partitions));
        if next < topic.partitions.len() {
            response.next_cursor = Some(cursor(name, next));
            break;
        }
    }
    response
}

fn cursor(name: &str, partition: usize) -> DescribeTopicPartitionsResponseCursor {
    DescribeTopicPartitionsResponseCursor { topic_name: Str::from(name), partition_index: partition as i32 }
}

fn unknown(name: &str) -> DescribeTopicPartitionsResponseTopic {
    let valid = TopicName::new(name).is_ok();
    let error = if valid { ErrorCode::UnknownTopicOrPartition } else { ErrorCode::InvalidTopicException };
    DescribeTopicPartitionsResponseTopic {
        error_code: error.code(),
        name: Some(Str::from(name)),
        ..Default::default()
    }
}

fn described_topic(
    topic: &Topic,
    partitions: Vec<DescribeTopicPartitionsResponsePartition>,
) -> DescribeTopicPartitionsResponseTopic {
    DescribeTopicPartitionsResponseTopic {
        name: Some(Str::from(topic.name.as_str())),
        topic_id: topic.id,
        is_internal: topic.name.is_internal(),
        partitions,
        topic_authorized_operations: authorized::on_topic(true),
        ..Default::default()
    }
}

fn described(index: PartitionIndex, partition: &Partition) -> DescribeTopicPartitionsResponsePartition {
    DescribeTopicPartitionsResponsePartition {
        error_code: topics::availability(partition).code(),
        partition_index: index.0,
        leader_id: partition.leader.0,
        leader_epoch: partition.leader_epoch.0,
        replica_nodes: topics::broker_ids(&partition.replicas),
        isr_nodes: topics::broker_ids(&partition.isr),
        eligible_leader_replicas: Some(Vec::new()),
        last_known_elr: Some(Vec::new()),
        offline_replicas: topics::offline_replicas(partition),
    }
}
