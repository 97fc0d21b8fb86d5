//! A classic group that becomes a consumer group, or is made of one (`consumer/migration.rs`).

use bytes::Bytes;
use protocol::Str;
use types::ErrorCode;

use super::group::{CONSUMER_PROTOCOL, ClassicGroup};
use super::join::refuse_join;
use super::member::Member;
use super::state::State;
use super::sync;
use crate::group::Turn;

/// What goes from one group to the other: who is in it, and who has what.
#[derive(Clone, Debug)]
pub(crate) struct Handover {
    /// The generation, or the epoch.
    pub generation: i32,
    /// The protocol of the generation, if there was one.
    pub protocol: Option<Str>,
    /// The members in the order of their ids. None of their requests waits, and their sessions begin in the new group.
    pub members: Vec<Member>,
}

impl Handover {
    /// What a member says about itself. Consumers say the same in each protocol; before the first generation none is
    /// chosen.
    pub fn subscription(&self, member: &Member) -> Bytes {
        let chosen = self.protocol.as_deref().map(|protocol| member.metadata(protocol));
        let first = || member.protocols.first().map(|protocol| protocol.metadata.clone());
        chosen.filter(|metadata| !metadata.is_empty()).or_else(first).unwrap_or_default()
    }
}

impl ClassicGroup {
    /// What another group needs to go on in its place; `None` if its members are no consumers.
    pub fn hand_over(&self) -> Option<Handover> {
        let member = |member: &Member| Member { joining: None, syncing: None, ..member.clone() };
        self.is_of_consumers().then(|| Handover {
            generation: self.generation,
            protocol: self.protocol.clone(),
            members: self.members.iter().map(member).collect(),
        })
    }

    /// The group that goes on with what another has handed over, and its record. Everybody has a session to show up.
    pub fn taken_over(handover: Handover, turn: &mut Turn<'_>) -> Self {
        let mut group = Self {
            generation: handover.generation,
            protocol_type: Some(Str::from_static(CONSUMER_PROTOCOL)),
            is_recorded: true,
            ..Self::default()
        };
        for member in handover.members {
            group.leader.get_or_insert_with(|| member.id.clone());
            group.members.insert(member);
        }
        group.protocol = group.elect_protocol();
        group.transition(State::Stable, turn.now);
        for id in group.members.ids_where(|_| true) {
            group.extend_session(id.as_str(), turn);
        }
        turn.out.record(group.record(turn.id, turn.now, |member| member.assignment.clone()));
        group
    }

    /// The group ends here: members that wait for it are to join again.
    pub fn dismiss(&mut self, turn: &mut Turn<'_>) {
        for id in self.members.ids_where(|member| member.joining.is_some()) {
            if let Some(waiting) = self.members.take_joining(id.as_str(), false) {
                refuse_join(id.as_str(), waiting, ErrorCode::RebalanceInProgress, turn);
            }
        }
        for (_, waiting) in self.members.take_syncing() {
            sync::refuse(waiting, ErrorCode::RebalanceInProgress, turn);
        }
    }
}
