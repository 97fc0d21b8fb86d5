//! A topic as a client sees it: who leads its partitions.

use std::collections::BTreeMap;

use protocol::messages::metadata::{MetadataResponsePartition, MetadataResponseTopic};
use types::{BrokerId, LeaderEpoch, PartitionIndex, TopicId};

use super::error::ClientError;

/// A topic as the cluster's metadata had it.
#[derive(Clone, Debug)]
pub struct Topic {
    pub name: String,
    /// Zero from brokers before Kafka 2.8.
    pub id: TopicId,
    pub is_internal: bool,
    pub partitions: BTreeMap<PartitionIndex, Partition>,
}

/// One of its partitions.
#[derive(Clone, Debug)]
pub struct Partition {
    pub leader: Option<BrokerId>,
    pub leader_epoch: LeaderEpoch,
    pub replicas: Vec<i32>,
    pub isr: Vec<i32>,
    pub offline: Vec<i32>,
}

impl Topic {
    /// The leader of a partition.
    pub fn leader(&self, partition: PartitionIndex) -> Result<BrokerId, ClientError> {
        let found = self.partition(partition)?;
        found.leader.ok_or_else(|| ClientError::NoLeader { topic: self.name.clone(), partition })
    }

    /// A partition, or the error that says that there is none.
    pub fn partition(&self, partition: PartitionIndex) -> Result<&Partition, ClientError> {
        self.partitions.get(&partition).ok_or_else(|| ClientError::UnknownPartition {
            topic: self.name.clone(),
            partition,
            count: self.partitions.len(),
        })
    }

    /// How many replicas its partitions have.
    pub fn replication_factor(&self) -> usize {
        self.partitions.values().map(|p| p.replicas.len()).max().unwrap_or_default()
    }
}

impl From<&MetadataResponseTopic> for Topic {
    fn from(topic: &MetadataResponseTopic) -> Self {
        Self {
            name: topic.name.as_ref().map(|name| name.as_str().to_owned()).unwrap_or_default(),
            id: topic.topic_id,
            is_internal: topic.is_internal,
            partitions: topic
                .partitions
                .iter()
                .map(|p| (PartitionIndex(p.partition_index), Partition::from(p)))
                .collect(),
        }
    }
}

impl From<&MetadataResponsePartition> for Partition {
    fn from(partition: &MetadataResponsePartition) -> Self {
        Self {
            leader: Some(BrokerId(partition.leader_id)).filter(|leader| leader.0 >= 0),
            leader_epoch: LeaderEpoch(partition.leader_epoch),
            replicas: partition.replica_nodes.clone(),
            isr: partition.isr_nodes.clone(),
            offline: partition.offline_replicas.clone(),
        }
    }
}
