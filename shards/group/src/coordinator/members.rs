//! Requests of members: finds the group, or makes it, and has it answer.

use protocol::messages::{
    ConsumerGroupHeartbeatRequest, HeartbeatRequest, HeartbeatResponse, JoinGroupRequest, LeaveGroupRequest,
    LeaveGroupResponse, SyncGroupRequest, SyncGroupResponse,
};
use types::ErrorCode;

use super::Coordinator;
use crate::classic::{leave_response, leaving_members};
use crate::consumer;
use crate::effects::Effects;
use crate::group::Kind;
use crate::refusal;
use crate::request::Context;

impl Coordinator {
    pub(super) fn consumer_heartbeat(
        &mut self,
        request: &ConsumerGroupHeartbeatRequest,
        context: &Context<'_>,
        out: &mut Effects,
    ) {
        if request.member_epoch == 0 && !request.group_id.is_empty() {
            self.group_or_new(&request.group_id);
        }
        let response = self.with_group(&request.group_id, context.now, out, |kind, _, turn| {
            consumer::heartbeat(kind, request, context, turn)
        });
        out.reply(
            context.ticket,
            response.unwrap_or_else(|| consumer::unknown_group(request, context, &self.settings)),
        );
    }

    pub(super) fn join_group(
        &mut self,
        request: &JoinGroupRequest,
        context: &Context<'_>,
        out: &mut Effects,
    ) {
        let refuse = |error| refusal::join(context.version, &request.member_id, error);
        let limits = &self.settings.classic;
        let session_ms_allowed = limits.session_timeout_ms_min..=limits.session_timeout_ms_max;
        if request.group_id.is_empty() {
            return out.reply(context.ticket, refuse(ErrorCode::InvalidGroupId));
        }
        if !session_ms_allowed.contains(&request.session_timeout_ms) {
            return out.reply(context.ticket, refuse(ErrorCode::InvalidSessionTimeout));
        }
        if request.member_id.is_empty() {
            self.group_or_new(&request.group_id);
        }
        let found = self.with_group(&request.group_id, context.now, out, |kind, _, turn| match kind {
            Kind::Classic(group) => group.join(request, context, turn),
            Kind::Consumer(_) => consumer::join(kind, request, context, turn),
        });
        if found.is_none() {
            out.reply(context.ticket, refuse(ErrorCode::UnknownMemberId));
        }
    }

    pub(super) fn sync_group(
        &mut self,
        request: &SyncGroupRequest,
        context: &Context<'_>,
        out: &mut Effects,
    ) {
        let refuse = |error: ErrorCode| SyncGroupResponse { error_code: error.code(), ..Default::default() };
        if request.group_id.is_empty() {
            return out.reply(context.ticket, refuse(ErrorCode::InvalidGroupId));
        }
        let found = self.with_group(&request.group_id, context.now, out, |kind, _, turn| match kind {
            Kind::Classic(group) => group.sync(request, context, turn),
            Kind::Consumer(group) => {
                let response = group.sync(request, context.image, turn);
                turn.out.reply(context.ticket, response);
            }
        });
        if found.is_none() {
            out.reply(context.ticket, refuse(ErrorCode::UnknownMemberId));
        }
    }

    pub(super) fn heartbeat(&mut self, request: &HeartbeatRequest, context: &Context<'_>, out: &mut Effects) {
        let error = if request.group_id.is_empty() {
            ErrorCode::InvalidGroupId
        } else {
            self.with_group(&request.group_id, context.now, out, |kind, _, turn| match kind {
                Kind::Classic(group) => group.heartbeat(request, turn),
                Kind::Consumer(group) => group.classic_heartbeat(request, context.image, turn),
            })
            .unwrap_or(ErrorCode::UnknownMemberId)
        };
        out.reply(context.ticket, HeartbeatResponse { error_code: error.code(), ..Default::default() });
    }

    pub(super) fn leave_group(
        &mut self,
        request: &LeaveGroupRequest,
        context: &Context<'_>,
        out: &mut Effects,
    ) {
        if request.group_id.is_empty() {
            let error_code = ErrorCode::InvalidGroupId.code();
            return out.reply(context.ticket, LeaveGroupResponse { error_code, ..Default::default() });
        }
        let members = leaving_members(request, context.version);
        let outcomes = self
            .with_group(&request.group_id, context.now, out, |kind, _, turn| match kind {
                Kind::Classic(group) => group.leave(&members, turn),
                Kind::Consumer(_) => consumer::leave(kind, &members, context.image, turn),
            })
            .unwrap_or_else(|| vec![ErrorCode::UnknownMemberId; members.len()]);
        out.reply(context.ticket, leave_response(&members, &outcomes, context.version));
    }
}
