//! Random numbers that are the same in every run with the same seed (SplitMix64): a benchmark wants repeatable noise, not
//! secrets.

/// A source of numbers.
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
}

/// What the state grows by; odd, so that all states come up (the golden ratio's fraction of 2^64).
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl Random {
    /// The source with this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// A source of its own for the `index`-th of several that begin with the same one.
    #[must_use]
    pub fn fork(&self, index: u64) -> Self {
        Self::new(mix(self.state ^ mix(index.wrapping_add(1))))
    }

    /// The next number.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(STEP);
        mix(self.state)
    }

    /// A number below `bound`, or 0 if that is 0; as evenly as 64 bits allow.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// A number above 0 and at most 1.
    pub fn unit(&mut self) -> f64 {
        // 53 bits are what a float can tell apart here.
        ((self.next_u64() >> 11) + 1) as f64 / (1u64 << 53) as f64
    }
}

/// Spreads the bits of a number over all of its bits; two numbers never become the same.
#[must_use]
pub fn mix(number: u64) -> u64 {
    let number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ number >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers_and_a_fork_gives_others() {
        let numbers = |mut random: Random| -> Vec<u64> { (0..4).map(|_| random.next_u64()).collect() };
        assert_eq!(numbers(Random::new(7)), numbers(Random::new(7)));
        assert_ne!(numbers(Random::new(7).fork(0)), numbers(Random::new(7).fork(1)));
    }

    #[test]
    fn numbers_keep_below_their_bound_and_reach_all_below_it() {
        let mut random = Random::new(1);
        let mut seen = [0; 5];
        for _ in 0..5_000 {
            seen[random.below(5) as usize] += 1;
            let unit = random.unit();
            assert!(unit > 0.0 && unit <= 1.0);
        }
        assert!(seen.iter().all(|count| (800..1200).contains(count)), "{seen:?}");
        assert_eq!(random.below(0), 0);
    }
}
