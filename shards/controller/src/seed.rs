//! Chance, as an argument.

use types::Uuid;

/// Sixteen random bytes that the caller gives with a request; ids and the place where replicas begin come from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(pub [u8; 16]);

impl Seed {
    /// The `n`th id out of this seed.
    pub(crate) fn id(self, n: u64) -> Uuid {
        let mut bytes = [0; 16];
        let [low, high] = self.halves();
        bytes[..8].copy_from_slice(&spread(low ^ spread(n.wrapping_mul(2))).to_le_bytes());
        bytes[8..].copy_from_slice(&spread(high ^ spread(n.wrapping_mul(2).wrapping_add(1))).to_le_bytes());
        Uuid::from_random(bytes)
    }

    /// The `n`th number out of this seed.
    pub(crate) fn number(self, n: u64) -> u64 {
        let [low, high] = self.halves();
        spread(low.wrapping_add(high.rotate_left(17)) ^ spread(n))
    }

    fn halves(self) -> [u64; 2] {
        [0, 8].map(|at| {
            let mut half = [0; 8];
            half.copy_from_slice(&self.0[at..at + 8]);
            u64::from_le_bytes(half)
        })
    }
}

/// A step of SplitMix64: a bijection, so that different inputs give different outputs.
const fn spread(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ value >> 31
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn one_seed_gives_many_ids_and_each_seed_its_own() {
        let seeds =
            [Seed([0; 16]), Seed([1; 16]), Seed(*b"\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), Seed([0xff; 16])];
        let ids: BTreeSet<Uuid> = seeds.iter().flat_map(|seed| (0..1000).map(|n| seed.id(n))).collect();
        assert_eq!(ids.len(), 4000);
        assert!(ids.iter().all(|id| !id.is_zero() && !id.to_string().starts_with('-')));
        assert_eq!(seeds[1].id(7), seeds[1].id(7));
    }

    #[test]
    fn numbers_spread_over_a_few_places() {
        let mut hits = [0; 5];
        for n in 0..1000 {
            hits[(Seed([9; 16]).number(n) % 5) as usize] += 1;
        }
        assert!(hits.iter().all(|hits| (150..250).contains(hits)), "{hits:?}");
    }
}
