//! Full disks: records are refused with an error that says so, nothing acknowledged is lost, and everything goes on by
//! itself when there is space again.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use protocol::messages::CreateTopicsRequest;
use tempfile::TempDir;

use crate::client::newest;
use crate::dice::rounds;
use crate::ledger::{Topic, read_from_start};
use crate::load::Manner;
use crate::loop_disk::{Format, LoopDisk};
use crate::storm::{Load, Storm, Troubles, delete_records};
use crate::suite::{Case, Skip, Verdict};
use crate::support::PATIENCE;
use crate::topics::{ALL, create_request};

pub const CASES: &[Case] = &[
    Case {
        name: "a_full_disk_refuses_records_and_takes_them_again",
        run: || Verdict::of(refuse_and_go_on()),
    },
    Case {
        name: "a_broker_starts_with_a_full_disk_beside_others",
        run: || Verdict::of(start_beside_others()),
    },
    Case {
        name: "a_broker_whose_only_disk_is_full_loses_nothing",
        run: || Verdict::of(fill_the_only_disk()),
    },
];

const STORAGE_ERROR: i16 = 56;
const REQUEST_TIMED_OUT: i16 = 7;

/// What a producer is told for want of space. A log takes no more then; what it took just before waits for space, and its
/// request may not wait as long.
const WITHOUT_SPACE: &[i16] = &[STORAGE_ERROR, REQUEST_TIMED_OUT];

/// So small that it is full soon, and large enough for some segments.
const DISK_BYTES: u64 = 64 << 20;

/// So many acknowledgements show that somebody goes on.
const SOME: u64 = 50;

/// A file that takes all space there is. Removed when dropped.
struct Ballast {
    path: PathBuf,
}

impl Ballast {
    fn fill(dir: &Path) -> Self {
        let ballast = Self { path: dir.join("ballast") };
        ballast.take_what_is_left();
        ballast
    }

    /// Takes also what was freed since.
    fn take_what_is_left(&self) {
        let file = File::options().create(true).append(true).open(&self.path);
        let mut file = file.expect("a file for ballast");
        for piece in [1 << 20, 4096] {
            let bytes = vec![1; piece];
            let full = loop {
                if let Err(error) = file.write_all(&bytes).and_then(|()| file.sync_data()) {
                    break error;
                }
            };
            assert_eq!(full.kind(), ErrorKind::StorageFull);
        }
    }
}

impl Drop for Ballast {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// A broker with a directory on a small disk and one beside it, and a topic with partitions in both.
struct Beside {
    // In the order in which they are given up: the broker before its disk.
    storm: Storm,
    topic: Topic,
    /// Partitions on the small disk, and the others.
    small: Vec<i32>,
    others: Vec<i32>,
    disk: LoopDisk,
    _large: TempDir,
}

impl Beside {
    fn begin() -> Result<Self, Skip> {
        let disk = LoopDisk::make(Format::Ext4, DISK_BYTES)?;
        let large = tempfile::tempdir().expect("a temporary directory");
        let data = [large.path().join("data"), disk.path().join("data")];
        let mut storm = Storm::begin_in(&data, &disk.beside("log"), Troubles::default());
        storm.topic("t", 8, &[("segment.bytes", "1048576"), ("file.delete.delay.ms", "100")]);
        let is_small = |partition: &i32| data[1].join(format!("t-{partition}")).is_dir();
        let (small, others): (Vec<i32>, Vec<i32>) = (0..8).partition(is_small);
        assert!(!small.is_empty() && !others.is_empty(), "partitions are spread over directories");
        let topic = storm.topics()[0].clone();
        Ok(Self { storm, topic, small, others, disk, _large: large })
    }

    /// Producers to some partitions, which repeat what is refused for want of space.
    fn load(&mut self, partitions: &[i32], repeats_at: &'static [i16]) -> Load {
        let manner = Manner { repeats_at, ..one_at_a_time(&self.topic, partitions) };
        self.storm.load_of(&vec![manner; 4])
    }

    /// Deletes all records, for the next round.
    fn make_room(&mut self) {
        let mut client = self.storm.client();
        (0..self.topic.partitions).for_each(|partition| delete_records(&mut client, "t", partition, -1));
    }

    fn check(&mut self) {
        self.storm.until_readable(&self.topic);
        let mut client = self.storm.client();
        self.storm.ledger.check(&mut client, &self.topic);
    }
}

fn one_at_a_time(topic: &Topic, partitions: &[i32]) -> Manner {
    Manner {
        topic: topic.clone(),
        partitions: partitions.to_vec(),
        acks: ALL,
        is_idempotent: true,
        records_max: 20,
        value_bytes_max: 4000,
        under_way: 1,
        ends_at: &[],
        repeats_at: WITHOUT_SPACE,
    }
}

/// Waits until `happened`.
fn until(what: &str, mut happened: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !happened() {
        assert!(Instant::now() < deadline, "{what} does not happen");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Waits until more records are acknowledged.
fn goes_on(load: &Load) {
    let enough = load.batches() + SOME;
    until("that records are taken", || load.batches() >= enough);
}

fn refuse_and_go_on() -> Result<(), Skip> {
    let mut beside = Beside::begin()?;
    for _ in 0..rounds(2, 4) {
        let (small, others) = (beside.small.clone(), beside.others.clone());
        let limited = beside.load(&small, WITHOUT_SPACE);
        let free = beside.load(&others, &[]);
        goes_on(&limited);
        let ballast = Ballast::fill(beside.disk.path());
        until("a refusal", || limited.refused() > 0);
        goes_on(&free);
        // What the full disk has can be read.
        let mut client = beside.storm.client();
        for partition in &small {
            read_from_start(&mut client, "t", *partition).expect("it is readable");
        }
        drop(ballast);
        goes_on(&limited);
        beside.storm.end(free);
        beside.storm.end(limited);
        beside.check();
        beside.storm.kill_and_restart();
        beside.check();
        beside.make_room();
    }
    beside.storm.finish();
    Ok(())
}

/// The disk is full when the broker starts, and has to recover there.
fn start_beside_others() -> Result<(), Skip> {
    let mut beside = Beside::begin()?;
    for _ in 0..rounds(2, 4) {
        let (small, others) = (beside.small.clone(), beside.others.clone());
        let limited = beside.load(&small, WITHOUT_SPACE);
        let free = beside.load(&others, &[]);
        goes_on(&limited);
        let ballast = Ballast::fill(beside.disk.path());
        until("a refusal", || limited.refused() > 0);
        beside.storm.broker.kill();
        beside.storm.end(free);
        beside.storm.end(limited);
        ballast.take_what_is_left();
        beside.storm.broker.restart();
        // What cannot be recovered without space waits for it; the others are there.
        let mut client = beside.storm.client();
        for partition in &others {
            read_from_start(&mut client, "t", *partition).expect("it is readable");
        }
        let limited = beside.load(&small, WITHOUT_SPACE);
        let free = beside.load(&others, &[]);
        goes_on(&free);
        until("a refusal", || limited.refused() > 0);
        drop(ballast);
        goes_on(&limited);
        beside.storm.end(free);
        beside.storm.end(limited);
        beside.check();
        beside.make_room();
    }
    beside.storm.finish();
    Ok(())
}

/// Metadata and records lie on the same full disk. It may keep the broker from starting, with an error, and nothing more.
fn fill_the_only_disk() -> Result<(), Skip> {
    let disk = LoopDisk::make(Format::Ext4, DISK_BYTES)?;
    let mut storm = Storm::begin_in(&[disk.path().join("data")], &disk.beside("log"), Troubles::default());
    storm.topic("t", 4, &[("segment.bytes", "1048576"), ("file.delete.delay.ms", "100")]);
    let topic = storm.topics()[0].clone();
    let load = storm.load_of(&vec![one_at_a_time(&topic, &[0, 1, 2, 3]); 4]);
    goes_on(&load);
    let ballast = Ballast::fill(disk.path());
    until("a refusal", || load.refused() > 0);
    // As large as a metadata record may become, so that no room that was left over takes it.
    let create = |name: &str| {
        let request = create_request(name, 1000, &[]);
        storm.client().call(newest::<CreateTopicsRequest>(), &request).topics[0].error_code
    };
    let mut number = 0;
    until("a topic that cannot be created", || {
        number += 1;
        create(&format!("refused-{number}")) == STORAGE_ERROR
    });
    drop(ballast);
    until("a topic that can be created", || {
        number += 1;
        create(&format!("created-{number}")) == 0
    });
    goes_on(&load);
    let ballast = Ballast::fill(disk.path());
    storm.broker.kill();
    storm.end(load);
    ballast.take_what_is_left();
    let started = storm.broker.try_restart_with(&[]);
    drop(ballast);
    if let Err(status) = started {
        assert_eq!(status.code(), Some(1), "it says why, and ends");
        storm.broker.restart();
    }
    storm.until_readable(&topic);
    let mut client = storm.client();
    storm.ledger.check(&mut client, &topic);
    let load = storm.load_of(&vec![one_at_a_time(&topic, &[0, 1, 2, 3]); 4]);
    goes_on(&load);
    storm.end(load);
    storm.finish();
    Ok(())
}
