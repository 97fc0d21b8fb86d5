//! Many partitions of which most are idle: what they cost, and how long a start takes with them.

use std::time::{Duration, Instant};

use protocol::messages::ListOffsetsRequest;
use protocol::messages::list_offsets::{ListOffsetsPartition, ListOffsetsTopic};

use crate::client::{Client, newest};
use crate::dice::is_heavy;
use crate::host::{MIB, resident, shard_times};
use crate::suite::{Case, Verdict};
use crate::support::Broker;
use crate::topics::{ALL, PRODUCE, batch, create, produce_request};

pub const CASES: &[Case] =
    &[Case { name: "idle_partitions_cost_next_to_nothing_and_start_in_seconds", run: hold_many }];

/// A request produces to so many partitions.
const AT_ONCE: i32 = 50;

/// Bounds that a busy machine does not break; what was measured is in docs/limits.md.
const RESIDENT_MAX: u64 = 512 * MIB;
const RESIDENT_IDLE_MAX: u64 = 256 * MIB;
const OPEN_FILES_MAX: usize = 1000;
const OPEN_FILES_IDLE_MAX: usize = 200;
/// Of one core, over a while without any request.
const IDLE_CPU_MAX: f64 = 0.1;

struct Many {
    broker: Broker,
    topics: i32,
    /// In each topic.
    partitions: i32,
}

fn hold_many() -> Verdict {
    let (topics, partitions) = if is_heavy() { (20, 1000) } else { (4, 250) };
    let mut many = Many { broker: Broker::start(&[]), topics, partitions };
    let began = Instant::now();
    many.create();
    many.tell("created", began.elapsed());
    let began = Instant::now();
    many.touch();
    many.tell("each produced to once", began.elapsed());
    assert!(resident(many.broker.pid()) < RESIDENT_MAX, "memory in use");
    assert!(many.open_files() < OPEN_FILES_MAX, "files in use");
    // Nothing was written back yet: all of it comes out of the journal.
    many.broker.kill();
    many.restart("after kill -9");
    many.broker.kill();
    many.restart("after another kill -9");
    assert!(many.broker.stop().success());
    many.restart("after a graceful stop");
    let cpu = many.idle_cpu();
    eprintln!("    idle: {:.2} % of a core", cpu * 100.0);
    assert!(cpu < IDLE_CPU_MAX, "{cpu}");
    Verdict::Passed
}

impl Many {
    fn create(&self) {
        let mut client = Client::connect(self.broker.address());
        for topic in 0..self.topics {
            create(&mut client, &name(topic), self.partitions, &[]);
        }
    }

    /// Produces a record to every partition.
    fn touch(&self) {
        let mut client = Client::connect(self.broker.address());
        for topic in 0..self.topics {
            for first in (0..self.partitions).step_by(AT_ONCE as usize) {
                let one = produce_request(&name(topic), first, ALL, batch(&["x"]));
                let mut request = one.clone();
                request.topic_data[0].partition_data = (first..self.partitions.min(first + AT_ONCE))
                    .map(|partition| {
                        let mut data = one.topic_data[0].partition_data[0].clone();
                        data.index = partition;
                        data
                    })
                    .collect();
                let answer = client.call(PRODUCE, &request);
                let mut parts = answer.responses[0].partition_responses.iter();
                assert!(parts.all(|part| (part.error_code, part.base_offset) == (0, 0)));
            }
        }
    }

    /// Starts it again: in time, with everything there, and with little in use.
    fn restart(&mut self, when: &str) {
        let began = Instant::now();
        // Not in any time, but it waits no longer than its patience.
        self.broker.restart();
        self.tell(when, began.elapsed());
        self.expect_one_record_each();
        assert!(resident(self.broker.pid()) < RESIDENT_IDLE_MAX, "memory {when}");
        assert!(self.open_files() < OPEN_FILES_IDLE_MAX, "files {when}");
    }

    fn expect_one_record_each(&self) {
        const LATEST: i64 = -1;
        let mut client = Client::connect(self.broker.address());
        for topic in 0..self.topics {
            let partition = |partition_index| ListOffsetsPartition {
                partition_index,
                timestamp: LATEST,
                ..Default::default()
            };
            let partitions = (0..self.partitions).map(partition).collect();
            let topics = vec![ListOffsetsTopic { name: name(topic).into(), partitions }];
            let request = ListOffsetsRequest { replica_id: -1, topics, ..Default::default() };
            let answer = client.call(newest::<ListOffsetsRequest>(), &request);
            let mut parts = answer.topics[0].partitions.iter();
            assert!(parts.all(|part| (part.error_code, part.offset) == (0, 1)), "{}", name(topic));
        }
    }

    /// The share of a core that it takes while nobody asks for anything.
    fn idle_cpu(&self) -> f64 {
        let window = Duration::from_secs(if is_heavy() { 10 } else { 3 });
        let time = || shard_times(self.broker.pid()).iter().sum::<u64>();
        // What follows the last request is over by then.
        std::thread::sleep(Duration::from_secs(3));
        let before = time();
        std::thread::sleep(window);
        (time() - before) as f64 / window.as_nanos() as f64
    }

    fn open_files(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.broker.pid())).expect("a running process").count()
    }

    fn tell(&self, what: &str, took: Duration) {
        eprintln!(
            "    {} partitions {what}: {:.1} s, {} MiB resident, {} files open",
            self.topics * self.partitions,
            took.as_secs_f32(),
            resident(self.broker.pid()) / MIB,
            self.open_files()
        );
    }
}

fn name(topic: i32) -> String {
    format!("topic-{topic}")
}
