//! What the controller is asked, and what it answers.

use metadata::{Broker, ConfigResource, ConfigValue, Record};
use types::{BrokerId, ErrorCode, PartitionIndex, ProducerId, TopicId};

/// Records to make durable, and the reply to send once they are.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome<R> {
    /// One entry of the log; nothing needs to be written when it is empty.
    pub records: Vec<Record>,
    /// What to answer.
    pub reply: R,
}

impl<R> Outcome<R> {
    /// The same records with another reply.
    pub(crate) fn map<T>(self, reply: impl FnOnce(R) -> T) -> Outcome<T> {
        Outcome { records: self.records, reply: reply(self.reply) }
    }
}

impl<T> Outcome<Result<T, Refusal>> {
    /// Nothing is done.
    pub(crate) fn refused(refusal: Refusal) -> Self {
        Self { records: Vec::new(), reply: Err(refusal) }
    }
}

/// Why one thing that was asked is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The code on the wire.
    pub code: ErrorCode,
    /// A sentence for people.
    pub message: String,
}

impl Refusal {
    /// A refusal with this code and message.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// Everything that can be asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// See [`RegisterBroker`].
    RegisterBroker(RegisterBroker),
    /// See [`CreateTopics`].
    CreateTopics(CreateTopics),
    /// See [`DeleteTopics`].
    DeleteTopics(DeleteTopics),
    /// See [`CreatePartitions`].
    CreatePartitions(CreatePartitions),
    /// See [`IncrementalAlterConfigs`].
    IncrementalAlterConfigs(IncrementalAlterConfigs),
    /// See [`AlterConfigs`].
    AlterConfigs(AlterConfigs),
    /// See [`AllocateProducerIds`].
    AllocateProducerIds(AllocateProducerIds),
    /// See [`RenewLeaderEpochs`].
    RenewLeaderEpochs(RenewLeaderEpochs),
    /// See [`ReportReplicas`].
    ReportReplicas(ReportReplicas),
}

/// The reply to a [`Request`], of the same name.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// The broker's epoch.
    RegisterBroker(Result<i64, Refusal>),
    /// A result per topic, in the order of the request.
    CreateTopics(Vec<TopicResult<CreatedTopic>>),
    /// A result per topic, in the order of the request.
    DeleteTopics(Vec<DeletedTopic>),
    /// A result per topic, in the order of the request.
    CreatePartitions(Vec<TopicResult<()>>),
    /// A result per resource, in the order of the request.
    IncrementalAlterConfigs(Vec<ConfigResult>),
    /// A result per resource, in the order of the request.
    AlterConfigs(Vec<ConfigResult>),
    /// The ids that are now the asker's.
    AllocateProducerIds(Result<ProducerIdBlock, Refusal>),
    /// The partitions that the asker does not lead.
    RenewLeaderEpochs(Result<Vec<(TopicId, PartitionIndex)>, Refusal>),
    /// Whether the report was heard.
    ReportReplicas(Result<(), Refusal>),
}

/// A broker says who it is and where it is to be found. A cluster without an id takes the one given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterBroker {
    /// The cluster that the broker believes to be in.
    pub cluster_id: String,
    /// The broker. Its epoch is the controller's to give.
    pub broker: Broker,
}

/// Create topics, or only check whether they could be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateTopics {
    /// The topics.
    pub topics: Vec<NewTopic>,
    /// Whether to make nothing.
    pub validate_only: bool,
}

/// A topic that is to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTopic {
    /// The name, as asked.
    pub name: String,
    /// How many partitions; -1 for the default, or with `assignments`.
    pub partitions: i32,
    /// How many replicas of each; -1 for the default, or with `assignments`.
    pub replication_factor: i16,
    /// The brokers of each partition, where the asker wants to choose them.
    pub assignments: Vec<(PartitionIndex, Vec<BrokerId>)>,
    /// Settings.
    pub configs: Vec<(String, Option<String>)>,
}

impl NewTopic {
    /// A topic with default partitions, replicas and settings, as it is created automatically.
    #[must_use]
    pub fn with_defaults(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            partitions: -1,
            replication_factor: -1,
            assignments: Vec::new(),
            configs: Vec::new(),
        }
    }
}

/// The result for one topic.
#[derive(Clone, Debug, PartialEq)]
pub struct TopicResult<T> {
    /// The name, as asked.
    pub name: String,
    /// What was done, or why not.
    pub result: Result<T, Refusal>,
}

/// A topic that was created, or could be.
#[derive(Clone, Debug, PartialEq)]
pub struct CreatedTopic {
    /// Its id; one that is not kept when it was only checked.
    pub id: TopicId,
    /// How many partitions it has.
    pub partitions: i32,
    /// How many replicas each has.
    pub replication_factor: i16,
    /// The settings in force for it (KIP-525), by name.
    pub configs: Vec<ConfigValue>,
}

/// Remove topics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteTopics {
    /// The topics.
    pub topics: Vec<TopicSelector>,
}

/// Names a topic by its name or by its id, as the wire does: both or neither is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicSelector {
    /// Its name.
    pub name: Option<String>,
    /// Its id; zero where it is named by its name.
    pub id: TopicId,
}

/// The result for one topic of [`DeleteTopics`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletedTopic {
    /// The topic: name and id where it was found, otherwise as it was asked for.
    pub topic: TopicSelector,
    /// Whether it was removed.
    pub result: Result<(), Refusal>,
}

/// Give topics more partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatePartitions {
    /// The topics.
    pub topics: Vec<NewPartitions>,
    /// Whether to make nothing.
    pub validate_only: bool,
}

/// More partitions for one topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPartitions {
    /// The topic's name.
    pub name: String,
    /// How many partitions it shall have in all.
    pub count: i32,
    /// The brokers of each new partition, where the asker wants to choose them.
    pub assignments: Option<Vec<Vec<BrokerId>>>,
}

/// One operation on a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigOp {
    /// Give it this value.
    Set(Option<String>),
    /// Go back to its default.
    Delete,
    /// Add these to its list.
    Append(Option<String>),
    /// Take these from its list.
    Subtract(Option<String>),
}

impl ConfigOp {
    /// The operation with this number on the wire (`AlterConfigOp.OpType`).
    #[must_use]
    pub fn from_wire(code: i8, value: Option<String>) -> Option<Self> {
        match code {
            0 => Some(Self::Set(value)),
            1 => Some(Self::Delete),
            2 => Some(Self::Append(value)),
            3 => Some(Self::Subtract(value)),
            _ => None,
        }
    }
}

/// What is asked for one resource of [`IncrementalAlterConfigs`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceAlter {
    /// The resource's kind, as on the wire.
    pub kind: i8,
    /// The resource's name, as on the wire.
    pub name: String,
    /// The settings with their operations.
    pub ops: Vec<(String, ConfigOp)>,
}

/// Change some settings of some resources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncrementalAlterConfigs {
    /// The resources.
    pub resources: Vec<ResourceAlter>,
    /// Whether to change nothing.
    pub validate_only: bool,
}

/// What is asked for one resource of [`AlterConfigs`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegacyAlter {
    /// The resource's kind, as on the wire.
    pub kind: i8,
    /// The resource's name, as on the wire.
    pub name: String,
    /// All settings that it shall have.
    pub configs: Vec<(String, Option<String>)>,
}

/// Replace all settings of some resources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterConfigs {
    /// The resources.
    pub resources: Vec<LegacyAlter>,
    /// Whether to change nothing.
    pub validate_only: bool,
}

/// The result for one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigResult {
    /// The resource's kind, as on the wire.
    pub kind: i8,
    /// The resource's name, as on the wire.
    pub name: String,
    /// The resource, or why nothing was changed for it.
    pub result: Result<ConfigResource, Refusal>,
}

/// A broker asks for a block of producer ids (KIP-730).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllocateProducerIds {
    /// The broker.
    pub broker: BrokerId,
    /// The epoch of its registration.
    pub broker_epoch: i64,
}

/// A run of producer ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerIdBlock {
    /// The first of them.
    pub first: ProducerId,
    /// How many there are.
    pub len: i32,
}

/// A broker whose logs were cut when it recovered asks for new leader epochs, so that consumers notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenewLeaderEpochs {
    /// The broker.
    pub broker: BrokerId,
    /// The epoch of its registration.
    pub broker_epoch: i64,
    /// The partitions, of which it leads some or all.
    pub partitions: Vec<(TopicId, PartitionIndex)>,
}

/// A broker tells which of its replicas went offline with their log directories, and which are back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportReplicas {
    /// The broker.
    pub broker: BrokerId,
    /// The epoch of its registration.
    pub broker_epoch: i64,
    /// Partitions whose replica on this broker cannot be used.
    pub offline: Vec<(TopicId, PartitionIndex)>,
    /// Partitions whose replica can be used again.
    pub online: Vec<(TopicId, PartitionIndex)>,
}
