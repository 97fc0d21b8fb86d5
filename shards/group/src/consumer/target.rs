//! What each member is to have: reckoned by an assignor, for an epoch of the group.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use metadata::Image;
use types::{TimestampMs, TopicId};

use super::group::ConsumerGroup;
use super::record;
use super::subscription::{Subscription, Subscriptions};
use crate::assignor::{Assignment, Assignor, PartitionCounts, Subscriber};
use crate::group::Turn;
use crate::history::Event;
use crate::names::MemberId;

/// The topics of each subscription of a group. There are few: most members share one.
struct Topics(Vec<(Arc<Subscription>, BTreeSet<TopicId>)>);

impl Topics {
    fn of(subscriptions: &Subscriptions, image: &Image) -> Self {
        let ids = |one: &Arc<Subscription>| (Arc::clone(one), subscriptions.topic_ids(one, image));
        Self(subscriptions.iter().map(ids).collect())
    }

    /// The topics of a member's subscription, which is one of those of its group: the same in memory.
    fn get(&self, subscription: &Arc<Subscription>) -> &BTreeSet<TopicId> {
        static NONE: BTreeSet<TopicId> = BTreeSet::new();
        let found = self.0.iter().find(|(one, _)| Arc::ptr_eq(one, subscription));
        found.map_or(&NONE, |(_, ids)| ids)
    }

    fn partition_counts(&self, image: &Image) -> PartitionCounts {
        let topics = self.0.iter().flat_map(|(_, ids)| ids);
        let count = |id: &TopicId| {
            let topic = image.topic_by_id(*id)?;
            Some((*id, i32::try_from(topic.partitions.len()).ok()?))
        };
        topics.filter_map(count).collect()
    }
}

impl ConsumerGroup {
    /// The assignor that most members ask for, or `default` if none does.
    pub fn preferred_assignor(&self, default: Assignor) -> Assignor {
        let mut votes: BTreeMap<Assignor, usize> = BTreeMap::new();
        for member in self.members.values() {
            if let Some(assignor) = member.profile.assignor.as_deref().and_then(Assignor::named) {
                *votes.entry(assignor).or_default() += 1;
            }
        }
        // `max_by_key` takes the last of equals; the first in order is to win.
        votes.into_iter().rev().max_by_key(|(_, count)| *count).map_or(default, |(assignor, _)| assignor)
    }

    /// Whether the target is to be reckoned anew now.
    pub(super) fn target_is_due(&self, now: TimestampMs, interval_ms: i32) -> bool {
        self.target_due_in_ms(now, interval_ms) == Some(0)
    }

    /// In how many milliseconds the target is to be reckoned anew, if the group has a later epoch: when the last time is long
    /// enough ago. While many members join, this spares reckoning once for each.
    pub(super) fn target_due_in_ms(&self, now: TimestampMs, interval_ms: i32) -> Option<i32> {
        if self.epoch <= self.target.epoch {
            return None;
        }
        let age = now.0.checked_sub(self.target.at.0).and_then(|age| i32::try_from(age).ok());
        // A clock that was set back must not hold it up, and neither does a target from long ago.
        let waited_ms = age.filter(|age| *age >= 0).unwrap_or(interval_ms);
        Some(interval_ms.saturating_sub(waited_ms).max(0))
    }

    /// Reckons what each member is to have in the epoch of the group.
    pub(super) fn update_target(&mut self, assignor: Assignor, image: &Image, turn: &mut Turn<'_>) {
        for (member, target) in self.changed_targets(assignor, image) {
            self.emit(record::target(turn.id, &member, Some(&target)), turn.out);
        }
        self.emit(record::target_epoch(turn.id, Some((self.epoch, turn.now))), turn.out);
        // Nobody has to be waited for: who is not there yet is led to the target later.
        let (generation, members) = (self.epoch.0, self.members.len());
        turn.note(Event::GenerationStarted { generation, members, waited_ms: 0 });
    }

    /// The members whose target changes.
    fn changed_targets(&self, assignor: Assignor, image: &Image) -> Vec<(MemberId, Assignment)> {
        let topics = Topics::of(&self.subscriptions, image);
        let subscribers: Vec<Subscriber<'_>> = self
            .members
            .iter()
            .map(|(id, member)| Subscriber {
                member_id: id.as_str(),
                instance_id: member.profile.instance.as_ref().map(|instance| instance.as_str()),
                topics: topics.get(&member.profile.subscription),
                assigned: self.target.of(id),
            })
            .collect();
        let targets = assignor.assign(&subscribers, &topics.partition_counts(image));
        let changed = self.members.keys().zip(targets).filter(|(id, target)| self.target.of(id) != target);
        changed.map(|(id, target)| (id.clone(), target)).collect()
    }
}
