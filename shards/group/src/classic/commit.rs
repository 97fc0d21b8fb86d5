//! Who may commit offsets to a classic group, delete them, and when they expire.

use protocol::messages::OffsetCommitRequest;
use types::ErrorCode;

use super::group::{ClassicGroup, note_fenced};
use super::state::State;
use crate::group::{Subscription, Turn};
use crate::offsets::Expiry;

impl ClassicGroup {
    /// Whether the request may commit; a member that may has shown that it is alive.
    pub fn check_commit(
        &mut self,
        request: &OffsetCommitRequest,
        turn: &mut Turn<'_>,
    ) -> Result<(), ErrorCode> {
        if let Err(error) = self.judge_commit(request) {
            note_fenced(&request.member_id, error, turn);
            return Err(error);
        }
        if matches!(self.state, State::Stable | State::Preparing(_)) {
            self.extend_session(&request.member_id, turn);
        }
        Ok(())
    }

    fn judge_commit(&self, request: &OffsetCommitRequest) -> Result<(), ErrorCode> {
        let generation = request.generation_id_or_member_epoch;
        let instance = request.group_instance_id.as_deref();
        if generation < 0 && self.state == State::Empty {
            // Consumers that assign partitions to themselves, and tools, commit so.
            return Ok(());
        }
        if generation < 0 && request.member_id.is_empty() && instance.is_none() {
            return Err(ErrorCode::UnknownMemberId);
        }
        self.check_generation(&request.member_id, instance, generation)?;
        match self.state {
            // The member is of this generation, but cannot have got partitions in it yet.
            State::Completing => Err(ErrorCode::RebalanceInProgress),
            State::Empty | State::Preparing(_) | State::Stable => Ok(()),
        }
    }

    /// Whether offsets may be deleted, and if so which topics' may not because members still consume them.
    pub fn check_delete_offsets(&self) -> Result<Subscription, ErrorCode> {
        match self.state {
            State::Empty => Ok(Subscription::none()),
            _ if self.is_of_consumers() => Ok(self.subscription()),
            _ => Err(ErrorCode::NonEmptyGroup),
        }
    }

    /// From when on the retention of offsets counts.
    pub fn offset_expiry(&self) -> Expiry {
        if self.protocol_type.is_none() {
            return Expiry::SinceCommit(Subscription::none());
        }
        match self.state {
            State::Empty => Expiry::SinceEmpty(self.state_since),
            State::Stable => Expiry::SinceCommit(self.subscription()),
            State::Preparing(_) | State::Completing => Expiry::Never,
        }
    }
}
