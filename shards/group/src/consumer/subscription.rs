//! What the members of a group want to read: names of topics, and patterns with the topics they were found to match.
//!
//! Most members of a group subscribe to the same. Such members share one [`Subscription`] in memory, and what has to be
//! known of it is worked out once.
//!
//! # Invariants
//! - A subscription is kept as long as a member has it, a match as long as a member has its pattern or the log says so.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use metadata::Image;
use protocol::Str;
use protocol::group_log::ConsumerGroupRegularExpressionValue;
use types::{TimestampMs, TopicId};

/// What a member wants to read.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Subscription {
    topics: BTreeSet<Str>,
    pattern: Option<Str>,
}

/// The topics that a pattern was found to match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Match {
    /// Their names.
    pub topics: BTreeSet<Str>,
    /// The position in the metadata log up to which topics were looked at.
    pub version: i64,
    /// When they were.
    pub at: TimestampMs,
}

/// What all members of a group want to read.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions {
    /// How many members have each subscription.
    members: BTreeMap<Arc<Subscription>, usize>,
    matches: BTreeMap<Str, Match>,
}

impl Subscription {
    /// A subscription to these topics, and to those that the pattern matches. The empty pattern is none.
    pub fn new(topics: impl IntoIterator<Item = Str>, pattern: Option<Str>) -> Self {
        Self { topics: topics.into_iter().collect(), pattern: pattern.filter(|text| !text.is_empty()) }
    }

    /// The names of topics.
    pub fn topics(&self) -> impl ExactSizeIterator<Item = &Str> {
        self.topics.iter()
    }

    /// The pattern.
    pub fn pattern(&self) -> Option<&Str> {
        self.pattern.as_ref()
    }

    /// Whether both name the same topics, whatever their patterns.
    pub fn same_topics(&self, other: &Self) -> bool {
        self.topics == other.topics
    }

    /// The same with other topics, where there are any.
    pub fn with(&self, topics: Option<&[Str]>, pattern: Option<&Str>) -> Self {
        let topics = topics.map(|topics| topics.iter().map(Str::detached).collect());
        let pattern = pattern.map(Str::detached).or_else(|| self.pattern.clone());
        Self {
            topics: topics.unwrap_or_else(|| self.topics.clone()),
            pattern: pattern.filter(|text| !text.is_empty()),
        }
    }
}

impl Match {
    /// As a record has it.
    pub fn from_record(value: &ConsumerGroupRegularExpressionValue) -> Self {
        Self {
            topics: value.topics.iter().map(Str::detached).collect(),
            version: value.version,
            at: TimestampMs(value.timestamp),
        }
    }

    /// As a record is to have it.
    pub fn to_record(&self) -> ConsumerGroupRegularExpressionValue {
        ConsumerGroupRegularExpressionValue {
            topics: self.topics.iter().cloned().collect(),
            version: self.version,
            timestamp: self.at.0,
        }
    }
}

impl Subscriptions {
    /// One more member has this subscription, and shares it with those that have the same.
    pub fn add(&mut self, subscription: &mut Arc<Subscription>) {
        if let Some((shared, _)) = self.members.get_key_value(subscription) {
            *subscription = Arc::clone(shared);
        }
        *self.members.entry(Arc::clone(subscription)).or_default() += 1;
    }

    /// One member less has this subscription.
    pub fn remove(&mut self, subscription: &Arc<Subscription>) {
        if let Some(count) = self.members.get_mut(subscription) {
            *count -= 1;
            if *count == 0 {
                self.members.remove(subscription);
            }
        }
    }

    /// Notes what a pattern matches, or forgets it.
    pub fn set_match(&mut self, pattern: &Str, matched: Option<Match>) {
        match matched {
            Some(matched) => drop(self.matches.insert(pattern.detached(), matched)),
            None => drop(self.matches.remove(pattern)),
        }
    }

    /// What a pattern matches, as far as it was looked at.
    pub fn matched(&self, pattern: &str) -> Option<&Match> {
        self.matches.get(pattern)
    }

    /// All patterns with what they match.
    pub fn matches(&self) -> impl Iterator<Item = (&Str, &Match)> {
        self.matches.iter()
    }

    /// The patterns that members have.
    pub fn patterns(&self) -> BTreeSet<&Str> {
        self.members.keys().filter_map(|subscription| subscription.pattern.as_ref()).collect()
    }

    /// Every subscription that a member has.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Subscription>> {
        self.members.keys()
    }

    /// The names of all topics that the group reads, whether they exist or not.
    pub fn topics(&self) -> BTreeSet<&str> {
        self.iter().flat_map(|subscription| self.topics_of(subscription)).map(Str::as_str).collect()
    }

    /// The ids of the topics of one subscription, as far as they exist.
    pub fn topic_ids(&self, subscription: &Subscription, image: &Image) -> BTreeSet<TopicId> {
        self.topics_of(subscription).filter_map(|name| image.topic(name)).map(|topic| topic.id).collect()
    }

    fn topics_of<'a>(&'a self, subscription: &'a Subscription) -> impl Iterator<Item = &'a Str> {
        let matched = subscription.pattern.as_ref().and_then(|pattern| self.matches.get(pattern));
        subscription.topics.iter().chain(matched.into_iter().flat_map(|matched| &matched.topics))
    }
}
