//! A hash map whose copies share what they have in common.
//!
//! The image of a cluster with 100,000 topics changes by one topic at a time, and readers keep the images they have. So
//! the map is an array of shared buckets: a change copies the array and one bucket, which cost least together when both
//! are about as long as the square root of the entries' number. Entries are found by the high bits of a fixed hash, and
//! a bucket is kept in the order of hash and key. So a lookup is one step into the array and a binary search, the order
//! of all entries is the same whatever the history, and many keys with one hash, which a client could make up, still
//! cost only a search.
//!
//! # Hot path
//! `get` allocates nothing.

use std::borrow::Borrow;
use std::sync::Arc;

use types::{TopicName, Uuid};

use crate::configs::ConfigResource;

/// A bucket holds at least this many entries on average before the array doubles.
const BUCKET_ENTRIES: usize = 8;

/// A key with a hash that is the same on every machine and in every release.
pub(crate) trait Hashed: Ord {
    fn hashed(&self) -> u64;
}

impl Hashed for Uuid {
    fn hashed(&self) -> u64 {
        let [low, high] = [0, 8].map(|at| {
            let mut half = [0; 8];
            half.copy_from_slice(&self.0[at..at + 8]);
            u64::from_le_bytes(half)
        });
        mix(low ^ high.rotate_left(32))
    }
}

impl Hashed for str {
    fn hashed(&self) -> u64 {
        // FNV-1a over words of eight bytes, the last one filled up with the length.
        let mut hash = 0xcbf2_9ce4_8422_2325 ^ self.len() as u64;
        for word in self.as_bytes().chunks(8) {
            let mut bytes = [0; 8];
            bytes[..word.len()].copy_from_slice(word);
            hash = (hash ^ u64::from_le_bytes(bytes)).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(29);
        }
        mix(hash)
    }
}

impl Hashed for TopicName {
    fn hashed(&self) -> u64 {
        self.as_str().hashed()
    }
}

impl Hashed for ConfigResource {
    fn hashed(&self) -> u64 {
        mix(self.name.hashed() ^ u64::from(self.kind.code().unsigned_abs()))
    }
}

/// Spreads every bit of `value` over all bits (the finalizer of MurmurHash3).
pub(crate) const fn mix(mut value: u64) -> u64 {
    value = (value ^ value >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    value = (value ^ value >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    value ^ value >> 33
}

#[derive(Debug)]
struct Entry<K, V> {
    hash: u64,
    key: K,
    value: Arc<V>,
}

impl<K: Clone, V> Clone for Entry<K, V> {
    fn clone(&self) -> Self {
        Self { hash: self.hash, key: self.key.clone(), value: Arc::clone(&self.value) }
    }
}

type Bucket<K, V> = Arc<Vec<Entry<K, V>>>;

/// The map. `clone` costs a reference per bucket; see [`SharedMap::insert`] for the rest.
#[derive(Debug)]
pub(crate) struct SharedMap<K, V> {
    /// A power of two of buckets.
    buckets: Vec<Bucket<K, V>>,
    len: usize,
}

impl<K, V> Clone for SharedMap<K, V> {
    fn clone(&self) -> Self {
        Self { buckets: self.buckets.clone(), len: self.len }
    }
}

impl<K, V> Default for SharedMap<K, V> {
    fn default() -> Self {
        Self { buckets: vec![Arc::new(Vec::new())], len: 0 }
    }
}

impl<K: Hashed + Clone, V> SharedMap<K, V> {
    fn bucket_of(&self, hash: u64) -> usize {
        // With one bucket the shift would be by all 64 bits.
        let bits = self.buckets.len().trailing_zeros();
        hash.checked_shr(u64::BITS - bits).unwrap_or(0) as usize
    }

    pub(crate) fn get<Q: Hashed + ?Sized>(&self, key: &Q) -> Option<&Arc<V>>
    where
        K: Borrow<Q>,
    {
        let hash = key.hashed();
        let bucket = self.buckets.get(self.bucket_of(hash))?;
        let place = bucket.binary_search_by(|entry| order(entry, hash, key)).ok()?;
        bucket.get(place).map(|entry| &entry.value)
    }

    /// Sets the value of `key`; copies its bucket if an older map shares it.
    pub(crate) fn insert(&mut self, key: K, value: Arc<V>) {
        let hash = key.hashed();
        let at = self.bucket_of(hash);
        let bucket = Arc::make_mut(&mut self.buckets[at]);
        match bucket.binary_search_by(|entry| order(entry, hash, &key)) {
            Ok(place) => bucket[place].value = value,
            Err(place) => {
                bucket.insert(place, Entry { hash, key, value });
                self.len += 1;
                // A bucket's entry costs about twice what the array's does to copy: a key and a value.
                if self.len > self.buckets.len() * BUCKET_ENTRIES.max(self.buckets.len() / 2) {
                    self.grow();
                }
            }
        }
    }

    pub(crate) fn remove<Q: Hashed + ?Sized>(&mut self, key: &Q) -> Option<Arc<V>>
    where
        K: Borrow<Q>,
    {
        let hash = key.hashed();
        let at = self.bucket_of(hash);
        let place = self.buckets[at].binary_search_by(|entry| order(entry, hash, key)).ok()?;
        self.len -= 1;
        Some(Arc::make_mut(&mut self.buckets[at]).remove(place).value)
    }

    fn grow(&mut self) {
        let mut grown = Self { buckets: Vec::new(), len: self.len };
        grown.buckets.resize_with(self.buckets.len() * 2, Default::default);
        for entry in self.buckets.iter().flat_map(|bucket| bucket.iter()) {
            let at = grown.bucket_of(entry.hash);
            // The entries come in order, so each bucket stays in order.
            Arc::make_mut(&mut grown.buckets[at]).push(entry.clone());
        }
        *self = grown;
    }
}

impl<K, V> SharedMap<K, V> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The keys and values, in the order of the keys' hashes.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&K, &Arc<V>)> {
        self.buckets.iter().flat_map(|bucket| bucket.iter().map(|entry| (&entry.key, &entry.value)))
    }

    /// The values, in the order of their keys' hashes.
    pub(crate) fn values(&self) -> impl Iterator<Item = &Arc<V>> {
        self.entries().map(|(_, value)| value)
    }
}

impl<K: PartialEq, V: PartialEq> PartialEq for SharedMap<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.entries().eq(other.entries())
    }
}

fn order<K: Borrow<Q>, V, Q: Hashed + ?Sized>(entry: &Entry<K, V>, hash: u64, key: &Q) -> std::cmp::Ordering {
    entry.hash.cmp(&hash).then_with(|| entry.key.borrow().cmp(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(n: usize) -> TopicName {
        TopicName::new(&format!("topic-{n}")).expect("a valid name")
    }

    #[test]
    fn what_was_put_in_is_found_and_older_copies_do_not_change() {
        let mut map = SharedMap::default();
        let mut copies = Vec::new();
        for n in 0..1000 {
            map.insert(name(n), Arc::new(n));
            copies.push(map.clone());
        }
        assert_eq!(map.len(), 1000);
        for (n, copy) in copies.iter().enumerate() {
            assert_eq!(map.get(name(n).as_str()).map(|v| **v), Some(n));
            assert_eq!(copy.len(), n + 1);
            assert_eq!(copy.get(name(n + 1).as_str()), None);
        }
        for n in (0..1000).step_by(2) {
            assert_eq!(map.remove(name(n).as_str()).map(|v| *v), Some(n));
        }
        assert_eq!(map.len(), 500);
        assert_eq!(map.values().count(), 500);
        assert_eq!(map.get(name(2).as_str()), None);
        assert_eq!(copies[999].values().count(), 1000);
    }

    #[test]
    fn maps_are_equal_whatever_their_history() {
        let (mut long, mut short) = (SharedMap::default(), SharedMap::default());
        for n in 0..500 {
            long.insert(name(n), Arc::new(n));
        }
        for n in 3..500 {
            long.remove(name(n).as_str());
        }
        for n in [2, 0, 1] {
            short.insert(name(n), Arc::new(n));
        }
        assert!(long == short);
        assert_eq!(long.values().collect::<Vec<_>>(), short.values().collect::<Vec<_>>());
    }

    #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
    struct SameHash(u32);

    impl Hashed for SameHash {
        fn hashed(&self) -> u64 {
            7
        }
    }

    #[test]
    fn keys_with_one_hash_are_told_apart() {
        let mut map = SharedMap::default();
        for n in (0..100).rev() {
            map.insert(SameHash(n), Arc::new(n));
        }
        for n in 0..100 {
            assert_eq!(map.get(&SameHash(n)).map(|v| **v), Some(n));
        }
    }
}
