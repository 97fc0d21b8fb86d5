//! What a classic group tells of itself beside its description: whom it waits for, and when members were heard of.

use protocol::messages::group_account::{GroupAccount, MemberAccount};
use types::TimestampMs;

use super::group::ClassicGroup;
use super::member::Member;
use super::state::State;
use crate::account;

impl ClassicGroup {
    /// Its account, without events.
    pub fn account(&self, now: TimestampMs) -> GroupAccount {
        let account = GroupAccount {
            pending: i32::try_from(self.pending.len()).unwrap_or(i32::MAX),
            members: self.members.iter().map(|member| self.member_account(member, now)).collect(),
            ..Default::default()
        };
        match &self.state {
            State::Empty | State::Stable => account,
            State::Preparing(preparing) => GroupAccount {
                waiting_since: preparing.since.0,
                waiting_until: preparing.deadline.0,
                is_initial: preparing.initial.is_some(),
                ..account
            },
            State::Completing => GroupAccount {
                waiting_since: self.state_since.map_or(-1, |since| since.0),
                waiting_until: self.unsynced.as_ref().map_or(-1, |unsynced| unsynced.deadline.0),
                ..account
            },
        }
    }

    fn member_account(&self, member: &Member, now: TimestampMs) -> MemberAccount {
        let waits = member.joining.is_some() || member.syncing.is_some();
        let is_awaited = match self.state {
            State::Empty | State::Stable => false,
            State::Preparing(_) => member.joining.is_none(),
            // The others wait for what the leader assigns.
            State::Completing => self.is_leader(member.id.as_str()),
        };
        let account =
            account::member(&member.id, member.session_deadline, member.session_timeout_ms, is_awaited, now);
        // Whoever waits for an answer has nothing to say meanwhile.
        if waits { MemberAccount { heard_at: now.0, ..account } } else { account }
    }
}
