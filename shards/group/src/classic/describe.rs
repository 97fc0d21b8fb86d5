//! DescribeGroups: what a classic group tells about itself.

use bytes::Bytes;
use protocol::messages::groups::{DescribedGroup, DescribedGroupMember};

use super::group::ClassicGroup;
use super::member::Member;
use super::state::State;
use crate::names::{GroupId, InstanceId};

impl ClassicGroup {
    /// The group and its members; metadata and assignments only while they are in force.
    pub fn describe(&self, id: &GroupId) -> DescribedGroup {
        let protocol = match self.state {
            State::Stable => self.protocol.clone(),
            State::Empty | State::Preparing(_) | State::Completing => None,
        };
        let describe = |member: &Member| DescribedGroupMember {
            member_id: member.id.to_wire(),
            group_instance_id: member.instance.as_ref().map(InstanceId::to_wire),
            client_id: member.client_id.clone(),
            client_host: member.client_host.clone(),
            member_metadata: protocol.as_deref().map(|name| member.metadata(name)).unwrap_or_default(),
            member_assignment: protocol.as_ref().map_or_else(Bytes::new, |_| member.assignment.clone()),
        };
        DescribedGroup {
            group_id: id.to_wire(),
            group_state: self.state_name().into(),
            protocol_type: self.protocol_type(),
            protocol_data: protocol.clone().unwrap_or_default(),
            members: self.members.iter().map(describe).collect(),
            ..Default::default()
        }
    }
}
