//! A storm of five hundred members over as many connections: they join at once, report, commit, leave, come back, and lose
//! their connections with answers on the way. In every generation and epoch a partition has at most one owner; when the storm
//! is over the group comes to rest; and when all have left nothing of it stays.
//!
//! The members' choices follow from a seed; in which order their requests arrive does not.

mod classic;
mod consumer;
mod line;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use protocol::messages::{DeleteGroupsRequest, ListGroupsRequest};
use types::Uuid;

use self::line::Line;
use crate::client::{Client, newest};
use crate::groups::await_coordinator;
use crate::support::{Broker, PATIENCE};
use crate::topics::create;

const MEMBERS: usize = 500;
const PARTITIONS: i32 = 700;
const GROUP: &str = "storm";
const TOPIC: &str = "t";

/// What happens to members while the storm lasts: each is one request, or a little more.
const BLOWS: usize = 4_000;
/// So many at a time, before answers are looked at.
const BLOWS_AT_ONCE: usize = 20;

/// Between two reports of a member that has nothing else to do.
const PAUSE: Duration = Duration::from_millis(100);

/// The broker may have grown by so much when the group and its connections are gone.
const GROWTH_MAX_KIB: u64 = 64 * 1024;

/// One member, as far as the storm is concerned.
trait Member: std::fmt::Debug {
    /// What all members know together, to be compared with what each is told.
    type Shared;

    /// Begins to join, or goes on with what it has to do.
    fn go_on(&mut self, line: &mut Line, shared: &mut Self::Shared);
    /// Takes an answer, and asks for what follows from it.
    fn take(&mut self, line: &mut Line, shared: &mut Self::Shared);
    /// Reports, commits or leaves, as the number says.
    fn act(&mut self, line: &mut Line, shared: &mut Self::Shared, number: u64);
    /// Its connection is `lost`, and what was on the way on it.
    fn reconnected(&mut self, lost: Line);
    fn leave(&mut self, line: &mut Line, shared: &mut Self::Shared);
    /// It has nothing to do for the moment.
    fn is_idle(&self) -> bool;
    fn has_left(&self) -> bool;
    /// The generation or epoch in which it has nothing left to do.
    fn settled_in(&self) -> Option<i32>;
}

struct Storm<M: Member> {
    address: SocketAddr,
    members: Vec<(M, Line)>,
    shared: M::Shared,
    random: u64,
}

impl<M: Member> Storm<M> {
    fn new(address: SocketAddr, shared: M::Shared, make: impl Fn(usize) -> M) -> Self {
        let members = (0..MEMBERS).map(|number| (make(number), Line::connect(address)));
        Self { address, members: members.collect(), shared, random: 0x9E37_79B9_7F4A_7C15 }
    }

    fn below(&mut self, bound: usize) -> usize {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        (self.random.wrapping_mul(0x2545_F491_4F6C_DD1D) % bound as u64) as usize
    }

    /// Has all of them join, be thrown about, come to rest and leave.
    fn run(&mut self) {
        for (member, line) in &mut self.members {
            member.go_on(line, &mut self.shared);
        }
        self.settle();
        for _ in 0..BLOWS / BLOWS_AT_ONCE {
            for _ in 0..BLOWS_AT_ONCE {
                self.blow();
            }
            self.take_answers();
        }
        self.settle();
        for (member, line) in &mut self.members {
            member.leave(line, &mut self.shared);
        }
        self.until("all have left", false, |storm| storm.members.iter().all(|(member, _)| member.has_left()));
    }

    fn blow(&mut self) {
        let (at, number) = (self.below(MEMBERS), self.below(1_000));
        let (member, line) = &mut self.members[at];
        if number < 20 {
            member.reconnected(std::mem::replace(line, Line::connect(self.address)));
            member.go_on(line, &mut self.shared);
        } else if member.has_left() {
            member.go_on(line, &mut self.shared);
        } else if member.is_idle() {
            member.act(line, &mut self.shared, number as u64);
        }
    }

    /// Takes what has come. Returns whether something has.
    fn take_answers(&mut self) -> bool {
        let mut any = false;
        for (member, line) in &mut self.members {
            while line.has_answer() {
                member.take(line, &mut self.shared);
                any = true;
            }
        }
        any
    }

    /// Until all members are in the same generation or epoch; they report, and those who have left come back.
    fn settle(&mut self) {
        let is_settled = |storm: &Self| {
            let first = storm.members[0].0.settled_in();
            first.is_some() && storm.members.iter().all(|(member, _)| member.settled_in() == first)
        };
        self.until("the group is at rest", true, is_settled);
    }

    /// How far the members are: how many have left, are on their way, or have settled in which generation or epoch.
    fn progress(&self) -> String {
        let mut counts = BTreeMap::<String, usize>::new();
        for (number, (member, _)) in self.members.iter().enumerate() {
            let stage = match member.settled_in() {
                _ if member.has_left() => "have left".to_owned(),
                Some(epoch) => format!("have settled in {epoch}"),
                None => format!("have not settled, such as {number}: {member:?}"),
            };
            *counts.entry(stage).or_default() += 1;
        }
        counts.iter().map(|(stage, count)| format!("{count} {stage}\n")).collect()
    }

    /// Has members report until it is so. Those who have left come back, or do not.
    fn until(&mut self, what: &str, come_back: bool, is_so: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            // Who reports too often keeps the broker from its work.
            let pause = Instant::now() + PAUSE;
            while self.take_answers() || Instant::now() < pause {
                std::thread::sleep(Duration::from_millis(1));
            }
            if is_so(self) {
                return;
            }
            assert!(Instant::now() < deadline, "it never comes about that {what}:\n{}", self.progress());
            for (member, line) in &mut self.members {
                if member.has_left() {
                    if come_back {
                        member.go_on(line, &mut self.shared);
                    }
                } else if member.is_idle() {
                    member.act(line, &mut self.shared, REPORT);
                }
            }
        }
    }
}

/// The number with which a member reports.
const REPORT: u64 = 999;

fn start() -> (Broker, Client, Uuid) {
    let broker = Broker::start(&[
        ("strome.shards", "2"),
        ("group.initial.rebalance.delay.ms", "0"),
        // A machine that is slow to write makes nobody ask again.
        ("offsets.commit.timeout.ms", "600000"),
        ("group.consumer.assignment.interval.ms", "0"),
        ("group.consumer.max.session.timeout.ms", "600000"),
        ("group.consumer.session.timeout.ms", "600000"),
    ]);
    let mut client = Client::connect(broker.address());
    let topic = create(&mut client, TOPIC, PARTITIONS, &[]);
    await_coordinator(&mut client, GROUP);
    (broker, client, topic)
}

fn resident_kib(broker: &Broker) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", broker.pid())).expect("a process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// The group has nobody left, can be deleted, and has not left much behind in the broker's memory.
fn expect_gone(broker: &Broker, client: &mut Client, before_kib: u64) {
    let listed = client.call(newest::<ListGroupsRequest>(), &ListGroupsRequest::default());
    let groups: Vec<_> = listed.groups.iter().map(|group| (&*group.group_id, &*group.group_state)).collect();
    assert_eq!(groups, [(GROUP, "Empty")]);
    let request = DeleteGroupsRequest { groups_names: vec![GROUP.into()] };
    let deleted = client.call(newest::<DeleteGroupsRequest>(), &request);
    assert_eq!(deleted.results[0].error_code, 0);
    let grown = resident_kib(broker).saturating_sub(before_kib);
    assert!(grown < GROWTH_MAX_KIB, "{grown} KiB more than before");
}

#[test]
fn a_storm_of_classic_members_leaves_one_owner_for_each_partition_and_comes_to_rest() {
    let (broker, mut client, _) = start();
    let before = resident_kib(&broker);
    let mut storm = Storm::new(broker.address(), classic::Shared::default(), |_| classic::Member::default());
    storm.run();
    assert!(storm.shared.generations() > 1, "nothing has happened");
    drop(storm);
    expect_gone(&broker, &mut client, before);
}

#[test]
fn a_storm_of_members_whose_coordinator_assigns_does_so_too() {
    let (broker, mut client, topic) = start();
    let before = resident_kib(&broker);
    let make = |number| consumer::Member::new(number, topic);
    let mut storm = Storm::new(broker.address(), consumer::Shared::default(), make);
    storm.run();
    drop(storm);
    expect_gone(&broker, &mut client, before);
}
