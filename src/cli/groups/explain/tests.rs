//! Whole explanations of typical situations, as people read them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use group::{Event, MemberId};
use types::{BrokerId, ErrorCode, Offset, PartitionIndex, TimestampMs};

use super::look::{Look, Place};
use super::{Case, unavailable};
use crate::client::{Account, Assignment, ClientError, Group, GroupKind, GroupMember, Heard};

const NOW: i64 = 10_000_000;
const SECONDS: u64 = 6;

/// A group in the making.
struct Situation {
    look: Look,
}

impl Situation {
    fn classic(state: &str) -> Self {
        let group = Group {
            id: "g".to_owned(),
            coordinator: BrokerId(1),
            kind: GroupKind::Classic,
            state: state.to_owned(),
            assignor: "range".to_owned(),
            epochs: None,
            is_of_consumers: true,
            members: Vec::new(),
        };
        let account = Account { now: TimestampMs(NOW), ..Default::default() };
        let look = Look { group, account: Some(account), places: BTreeMap::new(), missing: BTreeSet::new() };
        Self { look }
    }

    /// A member that subscribes to `orders` and has these partitions of it, which are empty.
    fn member(mut self, id: &str, partitions: &[i32]) -> Self {
        let indexes: Vec<PartitionIndex> = partitions.iter().copied().map(PartitionIndex).collect();
        let assignment: Assignment = [("orders".to_owned(), indexes)].into();
        self.look.group.members.push(GroupMember {
            id: id.to_owned(),
            client_id: "app".to_owned(),
            host: "/10.0.0.7".to_owned(),
            is_classic: true,
            topics: vec!["orders".to_owned()],
            assignment: assignment.into_iter().filter(|(_, indexes)| !indexes.is_empty()).collect(),
            ..Default::default()
        });
        for partition in partitions {
            self = self.partition(*partition, None, 0);
            self.place(*partition).owner = Some(id.to_owned());
        }
        self.heard(id, 1_000, false)
    }

    /// When a member was heard of, and whether the group waits for it.
    fn heard(mut self, id: &str, ago_ms: i64, is_awaited: bool) -> Self {
        if let Some(account) = &mut self.look.account {
            let at = TimestampMs(NOW - ago_ms);
            account.members.insert(id.to_owned(), Heard { at, session_timeout_ms: 45_000, is_awaited });
        }
        self
    }

    /// The log of a partition of `orders` has so many records, of which so many were committed.
    fn partition(mut self, partition: i32, committed: impl Into<Option<i64>>, end: i64) -> Self {
        let place = self.look.places.entry(("orders".to_owned(), PartitionIndex(partition))).or_default();
        place.start = Some(Offset(0));
        place.end = Some(Offset(end));
        place.stable_end = place.end;
        place.committed = committed.into().map(Offset);
        self
    }

    fn place(&mut self, partition: i32) -> &mut Place {
        self.look.places.entry(("orders".to_owned(), PartitionIndex(partition))).or_default()
    }

    fn event(mut self, ago_ms: i64, event: Event) -> Self {
        if let Some(account) = &mut self.look.account {
            account.events.push((TimestampMs(NOW - ago_ms), event));
        }
        self
    }

    fn told(self) -> String {
        Case { before: None, now: self.look }.explain().to_text()
    }

    /// After another look, at which partition 0 was committed and ended so.
    fn after(self, committed: i64, end: i64) -> String {
        let mut before = Situation::classic("Stable").partition(0, committed, end).look;
        before.group.members = self.look.group.members.clone();
        Case { before: Some((before, Duration::from_secs(SECONDS))), now: self.look }.explain().to_text()
    }
}

fn id(text: &str) -> MemberId {
    MemberId::from(text)
}

fn joined(member: &str) -> Event {
    Event::Joined { member: id(member), client_id: "app".into(), client_host: "/10.0.0.7".into() }
}

fn rebalance(reason: &str) -> Event {
    Event::RebalanceStarted { reason: reason.into() }
}

#[test]
fn a_group_that_gets_on_has_nothing_wrong_with_it() {
    let told = Situation::classic("Stable").member("a", &[0]).partition(0, 1_000, 1_000).after(900, 900);
    assert_eq!(
        told,
        "Group g is Stable: classic protocol, assignor range, 1 member, coordinated by broker 1.\n\
         \n\
         Nothing is wrong with it, as far as can be seen.\n"
    );
}

#[test]
fn a_partition_that_falls_behind_tells_how_fast_and_who_reads_it() {
    let told = Situation::classic("Stable").member("a", &[0]).partition(0, 1_060, 9_120).after(1_000, 9_000);
    assert_eq!(
        told,
        "Group g is Stable: classic protocol, assignor range, 1 member, coordinated by broker 1.\n\
         \n\
         - orders-0 is 8,060 records behind and falling further behind: 10 a second are read and 20 a second arrive, by a (client \
         app at /10.0.0.7).\n  \
         Make the work on each record faster, fetch more at once (max.partition.fetch.bytes, fetch.min.bytes), or add members, as long \
         as there are partitions for them. If one partition alone is behind, see whether its keys get more records than others.\n"
    );
}

#[test]
fn a_partition_that_catches_up_tells_how_long_it_takes_and_one_that_keeps_up_is_not_told_of() {
    let told = Situation::classic("Stable").member("a", &[0]).partition(0, 7_000, 9_000).after(1_000, 9_000);
    assert!(
        told.contains(
            "orders-0 is 2,000 records behind and catching up: 1,000 a second are read and none \
                           arrive, by a (client app at /10.0.0.7). At this pace it takes 2 s more.\n  Wait."
        ),
        "{told}"
    );
    let told = Situation::classic("Stable").member("a", &[0]).partition(0, 1_100, 1_150).after(1_000, 1_050);
    assert!(told.contains("Nothing is wrong"), "{told}");
}

#[test]
fn a_partition_that_stands_still_tells_where() {
    let told = Situation::classic("Stable").member("a", &[0]).partition(0, 5, 9).after(5, 9);
    assert_eq!(
        told,
        "Group g is Stable: classic protocol, assignor range, 1 member, coordinated by broker 1.\n\
         \n\
         - orders-0 is 4 records behind and stands still: nothing was committed in 6 s, by a (client app at /10.0.0.7).\n  \
         See what that member does: its log, and a thread dump. It may be stuck with the record at offset 5 ('strome consume orders \
         --partition 0 --offset 5 --max-messages 1' shows it), read without committing, or commit less often than every 6 s.\n"
    );
}

#[test]
fn an_open_transaction_holds_its_readers_back() {
    let mut situation = Situation::classic("Stable").member("a", &[0]).partition(0, 5, 9);
    situation.place(0).stable_end = Some(Offset(5));
    let told = situation.after(5, 9);
    assert!(told.contains("it has read up to a transaction that began at offset 5 and is open"), "{told}");
    assert!(!told.contains("stands still"), "{told}");
}

#[test]
fn a_rebalance_names_who_did_not_rejoin() {
    let mut situation =
        Situation::classic("PreparingRebalance").member("a", &[]).member("b", &[]).heard("b", 3_000, true);
    if let Some(account) = &mut situation.look.account {
        account.waiting_since = Some(TimestampMs(NOW - 12_000));
        account.waiting_until = Some(TimestampMs(NOW + 288_000));
    }
    assert_eq!(
        situation.partition(0, 5, 9).told(),
        "Group g is PreparingRebalance: classic protocol, assignor range, 2 members, coordinated by broker 1.\n\
         \n\
         - A rebalance has waited for 12 s for 1 of 2 members to rejoin: b (client app at /10.0.0.7), heard of 3 s ago. It waits 4 min \
         more at most. Until then nobody gets partitions.\n  \
         A member rejoins with its next poll(). If one takes long over its records, lower max.poll.records or make it faster; \
         max.poll.interval.ms is how long the others wait for it. If it is gone, the group goes on without it when its session ends.\n\
         \n\
         - orders-0 is 4 records behind, and waits for the end of the rebalance.\n  \
         See what is told here of the rebalance.\n\
         \n\
         Whether the group gets on takes two looks: give it some --seconds.\n"
    );
}

#[test]
fn a_group_that_rebalances_often_tells_what_set_it_off() {
    let mut situation = Situation::classic("Stable").member("a", &[0]).partition(0, 5, 5);
    for round in 0..3i64 {
        let at = 300_000 - 60_000 * round;
        let timed_out = Event::TimedOut { member: id("b"), session_timeout_ms: 45_000 };
        situation = situation.event(at, joined("b")).event(at, rebalance("b joined"));
        situation = situation
            .event(at - 45_000, timed_out)
            .event(at - 45_000, rebalance("b was silent for too long"));
    }
    assert_eq!(
        situation.after(5, 5),
        "Group g is Stable: classic protocol, assignor range, 1 member, coordinated by broker 1.\n\
         \n\
         - It rebalanced 6 times in 5 min, the last time 2 min ago because b was silent for too long. What set it off: 3 times a member \
         was silent for too long; 3 times a member joined.\n  \
         Find out why members fall silent: processes that crash, long pauses, a network that loses packets. Each time costs two \
         rebalances, one when the member is put out and one when it is back.\n\
         \n\
         - Put out, because nothing was heard of it for its session of 45 s: b (client app at /10.0.0.7) 2 min ago.\n  \
         Find out why it fell silent: a process that was killed or crashed, a long pause (garbage collection, a suspended host), a \
         network that lost its packets. Only if that cannot be mended, raise the session time-out (session.timeout.ms; \
         consumer.session.timeout.ms of the group with the consumer protocol).\n\
         \n\
         What happened last:\n     \
         4 min ago  b was silent for longer than its session of 45000 ms\n     \
         4 min ago  a rebalance began because b was silent for too long\n     \
         4 min ago  b joined (client app at /10.0.0.7)\n     \
         4 min ago  a rebalance began because b joined\n     \
         3 min ago  b was silent for longer than its session of 45000 ms\n     \
         3 min ago  a rebalance began because b was silent for too long\n     \
         3 min ago  b joined (client app at /10.0.0.7)\n     \
         3 min ago  a rebalance began because b joined\n     \
         2 min ago  b was silent for longer than its session of 45000 ms\n     \
         2 min ago  a rebalance began because b was silent for too long\n"
    );
}

#[test]
fn who_left_tells_why() {
    let left = |reason: Option<&str>| Event::Left { member: id("b"), reason: reason.map(Into::into) };
    let told = |event| Situation::classic("Stable").member("a", &[0]).event(30_000, event).told();
    let slow = told(left(Some("consumer poll timeout has expired.")));
    assert!(slow.contains("did not call poll() within max.poll.interval.ms: b 30 s ago."), "{slow}");
    let closed = told(left(Some("the consumer is being closed")));
    assert!(
        closed.contains("Nothing is wrong")
            && closed.contains("30 s ago  b left: the consumer is being closed"),
        "{closed}"
    );
    let missed = told(Event::Missed { member: id("b") });
    assert!(missed.contains("did not take its part in a rebalance in time (rejoin, fetch its assignment, or give up partitions): b 30 s ago."), "{missed}");
    let fenced = told(Event::Fenced { member: id("b"), error: ErrorCode::FencedInstanceId });
    assert!(
        fenced.contains("1 request was turned away with FENCED_INSTANCE_ID, the last 30 s ago: b."),
        "{fenced}"
    );
    assert!(fenced.contains("Another process has the same group.instance.id"), "{fenced}");
    let old = Situation::classic("Stable")
        .member("a", &[0])
        .event(11 * 60_000, Event::Missed { member: id("b") })
        .told();
    assert!(old.contains("Nothing is wrong"), "what is long past explains nothing: {old}");
}

#[test]
fn two_processes_with_the_name_of_one_static_member_are_told_of() {
    let mut situation = Situation::classic("Stable").member("a", &[0]);
    for at in [30_000, 20_000, 10_000] {
        situation = situation.event(at, Event::Replaced { instance: "i".into(), old: id("x"), new: id("y") });
    }
    let told = situation.told();
    assert!(
        told.contains("The static member i was replaced 3 times in the last 10 min, the last time 10 s ago."),
        "{told}"
    );
}

#[test]
fn what_was_deleted_before_it_was_read_is_told_with_its_offsets() {
    let mut situation = Situation::classic("Stable").member("a", &[0]).partition(0, 5, 900);
    situation.place(0).start = Some(Offset(100));
    let told = situation.told();
    assert!(
        told.contains(
            "orders-0 was committed up to 5, but its log begins at 100: 95 offsets were deleted before"
        ),
        "{told}"
    );
    let told = Situation::classic("Empty").partition(0, 90, 9).told();
    assert!(told.contains("orders-0 was committed up to 90, but its log ends at 9"), "{told}");
    assert!(told.contains("reset-offsets g --topic orders:0 --to-earliest --execute"), "{told}");
}

#[test]
fn members_and_partitions_that_do_not_fit_are_told_of() {
    let mut situation = Situation::classic("Stable").member("a", &[0]).member("b", &[]).member("c", &[]);
    situation.look.group.members[2].topics = vec!["payments".to_owned()];
    situation.look.missing.insert("payments".to_owned());
    let told = situation.partition(0, 5, 5).partition(1, None, 3).told();
    for part in [
        "Topic payments does not exist, and c (client app at /10.0.0.7) subscribes to it.",
        "No member has orders-1.",
        "b (client app at /10.0.0.7) and c (client app at /10.0.0.7) have nothing to do: there are 3 members for 1 partition",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
    let mut situation = Situation::classic("Stable").member("a", &[]);
    situation.look.group.members[0].topics.clear();
    assert!(situation.told().contains("a (client app at /10.0.0.7) subscribes to no topic."));
    let told = Situation::classic("Stable").member("a", &[0]).partition(0, None, 5).told();
    assert!(told.contains("Nothing was ever committed for orders-0"), "{told}");
    let mut situation = Situation::classic("Stable").member("a", &[0]);
    *situation.place(0) =
        Place { owner: Some("a".to_owned()), committed: Some(Offset(3)), ..Default::default() };
    assert!(situation.told().contains("Nobody can read orders-0: without a leader"));
}

#[test]
fn a_group_without_members_is_a_problem_if_there_is_something_to_read() {
    let told = Situation::classic("Empty").partition(0, 5, 9).told();
    assert!(
        !told.contains("Nothing is wrong") && told.contains("Nobody reads: the group has no members."),
        "{told}"
    );
    let told = Situation::classic("Empty").partition(0, 9, 9).told();
    assert!(
        told.contains("Nothing is wrong") && told.contains("their group.id has to be exactly \"g\""),
        "{told}"
    );
}

#[test]
fn partitions_on_their_way_tell_from_whom_to_whom() {
    let mut situation = Situation::classic("Reconciling").member("a", &[0, 1]).member("b", &[]);
    situation.look.group.kind = GroupKind::Consumer;
    let target = |partition| Some(Assignment::from([("orders".to_owned(), vec![PartitionIndex(partition)])]));
    situation.look.group.members[0].target = target(0);
    situation.look.group.members[1].target = target(1);
    let told = situation.told();
    let sentences = "Partitions change hands. a (client app at /10.0.0.7) has still to give up orders-1. b (client app at /10.0.0.7) \
                     waits for orders-1.";
    assert!(told.contains(sentences), "{told}");
}

#[test]
fn a_member_that_falls_silent_is_told_of_before_its_session_ends() {
    let told = Situation::classic("Stable").member("a", &[0]).heard("a", 30_000, false).told();
    assert!(
        told.contains("Nothing was heard of a (client app at /10.0.0.7) for 30 s of its session of 45 s."),
        "{told}"
    );
    let told = Situation::classic("Stable").member("a", &[0]).heard("a", 15_000, false).told();
    assert!(told.contains("Nothing is wrong"), "{told}");
}

#[test]
fn what_another_broker_does_not_tell_is_said() {
    let mut situation = Situation::classic("PreparingRebalance").member("a", &[]);
    situation.look.account = None;
    let told = situation.told();
    assert!(told.contains("A rebalance is under way: the group waits for its members to rejoin."), "{told}");
    assert!(told.contains("Broker 1 does not tell what happened before, who left and why"), "{told}");
}

#[test]
fn many_partitions_that_are_behind_are_told_of_in_short() {
    let mut situation = Situation::classic("Stable").member("a", &[]);
    for partition in 0..9 {
        let owner = situation.look.group.members[0].id.clone();
        situation = situation.partition(partition, 0, 100 + i64::from(partition));
        situation.place(partition).owner = Some(owner);
    }
    let told = situation.told();
    assert_eq!(told.matches("records behind, by a").count(), 5, "{told}");
    assert!(told.contains("The same goes for orders-3, orders-2, orders-1 and 1 more, which are 406 records behind together."), "{told}");
}

#[test]
fn a_coordinator_that_does_not_serve_is_a_finding_and_other_errors_are_errors() {
    let refused = |code| ClientError::Refused { what: String::new(), code, message: None };
    let code = |error| unavailable("g", &error).map(|finding| finding.code);
    assert_eq!(code(refused(14)), Some("coordinator-loading"));
    assert_eq!([15, 16].map(|error| code(refused(error))), [Some("coordinator-unavailable"); 2]);
    assert_eq!(code(refused(29)), None);
    assert_eq!(code(ClientError::UnknownGroup("g".to_owned())), None);
}
