//! From one image to the next: applies the records of an entry and tells what they changed.
//!
//! # Invariants
//! - An image is changed by whole entries only; an entry of which one record does not fit changes nothing.
//! - A topic that came through here has its partitions from 0 on without a gap, each with at least one replica, with
//!   in-sync replicas that are replicas, and with a leader that is in sync or none.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use types::{BrokerId, PartitionIndex, TopicId, TopicName, Uuid, limits};

use crate::configs::{ConfigResource, ResourceKind};
use crate::delta::Delta;
use crate::image::{Image, LogIndex};
use crate::record::{PartitionChange, Record};
use crate::settings::{BrokerLayers, BrokerSettings, TopicSettings};
use crate::topic::{Partition, Topic};

/// A record that does not fit the image: the log is not the one that the image came from, or a program is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplyError {
    /// The entry.
    pub index: LogIndex,
    /// The record and what is wrong with it.
    pub what: String,
}

impl fmt::Display for ApplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "entry {} of the metadata log does not fit what came before: {}", self.index.0, self.what)
    }
}

impl std::error::Error for ApplyError {}

impl Image {
    /// The image after the entry `index` with these records, and what it changes.
    ///
    /// # Errors
    /// If a record does not fit: see [`ApplyError`].
    pub fn apply(&self, index: LogIndex, records: &[Record]) -> Result<(Self, Delta), ApplyError> {
        let mut next = Next {
            image: self.clone(),
            delta: Delta::default(),
            open: BTreeMap::new(),
            renewed: BTreeSet::new(),
            broker_configs: false,
        };
        for record in records {
            next.record(record).map_err(|what| ApplyError { index, what })?;
        }
        next.image.index = index;
        Ok(next.finish())
    }
}

/// An image in the making.
struct Next {
    image: Image,
    delta: Delta,
    /// The topics that are being changed; they replace those in the image in the end.
    open: BTreeMap<TopicId, Topic>,
    /// The topics whose settings have to be resolved anew.
    renewed: BTreeSet<TopicId>,
    /// Whether settings of this node, or of all brokers, were altered.
    broker_configs: bool,
}

impl Next {
    fn record(&mut self, record: &Record) -> Result<(), String> {
        match record {
            Record::ClusterId { id } => self.cluster_id(id),
            Record::RegisterBroker(broker) => {
                Arc::make_mut(&mut self.image.brokers).insert(broker.id, broker.clone());
                self.delta.brokers = true;
                Ok(())
            }
            Record::UnregisterBroker { id } => {
                let gone = Arc::make_mut(&mut self.image.brokers).remove(id);
                self.delta.brokers = true;
                gone.map(|_| ()).ok_or_else(|| unknown_broker(*id))
            }
            Record::FenceBroker { id, fenced } => {
                let brokers = Arc::make_mut(&mut self.image.brokers);
                brokers.get_mut(id).ok_or_else(|| unknown_broker(*id))?.fenced = *fenced;
                self.delta.brokers = true;
                Ok(())
            }
            Record::Topic { id, name } => self.topic(*id, name),
            Record::RemoveTopic { id } => self.remove_topic(*id),
            Record::Partition { topic, index, state } => self.partition(*topic, *index, state),
            Record::PartitionChange { topic, index, change } => self.partition_change(*topic, *index, change),
            Record::Config { resource, key, value } => self.config(resource, key, value.as_deref()),
            Record::ProducerIds { next } => {
                self.image.next_producer_id = self.image.next_producer_id.max(*next);
                Ok(())
            }
            Record::FeatureLevel { name, level } => {
                let features = Arc::make_mut(&mut self.image.features);
                match level {
                    0 => features.remove(name),
                    level => features.insert(name.clone(), *level),
                };
                self.delta.features = true;
                Ok(())
            }
        }
    }

    fn cluster_id(&mut self, id: &str) -> Result<(), String> {
        match self.image.cluster_id() {
            Some(known) if known != id => Err(format!("cluster id {id} in the cluster {known}")),
            _ => {
                self.image.cluster_id = Some(id.into());
                Ok(())
            }
        }
    }

    fn topic(&mut self, id: TopicId, name: &TopicName) -> Result<(), String> {
        if id.is_zero() || self.image.by_id.get(&id).is_some() {
            return Err(format!("topic {name} has the id {id}, which is taken"));
        }
        if self.image.by_name.get(name.as_str()).is_some() {
            return Err(format!("there already is a topic {name}"));
        }
        let settings = Arc::clone(&self.image.plain_topic_settings);
        let topic = Topic { id, name: name.clone(), partitions: Vec::new(), settings };
        // Later records of the entry find it in the image, and change it in `open`.
        let shared = Arc::new(topic.clone());
        self.image.by_id.insert(id, Arc::clone(&shared));
        self.image.by_name.insert(name.clone(), shared);
        self.open.insert(id, topic);
        self.delta.topics.entry(id).or_default().created = true;
        Ok(())
    }

    fn remove_topic(&mut self, id: TopicId) -> Result<(), String> {
        let topic = self.image.by_id.remove(&id).ok_or_else(|| unknown_topic(id))?;
        self.image.by_name.remove(topic.name.as_str());
        self.open.remove(&id);
        self.renewed.remove(&id);
        let resource = ConfigResource::topic(topic.name.as_str());
        if self.image.configs.remove(&resource).is_some() {
            self.delta.configs.insert(resource);
        }
        let delta = self.delta.topics.entry(id).or_default();
        if delta.created {
            self.delta.topics.remove(&id);
        } else {
            *delta = crate::TopicDelta { removed: true, ..Default::default() };
        }
        Ok(())
    }

    /// The topic, ready to be changed.
    fn open(&mut self, id: TopicId) -> Result<&mut Topic, String> {
        match self.open.entry(id) {
            std::collections::btree_map::Entry::Occupied(open) => Ok(open.into_mut()),
            std::collections::btree_map::Entry::Vacant(closed) => {
                let topic = self.image.by_id.get(&id).ok_or_else(|| unknown_topic(id))?;
                Ok(closed.insert(Topic::clone(topic)))
            }
        }
    }

    fn partition(&mut self, id: TopicId, index: PartitionIndex, state: &Partition) -> Result<(), String> {
        let mut state = state.clone();
        if state.directories.is_empty() {
            state.directories = vec![Uuid::ZERO; state.replicas.len()];
        }
        check(id, index, &state)?;
        let topic = self.open(id)?;
        let place = usize::try_from(index.0).unwrap_or(usize::MAX);
        if place < topic.partitions.len() {
            topic.partitions[place] = Arc::new(state);
        } else if place == topic.partitions.len() && index.0 < limits::TOPIC_PARTITIONS_MAX {
            topic.partitions.push(Arc::new(state));
        } else {
            return Err(format!("partition {index} of topic {id} does not follow the last one"));
        }
        self.delta.topics.entry(id).or_default().partitions.insert(index);
        Ok(())
    }

    fn partition_change(
        &mut self,
        id: TopicId,
        index: PartitionIndex,
        change: &PartitionChange,
    ) -> Result<(), String> {
        let topic = self.open(id)?;
        let place = usize::try_from(index.0).unwrap_or(usize::MAX);
        let state = topic
            .partitions
            .get_mut(place)
            .ok_or_else(|| format!("a change of partition {index} of topic {id}, which there is not"))?;
        let mut changed = Partition::clone(state);
        change.change(&mut changed);
        check(id, index, &changed)?;
        *state = Arc::new(changed);
        self.delta.topics.entry(id).or_default().partitions.insert(index);
        Ok(())
    }

    fn config(&mut self, resource: &ConfigResource, key: &str, value: Option<&str>) -> Result<(), String> {
        match resource.kind {
            ResourceKind::Topic => {
                let topic = self.image.by_name.get(resource.name.as_str());
                let topic = topic
                    .ok_or_else(|| format!("settings of the topic {}, which there is not", resource.name))?;
                self.renewed.insert(topic.id);
            }
            ResourceKind::Broker => {
                let here = ConfigResource::broker(self.image.node.id);
                self.broker_configs |= resource.name.is_empty() || *resource == here;
            }
            ResourceKind::BrokerLogger | ResourceKind::ClientMetrics | ResourceKind::Group => {}
        }
        let mut configs = self.image.configs.get(resource).cloned().unwrap_or_default();
        match value {
            Some(value) => Arc::make_mut(&mut configs).insert(key.to_owned(), value.to_owned()),
            None => Arc::make_mut(&mut configs).remove(key),
        };
        if configs.is_empty() {
            self.image.configs.remove(resource);
        } else {
            self.image.configs.insert(resource.clone(), configs);
        }
        self.delta.configs.insert(resource.clone());
        Ok(())
    }

    fn finish(mut self) -> (Image, Delta) {
        if self.broker_configs {
            self.resolve_broker_settings();
        }
        for id in std::mem::take(&mut self.renewed) {
            self.resolve_topic_settings(id);
        }
        for (id, topic) in std::mem::take(&mut self.open) {
            let topic = Arc::new(topic);
            self.image.by_name.insert(topic.name.clone(), Arc::clone(&topic));
            self.image.by_id.insert(id, topic);
        }
        (self.image, self.delta)
    }

    fn resolve_broker_settings(&mut self) {
        let settings = BrokerSettings::resolve(&self.image.layers());
        match settings {
            Ok(settings) if settings == *self.image.broker_settings => {}
            Ok(settings) => {
                self.image.broker_settings = Arc::new(settings);
                self.delta.broker_settings = true;
            }
            Err(error) => self.delta.complaints.push(error.to_string()),
        }
        let plain = self.resolved(&BTreeMap::new());
        if plain != *self.image.plain_topic_settings {
            self.image.plain_topic_settings = Arc::new(plain);
            self.renewed.extend(self.image.by_name.values().map(|topic| topic.id));
        }
    }

    fn resolve_topic_settings(&mut self, id: TopicId) {
        let Some(topic) = self.image.by_id.get(&id).cloned() else { return };
        let own = self.image.topic_configs(topic.name.as_str()).clone();
        let settings = if own.is_empty() {
            Arc::clone(&self.image.plain_topic_settings)
        } else {
            Arc::new(self.resolved(&own))
        };
        let old = self.open.get(&id).map_or(&topic.settings, |open| &open.settings);
        if *old == settings {
            return;
        }
        if let Ok(topic) = self.open(id) {
            topic.settings = settings;
            self.delta.topics.entry(id).or_default().settings = true;
        }
    }

    /// The settings of a topic with these settings of its own. They were checked before they got into the log, but
    /// perhaps by a release with other rules, and a node must not fail for that: a value that is not understood is
    /// complained of and passed over.
    fn resolved(&mut self, own: &BTreeMap<String, String>) -> TopicSettings {
        let mut own = own.clone();
        loop {
            let error = match TopicSettings::resolve(&own, &self.image.layers()) {
                Ok(settings) => return settings,
                Err(error) => error,
            };
            let culprit = error.name().and_then(|name| own.remove(name));
            self.delta.complaints.push(error.to_string());
            if culprit.is_none() {
                // It is among the brokers' settings. What the node's file says was checked at its start.
                let fixed = BrokerLayers::fixed(&self.image.node.file);
                let before = || TopicSettings::clone(&self.image.plain_topic_settings);
                return TopicSettings::resolve(&own, &fixed).unwrap_or_else(|_| before());
            }
        }
    }
}

fn unknown_broker(id: BrokerId) -> String {
    format!("a change of broker {id}, which there is not")
}

fn unknown_topic(id: TopicId) -> String {
    format!("a change of topic {id}, which there is not")
}

/// Whether a partition's state can be.
fn check(topic: TopicId, index: PartitionIndex, state: &Partition) -> Result<(), String> {
    let wrong = |what: &str| Err(format!("partition {index} of topic {topic} {what}"));
    let distinct = |ids: &[BrokerId]| ids.iter().collect::<BTreeSet<_>>().len() == ids.len();
    if state.replicas.is_empty() || !distinct(&state.replicas) {
        wrong("has no replicas, or one of them twice")
    } else if state.directories.len() != state.replicas.len() {
        wrong("has not one directory per replica")
    } else if !distinct(&state.isr) || !state.isr.iter().all(|id| state.replicas.contains(id)) {
        wrong("has in-sync replicas that are not its replicas")
    } else if state.leader != BrokerId::NONE && !state.isr.contains(&state.leader) {
        wrong("has a leader that is not in sync")
    } else {
        Ok(())
    }
}
