//! What changed between two images, for a shard to act upon.

use std::collections::{BTreeMap, BTreeSet};

use types::{PartitionIndex, TopicId};

use crate::configs::ConfigResource;
use crate::image::Image;
use crate::topic::Topic;

/// What changed in one topic.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct TopicDelta {
    /// Whether the topic is new.
    pub created: bool,
    /// Whether the topic is gone: look it up in the older image.
    pub removed: bool,
    /// Whether the settings in force for it changed.
    pub settings: bool,
    /// The partitions that are new or have a new state.
    pub partitions: BTreeSet<PartitionIndex>,
}

/// What changed from one image to a later one.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Delta {
    /// The topics, with what changed in each. A topic that came and went in between is not among them.
    pub topics: BTreeMap<TopicId, TopicDelta>,
    /// The resources whose dynamic settings changed.
    pub configs: BTreeSet<ConfigResource>,
    /// Whether a broker came, went or changed.
    pub brokers: bool,
    /// Whether a feature's level changed.
    pub features: bool,
    /// Whether the settings in force on this node changed, other than those that topics inherit.
    pub broker_settings: bool,
    /// Settings in the log that this release does not understand, for whoever logs.
    pub complaints: Vec<String>,
}

impl Delta {
    /// What changes from an empty image to this one: everything in it is new.
    #[must_use]
    pub fn of_everything(image: &Image) -> Self {
        let created = |topic: &Topic| TopicDelta {
            created: true,
            removed: false,
            settings: true,
            partitions: topic.partitions().map(|(index, _)| index).collect(),
        };
        Self {
            topics: image.topics().map(|topic| (topic.id, created(topic))).collect(),
            configs: image.configured().map(|(resource, _)| resource.clone()).collect(),
            brokers: true,
            features: true,
            broker_settings: true,
            complaints: Vec::new(),
        }
    }

    /// Whether nothing that a shard could act upon changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
