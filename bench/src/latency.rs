//! Latencies, counted in a histogram of three significant digits.

use std::time::Duration;

use hdrhistogram::Histogram;

/// Times up to here are told apart by at least this much, in nanoseconds: well below what a round trip takes.
const NANOS_MIN: u64 = 100;
/// Longer ones count as this long; no run lasts so long.
const NANOS_MAX: u64 = 3_600_000_000_000;
const DIGITS: u8 = 3;

/// The percentiles of a curve: finer towards the end, where the interesting ones are.
const CURVE: &[f64] = &[
    0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 55.0, 60.0, 65.0, 70.0, 75.0, 77.5, 80.0, 82.5, 85.0, 87.5, 90.0,
    91.0, 92.0, 93.0, 94.0, 95.0, 96.0, 97.0, 98.0, 98.5, 99.0, 99.2, 99.4, 99.6, 99.7, 99.8, 99.85, 99.9,
    99.92, 99.94, 99.96, 99.97, 99.98, 99.985, 99.99, 99.995, 99.999, 99.9999, 100.0,
];

/// A histogram of latencies.
#[derive(Clone, Debug)]
pub struct Latencies {
    histogram: Histogram<u64>,
    /// Above [`NANOS_MAX`].
    clipped: u64,
}

impl Default for Latencies {
    /// Without any.
    fn default() -> Self {
        let histogram = Histogram::new_with_bounds(NANOS_MIN, NANOS_MAX, DIGITS);
        // A matter of the constants alone, which the tests hold.
        Self { histogram: histogram.expect("the bounds are valid"), clipped: 0 }
    }
}

impl Latencies {
    /// Counts `count` records that took so long.
    pub fn record(&mut self, latency: Duration, count: u64) {
        let nanos = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        if nanos > NANOS_MAX {
            self.clipped += count;
        }
        self.histogram.saturating_record_n(nanos, count);
    }

    /// Adds what `other` has counted.
    pub fn add(&mut self, other: &Self) {
        // Both have the same bounds, which is the only thing that could go wrong.
        let _ = self.histogram.add(&other.histogram);
        self.clipped += other.clipped;
    }

    /// How many were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// How many took longer than the histogram can tell; 0 in any run that is not broken.
    #[must_use]
    pub fn clipped(&self) -> u64 {
        self.clipped
    }

    /// So many percent took at most so long, in microseconds; `None` without any.
    #[must_use]
    pub fn percentile_us(&self, percent: f64) -> Option<f64> {
        (!self.histogram.is_empty()).then(|| micros(self.histogram.value_at_percentile(percent)))
    }

    /// The longest, in microseconds.
    #[must_use]
    pub fn max_us(&self) -> Option<f64> {
        (!self.histogram.is_empty()).then(|| micros(self.histogram.max()))
    }

    /// The shortest, in microseconds.
    #[must_use]
    pub fn min_us(&self) -> Option<f64> {
        (!self.histogram.is_empty()).then(|| micros(self.histogram.min()))
    }

    /// The mean, in microseconds.
    #[must_use]
    pub fn mean_us(&self) -> Option<f64> {
        (!self.histogram.is_empty()).then(|| self.histogram.mean() / 1e3)
    }

    /// Pairs of percent and microseconds, as far as there are records enough to tell: a percentile beyond which not one
    /// record lies says no more than the longest.
    #[must_use]
    pub fn curve_us(&self) -> Vec<(f64, f64)> {
        let told =
            |percent: &f64| *percent == 100.0 || (100.0 - percent) / 100.0 * self.count() as f64 >= 1.0;
        let point = |percent: &f64| Some((*percent, self.percentile_us(*percent)?));
        CURVE.iter().filter(|percent| told(percent)).filter_map(point).collect()
    }
}

fn micros(nanos: u64) -> f64 {
    nanos as f64 / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(micros: impl IntoIterator<Item = u64>) -> Latencies {
        let mut latencies = Latencies::default();
        micros.into_iter().for_each(|us| latencies.record(Duration::from_micros(us), 1));
        latencies
    }

    fn close(found: Option<f64>, expected: f64) {
        let found = found.unwrap();
        assert!((found - expected).abs() <= expected / 500.0, "{found} is not {expected}");
    }

    #[test]
    fn percentiles_are_right_to_three_digits_over_seven_orders_of_magnitude() {
        for scale in [1, 1_000, 1_000_000] {
            let latencies = of((1..=1_000).map(|us| us * scale));
            close(latencies.percentile_us(50.0), 500.0 * scale as f64);
            close(latencies.percentile_us(99.9), 999.0 * scale as f64);
            close(latencies.max_us(), 1_000.0 * scale as f64);
            close(latencies.mean_us(), 500.5 * scale as f64);
        }
    }

    #[test]
    fn merged_histograms_are_those_of_all_records() {
        let (mut odd, even) = (of((1..2_000).step_by(2)), of((2..2_000).step_by(2)));
        odd.add(&even);
        let all = of(1..2_000);
        assert_eq!((odd.count(), odd.curve_us()), (all.count(), all.curve_us()));
    }

    #[test]
    fn a_curve_ends_where_there_are_no_more_records_to_tell_of() {
        let percents: Vec<f64> = of(1..=100).curve_us().iter().map(|(percent, _)| *percent).collect();
        assert_eq!(percents.last_chunk(), Some(&[98.5, 99.0, 100.0]));
        assert!(of([]).curve_us().is_empty() && of([]).max_us().is_none());
    }

    #[test]
    fn what_is_too_long_is_counted_and_told() {
        let mut latencies = Latencies::default();
        latencies.record(Duration::from_secs(7_200), 3);
        assert_eq!((latencies.count(), latencies.clipped()), (3, 3));
        close(latencies.max_us(), 3_600e6);
    }
}
