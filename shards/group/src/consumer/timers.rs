//! When a member has to be heard of.
//!
//! # Invariants
//! - Timers decide nothing by themselves: one that has run out says so, and the group looks at the member then.

use types::TimestampMs;

use super::epoch::Epoch;

/// The deadlines of one member. Volatile: set anew after loading.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Timers {
    /// The member's session ends, unless it is heard of before.
    pub session: Option<TimestampMs>,
    /// The member has to have given its partitions back, unless it has left this epoch.
    pub revocation: Option<(TimestampMs, Epoch)>,
    /// A member of the classic protocol was told to rejoin, and has to have done so.
    pub rejoin: Option<TimestampMs>,
    /// A member of the classic protocol has joined, and has to have fetched its assignment.
    pub sync: Option<TimestampMs>,
}

/// What ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expired {
    /// The session.
    Session,
    /// The time to give partitions back, to rejoin or to fetch the assignment.
    Rebalance,
}

impl Timers {
    /// The first deadline.
    pub fn next(&self) -> Option<TimestampMs> {
        [self.session, self.revocation.map(|(at, _)| at), self.rejoin, self.sync].into_iter().flatten().min()
    }

    /// Until when it has to take a step: to give partitions back, to rejoin or to fetch its assignment.
    pub fn step(&self) -> Option<TimestampMs> {
        [self.revocation.map(|(at, _)| at), self.rejoin, self.sync].into_iter().flatten().max()
    }

    /// What has run out at `now` with a member that is in `epoch`. Clears the deadline that no longer counts.
    pub fn expired(&mut self, now: TimestampMs, epoch: Epoch) -> Option<Expired> {
        let due = |deadline: Option<TimestampMs>| deadline.is_some_and(|at| at <= now);
        if self.revocation.is_some_and(|(_, of)| of != epoch) {
            self.revocation = None;
        }
        if due(self.session) {
            Some(Expired::Session)
        } else if due(self.revocation.map(|(at, _)| at)) || due(self.rejoin) || due(self.sync) {
            Some(Expired::Rebalance)
        } else {
            None
        }
    }
}

/// The time `ms` milliseconds after `now`.
pub(crate) fn after(now: TimestampMs, ms: i32) -> TimestampMs {
    TimestampMs(now.0.saturating_add(i64::from(ms)))
}
