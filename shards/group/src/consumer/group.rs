//! The state of one consumer group, and the one place where that which survives changes.

use std::collections::BTreeMap;

use metadata::LogIndex;
use protocol::Str;
use types::TimestampMs;

use super::epoch::Epoch;
use super::member::{Member, Profile, Progress};
use super::owners::Owners;
use super::record;
use super::subscription::{Match, Subscriptions};
use super::timers::Expired;
use crate::assignor::Assignment;
use crate::effects::Effects;
use crate::group::Turn;
use crate::names::{GroupId, InstanceId, MemberId};
use crate::records::Record;

/// See the module. Lives on the shard of its coordinator.
#[derive(Debug, Default)]
pub(crate) struct ConsumerGroup {
    pub(super) epoch: Epoch,
    /// [`super::topics_hash`] when the group got its epoch.
    pub(super) topics_hash: i64,
    /// Whether the log has what Kafka wrote before it had the hash.
    pub(super) has_partition_metadata: bool,
    pub(super) members: BTreeMap<MemberId, Member>,
    pub(super) static_members: BTreeMap<InstanceId, MemberId>,
    pub(super) subscriptions: Subscriptions,
    pub(super) owners: Owners,
    pub(super) target: Target,
    /// Up to where the metadata was looked at for changes of the group's topics. Volatile.
    pub(super) seen: Option<LogIndex>,
    /// The same for topics that patterns may match, and when. Volatile.
    pub(super) matched: Option<(LogIndex, TimestampMs)>,
}

/// What each member is to have.
#[derive(Debug, Default)]
pub(crate) struct Target {
    /// For which epoch of the group it was reckoned.
    pub epoch: Epoch,
    /// When.
    pub at: TimestampMs,
    /// For members that are to have something.
    pub assignments: BTreeMap<MemberId, Assignment>,
}

/// The state of a group, by Kafka's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It has no members.
    Empty,
    /// Its target is to be thought over.
    Assigning,
    /// Not all members have reached the target.
    Reconciling,
    /// All members have.
    Stable,
}

static NOTHING: Assignment = Assignment::new();

impl State {
    /// Kafka's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::Assigning => "Assigning",
            Self::Reconciling => "Reconciling",
            Self::Stable => "Stable",
        }
    }
}

impl Target {
    /// What this member is to have.
    pub fn of(&self, member: &MemberId) -> &Assignment {
        self.assignments.get(member).unwrap_or(&NOTHING)
    }
}

impl ConsumerGroup {
    /// The state that it is in. Looks at every member.
    pub fn state(&self) -> State {
        if self.members.is_empty() {
            State::Empty
        } else if self.epoch > self.target.epoch {
            State::Assigning
        } else if self.members.values().all(|member| member.has_reached(self.target.epoch)) {
            State::Stable
        } else {
            State::Reconciling
        }
    }

    /// Kafka's name of the state.
    pub fn state_name(&self) -> &'static str {
        self.state().name()
    }

    /// Adds the records that delete it.
    pub fn delete(&self, id: &GroupId, records: &mut Vec<Record>) {
        records.extend(self.tombstones(id));
    }

    /// Whether it has no members.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Whether nothing would be lost without it.
    pub fn is_vacant(&self) -> bool {
        self.is_empty() && self.epoch == Epoch::ZERO
    }

    /// The topics that its members read, whose offsets are needed as long as they do.
    pub fn subscription(&self) -> crate::group::Subscription {
        crate::group::Subscription::Topics(self.subscriptions.topics().into_iter().map(Str::from).collect())
    }

    /// Takes over a record of this group. Records of other kinds change nothing.
    pub fn replay(&mut self, record: &Record) {
        match record {
            Record::ConsumerGroupMetadata(_, value) => {
                (self.epoch, self.topics_hash) =
                    value.as_ref().map(|value| (Epoch(value.epoch), value.metadata_hash)).unwrap_or_default();
            }
            Record::ConsumerGroupPartitionMetadata(_, value) => self.has_partition_metadata = value.is_some(),
            Record::ConsumerGroupMemberMetadata(key, value) => {
                let member = MemberId::from(&key.member_id);
                match value {
                    Some(value) => self.set_profile(member, Profile::from_record(value)),
                    None => self.remove(&member),
                }
            }
            Record::ConsumerGroupCurrentMemberAssignment(key, value) => {
                let progress = value.as_ref().map(Progress::from_record);
                self.set_progress(MemberId::from(&key.member_id), progress);
            }
            Record::ConsumerGroupTargetAssignmentMetadata(_, value) => {
                (self.target.epoch, self.target.at) = value
                    .as_ref()
                    .map(|value| (Epoch(value.assignment_epoch), TimestampMs(value.assignment_timestamp)))
                    .unwrap_or_default();
            }
            Record::ConsumerGroupTargetAssignmentMember(key, value) => {
                let target = value.as_ref().map(record::read_target).filter(|target| !target.is_empty());
                let member = MemberId::from(&key.member_id);
                match target {
                    Some(target) => drop(self.target.assignments.insert(member, target)),
                    None => drop(self.target.assignments.remove(&member)),
                }
            }
            Record::ConsumerGroupRegularExpression(key, value) => {
                let matched = value.as_ref().map(Match::from_record);
                self.subscriptions.set_match(&key.regular_expression, matched);
            }
            Record::OffsetCommit(..) | Record::GroupMetadata(..) => {}
        }
    }

    /// Writes a record and takes it over.
    pub(super) fn emit(&mut self, record: Record, out: &mut Effects) {
        self.replay(&record);
        out.record(record);
        out.replayed();
    }

    /// The group was loaded: everybody is given the time of a session to show up.
    pub fn loaded(&mut self, turn: &mut Turn<'_>) {
        let default_ms = turn.settings.consumer.session_timeout_ms;
        for member in self.members.values_mut() {
            let session_timeout_ms = member.session_timeout_ms(default_ms);
            member.start_session(turn.now, session_timeout_ms);
            member.watch_revocation(turn.now);
        }
        if let Some(deadline) = self.next_deadline() {
            turn.alarm.by(deadline);
        }
    }

    /// The first time at which a member has to have been heard of.
    pub fn next_deadline(&self) -> Option<TimestampMs> {
        self.members.values().filter_map(|member| member.timers.next()).min()
    }

    /// The members whose time has run out, each with what ran out.
    pub(super) fn overdue(&mut self, now: TimestampMs) -> Vec<(MemberId, Expired)> {
        let overdue = |(id, member): (&MemberId, &mut Member)| {
            let expired = member.timers.expired(now, member.progress.epoch)?;
            Some((id.clone(), expired))
        };
        self.members.iter_mut().filter_map(overdue).collect()
    }

    fn set_profile(&mut self, id: MemberId, mut profile: Profile) {
        let Self { members, subscriptions, static_members, .. } = self;
        subscriptions.add(&mut profile.subscription);
        let member = known(members, subscriptions, id.clone());
        let before = std::mem::replace(&mut member.profile, profile);
        subscriptions.remove(&before.subscription);
        unname(static_members, before.instance.as_ref(), &id);
        if let Some(instance) = &member.profile.instance {
            static_members.insert(instance.clone(), id);
        }
    }

    fn set_progress(&mut self, id: MemberId, progress: Option<Progress>) {
        let Self { members, subscriptions, owners, .. } = self;
        if progress.is_none() && !members.contains_key(&id) {
            return;
        }
        let member = known(members, subscriptions, id.clone());
        owners.release(&id, &member.progress);
        member.progress = progress.unwrap_or_else(Progress::gone);
        owners.claim(&id, &member.progress);
    }

    fn remove(&mut self, id: &MemberId) {
        let Some(member) = self.members.remove(id) else { return };
        self.owners.release(id, &member.progress);
        self.subscriptions.remove(&member.profile.subscription);
        unname(&mut self.static_members, member.profile.instance.as_ref(), id);
    }
}

/// The member with this id. The log may tell first how far it has got, and who it is later.
fn known<'a>(
    members: &'a mut BTreeMap<MemberId, Member>,
    subscriptions: &mut Subscriptions,
    id: MemberId,
) -> &'a mut Member {
    members.entry(id).or_insert_with(|| {
        let mut member = Member::default();
        subscriptions.add(&mut member.profile.subscription);
        member
    })
}

/// The member no longer goes by its instance id, unless another does already.
fn unname(static_members: &mut BTreeMap<InstanceId, MemberId>, instance: Option<&InstanceId>, id: &MemberId) {
    if let Some(instance) = instance
        && static_members.get(instance) == Some(id)
    {
        static_members.remove(instance);
    }
}
