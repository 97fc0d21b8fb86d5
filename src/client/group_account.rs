//! What only a Strome coordinator tells of a group: what happened to it, whom it waits for, who was heard of when.
//!
//! DescribeGroups is asked for it in a tagged field; any other broker passes over that, and tells nothing.

use std::collections::BTreeMap;

use group::Event;
use protocol::messages::DescribeGroupsRequest;
use protocol::messages::group_account::{GroupAccount, GroupEvent};
use protocol::{Request, Str};
use types::TimestampMs;

use super::connection::any_version;
use super::error::ClientError;
use super::node::Client;

/// What a coordinator tells of a group. All times are the coordinator's.
#[derive(Clone, Debug, Default)]
pub struct Account {
    pub now: TimestampMs,
    /// Since when the group waits for members.
    pub waiting_since: Option<TimestampMs>,
    /// How long it waits at most.
    pub waiting_until: Option<TimestampMs>,
    /// The group was empty before, and waits for members that nobody knows of yet.
    pub is_initial: bool,
    /// Clients that were given an id and have not joined with it.
    pub pending: usize,
    /// By id.
    pub members: BTreeMap<String, Heard>,
    /// The oldest first. Those that only a later release knows are left out.
    pub events: Vec<(TimestampMs, Event)>,
}

/// When a member was heard of.
#[derive(Clone, Copy, Debug)]
pub struct Heard {
    pub at: TimestampMs,
    pub session_timeout_ms: i32,
    /// The group waits for it.
    pub is_awaited: bool,
}

impl Client {
    /// What the coordinator tells of a group beside its description; `None` if it is no Strome, or an older one.
    pub fn group_account(&mut self, group: &str) -> Result<Option<Account>, ClientError> {
        let request = DescribeGroupsRequest {
            groups: vec![Str::from(group)],
            wants_account: true,
            ..Default::default()
        };
        let code = |response: &<DescribeGroupsRequest as Request>::Response| {
            response.groups.first().map_or(0, |group| group.error_code)
        };
        let any = any_version::<DescribeGroupsRequest>();
        let (_, response) = self.ask_coordinator(group, &request, any, code)?;
        Ok(response.groups.first().and_then(|group| group.account.as_ref()).map(Account::from))
    }
}

impl From<&GroupAccount> for Account {
    fn from(account: &GroupAccount) -> Self {
        let time = |ms: i64| (ms >= 0).then_some(TimestampMs(ms));
        let heard = account.members.iter().map(|member| {
            let heard = Heard {
                at: TimestampMs(member.heard_at),
                session_timeout_ms: member.session_timeout_ms,
                is_awaited: member.is_awaited,
            };
            (member.member_id.to_string(), heard)
        });
        let event = |event: &GroupEvent| Some((TimestampMs(event.at), Event::from_wire(event)?));
        Self {
            now: TimestampMs(account.now),
            waiting_since: time(account.waiting_since),
            waiting_until: time(account.waiting_until),
            is_initial: account.is_initial,
            pending: usize::try_from(account.pending).unwrap_or_default(),
            members: heard.collect(),
            events: account.events.iter().filter_map(event).collect(),
        }
    }
}
