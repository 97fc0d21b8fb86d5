//! JoinGroup: who may join, under which id, and what that means for the generation.

use protocol::messages::{JoinGroupRequest, JoinGroupResponse};
use types::{ErrorCode, Uuid};

use super::group::{ClassicGroup, note_fenced};
use super::member::{Member, Waiting, protocols, rebalance_timeout_ms};
use super::state::State;
use crate::group::Turn;
use crate::history::Event;
use crate::names::{InstanceId, MemberId};
use crate::refusal;
use crate::request::Context;

/// From this version on a client without an id is given one and has to come back with it (KIP-394), so that a join whose
/// answer gets lost leaves no member behind.
pub(crate) const MEMBER_ID_REQUIRED_VERSION: i16 = 4;

/// From this version on a leader can be told that there is nothing to assign (KIP-814).
const SKIP_ASSIGNMENT_VERSION: i16 = 9;

/// A new member does not know its id before it is answered, so it cannot send heartbeats. It is dropped after so long,
/// in case that its client has given up.
const NEW_MEMBER_TIMEOUT_MS: i32 = 5 * 60 * 1000;

/// So many ids may be given out and not be used yet. Storms of members stay far below; who only takes ids does not.
const PENDING_MAX: usize = 10_000;

impl ClassicGroup {
    /// Handles a JoinGroup request whose group id and session time-out are in order.
    pub fn join(&mut self, request: &JoinGroupRequest, context: &Context<'_>, turn: &mut Turn<'_>) {
        let joined = if !self.has_room_for(&request.member_id, turn) {
            self.drop_member(&request.member_id, turn);
            self.complete_join_if_all_joined(turn);
            Err(ErrorCode::GroupMaxSizeReached)
        } else if !self.supports(&request.protocol_type, &request.protocols) {
            Err(ErrorCode::InconsistentGroupProtocol)
        } else if request.member_id.is_empty() {
            return self.join_without_id(request, context, turn);
        } else {
            self.join_with_id(request, context, turn)
        };
        if let Err(error) = joined {
            // A member that no longer fits in is to forget its id.
            let id = if error == ErrorCode::GroupMaxSizeReached {
                Default::default()
            } else {
                request.member_id.clone()
            };
            note_fenced(&request.member_id, error, turn);
            turn.out.reply(context.ticket, refusal::join(context.version, &id, error));
        }
    }

    /// Whether the group is not full. While it waits for its members, those that have joined count, so that the last
    /// ones are turned away if the limit was lowered.
    fn has_room_for(&self, member_id: &str, turn: &Turn<'_>) -> bool {
        let members_max = turn.settings.classic.members_max;
        match self.state {
            State::Empty => true,
            State::Preparing(_) => {
                let has_joined = self.members.get(member_id).is_some_and(|member| member.joining.is_some());
                has_joined || self.members.joining_count() < members_max
            }
            State::Completing | State::Stable => {
                self.members.contains(member_id) || self.members.len() < members_max
            }
        }
    }

    fn join_without_id(&mut self, request: &JoinGroupRequest, context: &Context<'_>, turn: &mut Turn<'_>) {
        let Some(instance) = &request.group_instance_id else {
            let id = new_member_id(context.client_id, context.unique);
            if context.version >= MEMBER_ID_REQUIRED_VERSION {
                return self.require_member_id(id, request, context, turn);
            }
            return self.add_member(id, request, context, turn);
        };
        let id = new_member_id(instance, context.unique);
        match self.members.static_id(instance).cloned() {
            Some(old) => self.replace_static_member(&old, id, request, context, turn),
            None => self.add_member(id, request, context, turn),
        }
    }

    fn require_member_id(
        &mut self,
        id: MemberId,
        request: &JoinGroupRequest,
        context: &Context<'_>,
        turn: &mut Turn<'_>,
    ) {
        if self.pending.len() >= PENDING_MAX {
            let response =
                refusal::join(context.version, &Default::default(), ErrorCode::CoordinatorNotAvailable);
            return turn.out.reply(context.ticket, response);
        }
        let deadline = turn.now.plus(request.session_timeout_ms.into());
        turn.alarm.by(deadline);
        let response = refusal::join(context.version, &id.to_wire(), ErrorCode::MemberIdRequired);
        turn.out.reply(context.ticket, response);
        self.pending.insert(id, deadline);
    }

    fn join_with_id(
        &mut self,
        request: &JoinGroupRequest,
        context: &Context<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<(), ErrorCode> {
        let id = request.member_id.as_str();
        // A static member is never asked to come back with an id.
        if self.pending.contains_key(id) && request.group_instance_id.is_none() {
            self.add_member(MemberId::from(id), request, context, turn);
            return Ok(());
        }
        self.check_member(id, request.group_instance_id.as_deref())?;
        let is_changed = self.members.get(id).is_some_and(|member| !member.has_protocols(&request.protocols));
        let is_leader = self.is_leader(id);
        match self.state {
            State::Empty => return Err(ErrorCode::UnknownMemberId),
            State::Preparing(_) => self.rejoin(request, context, "rejoins", turn),
            // A member whose metadata has changed, and a leader that knows of something to assign anew, want a new
            // generation. Any other probably missed the answer to its JoinGroup request and gets it again.
            State::Stable if is_leader => self.rejoin(request, context, "leads the group and rejoins", turn),
            _ if is_changed => self.rejoin(request, context, "rejoins with other metadata", turn),
            State::Completing | State::Stable => {
                let response = self.join_response(id, false);
                turn.out.reply(context.ticket, response);
            }
        }
        Ok(())
    }

    /// Takes in a new member.
    fn add_member(
        &mut self,
        id: MemberId,
        request: &JoinGroupRequest,
        context: &Context<'_>,
        turn: &mut Turn<'_>,
    ) {
        if self.members.is_empty() {
            self.protocol_type = Some(request.protocol_type.detached());
        }
        if let State::Preparing(preparing) = &mut self.state
            && let Some(initial) = &mut preparing.initial
        {
            initial.has_new_member = true;
        }
        let mut member = Member::new(id.clone(), request, context);
        member.joining = Some(Waiting::of(context));
        self.pending.remove(id.as_str());
        self.members.insert(member);
        self.leader.get_or_insert_with(|| id.clone());
        self.extend_session_by(id.as_str(), NEW_MEMBER_TIMEOUT_MS, turn);
        turn.note(Event::Joined {
            member: id.clone(),
            client_id: context.client_id.into(),
            client_host: context.client_host.into(),
        });
        self.rebalance_or_go_on(&reason(&id, "joined", request), turn);
    }

    /// Takes in what a member says about itself now, and has it wait for the next generation.
    fn rejoin(&mut self, request: &JoinGroupRequest, context: &Context<'_>, what: &str, turn: &mut Turn<'_>) {
        let id = MemberId::from(&request.member_id);
        self.update_member(&id, request, context, turn);
        self.rebalance_or_go_on(&reason(&id, what, request), turn);
    }

    fn update_member(
        &mut self,
        id: &MemberId,
        request: &JoinGroupRequest,
        context: &Context<'_>,
        turn: &mut Turn<'_>,
    ) {
        let id = id.as_str();
        self.members.set_protocols(id, protocols(&request.protocols));
        self.members.set_timeouts(id, request.session_timeout_ms, rebalance_timeout_ms(request));
        if let Some(before) = self.members.set_joining(id, Waiting::of(context)) {
            // The client has asked again because it no longer waits for this one.
            refuse_join(id, before, ErrorCode::RebalanceInProgress, turn);
        }
    }

    /// A static member came back without the id that it had (KIP-345): it goes on in the place of its former self, which
    /// is fenced. Nobody else need notice, unless the protocol changes with it.
    fn replace_static_member(
        &mut self,
        old: &MemberId,
        new: MemberId,
        request: &JoinGroupRequest,
        context: &Context<'_>,
        turn: &mut Turn<'_>,
    ) {
        let led = self.leader.clone();
        self.rename_static_member(old, &new, turn);
        self.update_member(&new, request, context, turn);
        self.extend_session(new.as_str(), turn);
        match self.state {
            State::Stable if self.elect_protocol() == self.protocol => {
                turn.out.record(self.record(turn.id, turn.now, |member| member.assignment.clone()));
                let mut response = self.join_response(new.as_str(), false);
                if context.version >= SKIP_ASSIGNMENT_VERSION {
                    response.skip_assignment = self.is_leader(new.as_str());
                } else {
                    // It would assign anew if it learned that it leads, so it is told the id that it had.
                    response.members.clear();
                    response.leader = led.map(|id| id.to_wire()).unwrap_or_default();
                }
                self.members.take_joining(new.as_str(), true);
                turn.out.reply(context.ticket, response);
            }
            State::Stable => {
                self.prepare_rebalance(&reason(&new, "came back with another protocol", request), turn);
            }
            // The leader may have been told of the old id, to which it would assign partitions in vain.
            State::Completing => self.prepare_rebalance(&reason(&new, "came back", request), turn),
            State::Preparing(_) => self.complete_join_if_all_joined(turn),
            // A group without members has no static ones.
            State::Empty => {}
        }
    }

    fn rename_static_member(&mut self, old: &MemberId, new: &MemberId, turn: &mut Turn<'_>) {
        let Some(mut member) = self.members.remove(old.as_str()) else { return };
        if let Some(waiting) = member.joining.take() {
            refuse_join(old.as_str(), waiting, ErrorCode::FencedInstanceId, turn);
        }
        if let Some(waiting) = member.syncing.take() {
            super::sync::refuse(waiting, ErrorCode::FencedInstanceId, turn);
        }
        if let Some(instance) = &member.instance {
            turn.note(Event::Replaced {
                instance: InstanceId::from(instance.as_str()),
                old: old.clone(),
                new: new.clone(),
            });
        }
        member.id = new.clone();
        self.members.insert(member);
        if self.is_leader(old.as_str()) {
            self.leader = Some(new.clone());
        }
        if let Some(unsynced) = &mut self.unsynced
            && unsynced.members.remove(old)
        {
            unsynced.members.insert(new.clone());
        }
    }

    /// What a member is told about the present generation; the leader also who is in it.
    pub(super) fn join_response(&self, member_id: &str, skip_assignment: bool) -> JoinGroupResponse {
        JoinGroupResponse {
            generation_id: self.generation,
            protocol_type: self.protocol_type.clone(),
            protocol_name: self.protocol.clone(),
            leader: self.leader.as_ref().map(MemberId::to_wire).unwrap_or_default(),
            skip_assignment,
            member_id: member_id.into(),
            members: if self.is_leader(member_id) { self.members_for_leader() } else { Vec::new() },
            ..Default::default()
        }
    }
}

/// Answers a JoinGroup request that leads to nothing.
pub(super) fn refuse_join(member_id: &str, waiting: Waiting, error: ErrorCode, turn: &mut Turn<'_>) {
    turn.out.reply(waiting.ticket, refusal::join(waiting.version, &member_id.into(), error));
}

/// An id for a new member: the name that it goes by, and something that no other has, as Kafka writes both.
fn new_member_id(name: &str, unique: Uuid) -> MemberId {
    let digits: String = unique.0.iter().map(|byte| format!("{byte:02x}")).collect();
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| digits.get(part).unwrap_or_default());
    MemberId::from(format!("{name}-{}", parts.join("-")).as_str())
}

/// Why a generation ends, in words.
fn reason(id: &MemberId, what: &str, request: &JoinGroupRequest) -> String {
    match request.reason.as_deref() {
        Some(given) if !given.is_empty() => format!("{id} {what}: {given}"),
        _ => format!("{id} {what}"),
    }
}
