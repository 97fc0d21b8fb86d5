//! Who is to own each partition while an assignor works: a table with a row per topic and a place per partition.
//! Members and topics go by their places in the order given, so that nothing is looked up by name.
//!
//! # Invariants
//! - A partition has at most one owner, who subscribes to its topic.
//! - A member's load is the number of partitions it owns.

use std::collections::BTreeMap;

use types::{PartitionIndex, TopicId};

use super::{Assignment, PartitionCounts, Subscriber};

/// A topic somebody subscribes to.
#[derive(Debug)]
pub(super) struct Row {
    topic: TopicId,
    /// The members that subscribe to it, in order.
    pub(super) subscribers: Vec<usize>,
    /// The owner of each partition.
    pub(super) owners: Vec<Option<usize>>,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Ownership {
    /// The topics, by their ids.
    pub(super) rows: Vec<Row>,
    /// How many partitions each member owns.
    pub(super) loads: Vec<usize>,
}

impl Ownership {
    /// The table of all topics that exist and have a subscriber, with what members own already and may keep. Where
    /// two claim a partition, the first has it.
    pub(super) fn new(subscribers: &[Subscriber<'_>], counts: &PartitionCounts) -> Self {
        let mut table = Self { rows: rows(subscribers, counts), loads: vec![0; subscribers.len()] };
        for (member, subscriber) in subscribers.iter().enumerate() {
            for (topic, partitions) in subscriber.assigned.topics() {
                if subscriber.topics.contains(&topic) {
                    table.keep(member, topic, partitions.iter().copied());
                }
            }
        }
        table
    }

    /// Leaves partitions to the member that owns them.
    fn keep(&mut self, member: usize, topic: TopicId, partitions: impl Iterator<Item = PartitionIndex>) {
        let Ok(row) = self.rows.binary_search_by_key(&topic, |row| row.topic) else { return };
        let owners = &mut self.rows[row].owners;
        for partition in partitions {
            let owner = usize::try_from(partition.0).ok().and_then(|place| owners.get_mut(place));
            if let Some(owner @ None) = owner {
                *owner = Some(member);
                self.loads[member] += 1;
            }
        }
    }

    /// How many partitions there are.
    pub(super) fn partition_count(&self) -> usize {
        self.rows.iter().map(|row| row.owners.len()).sum()
    }

    /// Gives a partition to a member, whoever had it.
    pub(super) fn give(&mut self, row: usize, partition: usize, member: usize) {
        if let Some(before) = self.rows[row].owners[partition].replace(member) {
            self.loads[before] -= 1;
        }
        self.loads[member] += 1;
    }

    /// What each member is to own.
    pub(super) fn into_assignments(self) -> Vec<Assignment> {
        let mut assignments = vec![Assignment::new(); self.loads.len()];
        for row in self.rows {
            for (partition, owner) in row.owners.iter().enumerate() {
                if let Some(member) = owner {
                    // Rows are as long as an `i32` said, so the cast keeps the value.
                    assignments[*member].insert(row.topic, PartitionIndex(partition as i32));
                }
            }
        }
        assignments
    }
}

impl Row {
    /// The topic's partitions without an owner.
    pub(super) fn free(&self) -> impl Iterator<Item = usize> {
        self.owners.iter().enumerate().filter(|(_, owner)| owner.is_none()).map(|(partition, _)| partition)
    }

    /// How many partitions there are for each subscriber, to compare rows by.
    pub(super) fn density(&self) -> f64 {
        self.owners.len() as f64 / self.subscribers.len() as f64
    }
}

fn rows(subscribers: &[Subscriber<'_>], counts: &PartitionCounts) -> Vec<Row> {
    let mut by_topic: BTreeMap<TopicId, Vec<usize>> = BTreeMap::new();
    for (member, subscriber) in subscribers.iter().enumerate() {
        for topic in subscriber.topics {
            by_topic.entry(*topic).or_default().push(member);
        }
    }
    let row = |(topic, subscribers)| {
        let partitions = usize::try_from(*counts.get(&topic)?).ok()?;
        Some(Row { topic, subscribers, owners: vec![None; partitions] })
    };
    by_topic.into_iter().filter_map(row).collect()
}
