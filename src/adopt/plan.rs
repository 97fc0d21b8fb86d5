//! What taking over a node would do: decided here, before anything is written.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use metadata::{ConfigResource, Image, LogIndex, NodeSettings, Partition, Record, ResourceKind, settings};
use protocol::kraft::PartitionRecord;
use types::{BrokerId, DirectoryId, LeaderEpoch, PartitionIndex, ProducerId, TopicId, TopicName, Uuid};

use super::AdoptError;
use super::cluster::Topic;
use super::directories::Directories;
use super::metadata_log::{self, KafkaMetadata};
use super::transactions;
use crate::config::Config;

/// An entry of the new metadata log is closed when it has grown to this many records; a topic is never split.
const ENTRY_RECORDS: usize = 2_000;

/// What an adoption would do.
#[derive(Debug)]
pub struct Plan {
    pub cluster_id: String,
    pub node: BrokerId,
    /// Kafka's `metadata.version`, if it has one.
    pub metadata_version: Option<i16>,
    /// Where Kafka's metadata log lies, and how far it was read.
    pub kafka_metadata: Option<(PathBuf, i64)>,
    /// The data directories; the first gets Strome's metadata log.
    pub directories: Vec<PathBuf>,
    pub topics: Vec<TopicPlan>,
    /// Dynamic settings of brokers, groups and the like that are taken over.
    pub settings: usize,
    pub next_producer_id: i64,
    /// What Strome cannot take over.
    pub left_behind: Vec<String>,
    /// What the operator should know.
    pub notes: Vec<String>,
    /// What would be missing afterwards; allowed only if the operator says so.
    pub incomplete: Vec<String>,
    /// What speaks against it.
    pub refusals: Vec<String>,
    /// The new metadata log.
    pub(super) entries: Vec<Vec<Record>>,
    /// Locked until this is dropped.
    pub(super) found: Directories,
}

/// A topic as it would be taken over.
#[derive(Clone, Debug, Default)]
pub struct TopicPlan {
    pub name: String,
    pub id: TopicId,
    pub partitions: usize,
    /// Of those, the ones whose logs are here.
    pub here: usize,
    /// The most replicas that a partition had; it will have one.
    pub replicas: usize,
    pub settings: BTreeMap<String, String>,
}

impl Plan {
    /// Looks at the node that `config` describes, whose data directories are `directories`.
    pub fn make(config: &Config, directories: &[PathBuf]) -> Result<Self, AdoptError> {
        let node = config.broker.node_id;
        let separate = config.fixed.get("metadata.log.dir").map(PathBuf::from);
        let found = Directories::look(directories, separate.as_deref(), node)?;
        let mut plan = Self {
            cluster_id: found.found.first().map(|dir| dir.meta.cluster_id.clone()).unwrap_or_default(),
            node,
            metadata_version: None,
            kafka_metadata: None,
            directories: directories.to_vec(),
            topics: Vec::new(),
            settings: 0,
            next_producer_id: 0,
            left_behind: Vec::new(),
            notes: Vec::new(),
            incomplete: Vec::new(),
            refusals: Vec::new(),
            entries: Vec::new(),
            found,
        };
        plan.refusals.append(&mut plan.found.refusals);
        plan.check_settings(config);
        let Some(path) = plan.found.metadata.clone().filter(|_| !plan.found.found.is_empty()) else {
            return Ok(plan);
        };
        let kafka = metadata_log::read(&path)?;
        plan.kafka_metadata = Some((path, kafka.end.0));
        plan.metadata_version = kafka.cluster.features.get("metadata.version").copied();
        plan.next_producer_id = kafka.cluster.next_producer_id;
        plan.name_what_stays_behind(&kafka);
        plan.cluster_entry(&kafka);
        plan.topic_entries(&kafka);
        plan.look_at_logs(&kafka);
        plan.try_entries(config);
        Ok(plan)
    }

    /// Settings that speak of a mode that cannot be taken over.
    fn check_settings(&mut self, config: &Config) {
        let set =
            |name: &str| config.fixed.get(name).map(|value| value.trim()).filter(|value| !value.is_empty());
        if set("zookeeper.connect").is_some() {
            self.refusals.push(
                "zookeeper.connect is set: migrate the cluster to KRaft first, as Kafka 3.9 can, and remove the line".into(),
            );
        }
        if set("process.roles").is_some_and(|roles| !roles.split(',').any(|role| role.trim() == "broker")) {
            self.refusals
                .push("process.roles has no broker: a controller has no partitions to take over".into());
        }
        if set("remote.log.storage.system.enable").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            self.refusals.push(
                "remote.log.storage.system.enable is true: Strome cannot read what tiered storage has moved away".into(),
            );
        }
        let configured: BTreeSet<PathBuf> =
            config.broker.log_dirs.iter().map(|dir| whole(Path::new(dir))).collect();
        let given: BTreeSet<PathBuf> = self.directories.iter().map(|dir| whole(dir)).collect();
        for missing in configured.difference(&given) {
            self.refusals.push(format!("{} is in log.dirs, but was not given", missing.display()));
        }
        for other in given.difference(&configured) {
            self.refusals.push(format!("{} was given, but is not in log.dirs", other.display()));
        }
        if given.len() != self.directories.len() {
            self.refusals.push("a directory was given twice".into());
        }
    }

    fn name_what_stays_behind(&mut self, kafka: &KafkaMetadata) {
        let cluster = &kafka.cluster;
        let mut name = |what: String| self.left_behind.push(what);
        if cluster.acls > 0 {
            name(format!("{} ACLs: Strome has no access control, everybody may do everything", cluster.acls));
        }
        if !cluster.scram_users.is_empty() {
            let users: Vec<&str> = cluster.scram_users.iter().map(String::as_str).collect();
            name(format!("SCRAM credentials of {}", users.join(", ")));
        }
        if cluster.quotas > 0 {
            name("client quotas".to_owned());
        }
        if cluster.tokens > 0 {
            name(format!("{} delegation tokens", cluster.tokens));
        }
        if !cluster.features.is_empty() {
            let features: Vec<String> =
                cluster.features.iter().map(|(name, level)| format!("{name}={level}")).collect();
            name(format!("Kafka's feature levels ({}): Strome has its own", features.join(", ")));
        }
        for (kind, count) in &cluster.unknown {
            name(format!("{count} metadata records of kind {kind}, which this release does not know"));
        }
        if cluster.zookeeper_migration {
            self.refusals
                .push("the migration from ZooKeeper to KRaft is not complete: complete it first".into());
        }
    }

    /// What belongs to no topic.
    fn cluster_entry(&mut self, kafka: &KafkaMetadata) {
        let mut records = vec![Record::ClusterId { id: self.cluster_id.clone() }];
        if self.next_producer_id > 0 {
            records.push(Record::ProducerIds { next: ProducerId(self.next_producer_id) });
        }
        let own = self.node.to_string();
        for ((kind, name), configs) in &kafka.cluster.configs {
            let resource = match ResourceKind::from_code(*kind) {
                Some(ResourceKind::Topic) => continue,
                Some(ResourceKind::Broker) if !name.is_empty() && *name != own => {
                    self.left_behind.push(format!("settings of broker {name}, which this node is not"));
                    continue;
                }
                Some(kind) => ConfigResource::new(kind, name.clone()),
                None => {
                    self.left_behind
                        .push(format!("settings of {name:?}, a resource of the unknown kind {kind}"));
                    continue;
                }
            };
            self.settings += configs.len();
            records.extend(configs.iter().map(|(key, value)| Record::Config {
                resource: resource.clone(),
                key: key.clone(),
                value: Some(value.clone()),
            }));
        }
        self.entries.push(records);
    }

    fn topic_entries(&mut self, kafka: &KafkaMetadata) {
        let places = self.places();
        let mut topics: Vec<(&TopicId, &Topic)> = kafka.cluster.topics.iter().collect();
        topics.sort_by(|one, other| one.1.name.cmp(&other.1.name));
        for (id, topic) in topics {
            let name = match TopicName::new(&topic.name) {
                Ok(name) => name,
                Err(error) => {
                    self.refusals.push(format!("topic {id}: {error}"));
                    continue;
                }
            };
            let mut records = vec![Record::Topic { id: *id, name: name.clone() }];
            let mut told = TopicPlan { name: topic.name.clone(), id: *id, ..TopicPlan::default() };
            for (index, state) in &topic.partitions {
                let place = places.get(&(name.clone(), PartitionIndex(*index), *id)).copied();
                told.partitions += 1;
                told.here += usize::from(place.is_some());
                told.replicas = told.replicas.max(state.replicas.len());
                let state = self.partition(&topic.name, *index, state, place);
                records.push(Record::Partition { topic: *id, index: PartitionIndex(*index), state });
            }
            let resource = (ResourceKind::Topic.code(), topic.name.clone());
            if let Some(configs) = kafka.cluster.configs.get(&resource) {
                self.topic_settings(&mut told, configs, &mut records);
            }
            self.topics.push(told);
            match self.entries.last_mut() {
                Some(entry) if self.topics.len() > 1 && entry.len() < ENTRY_RECORDS => {
                    entry.append(&mut records)
                }
                _ => self.entries.push(records),
            }
        }
    }

    /// Where each log lies, by topic name, partition and topic id. A log in two places is refused.
    fn places(&mut self) -> BTreeMap<(TopicName, PartitionIndex, TopicId), DirectoryId> {
        let mut places = BTreeMap::new();
        for dir in &self.found.found {
            for (name, id) in &dir.view.logs {
                let Some(id) = id else { continue };
                let log = (name.topic.clone(), name.partition, *id);
                if places.insert(log, dir.meta.directory_id).is_some() {
                    self.refusals
                        .push(format!("{}: {name} lies in another directory, too", dir.path.display()));
                }
            }
        }
        places
    }

    /// The state that a partition gets: led by this node alone if it has a replica, and otherwise by nobody.
    fn partition(
        &mut self,
        topic: &str,
        index: i32,
        kafka: &PartitionRecord,
        place: Option<DirectoryId>,
    ) -> Partition {
        let partition_epoch = kafka.partition_epoch.saturating_add(1);
        // A new leadership: no batch may carry an epoch that Kafka has used for another leader.
        let leader_epoch = LeaderEpoch(kafka.leader_epoch.saturating_add(1));
        if !kafka.replicas.contains(&self.node.0) {
            let brokers: Vec<String> = kafka.replicas.iter().map(ToString::to_string).collect();
            let brokers = brokers.join(", ");
            self.incomplete.push(format!(
                "{topic}-{index} has no replica here (brokers {brokers} have it): it stays without a leader"
            ));
            let replicas: Vec<BrokerId> = kafka.replicas.iter().copied().map(BrokerId).collect();
            return Partition {
                directories: vec![Uuid::ZERO; replicas.len()],
                replicas,
                isr: Vec::new(),
                leader: BrokerId::NONE,
                leader_epoch,
                partition_epoch,
            };
        }
        if place.is_none() {
            self.incomplete
                .push(format!("{topic}-{index} has no log in the directories given: it becomes empty"));
        }
        if !kafka.isr.contains(&self.node.0) && kafka.replicas.len() > 1 {
            self.incomplete.push(format!(
                "{topic}-{index} was not in sync here when the node stopped: records that only brokers {:?} have are missing",
                kafka.isr
            ));
        }
        Partition {
            replicas: vec![self.node],
            directories: vec![place.unwrap_or(Uuid::ZERO)],
            isr: vec![self.node],
            leader: self.node,
            leader_epoch,
            partition_epoch,
        }
    }

    fn topic_settings(
        &mut self,
        told: &mut TopicPlan,
        configs: &BTreeMap<String, String>,
        records: &mut Vec<Record>,
    ) {
        let name = &told.name;
        if configs.get("remote.storage.enable").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            self.refusals.push(format!("{name} uses tiered storage: Strome cannot read what was moved away"));
        }
        for (key, value) in configs {
            match settings::topic(key) {
                None => {
                    self.left_behind
                        .push(format!("{key}={value} of topic {name}: Strome does not know this setting"));
                    continue;
                }
                Some(setting) if setting.effect == settings::Effect::Ignored => {
                    self.notes
                        .push(format!("{key}={value} of topic {name} is kept, but without effect in Strome"));
                }
                Some(_) => {}
            }
            told.settings.insert(key.clone(), value.clone());
            let resource = ConfigResource::topic(name);
            records.push(Record::Config { resource, key: key.clone(), value: Some(value.clone()) });
        }
    }

    /// Names directories of logs that no topic knows, and those that the first start removes; and what is not over in
    /// the others.
    fn look_at_logs(&mut self, kafka: &KafkaMetadata) {
        for dir in &self.found.found {
            for (name, id) in &dir.view.logs {
                let topic = id.and_then(|id| kafka.cluster.topics.get(&id));
                let is_known = topic.is_some_and(|topic| topic.partitions.contains_key(&name.partition.0));
                let path = dir.path.join(name.to_string());
                if is_known && let Some((offset, producer)) = transactions::open_since(&path) {
                    self.notes.push(format!(
                        "{name} has an open transaction of producer {producer} from offset {offset} on, behind which nobody \
                         reads committed records: end it with Kafka's transactions tool first"
                    ));
                }
                if !is_known && self.found.metadata.as_ref() != Some(&path) {
                    self.notes
                        .push(format!("{} belongs to no topic; its files are left alone", path.display()));
                }
            }
            for name in &dir.view.deleted {
                let path = dir.path.join(name);
                self.notes.push(format!("{} was deleted; Strome's first start removes it", path.display()));
            }
        }
    }

    /// Applies the new log as a broker will, so that nothing in it can keep the broker from starting.
    fn try_entries(&mut self, config: &Config) {
        let node = NodeSettings { id: self.node, file: config.fixed.clone() };
        let image = match Image::new(node) {
            Ok(image) => image,
            Err(error) => return self.refusals.push(error.to_string()),
        };
        let mut image = image;
        for records in &self.entries {
            match image.apply(image.index().next(), records) {
                Ok((next, delta)) => {
                    image = next;
                    for complaint in delta.complaints {
                        self.notes.push(format!("{complaint}; Strome passes over it"));
                    }
                }
                Err(error) => return self.refusals.push(error.to_string()),
            }
        }
        debug_assert_eq!(image.index(), LogIndex(self.entries.len() as u64));
    }
}

/// A path in the form in which two that mean the same are equal.
fn whole(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}
