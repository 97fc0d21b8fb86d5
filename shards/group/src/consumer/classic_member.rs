//! Members of a consumer group that still use the classic protocol, while the group moves from the one to the other.
//!
//! The coordinator plays the leader's part: a member joins and gets its epoch for a generation, syncs and gets what it is to
//! hold for an assignment. It learns that there is something new from its heartbeats, joins again, and says with that what it
//! holds; so each join leads it one step towards its target.

use std::sync::Arc;

use bytes::Bytes;
use metadata::Image;
use protocol::Str;
use protocol::consumer_protocol::{
    self, AssignedPartitions, ConsumerProtocolAssignment, ConsumerProtocolSubscription,
};
use protocol::messages::{
    HeartbeatRequest, JoinGroupRequest, JoinGroupResponse, SyncGroupRequest, SyncGroupResponse,
};
use types::PartitionIndex;

use super::admission::Admission;
use super::epoch::Epoch;
use super::group::ConsumerGroup;
use super::group_settings::GroupSettings;
use super::held::Held;
use super::member::{ClassicProfile, Member, MemberState, Profile};
use super::refusal::Refusal;
use super::subscription::Subscription;
use super::timers::after;
use crate::assignor::Assignment;
use crate::classic::{CONSUMER_PROTOCOL, MEMBER_ID_REQUIRED_VERSION};
use crate::group::Turn;
use crate::names::{InstanceId, MemberId};
use crate::request::Context;

impl ConsumerGroup {
    /// Handles a JoinGroup request.
    ///
    /// # Errors
    /// Why the member is turned away. Nothing has changed then.
    pub(super) fn join_classic(
        &mut self,
        request: &JoinGroupRequest,
        context: &Context<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<JoinGroupResponse, Refusal> {
        let has_id = !request.member_id.is_empty();
        let id = if has_id { MemberId::from(&request.member_id) } else { new_member_id(context) };
        let instance = request.group_instance_id.as_ref().map(InstanceId::from);
        self.check_room(&id, instance.as_ref(), turn.settings.consumer.members_max)?;
        self.check_protocols(request)?;
        let subscription = read_subscription(request)?;
        if !has_id && instance.is_none() && context.version >= MEMBER_ID_REQUIRED_VERSION {
            return Err(Refusal::MemberIdRequired(id));
        }
        let admission = self.admit_classic(&id, instance.as_ref(), has_id)?;
        let owned = owned_partitions(&subscription, context.image);
        self.check_state(&id, Some(&owned))?;

        self.take_in(admission, &id, context, turn);
        let profile = self.classic_profile(&id, instance, request, subscription, context);
        let change = self.set_member_profile(&id, profile, turn);
        let settings = GroupSettings::of(turn.id, context.image, &turn.settings.consumer);
        self.advance_group(change, settings, context.image, turn);
        self.reconcile(&id, Some(&owned), change.any(), context.image, turn)?;
        self.keep_session(&id, request.session_timeout_ms, turn);
        self.await_sync(&id, turn);
        Ok(self.join_response(&id))
    }

    /// Handles a SyncGroup request.
    ///
    /// # Errors
    /// Why the member gets no assignment.
    pub(super) fn sync_classic(
        &mut self,
        request: &SyncGroupRequest,
        image: &Image,
        turn: &mut Turn<'_>,
    ) -> Result<SyncGroupResponse, Refusal> {
        let id = MemberId::from(&request.member_id);
        let epoch = Epoch(request.generation_id);
        let (member, classic) = self.classic_member(&id, request.group_instance_id.as_ref(), epoch)?;
        let name = classic.protocols.first().map(|(name, _)| name);
        let same = |ours: Option<&str>, theirs: &Option<Str>| {
            theirs.as_ref().is_none_or(|theirs| Some(theirs.as_str()) == ours)
        };
        if !same(Some(CONSUMER_PROTOCOL), &request.protocol_type)
            || !same(name.map(Str::as_str), &request.protocol_name)
        {
            return Err(Refusal::InconsistentProtocol);
        }
        // One that has to give partitions back has joined already, and learns here which.
        if self.target.epoch > member.progress.epoch
            && member.progress.state != MemberState::UnrevokedPartitions
        {
            self.await_rejoin(&id, turn);
            return Err(Refusal::RebalanceInProgress);
        }
        let assignment = write_assignment(member, classic, image);
        let session_timeout_ms = classic.session_timeout_ms;
        if let Some(member) = self.members.get_mut(&id) {
            member.timers.sync = None;
        }
        self.keep_session(&id, session_timeout_ms, turn);
        Ok(SyncGroupResponse {
            protocol_type: request.protocol_type.clone(),
            protocol_name: request.protocol_name.clone(),
            assignment,
            ..Default::default()
        })
    }

    /// Handles a Heartbeat request.
    ///
    /// # Errors
    /// [`Refusal::RebalanceInProgress`] if the member has to join again; or why it is turned away.
    pub(super) fn heartbeat_classic(
        &mut self,
        request: &HeartbeatRequest,
        image: &Image,
        turn: &mut Turn<'_>,
    ) -> Result<(), Refusal> {
        let id = MemberId::from(&request.member_id);
        let epoch = Epoch(request.generation_id);
        let (member, classic) = self.classic_member(&id, request.group_instance_id.as_ref(), epoch)?;
        let session_timeout_ms = classic.session_timeout_ms;
        let settings = GroupSettings::of(turn.id, image, &turn.settings.consumer);
        // A target that is due is reckoned when the first member joins.
        let news = member.progress.epoch < self.target.epoch
            || self.target_is_due(turn.now, settings.assignment_interval_ms)
            || match member.progress.state {
                MemberState::UnrevokedPartitions => true,
                MemberState::UnreleasedPartitions => !self.waits_for_others(&id, member),
                MemberState::Stable | MemberState::Unknown => false,
            };
        self.keep_session(&id, session_timeout_ms, turn);
        if news {
            self.await_rejoin(&id, turn);
            return Err(Refusal::RebalanceInProgress);
        }
        Ok(())
    }

    /// The member of the classic protocol that a request claims to come from, in the generation that it claims.
    fn classic_member(
        &self,
        id: &MemberId,
        instance: Option<&Str>,
        received: Epoch,
    ) -> Result<(&Member, &ClassicProfile), Refusal> {
        let member = match instance.map(InstanceId::from) {
            Some(instance) => self.static_member(id, &instance)?,
            None => self.member(id)?,
        };
        let classic = member.profile.classic.as_ref().ok_or_else(|| Refusal::UnknownMember(id.clone()))?;
        let expected = member.progress.epoch;
        if received == expected {
            Ok((member, classic))
        } else {
            Err(Refusal::IllegalGeneration { received, expected })
        }
    }

    /// Whether a member that joins may do so. A static one without an id takes the place of its former self at once.
    fn admit_classic(
        &self,
        id: &MemberId,
        instance: Option<&InstanceId>,
        has_id: bool,
    ) -> Result<Admission, Refusal> {
        let known = self.members.contains_key(id);
        match instance {
            Some(instance) if has_id => self.static_member(id, instance).map(|_| Admission::Known),
            Some(instance) => {
                let owner = self.static_members.get(instance);
                Ok(owner.map_or(Admission::New, |owner| Admission::Replaces(owner.clone())))
            }
            None if known => Ok(Admission::Known),
            None => Ok(Admission::New),
        }
    }

    /// Whether the member's protocols are those of consumers, and one of them all other classic members could use too.
    fn check_protocols(&self, request: &JoinGroupRequest) -> Result<(), Refusal> {
        let classic = || self.members.values().filter_map(|member| member.profile.classic.as_ref());
        let shared =
            |name: &Str| classic().all(|other| other.protocols.iter().any(|(theirs, _)| theirs == name));
        if request.protocol_type == CONSUMER_PROTOCOL
            && request.protocols.iter().any(|ours| shared(&ours.name))
        {
            Ok(())
        } else {
            Err(Refusal::InconsistentProtocol)
        }
    }

    /// What the member says about itself now.
    fn classic_profile(
        &self,
        id: &MemberId,
        instance: Option<InstanceId>,
        request: &JoinGroupRequest,
        subscription: ConsumerProtocolSubscription,
        context: &Context<'_>,
    ) -> Profile {
        let before = self.members.get(id).map(|member| member.profile.clone()).unwrap_or_default();
        Profile {
            instance: instance.or(before.instance),
            rack: subscription.rack_id.as_ref().map(Str::detached).or(before.rack),
            client_id: Str::from(context.client_id),
            client_host: Str::from(context.client_host),
            rebalance_timeout_ms: match request.rebalance_timeout_ms {
                -1 => request.session_timeout_ms,
                ms => ms,
            },
            subscription: Arc::new(Subscription::new(subscription.topics.iter().map(Str::detached), None)),
            assignor: before.assignor,
            classic: Some(ClassicProfile {
                session_timeout_ms: request.session_timeout_ms,
                protocols: request
                    .protocols
                    .iter()
                    .map(|protocol| (protocol.name.detached(), Bytes::copy_from_slice(&protocol.metadata)))
                    .collect(),
            }),
        }
    }

    /// Whether something that the member waits for is still held by others.
    fn waits_for_others(&self, id: &MemberId, member: &Member) -> bool {
        let assigned = &member.progress.assigned;
        let mut wanted = self.target.of(id).partitions().filter(|(t, p)| !assigned.contains(*t, *p));
        wanted.any(|(topic, partition)| !self.owners.is_free_for(id, topic, partition))
    }

    /// The member was told to join again, and has as long for it as it said itself.
    fn await_rejoin(&mut self, id: &MemberId, turn: &mut Turn<'_>) {
        if let Some(member) = self.members.get_mut(id) {
            let deadline = after(turn.now, member.profile.rebalance_timeout_ms);
            turn.alarm.by(*member.timers.rejoin.get_or_insert(deadline));
        }
    }

    /// The member has joined, and is to fetch its assignment next.
    fn await_sync(&mut self, id: &MemberId, turn: &mut Turn<'_>) {
        if let Some(member) = self.members.get_mut(id) {
            let deadline = after(turn.now, member.profile.rebalance_timeout_ms);
            member.timers.rejoin = None;
            member.timers.sync = Some(deadline);
            turn.alarm.by(deadline);
        }
    }

    fn join_response(&self, id: &MemberId) -> JoinGroupResponse {
        let member = self.members.get(id);
        let protocols =
            member.and_then(|member| member.profile.classic.as_ref()).map(|classic| &classic.protocols);
        JoinGroupResponse {
            generation_id: member.map_or(-1, |member| member.progress.epoch.0),
            protocol_type: Some(Str::from_static(CONSUMER_PROTOCOL)),
            protocol_name: protocols.and_then(|protocols| protocols.first()).map(|(name, _)| name.clone()),
            member_id: id.to_wire(),
            ..Default::default()
        }
    }
}

/// What a member without an id is called.
fn new_member_id(context: &Context<'_>) -> MemberId {
    MemberId::from(context.unique.to_string().as_str())
}

/// What the member subscribes to, which it says the same way in each of its protocols.
fn read_subscription(request: &JoinGroupRequest) -> Result<ConsumerProtocolSubscription, Refusal> {
    let metadata = request.protocols.first().map(|protocol| &protocol.metadata);
    let decoded = metadata.and_then(|metadata| consumer_protocol::decode(metadata).ok());
    decoded.map(|(_, subscription)| subscription).ok_or(Refusal::InconsistentProtocol)
}

/// The partitions that the member says it holds. Those of topics that are gone count for nothing.
fn owned_partitions(subscription: &ConsumerProtocolSubscription, image: &Image) -> Assignment {
    let mut owned = Assignment::new();
    for topic in &subscription.owned_partitions {
        if let Some(known) = image.topic(&topic.topic) {
            owned.extend(known.id, topic.partitions.iter().map(|partition| PartitionIndex(*partition)));
        }
    }
    owned
}

/// What the member is to hold, in the version that it speaks itself.
fn write_assignment(member: &Member, classic: &ClassicProfile, image: &Image) -> Bytes {
    let metadata = classic.protocols.first().map(|(_, metadata)| metadata.clone()).unwrap_or_default();
    let version = consumer_protocol::decode::<ConsumerProtocolSubscription>(&metadata)
        .map_or(0, |(version, _)| version);
    encode_assignment(&member.progress.assigned, version, image)
}

/// Partitions by the names of their topics, as the classic protocol has them.
pub(super) fn encode_assignment(held: &Held, version: i16, image: &Image) -> Bytes {
    let assigned = held.to_assignment();
    let topics = assigned.topics().filter_map(|(id, partitions)| {
        Some(AssignedPartitions {
            topic: Str::from(image.topic_by_id(id)?.name.as_str()),
            partitions: partitions.iter().map(|partition| partition.0).collect(),
        })
    });
    let assignment = ConsumerProtocolAssignment { assigned_partitions: topics.collect(), user_data: None };
    // Only more topics than an image can have would not fit.
    consumer_protocol::encode(version, &assignment).unwrap_or_default()
}
