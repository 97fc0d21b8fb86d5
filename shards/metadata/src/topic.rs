//! A topic and its partitions, as the image holds them.

use std::sync::Arc;

use types::{BrokerId, DirectoryId, LeaderEpoch, PartitionIndex, TopicId, TopicName};

use crate::TopicSettings;

/// The state of one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// The brokers that hold a replica; the first is the preferred leader.
    pub replicas: Vec<BrokerId>,
    /// The log directory of each replica, in the order of `replicas` (KIP-858). [`types::Uuid::ZERO`] where unknown.
    pub directories: Vec<DirectoryId>,
    /// The replicas that are in sync; a subset of `replicas`.
    pub isr: Vec<BrokerId>,
    /// The leader, or [`BrokerId::NONE`].
    pub leader: BrokerId,
    /// Counts the leaderships.
    pub leader_epoch: LeaderEpoch,
    /// Counts all changes of this partition's state.
    pub partition_epoch: i32,
}

/// A topic: its name, its partitions and the settings in force for it. A copy shares the partitions.
#[derive(Clone, Debug, PartialEq)]
pub struct Topic {
    /// The id it has for as long as it exists.
    pub id: TopicId,
    /// The name.
    pub name: TopicName,
    /// The partitions; a partition's index is its place.
    pub partitions: Vec<Arc<Partition>>,
    /// The settings in force on this node, resolved when they last changed.
    pub settings: Arc<TopicSettings>,
}

impl Topic {
    /// The partition with this index.
    #[must_use]
    pub fn partition(&self, index: PartitionIndex) -> Option<&Partition> {
        usize::try_from(index.0)
            .ok()
            .and_then(|place| self.partitions.get(place))
            .map(|partition| &**partition)
    }

    /// The partitions with their indexes.
    pub fn partitions(&self) -> impl ExactSizeIterator<Item = (PartitionIndex, &Partition)> {
        // A topic has at most `TOPIC_PARTITIONS_MAX` partitions, so the cast keeps the value.
        self.partitions.iter().enumerate().map(|(place, state)| (PartitionIndex(place as i32), &**state))
    }
}
