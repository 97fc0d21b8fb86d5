//! All groups of one partition of `__consumer_offsets`.
//!
//! # Invariants
//! - A group exists while it has members, offsets, or a record that says so.
//! - [`Coordinator::next_deadline`] is never later than the first time at which a group has something to do.

use std::collections::{BTreeMap, BTreeSet};

use metadata::Image;
use types::{TimestampMs, TopicName};

use crate::effects::Effects;
use crate::group::Group;
use crate::history::History;
use crate::names::GroupId;
use crate::records::Record;
use crate::request::{Context, Request};
use crate::settings::Settings;

/// The coordinator of the groups whose ids hash to one partition of `__consumer_offsets`. It lives on the shard that
/// leads that partition, from loading to [`Coordinator::unload`].
#[derive(Debug)]
pub struct Coordinator {
    settings: Settings,
    groups: BTreeMap<GroupId, Group>,
    /// The groups that wait for a time, by it. A group is here at most once.
    alarms: BTreeSet<(TimestampMs, GroupId)>,
}

impl Coordinator {
    /// A coordinator without groups, into which the records of its partition are to be replayed.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { settings, groups: BTreeMap::new(), alarms: BTreeSet::new() }
    }

    /// Takes over a record of the log: while loading, all of them in their order. Nothing else changes what has to
    /// survive; calls that make records replay those themselves.
    pub fn replay(&mut self, record: &Record) {
        let _ = record;
    }

    /// All records have been replayed: from now on the members have to show that they are alive.
    pub fn loaded(&mut self, now: TimestampMs, out: &mut Effects) {
        let _ = (now, out);
    }

    /// Handles a request. It is answered in `out`, or by a later call.
    pub fn handle(&mut self, request: Request, context: &Context<'_>, out: &mut Effects) {
        out.reply(
            context.ticket,
            request.refused(context.version, types::ErrorCode::CoordinatorNotAvailable),
        );
    }

    /// When [`Coordinator::expire`] is to be called next.
    #[must_use]
    pub fn next_deadline(&self) -> Option<TimestampMs> {
        self.alarms.first().map(|(at, _)| *at)
    }

    /// Handles the most urgent of what is due, which is one event of one group; to be called again, with the effects
    /// taken out, until [`Coordinator::next_deadline`] is later than `now`.
    pub fn expire(&mut self, now: TimestampMs, image: &Image, out: &mut Effects) {
        let _ = (now, image, out);
    }

    /// Topics were created, changed or deleted; `image` is the metadata after that.
    pub fn topics_changed(
        &mut self,
        topics: &[TopicName],
        now: TimestampMs,
        image: &Image,
        out: &mut Effects,
    ) {
        let _ = (topics, now, image, out);
    }

    /// The coordinator ends here: another broker leads its partition, or an append has failed. All open tickets are
    /// answered with `error`, in `out`, and no records are made.
    pub fn unload(self, error: types::ErrorCode, out: &mut Effects) {
        let _ = (error, out);
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
}
