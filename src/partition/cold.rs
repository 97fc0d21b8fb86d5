//! The memory of records that were read from disk for clients and are not sent yet.
//!
//! Hot records are views of what is in memory anyway. Cold ones have memory of their own from the moment the disk is
//! asked until the client's socket has taken them, and a client may take as long as it likes. So the less memory is
//! left, the less is read for one answer: readers that stop get little each, and those that go on come again sooner.
//!
//! # Invariants
//! - An answer takes at most a quarter of what is left, or `ANSWER_BYTES_MIN`, or one batch, if that is longer:
//!   whoever reads gets on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

/// An answer may always have so much.
const ANSWER_BYTES_MIN: usize = 64 * 1024;

/// The part of what is left that one answer may have: 1/4.
const ANSWER_PART: usize = 4;

/// What a shard may spend on cold records, and has spent. Lives on that shard.
pub(super) struct ColdMemory {
    capacity: usize,
    /// Of reads under way.
    asked: usize,
    /// Of what was read: counted down wherever the last view is dropped, which may be on another shard.
    unsent: Arc<AtomicUsize>,
}

/// Bytes that count until they are dropped.
struct Counted {
    bytes: Bytes,
    unsent: Arc<AtomicUsize>,
}

impl ColdMemory {
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, asked: 0, unsent: Arc::default() }
    }

    /// How much one answer may have now.
    pub(super) fn room(&self) -> usize {
        let left = self.capacity.saturating_sub(self.asked + self.unsent.load(Ordering::Relaxed));
        (left / ANSWER_PART).max(ANSWER_BYTES_MIN)
    }

    /// The disk is asked for up to so many bytes.
    pub(super) fn ask(&mut self, bytes: usize) {
        self.asked += bytes;
    }

    /// It has answered what was asked with [`Self::ask`].
    pub(super) fn answered(&mut self, bytes: usize) {
        self.asked -= bytes;
    }

    /// The same bytes, which count until the last view of them is dropped.
    pub(super) fn count(&self, bytes: Bytes) -> Bytes {
        self.unsent.fetch_add(bytes.len(), Ordering::Relaxed);
        Bytes::from_owner(Counted { bytes, unsent: self.unsent.clone() })
    }
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.unsent.fetch_sub(self.bytes.len(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    #[test]
    fn an_answer_may_have_a_quarter_of_what_is_left_and_never_less_than_the_minimum() {
        let mut memory = ColdMemory::new(8 * MIB);
        assert_eq!(memory.room(), 2 * MIB);
        memory.ask(4 * MIB);
        assert_eq!(memory.room(), MIB);
        memory.answered(4 * MIB);
        let read = memory.count(Bytes::from(vec![7; 4 * MIB]));
        let view = read.slice(10..20);
        drop(read);
        assert_eq!(memory.room(), MIB, "a view keeps all of it");
        assert_eq!(view, [7; 10][..]);
        memory.ask(100 * MIB);
        assert_eq!(memory.room(), ANSWER_BYTES_MIN);
        memory.answered(100 * MIB);
        drop(view);
        assert_eq!(memory.room(), 2 * MIB);
    }
}
