//! The states of a classic group.
//!
//! ```text
//!            first member         all joined, or time is up        leader synced
//! Empty ──────────────► Preparing ───────────────────► Completing ───────────────► Stable
//!   ▲                    │  ▲  ▲                          │                          │
//!   └─── nobody joined ──┘  │  └── a member joins, changes, or goes ─────────────────┤
//!                           └─────────────────────────────┘──────────────────────────┘
//! ```

use std::collections::BTreeSet;

use types::TimestampMs;

use crate::names::MemberId;

/// What a group is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum State {
    /// It has no members. It may have offsets, and clients that were given an id and are to come back with it.
    #[default]
    Empty,
    /// It waits for its members to join.
    Preparing(Preparing),
    /// All have joined; it waits for the leader's assignment.
    Completing,
    /// The members have their assignments, or may have them.
    Stable,
}

/// A group that waits for its members to join.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Preparing {
    /// When it began to.
    pub since: TimestampMs,
    /// How long it waits at most.
    pub deadline: TimestampMs,
    /// The group was empty before. It then waits for a while even if all members it knows have joined, because others
    /// tend to start at the same time.
    pub initial: Option<InitialDelay>,
}

/// How long the first rebalance of a group goes on waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InitialDelay {
    /// The wait that is under way, in milliseconds.
    pub delay_ms: i64,
    /// What may follow on it, in milliseconds.
    pub remaining_ms: i64,
    /// A member joined during the wait, so that it is extended.
    pub has_new_member: bool,
}

/// Members that have joined a generation and did not ask for their assignments yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unsynced {
    /// When they are dropped.
    pub deadline: TimestampMs,
    /// The members.
    pub members: BTreeSet<MemberId>,
}

impl State {
    /// Kafka's name of the state.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::Preparing(_) => "PreparingRebalance",
            Self::Completing => "CompletingRebalance",
            Self::Stable => "Stable",
        }
    }
}
