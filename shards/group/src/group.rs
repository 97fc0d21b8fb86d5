//! One group: what it is, its offsets, and what happened to it.

use types::TimestampMs;

use crate::classic::ClassicGroup;
use crate::consumer::ConsumerGroup;
use crate::effects::Effects;
use crate::history::{Event, History};
use crate::names::GroupId;
use crate::offsets::Offsets;
use crate::settings::Settings;

/// One group of a coordinator. Its offsets stay when its members change from one protocol to the other.
#[derive(Debug)]
pub(crate) struct Group {
    pub id: GroupId,
    pub kind: Kind,
    pub offsets: Offsets,
    pub history: History,
    pub alarm: Alarm,
}

/// The protocol of a group. A group without members that was only committed to counts as classic.
#[derive(Debug)]
pub(crate) enum Kind {
    Classic(ClassicGroup),
    Consumer(ConsumerGroup),
}

/// When a group has to be looked at again: never later than its first deadline. Deadlines mostly move on (with every
/// heartbeat), which needs no new alarm; one that rings too early is set anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Alarm {
    at: Option<TimestampMs>,
}

impl Alarm {
    /// Rings at `deadline` or before.
    pub fn by(&mut self, deadline: TimestampMs) {
        self.at = Some(self.at.map_or(deadline, |at| at.min(deadline)));
    }

    /// When it rings.
    pub fn at(self) -> Option<TimestampMs> {
        self.at
    }
}

/// What a group has at hand during one call.
pub(crate) struct Turn<'a> {
    pub now: TimestampMs,
    pub id: &'a GroupId,
    pub settings: &'a Settings,
    pub history: &'a mut History,
    pub alarm: &'a mut Alarm,
    pub out: &'a mut Effects,
}

impl Turn<'_> {
    /// Remembers an event.
    pub fn note(&mut self, event: Event) {
        self.history.push(self.now, event);
    }
}
