//! The uniform assignor: the same number of partitions for each member, and among such assignments one that moves
//! little.
//!
//! Two ways lead there. Where all members subscribe to the same topics, a member's share can be reckoned beforehand, and no
//! partition moves that does not have to (`quota.rs`). Where they do not, topics are levelled one after the other
//! (`level.rs`).

use super::ownership::Ownership;
use super::{Assignment, PartitionCounts, Subscriber, level, quota};

/// What each of `subscribers` is to own, in their order.
pub(super) fn assign(subscribers: &[Subscriber<'_>], counts: &PartitionCounts) -> Vec<Assignment> {
    let mut table = Ownership::new(subscribers, counts);
    if subscribe_to_the_same(subscribers) {
        quota::share_out(&mut table);
    } else {
        level::hand_out(&mut table);
        level::balance(&mut table);
    }
    table.into_assignments()
}

/// Members whose subscriptions are one and the same set in memory are not compared topic by topic.
fn subscribe_to_the_same(subscribers: &[Subscriber<'_>]) -> bool {
    subscribers.windows(2).all(|pair| match pair {
        [one, other] => std::ptr::eq(one.topics, other.topics) || one.topics == other.topics,
        _ => true,
    })
}
