//! The requests of both protocols at a group that is a consumer group, or may become one.

use metadata::Image;
use protocol::Str;
use protocol::messages::group_members::MemberIdentity;
use protocol::messages::{
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, HeartbeatRequest, JoinGroupRequest,
    SyncGroupRequest, SyncGroupResponse,
};
use types::ErrorCode;

use super::admission;
use super::departure::farewell;
use super::epoch::Epoch;
use super::group::ConsumerGroup;
use super::migration;
use super::refusal::Refusal;
use crate::classic::ClassicGroup;
use crate::group::{Kind, Turn};
use crate::history::Event;
use crate::names::{InstanceId, MemberId};
use crate::refusal;
use crate::request::Context;
use crate::settings::{MigrationPolicy, Settings};

/// Handles a ConsumerGroupHeartbeat.
pub(crate) fn heartbeat(
    kind: &mut Kind,
    request: &ConsumerGroupHeartbeatRequest,
    context: &Context<'_>,
    turn: &mut Turn<'_>,
) -> ConsumerGroupHeartbeatResponse {
    let outcome = admission::check(request, context.version, &turn.settings.consumer)
        .and_then(|()| try_heartbeat(kind, request, context, turn));
    outcome.unwrap_or_else(|refusal| {
        note_fenced(&request.member_id, refusal.code(), turn);
        refused(&refusal)
    })
}

fn try_heartbeat(
    kind: &mut Kind,
    request: &ConsumerGroupHeartbeatRequest,
    context: &Context<'_>,
    turn: &mut Turn<'_>,
) -> Result<ConsumerGroupHeartbeatResponse, Refusal> {
    if request.member_epoch == Epoch::ZERO.0 {
        if let Kind::Classic(_) = kind {
            // A group does not move to the other protocol for a request that is turned away afterwards.
            ConsumerGroup::default().check_pattern(request)?;
        }
        return migration::upgrade(kind, context.image, turn)?.heartbeat(request, context, turn);
    }
    let Kind::Consumer(group) = kind else { return Err(no_group()) };
    if request.member_epoch > Epoch::ZERO.0 {
        return group.heartbeat(request, context, turn);
    }
    let member = group.leaving(request)?;
    if request.member_epoch == Epoch::AWAY.0 {
        group.step_out(&member, turn);
    } else {
        turn.note(Event::Left { member: member.clone(), reason: None });
        migration::remove_members(kind, &[member], context.image, turn);
    }
    Ok(farewell(request))
}

/// The answer to a heartbeat for a group that does not exist and that the member does not want to make.
pub(crate) fn unknown_group(
    request: &ConsumerGroupHeartbeatRequest,
    context: &Context<'_>,
    settings: &Settings,
) -> ConsumerGroupHeartbeatResponse {
    let problem = admission::check(request, context.version, &settings.consumer).err();
    refused(&problem.unwrap_or_else(no_group))
}

fn no_group() -> Refusal {
    Refusal::NoGroup("There is no such consumer group.")
}

fn refused(refusal: &Refusal) -> ConsumerGroupHeartbeatResponse {
    ConsumerGroupHeartbeatResponse {
        error_code: refusal.code().code(),
        error_message: Some(Str::from(refusal.to_string())),
        ..Default::default()
    }
}

/// Handles a JoinGroup at a consumer group. One without members is no obstacle to a classic group.
pub(crate) fn join(kind: &mut Kind, request: &JoinGroupRequest, context: &Context<'_>, turn: &mut Turn<'_>) {
    let Kind::Consumer(group) = kind else { return };
    if group.is_empty() {
        turn.out.records.extend(group.tombstones(turn.id));
        turn.out.replayed();
        let mut classic = ClassicGroup::default();
        classic.join(request, context, turn);
        *kind = Kind::Classic(classic);
        return;
    }
    let joined = match turn.settings.consumer.migration {
        MigrationPolicy::Disabled => Err(Refusal::InconsistentProtocol),
        _ => group.join_classic(request, context, turn),
    };
    match joined {
        Ok(response) => {
            migration::downgrade_if_all_classic(kind, context.image, turn);
            turn.out.reply(context.ticket, response);
        }
        Err(Refusal::MemberIdRequired(id)) => {
            let response = refusal::join(context.version, &id.to_wire(), ErrorCode::MemberIdRequired);
            turn.out.reply(context.ticket, response);
        }
        Err(refusal) => {
            note_fenced(&request.member_id, refusal.code(), turn);
            let response = refusal::join(context.version, &request.member_id, refusal.code());
            turn.out.reply(context.ticket, response);
        }
    }
}

impl ConsumerGroup {
    /// Handles a SyncGroup.
    pub fn sync(
        &mut self,
        request: &SyncGroupRequest,
        image: &Image,
        turn: &mut Turn<'_>,
    ) -> SyncGroupResponse {
        self.sync_classic(request, image, turn).unwrap_or_else(|refusal| SyncGroupResponse {
            error_code: refusal.code().code(),
            ..Default::default()
        })
    }

    /// Handles a Heartbeat of the classic protocol; gives the error to answer.
    pub fn classic_heartbeat(
        &mut self,
        request: &HeartbeatRequest,
        image: &Image,
        turn: &mut Turn<'_>,
    ) -> ErrorCode {
        let outcome = self.heartbeat_classic(request, image, turn);
        outcome.map_or_else(|refusal| refusal.code(), |()| ErrorCode::None)
    }
}

/// Takes members out that say by the classic protocol that they leave; gives what became of each.
pub(crate) fn leave(
    kind: &mut Kind,
    members: &[MemberIdentity],
    image: &Image,
    turn: &mut Turn<'_>,
) -> Vec<ErrorCode> {
    let Kind::Consumer(group) = kind else { return vec![ErrorCode::UnknownMemberId; members.len()] };
    let found: Vec<Result<MemberId, Refusal>> = members.iter().map(|member| leaving(group, member)).collect();
    let mut gone: Vec<MemberId> = Vec::new();
    for (member, id) in members.iter().zip(&found) {
        if let Ok(id) = id
            && !gone.contains(id)
        {
            turn.note(Event::Left { member: id.clone(), reason: member.reason.as_deref().map(Into::into) });
            gone.push(id.clone());
        }
    }
    migration::remove_members(kind, &gone, image, turn);
    found.iter().map(|outcome| outcome.as_ref().map_or_else(Refusal::code, |_| ErrorCode::None)).collect()
}

/// The member that leaves. An operator names a static one without knowing its id.
fn leaving(group: &ConsumerGroup, member: &MemberIdentity) -> Result<MemberId, Refusal> {
    let id = MemberId::from(&member.member_id);
    match member.group_instance_id.as_ref().map(InstanceId::from) {
        None => group.member(&id).map(|_| id),
        Some(instance) if member.member_id.is_empty() => {
            group.static_members.get(&instance).cloned().ok_or(Refusal::UnknownInstance(instance))
        }
        Some(instance) => group.static_member(&id, &instance).map(|_| id),
    }
}

/// Shuts out members that were silent for too long, and sets the alarm for the next.
pub(crate) fn expire(kind: &mut Kind, image: &Image, turn: &mut Turn<'_>) {
    let Kind::Consumer(group) = kind else { return };
    let overdue = group.overdue(turn.now);
    for (id, expired) in &overdue {
        group.note_expired(id, *expired, image, turn);
    }
    let ids: Vec<MemberId> = overdue.into_iter().map(|(id, _)| id).collect();
    migration::remove_members(kind, &ids, image, turn);
    if let Kind::Consumer(group) = kind
        && let Some(deadline) = group.next_deadline()
    {
        turn.alarm.by(deadline);
    }
}

fn note_fenced(member: &Str, error: ErrorCode, turn: &mut Turn<'_>) {
    turn.note(Event::Fenced { member: MemberId::from(member), error });
}
