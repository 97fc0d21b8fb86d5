//! A classic group that becomes a consumer group, or is made of one (`consumer/migration.rs`).

use bytes::Bytes;
use protocol::Str;
use types::ErrorCode;

use super::group::{CONSUMER_PROTOCOL, ClassicGroup};
use super::join::refuse_join;
use super::member::{Member, Protocol};
use super::state::State;
use super::sync;
use crate::group::Turn;
use crate::names::{InstanceId, MemberId};

/// What goes from one group to the other: who is in it, and who has what.
#[derive(Clone, Debug)]
pub(crate) struct Handover {
    /// The generation, or the epoch.
    pub generation: i32,
    /// The members in the order of their ids.
    pub members: Vec<HandoverMember>,
}

/// A member that goes from one group to the other.
#[derive(Clone, Debug)]
pub(crate) struct HandoverMember {
    pub id: MemberId,
    pub instance: Option<InstanceId>,
    pub client_id: Str,
    pub client_host: Str,
    pub session_timeout_ms: i32,
    pub rebalance_timeout_ms: i32,
    /// What the member understands, with what it says about itself in each.
    pub protocols: Vec<(Str, Bytes)>,
    /// What it says about itself in the protocol of the generation.
    pub subscription: Bytes,
    /// What it was given.
    pub assignment: Bytes,
}

impl ClassicGroup {
    /// What another group needs to go on in its place; `None` if its members are no consumers.
    pub fn hand_over(&self) -> Option<Handover> {
        let member = |member: &Member| {
            let chosen = self.protocol.as_deref().map(|protocol| member.metadata(protocol));
            let first = || member.protocols.first().map(|protocol| protocol.metadata.clone());
            HandoverMember {
                id: member.id.clone(),
                instance: member.instance.clone(),
                client_id: member.client_id.clone(),
                client_host: member.client_host.clone(),
                session_timeout_ms: member.session_timeout_ms,
                rebalance_timeout_ms: member.rebalance_timeout_ms,
                protocols: member.protocols.iter().map(|p| (p.name.clone(), p.metadata.clone())).collect(),
                // Consumers say the same in each; before the first generation none is chosen.
                subscription: chosen
                    .filter(|metadata| !metadata.is_empty())
                    .or_else(first)
                    .unwrap_or_default(),
                assignment: member.assignment.clone(),
            }
        };
        let members = || self.members.iter().map(member).collect();
        self.is_of_consumers().then(|| Handover { generation: self.generation, members: members() })
    }

    /// The group that goes on with what another has handed over, and its record. Everybody has a session to show up.
    pub fn taken_over(handover: Handover, turn: &mut Turn<'_>) -> Self {
        let mut group = Self {
            generation: handover.generation,
            protocol_type: Some(Str::from_static(CONSUMER_PROTOCOL)),
            is_recorded: true,
            ..Self::default()
        };
        for handed in handover.members {
            group.leader.get_or_insert_with(|| handed.id.clone());
            group.members.insert(Member {
                id: handed.id,
                instance: handed.instance,
                client_id: handed.client_id,
                client_host: handed.client_host,
                session_timeout_ms: handed.session_timeout_ms,
                rebalance_timeout_ms: handed.rebalance_timeout_ms,
                protocols: handed
                    .protocols
                    .into_iter()
                    .map(|(name, metadata)| Protocol { name, metadata })
                    .collect(),
                assignment: handed.assignment,
                is_new: false,
                session_deadline: turn.now,
                joining: None,
                syncing: None,
            });
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
