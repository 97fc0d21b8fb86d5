//! A shard's loop around one store, batches to append, and random numbers from a seed.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use reactor::{Event, Options, Placement, Reactor, Waker, launch};
use record::{BatchBuilder, BatchHeader, BatchOptions, ValidBatch, batches};
use strome_storage::{
    Appended, LogDir, LogId, LogName, LogSettings, Lookup, Outcome, Read, StorageError, Store, StoreSettings,
};
use types::{LeaderEpoch, Offset, PartitionIndex, TimestampMs, TopicId, TopicName, Uuid};

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(20);

/// A store with the loop that a shard runs around it.
pub struct Shard {
    reactor: Reactor,
    pub store: Store,
    events: Vec<Event>,
    outcomes: Vec<Outcome>,
    pub fault: Fault,
}

/// What happens to writes that have completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    None,
    /// The store does not hear of them yet.
    Withhold,
    /// It hears that they have failed.
    Fail(std::io::ErrorKind),
    /// Reads of more bytes than this have failed.
    ReadsFailAbove(usize),
}

/// Runs `test` on a shard's thread; a panic there fails the caller.
pub fn on_shard<Test, Task>(settings: StoreSettings, test: Test)
where
    Test: FnOnce(Shard) -> Task + Send + 'static,
    Task: Future<Output = ()> + 'static,
{
    let placement = Placement { name: "storage-test".to_owned(), cpu: None };
    launch(placement, move || test(Shard::new(settings))).unwrap().join().unwrap();
}

/// Every log commits for itself.
pub fn without_journal() -> StoreSettings {
    StoreSettings { journal_bytes_max: 0, ..StoreSettings::default() }
}

pub fn now() -> TimestampMs {
    TimestampMs(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64)
}

impl Shard {
    pub fn new(settings: StoreSettings) -> Self {
        let reactor = Reactor::new(Options::default(), Waker::new().unwrap()).unwrap();
        let mut store = Store::new(StoreSettings { token_class: 7, ..settings });
        let mut shard_reactor = reactor;
        store.tick(now(), &mut shard_reactor);
        Self { reactor: shard_reactor, store, events: Vec::new(), outcomes: Vec::new(), fault: Fault::None }
    }

    /// One turn of the loop; sleeps for a moment if there was nothing to do.
    pub async fn turn(&mut self) {
        self.reactor.poll(&mut self.events);
        let idle = self.events.is_empty();
        let mut withheld = Vec::new();
        for event in self.events.drain(..) {
            match event {
                Event::Wrote { .. } if self.fault == Fault::Withhold => withheld.push(event),
                Event::Wrote { token, result } => {
                    let result = match self.fault {
                        Fault::Fail(kind) => Err(kind.into()),
                        _ => result,
                    };
                    assert_eq!(token.0 >> 56, 7);
                    self.store.on_wrote(token, result, &mut self.reactor);
                }
                Event::Read { token, result } => {
                    let result = match (self.fault, result) {
                        (Fault::ReadsFailAbove(bytes), Ok(read)) if read.len() > bytes => {
                            Err(std::io::Error::other("a bad block"))
                        }
                        (_, result) => result,
                    };
                    self.store.on_read(token, result, &mut self.reactor);
                }
                other => panic!("{other:?}"),
            }
        }
        self.events = withheld;
        self.store.tick(now(), &mut self.reactor);
        self.store.commit(&mut self.reactor);
        while let Some(outcome) = self.store.next_outcome() {
            self.outcomes.push(outcome);
        }
        if idle {
            self.reactor.park(Some(Instant::now() + Duration::from_millis(2))).await;
        }
    }

    /// Turns until an outcome is found for which `wanted` has an answer; that outcome is taken away.
    pub async fn until<T>(&mut self, wanted: impl Fn(&Outcome) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found = self.outcomes.iter().enumerate().find_map(|(i, o)| wanted(o).map(|t| (i, t)));
            if let Some((i, answer)) = found {
                self.outcomes.remove(i);
                return answer;
            }
            assert!(Instant::now() < deadline, "nothing happens; so far: {:?}", self.outcomes);
            self.turn().await;
        }
    }

    /// Turns until the store is as wanted.
    pub async fn until_store(&mut self, is_so: impl Fn(&Store) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so(&self.store) {
            assert!(Instant::now() < deadline, "nothing happens: {:?} {:?}", self.store, self.outcomes);
            self.turn().await;
        }
    }

    /// The outcomes so far that nobody has waited for.
    pub fn outcomes(&mut self) -> Vec<Outcome> {
        std::mem::take(&mut self.outcomes)
    }

    pub fn append(&mut self, log: LogId, batch: &ValidBatch) -> Result<Appended, StorageError> {
        self.store.append(log, std::slice::from_ref(batch), EPOCH)
    }

    /// Appends, turning the loop while the store is full.
    pub async fn append_patiently(&mut self, log: LogId, batch: &ValidBatch) -> Appended {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.append(log, batch) {
                Ok(appended) => return appended,
                Err(StorageError::Full) => self.turn().await,
                Err(error) => panic!("{error}"),
            }
            assert!(Instant::now() < deadline, "the store stays full");
        }
    }

    /// Makes all of the log durable.
    pub async fn make_durable(&mut self, log: LogId) {
        self.store.want_durable(log);
        let deadline = Instant::now() + PATIENCE;
        loop {
            let status = self.store.status(log).unwrap();
            if status.durable_end == status.log_end {
                return;
            }
            assert!(Instant::now() < deadline, "never durable: {status:?} {:?}", self.outcomes);
            self.turn().await;
        }
    }

    pub async fn read(
        &mut self,
        log: LogId,
        from: Offset,
        up_to: Offset,
        bytes_max: usize,
    ) -> Result<Vec<u8>, StorageError> {
        let pieces = match self.store.read(log, from, up_to, bytes_max, &mut self.reactor)? {
            Read::Now(pieces) => pieces,
            Read::Later(id) => {
                self.until(|outcome| match outcome {
                    Outcome::ReadDone { id: done, result } if *done == id => Some(result.clone()),
                    _ => None,
                })
                .await?
            }
        };
        Ok(pieces.concat())
    }

    pub async fn lookup(
        &mut self,
        log: LogId,
        target: strome_storage::TimestampTarget,
        up_to: Offset,
    ) -> Option<strome_storage::FoundTimestamp> {
        match self.store.lookup(log, target, up_to, &mut self.reactor).unwrap() {
            Lookup::Now(found) => found,
            Lookup::Later(id) => {
                let answer = self.until(|outcome| match outcome {
                    Outcome::LookupDone { id: done, result } if *done == id => Some(result.clone()),
                    _ => None,
                });
                answer.await.unwrap()
            }
        }
    }

    pub async fn truncate(&mut self, log: LogId, to: Offset) -> Offset {
        self.store.truncate(log, to, &mut self.reactor).unwrap();
        let end = self.until(|outcome| match outcome {
            Outcome::Truncated { log: of, result } if *of == log => Some(result.clone()),
            _ => None,
        });
        end.await.unwrap()
    }

    pub async fn remove(&mut self, log: LogId, unique: Uuid) {
        self.store.remove(log, unique, &mut self.reactor);
        let removed = self.until(|outcome| match outcome {
            Outcome::Removed { log: of, result } if *of == log => Some(result.clone()),
            _ => None,
        });
        removed.await.unwrap();
    }

    pub async fn close(&mut self) {
        self.store.close(&mut self.reactor);
        let closed = self.until(|outcome| match outcome {
            Outcome::Closed { failed } => Some(failed.clone()),
            _ => None,
        });
        assert!(closed.await.is_empty());
    }

    /// Both, for calls that take the reactor.
    pub fn parts(&mut self) -> (&mut Store, &mut Reactor) {
        (&mut self.store, &mut self.reactor)
    }
}

pub const EPOCH: LeaderEpoch = LeaderEpoch(3);
pub const TOPIC: TopicId = Uuid(*b"storage-test-id.");

pub fn log_name() -> LogName {
    LogName { topic: TopicName::new("orders").unwrap(), partition: PartitionIndex(0) }
}

/// Opens the directory, waiting until background work of a store that was dropped has let go of it.
pub fn open_dir(path: &Path) -> Arc<LogDir> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match LogDir::open(path) {
            Ok(dir) => return dir,
            Err(StorageError::Locked(_)) if Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(2));
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// As a broker does that has opened and closed everything.
pub fn mark_clean(path: &Path) {
    drop(open_dir(path));
    std::fs::write(path.join(".kafka_cleanshutdown"), r#"{"version":0,"brokerEpoch":-1}"#).unwrap();
}

pub fn open_log(path: &Path, settings: &LogSettings) -> strome_storage::OpenedLog {
    open_dir(path).open_log(&log_name(), TOPIC, settings).unwrap()
}

/// All batches of the log, as far as they are where they should be.
pub fn all(opened: &strome_storage::OpenedLog) -> Vec<i64> {
    let mut found = Vec::new();
    opened
        .replay(Offset(0), |header, bytes| {
            record::check_crc(bytes).unwrap();
            found.push(header.base_offset.0);
        })
        .unwrap();
    found
}

/// Where the log's files are.
pub fn log_path(path: &Path) -> std::path::PathBuf {
    path.join(log_name().to_string())
}

/// A batch of `records` records with values of `value_bytes`.
pub fn batch(records: usize, value_bytes: usize, timestamp: i64) -> ValidBatch {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    let value = vec![(timestamp % 251) as u8; value_bytes];
    for i in 0..records {
        let key = format!("key-{i}");
        builder.push(TimestampMs(timestamp + i as i64), Some(key.as_bytes()), Some(&value), &[]).unwrap();
    }
    let bytes = builder.build().unwrap();
    ValidBatch { header: BatchHeader::parse(&bytes).unwrap(), bytes }
}

/// The batch as it stands in the log.
pub fn stamped(batch: &ValidBatch, at: Offset) -> Bytes {
    let mut copy = batch.bytes.to_vec();
    record::stamp(&mut copy, at, EPOCH);
    copy.into()
}

/// The offsets of the batches in `bytes`, each with a right checksum.
pub fn offsets(bytes: &[u8]) -> Vec<(i64, i64)> {
    let check = |batch: Result<(BatchHeader, &[u8]), _>| {
        let (header, bytes) = batch.unwrap();
        record::check_crc(bytes).unwrap();
        (header.base_offset.0, header.last_offset().0)
    };
    batches(bytes).map(check).collect()
}

/// xorshift64*: small, and the same everywhere.
#[derive(Clone)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}
