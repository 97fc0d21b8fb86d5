//! Partitions of one shard on a simulated disk: metadata and work in, answers out.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU16;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use metadata::{Image, NodeSettings, PartitionChange, Record};
use reactor::simulation::Simulation;
use reactor::{Event, Reactor};
use storage::{CompactionLimits, CompactionPool, LogDir, StoreSettings};
use types::{
    BrokerId, ErrorCode, LeaderEpoch, Offset, PartitionIndex, ShardId, TopicName, TopicPartition, Uuid,
};

use super::{Directories, Directory, Partitions, RecoveryThreads};
use crate::arena::Key;
use crate::clock::Now;
use crate::placement::Placement;
use crate::work::{Asker, Done, Part, Place, ReadPart, ReadWork, Work};

const US: BrokerId = BrokerId(1);
const AT: TopicPartition = TopicPartition { topic: Uuid([7; 16]), partition: PartitionIndex(0) };

/// Longer than any test takes.
const NEVER: Duration = Duration::from_secs(3_600);

/// A shard that leads [`AT`].
struct Stage {
    image: Image,
    reactor: Reactor,
    partitions: Partitions,
}

impl Stage {
    fn new() -> Self {
        let simulation = Simulation::new(1);
        let path = Path::new("/data");
        let dir = LogDir::open_on(simulation.disk(), path);
        let all = vec![Directory::new(path.to_owned(), dir, RecoveryThreads::none())];
        let partitions = Partitions::new(
            ShardId(0),
            Placement::new(NonZeroU16::MIN),
            StoreSettings::default(),
            Arc::new(Directories::new(all, HashMap::new(), 1)),
            NEVER,
            CompactionPool::new(CompactionLimits::default()),
            Now::read().monotonic,
        );
        let image = Image::new(NodeSettings { id: US, file: BTreeMap::new() }).unwrap();
        let mut stage = Self { image, reactor: simulation.reactor().unwrap(), partitions };
        let state = metadata::Partition {
            replicas: vec![US],
            directories: vec![Uuid::ZERO],
            isr: vec![US],
            leader: US,
            leader_epoch: LeaderEpoch(0),
            partition_epoch: 0,
        };
        stage.apply(&[
            Record::Topic { id: AT.topic, name: TopicName::new("t").unwrap() },
            Record::Partition { topic: AT.topic, index: AT.partition, state },
        ]);
        stage
    }

    /// Has the shard act on new metadata.
    fn apply(&mut self, records: &[Record]) {
        let (image, delta) = self.image.apply(self.image.index().next(), records).unwrap();
        self.partitions.apply(&mut self.reactor, &image, &delta);
        self.image = image;
        while self.partitions.take_applied().is_none() {
            self.turn();
        }
        self.turn();
    }

    fn turn(&mut self) {
        let mut events = Vec::new();
        self.reactor.poll(&mut events);
        for event in events {
            match event {
                Event::Wrote { token, result } => self.partitions.on_wrote(&mut self.reactor, token, result),
                Event::Read { token, result } => self.partitions.on_read(&mut self.reactor, token, result),
                event => panic!("without sockets: {event:?}"),
            }
        }
        self.partitions.turn(&mut self.reactor, Now::read());
    }

    /// Asks for records from the end of the log on.
    fn read(&mut self, from: Asker, current_epoch: LeaderEpoch) {
        let now = Now::read();
        let item = ReadPart {
            fetch_offset: Offset::ZERO,
            current_epoch,
            last_fetched_epoch: LeaderEpoch::NONE,
            bytes_max: 1_000,
        };
        let work = ReadWork {
            parts: vec![Part { place: Place(0), at: AT, item }],
            bytes_max: 1_000,
            bytes_wanted: 1,
            until: now.monotonic + NEVER,
            committed_only: false,
        };
        self.partitions.accept(&mut self.reactor, from, Work::Read(work), now);
    }

    /// Who has been answered, and with what error.
    fn answers(&mut self) -> Vec<(Asker, ErrorCode)> {
        let answers = self.partitions.take_answers().into_iter();
        let mut answers: Vec<_> = answers
            .map(|(from, done, _)| match done {
                Done::Read(parts) => (from, parts[0].item.error),
                done => panic!("nothing else was asked: {done:?}"),
            })
            .collect();
        answers.sort();
        answers
    }
}

fn asker(number: u64) -> Asker {
    Asker::Coordinator(Key::from_bits(number))
}

#[test]
fn a_new_leader_epoch_is_told_to_reads_that_wait_in_the_old_one() {
    let mut stage = Stage::new();
    let [old, none, new] = [1, 2, 3].map(asker);
    stage.read(old, LeaderEpoch(0));
    stage.read(none, LeaderEpoch::NONE);
    stage.turn();
    assert_eq!(stage.answers(), [], "there are no records");
    let change = PartitionChange {
        leader_epoch: Some(LeaderEpoch(1)),
        partition_epoch: 1,
        ..PartitionChange::default()
    };
    stage.apply(&[Record::PartitionChange { topic: AT.topic, index: AT.partition, change }]);
    assert_eq!(stage.answers(), [(old, ErrorCode::FencedLeaderEpoch)]);
    // Who names none waits on, as does who comes in the new one.
    stage.read(new, LeaderEpoch(1));
    stage.apply(&[Record::RemoveTopic { id: AT.topic }]);
    assert_eq!(stage.answers(), [none, new].map(|from| (from, ErrorCode::UnknownTopicOrPartition)));
}
