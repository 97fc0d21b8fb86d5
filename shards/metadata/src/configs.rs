//! Dynamic settings: what was altered for a topic, a broker, all brokers, a group or a telemetry subscription.

use std::collections::BTreeMap;
use std::sync::Arc;

/// What a setting belongs to, by Kafka's numbers (`ConfigResource.Type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(i8)]
pub enum ResourceKind {
    /// A topic, by its name.
    Topic = 2,
    /// A broker, by its id in decimal; the empty name stands for all brokers.
    Broker = 4,
    /// The log levels of a broker, by its id.
    BrokerLogger = 8,
    /// A subscription to client metrics (KIP-714), by its name.
    ClientMetrics = 16,
    /// A group, by its id.
    Group = 32,
}

impl ResourceKind {
    /// The kind with this number on the wire.
    #[must_use]
    pub const fn from_code(code: i8) -> Option<Self> {
        match code {
            2 => Some(Self::Topic),
            4 => Some(Self::Broker),
            8 => Some(Self::BrokerLogger),
            16 => Some(Self::ClientMetrics),
            32 => Some(Self::Group),
            _ => None,
        }
    }

    /// The number on the wire.
    #[must_use]
    pub const fn code(self) -> i8 {
        self as i8
    }
}

/// Names what settings belong to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConfigResource {
    /// The kind.
    pub kind: ResourceKind,
    /// The name, as the kind says.
    pub name: String,
}

impl ConfigResource {
    /// A resource of this kind and name.
    #[must_use]
    pub fn new(kind: ResourceKind, name: impl Into<String>) -> Self {
        Self { kind, name: name.into() }
    }

    /// The topic with this name.
    #[must_use]
    pub fn topic(name: &str) -> Self {
        Self::new(ResourceKind::Topic, name)
    }

    /// The broker with this id.
    #[must_use]
    pub fn broker(id: types::BrokerId) -> Self {
        Self::new(ResourceKind::Broker, id.to_string())
    }

    /// All brokers: the cluster-wide dynamic default.
    #[must_use]
    pub fn all_brokers() -> Self {
        Self::new(ResourceKind::Broker, "")
    }
}

/// Where a setting's value comes from, by Kafka's numbers (`DescribeConfigsResponse.ConfigSource`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i8)]
pub enum ConfigValueSource {
    /// Altered for the topic.
    DynamicTopic = 1,
    /// Altered for this broker.
    DynamicBroker = 2,
    /// Altered for all brokers.
    DynamicDefaultBroker = 3,
    /// From the broker's file of settings.
    StaticBroker = 4,
    /// Never set.
    Default = 5,
    /// Altered for a broker's logger.
    DynamicBrokerLogger = 6,
    /// Altered for the subscription to client metrics.
    ClientMetrics = 7,
    /// Altered for the group.
    Group = 8,
}

/// A setting's value and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigValue {
    /// The name under which it was found: the setting's own, or a broker setting that stands in for it.
    pub name: String,
    /// The value; `None` for a setting that is unset by default.
    pub value: Option<String>,
    /// Its source.
    pub source: ConfigValueSource,
}

/// The settings altered for one resource.
pub type Configs = Arc<BTreeMap<String, String>>;
