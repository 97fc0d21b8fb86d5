//! How often something took how long: a histogram with fixed bounds, in plain memory of the core that owns it.
//! Durations in, counts out; no clock, no allocation, nothing shared.
//!
//! # Hot path
//! Noting a duration costs a bit scan, two additions and no branch that is hard to foresee.

use std::time::Duration;

/// The smallest bound is `2^10` ns, about a microsecond: nothing on a request's way is worth telling apart below.
const FIRST_BOUND_BITS: u32 = 10;
/// The largest bound is `2^36` ns, about 69 s. What takes longer counts as beyond all bounds.
const LAST_BOUND_BITS: u32 = 36;

/// How many bounds there are: two for each power of two, at it and half-way to the next one.
pub const HISTOGRAM_BOUNDS: usize = 1 + 2 * (LAST_BOUND_BITS - FIRST_BOUND_BITS) as usize;

/// Durations by size, and their sum. Each bound is at most half as large again as the one before, so a percentile that
/// is read from the counts is at most that much too high.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram {
    /// Counts of durations up to each bound and above the one before; the last one is of those above all bounds.
    counts: [u64; HISTOGRAM_BOUNDS + 1],
    sum_ns: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: [0; HISTOGRAM_BOUNDS + 1], sum_ns: 0 }
    }
}

impl Histogram {
    /// The bounds in nanoseconds, each of which belongs to the durations below it.
    pub fn bounds_ns() -> impl Iterator<Item = u64> {
        let steps = (FIRST_BOUND_BITS..LAST_BOUND_BITS).flat_map(|bits| [3 << (bits - 1), 2 << bits]);
        std::iter::once(1 << FIRST_BOUND_BITS).chain(steps)
    }

    /// Notes one duration.
    #[inline]
    pub fn note(&mut self, duration: Duration) {
        self.note_ns(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Notes one duration in nanoseconds.
    #[inline]
    pub fn note_ns(&mut self, ns: u64) {
        if let Some(count) = self.counts.get_mut(place_of(ns)) {
            *count += 1;
        }
        self.sum_ns = self.sum_ns.wrapping_add(ns);
    }

    /// Notes that something took no time so many times.
    pub fn note_nothing(&mut self, times: u64) {
        if let Some(count) = self.counts.first_mut() {
            *count += times;
        }
    }

    /// Adds all that another one has noted.
    pub fn add(&mut self, other: &Self) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(count, more)| *count += more);
        self.sum_ns = self.sum_ns.wrapping_add(other.sum_ns);
    }

    /// How many durations were noted up to each bound and above the one before it; the last count is of those above all.
    #[must_use]
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// How many durations were noted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Their sum in nanoseconds.
    #[must_use]
    pub fn sum_ns(&self) -> u64 {
        self.sum_ns
    }
}

/// The index of the first bound that is not below `ns`.
#[inline]
fn place_of(ns: u64) -> usize {
    // From here on a bound is where a new place begins.
    let below = ns.saturating_sub(1);
    if below >> FIRST_BOUND_BITS == 0 {
        return 0;
    }
    let bits = below.ilog2();
    let upper_half = (below >> (bits - 1)) & 1;
    let place = 1 + 2 * (bits - FIRST_BOUND_BITS) as usize + upper_half as usize;
    place.min(HISTOGRAM_BOUNDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_duration_counts_below_the_first_bound_that_is_not_below_it() {
        let bounds: Vec<u64> = Histogram::bounds_ns().collect();
        assert_eq!(bounds.len(), HISTOGRAM_BOUNDS);
        assert!(bounds.windows(2).all(|pair| pair[0] < pair[1] && pair[1] <= pair[0] * 3 / 2));
        let near = bounds.iter().flat_map(|bound| [bound - 1, *bound, bound + 1]);
        for ns in near.chain([0, 1, 2, u64::MAX]) {
            let expected = bounds.iter().position(|bound| ns <= *bound).unwrap_or(HISTOGRAM_BOUNDS);
            assert_eq!(place_of(ns), expected, "{ns} ns");
        }
    }

    #[test]
    fn sums_and_counts_of_two_add_up() {
        let (mut one, mut other) = (Histogram::default(), Histogram::default());
        one.note(Duration::from_micros(3));
        other.note(Duration::from_secs(100));
        other.note_ns(0);
        one.add(&other);
        assert_eq!((one.count(), one.sum_ns()), (3, 100_000_003_000));
        assert_eq!((one.counts()[0], one.counts()[HISTOGRAM_BOUNDS]), (1, 1));
    }
}
