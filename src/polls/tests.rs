//! What polls have owners do, event by event; the test plays the owners.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use net::{ConnectionId, Moment, Slot, Timeline};
use types::{ErrorCode, LeaderEpoch, Offset, PartitionIndex, TopicPartition, Uuid};

use super::*;
use crate::requests::Answer;
use crate::shard::Shard;
use crate::work::{Place, ReadPart};

const HERE: ShardId = ShardId(0);
const THERE: ShardId = ShardId(1);

/// Notes what it is given: the place of each part, with the length of its records or its error.
#[derive(Default)]
struct Noted {
    parts: Vec<(u32, Result<usize, ErrorCode>)>,
}

struct Notes(Rc<RefCell<Noted>>);

impl Gather for Notes {
    fn merge(&mut self, done: Done) {
        let Done::Read(parts) = done else { panic!("not a read: {done:?}") };
        self.0.borrow_mut().parts.extend(parts.iter().map(|part| (part.place.0, result(&part.item))));
    }

    fn is_satisfied(&self) -> bool {
        self.0.borrow().parts.iter().any(|(_, result)| *result != Ok(0))
    }

    fn needs_all(&self) -> bool {
        self.0.borrow().parts.iter().any(|(_, result)| result.is_err())
    }

    fn finish(self: Box<Self>, _: &Call, _: &mut Shard) -> Answer {
        Answer::Silence
    }
}

fn result(fetched: &Fetched) -> Result<usize, ErrorCode> {
    if fetched.error == ErrorCode::None { Ok(fetched.len()) } else { Err(fetched.error) }
}

fn records(bytes: usize) -> Fetched {
    let mut fetched = Fetched::failed(ErrorCode::None);
    fetched.records.push(vec![0; bytes].into());
    fetched
}

/// The polls of one session whose partitions lie on two shards, and what they want of these.
struct World {
    polls: Polls,
    begun: Instant,
    session: SessionRef,
    noted: Rc<RefCell<Noted>>,
    /// What each shard was asked to read last.
    reads: [Option<(PollRead, ReadWork)>; 2],
    hurried: Vec<ShardId>,
    complete: usize,
}

impl World {
    fn new() -> Self {
        let connection = ConnectionId::from_u64(7).expect("a connection");
        Self {
            polls: Polls::default(),
            begun: Instant::now(),
            session: SessionRef { connection, id: 1 },
            noted: Rc::default(),
            reads: [None, None],
            hurried: Vec::new(),
            complete: 0,
        }
    }

    /// A request that waits until the `seconds`th, for one partition here and one there, each with its place and offset. Returns
    /// who is asked.
    fn request(&mut self, seconds: u64, here: (u32, i64), there: (u32, i64)) -> Vec<ShardId> {
        let until = self.begun + Duration::from_secs(seconds);
        let work = |partition, (place, offset): (u32, i64)| {
            let item = ReadPart {
                fetch_offset: Offset(offset),
                current_epoch: LeaderEpoch::NONE,
                last_fetched_epoch: LeaderEpoch::NONE,
                bytes_max: 1000,
            };
            let at = TopicPartition { topic: Uuid::ZERO, partition: PartitionIndex(partition) };
            let parts = vec![Part { place: Place(place), at, item }];
            ReadWork { parts, bytes_max: 1000, bytes_wanted: 1, until, committed_only: false }
        };
        let works = vec![(HERE, work(0, here)), (THERE, work(1, there))];
        let call = Call {
            connection: self.session.connection,
            slot: Slot(0),
            api_key: 1,
            client_id: None,
            version: 12,
            correlation_id: 0,
            timeline: Timeline::begin(Moment::now()),
        };
        self.noted = Rc::default();
        assert!(self.polls.is_free(self.session));
        self.polls.begin(call, self.session, Box::new(Notes(self.noted.clone())), works);
        let asked = self.take_effects();
        for brought in self.polls.take_brought() {
            self.complete += usize::from(self.polls.on_answer(brought).is_some());
        }
        asked
    }

    fn take_effects(&mut self) -> Vec<ShardId> {
        let mut asked = Vec::new();
        for (owner, read, effect) in self.polls.take_effects() {
            match effect {
                Effect::Begin(work) => {
                    self.reads[owner.index()] = Some((read, work));
                    asked.push(owner);
                }
                Effect::Hurry => self.hurried.push(owner),
            }
        }
        asked
    }

    fn has_nothing(&mut self, owner: ShardId) {
        let (read, _) = self.reads[owner.index()].as_ref().expect("a read");
        self.complete += usize::from(self.polls.on_nothing_yet(*read).is_some());
    }

    /// An owner's answer to what it was asked last. Returns who is asked then.
    fn answers(&mut self, owner: ShardId, item: Fetched) -> Vec<ShardId> {
        let (read, work) = self.reads[owner.index()].as_ref().expect("a read");
        let parts = vec![work.parts[0].answer(item)];
        let passage = Passage::begin(Moment::now());
        let answer = Brought { read: *read, from: PortId(owner.index()), parts, passage };
        self.complete += usize::from(self.polls.on_answer(answer).is_some());
        self.take_effects()
    }

    fn noted(&self) -> Vec<(u32, Result<usize, ErrorCode>)> {
        self.noted.borrow().parts.clone()
    }

    fn sweep(&mut self, is_leaving: bool, has_ended: bool) -> Vec<ShardId> {
        self.polls.sweep(|_| is_leaving, |_| has_ended);
        self.take_effects();
        std::mem::take(&mut self.hurried)
    }
}

#[test]
fn an_owner_without_records_is_not_waited_for_and_not_asked_again() {
    let mut world = World::new();
    assert_eq!(world.request(1, (0, 0), (1, 0)), [HERE, THERE]);
    world.has_nothing(HERE);
    world.has_nothing(THERE);
    world.answers(HERE, records(5));
    assert_eq!((world.complete, world.noted()), (1, vec![(0, Ok(5))]));
    assert_eq!(world.request(2, (1, 1), (0, 0)), [HERE], "the places do not matter");
    world.has_nothing(HERE);
    assert_eq!(world.polls.waiting(), 1);
    world.answers(THERE, records(6));
    assert_eq!((world.complete, world.noted()), (2, vec![(0, Ok(6))]), "the place is the new one");
    assert_eq!((world.hurried.len(), world.polls.waiting()), (0, 0));
}

#[test]
fn an_owner_that_was_not_heard_is_waited_for() {
    let mut world = World::new();
    world.request(1, (0, 0), (1, 0));
    world.answers(HERE, records(5));
    assert_eq!((world.complete, &*world.hurried), (0, &[THERE][..]));
    // It had nothing when it was asked, but its answer is under way.
    world.has_nothing(THERE);
    assert_eq!(world.complete, 0);
    world.answers(THERE, records(0));
    assert_eq!((world.complete, world.noted()), (1, vec![(0, Ok(5)), (1, Ok(0))]));
    assert_eq!(world.request(2, (0, 1), (1, 0)), [HERE, THERE]);
}

#[test]
fn what_is_wrong_at_one_owner_is_told_with_what_all_have() {
    let mut world = World::new();
    world.request(1, (0, 0), (1, 0));
    world.has_nothing(HERE);
    world.answers(THERE, Fetched::failed(ErrorCode::OffsetOutOfRange));
    assert_eq!((world.complete, &*world.hurried), (0, &[HERE][..]));
    world.answers(HERE, records(0));
    assert_eq!((world.complete, world.noted().len()), (1, 2));
}

#[test]
fn records_that_came_between_two_requests_are_the_second_ones() {
    let mut world = World::new();
    world.request(1, (0, 0), (1, 0));
    world.has_nothing(THERE);
    world.answers(HERE, records(5));
    world.answers(THERE, records(6));
    assert_eq!(world.noted().len(), 1, "not the first one's any more");
    assert_eq!(world.request(2, (0, 1), (1, 0)), [HERE]);
    assert_eq!(world.noted(), [(1, Ok(6))]);
    world.has_nothing(HERE);
    world.take_effects();
    assert_eq!(world.hurried, [HERE], "it had not been heard");
}

#[test]
fn records_that_came_between_two_requests_are_read_again_for_one_that_wants_others() {
    for item in [records(6), records(BROUGHT_BYTES_MAX + 1), Fetched::failed(ErrorCode::NotLeaderOrFollower)]
    {
        let wants_others = item.len() == 6;
        let mut world = World::new();
        world.request(1, (0, 0), (1, 0));
        world.has_nothing(THERE);
        world.answers(HERE, records(5));
        world.answers(THERE, item);
        assert_eq!(world.request(2, (0, 1), (1, i64::from(wants_others))), [HERE, THERE]);
        assert!(world.noted().is_empty() && world.hurried.is_empty());
    }
}

#[test]
fn an_answer_to_an_older_read_is_nobodys() {
    let mut world = World::new();
    world.request(1, (0, 0), (1, 0));
    world.has_nothing(THERE);
    world.answers(HERE, records(5));
    let old = world.reads[THERE.index()].take().expect("a read");
    assert_eq!(world.request(2, (0, 1), (1, 9)), [HERE, THERE]);
    assert_eq!(world.hurried, [THERE], "the older one ends");
    let new = world.reads[THERE.index()].replace(old).expect("another read");
    world.has_nothing(THERE);
    world.answers(THERE, records(6));
    assert!(world.noted().is_empty());
    world.reads[THERE.index()] = Some(new);
    world.has_nothing(HERE);
    world.answers(THERE, records(7));
    assert_eq!((world.complete, world.noted()), (2, vec![(1, Ok(7))]));
}

#[test]
fn a_read_whose_time_is_over_before_its_requests_is_begun_anew() {
    let mut world = World::new();
    world.request(1, (0, 0), (1, 0));
    world.has_nothing(THERE);
    world.answers(HERE, records(5));
    assert_eq!(world.request(2, (0, 1), (1, 0)), [HERE]);
    assert_eq!(world.answers(THERE, records(0)), [THERE], "the first request's time is over");
    assert_eq!(world.answers(THERE, records(0)), [], "the second one's is");
    assert_eq!(world.complete, 1);
    world.answers(HERE, records(0));
    assert_eq!(world.complete, 2);
    // One that waits for less than what stands does not have it wait longer.
    world.request(9, (0, 1), (1, 0));
    world.has_nothing(THERE);
    world.answers(HERE, records(5));
    assert_eq!(world.request(3, (0, 2), (1, 0)), [HERE, THERE]);
}

#[test]
fn nothing_is_left_of_a_session_that_is_over_or_whose_client_has_gone() {
    for (is_leaving, has_ended) in [(true, false), (false, true)] {
        let mut world = World::new();
        world.request(1, (0, 0), (1, 0));
        world.has_nothing(THERE);
        // What waits is answered, unless nobody is there to hear it.
        assert_eq!(world.sweep(false, has_ended), []);
        world.answers(HERE, records(5));
        assert_eq!(world.sweep(false, false), []);
        assert_eq!(world.sweep(is_leaving, has_ended), [THERE]);
        assert!(world.polls.polls.is_empty());
        world.answers(THERE, records(6));
        assert!(world.polls.polls.is_empty());
    }
    let mut world = World::new();
    world.request(1, (0, 0), (1, 0));
    world.has_nothing(THERE);
    assert_eq!(world.sweep(true, true), [HERE, THERE]);
    assert_eq!(world.sweep(true, true), [], "they were told");
    world.answers(HERE, records(0));
    world.answers(THERE, records(0));
    assert_eq!((world.complete, world.polls.waiting()), (1, 0));
    world.sweep(true, true);
    assert!(world.polls.polls.is_empty());
}

#[test]
fn records_that_nobody_comes_for_are_let_go() {
    let mut world = World::new();
    world.request(1, (0, 0), (1, 0));
    world.has_nothing(THERE);
    world.answers(HERE, records(5));
    world.answers(THERE, records(6));
    assert_eq!(world.sweep(false, false), []);
    assert!(world.polls.polls.is_empty());
    assert_eq!(world.request(2, (0, 1), (1, 0)), [HERE, THERE]);
}
