//! The coordinators of one shard, with a partition of their topic that a test leads by the hand: it may be slow, fail, be
//! opened late, and move elsewhere.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU16;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use group::{Request, Response};
use metadata::{Delta, Image, NodeSettings, Partition, PartitionChange, Record};
use net::Moment;
use record::BatchHeader;
use types::{BrokerId, ErrorCode, LeaderEpoch, Offset, PartitionIndex, ShardId, TimestampMs, TopicId};
use types::{TopicName, TopicPartition, Uuid};

use crate::arena::Key;
use crate::clock::Now;
use crate::coordinator::{Coordinators, OFFSETS_TOPIC};
use crate::placement::Placement;
use crate::work::{Appended, Done, Fetched, GroupQuestion, Part, Place, RequestKey, RequestRef, Work};

pub const NODE: BrokerId = BrokerId(1);
const OTHER_NODE: BrokerId = BrokerId(2);

const OFFSETS: TopicId = Uuid([1; 16]);
/// The one partition that keeps all groups.
const PARTITION: TopicPartition = TopicPartition { topic: OFFSETS, partition: PartitionIndex(0) };

/// A topic that groups consume.
pub const TOPIC: &str = "t";
pub const TOPIC_ID: TopicId = Uuid([2; 16]);

/// Names a question until it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asked(RequestKey);

/// See the module.
pub struct World {
    coordinators: Coordinators,
    image: Image,
    now: Now,
    /// The batches that the partition holds.
    pub log: Vec<Bytes>,
    /// Whether the partition is open.
    pub is_open: bool,
    /// What the partition is asked waits until the test settles it.
    pub is_slow: bool,
    under_way: VecDeque<(Key, Work)>,
    asked: u64,
    answers: BTreeMap<Asked, Response>,
}

impl World {
    /// Coordinators that serve, over an empty log.
    pub fn new() -> Self {
        let mut world = Self::over(Vec::new());
        world.turn();
        world
    }

    /// Coordinators that are about to load this log.
    pub fn over(log: Vec<Bytes>) -> Self {
        let node = NodeSettings { id: NODE, file: BTreeMap::new() };
        let empty = Image::new(node).expect("defaults are in order");
        let topics = [(OFFSETS, OFFSETS_TOPIC), (TOPIC_ID, TOPIC)];
        let records: Vec<Record> = topics.iter().flat_map(|(id, name)| created(*id, name)).collect();
        let (image, _) = empty.apply(empty.index().next(), &records).expect("the records fit");
        let now = Now::read();
        let placement = Placement::new(NonZeroU16::MIN);
        let mut coordinators = Coordinators::new(ShardId(0), placement, &image, now);
        coordinators.apply(&empty, &image, &Delta::of_everything(&image), now);
        let (under_way, answers) = (VecDeque::new(), BTreeMap::new());
        Self { coordinators, image, now, log, is_open: true, is_slow: false, under_way, asked: 0, answers }
    }

    /// The broker starts anew, with what the log holds.
    pub fn restart(self) -> Self {
        let mut next = Self::over(self.log);
        next.turn();
        next
    }

    /// Asks something; the answer may come now or later.
    pub fn ask(&mut self, request: Request, version: i16) -> Asked {
        self.asked += 1;
        let from = RequestRef { shard: ShardId(0), request: RequestKey::Once(Key::from_bits(self.asked)) };
        let question = GroupQuestion {
            version,
            client_id: None,
            client_address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            request,
        };
        let part = Part { place: Place(0), at: PARTITION, item: question };
        self.coordinators.accept(from, vec![part], self.now, &self.image);
        self.take_answers();
        Asked(from.request)
    }

    /// The answer, if there is one by now.
    pub fn answer(&mut self, asked: Asked) -> Option<Response> {
        self.answers.remove(&asked)
    }

    fn take_answers(&mut self) {
        for (to, done, _) in self.coordinators.take_answers() {
            let Done::Group(parts) = done else { panic!("an answer of another kind: {done:?}") };
            for part in parts {
                let twice = self.answers.insert(Asked(to.request), part.item);
                assert!(twice.is_none(), "{to:?} is answered twice");
            }
        }
    }

    /// As many turns of the loop as there is something to do.
    pub fn turn(&mut self) {
        loop {
            let extent = self.is_open.then(|| (Offset(0), self.end()));
            let busy = self.coordinators.turn(|_| extent, self.now, &self.image);
            self.under_way.extend(self.coordinators.take_work());
            self.take_answers();
            let is_done = self.is_slow || self.under_way.is_empty();
            if is_done && !busy {
                return;
            }
            if !self.is_slow {
                self.settle_all();
            }
        }
    }

    /// The partition does what it was asked first.
    pub fn settle(&mut self) {
        let (task, work) = self.under_way.pop_front().expect("the partition was asked for something");
        let done = match work {
            Work::Append(work) => {
                let [part] = &work.parts[..] else { panic!("a batch at a time, not {work:?}") };
                let base_offset = self.append(&part.item.batch.bytes);
                Done::Append(vec![part.answer(Appended {
                    error: ErrorCode::None,
                    base_offset,
                    append_time: TimestampMs::NONE,
                    log_start: Offset(0),
                })])
            }
            Work::Read(work) => {
                let [part] = &work.parts[..] else { panic!("a slice at a time, not {work:?}") };
                Done::Read(vec![part.answer(self.read(part.item.fetch_offset))])
            }
            work => panic!("no work for a partition of groups: {work:?}"),
        };
        self.tell(task, done);
    }

    /// The partition cannot do what it was asked first.
    pub fn fail(&mut self, error: ErrorCode) {
        let (task, work) = self.under_way.pop_front().expect("the partition was asked for something");
        let done = match work {
            Work::Append(work) => Done::Append(vec![work.parts[0].answer(Appended::failed(error))]),
            Work::Read(work) => Done::Read(vec![work.parts[0].answer(Fetched::failed(error))]),
            work => panic!("no work for a partition of groups: {work:?}"),
        };
        self.tell(task, done);
    }

    fn tell(&mut self, task: Key, done: Done) {
        self.coordinators.take_in(task, done, self.now);
        self.take_answers();
    }

    fn settle_all(&mut self) {
        while !self.under_way.is_empty() {
            self.settle();
        }
    }

    /// The partition does all that it was asked, and is quick from now on.
    pub fn hurry(&mut self) {
        self.is_slow = false;
        self.settle_all();
        self.turn();
    }

    /// How much the partition was asked that it has not done.
    pub fn under_way(&self) -> usize {
        self.under_way.len()
    }

    /// Where the next batch comes.
    fn end(&self) -> Offset {
        self.log.last().map_or(Offset(0), |batch| header(batch).next_offset())
    }

    /// Puts a batch at the log's end. Its base offset is the one field that its checksum leaves out.
    pub fn append(&mut self, batch: &Bytes) -> Offset {
        let base_offset = self.end();
        let mut stamped = BytesMut::from(&batch[..]);
        stamped[..8].copy_from_slice(&base_offset.0.to_be_bytes());
        self.log.push(stamped.freeze());
        base_offset
    }

    /// One batch at a time.
    fn read(&self, from: Offset) -> Fetched {
        let batch = self.log.iter().find(|batch| header(batch).base_offset >= from);
        Fetched {
            error: ErrorCode::None,
            high_watermark: self.end(),
            last_stable_offset: self.end(),
            log_start: Offset(0),
            records: batch.into_iter().cloned().collect(),
            ..Fetched::failed(ErrorCode::None)
        }
    }

    /// Time passes; the loop wakes when the coordinators want it to.
    pub fn pass(&mut self, time: Duration) {
        let until = self.now.monotonic + time;
        while let Some(at) = self.coordinators.next_deadline().filter(|at| *at <= until) {
            let before = self.now.monotonic;
            self.wake(at.max(before));
        }
        self.wake(until);
    }

    fn wake(&mut self, at: Instant) {
        self.now = Now { monotonic: at, moment: Moment::of(at), ..self.now };
        self.turn();
        let next = self.coordinators.next_deadline();
        assert!(
            next.is_none_or(|next| next > at),
            "what was due is not done, and the loop would never sleep"
        );
    }

    /// Other metadata come into force. The loop's next turn is the test's.
    pub fn change(&mut self, records: &[Record]) {
        let applied = self.image.apply(self.image.index().next(), records);
        let (image, delta) = applied.expect("the records fit");
        let before = std::mem::replace(&mut self.image, image);
        self.coordinators.apply(&before, &self.image, &delta, self.now);
        self.take_answers();
    }

    /// Another broker leads the partition, or this one again.
    pub fn move_to_other_broker(&mut self) {
        self.lead(OTHER_NODE);
    }

    pub fn move_back(&mut self) {
        self.lead(NODE);
    }

    fn lead(&mut self, leader: BrokerId) {
        let state = self.image.partition(OFFSETS, PARTITION.partition).expect("it is there");
        let change = PartitionChange {
            leader: Some(leader),
            leader_epoch: Some(LeaderEpoch(state.leader_epoch.0 + 1)),
            partition_epoch: state.partition_epoch + 1,
            ..Default::default()
        };
        self.change(&[Record::PartitionChange { topic: OFFSETS, index: PARTITION.partition, change }]);
    }

    /// The topic of groups is deleted.
    pub fn delete_offsets_topic(&mut self) {
        self.change(&[Record::RemoveTopic { id: OFFSETS }]);
    }

    /// The broker begins to stop.
    pub fn end_service(&mut self) {
        self.coordinators.end();
        self.take_answers();
    }
}

fn header(batch: &Bytes) -> BatchHeader {
    BatchHeader::parse(batch).expect("a whole batch")
}

/// A topic with one partition, which this broker leads.
pub fn created(id: TopicId, name: &str) -> [Record; 2] {
    let state = Partition {
        replicas: vec![NODE, OTHER_NODE],
        directories: vec![Uuid::ZERO; 2],
        isr: vec![NODE, OTHER_NODE],
        leader: NODE,
        leader_epoch: LeaderEpoch(0),
        partition_epoch: 0,
    };
    let name = TopicName::new(name).expect("a name");
    [Record::Topic { id, name }, Record::Partition { topic: id, index: PartitionIndex(0), state }]
}
