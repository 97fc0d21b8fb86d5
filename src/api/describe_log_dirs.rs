//! DescribeLogDirs, versions 1 to 5: which partitions lie in which directory, and how large they are.

use std::collections::BTreeMap;

use protocol::Str;
use protocol::messages::log_dirs::{
    DescribableLogDirTopic, DescribeLogDirsPartition, DescribeLogDirsResult, DescribeLogDirsTopic,
};
use protocol::messages::{DescribeLogDirsRequest, DescribeLogDirsResponse};
use types::{ErrorCode, PartitionIndex, TopicPartition};

use super::encode;
use crate::requests::{Answer, Call, Gather};
use crate::shard::Shard;
use crate::work::{Done, LogSize, Work};

/// Serves one request.
pub fn handle(shard: &mut Shard, call: &Call, request: DescribeLogDirsRequest) -> Answer {
    let which = request.topics.map(|topics| known(shard, &topics));
    let works = shard.broker.placement.shards().map(|owner| (owner, Work::LogSizes(which.clone()))).collect();
    shard.ask_owners(call, Box::new(SizesGather { sizes: Vec::new() }), works)
}

/// The partitions asked for, as far as they exist.
fn known(shard: &Shard, topics: &[DescribableLogDirTopic]) -> Vec<TopicPartition> {
    let found = topics.iter().filter_map(|asked| Some((asked, shard.image.topic(&asked.topic)?.id)));
    let partitions = found.flat_map(|(asked, topic)| {
        asked.partitions.iter().map(move |index| TopicPartition { topic, partition: PartitionIndex(*index) })
    });
    partitions.collect()
}

struct SizesGather {
    sizes: Vec<LogSize>,
}

impl Gather for SizesGather {
    fn merge(&mut self, done: Done) {
        let Done::LogSizes(sizes) = done else { return debug_assert!(false, "not sizes: {done:?}") };
        self.sizes.extend(sizes);
    }

    fn finish(self: Box<Self>, call: &Call, shard: &mut Shard) -> Answer {
        let mut by_directory: Vec<BTreeMap<Str, Vec<DescribeLogDirsPartition>>> = Vec::new();
        by_directory.resize_with(shard.broker.directories.all().len(), BTreeMap::new);
        for size in self.sizes {
            let Some(topic) = shard.image.topic_by_id(size.at.topic) else { continue };
            let Some(topics) = by_directory.get_mut(size.directory) else { continue };
            topics.entry(Str::from(topic.name.as_str())).or_default().push(DescribeLogDirsPartition {
                partition_index: size.at.partition.0,
                partition_size: size.bytes as i64,
                ..Default::default()
            });
        }
        let directories = shard.broker.directories.all().iter();
        let results = directories.zip(by_directory).map(|(directory, topics)| match directory.in_use() {
            Ok(_) => result(directory.path(), topics),
            Err(_) => failed(directory.path()),
        });
        encode(call, &DescribeLogDirsResponse { results: results.collect(), ..Default::default() })
    }
}

fn failed(path: &std::path::Path) -> DescribeLogDirsResult {
    DescribeLogDirsResult {
        error_code: ErrorCode::KafkaStorageError.code(),
        log_dir: Str::from(path.display().to_string()),
        total_bytes: -1,
        usable_bytes: -1,
        ..Default::default()
    }
}

fn result(
    path: &std::path::Path,
    topics: BTreeMap<Str, Vec<DescribeLogDirsPartition>>,
) -> DescribeLogDirsResult {
    let (total_bytes, usable_bytes) = rustix::fs::statvfs(path).map_or((-1, -1), |space| {
        ((space.f_blocks * space.f_frsize) as i64, (space.f_bavail * space.f_frsize) as i64)
    });
    let topics = topics.into_iter().map(|(name, partitions)| DescribeLogDirsTopic { name, partitions });
    DescribeLogDirsResult {
        log_dir: Str::from(path.display().to_string()),
        topics: topics.collect(),
        total_bytes,
        usable_bytes,
        ..Default::default()
    }
}
