//! The partitions that a member holds, each with the epoch in which the member got it.
//!
//! That epoch tells commits of the member's own past from those of a time when somebody else had the partition
//! (KIP-1251).
//!
//! # Invariants
//! - No topic is listed without a partition.

use std::collections::BTreeMap;

use protocol::group_log::CurrentPartitions;
use types::{PartitionIndex, TopicId};

use super::epoch::Epoch;
use crate::assignor::Assignment;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held(BTreeMap<TopicId, BTreeMap<PartitionIndex, Epoch>>);

impl Held {
    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Since which epoch this partition is held, if it is.
    pub fn since(&self, topic: TopicId, partition: PartitionIndex) -> Option<Epoch> {
        self.0.get(&topic)?.get(&partition).copied()
    }

    /// Whether this partition is held.
    pub fn contains(&self, topic: TopicId, partition: PartitionIndex) -> bool {
        self.since(topic, partition).is_some()
    }

    /// Takes a partition in.
    pub fn insert(&mut self, topic: TopicId, partition: PartitionIndex, since: Epoch) {
        self.0.entry(topic).or_default().insert(partition, since);
    }

    /// Takes all partitions of `other` in.
    pub fn absorb(&mut self, other: &Self) {
        for (topic, partition, since) in other.iter() {
            self.insert(topic, partition, since);
        }
    }

    /// Every partition, by topic and index, with the epoch since which it is held.
    pub fn iter(&self) -> impl Iterator<Item = (TopicId, PartitionIndex, Epoch)> {
        self.0.iter().flat_map(|(topic, partitions)| {
            partitions.iter().map(|(partition, since)| (*topic, *partition, *since))
        })
    }

    /// Parts those partitions that `stays` says yes to from the others.
    pub fn partition_by(&self, stays: impl Fn(TopicId, PartitionIndex) -> bool) -> (Self, Self) {
        let (mut staying, mut going) = (Self::default(), Self::default());
        for (topic, partition, since) in self.iter() {
            let side = if stays(topic, partition) { &mut staying } else { &mut going };
            side.insert(topic, partition, since);
        }
        (staying, going)
    }

    /// The partitions alone.
    pub fn to_assignment(&self) -> Assignment {
        self.iter().map(|(topic, partition, _)| (topic, partition)).collect()
    }

    /// Whether both hold the same partitions, since whenever.
    pub fn same_partitions(&self, other: &Self) -> bool {
        self.iter().map(|(t, p, _)| (t, p)).eq(other.iter().map(|(t, p, _)| (t, p)))
    }

    /// As a record has it. A record without epochs, as Kafka wrote them before 4.3, counts from `otherwise`.
    pub fn from_record(topics: &[CurrentPartitions], otherwise: Epoch) -> Self {
        let mut held = Self::default();
        for topic in topics {
            let epochs = topic.assignment_epochs.as_deref().unwrap_or_default();
            for (place, partition) in topic.partitions.iter().enumerate() {
                let since = epochs.get(place).map_or(otherwise, |epoch| Epoch(*epoch));
                held.insert(topic.topic_id, PartitionIndex(*partition), since);
            }
        }
        held
    }

    /// As a record is to have it.
    pub fn to_record(&self) -> Vec<CurrentPartitions> {
        let topic =
            |(topic_id, partitions): (&TopicId, &BTreeMap<PartitionIndex, Epoch>)| CurrentPartitions {
                topic_id: *topic_id,
                partitions: partitions.keys().map(|partition| partition.0).collect(),
                assignment_epochs: Some(partitions.values().map(|since| since.0).collect()),
            };
        self.0.iter().map(topic).collect()
    }
}

impl FromIterator<(TopicId, PartitionIndex, Epoch)> for Held {
    fn from_iter<I: IntoIterator<Item = (TopicId, PartitionIndex, Epoch)>>(partitions: I) -> Self {
        let mut held = Self::default();
        for (topic, partition, since) in partitions {
            held.insert(topic, partition, since);
        }
        held
    }
}
