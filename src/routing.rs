//! Splitting a request by the shards that own its partitions.

use types::{ShardId, TopicPartition};

use crate::placement::Placement;
use crate::work::{Part, Place};

/// The parts of one request, gathered by owner.
pub struct ByOwner<'a, T> {
    placement: &'a Placement,
    owners: Vec<(ShardId, Vec<Part<T>>)>,
}

impl<'a, T> ByOwner<'a, T> {
    /// No parts yet.
    pub fn new(placement: &'a Placement) -> Self {
        Self { placement, owners: Vec::new() }
    }

    /// Adds a part. Parts of one owner keep their order.
    pub fn push(&mut self, place: Place, at: TopicPartition, item: T) {
        let owner = self.placement.owner(at);
        let part = Part { place, at, item };
        match self.owners.iter_mut().find(|(shard, _)| *shard == owner) {
            Some((_, parts)) => parts.push(part),
            None => self.owners.push((owner, vec![part])),
        }
    }

    /// How many shards own parts.
    pub fn owners(&self) -> usize {
        self.owners.len()
    }

    /// The owner, if it is just one.
    pub fn only_owner(&self) -> Option<ShardId> {
        match self.owners.as_slice() {
            [(owner, _)] => Some(*owner),
            _ => None,
        }
    }

    /// A piece of work for each owner.
    pub fn into_works<W>(self, mut work: impl FnMut(Vec<Part<T>>) -> W) -> Vec<(ShardId, W)> {
        self.owners.into_iter().map(|(owner, parts)| (owner, work(parts))).collect()
    }
}
