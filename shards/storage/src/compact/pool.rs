//! What the shards of a broker share for compaction: how many compact at once, with how much memory, and how fast.
//!
//! # Invariants
//! - As many compactions run at once as there are permits, and each has its share of the memory.

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
}

impl CompactionPool {
    /// A pool without limits other than Kafka's defaults.
    #[must_use]
    pub fn new(limits: CompactionLimits) -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(State { limits, running: 0 }) })
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

    /// A permit, if compacting is allowed and one is left.
    pub(super) fn begin(self: &Arc<Self>) -> Option<Permit> {
        let mut state = self.lock();
        let State { limits, running } = &mut *state;
        let most = limits.concurrency_max;
        if !limits.is_enabled || *running >= most {
            return None;
        }
        *running += 1;
        let map = MapBounds {
            bytes_max: (limits.map_bytes_max / most).max(SLOT_BYTES),
            load_factor: limits.load_factor,
        };
        let slice_bytes = limits.slice_bytes.clamp(SLICE_BYTES_MIN, SLICE_BYTES_MAX);
        Some(Permit { pool: Arc::clone(self), map, slice_bytes })
    }

    /// Whether a permit may be had.
    pub(super) fn is_free(&self) -> bool {
        let state = self.lock();
        state.limits.is_enabled && state.running < state.limits.concurrency_max
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
        let first = pool.begin().unwrap();
        assert_eq!((first.map.bytes_max, pool.pause_ms(100)), (500, 100.0));
        let second = pool.begin().unwrap();
        assert_eq!(pool.pause_ms(100), 200.0);
        assert!(pool.begin().is_none() && !pool.is_free());
        drop(first);
        assert!(pool.is_free());
        pool.set_limits(CompactionLimits { is_enabled: false, ..limits });
        assert!(pool.begin().is_none());
        drop(second);
        pool.set_limits(CompactionLimits::default());
        assert!(pool.pause_ms(u64::MAX) < 1.0, "without a limit nothing has to pass");
    }
}
