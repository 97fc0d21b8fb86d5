//! What coordinators do when their partition is slow, fails, or goes away. What groups do has its tests in `shards/group`.

mod ask;
mod world;

use std::time::Duration;

use group::Record as GroupRecord;
use metadata::{ConfigResource, Record};
use protocol::group_log::{OffsetCommitKey, OffsetCommitValue};
use record::{BatchBuilder, BatchOptions, EndTxnMarker, ProducerStamp, TxnOutcome};
use types::{ErrorCode, ProducerEpoch, ProducerId, Sequence, TimestampMs};

use self::ask::{commit, describe, error_of, fetch, first_join, join, join_as, list, offset_in, sync};
use self::world::{Asked, TOPIC, TOPIC_ID, World};
use super::RETRY_AFTER;

/// How long clients wait for the disk with the default settings.
const WRITE_WAIT_MAX: Duration = Duration::from_secs(5);
const SESSION: Duration = Duration::from_millis(ask::SESSION_MS as u64);

impl World {
    /// The error that a question was answered with.
    fn told(&mut self, asked: Asked) -> ErrorCode {
        error_of(&self.answer(asked).expect("an answer"))
    }

    fn is_waiting(&mut self, asked: Asked) -> bool {
        self.answer(asked).is_none()
    }

    /// Commits without a doubt.
    fn commit(&mut self, partition: i32, offset: i64) {
        let asked = self.ask(commit("g", partition, offset, ""), 9);
        self.turn();
        assert_eq!(self.told(asked), ErrorCode::None);
    }

    /// What the group `g` has committed for a partition of the topic; -1 for nothing.
    fn offset(&mut self, partition: i32) -> i64 {
        let asked = self.ask(fetch("g", partition), 9);
        self.turn();
        offset_in(&self.answer(asked).expect("an answer"))
    }

    /// A group of one member, which has its assignment.
    fn settle_member(&mut self, group: &str) {
        let asked = self.ask(first_join(group), 9);
        let id = join_as(&self.answer(asked).expect("an id"));
        let asked = self.ask(join(group, &id), 9);
        self.pass(Duration::from_secs(3));
        assert_eq!(self.told(asked), ErrorCode::None);
        let asked = self.ask(sync(group, &id), 5);
        self.turn();
        assert_eq!(self.told(asked), ErrorCode::None);
    }

    fn state_of(&mut self, group: &str) -> String {
        let asked = self.ask(describe(group), 5);
        self.turn();
        ask::state_in(&self.answer(asked).expect("an answer"))
    }
}

#[test]
fn nobody_is_told_of_what_is_not_durable() {
    for in_the_same_turn in [true, false] {
        let mut world = World::new();
        world.is_slow = true;
        let committed = world.ask(commit("g", 0, 5, ""), 9);
        if !in_the_same_turn {
            world.turn();
        }
        let reads = [fetch("g", 0), describe("g"), list()].map(|read| world.ask(read, 5));
        world.turn();
        assert_eq!(world.under_way(), 1, "a batch is written");
        for asked in [committed].into_iter().chain(reads) {
            assert!(world.is_waiting(asked), "{asked:?} is answered before the batch is durable");
        }
        world.settle();
        assert_eq!(offset_in(&world.answer(reads[0]).expect("an answer")), 5);
        for asked in [committed, reads[1], reads[2]] {
            assert_eq!(world.told(asked), ErrorCode::None);
        }
        // Now that nothing is under way, questions are answered at once.
        let asked = world.ask(fetch("g", 0), 9);
        assert_eq!(offset_in(&world.answer(asked).expect("an answer")), 5);
    }
}

#[test]
fn a_failed_append_is_no_success_for_anybody_and_is_forgotten() {
    for (error, told) in [
        (ErrorCode::KafkaStorageError, ErrorCode::NotCoordinator),
        (ErrorCode::NotEnoughReplicas, ErrorCode::CoordinatorNotAvailable),
        (ErrorCode::MessageTooLarge, ErrorCode::UnknownServerError),
    ] {
        let mut world = World::new();
        world.commit(0, 1);
        world.is_slow = true;
        let committed = world.ask(commit("g", 0, 2, ""), 9);
        world.turn();
        let read = world.ask(fetch("g", 0), 9);
        world.fail(error);
        assert_eq!([world.told(committed), world.told(read)], [told, told]);
        let meanwhile = world.ask(fetch("g", 0), 9);
        assert_eq!(world.told(meanwhile), ErrorCode::CoordinatorLoadInProgress);
        world.turn();
        world.hurry();
        assert_eq!(world.offset(0), 1, "{error}");
    }
}

#[test]
fn whoever_waits_for_the_disk_is_refused_in_time() {
    let mut world = World::new();
    world.is_slow = true;
    let committed = world.ask(commit("g", 0, 5, ""), 9);
    world.turn();
    world.pass(WRITE_WAIT_MAX - Duration::from_millis(1));
    assert!(world.is_waiting(committed));
    world.pass(Duration::from_millis(1));
    assert_eq!(world.told(committed), ErrorCode::CoordinatorNotAvailable);
    // Those who come later wait for the same batch, and no longer.
    let read = world.ask(fetch("g", 0), 9);
    world.pass(WRITE_WAIT_MAX);
    assert_eq!(world.told(read), ErrorCode::CoordinatorNotAvailable);
    // That the outcome was unknown does not make it undone.
    world.hurry();
    assert_eq!(world.offset(0), 5);
}

#[test]
fn settings_count_from_when_they_are_altered() {
    let mut world = World::new();
    let set = |key: &str, value: &str| Record::Config {
        resource: ConfigResource::all_brokers(),
        key: key.to_owned(),
        value: Some(value.to_owned()),
    };
    world.commit(0, 1);
    world.change(&[set("offset.metadata.max.bytes", "3"), set("offsets.commit.timeout.ms", "1000")]);
    let asked = world.ask(commit("g", 0, 2, "long"), 9);
    assert_eq!(world.told(asked), ErrorCode::OffsetMetadataTooLarge);
    world.is_slow = true;
    let asked = world.ask(commit("g", 0, 2, "two"), 9);
    world.turn();
    world.pass(Duration::from_secs(1));
    assert_eq!(world.told(asked), ErrorCode::CoordinatorNotAvailable);
    // They count for coordinators that are loaded later, too.
    world.move_to_other_broker();
    world.move_back();
    world.hurry();
    let asked = world.ask(commit("g", 0, 2, "long"), 9);
    assert_eq!(world.told(asked), ErrorCode::OffsetMetadataTooLarge);
}

#[test]
fn nobody_is_served_while_the_partition_is_read_or_not_open() {
    let mut before = World::new();
    before.commit(0, 1);
    before.commit(0, 2);
    let mut world = World::over(before.log);
    (world.is_open, world.is_slow) = (false, true);
    world.turn();
    assert_eq!(world.under_way(), 0, "a log that is not open is not read");
    world.is_open = true;
    for slice in 0..2 {
        world.turn();
        assert_eq!(world.under_way(), 1, "slice {slice} is read");
        let asked = world.ask(fetch("g", 0), 9);
        assert_eq!(world.told(asked), ErrorCode::CoordinatorLoadInProgress);
        world.settle();
    }
    world.turn();
    assert_eq!(world.offset(0), 2);
}

/// A world in which a coordinator has tried to read its partition, which holds an offset of 7.
fn with_a_read_that_failed(error: ErrorCode) -> World {
    let mut before = World::new();
    before.commit(0, 7);
    let mut world = World::over(before.log);
    world.is_slow = true;
    world.turn();
    world.fail(error);
    world
}

#[test]
fn a_partition_that_could_not_be_read_is_read_again() {
    let mut world = with_a_read_that_failed(ErrorCode::KafkaStorageError);
    let asked = world.ask(fetch("g", 0), 9);
    assert_eq!(world.told(asked), ErrorCode::CoordinatorNotAvailable);
    world.pass(RETRY_AFTER - Duration::from_millis(1));
    assert_eq!(world.under_way(), 0, "not before its time");
    world.pass(Duration::from_millis(1));
    assert_eq!(world.under_way(), 1);
    world.hurry();
    assert_eq!(world.offset(0), 7);
}

#[test]
fn a_log_that_became_shorter_meanwhile_is_read_from_its_start() {
    let mut world = with_a_read_that_failed(ErrorCode::OffsetOutOfRange);
    let asked = world.ask(fetch("g", 0), 9);
    assert_eq!(world.told(asked), ErrorCode::CoordinatorLoadInProgress);
    world.hurry();
    assert_eq!(world.offset(0), 7);
}

#[test]
fn members_that_were_loaded_have_to_show_that_they_are_alive() {
    let mut world = World::new();
    world.settle_member("g");
    let mut world = world.restart();
    assert_eq!(world.state_of("g"), "Stable");
    world.pass(SESSION - Duration::from_millis(1));
    assert_eq!(world.state_of("g"), "Stable");
    world.pass(Duration::from_millis(1));
    assert_eq!(world.state_of("g"), "Empty");
}

#[test]
fn topics_that_are_deleted_take_their_offsets_along_also_while_they_are_loaded() {
    for while_loading in [true, false] {
        let mut before = World::new();
        before.commit(0, 7);
        let mut world = World::over(before.log);
        world.is_slow = while_loading;
        world.turn();
        assert_eq!(world.under_way(), usize::from(while_loading));
        world.change(&[Record::RemoveTopic { id: TOPIC_ID }]);
        world.hurry();
        assert_eq!(world.offset(0), -1, "while loading: {while_loading}");
        // It was written down: a topic of the same name has nothing of it.
        let mut world = World::over(world.log);
        world.turn();
        assert_eq!(world.offset(0), -1);
    }
}

/// A way for a coordinator to go away.
type Departure = (&'static str, fn(&mut World));

const DEPARTURES: [Departure; 3] = [
    ("another broker leads", World::move_to_other_broker),
    ("the topic is deleted", World::delete_offsets_topic),
    ("the broker stops", World::end_service),
];

#[test]
fn whoever_waits_for_other_members_is_refused_when_the_coordinator_goes_away() {
    for (why, depart) in DEPARTURES {
        let mut world = World::new();
        let asked = world.ask(first_join("g"), 9);
        let id = join_as(&world.answer(asked).expect("an id"));
        let joining = world.ask(join("g", &id), 9);
        world.turn();
        assert!(world.is_waiting(joining), "for others to come");
        depart(&mut world);
        assert_eq!(world.told(joining), ErrorCode::NotCoordinator, "{why}");
        let late = world.ask(fetch("g", 0), 9);
        assert_eq!(world.told(late), ErrorCode::NotCoordinator, "{why}");
    }
}

#[test]
fn whoever_waits_for_the_log_is_told_what_became_of_it_when_leadership_goes_away() {
    for (why, depart) in &DEPARTURES[..2] {
        let mut world = World::new();
        world.is_slow = true;
        let written = world.ask(commit("g", 0, 1, ""), 9);
        world.turn();
        let decided = world.ask(commit("g", 0, 2, ""), 9);
        let read = world.ask(fetch("g", 0), 9);
        depart(&mut world);
        // What was not handed to the log yet never will be; with the rest, the log knows better.
        assert_eq!([world.told(decided), world.told(read)], [ErrorCode::NotCoordinator; 2], "{why}");
        world.turn();
        assert!(world.is_waiting(written));
        assert_eq!(world.under_way(), 1, "{why}");
        world.fail(ErrorCode::NotLeaderOrFollower);
        assert_eq!(world.told(written), ErrorCode::NotCoordinator, "{why}");
    }
}

#[test]
fn what_was_decided_before_the_broker_stops_is_still_made_durable() {
    let mut world = World::new();
    world.is_slow = true;
    let decided = world.ask(commit("g", 0, 2, ""), 9);
    world.end_service();
    world.turn();
    assert!(world.is_waiting(decided));
    world.settle();
    assert_eq!(world.told(decided), ErrorCode::None);
    assert_eq!(world.restart().offset(0), 2);
}

#[test]
fn a_coordinator_is_not_loaded_before_all_that_its_predecessor_has_decided_is_settled() {
    let mut world = World::new();
    world.is_slow = true;
    let first = world.ask(commit("g", 0, 1, ""), 9);
    world.turn();
    let second = world.ask(commit("g", 1, 2, ""), 9);
    world.turn();
    assert_eq!(world.under_way(), 2);
    world.fail(ErrorCode::NotEnoughReplicas);
    assert_eq!(world.told(first), ErrorCode::CoordinatorNotAvailable);
    world.turn();
    assert_eq!(world.under_way(), 1, "nothing is read while the second batch may still come");
    world.settle();
    assert_eq!(world.told(second), ErrorCode::None);
    world.turn();
    world.hurry();
    assert_eq!((world.offset(0), world.offset(1)), (-1, 2));
}

#[test]
fn what_a_former_coordinator_had_asked_for_does_nothing_to_the_next() {
    let mut world = World::new();
    world.commit(0, 1);
    world.is_slow = true;
    // Two batches that fail one after the other: the coordinator that follows the first failure has no part in the second.
    let asked = [1, 2].map(|partition| {
        let asked = world.ask(commit("g", partition, 1, ""), 9);
        world.turn();
        asked
    });
    world.fail(ErrorCode::NotEnoughReplicas);
    world.turn();
    world.fail(ErrorCode::NotEnoughReplicas);
    for asked in asked {
        assert_eq!(world.told(asked), ErrorCode::CoordinatorNotAvailable);
    }
    world.turn();
    assert_eq!(world.under_way(), 1, "it is loaded once");
    // A slice that was asked for under a former leadership.
    world.move_to_other_broker();
    world.move_back();
    world.turn();
    world.fail(ErrorCode::NotLeaderOrFollower);
    world.turn();
    world.hurry();
    assert_eq!((world.offset(0), world.offset(1)), (1, -1));
}

/// A batch of offset commits of the group `g`, in a transaction unless the producer is -1.
fn batch(producer: i64, offsets: &[(i32, i64)]) -> bytes::Bytes {
    let stamp =
        ProducerStamp { id: ProducerId(producer), epoch: ProducerEpoch(0), base_sequence: Sequence(0) };
    let mut builder = BatchBuilder::new(BatchOptions {
        producer: if producer < 0 { ProducerStamp::NONE } else { stamp },
        transactional: producer >= 0,
        ..Default::default()
    });
    for (partition, offset) in offsets {
        let key = OffsetCommitKey { group: "g".into(), topic: TOPIC.into(), partition: *partition };
        let value = OffsetCommitValue { offset: *offset, ..Default::default() };
        let encoded = GroupRecord::OffsetCommit(key, Some(value)).encode().expect("it fits");
        builder.push(TimestampMs(1), Some(&encoded.key), encoded.value.as_deref(), &[]).expect("it fits");
    }
    builder.build().expect("a batch")
}

/// The end of a producer's transaction.
fn marker(producer: i64, outcome: TxnOutcome) -> bytes::Bytes {
    let stamp =
        ProducerStamp { id: ProducerId(producer), epoch: ProducerEpoch(0), base_sequence: Sequence::NONE };
    let options = BatchOptions { producer: stamp, transactional: true, control: true, ..Default::default() };
    let mut builder = BatchBuilder::new(options);
    builder.push_marker(TimestampMs(1), &EndTxnMarker { outcome, coordinator_epoch: 0 }).expect("it fits");
    builder.build().expect("a batch")
}

/// What is loaded from such a log for the first partitions of the topic.
fn loaded<const COUNT: usize>(log: &[bytes::Bytes]) -> [i64; COUNT] {
    let mut world = World::over(Vec::new());
    for batch in log {
        world.append(batch);
    }
    world.turn();
    std::array::from_fn(|partition| world.offset(partition as i32))
}

#[test]
fn offsets_of_transactions_count_from_when_those_are_committed() {
    let log = [
        batch(-1, &[(0, 1), (1, 1), (2, 1)]),
        batch(7, &[(0, 2)]),
        batch(8, &[(1, 2)]),
        batch(9, &[(2, 2), (3, 2)]),
        marker(8, TxnOutcome::Abort),
        batch(8, &[(4, 2)]),
        marker(7, TxnOutcome::Commit),
        marker(8, TxnOutcome::Commit),
    ];
    // Committed, aborted, open, open, and committed after one that was aborted.
    assert_eq!(loaded(&log), [2, 1, 1, -1, 2]);
    assert_eq!(loaded(&log[..6]), [1, 1, 1, -1, -1]);
}

#[test]
fn of_two_commits_the_later_one_in_the_log_counts_whenever_its_transaction_ends() {
    let (ends_first, ends_last) = (marker(7, TxnOutcome::Commit), marker(8, TxnOutcome::Commit));
    // One that needs no transaction, between a transaction's own and its end.
    let log = [batch(7, &[(0, 1), (1, 1)]), batch(-1, &[(0, 2)]), ends_first.clone()];
    assert_eq!(loaded(&log), [2, 1]);
    // Two transactions; the one that ends first has the later offset, and then the earlier one.
    let log = [batch(8, &[(0, 1)]), batch(7, &[(0, 2)]), ends_first.clone(), ends_last.clone()];
    assert_eq!(loaded(&log), [2]);
    let log = [batch(7, &[(0, 1)]), batch(8, &[(0, 2)]), ends_first, ends_last];
    assert_eq!(loaded(&log), [2]);
}
