//! The controller: one face for all requests, and the state they are judged against.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use metadata::{ApplyError, Delta, Image, LogIndex, Record};
use types::{TimestampMs, TopicName};

use crate::request::{Outcome, Reply, Request};
use crate::seed::Seed;

/// Judges requests against the committed metadata. Lives on the control thread for as long as the node does.
#[derive(Clone, Debug)]
pub struct Controller {
    image: Arc<Image>,
    /// The topics whose names could collide, by what they collide in. Derived from the image.
    collisions: BTreeMap<String, BTreeSet<TopicName>>,
}

impl Controller {
    /// A controller that knows what `image` says.
    #[must_use]
    pub fn new(image: Image) -> Self {
        let mut collisions = BTreeMap::new();
        for topic in image.topics() {
            remember(&mut collisions, &topic.name);
        }
        Self { image: Arc::new(image), collisions }
    }

    /// The metadata as committed.
    #[must_use]
    pub fn image(&self) -> &Arc<Image> {
        &self.image
    }

    /// Takes a committed entry of the log. Nothing else changes the controller.
    pub fn replay(&mut self, index: LogIndex, records: &[Record]) -> Result<Delta, ApplyError> {
        let (image, delta) = self.image.apply(index, records)?;
        for (id, topic) in &delta.topics {
            if let Some(topic) = self.image.topic_by_id(*id).filter(|_| topic.removed) {
                forget(&mut self.collisions, &topic.name);
            }
            if let Some(topic) = image.topic_by_id(*id).filter(|_| topic.created) {
                remember(&mut self.collisions, &topic.name);
            }
        }
        self.image = Arc::new(image);
        Ok(delta)
    }

    /// A topic whose name would be told apart from `name` by nothing but `.` and `_`.
    pub(crate) fn colliding(&self, name: &TopicName) -> Option<&TopicName> {
        self.collisions.get(&name.collision_key())?.iter().find(|other| *other != name)
    }

    /// Judges any request.
    #[must_use]
    pub fn handle(&self, request: &Request, now: TimestampMs, seed: Seed) -> Outcome<Reply> {
        // No request depends on the time so far; those that will are judged here too.
        let _ = now;
        match request {
            Request::RegisterBroker(request) => self.register_broker(request).map(Reply::RegisterBroker),
            Request::CreateTopics(request) => self.create_topics(request, seed).map(Reply::CreateTopics),
            Request::DeleteTopics(request) => self.delete_topics(request).map(Reply::DeleteTopics),
            Request::CreatePartitions(request) => {
                self.create_partitions(request, seed).map(Reply::CreatePartitions)
            }
            Request::IncrementalAlterConfigs(request) => {
                self.incremental_alter_configs(request).map(Reply::IncrementalAlterConfigs)
            }
            Request::AlterConfigs(request) => self.alter_configs(request).map(Reply::AlterConfigs),
            Request::AllocateProducerIds(request) => {
                self.allocate_producer_ids(request).map(Reply::AllocateProducerIds)
            }
            Request::RenewLeaderEpochs(request) => {
                self.renew_leader_epochs(request).map(Reply::RenewLeaderEpochs)
            }
            Request::ReportReplicas(request) => self.report_replicas(request).map(Reply::ReportReplicas),
        }
    }
}

/// Only names with `.` or `_` can collide, which spares most topics their place here.
fn can_collide(name: &TopicName) -> bool {
    name.as_str().contains(['.', '_'])
}

fn remember(collisions: &mut BTreeMap<String, BTreeSet<TopicName>>, name: &TopicName) {
    if can_collide(name) {
        collisions.entry(name.collision_key()).or_default().insert(name.clone());
    }
}

fn forget(collisions: &mut BTreeMap<String, BTreeSet<TopicName>>, name: &TopicName) {
    let key = name.collision_key();
    if let Some(names) = collisions.get_mut(&key) {
        names.remove(name);
        if names.is_empty() {
            collisions.remove(&key);
        }
    }
}
