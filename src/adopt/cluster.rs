//! What Kafka's metadata log says of its cluster, as far as it matters here. Records in, state out; no I/O.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use protocol::kraft::{ConfigRecord, MetadataRecord, PartitionChangeRecord, PartitionRecord};
use protocol::wire::{At, Wire};
use protocol::{Reader, Str, Versions};
use types::TopicId;

/// The numbers of Kafka's kinds of records that are only counted or grouped here.
mod kind {
    pub const DELEGATION_TOKEN: u32 = 10;
    pub const SCRAM_CREDENTIAL: u32 = 11;
    pub const CLIENT_QUOTA: u32 = 14;
    pub const ACCESS_CONTROL_ENTRY: u32 = 18;
    pub const REMOVE_ACCESS_CONTROL_ENTRY: u32 = 19;
    pub const ZK_MIGRATION: u32 = 21;
    pub const REMOVE_SCRAM_CREDENTIAL: u32 = 22;
    pub const BEGIN_TRANSACTION: u32 = 23;
    pub const END_TRANSACTION: u32 = 24;
    pub const ABORT_TRANSACTION: u32 = 25;
    pub const REMOVE_DELEGATION_TOKEN: u32 = 26;
    /// Brokers and controllers that come, go, and are fenced; the record that keeps a log alive; and the clearing of
    /// lists that a single replica does not need. A node that is alone makes all of this anew.
    pub const WITHOUT_CONSEQUENCE: &[u32] = &[0, 1, 7, 8, 17, 20, 27, 28];
}

/// Kafka's cluster.
#[derive(Debug, Default)]
pub struct Cluster {
    pub topics: BTreeMap<TopicId, Topic>,
    /// Dynamic settings by the number of the resource's kind, and its name.
    pub configs: BTreeMap<(i8, String), BTreeMap<String, String>>,
    pub features: BTreeMap<String, i16>,
    pub next_producer_id: i64,
    pub acls: i64,
    pub scram_users: BTreeSet<String>,
    pub quotas: u64,
    pub tokens: i64,
    pub zookeeper_migration: bool,
    /// Records of kinds that this release does not know, by their number.
    pub unknown: BTreeMap<u32, u64>,
    /// The records of a transaction of the metadata log that is not complete.
    pending: Option<Vec<MetadataRecord>>,
}

/// A topic of Kafka's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Topic {
    pub name: String,
    pub partitions: BTreeMap<i32, PartitionRecord>,
}

impl Cluster {
    /// Applies the next record. An error says why it does not fit what came before.
    pub fn apply(&mut self, record: MetadataRecord) -> Result<(), String> {
        match (&record, &mut self.pending) {
            (MetadataRecord::Other { kind: kind::BEGIN_TRANSACTION, .. }, _) => {
                self.pending = Some(Vec::new());
                Ok(())
            }
            (MetadataRecord::Other { kind: kind::ABORT_TRANSACTION, .. }, _) => {
                self.pending = None;
                Ok(())
            }
            (MetadataRecord::Other { kind: kind::END_TRANSACTION, .. }, _) => {
                self.pending.take().unwrap_or_default().into_iter().try_for_each(|record| self.commit(record))
            }
            (_, Some(pending)) => {
                pending.push(record);
                Ok(())
            }
            (_, None) => self.commit(record),
        }
    }

    fn commit(&mut self, record: MetadataRecord) -> Result<(), String> {
        match record {
            MetadataRecord::Topic(record) => {
                let topic = Topic { name: record.name.to_string(), partitions: BTreeMap::new() };
                self.topics.insert(record.topic_id, topic);
                Ok(())
            }
            MetadataRecord::Partition(record) => {
                self.topic(record.topic_id)?.partitions.insert(record.partition_id, record);
                Ok(())
            }
            MetadataRecord::PartitionChange(change) => self.change(change),
            MetadataRecord::RemoveTopic(record) => {
                let gone = self.topics.remove(&record.topic_id);
                let gone =
                    gone.ok_or_else(|| format!("it removes topic {}, which there is not", record.topic_id))?;
                self.configs.remove(&(metadata::ResourceKind::Topic.code(), gone.name));
                Ok(())
            }
            MetadataRecord::Config(record) => {
                self.config(&record);
                Ok(())
            }
            MetadataRecord::FeatureLevel(record) => {
                match record.feature_level {
                    0 => self.features.remove(record.name.as_str()),
                    level => self.features.insert(record.name.to_string(), level),
                };
                Ok(())
            }
            MetadataRecord::ProducerIds(record) => {
                self.next_producer_id = self.next_producer_id.max(record.next_producer_id);
                Ok(())
            }
            MetadataRecord::Other { kind, fields } => {
                self.other(kind, &fields);
                Ok(())
            }
        }
    }

    fn topic(&mut self, id: TopicId) -> Result<&mut Topic, String> {
        self.topics.get_mut(&id).ok_or_else(|| format!("it is about topic {id}, which there is not"))
    }

    fn change(&mut self, change: PartitionChangeRecord) -> Result<(), String> {
        let (id, index) = (change.topic_id, change.partition_id);
        let partition = self.topic(id)?.partitions.get_mut(&index);
        let partition = partition
            .ok_or_else(|| format!("it changes partition {index} of topic {id}, which there is not"))?;
        // As in Kafka: whoever is named leader, even the same again, begins a new epoch.
        if change.leader != NO_CHANGE {
            partition.leader = change.leader;
            partition.leader_epoch += 1;
        }
        partition.partition_epoch += 1;
        if let Some(replicas) = change.replicas {
            partition.replicas = replicas;
        }
        if let Some(isr) = change.isr {
            partition.isr = isr;
        }
        if let Some(directories) = change.directories {
            partition.directories = directories;
        }
        Ok(())
    }

    fn config(&mut self, record: &ConfigRecord) {
        let resource = (record.resource_type, record.resource_name.to_string());
        let configs = self.configs.entry(resource.clone()).or_default();
        match &record.value {
            Some(value) => configs.insert(record.name.to_string(), value.to_string()),
            None => configs.remove(record.name.as_str()),
        };
        if configs.is_empty() {
            self.configs.remove(&resource);
        }
    }

    fn other(&mut self, kind: u32, fields: &Bytes) {
        match kind {
            kind::DELEGATION_TOKEN => self.tokens += 1,
            kind::REMOVE_DELEGATION_TOKEN => self.tokens -= 1,
            kind::ACCESS_CONTROL_ENTRY => self.acls += 1,
            kind::REMOVE_ACCESS_CONTROL_ENTRY => self.acls -= 1,
            kind::CLIENT_QUOTA => self.quotas += 1,
            kind::SCRAM_CREDENTIAL => {
                self.scram_users.insert(first_text(fields));
            }
            kind::REMOVE_SCRAM_CREDENTIAL => {
                self.scram_users.remove(&first_text(fields));
            }
            // The other states say that there was none, as in every log of Kafka 3.9, or that it is over.
            kind::ZK_MIGRATION => self.zookeeper_migration = matches!(fields.first(), Some(1 | 2)),
            known if kind::WITHOUT_CONSEQUENCE.contains(&known) => {}
            unknown => *self.unknown.entry(unknown).or_default() += 1,
        }
    }
}

/// A change that leaves the leader as it is.
const NO_CHANGE: i32 = -2;

/// The text with which a record's fields begin.
fn first_text(fields: &Bytes) -> String {
    let text = Str::read(&mut Reader::new(fields), At::new(0, Versions::since(0)));
    text.map_or_else(|_| "(unreadable)".to_owned(), |text| text.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::kraft::{ProducerIdsRecord, RemoveTopicRecord, TopicRecord};
    use types::Uuid;

    const ID: Uuid = Uuid([7; 16]);

    fn topic() -> MetadataRecord {
        MetadataRecord::Topic(TopicRecord { name: "orders".into(), topic_id: ID })
    }

    fn partition() -> MetadataRecord {
        let state = PartitionRecord {
            partition_id: 0,
            topic_id: ID,
            replicas: vec![1, 2],
            isr: vec![1, 2],
            leader: 1,
            leader_epoch: 4,
            partition_epoch: 8,
            ..Default::default()
        };
        MetadataRecord::Partition(state)
    }

    fn config(value: Option<&str>) -> MetadataRecord {
        MetadataRecord::Config(ConfigRecord {
            resource_type: 2,
            resource_name: "orders".into(),
            name: "retention.ms".into(),
            value: value.map(Str::from),
        })
    }

    fn other(kind: u32) -> MetadataRecord {
        MetadataRecord::Other { kind, fields: Bytes::from_static(&[4, b'b', b'o', b'b', 0]) }
    }

    fn cluster(records: impl IntoIterator<Item = MetadataRecord>) -> Cluster {
        let mut cluster = Cluster::default();
        records.into_iter().try_for_each(|record| cluster.apply(record)).unwrap();
        cluster
    }

    #[test]
    fn a_partition_is_what_all_its_changes_make_of_it() {
        let change = |change| {
            MetadataRecord::PartitionChange(PartitionChangeRecord { topic_id: ID, partition_id: 0, ..change })
        };
        let cluster = cluster([
            topic(),
            partition(),
            change(PartitionChangeRecord { isr: Some(vec![1]), ..Default::default() }),
            change(PartitionChangeRecord { leader: -1, ..Default::default() }),
            change(PartitionChangeRecord { replicas: Some(vec![1, 2, 3]), ..Default::default() }),
            change(PartitionChangeRecord { replicas: Some(vec![1, 3]), ..Default::default() }),
        ]);
        let state = &cluster.topics[&ID].partitions[&0];
        assert_eq!((&state.replicas, &state.isr, state.leader), (&vec![1, 3], &vec![1], -1));
        assert_eq!((state.leader_epoch, state.partition_epoch), (5, 12));
    }

    #[test]
    fn what_was_removed_is_gone_with_its_settings() {
        let removed = MetadataRecord::RemoveTopic(RemoveTopicRecord { topic_id: ID });
        let kept = cluster([topic(), partition(), config(Some("5")), config(Some("6"))]);
        assert_eq!(kept.configs[&(2, "orders".to_owned())]["retention.ms"], "6");
        assert!(cluster([topic(), config(Some("5")), config(None)]).configs.is_empty());
        let gone = cluster([topic(), partition(), config(Some("5")), removed]);
        assert!(gone.topics.is_empty() && gone.configs.is_empty());
    }

    #[test]
    fn half_a_transaction_and_an_aborted_one_do_not_count() {
        let next = |next| {
            MetadataRecord::ProducerIds(ProducerIdsRecord { next_producer_id: next, ..Default::default() })
        };
        assert_eq!(cluster([other(23), next(5), other(24), other(23), next(9)]).next_producer_id, 5);
        assert_eq!(cluster([other(23), next(5), other(25), next(3)]).next_producer_id, 3);
    }

    #[test]
    fn what_is_not_taken_over_is_counted() {
        let found =
            cluster([other(18), other(18), other(19), other(11), other(14), other(10), other(20), other(99)]);
        assert_eq!((found.acls, found.quotas, found.tokens), (1, 1, 1));
        assert_eq!(found.scram_users, BTreeSet::from(["bob".to_owned()]));
        assert_eq!(found.unknown, BTreeMap::from([(99, 1)]));
        assert!(cluster([other(11), other(22)]).scram_users.is_empty());
    }

    #[test]
    fn records_that_do_not_fit_are_refused() {
        assert!(Cluster::default().apply(partition()).is_err());
        let change = PartitionChangeRecord { topic_id: ID, partition_id: 5, ..Default::default() };
        assert!(cluster([topic(), partition()]).apply(MetadataRecord::PartitionChange(change)).is_err());
    }
}
