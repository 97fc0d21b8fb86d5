//! What the shards of a broker share for compaction: how many compact at once, with how much memory, and how fast.
//!
//! # Invariants
//! - As many compactions run at once as there are permits, and each has its share of the memory.
//! - Stores get permits in the order in which they were found to need one.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::offset_map::{MapBounds, SLOT_BYTES};

/// A slice is never smaller: reads below would cost more than they bring.
const SLICE_BYTES_MIN: u64 = 64 * 1024;
/// Nor larger, since shutting down waits for it.
const SLICE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Kafka's broker settings of the same names; all of them may change while the broker runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CompactionLimits {
    /// `log.cleaner.enable`.
    pub is_enabled: bool,
    /// `log.cleaner.threads`: how many compactions may run at once.
    pub concurrency_max: usize,
    /// `log.cleaner.dedupe.buffer.size`: memory for the maps of all of them, in bytes.
    pub map_bytes_max: usize,
    /// `log.cleaner.io.buffer.load.factor`: how full a map may get.
    pub load_factor: f64,
    /// `log.cleaner.io.buffer.size`: about so many bytes are read at once.
    pub slice_bytes: u64,
    /// `log.cleaner.io.max.bytes.per.second`: reads and writes of all of them together.
    pub bytes_per_second_max: f64,
    /// `log.cleaner.backoff.ms`: how long to wait when there is nothing to do.
    pub backoff_ms: i64,
}

impl Default for CompactionLimits {
    /// Kafka's.
    fn default() -> Self {
        Self {
            is_enabled: true,
            concurrency_max: 1,
            map_bytes_max: 128 * 1024 * 1024,
            load_factor: 0.9,
            slice_bytes: 512 * 1024,
            bytes_per_second_max: f64::MAX,
            backoff_ms: 15_000,
        }
    }
}

/// See the module. Shared by the stores of a broker; its lock is held for moments, a few hundred times a second at most.
#[derive(Debug, Default)]
pub struct CompactionPool {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    limits: CompactionLimits,
    running: usize,
    /// Stores that want a permit, the first one first.
    queue: VecDeque<u64>,
    /// Numbers given to stores.
    members: u64,
}

impl CompactionPool {
    /// A pool without limits other than Kafka's defaults.
    #[must_use]
    pub fn new(limits: CompactionLimits) -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(State { limits, ..State::default() }) })
    }

    /// New limits. A compaction that runs goes on with the map that it has.
    pub fn set_limits(&self, limits: CompactionLimits) {
        self.lock().limits = limits;
    }

    /// The limits in force.
    #[must_use]
    pub fn limits(&self) -> CompactionLimits {
        self.lock().limits
    }

    /// How many milliseconds a compaction has to let pass for `bytes` that it has read and written.
    pub(super) fn pause_ms(&self, bytes: u64) -> f64 {
        let state = self.lock();
        let each = state.limits.bytes_per_second_max / state.running.max(1) as f64;
        if each > 0.0 { bytes as f64 / each * 1000.0 } else { 0.0 }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A store's place among those that share a pool. It leaves the queue when it is dropped.
#[derive(Debug)]
pub(super) struct Member {
    pool: Arc<CompactionPool>,
    id: u64,
}

impl Default for Member {
    fn default() -> Self {
        Self::new(Arc::default())
    }
}

impl Member {
    pub(super) fn new(pool: Arc<CompactionPool>) -> Self {
        let mut state = pool.lock();
        state.members += 1;
        let id = state.members;
        drop(state);
        Self { pool, id }
    }

    pub(super) fn pool(&self) -> &CompactionPool {
        &self.pool
    }

    /// Whether it may begin now. If not, it waits for its turn from now on.
    pub(super) fn queue(&self) -> bool {
        let mut state = self.pool.lock();
        if !state.limits.is_enabled {
            return false;
        }
        if !state.queue.contains(&self.id) {
            state.queue.push_back(self.id);
        }
        state.queue.front() == Some(&self.id) && state.running < state.limits.concurrency_max
    }

    /// It does not wait any more.
    pub(super) fn withdraw(&self) {
        self.pool.lock().queue.retain(|waiting| *waiting != self.id);
    }

    /// Whether it waits for others to end.
    pub(super) fn is_waiting(&self) -> bool {
        self.pool.lock().queue.contains(&self.id)
    }

    /// A permit, if compacting is allowed and one is left for it.
    pub(super) fn begin(&self) -> Option<Permit> {
        if !self.queue() {
            return None;
        }
        self.withdraw();
        let mut state = self.pool.lock();
        state.running += 1;
        let limits = state.limits;
        let map = MapBounds {
            bytes_max: (limits.map_bytes_max / limits.concurrency_max.max(1)).max(SLOT_BYTES),
            load_factor: limits.load_factor,
        };
        let slice_bytes = limits.slice_bytes.clamp(SLICE_BYTES_MIN, SLICE_BYTES_MAX);
        Some(Permit { pool: Arc::clone(&self.pool), map, slice_bytes })
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.withdraw();
    }
}

/// May compact one log. Given back when it is dropped.
#[derive(Debug)]
pub(super) struct Permit {
    pool: Arc<CompactionPool>,
    pub(super) map: MapBounds,
    pub(super) slice_bytes: u64,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.pool.lock();
        state.running = state.running.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permits_come_back_and_share_memory_and_speed() {
        let limits = CompactionLimits {
            concurrency_max: 2,
            map_bytes_max: 1000,
            bytes_per_second_max: 1000.0,
            ..CompactionLimits::default()
        };
        let pool = CompactionPool::new(limits);
        let [a, b, c] = [(); 3].map(|()| Member::new(Arc::clone(&pool)));
        let first = a.begin().unwrap();
        assert_eq!((first.map.bytes_max, pool.pause_ms(100)), (500, 100.0));
        let second = b.begin().unwrap();
        assert_eq!(pool.pause_ms(100), 200.0);
        assert!(c.begin().is_none() && c.is_waiting());
        drop(first);
        assert!(c.begin().is_some());
        pool.set_limits(CompactionLimits { is_enabled: false, ..limits });
        assert!(c.begin().is_none());
        drop(second);
        pool.set_limits(CompactionLimits::default());
        assert!(pool.pause_ms(u64::MAX) < 1.0, "without a limit nothing has to pass");
    }

    #[test]
    fn whoever_waits_longest_comes_first_unless_it_goes_away() {
        let pool = CompactionPool::new(CompactionLimits::default());
        let [a, b, c] = [(); 3].map(|()| Member::new(Arc::clone(&pool)));
        let permit = a.begin().unwrap();
        assert!(!b.queue() && !c.queue() && !a.queue());
        drop(permit);
        assert!(!a.queue() && !c.queue(), "b was first");
        let permit = b.begin().unwrap();
        drop((permit, b));
        assert!(!a.queue() && c.queue());
        drop(c);
        assert!(a.queue());
    }
}
