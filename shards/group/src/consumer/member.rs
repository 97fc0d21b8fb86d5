//! One member of a consumer group: what it says about itself, and how far it has got.

use std::sync::Arc;

use bytes::Bytes;
use protocol::Str;
use protocol::group_log::{
    ClassicMemberMetadata, ClassicProtocol, ConsumerGroupCurrentMemberAssignmentValue,
    ConsumerGroupMemberMetadataValue,
};
use types::TimestampMs;

use super::epoch::Epoch;
use super::held::Held;
use super::subscription::Subscription;
use super::timers::{Timers, after};
use crate::names::InstanceId;

/// See the module. Lives as long as it belongs to the group.
#[derive(Clone, Debug, Default)]
pub(crate) struct Member {
    pub profile: Profile,
    pub progress: Progress,
    pub timers: Timers,
}

/// What a member says about itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Profile {
    /// The name of a static member.
    pub instance: Option<InstanceId>,
    /// The rack of the client.
    pub rack: Option<Str>,
    /// How the client calls itself.
    pub client_id: Str,
    /// Where it connects from.
    pub client_host: Str,
    /// How long it may take to give partitions back, in milliseconds.
    pub rebalance_timeout_ms: i32,
    /// What it wants to read.
    pub subscription: Arc<Subscription>,
    /// The assignor it asks for.
    pub assignor: Option<Str>,
    /// What else there is of a member that uses the classic protocol.
    pub classic: Option<ClassicProfile>,
}

/// What a member of the classic protocol says about itself besides.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ClassicProfile {
    /// How long it may be silent, in milliseconds.
    pub session_timeout_ms: i32,
    /// The names of the assignors it could use, the preferred first, each with its subscription as the client wrote it.
    pub protocols: Vec<(Str, Bytes)>,
}

/// How far a member has got on its way to its target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// The epoch it has got to.
    pub epoch: Epoch,
    /// The one before. A member that has missed an answer still has it.
    pub previous_epoch: Epoch,
    /// What is to happen next.
    pub state: MemberState,
    /// What it is told to hold.
    pub assigned: Held,
    /// What it still has to give back.
    pub revoking: Held,
}

/// What is to happen next with a member, by Kafka's names and numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum MemberState {
    /// Nothing: it has its target, or is to be led to the next.
    #[default]
    Stable,
    /// It has to say that it has given partitions back.
    UnrevokedPartitions,
    /// Others have to give back what it waits for.
    UnreleasedPartitions,
    /// A later release has put it into a state that this one does not know.
    Unknown,
}

impl Member {
    /// Whether it has arrived at the target of this epoch.
    pub fn has_reached(&self, target: Epoch) -> bool {
        self.progress.state == MemberState::Stable && self.progress.epoch == target
    }

    /// It was heard of just now, and may be silent for so long.
    pub fn start_session(&mut self, now: TimestampMs, session_timeout_ms: i32) {
        self.timers.session = Some(after(now, session_timeout_ms));
    }

    /// If it has to give partitions back, it has as long for that as it said itself. Members of the classic protocol
    /// have other timers.
    pub fn watch_revocation(&mut self, now: TimestampMs) {
        let revokes = self.progress.state == MemberState::UnrevokedPartitions && !self.is_classic();
        self.timers.revocation =
            revokes.then(|| (after(now, self.profile.rebalance_timeout_ms), self.progress.epoch));
    }

    /// How long it may be silent: what it said itself with the classic protocol, else what the group says.
    pub fn session_timeout_ms(&self, of_group: i32) -> i32 {
        self.profile.classic.as_ref().map_or(of_group, |classic| classic.session_timeout_ms)
    }

    /// Whether it uses the classic protocol.
    pub fn is_classic(&self) -> bool {
        self.profile.classic.is_some()
    }
}

impl MemberState {
    fn from_record(number: i8) -> Self {
        match number {
            0 => Self::Stable,
            1 => Self::UnrevokedPartitions,
            2 => Self::UnreleasedPartitions,
            _ => Self::Unknown,
        }
    }

    fn to_record(self) -> i8 {
        match self {
            Self::Stable => 0,
            Self::UnrevokedPartitions => 1,
            Self::UnreleasedPartitions => 2,
            Self::Unknown => i8::MAX,
        }
    }
}

impl Progress {
    /// That of a member that is gone.
    pub fn gone() -> Self {
        Self { epoch: Epoch::LEAVING, previous_epoch: Epoch::LEAVING, ..Self::default() }
    }

    /// As a record has it.
    pub fn from_record(value: &ConsumerGroupCurrentMemberAssignmentValue) -> Self {
        let epoch = Epoch(value.member_epoch);
        Self {
            epoch,
            previous_epoch: Epoch(value.previous_member_epoch),
            state: MemberState::from_record(value.state),
            assigned: Held::from_record(&value.assigned_partitions, epoch),
            revoking: Held::from_record(&value.partitions_pending_revocation, epoch),
        }
    }

    /// As a record is to have it.
    pub fn to_record(&self) -> ConsumerGroupCurrentMemberAssignmentValue {
        ConsumerGroupCurrentMemberAssignmentValue {
            member_epoch: self.epoch.0,
            previous_member_epoch: self.previous_epoch.0,
            state: self.state.to_record(),
            assigned_partitions: self.assigned.to_record(),
            partitions_pending_revocation: self.revoking.to_record(),
        }
    }
}

impl Profile {
    /// As a record has it. The texts get buffers of their own.
    pub fn from_record(value: &ConsumerGroupMemberMetadataValue) -> Self {
        Self {
            instance: value.instance_id.as_ref().map(InstanceId::from),
            rack: value.rack_id.as_ref().map(Str::detached),
            client_id: value.client_id.detached(),
            client_host: value.client_host.detached(),
            rebalance_timeout_ms: value.rebalance_timeout_ms,
            subscription: Arc::new(Subscription::new(
                value.subscribed_topic_names.iter().map(Str::detached),
                value.subscribed_topic_regex.as_ref().map(Str::detached),
            )),
            assignor: value.server_assignor.as_ref().map(Str::detached),
            classic: value.classic_member_metadata.as_ref().map(ClassicProfile::from_record),
        }
    }

    /// As a record is to have it.
    pub fn to_record(&self) -> ConsumerGroupMemberMetadataValue {
        ConsumerGroupMemberMetadataValue {
            instance_id: self.instance.as_ref().map(InstanceId::to_wire),
            rack_id: self.rack.clone(),
            client_id: self.client_id.clone(),
            client_host: self.client_host.clone(),
            subscribed_topic_names: self.subscription.topics().cloned().collect(),
            // Kafka writes the empty text where there is no pattern.
            subscribed_topic_regex: Some(self.subscription.pattern().cloned().unwrap_or_default()),
            rebalance_timeout_ms: self.rebalance_timeout_ms,
            server_assignor: self.assignor.clone(),
            classic_member_metadata: self.classic.as_ref().map(ClassicProfile::to_record),
        }
    }
}

impl ClassicProfile {
    fn from_record(value: &ClassicMemberMetadata) -> Self {
        let protocol = |protocol: &ClassicProtocol| {
            (protocol.name.detached(), Bytes::copy_from_slice(&protocol.metadata))
        };
        Self {
            session_timeout_ms: value.session_timeout_ms,
            protocols: value.supported_protocols.iter().map(protocol).collect(),
        }
    }

    fn to_record(&self) -> ClassicMemberMetadata {
        let protocol = |(name, metadata): &(Str, Bytes)| ClassicProtocol {
            name: name.clone(),
            metadata: metadata.clone(),
        };
        ClassicMemberMetadata {
            session_timeout_ms: self.session_timeout_ms,
            supported_protocols: self.protocols.iter().map(protocol).collect(),
        }
    }
}
