//! LeaveGroup: members go, or an operator takes static ones out by their names.

use protocol::messages::group_members::{MemberIdentity, MemberResponse};
use protocol::messages::{LeaveGroupRequest, LeaveGroupResponse};
use types::ErrorCode;

use super::group::ClassicGroup;
use super::state::State;
use crate::group::Turn;
use crate::history::Event;
use crate::names::MemberId;

/// The first version that names several members; before, the error of the only one is the error of the request.
const SEVERAL_MEMBERS_VERSION: i16 = 3;

impl ClassicGroup {
    /// Takes members out; gives what became of each.
    pub fn leave(&mut self, members: &[MemberIdentity], turn: &mut Turn<'_>) -> Vec<ErrorCode> {
        let outcomes: Vec<ErrorCode> = members.iter().map(|member| self.leave_one(member, turn)).collect();
        let left: Vec<&str> = members
            .iter()
            .zip(&outcomes)
            .filter(|(_, error)| error.is_none())
            .map(|(member, _)| named(member))
            .collect();
        if !left.is_empty() && self.state != State::Empty {
            self.rebalance_or_go_on(&format!("{} left", left.join(", ")), turn);
        }
        outcomes
    }

    fn leave_one(&mut self, member: &MemberIdentity, turn: &mut Turn<'_>) -> ErrorCode {
        let instance = member.group_instance_id.as_deref();
        let id = match instance {
            // An operator names a static member without knowing its id.
            Some(instance) if member.member_id.is_empty() => match self.members.static_id(instance) {
                Some(id) => id.clone(),
                None => return ErrorCode::UnknownMemberId,
            },
            _ => MemberId::from(&member.member_id),
        };
        if self.pending.remove(id.as_str()).is_some() {
            return ErrorCode::None;
        }
        if let Err(error) = self.check_member(id.as_str(), instance) {
            return error;
        }
        turn.note(Event::Left { member: id.clone(), reason: member.reason.as_deref().map(Into::into) });
        self.drop_member(id.as_str(), turn);
        ErrorCode::None
    }
}

/// The members of a request of any version.
pub(crate) fn leaving_members(request: &LeaveGroupRequest, version: i16) -> Vec<MemberIdentity> {
    if version >= SEVERAL_MEMBERS_VERSION {
        return request.members.clone();
    }
    vec![MemberIdentity { member_id: request.member_id.clone(), ..Default::default() }]
}

/// The answer to a request of any version.
pub(crate) fn leave_response(
    members: &[MemberIdentity],
    outcomes: &[ErrorCode],
    version: i16,
) -> LeaveGroupResponse {
    if version < SEVERAL_MEMBERS_VERSION {
        let error_code = outcomes.first().map_or(0, |error| error.code());
        return LeaveGroupResponse { error_code, ..Default::default() };
    }
    let respond = |(member, error): (&MemberIdentity, &ErrorCode)| MemberResponse {
        member_id: member.member_id.clone(),
        group_instance_id: member.group_instance_id.clone(),
        error_code: error.code(),
    };
    LeaveGroupResponse { members: members.iter().zip(outcomes).map(respond).collect(), ..Default::default() }
}

/// What a leaving member is called.
fn named(member: &MemberIdentity) -> &str {
    match &member.group_instance_id {
        Some(instance) if member.member_id.is_empty() => instance,
        _ => &member.member_id,
    }
}
