//! A histogram as its buckets tell it: how many took at most so long, for each of some bounds.
//!
//! # Invariants
//! - Bounds ascend and end with infinity; counts never descend.

/// See the module. Times are in seconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Buckets {
    /// Each bound with the count of all that lies below it.
    bounds: Vec<(f64, u64)>,
    sum: f64,
}

impl Buckets {
    /// Out of bounds in any order; `None` if they do not make a histogram.
    pub(super) fn new(mut bounds: Vec<(f64, u64)>, sum: f64) -> Option<Self> {
        bounds.sort_by(|(left, _), (right, _)| left.total_cmp(right));
        let ascend = bounds.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1);
        let ends = bounds.last().is_some_and(|(bound, _)| *bound == f64::INFINITY);
        (ascend && ends && sum.is_finite() && sum >= 0.0).then_some(Self { bounds, sum })
    }

    /// What has come since `earlier`; `None` if that is not an earlier state of the same histogram.
    pub(super) fn since(&self, earlier: &Self) -> Option<Self> {
        if self.bounds.len() != earlier.bounds.len() {
            return None;
        }
        let pairs = self.bounds.iter().zip(&earlier.bounds);
        let bounds: Option<Vec<(f64, u64)>> = pairs
            .map(|((bound, now), (same, then))| {
                Some((*bound, now.checked_sub(*then).filter(|_| bound == same)?))
            })
            .collect();
        // Sums are rounded when they are written.
        Self::new(bounds?, (self.sum - earlier.sum).max(0.0))
    }

    /// How many were counted.
    pub(super) fn count(&self) -> u64 {
        self.bounds.last().map_or(0, |(_, count)| *count)
    }

    /// The mean in microseconds; `None` without any.
    pub(super) fn mean_us(&self) -> Option<f64> {
        (self.count() > 0).then(|| self.sum / self.count() as f64 * 1e6)
    }

    /// So many percent took at most so long, in microseconds: a bound, so that the truth may be lower, never higher. `None`
    /// without any, or above the last bound.
    pub(super) fn percentile_at_most_us(&self, percent: f64) -> Option<f64> {
        let rank = (self.count() as f64 * percent / 100.0).ceil().max(1.0) as u64;
        let (bound, _) = self.bounds.iter().find(|(_, count)| *count >= rank)?;
        bound.is_finite().then_some(bound * 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(counts: [u64; 4], sum: f64) -> Option<Buckets> {
        Buckets::new([0.001, 0.002, 0.004, f64::INFINITY].into_iter().zip(counts).collect(), sum)
    }

    #[test]
    fn a_percentile_is_the_bound_that_so_many_keep_to() {
        let buckets = of([50, 98, 99, 100], 0.2).unwrap();
        let [median, p98, p99, above] =
            [50.0, 98.0, 99.0, 99.5].map(|percent| buckets.percentile_at_most_us(percent));
        assert_eq!((median, p98, p99, above), (Some(1000.0), Some(2000.0), Some(4000.0), None));
        assert_eq!(buckets.mean_us(), Some(2000.0));
        // One alone is every percentile.
        assert_eq!(of([0, 1, 1, 1], 0.0015).unwrap().percentile_at_most_us(1.0), Some(2000.0));
        let none = of([0; 4], 0.0).unwrap();
        assert_eq!((none.mean_us(), none.percentile_at_most_us(99.0)), (None, None));
    }

    #[test]
    fn a_difference_forgets_what_was_before() {
        let (before, after) = (of([90, 90, 90, 90], 0.01).unwrap(), of([90, 100, 100, 100], 0.03).unwrap());
        let since = after.since(&before).unwrap();
        assert_eq!((since.count(), since.percentile_at_most_us(1.0)), (10, Some(2000.0)));
        assert!((since.mean_us().unwrap() - 2000.0).abs() < 1e-6);
        // Counters that went back belong to a broker that has begun anew.
        assert_eq!(before.since(&after), None);
    }

    #[test]
    fn what_is_no_histogram_is_not_taken_for_one() {
        assert!(of([2, 1, 1, 1], 1.0).is_none() && of([1; 4], f64::NAN).is_none());
        assert!(Buckets::new(vec![(0.1, 1)], 1.0).is_none() && Buckets::new(Vec::new(), 0.0).is_none());
        let other = Buckets::new(vec![(0.003, 0), (f64::INFINITY, 0)], 0.0).unwrap();
        assert_eq!(of([1; 4], 1.0).unwrap().since(&other), None);
    }
}
