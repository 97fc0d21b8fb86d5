//! Metadata records: each states one change of what the cluster knows.
//!
//! A record says what is so from now on, never how it came about, so applying it twice does no harm. On disk and between
//! brokers a record is `kind, version, structure` ([`crate::codec`] has the parts). The three rules that let releases of
//! different age read one log:
//! - a field may be added under a new tag when a reader that passes over it still does right;
//! - otherwise the record's version is raised, and an older reader refuses it by name;
//! - a kind of record with an odd number may be passed over by a reader that does not know it, one with an even number
//!   may not. Numbers are never used again.

mod read;

use types::{BrokerId, DirectoryId, LeaderEpoch, PartitionIndex, ProducerId, TopicId, TopicName};

use crate::broker::{Broker, Listener};
use crate::codec::{DecodeError, Reader, Writer};
use crate::configs::ConfigResource;
use crate::topic::Partition;

/// One change of what the cluster knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// The cluster's id, made once.
    ClusterId {
        /// 22 characters of base64 where Strome made it; an adopted one may be any text.
        id: String,
    },
    /// A broker registered, anew or again.
    RegisterBroker(Broker),
    /// A broker left for good.
    UnregisterBroker {
        /// Its id.
        id: BrokerId,
    },
    /// A broker may lead partitions from now on, or no longer.
    FenceBroker {
        /// Its id.
        id: BrokerId,
        /// Whether it may not.
        fenced: bool,
    },
    /// A topic was created. Its partitions follow in the same entry.
    Topic {
        /// Its id.
        id: TopicId,
        /// Its name.
        name: TopicName,
    },
    /// A topic was removed with its partitions and settings.
    RemoveTopic {
        /// Its id.
        id: TopicId,
    },
    /// The whole state of a partition, which is created by it where it is new.
    Partition {
        /// The topic.
        topic: TopicId,
        /// The partition. New ones come in the order of their indexes.
        index: PartitionIndex,
        /// The state.
        state: Partition,
    },
    /// What changed in the state of a partition; what is `None` stays.
    PartitionChange {
        /// The topic.
        topic: TopicId,
        /// The partition.
        index: PartitionIndex,
        /// The state.
        change: PartitionChange,
    },
    /// A dynamic setting was set, or deleted.
    Config {
        /// What it belongs to.
        resource: ConfigResource,
        /// The setting.
        key: String,
        /// Its value; `None` deletes it.
        value: Option<String>,
    },
    /// Producer ids below `next` are given out.
    ProducerIds {
        /// The first id that is free.
        next: ProducerId,
    },
    /// A feature of the cluster has this level from now on.
    FeatureLevel {
        /// The feature, such as `metadata.version`.
        name: String,
        /// The level; 0 removes the feature.
        level: i16,
    },
}

/// What changed in a partition's state.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct PartitionChange {
    /// The new replicas with their directories.
    pub replicas: Option<Vec<BrokerId>>,
    /// The log directory of each replica.
    pub directories: Option<Vec<DirectoryId>>,
    /// The new in-sync replicas.
    pub isr: Option<Vec<BrokerId>>,
    /// The new leader.
    pub leader: Option<BrokerId>,
    /// The new leader epoch.
    pub leader_epoch: Option<LeaderEpoch>,
    /// The new partition epoch: every change has one.
    pub partition_epoch: i32,
}

impl PartitionChange {
    /// Puts what changed into `state`.
    pub(crate) fn change(&self, state: &mut Partition) {
        if let Some(replicas) = &self.replicas {
            state.replicas.clone_from(replicas);
        }
        if let Some(directories) = &self.directories {
            state.directories.clone_from(directories);
        }
        if let Some(isr) = &self.isr {
            state.isr.clone_from(isr);
        }
        state.leader = self.leader.unwrap_or(state.leader);
        state.leader_epoch = self.leader_epoch.unwrap_or(state.leader_epoch);
        state.partition_epoch = self.partition_epoch;
    }
}

mod kind {
    pub const CLUSTER_ID: u64 = 2;
    pub const REGISTER_BROKER: u64 = 4;
    pub const UNREGISTER_BROKER: u64 = 6;
    pub const FENCE_BROKER: u64 = 8;
    pub const TOPIC: u64 = 10;
    pub const REMOVE_TOPIC: u64 = 12;
    pub const PARTITION: u64 = 14;
    pub const PARTITION_CHANGE: u64 = 16;
    pub const CONFIG: u64 = 18;
    pub const PRODUCER_IDS: u64 = 20;
    pub const FEATURE_LEVEL: u64 = 22;
}

/// The version of every kind of record so far.
const VERSION: u64 = 0;

impl Record {
    /// Appends the record's bytes.
    pub fn encode(&self, to: &mut Vec<u8>) {
        let mut to = Writer::new(to);
        to.unsigned(self.kind());
        to.unsigned(VERSION);
        to.sized(|to| self.write_fields(to));
    }

    /// Takes one record from the front of `bytes`, with the bytes it took; `None` in place of a record of a kind that
    /// this release does not know and may pass over.
    pub fn decode(bytes: &[u8]) -> Result<(Option<Self>, usize), DecodeError> {
        let mut from = Reader::new(bytes);
        let kind = from.unsigned()?;
        let version = from.unsigned()?;
        let mut body = from.sized()?;
        let taken = bytes.len() - from.remaining();
        let known = kind.is_multiple_of(2) && (kind::CLUSTER_ID..=kind::FEATURE_LEVEL).contains(&kind);
        if !known && !kind.is_multiple_of(2) {
            return Ok((None, taken));
        }
        if !known || version > VERSION {
            return Err(DecodeError::Newer { kind, version });
        }
        Ok((Some(Self::read_fields(kind, &mut body)?), taken))
    }

    const fn kind(&self) -> u64 {
        match self {
            Self::ClusterId { .. } => kind::CLUSTER_ID,
            Self::RegisterBroker(_) => kind::REGISTER_BROKER,
            Self::UnregisterBroker { .. } => kind::UNREGISTER_BROKER,
            Self::FenceBroker { .. } => kind::FENCE_BROKER,
            Self::Topic { .. } => kind::TOPIC,
            Self::RemoveTopic { .. } => kind::REMOVE_TOPIC,
            Self::Partition { .. } => kind::PARTITION,
            Self::PartitionChange { .. } => kind::PARTITION_CHANGE,
            Self::Config { .. } => kind::CONFIG,
            Self::ProducerIds { .. } => kind::PRODUCER_IDS,
            Self::FeatureLevel { .. } => kind::FEATURE_LEVEL,
        }
    }

    fn write_fields(&self, to: &mut Writer<'_>) {
        match self {
            Self::ClusterId { id } => to.field(0, |to| to.text(id)),
            Self::RegisterBroker(broker) => write_broker(broker, to),
            Self::UnregisterBroker { id } => to.field(0, |to| to.signed(id.0.into())),
            Self::FenceBroker { id, fenced } => {
                to.field(0, |to| to.signed(id.0.into()));
                to.field(1, |to| to.unsigned((*fenced).into()));
            }
            Self::Topic { id, name } => {
                to.field(0, |to| to.uuid(id));
                to.field(1, |to| to.text(name.as_str()));
            }
            Self::RemoveTopic { id } => to.field(0, |to| to.uuid(id)),
            Self::Partition { topic, index, state } => {
                to.field(0, |to| to.uuid(topic));
                to.field(1, |to| to.signed(index.0.into()));
                write_partition(state, to);
            }
            Self::PartitionChange { topic, index, change } => {
                to.field(0, |to| to.uuid(topic));
                to.field(1, |to| to.signed(index.0.into()));
                write_partition_change(change, to);
            }
            Self::Config { resource, key, value } => {
                to.field(0, |to| to.signed(resource.kind.code().into()));
                to.field(1, |to| to.text(&resource.name));
                to.field(2, |to| to.text(key));
                if let Some(value) = value {
                    to.field(3, |to| to.text(value));
                }
            }
            Self::ProducerIds { next } => to.field(0, |to| to.signed(next.0)),
            Self::FeatureLevel { name, level } => {
                to.field(0, |to| to.text(name));
                to.field(1, |to| to.signed((*level).into()));
            }
        }
    }

    fn read_fields(kind: u64, from: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match kind {
            kind::CLUSTER_ID => read::cluster_id(from),
            kind::REGISTER_BROKER => read::register_broker(from),
            kind::UNREGISTER_BROKER => read::unregister_broker(from),
            kind::FENCE_BROKER => read::fence_broker(from),
            kind::TOPIC => read::topic(from),
            kind::REMOVE_TOPIC => read::remove_topic(from),
            kind::PARTITION => read::partition(from),
            kind::PARTITION_CHANGE => read::partition_change(from),
            kind::CONFIG => read::config(from),
            kind::PRODUCER_IDS => read::producer_ids(from),
            kind::FEATURE_LEVEL => read::feature_level(from),
            _ => Err(DecodeError::Newer { kind, version: VERSION }),
        }
    }
}

fn ids(values: &[BrokerId], to: &mut Writer<'_>) {
    to.list(values, |to, id| to.signed(id.0.into()));
}

fn write_broker(broker: &Broker, to: &mut Writer<'_>) {
    to.field(0, |to| to.signed(broker.id.0.into()));
    to.field(1, |to| to.uuid(&broker.incarnation));
    to.field(2, |to| to.signed(broker.epoch));
    if let Some(rack) = &broker.rack {
        to.field(3, |to| to.text(rack));
    }
    to.field(4, |to| to.list(&broker.listeners, |to, listener| to.sized(|to| write_listener(listener, to))));
    to.field(5, |to| to.list(&broker.directories, |to, id| to.uuid(id)));
    to.field(6, |to| to.unsigned(broker.fenced.into()));
}

fn write_listener(listener: &Listener, to: &mut Writer<'_>) {
    to.field(0, |to| to.text(&listener.name));
    to.field(1, |to| to.text(&listener.host));
    to.field(2, |to| to.signed(listener.port.into()));
    to.field(3, |to| to.signed(listener.security_protocol.into()));
}

fn write_partition(state: &Partition, to: &mut Writer<'_>) {
    to.field(2, |to| ids(&state.replicas, to));
    to.field(3, |to| to.list(&state.directories, |to, id| to.uuid(id)));
    to.field(4, |to| ids(&state.isr, to));
    to.field(5, |to| to.signed(state.leader.0.into()));
    to.field(6, |to| to.signed(state.leader_epoch.0.into()));
    to.field(7, |to| to.signed(state.partition_epoch.into()));
}

fn write_partition_change(change: &PartitionChange, to: &mut Writer<'_>) {
    if let Some(replicas) = &change.replicas {
        to.field(2, |to| ids(replicas, to));
    }
    if let Some(directories) = &change.directories {
        to.field(3, |to| to.list(directories, |to, id| to.uuid(id)));
    }
    if let Some(isr) = &change.isr {
        to.field(4, |to| ids(isr, to));
    }
    if let Some(leader) = change.leader {
        to.field(5, |to| to.signed(leader.0.into()));
    }
    if let Some(epoch) = change.leader_epoch {
        to.field(6, |to| to.signed(epoch.0.into()));
    }
    to.field(7, |to| to.signed(change.partition_epoch.into()));
}
