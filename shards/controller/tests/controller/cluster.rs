//! A cluster without a disk: what the controller writes is committed at once.

use std::collections::BTreeMap;

use metadata::{Broker, Image, Listener, LogIndex, NodeSettings, Record};
use strome_controller::{
    ConfigOp, Controller, IncrementalAlterConfigs, NewTopic, Outcome, RegisterBroker, Reply, Request,
    ResourceAlter, Seed,
};
use types::{BrokerId, TimestampMs, Uuid};

pub const TOPIC: i8 = 2;
pub const BROKER: i8 = 4;
pub const LOGGER: i8 = 8;
pub const METRICS: i8 = 16;
pub const GROUP: i8 = 32;

pub struct Cluster {
    pub controller: Controller,
    /// Every entry so far.
    pub entries: Vec<Vec<Record>>,
}

impl Cluster {
    /// A cluster whose broker settings are these, with brokers 1 to `brokers`.
    pub fn new(file: &[(&str, &str)], brokers: i32) -> Self {
        let file = file.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let image = Image::new(NodeSettings { id: BrokerId(1), file }).expect("settings are valid");
        let mut cluster = Self { controller: Controller::new(image), entries: Vec::new() };
        for id in 1..=brokers {
            let reply = cluster.send(&Request::RegisterBroker(registration(id)));
            assert!(matches!(reply, Reply::RegisterBroker(Ok(_))), "{reply:?}");
        }
        cluster
    }

    /// One broker with Kafka's defaults.
    pub fn of_one() -> Self {
        Self::new(&[], 1)
    }

    pub fn image(&self) -> &Image {
        self.controller.image()
    }

    /// Judges, commits and replays; `seed` comes from how much was committed before.
    pub fn send(&mut self, request: &Request) -> Reply {
        let mut seed = [0x5e; 16];
        seed[..8].copy_from_slice(&(self.entries.len() as u64).to_le_bytes());
        let outcome = self.controller.handle(request, TimestampMs(0), Seed(seed));
        self.commit(outcome)
    }

    pub fn commit<R>(&mut self, outcome: Outcome<R>) -> R {
        if !outcome.records.is_empty() {
            self.entries.push(outcome.records);
            let index = LogIndex(self.entries.len() as u64);
            let records = &self.entries[self.entries.len() - 1];
            self.controller.replay(index, records).expect("the controller's own records fit");
        }
        outcome.reply
    }

    /// The same log, applied from the beginning.
    pub fn replayed(&self, file: &[(&str, &str)]) -> Image {
        let file: BTreeMap<_, _> =
            file.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let empty = Image::new(NodeSettings { id: BrokerId(1), file }).expect("settings are valid");
        self.entries.iter().zip(1..).fold(empty, |image, (records, index)| {
            image.apply(LogIndex(index), records).expect("the log fits").0
        })
    }
}

pub fn registration(id: i32) -> RegisterBroker {
    let listener = Listener {
        name: "PLAINTEXT".to_owned(),
        host: format!("broker-{id}"),
        port: 9092,
        security_protocol: 0,
    };
    RegisterBroker {
        cluster_id: "the-cluster".to_owned(),
        broker: Broker {
            id: BrokerId(id),
            incarnation: Uuid([id as u8; 16]),
            epoch: -1,
            rack: None,
            listeners: vec![listener],
            directories: vec![Uuid([100 + id as u8; 16])],
            fenced: false,
        },
    }
}

pub fn topic(name: &str, partitions: i32, replication_factor: i16) -> NewTopic {
    NewTopic { partitions, replication_factor, ..NewTopic::with_defaults(name) }
}

pub fn with_configs(mut topic: NewTopic, configs: &[(&str, Option<&str>)]) -> NewTopic {
    let owned = |value: &str| value.to_owned();
    topic.configs = configs.iter().map(|(name, value)| (owned(name), value.map(owned))).collect();
    topic
}

pub fn alter(kind: i8, name: &str, ops: &[(&str, ConfigOp)]) -> ResourceAlter {
    let ops = ops.iter().map(|(name, op)| ((*name).to_owned(), op.clone())).collect();
    ResourceAlter { kind, name: name.to_owned(), ops }
}

pub fn incremental(resources: Vec<ResourceAlter>) -> Request {
    Request::IncrementalAlterConfigs(IncrementalAlterConfigs { resources, validate_only: false })
}

pub fn set(value: &str) -> ConfigOp {
    ConfigOp::Set(Some(value.to_owned()))
}
