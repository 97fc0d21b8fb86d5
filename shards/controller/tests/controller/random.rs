//! Streams of requests out of a seed: whatever is asked, the metadata stays sound and the log tells all of it.

use std::collections::BTreeSet;

use metadata::{Image, LogIndex, Record};
use strome_controller::{
    AlterConfigs, ConfigOp, CreatePartitions, CreateTopics, DeleteTopics, LegacyAlter, NewPartitions,
    NewTopic, Request, TopicSelector,
};
use types::{BrokerId, PartitionIndex, Uuid};

use crate::cluster::{Cluster, alter, incremental, registration, set};

struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize].clone()
    }

    fn name(&mut self) -> String {
        let names = ["a", "b", "c.d", "c_d", "e", "f-g", "", "no good", "__consumer_offsets"];
        self.of(&names).to_owned()
    }

    fn brokers(&mut self) -> Vec<BrokerId> {
        (0..self.below(4)).map(|_| BrokerId(self.below(5) as i32)).collect()
    }

    fn configs(&mut self) -> Vec<(String, Option<String>)> {
        let keys = ["retention.ms", "cleanup.policy", "segment.bytes", "nope"];
        let values = [Some("1048576"), Some("compact"), Some("x"), None];
        (0..self.below(3)).map(|_| (self.of(&keys).to_owned(), self.of(&values).map(str::to_owned))).collect()
    }
}

fn request(random: &mut Random, cluster: &Cluster) -> Request {
    match random.below(12) {
        0..=3 => {
            let topics = (0..random.below(4)).map(|_| new_topic(random)).collect();
            Request::CreateTopics(CreateTopics { topics, validate_only: random.below(5) == 0 })
        }
        4..=5 => Request::DeleteTopics(DeleteTopics {
            topics: (0..random.below(3)).map(|_| selector(random, cluster)).collect(),
        }),
        6 => {
            let topics = (0..random.below(3)).map(|_| NewPartitions {
                name: random.name(),
                count: random.below(9) as i32 - 1,
                assignments: (random.below(3) == 0)
                    .then(|| (0..random.below(3)).map(|_| random.brokers()).collect()),
            });
            Request::CreatePartitions(CreatePartitions { topics: topics.collect(), validate_only: false })
        }
        7..=8 => {
            let kind = random.of(&[2, 2, 4, 16, 32]);
            let name = if kind == 4 { random.of(&["", "1", "2", "9"]).to_owned() } else { random.name() };
            let key = random.of(&[
                "retention.ms",
                "log.retention.ms",
                "log.cleanup.policy",
                "cleanup.policy",
                "interval.ms",
            ]);
            let op = match random.below(4) {
                0 => ConfigOp::Delete,
                1 => ConfigOp::Append(Some("compact".to_owned())),
                2 => ConfigOp::Subtract(Some("delete".to_owned())),
                _ => set(random.of(&["1000", "2000", "compact", "x"])),
            };
            incremental(vec![alter(kind, &name, &[(key, op)])])
        }
        9 => Request::AlterConfigs(AlterConfigs {
            resources: vec![LegacyAlter { kind: 2, name: random.name(), configs: random.configs() }],
            validate_only: random.below(4) == 0,
        }),
        10 => {
            let mut again = registration(1 + random.below(4) as i32);
            again.broker.incarnation = Uuid([random.below(3) as u8; 16]);
            again.broker.fenced = random.below(3) == 0;
            again.broker.rack = random.of(&[None, Some("a".to_owned()), Some("b".to_owned())]);
            Request::RegisterBroker(again)
        }
        _ => Request::AllocateProducerIds(strome_controller::AllocateProducerIds {
            broker: BrokerId(1),
            broker_epoch: cluster.image().brokers()[&BrokerId(1)].epoch,
        }),
    }
}

fn new_topic(random: &mut Random) -> NewTopic {
    let mut topic = NewTopic::with_defaults(random.name());
    match random.below(4) {
        0 => {
            topic.assignments =
                (0..random.below(3)).map(|n| (PartitionIndex(n as i32), random.brokers())).collect()
        }
        _ => {
            topic.partitions = random.below(6) as i32 - 1;
            topic.replication_factor = random.of(&[-1, 1, 2, 3]);
        }
    }
    topic.configs = if random.below(2) == 0 { random.configs() } else { Vec::new() };
    topic
}

fn selector(random: &mut Random, cluster: &Cluster) -> TopicSelector {
    let ids: Vec<Uuid> = cluster.image().topics().map(|topic| topic.id).collect();
    match random.below(4) {
        0 if !ids.is_empty() => TopicSelector { name: None, id: random.of(&ids) },
        1 => TopicSelector { name: None, id: Uuid([3; 16]) },
        _ => TopicSelector { name: Some(random.name()), id: Uuid::ZERO },
    }
}

fn assert_sound(image: &Image, ids_ever: &mut BTreeSet<Uuid>, seed: u64) {
    let mut collisions = BTreeSet::new();
    for topic in image.topics() {
        let context = format!("seed {seed}, topic {}", topic.name);
        ids_ever.insert(topic.id);
        assert!(collisions.insert(topic.name.collision_key()), "{context}");
        assert_eq!(image.topic(topic.name.as_str()).map(|found| found.id), Some(topic.id), "{context}");
        assert_eq!(image.topic_by_id(topic.id), Some(topic), "{context}");
        assert!(!topic.partitions.is_empty(), "{context}");
        let factor = topic.partitions[0].replicas.len();
        for (index, partition) in topic.partitions() {
            let distinct: BTreeSet<_> = partition.replicas.iter().collect();
            assert_eq!((distinct.len(), partition.directories.len()), (factor, factor), "{context}-{index}");
            assert!(partition.isr.iter().all(|id| distinct.contains(id)), "{context}-{index}");
            assert!(partition.isr.contains(&partition.leader), "{context}-{index}");
            assert!(distinct.iter().all(|id| image.brokers().contains_key(id)), "{context}-{index}");
        }
    }
    for (resource, configs) in image.configured() {
        assert!(!configs.is_empty(), "seed {seed}");
        let is_topic = resource.kind.code() == 2;
        assert!(!is_topic || image.topic(&resource.name).is_some(), "seed {seed}: {resource:?}");
    }
}

#[test]
fn whatever_is_asked_the_metadata_stays_sound_and_replays_to_the_same() {
    for seed in 1..=60 {
        let mut random = Random(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed));
        let mut cluster = Cluster::new(&[("num.partitions", "3")], 3);
        let mut ids_ever = BTreeSet::new();
        let mut created = 0;
        for _ in 0..150 {
            let request = request(&mut random, &cluster);
            let entries = cluster.entries.len();
            let (before, next_producer_id) =
                (cluster.controller.image().clone(), cluster.image().next_producer_id());
            let first = format!(
                "{:?}",
                cluster.controller.handle(&request, types::TimestampMs(0), strome_controller::Seed([0; 16]))
            );
            let again = format!(
                "{:?}",
                cluster.controller.handle(&request, types::TimestampMs(0), strome_controller::Seed([0; 16]))
            );
            assert_eq!(first, again, "seed {seed}: judging changes nothing");
            cluster.send(&request);
            for record in cluster.entries[entries..].iter().flatten() {
                created += u64::from(matches!(record, Record::Topic { .. }));
            }
            assert!(cluster.image().next_producer_id() >= next_producer_id, "seed {seed}");
            assert_eq!(before.index(), LogIndex(entries as u64), "an image that was published never changes");
            assert_sound(cluster.image(), &mut ids_ever, seed);
        }
        assert_eq!(ids_ever.len() as u64, created, "seed {seed}: every topic ever made has its own id");
        assert!(created >= 5, "seed {seed}: the stream does something");
        let replayed = cluster.replayed(&[("num.partitions", "3")]);
        assert_eq!(&replayed, cluster.image(), "seed {seed}");
        let empty = Cluster::new(&[("num.partitions", "3")], 0);
        let snapshot = empty.image().apply(cluster.image().index(), &cluster.image().records());
        assert_eq!(&snapshot.expect("a snapshot fits").0, cluster.image(), "seed {seed}");
    }
}
