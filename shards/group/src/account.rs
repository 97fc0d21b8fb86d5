//! What a coordinator tells of a group beside what Kafka's descriptions have room for: what happened to it last, whom it waits
//! for, and when each member was heard of.
//!
//! # Not here
//! What is remembered (`history.rs`); what is made of it (`strome groups explain`).

use metadata::Image;
use protocol::messages::group_account::{GroupAccount, GroupEvent, MemberAccount};
use types::{ErrorCode, TimestampMs};

use crate::group::{Group, Kind};
use crate::history::Event;
use crate::names::{InstanceId, MemberId};
use crate::settings::ConsumerSettings;

impl Group {
    /// The group's account at `now`.
    pub fn account(&self, now: TimestampMs, image: &Image, settings: &ConsumerSettings) -> GroupAccount {
        let account = match &self.kind {
            Kind::Classic(group) => group.account(now),
            Kind::Consumer(group) => group.account(&self.id, now, image, settings),
        };
        let events = self.history.events().map(|(at, event)| event.to_wire(at)).collect();
        GroupAccount { now: now.0, events, ..account }
    }
}

/// A member that was heard of when its session of `session_timeout_ms`, which ends at `deadline`, began.
pub(crate) fn member(
    id: &MemberId,
    deadline: TimestampMs,
    session_timeout_ms: i32,
    is_awaited: bool,
    now: TimestampMs,
) -> MemberAccount {
    let heard_at = deadline.0.saturating_sub(i64::from(session_timeout_ms)).min(now.0);
    MemberAccount { member_id: id.to_wire(), heard_at, session_timeout_ms, is_awaited }
}

/// The kinds of events. They are read by other releases than the one that wrote them: a number keeps its meaning.
mod kind {
    pub const LOADED: i8 = 0;
    pub const JOINED: i8 = 1;
    pub const LEFT: i8 = 2;
    pub const TIMED_OUT: i8 = 3;
    pub const MISSED: i8 = 4;
    pub const REPLACED: i8 = 5;
    pub const FENCED: i8 = 6;
    pub const REBALANCE_STARTED: i8 = 7;
    pub const GENERATION_STARTED: i8 = 8;
    pub const ASSIGNED: i8 = 9;
    pub const EMPTIED: i8 = 10;
    pub const OFFSETS_EXPIRED: i8 = 11;
}

impl Event {
    /// The event as an account has it.
    #[must_use]
    pub fn to_wire(&self, at: TimestampMs) -> GroupEvent {
        let (kind, texts, numbers): (i8, Vec<&str>, Vec<i64>) = match self {
            Self::Loaded => (kind::LOADED, vec![], vec![]),
            Self::Joined { member, client_id, client_host } => {
                (kind::JOINED, vec![member.as_str(), client_id, client_host], vec![])
            }
            Self::Left { member, reason } => {
                let texts = [member.as_str()].into_iter().chain(reason.as_deref());
                (kind::LEFT, texts.collect(), vec![])
            }
            Self::TimedOut { member, session_timeout_ms } => {
                (kind::TIMED_OUT, vec![member.as_str()], vec![(*session_timeout_ms).into()])
            }
            Self::Missed { member } => (kind::MISSED, vec![member.as_str()], vec![]),
            Self::Replaced { instance, old, new } => {
                (kind::REPLACED, vec![instance.as_str(), old.as_str(), new.as_str()], vec![])
            }
            Self::Fenced { member, error } => {
                (kind::FENCED, vec![member.as_str()], vec![error.code().into()])
            }
            Self::RebalanceStarted { reason } => (kind::REBALANCE_STARTED, vec![reason], vec![]),
            Self::GenerationStarted { generation, members, waited_ms } => {
                let members = i64::try_from(*members).unwrap_or(i64::MAX);
                (kind::GENERATION_STARTED, vec![], vec![(*generation).into(), members, *waited_ms])
            }
            Self::Assigned { generation, waited_ms } => {
                (kind::ASSIGNED, vec![], vec![(*generation).into(), *waited_ms])
            }
            Self::Emptied => (kind::EMPTIED, vec![], vec![]),
            Self::OffsetsExpired { count } => {
                (kind::OFFSETS_EXPIRED, vec![], vec![i64::try_from(*count).unwrap_or(i64::MAX)])
            }
        };
        GroupEvent { at: at.0, kind, texts: texts.into_iter().map(Into::into).collect(), numbers }
    }

    /// Reads an event of an account; `None` for one that only a later release knows.
    #[must_use]
    pub fn from_wire(event: &GroupEvent) -> Option<Self> {
        let texts: Vec<&str> = event.texts.iter().map(|text| text.as_str()).collect();
        Some(match (event.kind, texts.as_slice(), event.numbers.as_slice()) {
            (kind::LOADED, ..) => Self::Loaded,
            (kind::JOINED, [member, client_id, client_host], _) => Self::Joined {
                member: MemberId::from(*member),
                client_id: (*client_id).into(),
                client_host: (*client_host).into(),
            },
            (kind::LEFT, [member, reason @ ..], _) => Self::Left {
                member: MemberId::from(*member),
                reason: reason.first().map(|text| (*text).into()),
            },
            (kind::TIMED_OUT, [member], [session_timeout_ms]) => Self::TimedOut {
                member: MemberId::from(*member),
                session_timeout_ms: i32::try_from(*session_timeout_ms).ok()?,
            },
            (kind::MISSED, [member], _) => Self::Missed { member: MemberId::from(*member) },
            (kind::REPLACED, [instance, old, new], _) => Self::Replaced {
                instance: InstanceId::from(*instance),
                old: MemberId::from(*old),
                new: MemberId::from(*new),
            },
            (kind::FENCED, [member], [code]) => Self::Fenced {
                member: MemberId::from(*member),
                error: ErrorCode::from_code(i16::try_from(*code).ok()?)?,
            },
            (kind::REBALANCE_STARTED, [reason], _) => Self::RebalanceStarted { reason: (*reason).into() },
            (kind::GENERATION_STARTED, _, [generation, members, waited_ms]) => Self::GenerationStarted {
                generation: i32::try_from(*generation).ok()?,
                members: usize::try_from(*members).ok()?,
                waited_ms: *waited_ms,
            },
            (kind::ASSIGNED, _, [generation, waited_ms]) => {
                Self::Assigned { generation: i32::try_from(*generation).ok()?, waited_ms: *waited_ms }
            }
            (kind::EMPTIED, ..) => Self::Emptied,
            (kind::OFFSETS_EXPIRED, _, [count]) => {
                Self::OffsetsExpired { count: usize::try_from(*count).ok()? }
            }
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_is_read_as_it_was_written() {
        let member = || MemberId::from("m");
        let events = [
            Event::Loaded,
            Event::Joined { member: member(), client_id: "c".into(), client_host: "/h".into() },
            Event::Left { member: member(), reason: None },
            Event::Left { member: member(), reason: Some("enough".into()) },
            Event::TimedOut { member: member(), session_timeout_ms: 45_000 },
            Event::Missed { member: member() },
            Event::Replaced { instance: "i".into(), old: member(), new: "n".into() },
            Event::Fenced { member: member(), error: ErrorCode::FencedInstanceId },
            Event::RebalanceStarted { reason: "m joined".into() },
            Event::GenerationStarted { generation: 7, members: 3, waited_ms: 250 },
            Event::Assigned { generation: 7, waited_ms: 9 },
            Event::Emptied,
            Event::OffsetsExpired { count: 4 },
        ];
        for event in events {
            let wire = event.to_wire(TimestampMs(5));
            assert_eq!((wire.at, Event::from_wire(&wire)), (5, Some(event)));
        }
    }

    #[test]
    fn an_event_of_a_later_release_and_a_maimed_one_are_passed_over() {
        assert_eq!(Event::from_wire(&GroupEvent { kind: i8::MAX, ..Default::default() }), None);
        assert_eq!(Event::from_wire(&GroupEvent { kind: kind::JOINED, ..Default::default() }), None);
        let fenced = GroupEvent { kind: kind::FENCED, texts: vec!["m".into()], ..Default::default() };
        assert_eq!(Event::from_wire(&GroupEvent { numbers: vec![i64::MAX], ..fenced }), None);
    }
}
