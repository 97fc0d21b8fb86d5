//! A classic group in the log: one record for its last complete generation.

use bytes::Bytes;
use protocol::Str;
use protocol::group_log::{GroupMetadataKey, GroupMetadataValue, MemberMetadata};
use types::TimestampMs;

use super::group::ClassicGroup;
use super::member::{Member, Protocol};
use super::members::Members;
use super::state::State;
use crate::names::{GroupId, InstanceId, MemberId};
use crate::records::Record;

impl ClassicGroup {
    /// The record of this generation, in which the members have these assignments.
    pub(super) fn record(
        &self,
        id: &GroupId,
        now: TimestampMs,
        assignment: impl Fn(&Member) -> Bytes,
    ) -> Record {
        let protocol = self.protocol.clone().unwrap_or_default();
        let recorded = |member: &Member| MemberMetadata {
            member_id: member.id.to_wire(),
            group_instance_id: member.instance.as_ref().map(InstanceId::to_wire),
            client_id: member.client_id.clone(),
            client_host: member.client_host.clone(),
            rebalance_timeout: member.rebalance_timeout_ms,
            session_timeout: member.session_timeout_ms,
            subscription: member.metadata(&protocol),
            assignment: assignment(member),
        };
        let value = GroupMetadataValue {
            protocol_type: self.protocol_type(),
            generation: self.generation,
            protocol: self.protocol.clone(),
            leader: self.leader.as_ref().map(MemberId::to_wire),
            current_state_timestamp: now.0,
            members: self.members.iter().map(recorded).collect(),
        };
        Record::GroupMetadata(GroupMetadataKey { group: id.to_wire() }, Some(value))
    }

    /// The record that deletes the group.
    pub(super) fn tombstone(id: &GroupId) -> Record {
        Record::GroupMetadata(GroupMetadataKey { group: id.to_wire() }, None)
    }

    /// Becomes what the record says. What only this process knows of a member that it has stays: the protocols that were
    /// not chosen, its session, and what it waits for.
    pub fn replay(&mut self, value: &GroupMetadataValue) {
        let known = |text: &Str| (!text.is_empty()).then(|| text.detached());
        self.generation = value.generation;
        self.protocol_type = known(&value.protocol_type);
        self.protocol = value.protocol.as_ref().map(Str::detached);
        self.leader = value.leader.as_ref().map(MemberId::from);
        self.state_since =
            (value.current_state_timestamp >= 0).then_some(TimestampMs(value.current_state_timestamp));
        self.state = if value.members.is_empty() { State::Empty } else { State::Stable };
        self.is_recorded = true;
        let mut before = std::mem::take(&mut self.members);
        for recorded in &value.members {
            let mut member = before
                .remove(&recorded.member_id)
                .unwrap_or_else(|| from_record(recorded, self.protocol.as_ref()));
            member.assignment = Bytes::copy_from_slice(&recorded.assignment);
            self.members.insert(member);
        }
        debug_assert!(before.is_empty_of_waiting(), "a record names all members that wait for an answer");
    }
}

impl Members {
    fn is_empty_of_waiting(&self) -> bool {
        self.iter().all(|member| member.joining.is_none() && member.syncing.is_none())
    }
}

fn from_record(recorded: &MemberMetadata, protocol: Option<&Str>) -> Member {
    let protocol = protocol.map(|name| Protocol {
        name: name.clone(),
        metadata: Bytes::copy_from_slice(&recorded.subscription),
    });
    Member {
        id: MemberId::from(&recorded.member_id),
        instance: recorded.group_instance_id.as_ref().map(InstanceId::from),
        client_id: recorded.client_id.detached(),
        client_host: recorded.client_host.detached(),
        session_timeout_ms: recorded.session_timeout,
        rebalance_timeout_ms: match recorded.rebalance_timeout {
            -1 => recorded.session_timeout,
            timeout => timeout,
        },
        protocols: protocol.into_iter().collect(),
        assignment: Bytes::new(),
        is_new: false,
        // Sessions begin when the coordinator is loaded.
        session_deadline: TimestampMs(i64::MAX),
        joining: None,
        syncing: None,
    }
}
