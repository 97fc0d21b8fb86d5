//! Which part of a journal file the next commit takes. Positions in, positions out; no I/O.
//!
//! # Invariants
//! - Commits that are still needed are never overwritten.
//! - Commits lie in the order of their sequences, going round.

use std::collections::VecDeque;

use crate::journal::format::FIRST_POSITION;

/// The space of one journal.
#[derive(Debug)]
pub(crate) struct Ring {
    /// How far the file is written ahead: commits end before.
    end: u64,
    /// Where the next commit lies if it fits there.
    head: u64,
    /// Commits that may be needed, oldest first.
    live: VecDeque<Live>,
    next_sequence: u64,
}

#[derive(Clone, Copy, Debug)]
struct Live {
    sequence: u64,
    position: u64,
}

/// Where a commit goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) sequence: u64,
    pub(crate) position: u64,
    /// The oldest commit that is still needed, or this one.
    pub(crate) oldest: u64,
}

impl Ring {
    /// The space of a file that was written up to `end`, without a commit.
    pub(crate) fn new(end: u64) -> Self {
        Self { end, head: FIRST_POSITION, live: VecDeque::new(), next_sequence: 1 }
    }

    /// Bytes that commits may take in all.
    pub(crate) fn capacity(&self) -> u64 {
        self.end.saturating_sub(FIRST_POSITION)
    }

    /// How far the file is written ahead.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// Bytes that are not free, with those that are lost where the ring closes.
    pub(crate) fn used(&self) -> u64 {
        match self.live.front() {
            None => 0,
            Some(front) if front.position < self.head => self.head - front.position,
            Some(front) => self.capacity() - (front.position - self.head),
        }
    }

    /// The sequence of the next commit.
    pub(crate) fn next_sequence(&self) -> u64 {
        self.next_sequence
    }

    /// The largest commit that there is room for, in bytes.
    pub(crate) fn room(&self) -> u64 {
        match self.live.front() {
            None => self.capacity(),
            Some(front) if front.position < self.head => {
                self.end.saturating_sub(self.head).max(front.position - FIRST_POSITION)
            }
            Some(front) => front.position - self.head,
        }
    }

    /// Takes room for a commit of `bytes`, whole blocks; `None` if there is too little.
    pub(crate) fn take(&mut self, bytes: u64) -> Option<Taken> {
        if bytes > self.room() {
            return None;
        }
        let wraps = match self.live.front() {
            Some(front) if front.position >= self.head => false,
            _ => bytes > self.end.saturating_sub(self.head),
        };
        let position = if wraps { FIRST_POSITION } else { self.head };
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        self.head = position + bytes;
        self.live.push_back(Live { sequence, position });
        let oldest = self.live.front().map_or(sequence, |front| front.sequence);
        Some(Taken { sequence, position, oldest })
    }

    /// Commits below `sequence` are no longer needed.
    pub(crate) fn release_below(&mut self, sequence: u64) {
        while self.live.pop_front_if(|oldest| oldest.sequence < sequence).is_some() {}
    }

    /// The file is written ahead up to `end`.
    pub(crate) fn grow(&mut self, end: u64) {
        self.end = self.end.max(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::format::BLOCK_BYTES;

    /// A small generator, so that a failure can be had again.
    fn next(state: &mut u64) -> u64 {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        *state >> 33
    }

    #[test]
    fn no_commit_meets_one_that_is_needed() {
        for seed in 0..200 {
            let mut random = seed;
            let mut ring = Ring::new(FIRST_POSITION + 40 * BLOCK_BYTES);
            let mut needed: VecDeque<(u64, u64, u64)> = VecDeque::new();
            for _ in 0..500 {
                let bytes = (1 + next(&mut random) % 12) * BLOCK_BYTES;
                let (room, end) = (ring.room(), ring.end());
                match ring.take(bytes) {
                    Some(taken) => {
                        let (from, to) = (taken.position, taken.position + bytes);
                        assert!(bytes <= room && from >= FIRST_POSITION && to <= end, "seed {seed}");
                        assert!(needed.iter().all(|(_, a, b)| to <= *a || *b <= from), "seed {seed}");
                        needed.push_back((taken.sequence, from, to));
                        assert_eq!(Some(taken.oldest), needed.front().map(|(s, ..)| *s));
                    }
                    None => assert!(bytes > room, "seed {seed}"),
                }
                if next(&mut random).is_multiple_of(3) {
                    let keep = next(&mut random) % 4;
                    while needed.len() as u64 > keep {
                        needed.pop_front();
                    }
                    ring.release_below(needed.front().map_or(ring.next_sequence(), |(s, ..)| *s));
                    if needed.is_empty() {
                        assert_eq!((ring.used(), ring.room()), (0, ring.capacity()));
                    }
                }
                if next(&mut random).is_multiple_of(50) {
                    ring.grow(end + 8 * BLOCK_BYTES);
                }
                assert!(ring.used() <= ring.capacity(), "seed {seed}");
            }
        }
    }

    #[test]
    fn a_full_ring_takes_nothing_until_the_oldest_is_released() {
        let mut ring = Ring::new(FIRST_POSITION + 4 * BLOCK_BYTES);
        let first = ring.take(2 * BLOCK_BYTES).unwrap();
        let second = ring.take(2 * BLOCK_BYTES).unwrap();
        assert_eq!(ring.take(BLOCK_BYTES), None);
        ring.release_below(second.sequence);
        let third = ring.take(2 * BLOCK_BYTES).unwrap();
        assert_eq!((third.position, third.oldest), (first.position, second.sequence));
    }
}
