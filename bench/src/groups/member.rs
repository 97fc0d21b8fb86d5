//! A member of either protocol.

use std::time::Duration;

use protocol::Str;
use protocol::messages::{
    ConsumerGroupHeartbeatRequest, HeartbeatRequest, JoinGroupRequest, LeaveGroupRequest, SyncGroupRequest,
};
use types::{ErrorCode, TopicId};

use super::classic::Classic;
use super::consumer::Consumer;
use crate::moment::Moment;

/// Before it is tried again what passes by itself.
pub(super) const BACKOFF: Duration = Duration::from_millis(100);

/// What all members have in common.
#[derive(Debug)]
pub(super) struct Terms {
    pub(super) group: Str,
    pub(super) topic: Str,
    pub(super) topic_id: TopicId,
    pub(super) partitions: i32,
    pub(super) session_timeout_ms: i32,
    pub(super) rebalance_timeout_ms: i32,
    /// Of classic members.
    pub(super) heartbeat_interval: Duration,
}

/// What a member asks for.
pub(super) enum Ask {
    Join(JoinGroupRequest),
    Sync(SyncGroupRequest),
    Heartbeat(HeartbeatRequest),
    Leave(LeaveGroupRequest),
    Report(ConsumerGroupHeartbeatRequest),
}

/// What was asked for; answers come in the same order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Join,
    Sync,
    Heartbeat,
    Leave,
    Report,
    Commit,
}

/// Whether an error of a coordinator passes by itself.
pub(super) fn passes(error: i16) -> bool {
    matches!(
        ErrorCode::from_code(error),
        Some(
            ErrorCode::CoordinatorLoadInProgress
                | ErrorCode::CoordinatorNotAvailable
                | ErrorCode::NotCoordinator
        )
    )
}

/// See the module.
pub(super) enum Member {
    Classic(Classic),
    Consumer(Consumer),
}

impl Member {
    /// When it asks next.
    pub(super) fn due(&self) -> Moment {
        match self {
            Self::Classic(member) => member.due(),
            Self::Consumer(member) => member.due(),
        }
    }

    /// What it asks for now, if anything.
    pub(super) fn ask(&mut self) -> Option<Ask> {
        match self {
            Self::Classic(member) => member.ask(),
            Self::Consumer(member) => member.ask(),
        }
    }

    /// Has it leave the group.
    pub(super) fn leave(&mut self, now: Moment) {
        match self {
            Self::Classic(member) => member.leave(now),
            Self::Consumer(member) => member.leave(now),
        }
    }

    pub(super) fn has_left(&self) -> bool {
        match self {
            Self::Classic(member) => member.has_left(),
            Self::Consumer(member) => member.has_left(),
        }
    }

    /// The generation or epoch in which it has nothing left to do.
    pub(super) fn settled_in(&self) -> Option<i32> {
        match self {
            Self::Classic(member) => member.assigned_in(),
            Self::Consumer(member) => member.settled_in(),
        }
    }

    /// Its id, and its generation or epoch.
    pub(super) fn identity(&self) -> (Str, i32) {
        match self {
            Self::Classic(member) => member.identity(),
            Self::Consumer(member) => member.identity(),
        }
    }
}

#[cfg(test)]
impl Terms {
    /// Of a topic called `t`.
    pub(super) fn for_test(partitions: i32) -> Self {
        Self {
            group: "g".into(),
            topic: "t".into(),
            topic_id: types::Uuid([7; 16]),
            partitions,
            session_timeout_ms: 45_000,
            rebalance_timeout_ms: 60_000,
            heartbeat_interval: Duration::from_secs(3),
        }
    }
}
