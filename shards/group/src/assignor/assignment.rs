//! A set of partitions of several topics: what a member owns, is to own, or still has to give back.
//!
//! # Invariants
//! - No topic is listed without a partition, so that two equal sets compare as equal.

use std::collections::{BTreeMap, BTreeSet};

use types::{PartitionIndex, TopicId};

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assignment(BTreeMap<TopicId, BTreeSet<PartitionIndex>>);

static NONE: BTreeSet<PartitionIndex> = BTreeSet::new();

impl Assignment {
    /// No partition at all.
    #[must_use]
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Whether it holds no partition.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many partitions it holds.
    #[must_use]
    pub fn partition_count(&self) -> usize {
        self.0.values().map(BTreeSet::len).sum()
    }

    /// The topics with their partitions, both in order.
    pub fn topics(&self) -> impl ExactSizeIterator<Item = (TopicId, &BTreeSet<PartitionIndex>)> {
        self.0.iter().map(|(topic, partitions)| (*topic, partitions))
    }

    /// Every partition, by topic and index.
    pub fn partitions(&self) -> impl Iterator<Item = (TopicId, PartitionIndex)> {
        self.0.iter().flat_map(|(topic, partitions)| partitions.iter().map(|index| (*topic, *index)))
    }

    /// The partitions of one topic.
    #[must_use]
    pub fn of(&self, topic: TopicId) -> &BTreeSet<PartitionIndex> {
        self.0.get(&topic).unwrap_or(&NONE)
    }

    /// Whether it holds this partition.
    #[must_use]
    pub fn contains(&self, topic: TopicId, partition: PartitionIndex) -> bool {
        self.of(topic).contains(&partition)
    }

    /// Takes a partition in. Returns whether it is new.
    pub fn insert(&mut self, topic: TopicId, partition: PartitionIndex) -> bool {
        self.0.entry(topic).or_default().insert(partition)
    }

    /// Takes several partitions of a topic in.
    pub fn extend(&mut self, topic: TopicId, partitions: impl IntoIterator<Item = PartitionIndex>) {
        let mut partitions = partitions.into_iter().peekable();
        if partitions.peek().is_some() {
            self.0.entry(topic).or_default().extend(partitions);
        }
    }

    /// Takes all partitions of `other` in.
    pub fn absorb(&mut self, other: &Self) {
        for (topic, partitions) in other.topics() {
            self.extend(topic, partitions.iter().copied());
        }
    }
}

impl FromIterator<(TopicId, PartitionIndex)> for Assignment {
    fn from_iter<I: IntoIterator<Item = (TopicId, PartitionIndex)>>(partitions: I) -> Self {
        let mut all = Self::new();
        for (topic, partition) in partitions {
            all.insert(topic, partition);
        }
        all
    }
}
