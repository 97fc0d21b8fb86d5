//! What a coordinator remembers of a group: how often it rebalanced and what set that off, who went and why, and who was
//! turned away.

use std::collections::BTreeMap;

use group::{Event, MemberId};
use types::{ErrorCode, TimestampMs};

use super::finding::{Finding, ago, counted, listed, span, times};
use super::look::{Look, named};
use crate::client::Account;

/// What lies further back no longer explains anything.
const LATELY_MS: i64 = 10 * 60 * 1000;

/// A group that starts, or a deployment, rebalances once or twice. More often than this is often.
const REBALANCES_MANY: usize = 4;

/// What clients of Java say when their application has not called poll() in time (KIP-800).
const POLL_TIMEOUT: &str = "poll timeout";

/// How a coordinator, or a client of Java that leads a classic group, says that topics have changed.
const TOPICS_CHANGED: [&str; 3] = ["topics were created", "match a pattern", "metadata has changed"];

/// What set off a rebalance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Cause {
    SessionEnded,
    PollTimeout,
    NotRejoined,
    Left,
    Joined,
    CameBack,
    Topics,
    Subscription,
    Leader,
    Other,
}

/// The findings; none without an account.
pub(super) fn findings(look: &Look) -> Vec<Finding> {
    let Some(account) = &look.account else { return Vec::new() };
    let memory = Memory::of(look, account);
    let mut findings = Vec::new();
    findings.extend(memory.rebalances());
    findings.extend(memory.timed_out());
    findings.extend(memory.slow_pollers());
    findings.extend(memory.missed());
    findings.extend(memory.replaced());
    findings.extend(memory.turned_away());
    findings
}

/// What is remembered of the last minutes.
struct Memory<'a> {
    look: &'a Look,
    account: &'a Account,
    /// The oldest first.
    lately: Vec<&'a (TimestampMs, Event)>,
}

impl<'a> Memory<'a> {
    fn of(look: &'a Look, account: &'a Account) -> Self {
        let is_late = |(at, _): &&(TimestampMs, Event)| account.now.0 - at.0 <= LATELY_MS;
        Self { look, account, lately: account.events.iter().filter(is_late).collect() }
    }

    fn age_ms(&self, at: TimestampMs) -> i64 {
        self.account.now.0 - at.0
    }

    /// How a member is called that may be gone.
    fn who(&self, id: &str) -> String {
        let joined = self.account.events.iter().rev().find_map(|(_, event)| match event {
            Event::Joined { member, client_id, client_host } if member.as_str() == id => {
                Some(named(id, client_id, client_host))
            }
            _ => None,
        });
        joined.unwrap_or_else(|| self.look.who(id))
    }

    /// How often the group rebalanced, and why.
    fn rebalances(&self) -> Option<Finding> {
        let mut causes: BTreeMap<Cause, usize> = BTreeMap::new();
        let mut last = None;
        for (place, (at, event)) in self.lately.iter().enumerate() {
            if let Event::RebalanceStarted { reason } = event {
                let before =
                    place.checked_sub(1).and_then(|place| self.lately.get(place)).map(|(_, event)| event);
                *causes.entry(cause(before, reason)).or_default() += 1;
                last = Some((*at, reason));
            }
        }
        let (last_at, last_reason) = last?;
        let count: usize = causes.values().sum();
        let first_at = self.lately.first().map_or(last_at, |(at, _)| *at);
        let mut ordered: Vec<(Cause, usize)> = causes.into_iter().collect();
        ordered.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        if count < REBALANCES_MANY {
            return Some(Finding::note(
                "rebalanced",
                format!(
                    "It rebalanced {} in the last {}, the last time {} because {last_reason}.",
                    times(count),
                    span(LATELY_MS),
                    ago(self.age_ms(last_at))
                ),
                "Nothing: a group rebalances when members or topics come and go.",
            ));
        }
        let told: Vec<String> =
            ordered.iter().map(|(cause, count)| format!("{} {}", times(*count), cause.words())).collect();
        let text = format!(
            "It rebalanced {} in {}, the last time {} because {last_reason}. What set it off: {}.",
            times(count),
            span(self.age_ms(first_at)),
            ago(self.age_ms(last_at)),
            told.join("; ")
        );
        let advice = ordered.first().map_or("", |(cause, _)| cause.advice());
        Some(Finding::problem("rebalances-often", text, advice))
    }

    /// Who went by an event in which `picked` finds a member, each once, the last first: by name, and how long ago.
    fn departures(&self, picked: impl Fn(&'a Event) -> Option<&'a MemberId>) -> Option<String> {
        let mut last: BTreeMap<&str, TimestampMs> = BTreeMap::new();
        for (at, event) in &self.lately {
            if let Some(member) = picked(event) {
                last.insert(member.as_str(), *at);
            }
        }
        let mut gone: Vec<(&str, TimestampMs)> = last.into_iter().collect();
        gone.sort_by_key(|(_, at)| std::cmp::Reverse(*at));
        let told =
            |(member, at): (&str, TimestampMs)| format!("{} {}", self.who(member), ago(self.age_ms(at)));
        let told: Vec<String> = gone.into_iter().map(told).collect();
        (!told.is_empty()).then(|| listed(&told))
    }

    fn timed_out(&self) -> Option<Finding> {
        let session = |event: &Event| match event {
            Event::TimedOut { session_timeout_ms, .. } => Some(i64::from(*session_timeout_ms)),
            _ => None,
        };
        let session = self.lately.iter().rev().find_map(|(_, event)| session(event))?;
        let gone = self.departures(|event| match event {
            Event::TimedOut { member, .. } => Some(member),
            _ => None,
        })?;
        Some(Finding::problem(
            "session-ended",
            format!("Put out, because nothing was heard of it for its session of {}: {gone}.", span(session)),
            "Find out why it fell silent: a process that was killed or crashed, a long pause (garbage collection, a suspended host), a \
             network that lost its packets. Only if that cannot be mended, raise the session time-out (session.timeout.ms; \
             consumer.session.timeout.ms of the group with the consumer protocol).",
        ))
    }

    fn slow_pollers(&self) -> Option<Finding> {
        let gone = self.departures(|event| match event {
            Event::Left { member, reason: Some(reason) } if reason.contains(POLL_TIMEOUT) => Some(member),
            _ => None,
        })?;
        Some(Finding::problem(
            "poll-interval",
            format!("Left, because its application did not call poll() within max.poll.interval.ms: {gone}."),
            "It takes too long over the records of one poll(): lower max.poll.records, hand the work to other threads, or raise \
             max.poll.interval.ms above the longest time that it takes.",
        ))
    }

    fn missed(&self) -> Option<Finding> {
        let gone = self.departures(|event| match event {
            Event::Missed { member } => Some(member),
            _ => None,
        })?;
        Some(Finding::problem(
            "rebalance-missed",
            format!(
                "Put out, because it did not take its part in a rebalance in time (rejoin, fetch its assignment, or give up \
                 partitions): {gone}."
            ),
            "Its time is max.poll.interval.ms: the application took longer between two calls of poll(). Lower max.poll.records, make \
             it faster, or raise that setting.",
        ))
    }

    /// Static members that are replaced over and over: there are two of the same name.
    fn replaced(&self) -> Vec<Finding> {
        let mut counts: BTreeMap<&str, (usize, TimestampMs)> = BTreeMap::new();
        for (at, event) in &self.lately {
            if let Event::Replaced { instance, .. } = event {
                let entry = counts.entry(instance.as_str()).or_insert((0, *at));
                *entry = (entry.0 + 1, *at);
            }
        }
        let often = counts.into_iter().filter(|(_, (count, _))| *count > 1);
        let finding = |(instance, (count, at)): (&str, (usize, TimestampMs))| {
            Finding::problem(
                "instance-replaced",
                format!(
                    "The static member {instance} was replaced {} in the last {}, the last time {}.",
                    times(count),
                    span(LATELY_MS),
                    ago(self.age_ms(at))
                ),
                format!(
                    "Either it restarts over and over, or two processes have the group.instance.id {instance}: give each its own."
                ),
            )
        };
        often.map(finding).collect()
    }

    fn turned_away(&self) -> Vec<Finding> {
        let mut by_error: BTreeMap<i16, (ErrorCode, usize, TimestampMs, String)> = BTreeMap::new();
        for (at, event) in &self.lately {
            if let Event::Fenced { member, error } = event {
                let id = member.as_str();
                let name = if id.is_empty() { "a client without an id".to_owned() } else { self.who(id) };
                let entry = by_error.entry(error.code()).or_insert((*error, 0, *at, String::new()));
                *entry = (*error, entry.1 + 1, *at, name);
            }
        }
        let finding = |(error, count, at, name): (ErrorCode, usize, TimestampMs, String)| {
            let (is_problem, advice) = meaning(error);
            let text = format!(
                "{} turned away with {}, the last {}: {name}.",
                counted_requests(count),
                error.kafka_name(),
                ago(self.age_ms(at))
            );
            if is_problem {
                Finding::problem("turned-away", text, advice)
            } else {
                Finding::note("turned-away", text, advice)
            }
        };
        by_error.into_values().map(finding).collect()
    }
}

fn counted_requests(count: usize) -> String {
    format!("{} {}", counted(count, "request"), if count == 1 { "was" } else { "were" })
}

/// What set off a rebalance: as a rule what happened right before, else what the reason says.
fn cause(before: Option<&Event>, reason: &str) -> Cause {
    match before {
        Some(Event::TimedOut { .. }) => Cause::SessionEnded,
        Some(Event::Left { reason: Some(why), .. }) if why.contains(POLL_TIMEOUT) => Cause::PollTimeout,
        Some(Event::Left { .. }) => Cause::Left,
        Some(Event::Missed { .. }) => Cause::NotRejoined,
        Some(Event::Joined { .. }) => Cause::Joined,
        Some(Event::Replaced { .. }) => Cause::CameBack,
        _ if TOPICS_CHANGED.iter().any(|words| reason.contains(words)) => Cause::Topics,
        _ if reason.contains("rejoins with other metadata") || reason.contains("subscribes to other") => {
            Cause::Subscription
        }
        _ if reason.contains("leads the group and rejoins") => Cause::Leader,
        _ => Cause::Other,
    }
}

impl Cause {
    const fn words(self) -> &'static str {
        match self {
            Self::SessionEnded => "a member was silent for too long",
            Self::PollTimeout => "an application did not call poll() in time",
            Self::NotRejoined => "a member did not take its part in a rebalance",
            Self::Left => "a member left",
            Self::Joined => "a member joined",
            Self::CameBack => "a static member came back changed",
            Self::Topics => "topics changed",
            Self::Subscription => "a member subscribed to something else, or gave up partitions",
            Self::Leader => "the leader of the group asked for it",
            Self::Other => "something else",
        }
    }

    const fn advice(self) -> &'static str {
        match self {
            Self::SessionEnded => {
                "Find out why members fall silent: processes that crash, long pauses, a network that loses packets. Each time costs \
                 two rebalances, one when the member is put out and one when it is back."
            }
            Self::PollTimeout | Self::NotRejoined => {
                "Applications take longer between two calls of poll() than max.poll.interval.ms: lower max.poll.records, make them \
                 faster, or raise that setting."
            }
            Self::Left | Self::Joined | Self::CameBack => {
                "Members come and go: look for what restarts them (a crash loop, a deployment, an autoscaler). With a \
                 group.instance.id a restart within the session costs no rebalance."
            }
            Self::Topics => {
                "Topics are created, deleted or given partitions again and again: do that less often, or subscribe to fewer by name \
                 rather than by a pattern."
            }
            Self::Subscription => {
                "Members change what they subscribe to again and again: have each subscribe once. With the cooperative assignor a \
                 second rebalance follows each one in which partitions move; that is meant so."
            }
            Self::Leader | Self::Other => {
                "See the log of the group's leader and of the coordinator for why it asks; new partitions of topics are the most \
                 frequent reason."
            }
        }
    }
}

/// Whether an error that a client was turned away with needs somebody to act, and what it means.
fn meaning(error: ErrorCode) -> (bool, &'static str) {
    match error {
        ErrorCode::FencedInstanceId => (
            true,
            "Another process has the same group.instance.id and took the place: give each process an id of its own.",
        ),
        ErrorCode::GroupMaxSizeReached => (
            true,
            "The group is full: run fewer members, or raise the broker's group.max.size (group.consumer.max.size).",
        ),
        ErrorCode::InconsistentGroupProtocol => (
            true,
            "It has no assignor in common with the others, or is no consumer: partition.assignment.strategy has to share one name \
             in all members. While an application moves to another one, both have to be listed.",
        ),
        ErrorCode::UnknownMemberId => (
            false,
            "It was put out before, or its coordinator was loaded anew; it joins again by itself. If it does so over and over, look \
             for why it is put out.",
        ),
        ErrorCode::IllegalGeneration | ErrorCode::FencedMemberEpoch | ErrorCode::StaleMemberEpoch => (
            false,
            "It had missed a rebalance, and joins again by itself; what it meant to commit was not committed, and its records are \
             read again.",
        ),
        ErrorCode::UnreleasedInstanceId => (
            true,
            "The static member of this name still counts as there: stop it first, or wait until its session has ended.",
        ),
        _ => (true, "See the log of that client for what it asked for."),
    }
}
