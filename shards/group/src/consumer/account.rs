//! What a consumer group tells of itself beside its description: whom it waits for, and when members were heard of.

use metadata::Image;
use protocol::messages::group_account::GroupAccount;
use types::TimestampMs;

use super::group::ConsumerGroup;
use super::group_settings::GroupSettings;
use super::member::Member;
use crate::account;
use crate::names::GroupId;
use crate::settings::ConsumerSettings;

impl ConsumerGroup {
    /// Its account, without events. It waits for those that have to give partitions back, or, with the classic protocol, to
    /// rejoin or to fetch their assignments.
    pub fn account(
        &self,
        id: &GroupId,
        now: TimestampMs,
        image: &Image,
        settings: &ConsumerSettings,
    ) -> GroupAccount {
        let default_ms = GroupSettings::of(id, image, settings).session_timeout_ms;
        let waits_until = |member: &Member| member.timers.step();
        let members = self.members.iter().map(|(id, member)| {
            let session_ms = member.session_timeout_ms(default_ms);
            let deadline = member.timers.session.unwrap_or(now);
            account::member(id, deadline, session_ms, waits_until(member).is_some(), now)
        });
        let until = self.members.values().filter_map(waits_until).max();
        GroupAccount {
            waiting_until: until.map_or(-1, |until| until.0),
            members: members.collect(),
            ..Default::default()
        }
    }
}
