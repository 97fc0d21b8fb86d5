//! A broker under load that is killed again and again.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use protocol::messages::topics::{DeleteRecordsPartition, DeleteRecordsTopic};
use protocol::messages::{CreateTopicsRequest, DeleteRecordsRequest, DeleteTopicsRequest};
use tempfile::TempDir;

use crate::client::{Client, newest};
use crate::dice::Dice;
use crate::ledger::{Ledger, Topic};
use crate::load::{Manner, Producer, Tally};
use crate::support::{Broker, PATIENCE};
use crate::topics::{create, create_request, delete, delete_request, list};

const LATEST: i64 = -1;
const UNKNOWN_TOPIC: i16 = 3;
const TOPIC_EXISTS: i16 = 36;
const OFFSET_OUT_OF_RANGE: i16 = 1;

/// The topic that comes and goes.
const FLEETING: &str = "fleeting";

/// A round ends after this time, however little was acknowledged.
const ROUND_MAX: Duration = Duration::from_secs(20);

/// What happens beside the load.
#[derive(Clone, Copy, Debug, Default)]
pub struct Troubles {
    /// The next broker may have another number of shards.
    pub other_shards: bool,
    /// The process is stopped for a while, and goes on.
    pub pauses: bool,
    /// Records are deleted, and a topic is created and deleted.
    pub deletions: bool,
    /// The start after a crash is killed, twice.
    pub killed_starts: bool,
}

/// Producers at work.
pub struct Load {
    threads: Vec<JoinHandle<Producer>>,
    tally: Arc<Tally>,
}

impl Load {
    /// Waits until so many batches are acknowledged.
    pub fn until(&self, batches: u64) {
        let deadline = Instant::now() + ROUND_MAX;
        while self.tally.batches.load(Ordering::Relaxed) < batches && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Batches acknowledged so far.
    pub fn batches(&self) -> u64 {
        self.tally.batches.load(Ordering::Relaxed)
    }

    /// Answers so far that a producer took for a reason to repeat.
    pub fn refused(&self) -> u64 {
        self.tally.refused.load(Ordering::Relaxed)
    }
}

/// A broker, its clients and what is known of its records.
pub struct Storm {
    pub dice: Dice,
    pub broker: Broker,
    pub ledger: Ledger,
    topics: Vec<Topic>,
    troubles: Troubles,
    producers: Vec<Producer>,
    last_number: u32,
    fleeting: Option<Topic>,
    /// A deletion was asked for, and the broker was killed before it answered.
    deletion_unknown: bool,
    _dir: Option<TempDir>,
}

impl Storm {
    /// Starts a broker with a directory of its own.
    pub fn begin(troubles: Troubles) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (data, log) = (dir.path().join("data"), dir.path().join("log"));
        Self { _dir: Some(dir), ..Self::begin_in(&[data], &log, troubles) }
    }

    /// Starts a broker in these directories, which stay.
    pub fn begin_in(data: &[PathBuf], log: &Path, troubles: Troubles) -> Self {
        let mut dice = Dice::of_case();
        let shards = dice.between(1, 3).to_string();
        let settings = [
            ("strome.shards", shards.as_str()),
            ("log.retention.check.interval.ms", "300"),
            // Small, so that bounds are met.
            ("strome.memory.bytes", "67108864"),
        ];
        Self {
            broker: Broker::start_in(data, log, &settings),
            dice,
            ledger: Ledger::default(),
            topics: Vec::new(),
            troubles,
            producers: Vec::new(),
            last_number: 0,
            fleeting: None,
            deletion_unknown: false,
            _dir: None,
        }
    }

    /// Creates a topic that is produced to.
    pub fn topic(&mut self, name: &str, partitions: i32, configs: &[(&str, &str)]) {
        create(&mut self.client(), name, partitions, configs);
        let is_durable = !configs.iter().any(|(key, value)| *key == "flush.messages" && *value != "1");
        self.topics.push(Topic { name: name.to_owned(), partitions, is_durable });
    }

    pub fn client(&self) -> Client {
        Client::connect(self.broker.address())
    }

    /// The topics that are produced to.
    pub fn topics(&self) -> &[Topic] {
        &self.topics
    }

    /// Starts producers: those of before that can go on, and new ones.
    pub fn load(&mut self) -> Load {
        let producers = self.gather_producers();
        self.start(producers)
    }

    /// Starts a producer of each of these manners.
    pub fn load_of(&mut self, manners: &[Manner]) -> Load {
        let producers = manners.iter().map(|manner| self.producer(manner.clone())).collect();
        self.start(producers)
    }

    fn producer(&mut self, manner: Manner) -> Producer {
        self.last_number += 1;
        Producer::new(self.last_number, manner, self.dice.split())
    }

    fn start(&self, producers: Vec<Producer>) -> Load {
        let tally = Arc::new(Tally::default());
        let producers = producers.into_iter();
        let threads = producers.map(|producer| producer.start(self.broker.address(), &tally)).collect();
        Load { threads, tally }
    }

    /// Lets producers end, and takes note of what they were told.
    pub fn end(&mut self, load: Load) {
        load.tally.over.store(true, Ordering::Relaxed);
        for thread in load.threads {
            let producer = thread.join().expect("a producer");
            self.producers.extend(producer.settle(&mut self.ledger));
        }
    }

    /// Produces for a while; kills the broker, starts it again, and compares.
    pub fn round(&mut self, batches: u64) {
        if self.troubles.deletions && self.fleeting.is_none() {
            create(&mut self.client(), FLEETING, 3, &[]);
            self.fleeting = Some(Topic { name: FLEETING.to_owned(), partitions: 3, is_durable: true });
        }
        let load = self.load();
        self.trouble_until(batches, &load.tally);
        self.broker.kill();
        self.end(load);
        self.restart();
        self.check();
    }

    /// Those that go on after the last crash, and new ones.
    fn gather_producers(&mut self) -> Vec<Producer> {
        let mut producers = std::mem::take(&mut self.producers);
        producers.truncate(4);
        for _ in 0..self.dice.between(3, 6) {
            let topic = &self.topics[self.dice.between(0, self.topics.len() as u64 - 1) as usize];
            let manner = Manner::any(topic, &mut self.dice);
            producers.push(self.producer(manner));
        }
        if let Some(topic) = &self.fleeting {
            let manner = Manner {
                ends_at: &[UNKNOWN_TOPIC],
                is_idempotent: false,
                ..Manner::any(topic, &mut self.dice)
            };
            producers.push(self.producer(manner));
        }
        producers
    }

    /// Makes trouble until so many batches are acknowledged.
    fn trouble_until(&mut self, batches: u64, tally: &Tally) {
        let mut client = self.client();
        let deadline = Instant::now() + ROUND_MAX;
        while tally.batches.load(Ordering::Relaxed) < batches && Instant::now() < deadline {
            thread::sleep(self.dice.millis(1, 20));
            let at = self.dice.between(0, self.topics.len() as u64 - 1) as usize;
            let topic = self.topics[at].clone();
            let partition = self.dice.between(0, topic.partitions as u64 - 1) as i32;
            // What consumers see of a durable topic is durable.
            let seen = list(&mut client, &topic.name, partition, LATEST).offset;
            if topic.is_durable {
                self.ledger.seen(&topic.name, partition, seen);
            }
            if self.troubles.pauses && self.dice.once_in(8) {
                self.broker.signal("STOP");
                thread::sleep(self.dice.millis(1, 150));
                self.broker.signal("CONT");
            }
            if self.troubles.deletions && self.dice.once_in(4) {
                let to = if self.dice.once_in(5) { -1 } else { self.dice.between(0, seen as u64) as i64 };
                delete_records(&mut client, &topic.name, partition, to);
            }
            if self.fleeting.is_some() && self.dice.once_in(40) {
                assert_eq!(delete(&mut client, FLEETING), 0);
                self.fleeting = None;
            }
        }
        if self.fleeting.is_some() && self.dice.once_in(4) {
            client.send(newest::<DeleteTopicsRequest>(), &delete_request(FLEETING));
            thread::sleep(self.dice.millis(0, 5));
            self.deletion_unknown = true;
        }
        if self.troubles.pauses && self.dice.once_in(4) {
            self.broker.signal("STOP");
        }
    }

    /// Ends the broker at once, and starts it again.
    pub fn kill_and_restart(&mut self) {
        self.broker.kill();
        self.restart();
    }

    fn restart(&mut self) {
        let shards = if self.troubles.other_shards { self.dice.between(1, 4) } else { 2 };
        let shards = shards.to_string();
        let settings = [("strome.shards", shards.as_str())];
        if self.troubles.killed_starts {
            for _ in 0..2 {
                let time = self.dice.millis(0, 400);
                self.broker.restart_and_kill_after(time, &settings);
            }
        }
        self.broker.restart_with(&settings);
    }

    fn check(&mut self) {
        let mut client = self.client();
        for topic in &self.topics {
            self.ledger.check(&mut client, topic);
        }
        if std::mem::take(&mut self.deletion_unknown) {
            let answer = client.call(newest::<CreateTopicsRequest>(), &create_request(FLEETING, 3, &[]));
            if answer.topics[0].error_code != TOPIC_EXISTS {
                assert_eq!(answer.topics[0].error_code, 0);
                self.ledger.forget(FLEETING);
            }
        }
        match &self.fleeting {
            Some(topic) => self.ledger.check(&mut client, topic),
            None => self.ledger.forget(FLEETING),
        }
    }

    /// Waits until all partitions of a topic can be read: they may have waited for space.
    pub fn until_readable(&self, topic: &Topic) {
        let mut client = self.client();
        let deadline = Instant::now() + PATIENCE;
        let mut error_of = |partition| list(&mut client, &topic.name, partition, LATEST).error_code;
        while (0..topic.partitions).any(|partition| error_of(partition) != 0) {
            assert!(Instant::now() < deadline, "{} stays offline", topic.name);
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Stops the broker gracefully, has its directories checked, and compares once more.
    pub fn finish(mut self) {
        assert!(self.broker.stop().success());
        self.broker.expect_sound();
        self.broker.restart();
        self.check();
        eprintln!("    {} records were acknowledged", self.ledger.acknowledged);
    }
}

/// Deletes records up to an offset; -1 for all.
pub fn delete_records(client: &mut Client, topic: &str, partition: i32, offset: i64) {
    let partitions = vec![DeleteRecordsPartition { partition_index: partition, offset }];
    let topics = vec![DeleteRecordsTopic { name: topic.into(), partitions }];
    let request = DeleteRecordsRequest { topics, timeout_ms: 30_000 };
    let answer = client.call(newest::<DeleteRecordsRequest>(), &request);
    let error = answer.topics[0].partitions[0].error_code;
    assert!(error == 0 || error == OFFSET_OUT_OF_RANGE, "{error}");
}
