//! How long durable appends take while a log is compacted beside them, and while none is.
//!
//!     cargo run --release -p strome-storage --example compaction_beside_appends [directory] [megabytes]
//!
//! One log gets a record of 1 KB at a time, each made durable before the next one. By turns nothing else happens, or one
//! of some prepared logs is compacted as fast as it goes.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use reactor::{Event, Options, Placement, Reactor, Waker, launch};
use record::{BatchBuilder, BatchHeader, BatchOptions, ValidBatch};
use strome_storage::{
    CompactionBounds, CompactionReport, CompactionSettings, LogDir, LogId, LogName, LogSettings, Outcome,
    Store, StoreSettings,
};
use types::{LeaderEpoch, Offset, PartitionIndex, TimestampMs, TopicName, Uuid};

const ROUNDS: i32 = 3;
const QUIET: Duration = Duration::from_secs(4);

struct Shard {
    reactor: Reactor,
    store: Store,
    events: Vec<Event>,
    report: Option<CompactionReport>,
}

fn now() -> TimestampMs {
    TimestampMs(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as i64))
}

impl Shard {
    async fn turn(&mut self) {
        self.reactor.poll(&mut self.events);
        let idle = self.events.is_empty();
        for event in self.events.drain(..) {
            if let Event::Wrote { token, result } = event {
                self.store.on_wrote(token, result, &mut self.reactor);
            }
        }
        self.store.tick(now(), &mut self.reactor);
        self.store.commit(&mut self.reactor);
        while let Some(outcome) = self.store.next_outcome() {
            if let Outcome::Compacted { result, .. } = outcome {
                self.report = Some(result.expect("a compaction without an error"));
            }
        }
        if idle {
            self.reactor.park(Some(Instant::now() + Duration::from_millis(2))).await;
        }
    }

    async fn append(&mut self, log: LogId, batch: &ValidBatch) -> Duration {
        let began = Instant::now();
        let appended = self.store.append(log, std::slice::from_ref(batch), LeaderEpoch(0)).expect("room");
        self.store.want_durable(log);
        self.store.commit(&mut self.reactor);
        while self.store.status(log).is_some_and(|status| status.durable_end <= appended.last_offset) {
            self.turn().await;
        }
        began.elapsed()
    }
}

/// Records of 1 KB with keys out of 100,000.
fn batch(first: usize, records: usize) -> ValidBatch {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    for i in first..first + records {
        let key = format!("key-{}", (i * 7919) % 100_000);
        builder.push(now(), Some(key.as_bytes()), Some(&[i as u8; 1000]), &[]).expect("a small record");
    }
    let bytes = builder.build().expect("a batch");
    ValidBatch { header: BatchHeader::parse(&bytes).expect("a header"), bytes }
}

fn tell(what: &str, mut latencies: Vec<Duration>) {
    latencies.sort_unstable();
    let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize].as_micros();
    println!(
        "{what}: {} appends, p50 {} us, p99 {} us, p99.9 {} us, longest {} us",
        latencies.len(),
        at(0.5),
        at(0.99),
        at(0.999),
        at(1.0)
    );
}

async fn run(mut shard: Shard, path: PathBuf, megabytes: usize) {
    let dir = LogDir::open(&path).expect("a directory");
    let open = |shard: &mut Shard, partition: i32| {
        let name = LogName {
            topic: TopicName::new("measured").expect("a name"),
            partition: PartitionIndex(partition),
        };
        let settings = LogSettings { segment_bytes: 16 << 20, deletes: false, ..LogSettings::default() };
        shard.store.adopt(dir.open_log(&name, Uuid::from_random([7; 16]), &settings).expect("a log"))
    };
    let appended = open(&mut shard, 0);
    let one = batch(0, 1);
    let (mut quiet, mut beside) = (Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        let log = open(&mut shard, round);
        for i in 0..megabytes {
            shard.append(log, &batch(i * 1000, 1000)).await;
        }
        let began = Instant::now();
        while began.elapsed() < QUIET {
            quiet.push(shard.append(appended, &one).await);
        }
        let settings = CompactionSettings {
            min_dirty_ratio: 0.0,
            min_lag_ms: 0,
            max_lag_ms: i64::MAX,
            delete_retention_ms: 0,
        };
        shard.store.set_compaction(log, Some(settings));
        let bounds = CompactionBounds { below: Offset(i64::MAX), ..CompactionBounds::default() };
        let mut began = Instant::now();
        // Full segments may still be on their way.
        while !shard.store.compact(log, bounds.clone(), &mut shard.reactor) {
            shard.turn().await;
            began = Instant::now();
        }
        while shard.report.is_none() {
            beside.push(shard.append(appended, &one).await);
        }
        let report = shard.report.take().unwrap_or_default();
        println!("compacted in {:.1} s: {report:?}", began.elapsed().as_secs_f64());
    }
    tell("nothing else", quiet);
    tell("compaction  ", beside);
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let parent = arguments.next().unwrap_or_else(|| ".".to_owned());
    let megabytes = arguments.next().and_then(|number| number.parse().ok()).unwrap_or(300);
    let temp = tempfile::tempdir_in(Path::new(&parent)).expect("a temporary directory");
    let path = temp.path().to_owned();
    let placement = Placement { name: "measured".to_owned(), cpu: None };
    let shard = launch(placement, move || {
        let waker = Waker::new().expect("a waker");
        let reactor = Reactor::new(Options::default(), waker).expect("a reactor");
        let store = Store::new(StoreSettings { token_class: 7, ..StoreSettings::default() });
        run(Shard { reactor, store, events: Vec::new(), report: None }, path, megabytes)
    });
    shard.expect("a thread").join().expect("a shard that ends");
}
