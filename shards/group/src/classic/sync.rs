//! SyncGroup: the leader hands in the assignment, and every member gets its part.

use std::collections::BTreeMap;

use bytes::Bytes;
use protocol::Str;
use protocol::messages::{SyncGroupRequest, SyncGroupResponse};
use types::ErrorCode;

use super::group::{ClassicGroup, note_fenced};
use super::member::Waiting;
use super::state::State;
use crate::group::Turn;
use crate::history::Event;
use crate::request::Context;

impl ClassicGroup {
    /// Handles a SyncGroup request.
    pub fn sync(&mut self, request: &SyncGroupRequest, context: &Context<'_>, turn: &mut Turn<'_>) {
        if let Err(error) = self.check_sync(request) {
            if error != ErrorCode::RebalanceInProgress {
                note_fenced(&request.member_id, error, turn);
            }
            return refuse(Waiting::of(context), error, turn);
        }
        let id = request.member_id.as_str();
        if let Some(unsynced) = &mut self.unsynced {
            unsynced.members.remove(id);
            if unsynced.members.is_empty() {
                self.unsynced = None;
            }
        }
        if self.state == State::Stable {
            let assignment = self.members.get(id).map(|member| member.assignment.clone()).unwrap_or_default();
            return turn.out.reply(context.ticket, self.sync_response(assignment));
        }
        if let Some(before) = self.members.set_syncing(id, Waiting::of(context)) {
            // The client has asked again because it no longer waits for this one.
            refuse(before, ErrorCode::RebalanceInProgress, turn);
        }
        if self.is_leader(id) {
            self.assign(request, turn);
        }
    }

    fn check_sync(&self, request: &SyncGroupRequest) -> Result<(), ErrorCode> {
        let instance = request.group_instance_id.as_deref();
        self.check_generation(&request.member_id, instance, request.generation_id)?;
        if differs(&request.protocol_type, &self.protocol_type)
            || differs(&request.protocol_name, &self.protocol)
        {
            return Err(ErrorCode::InconsistentGroupProtocol);
        }
        match self.state {
            State::Empty => Err(ErrorCode::UnknownMemberId),
            State::Preparing(_) => Err(ErrorCode::RebalanceInProgress),
            State::Completing | State::Stable => Ok(()),
        }
    }

    /// The generation is complete. What the leader assigned is recorded, and with that in force; members that it has
    /// left out get nothing.
    fn assign(&mut self, request: &SyncGroupRequest, turn: &mut Turn<'_>) {
        let given: BTreeMap<&str, &Bytes> =
            request.assignments.iter().map(|part| (part.member_id.as_str(), &part.assignment)).collect();
        let assignment_of = |id: &str| given.get(id).map(|bytes| Bytes::clone(bytes)).unwrap_or_default();
        turn.out.record(self.record(turn.id, turn.now, |member| assignment_of(member.id.as_str())));
        turn.note(Event::Assigned {
            generation: self.generation,
            waited_ms: self.state_since.map_or(0, |since| turn.now.0 - since.0),
        });
        for (id, waiting) in self.members.take_syncing() {
            turn.out.reply(waiting.ticket, self.sync_response(assignment_of(id.as_str())));
            // Its session may have ended while it waited.
            self.extend_session(id.as_str(), turn);
        }
    }

    fn sync_response(&self, assignment: Bytes) -> SyncGroupResponse {
        SyncGroupResponse {
            protocol_type: self.protocol_type.clone(),
            protocol_name: self.protocol.clone(),
            assignment,
            ..Default::default()
        }
    }
}

/// Whether both are there and not the same.
fn differs(requested: &Option<Str>, ours: &Option<Str>) -> bool {
    matches!((requested, ours), (Some(requested), Some(ours)) if requested != ours)
}

/// Answers a SyncGroup request that leads to nothing.
pub(super) fn refuse(waiting: Waiting, error: ErrorCode, turn: &mut Turn<'_>) {
    turn.out.reply(waiting.ticket, SyncGroupResponse { error_code: error.code(), ..Default::default() });
}
