//! What records are made of: values that can tell when they were due, and keys.
//!
//! # Hot path
//! A value is a slice of one prepared block of bytes into whose beginning the stamp is written; nothing is allocated, and
//! no random byte is made while it is measured.

use std::ops::Range;

use crate::moment::Moment;
use crate::random::{Random, mix};
use crate::sizes::Sizes;

/// A value begins with it where it has room: the run, and the moment at which the record was due.
pub const STAMP_BYTES: usize = 16;

/// Enough that a codec does not find one record in the last one, little enough to stay in a core's cache.
const BLOCK_BYTES: usize = 1 << 20;
/// Those of all producers together, unless their records are large.
const BLOCKS_BYTES_MAX: usize = 256 << 20;

/// Random and constant bytes take turns in pieces of this length.
const PIECE_BYTES: usize = 64;

/// The values of one producer.
#[derive(Clone, Debug)]
pub struct Values {
    block: Vec<u8>,
    /// Where the value lies that was prepared last.
    current: Range<usize>,
    sizes: Sizes,
    run: RunId,
    random: Random,
}

/// Tells the records of a run from others in the same topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunId(pub u64);

impl Values {
    /// Values of these sizes, of which the share `random_share` (0 to 1) is random and the rest always the same. The more
    /// `producers` there are, the less memory each has for them.
    #[must_use]
    pub fn new(sizes: Sizes, random_share: f64, run: RunId, mut random: Random, producers: usize) -> Self {
        let (_, max) = sizes.bounds();
        let share = BLOCKS_BYTES_MAX / producers.max(1);
        let mut block = vec![b'.'; BLOCK_BYTES.min(share).max(2 * max)];
        let random_bytes = (PIECE_BYTES as f64 * random_share.clamp(0.0, 1.0)).round() as usize;
        for piece in block.chunks_mut(PIECE_BYTES) {
            piece.iter_mut().take(random_bytes).for_each(|byte| *byte = random.next_u64() as u8);
        }
        Self { block, current: 0..0, sizes, run, random }
    }

    /// Prepares the next value, of a record that was due at `due`.
    pub fn prepare(&mut self, due: Moment) {
        let len = self.sizes.draw(&mut self.random);
        let begin = if self.current.end + len > self.block.len() { 0 } else { self.current.end };
        self.current = begin..begin + len;
        if let Some(stamp) = self.block[self.current.clone()].first_chunk_mut::<STAMP_BYTES>() {
            stamp[..8].copy_from_slice(&self.run.0.to_le_bytes());
            stamp[8..].copy_from_slice(&due.0.to_le_bytes());
        }
    }

    /// The value that was prepared last.
    #[must_use]
    pub fn current(&self) -> &[u8] {
        &self.block[self.current.clone()]
    }
}

/// When the record with this value was due, if it is one of `run`.
#[must_use]
pub fn due_of(value: &[u8], run: RunId) -> Option<Moment> {
    let stamp = value.first_chunk::<STAMP_BYTES>()?;
    let (id, due) = stamp.split_first_chunk::<8>()?;
    let due = due.first_chunk::<8>()?;
    (u64::from_le_bytes(*id) == run.0).then(|| Moment(u64::from_le_bytes(*due)))
}

/// Bytes of a key, as text.
pub(crate) const KEY_BYTES: usize = 16;
const KEY_PREFIX: &[u8; 4] = b"key-";

/// The keys of one producer: each of `count` as often as the others.
#[derive(Clone, Debug)]
pub struct Keys {
    count: u64,
    random: Random,
    text: [u8; KEY_BYTES],
}

impl Keys {
    /// Keys out of so many.
    #[must_use]
    pub fn new(count: u64, random: Random) -> Self {
        Self { count, random, text: [b'0'; KEY_BYTES] }
    }

    /// Prepares the next key; returns which of `partitions` it belongs to: always the same one.
    pub fn prepare(&mut self, partitions: usize) -> usize {
        let number = self.random.below(self.count);
        let (prefix, digits) = self.text.split_at_mut(KEY_PREFIX.len());
        prefix.copy_from_slice(KEY_PREFIX);
        let mut rest = number;
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        (mix(number) % partitions.max(1) as u64) as usize
    }

    /// The key that was prepared last.
    #[must_use]
    pub fn current(&self) -> &[u8] {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    const RUN: RunId = RunId(77);

    #[test]
    fn a_value_tells_when_it_was_due_and_only_to_its_own_run() {
        let mut values = Values::new("16..2000".parse().unwrap(), 0.5, RUN, Random::new(1), 1);
        for due in 0..10_000 {
            values.prepare(Moment(due));
            assert_eq!(due_of(values.current(), RUN), Some(Moment(due)));
            assert_eq!(due_of(values.current(), RunId(78)), None);
        }
        let mut small = Values::new(Sizes::fixed(15), 0.5, RUN, Random::new(1), 1);
        small.prepare(Moment(1));
        assert_eq!(due_of(small.current(), RUN), None);
    }

    #[test]
    fn as_much_of_a_value_is_random_as_was_asked_for() {
        let constant = |share| {
            let mut values = Values::new(Sizes::fixed(64_000), share, RUN, Random::new(1), 1);
            values.prepare(Moment(0));
            let value = values.current();
            value.iter().filter(|byte| **byte == b'.').count() as f64 / value.len() as f64
        };
        assert!(constant(0.0) > 0.99 && constant(1.0) < 0.01);
        assert!((0.24..0.27).contains(&constant(0.75)), "{}", constant(0.75));
    }

    #[test]
    fn a_key_always_belongs_to_the_same_partition_and_all_get_their_share() {
        let mut keys = Keys::new(1_000, Random::new(5));
        let mut homes = BTreeMap::new();
        let mut shares = [0; 8];
        for _ in 0..80_000 {
            let partition = keys.prepare(8);
            assert_eq!(keys.current().len(), KEY_BYTES);
            assert_eq!(*homes.entry(keys.current().to_vec()).or_insert(partition), partition);
            shares[partition] += 1;
        }
        assert_eq!(homes.len(), 1_000);
        assert!(homes.contains_key(&b"key-000000000999"[..]));
        assert!(shares.iter().all(|share| (7_500..12_500).contains(share)), "{shares:?}");
    }
}
