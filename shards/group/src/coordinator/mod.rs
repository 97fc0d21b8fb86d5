//! All groups of one partition of `__consumer_offsets`.
//!
//! # Invariants
//! - A group exists while it has members, offsets, a record in the log, or clients that are about to join.
//! - [`Coordinator::next_deadline`] is never later than the first time at which a group has something to do.

mod admin;
mod members;
mod offsets;
mod retention;

use std::collections::{BTreeMap, BTreeSet};

use metadata::Image;
use types::{ErrorCode, TimestampMs, TopicName};

use crate::effects::Effects;
use crate::group::{Alarm, Group, Kind, Turn};
use crate::history::{Event, History};
use crate::names::GroupId;
use crate::offsets::Offsets;
use crate::records::Record;
use crate::request::{Context, Request};
use crate::settings::Settings;

use retention::Retention;

/// The coordinator of the groups whose ids hash to one partition of `__consumer_offsets`. It lives on the shard that
/// leads that partition, from loading to [`Coordinator::unload`].
#[derive(Debug)]
pub struct Coordinator {
    settings: Settings,
    groups: BTreeMap<GroupId, Group>,
    /// When the alarms of groups ring: for each group that has one set, that one.
    alarms: BTreeSet<(TimestampMs, GroupId)>,
    retention: Retention,
}

impl Coordinator {
    /// A coordinator without groups, into which the records of its partition are to be replayed.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { settings, groups: BTreeMap::new(), alarms: BTreeSet::new(), retention: Retention::default() }
    }

    /// Takes over a record of the log: while loading, all of them in their order. Nothing else changes what has to
    /// survive; calls that make records replay those themselves.
    pub fn replay(&mut self, record: &Record) {
        match record {
            Record::OffsetCommit(key, value) => match self.groups.get_mut(key.group.as_str()) {
                Some(group) => {
                    group.offsets.replay(key, value.as_ref());
                    self.forget_if_vacant(&key.group);
                }
                None if value.is_some() => self.group_or_new(&key.group).offsets.replay(key, value.as_ref()),
                None => {}
            },
            Record::GroupMetadata(key, value) => self.replay_classic(&key.group, value.as_ref()),
            _ => self.replay_consumer(record),
        }
    }

    /// All records have been replayed: from now on members have to show that they are alive.
    pub fn loaded(&mut self, now: TimestampMs, out: &mut Effects) {
        let ids: Vec<GroupId> = self.groups.keys().cloned().collect();
        for id in ids {
            self.with_group(id.as_str(), now, out, |kind, _, turn| {
                turn.note(Event::Loaded);
                kind.loaded(turn);
            });
        }
        self.retention.begin(now, &self.settings.offsets);
    }

    /// Handles a request. It is answered in `out`, or by a later call.
    pub fn handle(&mut self, request: Request, context: &Context<'_>, out: &mut Effects) {
        match request {
            Request::JoinGroup(request) => self.join_group(&request, context, out),
            Request::SyncGroup(request) => self.sync_group(&request, context, out),
            Request::Heartbeat(request) => self.heartbeat(&request, context, out),
            Request::LeaveGroup(request) => self.leave_group(&request, context, out),
            Request::OffsetCommit(request) => self.commit_offsets(&request, context, out),
            Request::OffsetFetch(request) => self.fetch_offsets(&request, context, out),
            Request::OffsetDelete(request) => self.delete_offsets(&request, context, out),
            Request::DescribeGroups(groups) => self.describe_groups(&groups, context, out),
            Request::DescribeGroupsInDetail(groups) => self.describe_groups_in_detail(&groups, context, out),
            Request::ListGroups(request) => self.list_groups(&request, context, out),
            Request::DeleteGroups(groups) => self.delete_groups(&groups, context, out),
            Request::ConsumerGroupHeartbeat(request) => self.consumer_heartbeat(&request, context, out),
            Request::ConsumerGroupDescribe(groups) => self.describe_consumer_groups(&groups, context, out),
        }
    }

    /// When [`Coordinator::expire`] is to be called next.
    #[must_use]
    pub fn next_deadline(&self) -> Option<TimestampMs> {
        let alarm = self.alarms.first().map(|(at, _)| *at);
        alarm.into_iter().chain(self.retention.deadline()).min()
    }

    /// Handles the most urgent of what is due, for one group; to be called again, with the effects taken out, until
    /// [`Coordinator::next_deadline`] is later than `now`.
    pub fn expire(&mut self, now: TimestampMs, image: &Image, out: &mut Effects) {
        match self.alarms.first().cloned() {
            Some((at, id)) if at <= now => {
                self.disarm(&id);
                self.with_group(id.as_str(), now, out, |kind, _, turn| kind.expire(image, turn));
            }
            _ => self.expire_offsets(now, out),
        }
    }

    /// Topics were created, changed or deleted; `image` is the metadata after that.
    pub fn topics_changed(
        &mut self,
        topics: &[TopicName],
        now: TimestampMs,
        image: &Image,
        out: &mut Effects,
    ) {
        self.forget_topics(topics, now, image, out);
    }

    /// The coordinator ends here: another broker leads its partition, or an append has failed. All open tickets are
    /// answered with `error`, in `out`, and no records are made.
    pub fn unload(self, error: ErrorCode, out: &mut Effects) {
        for mut group in self.groups.into_values() {
            group.kind.unload(error, out);
        }
    }

    /// Other settings are in force.
    pub fn set_settings(&mut self, settings: Settings) {
        self.settings = settings;
    }

    /// What happened to a group lately.
    #[must_use]
    pub fn history(&self, group: &str) -> Option<&History> {
        self.groups.get(group).map(|group| &group.history)
    }

    /// How many groups there are.
    #[must_use]
    pub fn group_count(&self) -> usize {
        self.groups.len()
    }

    /// Has a group do its part of a call: replays the records that it makes, sets its alarm, and forgets it if nothing of
    /// it is left. Gives `None` if there is no such group.
    fn with_group<R>(
        &mut self,
        id: &str,
        now: TimestampMs,
        out: &mut Effects,
        act: impl FnOnce(&mut Kind, &mut Offsets, &mut Turn<'_>) -> R,
    ) -> Option<R> {
        let group = self.groups.get_mut(id)?;
        let alarm_before = group.alarm;
        out.replayed();
        let (kind, offsets, mut turn) = group.parts(now, &self.settings, out);
        let result = act(kind, offsets, &mut turn);
        let alarm = group.alarm;
        self.arm(id, alarm_before, alarm);
        for record in out.records.get(out.replayed..).unwrap_or_default() {
            self.replay(record);
        }
        self.forget_if_vacant(id);
        Some(result)
    }

    fn group_or_new(&mut self, id: &str) -> &mut Group {
        self.groups.entry(GroupId::from(id)).or_insert_with_key(|id| Group::new(id.clone()))
    }

    fn forget_if_vacant(&mut self, id: &str) {
        if self.groups.get(id).is_some_and(Group::is_vacant)
            && let Some(group) = self.groups.remove(id)
        {
            self.arm(id, group.alarm, Alarm::default());
        }
    }

    fn arm(&mut self, id: &str, before: Alarm, after: Alarm) {
        if before == after {
            return;
        }
        let id = GroupId::from(id);
        if let Some(at) = before.at() {
            self.alarms.remove(&(at, id.clone()));
        }
        if let Some(at) = after.at() {
            self.alarms.insert((at, id));
        }
    }

    fn disarm(&mut self, id: &GroupId) {
        if let Some(group) = self.groups.get_mut(id) {
            let before = std::mem::take(&mut group.alarm);
            self.arm(id.as_str(), before, Alarm::default());
        }
    }

    fn replay_classic(&mut self, id: &str, value: Option<&protocol::group_log::GroupMetadataValue>) {
        match value {
            Some(value) => {
                let group = self.group_or_new(id);
                if !matches!(group.kind, Kind::Classic(_)) {
                    group.kind = Kind::Classic(Default::default());
                }
                if let Kind::Classic(classic) = &mut group.kind {
                    classic.replay(value);
                }
            }
            None => {
                if let Some(group) = self.groups.get_mut(id)
                    && matches!(group.kind, Kind::Classic(_))
                {
                    // Offsets have records of their own, and stay for as long as those say.
                    group.kind = Kind::Classic(Default::default());
                    self.forget_if_vacant(id);
                }
            }
        }
    }

    fn replay_consumer(&mut self, record: &Record) {
        let id = record.group_id();
        if record.is_tombstone() {
            let Some(group) = self.groups.get_mut(id.as_str()) else { return };
            let Kind::Consumer(consumer) = &mut group.kind else { return };
            consumer.replay(record);
            if consumer.is_vacant() {
                // Offsets have records of their own, and stay for as long as those say.
                group.kind = Kind::Classic(Default::default());
                self.forget_if_vacant(id);
            }
            return;
        }
        let group = self.group_or_new(id);
        if !matches!(group.kind, Kind::Consumer(_)) {
            group.kind = Kind::Consumer(Default::default());
        }
        if let Kind::Consumer(consumer) = &mut group.kind {
            consumer.replay(record);
        }
    }
}
