//! What is asked of a cluster before and after a run: its topics, their leaders, settings and offsets.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use protocol::Str;
use protocol::messages::configs::DescribeConfigsResource;
use protocol::messages::list_offsets::{
    ListOffsetsPartition, ListOffsetsPartitionResponse, ListOffsetsTopic, ListOffsetsTopicResponse,
};
use protocol::messages::metadata::{MetadataRequestTopic, MetadataResponseTopic};
use protocol::messages::topics::{CreatableTopic, CreatableTopicConfig, DeleteTopicState};
use protocol::messages::{
    CreateTopicsRequest, DeleteTopicsRequest, DescribeConfigsRequest, DescribeLogDirsRequest,
    ListOffsetsRequest, MetadataRequest,
};
use types::{BrokerId, ErrorCode, Offset, TopicId};

use crate::dial::{Address, Dialed};
use crate::error::{BenchError, is_retriable};

const BACKOFF: Duration = Duration::from_millis(50);
/// Kafka's mark for the end of a log, in ListOffsets.
const LATEST: i64 = -1;
/// Kafka's mark for its beginning.
const EARLIEST: i64 = -2;
const RESOURCE_TOPIC: i8 = 2;

/// How to reach a cluster.
#[derive(Clone, Debug)]
pub struct Access {
    /// Where to begin; any broker will do.
    pub bootstrap: Vec<Address>,
    /// How long connecting, a request, and trying again may take.
    pub timeout: Duration,
    /// How the client calls itself; a quota may go by it.
    pub client_id: Str,
}

/// Brokers and topics, as the cluster told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Map {
    pub(crate) brokers: BTreeMap<BrokerId, Address>,
    pub(crate) controller: Option<BrokerId>,
    pub(crate) topics: Vec<Topic>,
}

/// One topic.
#[derive(Clone, Debug)]
pub(crate) struct Topic {
    pub(crate) name: Str,
    pub(crate) id: TopicId,
    pub(crate) replication_factor: usize,
    /// By number.
    pub(crate) leaders: Vec<BrokerId>,
}

/// A topic to be made.
#[derive(Clone, Debug)]
pub(crate) struct NewTopic {
    pub(crate) name: String,
    pub(crate) partitions: i32,
    /// -1 for the broker's own.
    pub(crate) replication_factor: i16,
    pub(crate) configs: Vec<(String, String)>,
}

impl Access {
    /// A connection to the first broker that answers.
    pub(crate) fn any(&self) -> Result<Dialed, BenchError> {
        let mut attempts = Vec::new();
        for address in &self.bootstrap {
            match Dialed::open(address, self) {
                Ok(dialed) => return Ok(dialed),
                Err(error) => attempts.push(error.to_string()),
            }
        }
        Err(BenchError::NoBroker(attempts.join("; ")))
    }

    /// The map with these topics; asks again for as long as a partition has no leader.
    pub(crate) fn map(&self, topics: &[Str]) -> Result<Map, BenchError> {
        self.insist(|| match self.look(topics)? {
            (map, None) => Ok(map),
            (_, Some((topic, code))) => {
                let (what, message) = (format!("topic {topic}"), String::new());
                Err(BenchError::Refused { what, code, message })
            }
        })
    }

    /// Asks again while the answer is an error that may pass, as long as there is time; also who the controller is.
    fn insist<T>(&self, mut ask: impl FnMut() -> Result<T, BenchError>) -> Result<T, BenchError> {
        let deadline = Instant::now() + self.timeout;
        loop {
            match ask() {
                Err(BenchError::Refused { code, .. }) if is_retriable(code) && Instant::now() < deadline => {
                    thread::sleep(BACKOFF);
                }
                Err(BenchError::Refused { what, code, .. }) if is_retriable(code) => {
                    return Err(BenchError::Exhausted { what, code, after: self.timeout });
                }
                answer => return answer,
            }
        }
    }

    /// The map as it is now, and the first topic that is not usable.
    fn look(&self, topics: &[Str]) -> Result<(Map, Option<(Str, i16)>), BenchError> {
        let named = |name: &Str| MetadataRequestTopic { name: Some(name.clone()), ..Default::default() };
        let request = MetadataRequest {
            topics: Some(topics.iter().map(named).collect()),
            allow_auto_topic_creation: false,
            ..Default::default()
        };
        let response = self.any()?.call(&request)?;
        let address = |host: &Str, port: i32| Address {
            host: host.as_str().to_owned(),
            port: u16::try_from(port).unwrap_or_default(),
        };
        let brokers =
            response.brokers.iter().map(|b| (BrokerId(b.node_id), address(&b.host, b.port))).collect();
        let controller = Some(BrokerId(response.controller_id)).filter(|id| id.0 >= 0);
        let mut map = Map { brokers, controller, topics: Vec::new() };
        let mut trouble = None;
        for name in topics {
            let found = response.topics.iter().find(|topic| topic.name.as_ref() == Some(name));
            let Some(found) = found else {
                return Err(BenchError::Failed(format!("the cluster says nothing about topic {name}")));
            };
            let topic = Topic::of(name, found);
            let leaderless =
                topic.leaders.is_empty() || topic.leaders.iter().any(|id| !map.brokers.contains_key(id));
            let code = match found.error_code {
                0 if leaderless => ErrorCode::LeaderNotAvailable.code(),
                code => code,
            };
            if code != 0 && trouble.is_none() {
                trouble = Some((name.clone(), code));
            }
            map.topics.push(topic);
        }
        Ok((map, trouble))
    }

    /// Whether there is such a topic.
    pub fn has_topic(&self, name: &Str) -> Result<bool, BenchError> {
        let (_, trouble) = self.look(std::slice::from_ref(name))?;
        Ok(trouble.is_none_or(|(_, code)| code != ErrorCode::UnknownTopicOrPartition.code()))
    }

    /// Makes topics. One that is there already is an error.
    pub(crate) fn create(&self, topics: &[NewTopic]) -> Result<(), BenchError> {
        let config = |(key, value): &(String, String)| CreatableTopicConfig {
            name: Str::from(key.as_str()),
            value: Some(Str::from(value.as_str())),
        };
        let creatable = |topic: &NewTopic| CreatableTopic {
            name: Str::from(topic.name.as_str()),
            num_partitions: topic.partitions,
            replication_factor: topic.replication_factor,
            assignments: Vec::new(),
            configs: topic.configs.iter().map(config).collect(),
        };
        let mut request = CreateTopicsRequest {
            topics: topics.iter().map(creatable).collect(),
            timeout_ms: i32::try_from(self.timeout.as_millis()).unwrap_or(i32::MAX),
            validate_only: false,
        };
        self.insist(|| {
            let response = self.controller()?.call(&request)?;
            let mut trouble = Ok(());
            for result in &response.topics {
                // Of an attempt whose answer was an error that has passed.
                let is_there = result.error_code == ErrorCode::TopicAlreadyExists.code();
                let made_before = is_there && request.topics.len() < topics.len();
                if result.error_code == 0 || made_before {
                    request.topics.retain(|topic| topic.name != result.name);
                    continue;
                }
                let message = result.error_message.as_ref().map(|text| text.as_str().to_owned());
                let refused = BenchError::Refused {
                    what: format!("cannot create topic {}", result.name),
                    code: result.error_code,
                    message: message.unwrap_or_default(),
                };
                if !is_retriable(result.error_code) {
                    return Err(refused);
                }
                trouble = trouble.and(Err(refused));
            }
            trouble
        })
    }

    /// Removes the topics of a run; what is gone already is none of our business. Returns what is to be told if they stay
    /// behind: what was measured on them is not lost for that.
    pub(crate) fn clear_away(&self, names: &[Str]) -> Option<String> {
        let error = self.delete(names).err()?.to_string();
        let why = error.lines().next().unwrap_or_default();
        Some(format!("the topics of the run were left behind: {why}"))
    }

    fn delete(&self, names: &[Str]) -> Result<(), BenchError> {
        let state = |name: &Str| DeleteTopicState { name: Some(name.clone()), ..Default::default() };
        let request = DeleteTopicsRequest {
            topics: names.iter().map(state).collect(),
            topic_names: names.to_vec(),
            timeout_ms: i32::try_from(self.timeout.as_millis()).unwrap_or(i32::MAX),
        };
        self.controller()?.call(&request).map(drop)
    }

    /// The settings of a topic by name; what the broker does not want to tell is missing.
    pub(crate) fn settings(
        &self,
        topic: &Str,
        keys: &[&'static str],
    ) -> Result<BTreeMap<String, String>, BenchError> {
        let request = DescribeConfigsRequest {
            resources: vec![DescribeConfigsResource {
                resource_type: RESOURCE_TOPIC,
                resource_name: topic.clone(),
                configuration_keys: Some(keys.iter().map(|key| Str::from_static(key)).collect()),
            }],
            ..Default::default()
        };
        let response = self.any()?.call(&request)?;
        let configs = response.results.into_iter().flat_map(|result| result.configs);
        Ok(configs
            .filter_map(|config| Some((config.name.as_str().to_owned(), config.value?.as_str().to_owned())))
            .collect())
    }

    /// The log directories of a broker.
    pub(crate) fn log_directories(&self, broker: &Address) -> Result<Vec<String>, BenchError> {
        // Of no topic: with none named a broker would list all of its partitions.
        let request = DescribeLogDirsRequest { topics: Some(Vec::new()) };
        let response = Dialed::open(broker, self)?.call(&request)?;
        let directories = response.results.iter().filter(|directory| directory.error_code == 0);
        Ok(directories.map(|directory| directory.log_dir.as_str().to_owned()).collect())
    }

    /// Where the logs of a topic's partitions begin and end, in the order of their numbers.
    pub(crate) fn offsets(&self, map: &Map, topic: &Topic) -> Result<Vec<(Offset, Offset)>, BenchError> {
        // A broker may be told later than its clients that it leads a partition of a new topic.
        let begin = self.insist(|| self.find_offsets(map, topic, EARLIEST))?;
        let end = self.insist(|| self.find_offsets(map, topic, LATEST))?;
        Ok(begin.into_iter().zip(end).collect())
    }

    fn find_offsets(&self, map: &Map, topic: &Topic, mark: i64) -> Result<Vec<Offset>, BenchError> {
        let mut found = vec![Offset(0); topic.leaders.len()];
        for answer in self.list_offsets(map, std::slice::from_ref(topic), mark)? {
            for partition in &answer.partitions {
                if partition.error_code != 0 {
                    return Err(refused(&answer.name, partition));
                }
                let index = usize::try_from(partition.partition_index).unwrap_or(usize::MAX);
                if let Some(place) = found.get_mut(index) {
                    *place = Offset(partition.offset.max(0));
                }
            }
        }
        Ok(found)
    }

    /// Waits until all leaders do as such. A new topic's brokers hear of it later than clients do, and it may take them
    /// long to make very many partitions: the time that is given counts from when the last one was ready.
    pub(crate) fn await_leaders(&self, map: &Map) -> Result<(), BenchError> {
        let (mut fewest, mut deadline) = (usize::MAX, Instant::now() + self.timeout);
        loop {
            let answers = self.list_offsets(map, &map.topics, LATEST)?;
            let partitions =
                answers.iter().flat_map(|topic| topic.partitions.iter().map(move |p| (topic, p)));
            let missing: Vec<_> = partitions.filter(|(_, partition)| partition.error_code != 0).collect();
            let Some((topic, first)) = missing.first() else { return Ok(()) };
            if missing.len() < fewest {
                (fewest, deadline) = (missing.len(), Instant::now() + self.timeout);
            }
            if !is_retriable(first.error_code) || Instant::now() > deadline {
                return Err(refused(&topic.name, first));
            }
            thread::sleep(BACKOFF);
        }
    }

    /// Asks each leader for an offset of all its partitions.
    fn list_offsets(
        &self,
        map: &Map,
        topics: &[Topic],
        mark: i64,
    ) -> Result<Vec<ListOffsetsTopicResponse>, BenchError> {
        let mut found = Vec::new();
        for (leader, address) in &map.brokers {
            let asked = |(partition_index, _): (i32, &BrokerId)| ListOffsetsPartition {
                partition_index,
                timestamp: mark,
                ..Default::default()
            };
            let led = |topic: &Topic| ListOffsetsTopic {
                name: topic.name.clone(),
                partitions: (0..).zip(&topic.leaders).filter(|(_, of)| *of == leader).map(asked).collect(),
            };
            let topics: Vec<_> =
                topics.iter().map(led).filter(|topic| !topic.partitions.is_empty()).collect();
            if !topics.is_empty() {
                let request = ListOffsetsRequest { replica_id: -1, topics, ..Default::default() };
                found.extend(Dialed::open(address, self)?.call(&request)?.topics);
            }
        }
        Ok(found)
    }

    /// A connection to the broker that takes requests for the controller, or to any if nobody says which that is.
    fn controller(&self) -> Result<Dialed, BenchError> {
        let (map, _) = self.look(&[])?;
        match map.controller.and_then(|id| map.brokers.get(&id)) {
            Some(address) => Dialed::open(address, self),
            None => self.any(),
        }
    }
}

fn refused(topic: &Str, partition: &ListOffsetsPartitionResponse) -> BenchError {
    let what = format!("the offsets of {topic}, partition {}", partition.partition_index);
    BenchError::Refused { what, code: partition.error_code, message: String::new() }
}

impl Topic {
    fn of(name: &Str, found: &MetadataResponseTopic) -> Self {
        let mut leaders = vec![BrokerId::NONE; found.partitions.len()];
        for partition in &found.partitions {
            let index = usize::try_from(partition.partition_index).unwrap_or(usize::MAX);
            if let Some(leader) = leaders.get_mut(index) {
                *leader = BrokerId(partition.leader_id);
            }
        }
        let replicas = found.partitions.iter().map(|partition| partition.replica_nodes.len());
        Self {
            name: name.clone(),
            id: found.topic_id,
            replication_factor: replicas.max().unwrap_or_default(),
            leaders,
        }
    }
}
