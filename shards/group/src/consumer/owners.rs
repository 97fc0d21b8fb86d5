//! Which member holds each partition of a group's topics, so that nobody is given what another has not given back.

use std::collections::BTreeMap;

use types::{PartitionIndex, TopicId};

use super::member::Progress;
use crate::names::MemberId;

/// See the module. Follows what members hold record by record.
#[derive(Debug, Default)]
pub(crate) struct Owners(BTreeMap<(TopicId, PartitionIndex), MemberId>);

impl Owners {
    /// Whether this member may have the partition: it holds it already, or nobody does.
    pub fn is_free_for(&self, member: &MemberId, topic: TopicId, partition: PartitionIndex) -> bool {
        self.0.get(&(topic, partition)).is_none_or(|owner| owner == member)
    }

    /// The member holds what `progress` says.
    pub fn claim(&mut self, member: &MemberId, progress: &Progress) {
        for (topic, partition, _) in progress.assigned.iter().chain(progress.revoking.iter()) {
            self.0.insert((topic, partition), member.clone());
        }
    }

    /// The member no longer holds what `progress` says. What another has claimed since stays with that one: while a
    /// log is loaded, a record may have gone in which the partition was given back.
    pub fn release(&mut self, member: &MemberId, progress: &Progress) {
        for (topic, partition, _) in progress.assigned.iter().chain(progress.revoking.iter()) {
            if self.0.get(&(topic, partition)) == Some(member) {
                self.0.remove(&(topic, partition));
            }
        }
    }
}
