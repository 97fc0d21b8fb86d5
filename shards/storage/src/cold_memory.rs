//! The memory of records that were read from disk: from the moment the disk is asked until nobody sees them any more,
//! be it the store, a reader, or a client's socket that takes its time. So does that of chunks count which the tails have
//! given up, and which readers still see.
//!
//! # Invariants
//! - Memory counts as a whole for as long as any part of it is seen: a small answer may keep a large piece alive.
//! - It is counted down wherever the last view is dropped, which may be on another shard.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

/// An answer may always have so much: whoever reads gets on.
const ANSWER_BYTES_MIN: usize = 64 * 1024;

/// An answer is not longer. A reader that wants more gets the rest with its next read.
pub(crate) const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;

/// The part of what is left that one answer may have: 1/4. So the less memory is left, the less is read for one answer:
/// readers that stop get little each, and those that go on come again sooner.
const ANSWER_PART: usize = 4;

/// What a store may spend on cold records, and has spent. Clones share the account. Lives on the store's shard.
#[derive(Clone, Debug)]
pub(crate) struct ColdMemory {
    capacity: usize,
    used: Arc<AtomicUsize>,
}

/// Bytes that count until this is dropped.
#[derive(Debug)]
pub(crate) struct Reserved {
    bytes: usize,
    used: Arc<AtomicUsize>,
}

/// What was read from disk. Views of it keep all of it alive.
#[derive(Debug)]
pub(crate) struct Loaded {
    bytes: Bytes,
    /// Dropped with the bytes.
    _reserved: Reserved,
}

struct View(Arc<Loaded>, Range<usize>);

impl ColdMemory {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, used: Arc::default() }
    }

    pub(crate) fn reserve(&self, bytes: usize) -> Reserved {
        self.used.fetch_add(bytes, Ordering::Relaxed);
        Reserved { bytes, used: Arc::clone(&self.used) }
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// How much one answer may have, if as much as `reclaimable` tells of what is in use can be given up at any time.
    pub(crate) fn answer_bytes_max(&self, reclaimable: impl FnOnce() -> usize) -> usize {
        let left = self.capacity.saturating_sub(self.used());
        if left / ANSWER_PART >= ANSWER_BYTES_MAX {
            return ANSWER_BYTES_MAX;
        }
        let left = self.capacity.saturating_sub(self.used().saturating_sub(reclaimable()));
        (left / ANSWER_PART).clamp(ANSWER_BYTES_MIN, ANSWER_BYTES_MAX)
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Loaded {
    pub(crate) fn new(bytes: Bytes, reserved: Reserved) -> Self {
        Self { bytes, _reserved: reserved }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// A part of it without a copy.
    pub(crate) fn view(self: &Arc<Self>, range: Range<usize>) -> Bytes {
        Bytes::from_owner(View(Arc::clone(self), range))
    }
}

impl AsRef<[u8]> for View {
    fn as_ref(&self) -> &[u8] {
        self.0.bytes.get(self.1.clone()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    #[test]
    fn an_answer_may_have_a_quarter_of_what_is_left_and_never_less_than_the_minimum() {
        let memory = ColdMemory::new(8 * MIB);
        assert_eq!(memory.answer_bytes_max(|| 0), 2 * MIB);
        let reserved = memory.reserve(4 * MIB);
        assert_eq!(memory.answer_bytes_max(|| 0), MIB);
        assert_eq!(memory.answer_bytes_max(|| 2 * MIB), 3 * MIB / 2);
        let loaded = Arc::new(Loaded::new(Bytes::from(vec![7; 4 * MIB]), reserved));
        let view = loaded.view(10..20);
        drop(loaded);
        assert_eq!(memory.answer_bytes_max(|| 0), MIB, "a view keeps all of it");
        assert_eq!(view, [7; 10][..]);
        let much = memory.reserve(100 * MIB);
        assert_eq!(memory.answer_bytes_max(|| 0), ANSWER_BYTES_MIN);
        drop(much);
        drop(view);
        assert_eq!(memory.answer_bytes_max(|| 0), 2 * MIB);
    }
}
