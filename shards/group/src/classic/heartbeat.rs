//! Heartbeat: a member is alive, and learns whether its generation lasts.

use protocol::messages::HeartbeatRequest;
use types::ErrorCode;

use super::group::{ClassicGroup, note_fenced};
use super::state::State;
use crate::group::Turn;

impl ClassicGroup {
    /// Handles a Heartbeat request; gives the error to answer.
    pub fn heartbeat(&mut self, request: &HeartbeatRequest, turn: &mut Turn<'_>) -> ErrorCode {
        let instance = request.group_instance_id.as_deref();
        let id = request.member_id.as_str();
        if let Err(error) = self.check_generation(id, instance, request.generation_id) {
            note_fenced(id, error, turn);
            return error;
        }
        self.extend_session(id, turn);
        match self.state {
            State::Empty => ErrorCode::UnknownMemberId,
            State::Preparing(_) => ErrorCode::RebalanceInProgress,
            // Members may send heartbeats as soon as they have joined, before there is an assignment.
            State::Completing | State::Stable => ErrorCode::None,
        }
    }
}
