//! Members that leave, or that are shut out because they were silent for too long.

use metadata::Image;
use protocol::messages::{ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse};

use super::epoch::Epoch;
use super::group::ConsumerGroup;
use super::group_settings::GroupSettings;
use super::held::Held;
use super::member::Progress;
use super::record;
use super::refusal::Refusal;
use super::timers::Expired;
use crate::group::Turn;
use crate::history::Event;
use crate::names::{InstanceId, MemberId};

impl ConsumerGroup {
    /// The member that says it leaves.
    ///
    /// # Errors
    /// If there is no such member.
    pub(super) fn leaving(&self, request: &ConsumerGroupHeartbeatRequest) -> Result<MemberId, Refusal> {
        let id = MemberId::from(&request.member_id);
        match request.instance_id.as_ref().map(InstanceId::from) {
            Some(instance) => self.static_member(&id, &instance).map(|_| id),
            None => self.member(&id).map(|_| id),
        }
    }

    /// A static member goes, and means to be back before its session ends. Its partitions wait for it.
    pub(super) fn step_out(&mut self, id: &MemberId, turn: &mut Turn<'_>) {
        let Some(member) = self.members.get(id) else { return };
        let progress = Progress { epoch: Epoch::AWAY, revoking: Held::default(), ..member.progress.clone() };
        self.emit(record::progress(turn.id, id, Some(&progress)), turn.out);
        turn.note(Event::Left { member: id.clone(), reason: Some("for a while".into()) });
    }

    /// Takes members out of the group.
    pub(super) fn remove_members(&mut self, ids: &[MemberId], image: &Image, turn: &mut Turn<'_>) {
        for id in ids {
            self.emit_member_gone(id, turn);
        }
        self.forget_patterns(turn);
        self.bump_epoch(Some("a member has gone"), image, turn);
        if self.is_empty() {
            turn.note(Event::Emptied);
        }
    }

    /// The records that take a member out. What it holds is given back first.
    pub(super) fn emit_member_gone(&mut self, id: &MemberId, turn: &mut Turn<'_>) {
        self.emit(record::progress(turn.id, id, None), turn.out);
        self.emit(record::target(turn.id, id, None), turn.out);
        self.emit(record::profile(turn.id, id, None), turn.out);
    }

    /// Notes why a member was shut out.
    pub(super) fn note_expired(&self, id: &MemberId, expired: Expired, image: &Image, turn: &mut Turn<'_>) {
        let member = id.clone();
        turn.note(match expired {
            Expired::Session => {
                let of_group = GroupSettings::of(turn.id, image, &turn.settings.consumer).session_timeout_ms;
                let known = self.members.get(id);
                let session_timeout_ms = known.map_or(of_group, |known| known.session_timeout_ms(of_group));
                Event::TimedOut { member, session_timeout_ms }
            }
            Expired::Rebalance => Event::Missed { member },
        });
    }
}

/// What a member that leaves is told.
pub(super) fn farewell(request: &ConsumerGroupHeartbeatRequest) -> ConsumerGroupHeartbeatResponse {
    ConsumerGroupHeartbeatResponse {
        member_id: Some(request.member_id.clone()),
        member_epoch: request.member_epoch,
        ..Default::default()
    }
}
