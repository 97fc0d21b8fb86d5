//! Who a request comes from, and whether it may take part.
//!
//! # Invariants
//! - Looks, and changes nothing: a request that is turned away leaves no trace in the log.

use protocol::messages::ConsumerGroupHeartbeatRequest;

use super::epoch::Epoch;
use super::group::ConsumerGroup;
use super::member::Member;
use super::pattern::Pattern;
use super::refusal::Refusal;
use crate::assignor::Assignment;
use crate::names::{InstanceId, MemberId};
use crate::settings::ConsumerSettings;

/// From this version on a client chooses its member id itself (KIP-1082).
const OWN_MEMBER_ID_VERSION: i16 = 1;

/// What a heartbeat claims to come from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim<'a> {
    pub member: &'a MemberId,
    pub instance: Option<&'a InstanceId>,
    pub epoch: Epoch,
    /// What the member says it holds, if it says anything.
    pub owned: Option<&'a Assignment>,
}

/// What the group makes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// The member is known.
    Known,
    /// A new member joins.
    New,
    /// A static member comes back under a new id, and takes the place of this one.
    Replaces(MemberId),
}

/// Whether a heartbeat makes sense at all.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn check(
    request: &ConsumerGroupHeartbeatRequest,
    version: i16,
    settings: &ConsumerSettings,
) -> Result<(), Refusal> {
    let joins = request.member_epoch == Epoch::ZERO.0;
    let needs_id = version >= OWN_MEMBER_ID_VERSION || request.member_epoch > 0;
    let leaves = request.member_epoch == Epoch::LEAVING.0;
    let says_topics = request.subscribed_topic_names.is_some() || request.subscribed_topic_regex.is_some();
    let problem = if (needs_id || leaves) && is_blank(&request.member_id) {
        "MemberId can't be empty."
    } else if is_blank(&request.group_id) {
        "GroupId can't be empty."
    } else if request.instance_id.as_deref().is_some_and(is_blank) {
        "InstanceId can't be empty."
    } else if request.rack_id.as_deref().is_some_and(is_blank) {
        "RackId can't be empty."
    } else if joins && request.rebalance_timeout_ms == -1 {
        "RebalanceTimeoutMs must be provided in first request."
    } else if joins && request.topic_partitions.as_ref().is_none_or(|owned| !owned.is_empty()) {
        "TopicPartitions must be empty when (re-)joining."
    } else if joins && !says_topics {
        "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining."
    } else if request.member_epoch == Epoch::AWAY.0 && request.instance_id.is_none() {
        "InstanceId can't be null."
    } else if request.member_epoch < Epoch::AWAY.0 {
        "MemberEpoch is invalid."
    } else {
        return check_assignor(request, settings);
    };
    Err(Refusal::Invalid(problem))
}

/// Whether there is nothing to read in a text, as Kafka judges it: what Java's `trim` takes away leaves nothing.
fn is_blank(text: &str) -> bool {
    text.chars().all(|letter| letter <= ' ')
}

fn check_assignor(
    request: &ConsumerGroupHeartbeatRequest,
    settings: &ConsumerSettings,
) -> Result<(), Refusal> {
    match &request.server_assignor {
        Some(name) if !settings.assignors.iter().any(|assignor| name == assignor.as_str()) => {
            Err(Refusal::UnsupportedAssignor { name: name.clone(), supported: settings.assignors.join(", ") })
        }
        _ => Ok(()),
    }
}

impl ConsumerGroup {
    /// Whether a heartbeat may take part in the group.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn admit(&self, claim: &Claim<'_>, members_max: usize) -> Result<Admission, Refusal> {
        let joins = claim.epoch == Epoch::ZERO;
        self.check_room(claim.member, claim.instance, members_max)?;
        let Some(instance) = claim.instance else {
            return match self.members.get(claim.member) {
                Some(member) => check_epoch(member, claim).map(|()| Admission::Known),
                None if joins => Ok(Admission::New),
                None => Err(Refusal::UnknownMember(claim.member.clone())),
            };
        };
        match self.static_members.get(instance) {
            Some(owner) if owner != claim.member && joins => self.check_released(instance, owner),
            Some(_) => {
                let member = self.static_member(claim.member, instance)?;
                check_epoch(member, claim).map(|()| Admission::Known)
            }
            None if !joins => Err(Refusal::UnknownInstance(instance.clone())),
            None if self.members.contains_key(claim.member) => Ok(Admission::Known),
            None => Ok(Admission::New),
        }
    }

    /// The static member with this name, if it goes by this id.
    ///
    /// # Errors
    /// If there is none, or if it goes by another id.
    pub(super) fn static_member(&self, member: &MemberId, instance: &InstanceId) -> Result<&Member, Refusal> {
        let owner = self.static_members.get(instance);
        let owner = owner.ok_or_else(|| Refusal::UnknownInstance(instance.clone()))?;
        if owner != member {
            let (instance, owner) = (instance.clone(), owner.clone());
            return Err(Refusal::FencedInstance { instance, owner });
        }
        self.member(owner)
    }

    /// The member with this id.
    ///
    /// # Errors
    /// If there is none.
    pub(super) fn member(&self, id: &MemberId) -> Result<&Member, Refusal> {
        self.members.get(id).ok_or_else(|| Refusal::UnknownMember(id.clone()))
    }

    /// Whether the group may have this member besides those that it has. A static member that comes back under a new id
    /// is one of those.
    ///
    /// # Errors
    /// If it is full.
    pub(super) fn check_room(
        &self,
        member: &MemberId,
        instance: Option<&InstanceId>,
        members_max: usize,
    ) -> Result<(), Refusal> {
        let is_new = !self.members.contains_key(member)
            && instance.is_none_or(|instance| !self.static_members.contains_key(instance));
        if is_new && self.members.len() >= members_max {
            return Err(Refusal::Full { members_max });
        }
        Ok(())
    }

    /// Whether what a member subscribes to is a pattern. One that another member has already was looked at before.
    ///
    /// # Errors
    /// If it is none.
    pub(super) fn check_pattern(&self, request: &ConsumerGroupHeartbeatRequest) -> Result<(), Refusal> {
        match &request.subscribed_topic_regex {
            Some(text) if !text.is_empty() && self.subscriptions.matched(text).is_none() => {
                Pattern::new(text)
                    .map(drop)
                    .map_err(|problem| Refusal::InvalidPattern { pattern: text.clone(), problem })
            }
            _ => Ok(()),
        }
    }

    /// Whether a static member may come back under another id. One of the consumer protocol has to have said before
    /// that it goes for a while; one of the classic protocol never does.
    fn check_released(&self, instance: &InstanceId, owner: &MemberId) -> Result<Admission, Refusal> {
        let member = self.member(owner)?;
        if member.is_classic() || member.progress.epoch == Epoch::AWAY {
            return Ok(Admission::Replaces(owner.clone()));
        }
        Err(Refusal::UnreleasedInstance { instance: instance.clone(), owner: owner.clone() })
    }
}

/// Whether a member has the epoch that it was given; or the one before, if nothing else can have changed for it than
/// that the answer was lost.
fn check_epoch(member: &Member, claim: &Claim<'_>) -> Result<(), Refusal> {
    let expected = member.progress.epoch;
    let missed_answer = || {
        let assigned = &member.progress.assigned;
        claim.epoch < expected
            && claim.epoch == member.progress.previous_epoch
            && claim.owned.is_some_and(|owned| owned.partitions().all(|(t, p)| assigned.contains(t, p)))
    };
    if claim.epoch == Epoch::ZERO || claim.epoch == expected || missed_answer() {
        return Ok(());
    }
    Err(Refusal::FencedEpoch { received: claim.epoch, expected })
}
