//! Which shard of this broker owns a partition.

use std::num::NonZeroU16;
use std::sync::Arc;

use metadata::placement::{Overrides, shard_of};
use types::{ShardId, TopicPartition};

/// The broker's way to find owners; the same on every shard.
#[derive(Clone, Debug)]
pub struct Placement {
    shards: NonZeroU16,
    overrides: Arc<Overrides>,
}

impl Placement {
    /// Partitions spread over `shards` shards.
    pub fn new(shards: NonZeroU16) -> Self {
        Self { shards, overrides: Arc::default() }
    }

    /// The shard that owns `at`.
    pub fn owner(&self, at: TopicPartition) -> ShardId {
        shard_of(at.topic, at.partition, self.shards, &self.overrides)
    }

    /// All shards.
    pub fn shards(&self) -> impl Iterator<Item = ShardId> {
        (0..self.shards.get()).map(ShardId)
    }
}
