//! A classic group: its generation, its members, and the rules that tell which requests are those of its members.

use std::collections::BTreeMap;

use protocol::Str;
use protocol::messages::group_members::{JoinGroupRequestProtocol, JoinGroupResponseMember};
use types::{ErrorCode, TimestampMs};

use super::members::Members;
use super::state::{State, Unsynced};
use crate::group::Turn;
use crate::history::Event;
use crate::names::{GroupId, MemberId};
use crate::records::Record;

/// The protocol type of consumers, whose metadata and assignments the coordinator can read.
pub(crate) const CONSUMER_PROTOCOL: &str = "consumer";

/// A group whose leader, a client, assigns the partitions.
#[derive(Debug, Default)]
pub(crate) struct ClassicGroup {
    pub(super) state: State,
    /// When it got into its state; `None` if that is not known, as with records of Kafka before 2.1.
    pub(super) state_since: Option<TimestampMs>,
    pub(super) generation: i32,
    /// What its members have in common, such as `consumer`; `None` before the first one joined.
    pub(super) protocol_type: Option<Str>,
    /// The protocol that the members of this generation have agreed on.
    pub(super) protocol: Option<Str>,
    pub(super) leader: Option<MemberId>,
    pub(super) members: Members,
    /// Ids that were given to clients that are to join with them, and until when they hold (KIP-394).
    pub(super) pending: BTreeMap<MemberId, TimestampMs>,
    pub(super) unsynced: Option<Unsynced>,
    /// Whether the log has a record of the group, which a tombstone has to follow when the group goes.
    pub(super) is_recorded: bool,
}

impl ClassicGroup {
    /// Kafka's name of its state.
    pub fn state_name(&self) -> &'static str {
        self.state.name()
    }

    /// The protocol type; empty before the first member joined.
    pub fn protocol_type(&self) -> Str {
        self.protocol_type.clone().unwrap_or_default()
    }

    /// Whether it has no members, and so may be deleted.
    pub fn is_empty(&self) -> bool {
        self.state == State::Empty
    }

    /// Whether nothing would be lost without it: no members, nobody about to join, no record.
    pub fn is_vacant(&self) -> bool {
        self.is_empty() && self.pending.is_empty() && !self.is_recorded
    }

    /// Whether clients were given ids and are to come back with them.
    pub fn is_awaited(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Adds the record that deletes it.
    pub fn delete(&self, id: &GroupId, records: &mut Vec<Record>) {
        if self.is_recorded {
            records.push(Self::tombstone(id));
        }
    }

    /// Whether its members are consumers.
    pub(super) fn is_of_consumers(&self) -> bool {
        self.protocol_type.as_deref() == Some(CONSUMER_PROTOCOL)
    }

    pub(super) fn is_leader(&self, member_id: &str) -> bool {
        self.leader.as_ref().is_some_and(|leader| leader.as_str() == member_id)
    }

    /// Whether the request of `member_id` comes from a member. A static member whose place was taken is fenced.
    pub(super) fn check_member(&self, member_id: &str, instance: Option<&str>) -> Result<(), ErrorCode> {
        if let Some(instance) = instance {
            match self.members.static_id(instance) {
                None => return Err(ErrorCode::UnknownMemberId),
                Some(id) if id.as_str() != member_id => return Err(ErrorCode::FencedInstanceId),
                Some(_) => {}
            }
        }
        if self.members.contains(member_id) { Ok(()) } else { Err(ErrorCode::UnknownMemberId) }
    }

    /// Whether the request comes from a member of the present generation.
    pub(super) fn check_generation(
        &self,
        member_id: &str,
        instance: Option<&str>,
        generation: i32,
    ) -> Result<(), ErrorCode> {
        self.check_member(member_id, instance)?;
        if generation == self.generation { Ok(()) } else { Err(ErrorCode::IllegalGeneration) }
    }

    /// Whether a member with these protocols can be part of the group: there is one that all understand.
    pub(super) fn supports(&self, protocol_type: &str, protocols: &[JoinGroupRequestProtocol]) -> bool {
        if self.members.is_empty() {
            return !protocol_type.is_empty() && !protocols.is_empty();
        }
        self.protocol_type.as_deref() == Some(protocol_type)
            && protocols.iter().any(|protocol| self.members.all_support(&protocol.name))
    }

    /// The protocol that most members prefer among those that all understand. With as many votes for several, the
    /// first by its name.
    pub(super) fn elect_protocol(&self) -> Option<Str> {
        let mut votes: BTreeMap<&Str, usize> = BTreeMap::new();
        for member in self.members.iter() {
            let mut names = member.protocols.iter().map(|protocol| &protocol.name);
            if let Some(choice) = names.find(|name| self.members.all_support(name)) {
                *votes.entry(choice).or_default() += 1;
            }
        }
        let most = votes.values().copied().max()?;
        votes.into_iter().find(|(_, count)| *count == most).map(|(name, _)| name.clone())
    }

    /// All members with what they say about themselves, for the leader.
    pub(super) fn members_for_leader(&self) -> Vec<JoinGroupResponseMember> {
        let protocol = self.protocol.clone().unwrap_or_default();
        let describe = |member: &super::member::Member| JoinGroupResponseMember {
            member_id: member.id.to_wire(),
            group_instance_id: member.instance.as_ref().map(|instance| instance.to_wire()),
            metadata: member.metadata(&protocol),
        };
        self.members.iter().map(describe).collect()
    }

    /// A member was heard of.
    pub(super) fn extend_session(&mut self, member_id: &str, turn: &mut Turn<'_>) {
        let Some(timeout_ms) = self.members.get(member_id).map(|member| member.session_timeout_ms) else {
            return;
        };
        self.extend_session_by(member_id, timeout_ms, turn);
    }

    pub(super) fn extend_session_by(&mut self, member_id: &str, timeout_ms: i32, turn: &mut Turn<'_>) {
        if let Some(deadline) = self.members.extend_session(member_id, turn.now, timeout_ms) {
            turn.alarm.by(deadline);
        }
    }

    pub(super) fn transition(&mut self, state: State, now: TimestampMs) {
        self.state = state;
        self.state_since = Some(now);
    }
}

/// Remembers that a request was turned away because its member or its generation is not the group's.
pub(super) fn note_fenced(member_id: &str, error: ErrorCode, turn: &mut Turn<'_>) {
    turn.note(Event::Fenced { member: MemberId::from(member_id), error });
}
