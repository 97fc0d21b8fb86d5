//! The last offset of each key, in memory of a fixed size: what decides which records of a log are superseded.
//!
//! Keys are told apart by 128 bits that a hash with random secrets makes of them, so that nobody can choose two keys that
//! are taken for one, and chance does not either (five million keys: one in 10^25).
//!
//! # Invariants
//! - At least one slot is free, so that every search ends.
//! - Memory is touched as keys come, not when the map is made.

use std::hash::{BuildHasher, RandomState};

use types::Offset;

/// Bytes of a slot: two halves of the hash, and one more than the offset, so that zeros are a free slot.
pub(crate) const SLOT_BYTES: usize = 24;
const _: () = assert!(size_of::<Slot>() == SLOT_BYTES);

/// The least number of slots: one key, and a free slot.
const SLOTS_MIN: usize = 2;

type Slot = [u64; 3];

/// See the module.
#[derive(Debug)]
pub(crate) struct OffsetMap {
    slots: Vec<Slot>,
    secrets: [RandomState; 2],
    keys: usize,
    keys_max: usize,
}

/// How large a map may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct MapBounds {
    /// Bytes of memory.
    pub(crate) bytes_max: usize,
    /// The share of slots that may be used.
    pub(crate) load_factor: f64,
}

impl OffsetMap {
    /// A map within `bounds` for at most `keys` keys.
    pub(crate) fn new(bounds: MapBounds, keys: usize) -> Self {
        let load_factor = if bounds.load_factor > 0.0 { bounds.load_factor.min(1.0) } else { 1.0 };
        // Any key that comes after this many finds the map full, and there is another pass.
        let wanted = (keys as f64 / load_factor).ceil() as usize;
        let slots = wanted.saturating_add(1).min(bounds.bytes_max / SLOT_BYTES).max(SLOTS_MIN);
        let keys_max = ((slots as f64 * load_factor) as usize).clamp(1, slots - 1);
        Self {
            slots: vec![[0; 3]; slots],
            secrets: [RandomState::new(), RandomState::new()],
            keys: 0,
            keys_max,
        }
    }

    /// Notes that `key` is at `offset`, which is above all that were noted before. False if the key is new and there is
    /// no room for it.
    pub(crate) fn put(&mut self, key: &[u8], offset: Offset) -> bool {
        let (hash, at) = self.find(key);
        let Some(slot) = self.slots.get_mut(at) else { return false };
        if slot[2] == 0 {
            if self.keys >= self.keys_max {
                return false;
            }
            self.keys += 1;
        }
        *slot = [hash[0], hash[1], offset.0.cast_unsigned().wrapping_add(1)];
        true
    }

    /// The last offset that was noted for `key`.
    pub(crate) fn get(&self, key: &[u8]) -> Option<Offset> {
        let (_, at) = self.find(key);
        let slot = self.slots.get(at).filter(|slot| slot[2] != 0)?;
        Some(Offset(slot[2].wrapping_sub(1).cast_signed()))
    }

    /// Keys in the map.
    pub(crate) fn keys(&self) -> usize {
        self.keys
    }

    /// The key's hash, and its slot or the one that it would get.
    fn find(&self, key: &[u8]) -> ([u64; 2], usize) {
        let hash = self.secrets.each_ref().map(|secret| secret.hash_one(key));
        let count = self.slots.len();
        // Spreads the hash over the slots without a division.
        let mut at = ((u128::from(hash[0]) * count as u128) >> 64) as usize;
        while let Some(slot) = self.slots.get(at)
            && slot[2] != 0
            && slot[..2] != hash
        {
            at = if at + 1 == count { 0 } else { at + 1 };
        }
        (hash, at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    const ROOMY: MapBounds = MapBounds { bytes_max: 1 << 20, load_factor: 0.9 };

    #[test]
    fn the_last_offset_of_each_key_is_found() {
        let mut map = OffsetMap::new(ROOMY, 5000);
        let mut expected = BTreeMap::new();
        for offset in 0..20_000 {
            let key = format!("key-{}", (offset * 7919) % 5000);
            assert!(map.put(key.as_bytes(), Offset(offset)));
            expected.insert(key, Offset(offset));
        }
        assert_eq!(map.keys(), 5000);
        for (key, offset) in expected {
            assert_eq!(map.get(key.as_bytes()), Some(offset));
        }
        assert_eq!(map.get(b"key-5000"), None);
    }

    #[test]
    fn a_full_map_takes_no_new_key_but_goes_on_with_those_it_has() {
        let bounds = MapBounds { bytes_max: 100 * SLOT_BYTES, load_factor: 0.9 };
        let mut map = OffsetMap::new(bounds, 1_000_000);
        let fitting = (0..1000).take_while(|i| map.put(&[*i as u8, (*i >> 8) as u8], Offset(*i))).count();
        assert_eq!(fitting, 90);
        assert!(map.put(&[3, 0], Offset(5000)));
        assert_eq!(map.get(&[3, 0]), Some(Offset(5000)));
        assert!(!map.put(b"new", Offset(5001)));
        assert_eq!(map.get(b"new"), None);
    }

    #[test]
    fn the_smallest_map_holds_one_key_and_no_bound_is_exceeded() {
        for (bytes_max, load_factor, keys) in
            [(0, 0.0, 0), (1, 0.9, 10), (48, 1.0, 10), (1 << 16, 1.0, 1 << 20), (1 << 16, 7.5, 3)]
        {
            let mut map = OffsetMap::new(MapBounds { bytes_max, load_factor }, keys);
            assert!(map.put(b"a", Offset(0)), "{bytes_max} {load_factor} {keys}");
            assert_eq!(map.get(b"a"), Some(Offset(0)));
            assert_eq!(map.get(b"b"), None, "a search in a full map ends");
            assert!(map.slots.len() * SLOT_BYTES <= bytes_max.max(SLOTS_MIN * SLOT_BYTES));
        }
    }
}
