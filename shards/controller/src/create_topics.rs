//! Topics are created. As Kafka's `ReplicationControlManager` judges it, with one difference: of two topics of one
//! request whose names collide, the second is refused.

use std::collections::{BTreeMap, BTreeSet};

use metadata::settings::{describe_topic, validate_topic};
use metadata::{ConfigResource, ConfigValue, Partition, Record};
use types::{BrokerId, ErrorCode, PartitionIndex, TopicId, TopicName};

use crate::Controller;
use crate::assignment::{check_chosen, first_state, placer};
use crate::request::{CreateTopics, CreatedTopic, NewTopic, Outcome, Refusal, TopicResult};
use crate::seed::Seed;

/// One request may make as many partitions as Kafka allows (`QuorumController.MAX_RECORDS_PER_USER_OP`): its records
/// are one entry of the log.
pub(crate) const PARTITIONS_PER_REQUEST_MAX: i64 = 10_000;

/// The topic of Kafka's own metadata log, which exists only as a name.
const METADATA_TOPIC: &str = "__cluster_metadata";

/// A topic that may be created.
struct Accepted {
    created: CreatedTopic,
    records: Vec<Record>,
}

/// What the topics before it in the request took.
#[derive(Default)]
struct Taken {
    ids: BTreeSet<TopicId>,
    collisions: BTreeMap<String, TopicName>,
    seeds: u64,
}

impl Controller {
    /// Creates topics, or checks whether they could be. A topic that is asked for twice is refused, with one result.
    #[must_use]
    pub fn create_topics(
        &self,
        request: &CreateTopics,
        seed: Seed,
    ) -> Outcome<Vec<TopicResult<CreatedTopic>>> {
        let mut count = BTreeMap::new();
        for topic in &request.topics {
            *count.entry(topic.name.as_str()).or_insert(0) += 1;
        }
        let too_many = self.partitions_of(request) > PARTITIONS_PER_REQUEST_MAX;
        let (mut records, mut reply, mut taken) = (Vec::new(), Vec::new(), Taken::default());
        for topic in &request.topics {
            let result = match count.remove(topic.name.as_str()) {
                // Its result is there already.
                None => continue,
                Some(1) if too_many => Err(Refusal::new(
                    ErrorCode::PolicyViolation,
                    "Excessively large number of partitions per request.",
                )),
                Some(1) => self.create_topic(topic, seed, &mut taken),
                Some(_) => Err(Refusal::new(ErrorCode::InvalidRequest, "Duplicate topic name.")),
            };
            let result = result.map(|accepted| {
                records.extend(accepted.records);
                accepted.created
            });
            reply.push(TopicResult { name: topic.name.clone(), result });
        }
        if request.validate_only {
            records.clear();
        }
        Outcome { records, reply }
    }

    /// How many partitions a request would make.
    fn partitions_of(&self, request: &CreateTopics) -> i64 {
        let default = self.image().broker_settings().topics.partitions;
        let of = |topic: &NewTopic| match topic.partitions {
            _ if !topic.assignments.is_empty() => i64::try_from(topic.assignments.len()).unwrap_or(i64::MAX),
            -1 => default.into(),
            partitions => i64::from(partitions).max(0),
        };
        request.topics.iter().map(of).fold(0, i64::saturating_add)
    }

    fn create_topic(&self, topic: &NewTopic, seed: Seed, taken: &mut Taken) -> Result<Accepted, Refusal> {
        let name = self.check_name(&topic.name, taken)?;
        let configs = checked_configs(&topic.configs)?;
        let partitions = if topic.assignments.is_empty() {
            self.placed(topic, seed.number(taken.seeds))?
        } else {
            self.chosen(topic)?
        };
        let id = self.free_id(seed, taken);
        taken.collisions.insert(name.collision_key(), name.clone());
        let replicas = partitions.first().map_or(0, |partition| partition.replicas.len());
        let created = CreatedTopic {
            id,
            // Both were checked against far lower bounds.
            partitions: partitions.len() as i32,
            replication_factor: replicas as i16,
            configs: self.configs_in_force(&configs),
        };
        Ok(Accepted { created, records: records(id, &name, configs, partitions) })
    }

    fn check_name(&self, text: &str, taken: &Taken) -> Result<TopicName, Refusal> {
        if text == METADATA_TOPIC {
            let text = format!("Creation of internal topic {METADATA_TOPIC} is prohibited.");
            return Err(Refusal::new(ErrorCode::InvalidRequest, text));
        }
        let name = TopicName::new(text)
            .map_err(|error| Refusal::new(ErrorCode::InvalidTopicException, error.to_string()))?;
        if self.image().topic(text).is_some() {
            let text = format!("Topic '{name}' already exists.");
            return Err(Refusal::new(ErrorCode::TopicAlreadyExists, text));
        }
        let other = self.colliding(&name).or_else(|| taken.collisions.get(&name.collision_key()));
        match other {
            None => Ok(name),
            Some(other) => {
                let text = format!("Topic '{name}' collides with existing topic: {other}");
                Err(Refusal::new(ErrorCode::InvalidTopicException, text))
            }
        }
    }

    /// Partitions where the placement puts them.
    fn placed(&self, topic: &NewTopic, seed: u64) -> Result<Vec<Partition>, Refusal> {
        let defaults = &self.image().broker_settings().topics;
        let replicas = match topic.replication_factor {
            -1 => defaults.replication_factor,
            1.. => topic.replication_factor,
            _ => {
                let text = "Replication factor must be larger than 0, or -1 to use the default value.";
                return Err(Refusal::new(ErrorCode::InvalidReplicationFactor, text));
            }
        };
        let count = match topic.partitions {
            -1 => defaults.partitions,
            1.. => topic.partitions,
            _ => {
                let text = "Number of partitions was set to an invalid non-positive value.";
                return Err(Refusal::new(ErrorCode::InvalidPartitions, text));
            }
        };
        let placer = placer(self.image(), replicas, seed)?;
        let indexes = (0..count).map(PartitionIndex);
        indexes.map(|index| first_state(self.image(), index, placer.place(index))).collect()
    }

    /// Partitions where the asker wants them.
    fn chosen(&self, topic: &NewTopic) -> Result<Vec<Partition>, Refusal> {
        let with = |code, text: &str| Err(Refusal::new(code, text));
        if topic.replication_factor != -1 {
            return with(
                ErrorCode::InvalidRequest,
                "A manual partition assignment was specified, but replication factor was not set to -1.",
            );
        }
        if topic.partitions != -1 {
            return with(
                ErrorCode::InvalidRequest,
                "A manual partition assignment was specified, but numPartitions was not set to -1.",
            );
        }
        let mut chosen: BTreeMap<PartitionIndex, &[BrokerId]> = BTreeMap::new();
        let replicas = topic.assignments.first().map_or(0, |(_, brokers)| brokers.len());
        for (index, brokers) in &topic.assignments {
            if chosen.insert(*index, brokers).is_some() {
                let text = format!("Found multiple manual partition assignments for partition {index}");
                return with(ErrorCode::InvalidReplicaAssignment, &text);
            }
            check_chosen(self.image(), brokers, replicas)?;
        }
        if !chosen.keys().copied().eq((0..).map(PartitionIndex).take(chosen.len())) {
            return with(
                ErrorCode::InvalidReplicaAssignment,
                "partitions should be a consecutive 0-based integer sequence",
            );
        }
        chosen.iter().map(|(index, brokers)| first_state(self.image(), *index, brokers.to_vec())).collect()
    }

    /// An id that no topic has or had in this image.
    fn free_id(&self, seed: Seed, taken: &mut Taken) -> TopicId {
        loop {
            let id = seed.id(taken.seeds);
            taken.seeds += 1;
            if self.image().topic_by_id(id).is_none() && taken.ids.insert(id) {
                return id;
            }
        }
    }

    /// All settings as they will be in force for a topic with these of its own (KIP-525).
    fn configs_in_force(&self, own: &BTreeMap<String, String>) -> Vec<ConfigValue> {
        let described = describe_topic(own, &self.image().layers());
        let shown = |setting: metadata::settings::Described| ConfigValue {
            name: setting.name,
            value: setting.value,
            source: setting.source,
        };
        described.into_iter().map(shown).collect()
    }
}

/// The settings of a new topic; of one that is given twice the last value counts.
fn checked_configs(configs: &[(String, Option<String>)]) -> Result<BTreeMap<String, String>, Refusal> {
    let mut checked = BTreeMap::new();
    let invalid = |text: String| Refusal::new(ErrorCode::InvalidConfig, text);
    for (name, value) in configs {
        let missing = || invalid(format!("Null value not supported for topic configs: {name}"));
        checked.insert(name.clone(), value.clone().ok_or_else(missing)?);
    }
    validate_topic(&checked).map_err(|error| invalid(error.to_string()))?;
    Ok(checked)
}

fn records(
    id: TopicId,
    name: &TopicName,
    configs: BTreeMap<String, String>,
    partitions: Vec<Partition>,
) -> Vec<Record> {
    let mut records = vec![Record::Topic { id, name: name.clone() }];
    let resource = ConfigResource::topic(name.as_str());
    records.extend(configs.into_iter().map(|(key, value)| Record::Config {
        resource: resource.clone(),
        key,
        value: Some(value),
    }));
    let indexes = (0..).map(PartitionIndex);
    records.extend(indexes.zip(partitions).map(|(index, state)| Record::Partition {
        topic: id,
        index,
        state,
    }));
    records
}
