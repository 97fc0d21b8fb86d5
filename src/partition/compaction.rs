//! When this shard looks for a partition to compact, and what its log cannot know by itself.
//!
//! # Not here
//! Which part of a log is compacted, and how (`storage`).

use std::sync::Arc;
use std::time::{Duration, Instant};

use reactor::Reactor;
use storage::{CompactionBounds, CompactionLimits, CompactionPool, LastRecord, LogId};
use types::Offset;

use super::{Partition, Partitions};
use crate::clock::Now;

/// How often a shard looks whose turn has not come because others compact.
const WAITING_INTERVAL: Duration = Duration::from_secs(1);

/// When to look next. Lives with the shard's partitions.
pub(super) struct CompactionWatch {
    pool: Arc<CompactionPool>,
    next_look: Instant,
    /// When a compaction that waits for its share of the disk goes on.
    next_slice: Option<Instant>,
}

impl CompactionWatch {
    pub fn new(pool: Arc<CompactionPool>, now: Instant) -> Self {
        Self { pool, next_look: now, next_slice: None }
    }

    /// The limits of all shards; each of them says so.
    pub fn set_limits(&self, limits: CompactionLimits) {
        self.pool.set_limits(limits);
    }

    /// A compaction has ended: there may be another one.
    pub fn look_soon(&mut self, now: Instant) {
        self.next_look = now;
    }

    pub fn next_slice(&self) -> Option<Instant> {
        self.next_slice
    }
}

impl Partitions {
    /// Starts the compaction that is needed most, if it is time to look.
    pub(super) fn look_for_compaction(&mut self, reactor: &mut Reactor, now: Now) {
        if self.compaction.next_look > now.monotonic {
            return;
        }
        let Self { store, open, by_log, .. } = self;
        let partition = |log: LogId| by_log.get(&log).and_then(|key| open.get(*key));
        let below = |log| partition(log).map(Partition::decided_end);
        let log = store.next_to_compact(now.wall, below, reactor);
        let bounds = log.and_then(partition).map(Partition::compaction_bounds);
        let has_begun = match (log, bounds) {
            (Some(log), Some(bounds)) => store.compact(log, bounds, reactor),
            _ => false,
        };
        let backoff_ms = self.compaction.pool.limits().backoff_ms;
        let backoff = Duration::from_millis(u64::try_from(backoff_ms).unwrap_or(0));
        let waits = !has_begun && self.store.waits_to_compact();
        let interval = if waits { backoff.min(WAITING_INTERVAL) } else { backoff };
        self.compaction.next_look = now.monotonic + interval;
    }

    /// Notes when a compaction goes on that waits.
    pub(super) fn watch_compaction(&mut self, now: Now) {
        self.compaction.next_slice = self.store.next_compaction_slice().map(|at| {
            let wait_ms = u64::try_from(at.0.saturating_sub(now.wall.0)).unwrap_or(0);
            now.monotonic + Duration::from_millis(wait_ms)
        });
    }
}

impl Partition {
    /// Below, everything is replicated, and every transaction has ended.
    fn decided_end(&self) -> Offset {
        self.producers.last_stable_offset(self.leader.high_watermark())
    }

    fn compaction_bounds(&self) -> CompactionBounds {
        let producers = self.producers.producers().map(|producer| LastRecord {
            producer_id: producer.producer_id,
            epoch: producer.epoch,
            last_offset: producer.last_batch().map(|batch| batch.last_offset),
        });
        CompactionBounds { below: self.decided_end(), producers: producers.collect() }
    }
}
