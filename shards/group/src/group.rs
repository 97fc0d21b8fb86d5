//! One group: what it is, its offsets, and what happened to it.

use std::collections::BTreeSet;

use metadata::Image;
use protocol::Str;
use types::{ErrorCode, TimestampMs};

use crate::classic::ClassicGroup;
use crate::consumer::{self, ConsumerGroup};
use crate::effects::Effects;
use crate::history::{Event, History};
use crate::names::GroupId;
use crate::offsets::{Expiry, Offsets};
use crate::records::Record;
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
#[allow(clippy::large_enum_variant, reason = "a group stays where it is, in its coordinator's map")]
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

/// What a group has at hand during one call.
pub(crate) struct Turn<'a> {
    pub now: TimestampMs,
    pub id: &'a GroupId,
    pub settings: &'a Settings,
    pub history: &'a mut History,
    pub alarm: &'a mut Alarm,
    pub out: &'a mut Effects,
}

/// Which topics the members of a group subscribe to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Subscription {
    /// These.
    Topics(BTreeSet<Str>),
    /// The members are no consumers, or speak in terms that cannot be read.
    Unknown,
}

impl Group {
    /// A group of which nothing is known yet.
    pub fn new(id: GroupId) -> Self {
        Self {
            id,
            kind: Kind::Classic(ClassicGroup::default()),
            offsets: Offsets::default(),
            history: History::default(),
            alarm: Alarm::default(),
        }
    }

    /// Whether nothing would be lost without it.
    pub fn is_vacant(&self) -> bool {
        self.offsets.is_empty() && self.kind.is_vacant()
    }

    /// The parts that a call works on.
    pub fn parts<'a>(
        &'a mut self,
        now: TimestampMs,
        settings: &'a Settings,
        out: &'a mut Effects,
    ) -> (&'a mut Kind, &'a mut Offsets, Turn<'a>) {
        let turn =
            Turn { now, id: &self.id, settings, history: &mut self.history, alarm: &mut self.alarm, out };
        (&mut self.kind, &mut self.offsets, turn)
    }
}

impl Kind {
    /// Kafka's name of the type.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Classic(_) => "classic",
            Self::Consumer(_) => "consumer",
        }
    }

    /// Kafka's name of the state.
    pub fn state_name(&self) -> &'static str {
        match self {
            Self::Classic(group) => group.state_name(),
            Self::Consumer(group) => group.state_name(),
        }
    }

    /// What the members have in common; empty before the first one joined.
    pub fn protocol_type(&self) -> Str {
        match self {
            Self::Classic(group) => group.protocol_type(),
            Self::Consumer(_) => Str::from_static("consumer"),
        }
    }

    /// Whether it has no members, and so may be deleted.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Classic(group) => group.is_empty(),
            Self::Consumer(group) => group.is_empty(),
        }
    }

    fn is_vacant(&self) -> bool {
        match self {
            Self::Classic(group) => group.is_vacant(),
            Self::Consumer(group) => group.is_vacant(),
        }
    }

    /// Whether somebody is about to join, so that an empty group is to stay.
    pub fn is_awaited(&self) -> bool {
        match self {
            Self::Classic(group) => group.is_awaited(),
            Self::Consumer(_) => false,
        }
    }

    /// Adds the records that delete a group without members.
    pub fn delete(&self, id: &GroupId, records: &mut Vec<Record>) {
        match self {
            Self::Classic(group) => group.delete(id, records),
            Self::Consumer(group) => group.delete(id, records),
        }
    }

    /// Whether offsets may be deleted, and if so which topics' may not because members still consume them.
    pub fn check_delete_offsets(&self) -> Result<Subscription, ErrorCode> {
        match self {
            Self::Classic(group) => group.check_delete_offsets(),
            Self::Consumer(group) => Ok(group.subscription()),
        }
    }

    /// From when on the retention of offsets counts.
    pub fn offset_expiry(&self) -> Expiry {
        match self {
            Self::Classic(group) => group.offset_expiry(),
            Self::Consumer(group) => Expiry::SinceCommit(group.subscription()),
        }
    }

    /// Handles all that is due, and sets the alarm for what comes next.
    pub fn expire(&mut self, image: &Image, turn: &mut Turn<'_>) {
        match self {
            Self::Classic(group) => group.expire(turn),
            Self::Consumer(_) => consumer::expire(self, image, turn),
        }
    }

    /// The group was loaded.
    pub fn loaded(&mut self, turn: &mut Turn<'_>) {
        match self {
            Self::Classic(group) => group.loaded(turn),
            Self::Consumer(group) => group.loaded(turn),
        }
    }

    /// The coordinator ends: who waits is told so.
    pub fn unload(&mut self, error: ErrorCode, out: &mut Effects) {
        match self {
            Self::Classic(group) => group.unload(error, out),
            // Its members are answered at once.
            Self::Consumer(_) => {}
        }
    }
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

impl Turn<'_> {
    /// Remembers an event.
    pub fn note(&mut self, event: Event) {
        self.history.push(self.now, event);
    }
}

impl Subscription {
    /// To no topic at all.
    pub fn none() -> Self {
        Self::Topics(BTreeSet::new())
    }

    /// Whether the topic may be subscribed to.
    pub fn contains(&self, topic: &str) -> bool {
        match self {
            Self::Topics(topics) => topics.contains(topic),
            Self::Unknown => true,
        }
    }
}
