//! Records out of a seed.

use strome_metadata::{Broker, ConfigResource, Listener, Partition, PartitionChange, Record, ResourceKind};
use types::{BrokerId, LeaderEpoch, PartitionIndex, ProducerId, TopicName, Uuid};

/// A generator whose stream is the same everywhere (xorshift).
pub struct Random(pub u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.below(2) == 0).then(|| make(self))
    }

    fn many<T>(&mut self, make: impl Fn(&mut Self) -> T) -> Vec<T> {
        (0..self.below(5)).map(|_| make(self)).collect()
    }

    pub fn int(&mut self) -> i32 {
        [0, -1, 1, i32::MAX, i32::MIN, 127, 128, 70_000][self.below(8) as usize]
    }

    pub fn long(&mut self) -> i64 {
        [0, -1, 1000, i64::MAX, i64::MIN, i64::from(i32::MAX)][self.below(6) as usize]
    }

    pub fn text(&mut self) -> String {
        ["", "a", "retention.ms", "ä ö ü", "x,y", &"long".repeat(100)][self.below(6) as usize].to_owned()
    }

    fn uuid(&mut self) -> Uuid {
        Uuid([self.below(256) as u8; 16])
    }

    fn broker_id(&mut self) -> BrokerId {
        BrokerId(self.int())
    }

    fn listener(&mut self) -> Listener {
        Listener {
            name: self.text(),
            host: self.text(),
            port: [0, 1, 9092, u16::MAX][self.below(4) as usize],
            security_protocol: self.below(4) as i16,
        }
    }

    fn broker(&mut self) -> Broker {
        Broker {
            id: self.broker_id(),
            incarnation: self.uuid(),
            epoch: self.long(),
            rack: self.maybe(Self::text),
            listeners: self.many(Self::listener),
            directories: self.many(Self::uuid),
            fenced: self.below(2) == 0,
        }
    }

    fn partition(&mut self) -> Partition {
        Partition {
            replicas: self.many(Self::broker_id),
            directories: self.many(Self::uuid),
            isr: self.many(Self::broker_id),
            leader: self.broker_id(),
            leader_epoch: LeaderEpoch(self.int()),
            partition_epoch: self.int(),
        }
    }

    fn change(&mut self) -> PartitionChange {
        PartitionChange {
            replicas: self.maybe(|random| random.many(Self::broker_id)),
            directories: self.maybe(|random| random.many(Self::uuid)),
            isr: self.maybe(|random| random.many(Self::broker_id)),
            leader: self.maybe(Self::broker_id),
            leader_epoch: self.maybe(|random| LeaderEpoch(random.int())),
            partition_epoch: self.int(),
        }
    }

    fn resource(&mut self) -> ConfigResource {
        let kind = ResourceKind::from_code([2, 4, 8, 16, 32][self.below(5) as usize]).expect("a kind");
        ConfigResource::new(kind, self.text())
    }

    /// Any record at all; it need not make sense.
    pub fn record(&mut self) -> Record {
        let (topic, index) = (self.uuid(), PartitionIndex(self.int()));
        match self.below(11) {
            0 => Record::ClusterId { id: self.text() },
            1 => Record::RegisterBroker(self.broker()),
            2 => Record::UnregisterBroker { id: self.broker_id() },
            3 => Record::FenceBroker { id: self.broker_id(), fenced: self.below(2) == 0 },
            4 => Record::Topic { id: topic, name: TopicName::new("a.topic_name-1").expect("a name") },
            5 => Record::RemoveTopic { id: topic },
            6 => Record::Partition { topic, index, state: self.partition() },
            7 => Record::PartitionChange { topic, index, change: self.change() },
            8 => {
                Record::Config { resource: self.resource(), key: self.text(), value: self.maybe(Self::text) }
            }
            9 => Record::ProducerIds { next: ProducerId(self.long()) },
            _ => Record::FeatureLevel { name: self.text(), level: self.below(9) as i16 - 1 },
        }
    }
}
