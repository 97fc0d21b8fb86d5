//! What becomes of a compaction whose slices are told to have failed.

use std::io;
use std::path::Path;

use reactor::simulation::Simulation;
use reactor::{Event, Reactor};
use record::{BatchBuilder, BatchHeader, BatchOptions, ValidBatch};
use types::{LeaderEpoch, Offset, PartitionIndex, TimestampMs, TopicName, Uuid};

use super::Slice;
use crate::compact::{CompactionBounds, CompactionLimits, CompactionPool, CompactionSettings};
use crate::core::Message;
use crate::error::StorageError;
use crate::layout::LogName;
use crate::log_dir::LogDir;
use crate::outcome::Outcome;
use crate::settings::{LogSettings, StoreSettings};
use crate::store::{LogId, Store};

/// After so many turns anything must have happened.
const PATIENCE: u32 = 5_000;

/// A store on a simulated machine with a log of six segments, all but the last of which are being compacted.
struct Compacting {
    store: Store,
    reactor: Reactor,
    log: LogId,
}

impl Compacting {
    fn begin() -> Self {
        let simulation = Simulation::new(1);
        let dir = LogDir::open_on(simulation.disk(), Path::new("/data")).unwrap();
        let name = LogName { topic: TopicName::new("state").unwrap(), partition: PartitionIndex(0) };
        let settings = LogSettings { segment_bytes: 120, deletes: false, ..LogSettings::default() };
        let opened = dir.open_log(&name, Uuid::from_random([7; 16]), &settings).unwrap();
        let mut store = Store::new(StoreSettings::default());
        store.use_compaction_pool(CompactionPool::new(CompactionLimits::default()));
        let log = store.adopt(opened);
        let mut this = Self { store, reactor: simulation.reactor().unwrap(), log };
        for i in 0..6_u8 {
            let mut builder = BatchBuilder::new(BatchOptions::default());
            builder.push(TimestampMs(1), Some(&[i % 2]), Some(&[i; 40]), &[]).unwrap();
            let bytes = builder.build().unwrap();
            let batch = ValidBatch { header: BatchHeader::parse(&bytes).unwrap(), bytes };
            this.store.append(log, &[batch], LeaderEpoch(0)).unwrap();
        }
        this.store.want_durable(log);
        this.turn_until(|store| store.status(log).unwrap().durable_end == Offset(6));
        let settings = CompactionSettings {
            min_dirty_ratio: 0.0,
            min_lag_ms: 0,
            max_lag_ms: i64::MAX,
            delete_retention_ms: 0,
        };
        this.store.set_compaction(log, Some(settings));
        let bounds = CompactionBounds { below: Offset(6), ..CompactionBounds::default() };
        this.turn_until(|store| store.logs[0].sealed.len() == 5 && store.logs[0].unsealed.is_empty());
        assert!(this.store.compact(log, bounds, &mut this.reactor));
        this
    }

    fn turn_until(&mut self, is_so: impl Fn(&Store) -> bool) {
        let mut events = Vec::new();
        for now in 0..i64::from(PATIENCE) {
            if is_so(&self.store) {
                return;
            }
            self.reactor.poll(&mut events);
            for event in events.drain(..) {
                let Event::Wrote { token, result } = event else { panic!("{event:?}") };
                self.store.on_wrote(token, result, &mut self.reactor);
            }
            self.store.tick(TimestampMs(now), &mut self.reactor);
            self.store.commit(&mut self.reactor);
        }
        panic!("it never happens");
    }

    /// What the slice under way comes to, of which the store has not heard.
    fn slice(&mut self) -> Slice {
        for _ in 0..PATIENCE {
            self.reactor.poll(&mut Vec::new());
            let told: Vec<Message> = self.store.messages.try_iter().collect();
            let mut slice = None;
            for message in told {
                match message {
                    Message::Compacted(ended) => slice = Some(ended),
                    other => self.store.core.messages.send(other).unwrap(),
                }
            }
            if let Some(slice) = slice {
                return slice;
            }
        }
        panic!("the slice never ends");
    }

    /// The slice under way has missed a file.
    fn miss(&mut self) {
        let slice = self.slice();
        let missing = StorageError::io("open", Path::new("a segment"), io::ErrorKind::NotFound.into());
        self.store.on_compacted(Slice { result: Err(missing), ..slice }, &mut self.reactor);
    }

    fn end(&mut self) -> Result<(), StorageError> {
        self.turn_until(|store| !store.compactor.is_busy());
        let mut outcomes = std::iter::from_fn(|| self.store.next_outcome());
        let ended = outcomes.find_map(|outcome| match outcome {
            Outcome::Compacted { result, .. } => Some(result.map(drop)),
            _ => None,
        });
        ended.expect("it is told how it ended")
    }
}

#[test]
fn a_compaction_outlasts_deletions_of_records_that_follow_one_another_closely() {
    let mut compacting = Compacting::begin();
    for log_start in 1..3 {
        // Records are deleted while a slice is under way, which does not find their segment.
        let Compacting { store, reactor, log } = &mut compacting;
        store.delete_records(*log, Offset(log_start), reactor).unwrap();
        compacting.miss();
        assert!(compacting.store.compactor.is_busy(), "it goes on without the first {log_start}");
    }
    compacting.end().unwrap();
    assert_eq!(compacting.store.compacted_to(compacting.log), Some(Offset(5)));
}

#[test]
fn a_compaction_ends_when_a_file_is_missing_that_nobody_has_deleted() {
    let mut compacting = Compacting::begin();
    compacting.miss();
    assert!(compacting.end().unwrap_err().is_not_found());
}
