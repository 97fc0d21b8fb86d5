//! Consumers that commit their offsets through kill -9: afterwards every offset that was acknowledged is there, or a later
//! one that was sent, and no group is ever told less than it was told before.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use protocol::messages::OffsetCommitRequest;

use crate::client::Client;
use crate::dice::{Dice, rounds};
use crate::groups::{COMMIT, await_coordinator, await_loaded, commit_request, committed};
use crate::suite::{Case, Verdict};
use crate::support::Broker;
use crate::topics::create;

pub const CASES: &[Case] = &[Case { name: "acknowledged_offsets_survive_kill_9", run: survive_kills }];

const TOPIC: &str = "t";
const PARTITIONS: i32 = 20;
const COMMITTERS: u32 = 4;
const GROUPS_EACH: u64 = 5;
const UNDER_WAY: usize = 10;
/// A round ends after this time, however little was acknowledged.
const ROUND_MAX: Duration = Duration::from_secs(20);

/// By group and partition.
type Offsets = BTreeMap<(String, i32), i64>;

/// One client that commits for groups of its own, each offset higher than all before.
struct Committer {
    number: u32,
    dice: Dice,
    last_offset: i64,
    sent: Offsets,
    acknowledged: Offsets,
}

impl Committer {
    fn new(number: u32, dice: Dice) -> Self {
        Self { number, dice, last_offset: 0, sent: Offsets::new(), acknowledged: Offsets::new() }
    }

    fn groups(&self) -> impl Iterator<Item = String> {
        let number = self.number;
        (0..GROUPS_EACH).map(move |group| format!("group-{number}-{group}"))
    }

    /// Commits until the broker is gone.
    fn start(mut self, address: SocketAddr, counter: &Arc<AtomicU64>) -> JoinHandle<Self> {
        let counter = Arc::clone(counter);
        thread::spawn(move || {
            self.run(address, &counter);
            self
        })
    }

    fn run(&mut self, address: SocketAddr, counter: &AtomicU64) {
        let Some(mut client) = Client::try_connect(address) else { return };
        let mut under_way = VecDeque::new();
        loop {
            let group = format!("group-{}-{}", self.number, self.dice.between(0, GROUPS_EACH - 1));
            let offsets = self.next_offsets();
            for (partition, offset) in &offsets {
                self.sent.insert((group.clone(), *partition), *offset);
            }
            let frame = client.frame(COMMIT, &commit_request(&group, TOPIC, &offsets));
            if !client.try_write(&frame) {
                return;
            }
            under_way.push_back((group, offsets));
            if under_way.len() == UNDER_WAY {
                let Some(frame) = client.receive_frame() else { return };
                let decoded = protocol::decode_response::<OffsetCommitRequest>(&frame, COMMIT);
                let (_, response) = decoded.expect("a response");
                let (group, offsets) = under_way.pop_front().expect("one was sent");
                let answers = response.topics.iter().flat_map(|topic| &topic.partitions);
                for (answer, (partition, offset)) in answers.zip(offsets) {
                    assert_eq!((answer.partition_index, answer.error_code), (partition, 0));
                    self.acknowledged.insert((group.clone(), partition), offset);
                }
                counter.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// The next commit: any number of partitions, from any one on.
    fn next_offsets(&mut self) -> Vec<(i32, i64)> {
        let first = self.dice.between(0, PARTITIONS as u64 - 1) as i32;
        let count = self.dice.between(1, PARTITIONS as u64) as i32;
        self.last_offset += 1;
        (first..first + count).map(|partition| (partition % PARTITIONS, self.last_offset)).collect()
    }

    /// Compares what a broker has; from now on it has to stay.
    fn check(&mut self, client: &mut Client) {
        let mut found = Offsets::new();
        for group in self.groups() {
            await_loaded(client, &group);
            let offsets = committed(client, &group).into_iter();
            found.extend(offsets.map(|(_, partition, offset)| ((group.clone(), partition), offset)));
        }
        for (at, offset) in &found {
            let sent = self.sent.get(at).copied().unwrap_or(0);
            assert!(*offset <= sent, "{at:?} is at {offset}, and {sent} was sent last");
        }
        for (at, acknowledged) in &self.acknowledged {
            let offset = found.get(at).copied().unwrap_or(0);
            assert!(offset >= *acknowledged, "{at:?} is at {offset}, and {acknowledged} was acknowledged");
        }
        self.acknowledged = found;
    }
}

fn survive_kills() -> Verdict {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let (data, log) = (dir.path().join("data"), dir.path().join("log"));
    let mut dice = Dice::of_case();
    let shards = dice.between(1, 3).to_string();
    // Few partitions, so that several groups share a coordinator; small segments, so that they roll.
    let settings = [
        ("strome.shards", shards.as_str()),
        ("offsets.topic.num.partitions", "7"),
        ("offsets.topic.segment.bytes", "1048576"),
    ];
    let mut broker = Broker::start_in(&[data], &log, &settings);
    let mut client = Client::connect(broker.address());
    create(&mut client, TOPIC, PARTITIONS, &[]);
    await_coordinator(&mut client, "group-0-0");
    let mut committers: Vec<Committer> =
        (0..COMMITTERS).map(|number| Committer::new(number, dice.split())).collect();
    for committer in &committers {
        committer.groups().for_each(|group| await_loaded(&mut client, &group));
    }
    let mut commits = 0;
    for _ in 0..rounds(4, 15) {
        let counter = Arc::new(AtomicU64::new(0));
        let wanted = dice.between(1, 1500);
        let running: Vec<_> =
            committers.into_iter().map(|committer| committer.start(broker.address(), &counter)).collect();
        let deadline = Instant::now() + ROUND_MAX;
        while counter.load(Ordering::Relaxed) < wanted && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(1));
        }
        broker.kill();
        committers = running.into_iter().map(|thread| thread.join().expect("a committer")).collect();
        broker.restart_with(&[("strome.shards", dice.between(1, 4).to_string().as_str())]);
        let mut client = Client::connect(broker.address());
        committers.iter_mut().for_each(|committer| committer.check(&mut client));
        commits += counter.load(Ordering::Relaxed);
    }
    assert!(broker.stop().success());
    broker.expect_sound();
    broker.restart();
    let mut client = Client::connect(broker.address());
    committers.iter_mut().for_each(|committer| committer.check(&mut client));
    eprintln!("    {commits} commits were acknowledged");
    Verdict::Passed
}
