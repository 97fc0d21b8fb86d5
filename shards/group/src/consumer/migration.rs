//! A group moves from one protocol to the other while it works.
//!
//! A classic group becomes a consumer group with the first member that joins by the consumer protocol; the others stay, as
//! members of the classic protocol (`classic_member.rs`), until they come back with the new one. A consumer group becomes
//! a classic group with the last member of the consumer protocol that goes.
//!
//! # Invariants
//! - Everybody keeps what it holds on the way.
//! - Either the whole group moves, or, where that cannot be, nothing of it.

use std::sync::Arc;

use bytes::Bytes;
use metadata::Image;
use protocol::Str;
use protocol::consumer_protocol::{self, ConsumerProtocolAssignment, ConsumerProtocolSubscription};
use types::{PartitionIndex, TimestampMs};

use super::classic_member::encode_assignment;
use super::epoch::Epoch;
use super::group::ConsumerGroup;
use super::held::Held;
use super::member::{ClassicProfile, MemberState, Profile, Progress};
use super::record;
use super::refusal::Refusal;
use super::subscription::Subscription;
use super::topics_hash;
use crate::classic::{ClassicGroup, Handover, Member, Protocol};
use crate::group::{Kind, Turn};
use crate::names::{GroupId, MemberId};
use crate::records::Record;
use crate::settings::MigrationPolicy;

/// A classic member as a member of a consumer group.
type Converted = (MemberId, Profile, Progress);

impl MigrationPolicy {
    fn allows_upgrade(self) -> bool {
        matches!(self, Self::Bidirectional | Self::Upgrade)
    }

    fn allows_downgrade(self) -> bool {
        matches!(self, Self::Bidirectional | Self::Downgrade)
    }
}

/// The consumer group that `kind` is, or becomes because a member of the consumer protocol wants to join.
///
/// # Errors
/// If it is of another protocol and has to stay that way.
pub(super) fn upgrade<'a>(
    kind: &'a mut Kind,
    image: &Image,
    turn: &mut Turn<'_>,
) -> Result<&'a mut ConsumerGroup, Refusal> {
    if let Kind::Classic(classic) = kind {
        let (generation, members) =
            if classic.is_empty() { (Epoch::ZERO, Vec::new()) } else { convert(classic, image, turn)? };
        classic.dismiss(turn);
        classic.delete(turn.id, &mut turn.out.records);
        turn.out.replayed();
        *kind = Kind::Consumer(ConsumerGroup::default());
        if let Kind::Consumer(group) = kind {
            group.take_over(generation, members, image, turn);
        }
    }
    match kind {
        Kind::Consumer(group) => Ok(group),
        Kind::Classic(_) => Err(Refusal::NoGroup("The group is not a consumer group.")),
    }
}

/// The members of a classic group as they are to be in a consumer group.
fn convert(
    classic: &ClassicGroup,
    image: &Image,
    turn: &Turn<'_>,
) -> Result<(Epoch, Vec<Converted>), Refusal> {
    let settings = &turn.settings.consumer;
    if !settings.migration.allows_upgrade() {
        return Err(Refusal::NoGroup(
            "The group is classic, and group.consumer.migration.policy keeps it so.",
        ));
    }
    let handover =
        classic.hand_over().ok_or(Refusal::NoGroup("The members of the group are no consumers."))?;
    if handover.members.len() >= settings.members_max {
        return Err(Refusal::Full { members_max: settings.members_max });
    }
    let epoch = Epoch(handover.generation);
    let members = handover.members.iter().map(|member| {
        let subscription = handover.subscription(member);
        convert_member(member, &subscription, epoch, image)
    });
    Ok((epoch, members.collect::<Result<_, _>>()?))
}

fn convert_member(
    member: &Member,
    subscription: &Bytes,
    epoch: Epoch,
    image: &Image,
) -> Result<Converted, Refusal> {
    let malformed = |_| Refusal::NoGroup("What a member of the group says about itself cannot be read.");
    let (_, subscription): (_, ConsumerProtocolSubscription) =
        consumer_protocol::decode(subscription).map_err(malformed)?;
    let assignment = if member.assignment.is_empty() {
        ConsumerProtocolAssignment::default()
    } else {
        consumer_protocol::decode(&member.assignment).map_err(malformed)?.1
    };
    if assignment.user_data.as_ref().is_some_and(|data| !data.is_empty()) {
        return Err(Refusal::NoGroup("The group's assignor keeps data that would be lost."));
    }
    let profile = Profile {
        instance: member.instance.clone(),
        rack: subscription.rack_id.as_ref().map(Str::detached),
        client_id: member.client_id.clone(),
        client_host: member.client_host.clone(),
        rebalance_timeout_ms: member.rebalance_timeout_ms,
        subscription: Arc::new(Subscription::new(subscription.topics.iter().map(Str::detached), None)),
        assignor: None,
        classic: Some(ClassicProfile {
            session_timeout_ms: member.session_timeout_ms,
            protocols: member.protocols.iter().map(|p| (p.name.clone(), p.metadata.clone())).collect(),
        }),
    };
    let progress = Progress {
        epoch,
        previous_epoch: epoch,
        state: MemberState::Stable,
        assigned: held(&assignment, epoch, image),
        revoking: Held::default(),
    };
    Ok((member.id.clone(), profile, progress))
}

fn held(assignment: &ConsumerProtocolAssignment, since: Epoch, image: &Image) -> Held {
    let mut held = Held::default();
    for topic in &assignment.assigned_partitions {
        if let Some(known) = image.topic(&topic.topic) {
            for partition in &topic.partitions {
                held.insert(known.id, PartitionIndex(*partition), since);
            }
        }
    }
    held
}

impl ConsumerGroup {
    /// The group, which is new, goes on with the members of a classic group.
    fn take_over(&mut self, generation: Epoch, members: Vec<Converted>, image: &Image, turn: &mut Turn<'_>) {
        if members.is_empty() {
            return;
        }
        for (id, profile, _) in &members {
            self.emit(record::profile(turn.id, id, Some(profile)), turn.out);
        }
        let hash = topics_hash::of(self.subscriptions.topics(), image);
        self.emit(record::group(turn.id, Some((generation, hash))), turn.out);
        for (id, _, progress) in &members {
            self.emit(record::target(turn.id, id, Some(&progress.assigned.to_assignment())), turn.out);
        }
        // The time of a target that others have reckoned is not known; so the next may follow at once.
        self.emit(record::target_epoch(turn.id, Some((generation, Default::default()))), turn.out);
        for (id, profile, progress) in &members {
            self.emit(record::progress(turn.id, id, Some(progress)), turn.out);
            if let Some(classic) = &profile.classic {
                self.keep_session(id, classic.session_timeout_ms, turn);
            }
        }
    }

    /// Whether it can go on as a classic group without these members.
    fn can_downgrade_without(&self, leaving: &[MemberId], turn: &Turn<'_>) -> bool {
        let mut staying = self.members.iter().filter(|(id, _)| !leaving.contains(id)).peekable();
        let count = self.members.len() - leaving.len();
        turn.settings.consumer.migration.allows_downgrade()
            && count <= turn.settings.classic.members_max
            && staying.peek().is_some()
            && staying.all(|(_, member)| member.is_classic())
    }

    /// Whether everybody has what it is to have, so that nothing has to move.
    fn is_settled(&self) -> bool {
        self.epoch == self.target.epoch
            && self.members.values().all(|member| member.has_reached(self.target.epoch))
    }

    /// What a classic group needs to go on with the members that are there.
    fn hand_over(&self, image: &Image) -> Handover {
        let members = self.members.iter().filter_map(|(id, member)| {
            let classic = member.profile.classic.as_ref()?;
            let first = classic.protocols.first().map(|(_, metadata)| metadata.clone()).unwrap_or_default();
            let spoken = consumer_protocol::decode::<ConsumerProtocolSubscription>(&first);
            let version = spoken.map_or(0, |(version, _)| version);
            let protocol =
                |(name, metadata): &(Str, Bytes)| Protocol { name: name.clone(), metadata: metadata.clone() };
            Some(Member {
                id: id.clone(),
                instance: member.profile.instance.clone(),
                client_id: member.profile.client_id.clone(),
                client_host: member.profile.client_host.clone(),
                session_timeout_ms: classic.session_timeout_ms,
                rebalance_timeout_ms: member.profile.rebalance_timeout_ms,
                protocols: classic.protocols.iter().map(protocol).collect(),
                assignment: encode_assignment(&member.progress.assigned, version, image),
                is_new: false,
                session_deadline: TimestampMs(i64::MAX),
                joining: None,
                syncing: None,
            })
        });
        Handover { generation: self.epoch.0, protocol: None, members: members.collect() }
    }

    /// The records that delete the group and all that it has.
    pub(super) fn tombstones(&self, id: &GroupId) -> Vec<Record> {
        let mut records = Vec::new();
        records.extend(self.members.keys().map(|member| record::progress(id, member, None)));
        records.extend(self.target.assignments.keys().map(|member| record::target(id, member, None)));
        records.push(record::target_epoch(id, None));
        records.extend(self.members.keys().map(|member| record::profile(id, member, None)));
        records.extend(self.subscriptions.matches().map(|(text, _)| record::pattern(id, text, None)));
        if self.has_partition_metadata {
            records.push(record::partition_metadata_gone(id));
        }
        records.push(record::group(id, None));
        records
    }
}

/// Takes members out of a consumer group, which becomes a classic one if no member of the consumer protocol is left.
pub(super) fn remove_members(kind: &mut Kind, leaving: &[MemberId], image: &Image, turn: &mut Turn<'_>) {
    let Kind::Consumer(group) = kind else { return };
    if leaving.is_empty() {
        return;
    }
    if !group.can_downgrade_without(leaving, turn) {
        return group.remove_members(leaving, image, turn);
    }
    for id in leaving {
        group.emit_member_gone(id, turn);
    }
    downgrade(kind, Some("the last member of the consumer protocol has gone"), image, turn);
}

/// A static member has come back with the classic protocol: if it was the last that had the other, the group follows.
pub(super) fn downgrade_if_all_classic(kind: &mut Kind, image: &Image, turn: &mut Turn<'_>) {
    let Kind::Consumer(group) = kind else { return };
    if group.can_downgrade_without(&[], turn) {
        let reason = (!group.is_settled()).then_some("a static member came back with the classic protocol");
        downgrade(kind, reason, image, turn);
    }
}

/// The group becomes a classic one. If there is a reason, its members are to assign their partitions anew.
fn downgrade(kind: &mut Kind, rebalance: Option<&str>, image: &Image, turn: &mut Turn<'_>) {
    let Kind::Consumer(group) = kind else { return };
    let handover = group.hand_over(image);
    turn.out.records.extend(group.tombstones(turn.id));
    let mut classic = ClassicGroup::taken_over(handover, turn);
    turn.out.replayed();
    if let Some(reason) = rebalance {
        classic.prepare_rebalance(reason, turn);
    }
    *kind = Kind::Classic(classic);
}
