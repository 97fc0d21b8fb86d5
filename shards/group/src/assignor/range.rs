//! The range assignor: of each topic, each subscriber gets neighbouring partitions, in the order of the members.
//!
//! Members that subscribe to the same topics of equal size get the same partitions of each, so that records that belong
//! together by key meet at one member. Nothing is sticky but the order: static members come first, by their instance
//! ids, and so keep their places when they come back under a new member id.

use std::collections::BTreeMap;

use types::{PartitionIndex, TopicId};

use super::{Assignment, PartitionCounts, Subscriber};

/// What is left of a topic to hand out.
struct Remainder {
    partitions: i32,
    subscribers: i32,
    /// The first partition that nobody has.
    next: i32,
}

/// What each of `subscribers` is to own, in their order.
pub(super) fn assign(subscribers: &[Subscriber<'_>], counts: &PartitionCounts) -> Vec<Assignment> {
    let mut topics = remainders(subscribers, counts);
    let mut assignments = vec![Assignment::new(); subscribers.len()];
    for member in static_members_first(subscribers) {
        for topic in subscribers[member].topics {
            if let Some(remainder) = topics.get_mut(topic) {
                assignments[member].extend(*topic, remainder.take());
            }
        }
    }
    assignments
}

impl Remainder {
    /// The next subscriber's share: what is left divided by who is left, rounded up. That gives the first subscribers
    /// one partition more where the division leaves a rest.
    fn take(&mut self) -> impl Iterator<Item = PartitionIndex> + use<> {
        let left = self.partitions - self.next;
        let share = left / self.subscribers + i32::from(left % self.subscribers != 0);
        let first = self.next;
        self.next += share;
        self.subscribers -= 1;
        (first..self.next).map(PartitionIndex)
    }
}

fn remainders(subscribers: &[Subscriber<'_>], counts: &PartitionCounts) -> BTreeMap<TopicId, Remainder> {
    let mut topics: BTreeMap<TopicId, Remainder> = BTreeMap::new();
    for topic in subscribers.iter().flat_map(|subscriber| subscriber.topics) {
        if let Some(partitions) = counts.get(topic) {
            let remainder = Remainder { partitions: *partitions, subscribers: 0, next: 0 };
            topics.entry(*topic).or_insert(remainder).subscribers += 1;
        }
    }
    topics
}

/// The places of the members in the order in which they are served.
fn static_members_first(subscribers: &[Subscriber<'_>]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..subscribers.len()).collect();
    order.sort_by_key(|place| {
        let Subscriber { member_id, instance_id, .. } = subscribers[*place];
        (instance_id.is_none(), instance_id, member_id)
    });
    order
}
