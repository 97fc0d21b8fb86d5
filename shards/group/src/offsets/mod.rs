//! The offsets that a group has committed: the position of the next record to consume, for each partition.
//!
//! # Invariants
//! - A topic is here only while it has offsets.
//! - They change by [`Offsets::replay`] alone.

mod commit;
mod delete;
mod expiry;
mod fetch;

use std::collections::BTreeMap;

use protocol::Str;
use protocol::group_log::{OffsetCommitKey, OffsetCommitValue};
use types::{LeaderEpoch, Offset, PartitionIndex, TimestampMs, TopicId};

use crate::names::GroupId;
use crate::records::Record;

pub(crate) use commit::commit;
pub(crate) use delete::delete;
pub(crate) use expiry::Expiry;
pub(crate) use fetch::fetch;

/// The offsets of one group.
#[derive(Debug, Default)]
pub(crate) struct Offsets {
    by_topic: BTreeMap<Str, BTreeMap<PartitionIndex, CommittedOffset>>,
    count: usize,
}

/// How far a group has got in one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CommittedOffset {
    /// The next record to consume.
    pub offset: Offset,
    /// The epoch of the last record that was consumed, or [`LeaderEpoch::NONE`].
    pub leader_epoch: LeaderEpoch,
    /// Whatever the client keeps beside it.
    pub metadata: Str,
    pub committed_at: TimestampMs,
    /// When it expires, where the client has said so (up to version 4 of OffsetCommit).
    pub expires_at: Option<TimestampMs>,
    /// The topic that the offset is of, or [`types::Uuid::ZERO`] where that is not known.
    pub topic: TopicId,
}

impl Offsets {
    /// Takes over what a record says.
    pub fn replay(&mut self, key: &OffsetCommitKey, value: Option<&OffsetCommitValue>) {
        let partition = PartitionIndex(key.partition);
        match value {
            Some(value) => self.set(&key.topic, partition, CommittedOffset::from_record(value)),
            None => self.remove(&key.topic, partition),
        }
    }

    fn set(&mut self, topic: &str, partition: PartitionIndex, offset: CommittedOffset) {
        // Most commits are for partitions that have an offset already: then nothing is copied or allocated.
        let partitions = match self.by_topic.get_mut(topic) {
            Some(partitions) => partitions,
            None => self.by_topic.entry(Str::from(topic)).or_default(),
        };
        self.count += usize::from(partitions.insert(partition, offset).is_none());
    }

    fn remove(&mut self, topic: &str, partition: PartitionIndex) {
        let Some(partitions) = self.by_topic.get_mut(topic) else { return };
        self.count -= usize::from(partitions.remove(&partition).is_some());
        if partitions.is_empty() {
            self.by_topic.remove(topic);
        }
    }

    /// The offset of a partition.
    pub fn get(&self, topic: &str, partition: PartitionIndex) -> Option<&CommittedOffset> {
        self.by_topic.get(topic)?.get(&partition)
    }

    /// All topics with the partitions that have offsets.
    pub fn topics(&self) -> impl Iterator<Item = (&Str, &BTreeMap<PartitionIndex, CommittedOffset>)> {
        self.by_topic.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.count
    }

    pub fn is_empty(&self) -> bool {
        self.by_topic.is_empty()
    }

    /// Adds the records that delete a topic's offsets. If there is a topic of this name, `present`, only those that are
    /// of another one, which it has taken the name of.
    pub fn delete_topic(
        &self,
        id: &GroupId,
        topic: &str,
        present: Option<TopicId>,
        records: &mut Vec<Record>,
    ) {
        let is_of_present =
            |offset: &CommittedOffset| present.is_some_and(|id| offset.topic.is_zero() || offset.topic == id);
        let partitions = self.by_topic.get(topic).into_iter().flatten();
        records.extend(
            partitions
                .filter(|(_, offset)| !is_of_present(offset))
                .map(|(partition, _)| tombstone(id, topic, *partition)),
        );
    }

    /// Adds the records that delete all offsets.
    pub fn delete_all(&self, id: &GroupId, records: &mut Vec<Record>) {
        for topic in self.by_topic.keys() {
            self.delete_topic(id, topic, None, records);
        }
    }
}

impl CommittedOffset {
    fn from_record(value: &OffsetCommitValue) -> Self {
        Self {
            offset: Offset(value.offset),
            leader_epoch: LeaderEpoch(value.leader_epoch),
            metadata: value.metadata.detached(),
            committed_at: TimestampMs(value.commit_timestamp),
            expires_at: (value.expire_timestamp >= 0).then_some(TimestampMs(value.expire_timestamp)),
            topic: value.topic_id,
        }
    }
}

/// The record that deletes an offset.
fn tombstone(id: &GroupId, topic: &str, partition: PartitionIndex) -> Record {
    let key = OffsetCommitKey { group: id.to_wire(), topic: topic.into(), partition: partition.0 };
    Record::OffsetCommit(key, None)
}
