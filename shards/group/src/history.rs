//! What happened to a group last, so that people can be told why it rebalances.
//!
//! # Invariants
//! - A group's history is bounded: old events give way to new ones.
//! - It is volatile: it begins anew when the coordinator is loaded, and decides nothing.

use std::collections::VecDeque;
use std::fmt;

use types::{ErrorCode, TimestampMs};

use crate::names::{InstanceId, MemberId};

/// How many events a group remembers. A rebalance of a few dozen members fits whole.
const EVENTS_MAX: usize = 128;

/// How much is kept of a text that a client chose.
const TEXT_BYTES_MAX: usize = 256;

/// What happened to a group, the oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    events: VecDeque<(TimestampMs, Event)>,
}

/// One thing that happened to a group.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The coordinator was loaded, and the group with it.
    Loaded,
    /// A member joined.
    Joined {
        /// The member.
        member: MemberId,
        /// How its client calls itself.
        client_id: Box<str>,
        /// Where it connects from.
        client_host: Box<str>,
    },
    /// A member asked to leave.
    Left {
        /// The member.
        member: MemberId,
        /// Why, in the client's words.
        reason: Option<Box<str>>,
    },
    /// A member was silent for longer than its session allows.
    TimedOut {
        /// The member.
        member: MemberId,
        /// Its session, in milliseconds.
        session_timeout_ms: i32,
    },
    /// A member did not come back in time for a rebalance.
    Missed {
        /// The member.
        member: MemberId,
    },
    /// A static member came back under a new id; the old one is fenced.
    Replaced {
        /// The static member.
        instance: InstanceId,
        /// Its id so far.
        old: MemberId,
        /// Its id from now on.
        new: MemberId,
    },
    /// A request was turned away because its generation or its member is not the group's.
    Fenced {
        /// The member as the request named it.
        member: MemberId,
        /// What it was told.
        error: ErrorCode,
    },
    /// A rebalance began.
    RebalanceStarted {
        /// Why, in words.
        reason: Box<str>,
    },
    /// All members have joined.
    GenerationStarted {
        /// The generation, or the epoch.
        generation: i32,
        /// How many members it has.
        members: usize,
        /// How long the members were waited for, in milliseconds.
        waited_ms: i64,
    },
    /// The members have their assignments.
    Assigned {
        /// The generation, or the epoch.
        generation: i32,
        /// How long the leader of the group took to assign, in milliseconds.
        waited_ms: i64,
    },
    /// The last member has gone.
    Emptied,
    /// Offsets were deleted because nobody had committed or used them for so long.
    OffsetsExpired {
        /// How many.
        count: usize,
    },
}

impl History {
    /// The events, the oldest first.
    pub fn events(&self) -> impl DoubleEndedIterator<Item = (TimestampMs, &Event)> {
        self.events.iter().map(|(at, event)| (*at, event))
    }

    /// Remembers an event. One that is repeated over and over does not push out the others.
    pub(crate) fn push(&mut self, now: TimestampMs, event: Event) {
        let event = event.shortened();
        if self.events.back().is_some_and(|(_, last)| *last == event) {
            return;
        }
        if self.events.len() == EVENTS_MAX {
            self.events.pop_front();
        }
        self.events.push_back((now, event));
    }
}

impl Event {
    /// The event with no more of each text than a history keeps.
    fn shortened(self) -> Self {
        match self {
            Self::Joined { member, client_id, client_host } => Self::Joined {
                member: short_id(member),
                client_id: short(client_id),
                client_host: short(client_host),
            },
            Self::Left { member, reason } => {
                Self::Left { member: short_id(member), reason: reason.map(short) }
            }
            Self::TimedOut { member, session_timeout_ms } => {
                Self::TimedOut { member: short_id(member), session_timeout_ms }
            }
            Self::Missed { member } => Self::Missed { member: short_id(member) },
            Self::Replaced { instance, old, new } => Self::Replaced {
                instance: InstanceId::from(excerpt(instance.as_str())),
                old: short_id(old),
                new: short_id(new),
            },
            Self::Fenced { member, error } => Self::Fenced { member: short_id(member), error },
            Self::RebalanceStarted { reason } => Self::RebalanceStarted { reason: short(reason) },
            Self::Loaded
            | Self::GenerationStarted { .. }
            | Self::Assigned { .. }
            | Self::Emptied
            | Self::OffsetsExpired { .. } => self,
        }
    }
}

fn short(text: Box<str>) -> Box<str> {
    if text.len() <= TEXT_BYTES_MAX { text } else { excerpt(&text).into() }
}

fn short_id(id: MemberId) -> MemberId {
    if id.as_str().len() <= TEXT_BYTES_MAX { id } else { MemberId::from(excerpt(id.as_str())) }
}

/// The beginning of a text, up to the end of a character.
fn excerpt(text: &str) -> &str {
    let end = text.char_indices().find(|(at, character)| at + character.len_utf8() > TEXT_BYTES_MAX);
    end.and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

impl fmt::Display for Event {
    /// The event as a sentence, without its end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Loaded => f.write_str("the coordinator took the group over from the log"),
            Self::Joined { member, client_id, client_host } => {
                write!(f, "{member} joined (client {client_id} at {client_host})")
            }
            Self::Left { member, reason: None } => write!(f, "{member} left"),
            Self::Left { member, reason: Some(reason) } => write!(f, "{member} left: {reason}"),
            Self::TimedOut { member, session_timeout_ms } => {
                write!(f, "{member} was silent for longer than its session of {session_timeout_ms} ms")
            }
            Self::Missed { member } => write!(f, "{member} did not take part in the rebalance in time"),
            Self::Replaced { instance, old, new } => {
                write!(f, "the static member {instance} came back as {new}; {old} is fenced")
            }
            Self::Fenced { member, error } if member.as_str().is_empty() => {
                write!(f, "a client without an id was turned away with {error}")
            }
            Self::Fenced { member, error } => write!(f, "{member} was turned away with {error}"),
            Self::RebalanceStarted { reason } => write!(f, "a rebalance began because {reason}"),
            Self::GenerationStarted { generation, members, waited_ms } => {
                write!(f, "generation {generation} began with {members} members after {waited_ms} ms")
            }
            Self::Assigned { generation, waited_ms } => {
                write!(f, "generation {generation} got its assignment after {waited_ms} ms")
            }
            Self::Emptied => f.write_str("the last member has gone"),
            Self::OffsetsExpired { count } => write!(f, "{count} offsets expired"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_ends_between_two_characters() {
        assert_eq!(excerpt("short"), "short");
        assert_eq!(excerpt(&"x".repeat(1_000)).len(), TEXT_BYTES_MAX);
        assert_eq!(excerpt(&format!("x{}", "ä".repeat(1_000))).len(), TEXT_BYTES_MAX - 1);
    }
}
