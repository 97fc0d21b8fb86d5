//! One step of a member towards its target.
//!
//! ```text
//!                     nothing to give back, nothing to wait for
//!          ┌───────────────────────────────────────────────────────┐
//!          │                                                       ▼
//!   next target ── has to give back ──► UnrevokedPartitions     Stable
//!          │                                 │ has said so         ▲
//!          │                                 ▼                     │
//!          └── others hold some ──► UnreleasedPartitions ── all ───┘
//!                                                          given
//! ```
//!
//! A member stays in its epoch until it has given back what it is not to have; then it gets the epoch of the target, and
//! with it all partitions that are free. The rest follows in the same epoch as others give it back.
//!
//! # Invariants
//! - What a member loses is either among what it has to give back, or it has said that it does not hold it.
//! - What a member gains is held by nobody else.

use std::collections::BTreeSet;

use types::{PartitionIndex, TopicId};

use super::epoch::Epoch;
use super::held::Held;
use super::member::{MemberState, Progress};
use super::owners::Owners;
use super::refusal::Refusal;
use crate::assignor::Assignment;
use crate::names::MemberId;

/// Where a member is to get to, and what is known of the way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Goal<'a> {
    /// The member.
    pub member: &'a MemberId,
    /// The epoch of the target.
    pub epoch: Epoch,
    /// What the member is to have.
    pub target: &'a Assignment,
    /// The topics that it subscribes to now. The target may be older than that.
    pub subscribed: &'a BTreeSet<TopicId>,
    /// Whether it subscribes to others than a moment ago.
    pub subscription_changed: bool,
    /// The partitions that it says it holds, if it says anything.
    pub owned: Option<&'a Assignment>,
    /// Who holds what.
    pub owners: &'a Owners,
}

/// The step that `progress` allows; the same again if it allows none.
///
/// # Errors
/// [`Refusal::UnknownState`] if the member has to give up everything and start anew.
pub(crate) fn step(progress: &Progress, goal: &Goal<'_>) -> Result<Progress, Refusal> {
    Ok(match progress.state {
        MemberState::Stable if progress.epoch == goal.epoch => drop_unsubscribed(progress, goal),
        MemberState::UnrevokedPartitions if goal.still_owns(&progress.revoking) => {
            drop_unsubscribed(progress, goal)
        }
        MemberState::Unknown if !goal.owned.is_some_and(Assignment::is_empty) => {
            return Err(Refusal::UnknownState);
        }
        _ => advance(progress, goal),
    })
}

/// Leads the member on: it is asked to give back what it is not to have, or else given what is free.
fn advance(progress: &Progress, goal: &Goal<'_>) -> Progress {
    let (kept, dropped) = progress.assigned.partition_by(|topic, partition| goal.wants(topic, partition));
    if goal.still_owns(&dropped) {
        let state = MemberState::UnrevokedPartitions;
        return Progress { state, assigned: kept, revoking: dropped, ..progress.clone() };
    }
    let (assigned, waits) = take_free(kept, goal);
    // Within an epoch the one before stays: the member may not have heard of this one yet.
    let same_epoch = goal.epoch == progress.epoch;
    Progress {
        epoch: goal.epoch,
        previous_epoch: if same_epoch { progress.previous_epoch } else { progress.epoch },
        state: if waits { MemberState::UnreleasedPartitions } else { MemberState::Stable },
        assigned,
        revoking: Held::default(),
    }
}

/// All that the member is to have and nobody else holds, and whether others hold some.
fn take_free(kept: Held, goal: &Goal<'_>) -> (Held, bool) {
    let mut assigned = kept;
    let mut waits = false;
    for (topic, partition) in goal.target.partitions() {
        if !goal.subscribed.contains(&topic) || assigned.contains(topic, partition) {
            continue;
        }
        if goal.owners.is_free_for(goal.member, topic, partition) {
            assigned.insert(topic, partition, goal.epoch);
        } else {
            waits = true;
        }
    }
    (assigned, waits)
}

/// Without a new target: only takes from the member what it does not subscribe to any more.
fn drop_unsubscribed(progress: &Progress, goal: &Goal<'_>) -> Progress {
    if !goal.subscription_changed {
        return progress.clone();
    }
    let (kept, dropped) = progress.assigned.partition_by(|topic, _| goal.subscribed.contains(&topic));
    if dropped.is_empty() {
        return progress.clone();
    }
    let mut next = Progress { assigned: kept, ..progress.clone() };
    let mut revoking = progress.revoking.clone();
    revoking.absorb(&dropped);
    if goal.still_owns(&revoking) {
        next.state = MemberState::UnrevokedPartitions;
        next.revoking = revoking;
    }
    next
}

impl Goal<'_> {
    /// Whether the member is to have a partition that it has now.
    fn wants(&self, topic: TopicId, partition: PartitionIndex) -> bool {
        self.subscribed.contains(&topic) && self.target.contains(topic, partition)
    }

    /// Whether the member may still hold one of these. Without a word from it, it does.
    fn still_owns(&self, partitions: &Held) -> bool {
        let owned = |(topic, partition, _)| self.owned.is_none_or(|owned| owned.contains(topic, partition));
        partitions.iter().any(owned)
    }
}
