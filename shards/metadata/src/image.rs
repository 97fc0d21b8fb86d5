//! The cluster as one node sees it after some entry of the metadata log: immutable, and shared by the shards.
//!
//! # Hot path
//! `topic` and `topic_by_id` allocate nothing. Settings are resolved when they change, never when they are read.

use std::collections::BTreeMap;
use std::sync::Arc;

use types::{BrokerId, PartitionIndex, ProducerId, TopicId, TopicName};

use crate::broker::Broker;
use crate::configs::{ConfigResource, Configs, ResourceKind};
use crate::record::Record;
use crate::settings::{BrokerLayers, BrokerSettings, InvalidSetting, TopicSettings};
use crate::shared_map::SharedMap;
use crate::topic::{Partition, Topic};

/// What a resource that was never altered has.
static NO_CONFIGS: BTreeMap<String, String> = BTreeMap::new();

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

/// The cluster after some entry of the metadata log. A copy costs little: it shares everything.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    pub(crate) node: Arc<NodeSettings>,
    pub(crate) index: LogIndex,
    pub(crate) cluster_id: Option<Arc<str>>,
    pub(crate) brokers: Arc<BTreeMap<BrokerId, Broker>>,
    pub(crate) by_id: SharedMap<TopicId, Topic>,
    pub(crate) by_name: SharedMap<TopicName, Topic>,
    pub(crate) configs: SharedMap<ConfigResource, BTreeMap<String, String>>,
    pub(crate) features: Arc<BTreeMap<String, i16>>,
    pub(crate) next_producer_id: ProducerId,
    /// Derived: the settings in force on this node, and those of topics without settings of their own.
    pub(crate) broker_settings: Arc<BrokerSettings>,
    pub(crate) plain_topic_settings: Arc<TopicSettings>,
}

impl LogIndex {
    /// The entry after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl Image {
    /// The image of an empty log.
    ///
    /// # Errors
    /// If the node's file has a value that a setting may not have.
    pub fn new(node: NodeSettings) -> Result<Self, InvalidSetting> {
        let layers = BrokerLayers::fixed(&node.file);
        let broker_settings = Arc::new(BrokerSettings::resolve(&layers)?);
        let plain_topic_settings = Arc::new(TopicSettings::resolve(&BTreeMap::new(), &layers)?);
        Ok(Self {
            node: Arc::new(node),
            index: LogIndex(0),
            cluster_id: None,
            brokers: Arc::default(),
            by_id: SharedMap::default(),
            by_name: SharedMap::default(),
            configs: SharedMap::default(),
            features: Arc::default(),
            next_producer_id: ProducerId(0),
            broker_settings,
            plain_topic_settings,
        })
    }

    /// The last entry that is in the image.
    #[must_use]
    pub fn index(&self) -> LogIndex {
        self.index
    }

    /// The records from which this image can be made anew, for a snapshot.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        let mut records = Vec::new();
        records.extend(self.cluster_id.iter().map(|id| Record::ClusterId { id: id.to_string() }));
        records.extend(
            self.features
                .iter()
                .map(|(name, level)| Record::FeatureLevel { name: name.clone(), level: *level }),
        );
        records.extend(self.brokers.values().cloned().map(Record::RegisterBroker));
        for topic in self.topics() {
            records.push(Record::Topic { id: topic.id, name: topic.name.clone() });
            records.extend(topic.partitions().map(|(index, state)| Record::Partition {
                topic: topic.id,
                index,
                state: state.clone(),
            }));
        }
        for (resource, configs) in self.configured() {
            records.extend(configs.iter().map(|(key, value)| Record::Config {
                resource: resource.clone(),
                key: key.clone(),
                value: Some(value.clone()),
            }));
        }
        records.push(Record::ProducerIds { next: self.next_producer_id });
        records
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

    /// All resources with dynamic settings, in an order that means nothing.
    pub fn configured(&self) -> impl Iterator<Item = (&ConfigResource, &Configs)> {
        self.configs.entries()
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

    /// The settings in force on this node.
    #[must_use]
    pub fn broker_settings(&self) -> &Arc<BrokerSettings> {
        &self.broker_settings
    }

    /// Where the values of this node's settings come from.
    #[must_use]
    pub fn layers(&self) -> BrokerLayers<'_> {
        let altered = |resource| self.configs(&resource).map_or(&NO_CONFIGS, |configs| &**configs);
        BrokerLayers {
            dynamic_broker: altered(ConfigResource::broker(self.node.id)),
            dynamic_default: altered(ConfigResource::all_brokers()),
            fixed: &self.node.file,
        }
    }

    /// The dynamic settings of a group; none for one without any.
    #[must_use]
    pub fn group_configs(&self, name: &str) -> &BTreeMap<String, String> {
        let resource = ConfigResource::new(ResourceKind::Group, name);
        self.configs(&resource).map_or(&NO_CONFIGS, |configs| &**configs)
    }

    /// The dynamic settings of a topic; none for one without any.
    #[must_use]
    pub fn topic_configs(&self, name: &str) -> &BTreeMap<String, String> {
        self.configs(&ConfigResource::topic(name)).map_or(&NO_CONFIGS, |configs| &**configs)
    }
}
