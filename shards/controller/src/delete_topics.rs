//! Topics are removed.

use std::collections::{BTreeMap, BTreeSet};

use metadata::Record;
use types::{ErrorCode, TopicId};

use crate::Controller;
use crate::request::{DeleteTopics, DeletedTopic, Outcome, Refusal, TopicSelector};

impl Controller {
    /// Removes topics. A topic that is named twice is refused, with one result.
    #[must_use]
    pub fn delete_topics(&self, request: &DeleteTopics) -> Outcome<Vec<DeletedTopic>> {
        // How often each selector, and each topic that is meant, occurs.
        let (mut asked, mut meant) = (BTreeMap::new(), BTreeMap::new());
        for selector in &request.topics {
            *asked.entry((&selector.name, selector.id)).or_insert(0) += 1;
        }
        for (name, id) in asked.keys() {
            if let Ok(id) = self.meant(name.as_deref(), *id) {
                *meant.entry(id).or_insert(0) += 1;
            }
        }
        let (mut records, mut reply, mut refused) = (Vec::new(), Vec::new(), BTreeSet::new());
        for selector in &request.topics {
            let Some(times) = asked.remove(&(&selector.name, selector.id)) else { continue };
            let twice = |id: &TopicId| meant.get(id).is_some_and(|selectors| *selectors > 1);
            let result = match self.meant(selector.name.as_deref(), selector.id) {
                _ if times > 1 => invalid(duplicate(selector)),
                Ok(id) if twice(&id) && !refused.insert(id) => continue,
                Ok(id) if twice(&id) => {
                    invalid("The provided topic name maps to an ID that was already supplied.")
                }
                result => result.and_then(|id| self.may_delete().map(|()| id)),
            };
            reply.push(match result {
                Ok(id) => {
                    records.push(Record::RemoveTopic { id });
                    DeletedTopic { topic: self.full(selector, id), result: Ok(()) }
                }
                Err(refusal) => DeletedTopic { topic: selector.clone(), result: Err(refusal) },
            });
        }
        Outcome { records, reply }
    }

    /// The topic that is meant.
    fn meant(&self, name: Option<&str>, id: TopicId) -> Result<TopicId, Refusal> {
        match (name, id.is_zero()) {
            (Some(_), false) => invalid("You may not specify both topic name and topic id."),
            (None, true) => invalid("Neither topic name nor id were specified."),
            (Some(name), true) => {
                let text = "This server does not host this topic-partition.";
                let unknown = || Refusal::new(ErrorCode::UnknownTopicOrPartition, text);
                self.image().topic(name).map(|topic| topic.id).ok_or_else(unknown)
            }
            (None, false) => {
                let text = "This server does not host this topic ID.";
                let unknown = || Refusal::new(ErrorCode::UnknownTopicId, text);
                self.image().topic_by_id(id).map(|topic| topic.id).ok_or_else(unknown)
            }
        }
    }

    fn may_delete(&self) -> Result<(), Refusal> {
        if self.image().broker_settings().topics.delete_enabled {
            return Ok(());
        }
        Err(Refusal::new(ErrorCode::TopicDeletionDisabled, "Topic deletion is disabled."))
    }

    fn full(&self, selector: &TopicSelector, id: TopicId) -> TopicSelector {
        let name = self.image().topic_by_id(id).map(|topic| topic.name.as_str().to_owned());
        TopicSelector { name: name.or_else(|| selector.name.clone()), id }
    }
}

fn duplicate(selector: &TopicSelector) -> &'static str {
    if selector.name.is_some() { "Duplicate topic name." } else { "Duplicate topic id." }
}

fn invalid<T>(text: &str) -> Result<T, Refusal> {
    Err(Refusal::new(ErrorCode::InvalidRequest, text))
}
