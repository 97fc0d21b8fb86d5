//! When records are due in an open loop: at times that are set beforehand and do not move, whatever the broker does.
//!
//! # Invariants
//! - A time that was given out does not depend on when it was asked for: a client that comes late gets all the times it
//!   has missed, so that what a stalled broker delays is measured as delay (no coordinated omission).

use crate::moment::Moment;
use crate::random::Random;

/// How records follow each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Arrivals {
    /// At even intervals.
    #[default]
    Even,
    /// At random, independent of each other, as those of many independent clients (exponentially distributed intervals).
    Poisson,
}

impl Arrivals {
    /// As on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Even => "even",
            Self::Poisson => "poisson",
        }
    }
}

/// The times at which one producer's records are due.
#[derive(Clone, Debug)]
pub struct Schedule {
    arrivals: Arrivals,
    /// In nanoseconds.
    interval: f64,
    start: f64,
    /// Records so far.
    count: u64,
    next: f64,
    random: Random,
}

impl Schedule {
    /// The share of producer `index` of `producers` in a rate of so many records a second, from `start` on. Even shares
    /// interleave evenly.
    ///
    /// # Panics
    /// For a rate that is no positive number, or an index that is not below their number.
    #[must_use]
    pub fn share(
        records_per_second: f64,
        arrivals: Arrivals,
        start: Moment,
        (index, producers): (usize, usize),
        seed: u64,
    ) -> Self {
        assert!(records_per_second.is_finite() && records_per_second > 0.0 && index < producers);
        let interval = 1e9 * producers as f64 / records_per_second;
        let first = start.0 as f64 + interval * index as f64 / producers as f64;
        let random = Random::new(seed).fork(index as u64);
        let mut schedule = Self { arrivals, interval, start: first, count: 0, next: first, random };
        if arrivals == Arrivals::Poisson {
            schedule.next = start.0 as f64 + schedule.gap();
        }
        schedule
    }

    /// When the next record is due.
    #[must_use]
    pub fn due(&self) -> Moment {
        Moment(self.next as u64)
    }

    /// Takes the next record's time.
    pub fn take(&mut self) -> Moment {
        let due = self.due();
        self.count += 1;
        self.next = match self.arrivals {
            // From the start each time, so that no rounding adds up.
            Arrivals::Even => self.start + self.interval * self.count as f64,
            Arrivals::Poisson => self.next + self.gap(),
        };
        due
    }

    /// Takes the times of all records that are due before `until`, `most` of them at most; returns how many they were.
    pub fn take_until(&mut self, until: Moment, most: u64) -> u64 {
        let mut taken = 0;
        if self.arrivals == Arrivals::Even {
            // All but the last few at once: at the end it is the times themselves that decide.
            let rough = (until.0 as f64 - self.next) / self.interval - 2.0;
            taken = (rough.max(0.0) as u64).min(most);
            self.count += taken;
            self.next = self.start + self.interval * self.count as f64;
        }
        while taken < most && self.due() < until {
            self.take();
            taken += 1;
        }
        taken
    }

    /// The same schedule, so much later.
    #[must_use]
    pub fn shifted(mut self, by: Moment) -> Self {
        self.start += by.0 as f64;
        self.next += by.0 as f64;
        self
    }

    fn gap(&mut self) -> f64 {
        -self.random.unit().ln() * self.interval
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(rate: f64, arrivals: Arrivals, share: (usize, usize), count: usize) -> Vec<u64> {
        let mut schedule = Schedule::share(rate, arrivals, Moment(1_000), share, 9);
        (0..count).map(|_| schedule.take().0).collect()
    }

    #[test]
    fn even_shares_interleave_and_make_up_the_whole_rate() {
        let mut both = times(1e6, Arrivals::Even, (0, 2), 3);
        both.extend(times(1e6, Arrivals::Even, (1, 2), 3));
        both.sort_unstable();
        assert_eq!(both, [1_000, 2_000, 3_000, 4_000, 5_000, 6_000]);
    }

    #[test]
    fn intervals_that_are_no_whole_nanoseconds_do_not_drift() {
        // Three records a second, for a day.
        let day = times(3.0, Arrivals::Even, (0, 1), 3 * 86_400 + 1);
        assert_eq!(day.last(), Some(&(1_000 + 86_400 * 1_000_000_000)));
    }

    #[test]
    fn random_arrivals_keep_the_rate_and_vary_as_much_as_they_should() {
        let times = times(1_000.0, Arrivals::Poisson, (0, 1), 100_000);
        let gaps: Vec<f64> = times.windows(2).map(|pair| (pair[1] - pair[0]) as f64 / 1e6).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        assert!((0.98..1.02).contains(&mean), "{mean}");
        // An exponential distribution has a deviation as large as its mean.
        assert!((0.95..1.05).contains(&(variance.sqrt() / mean)), "{variance}");
        assert_eq!(times, super::tests::times(1_000.0, Arrivals::Poisson, (0, 1), 100_000));
    }

    #[test]
    fn many_times_are_taken_at_once_as_they_would_be_one_by_one() {
        for arrivals in [Arrivals::Even, Arrivals::Poisson] {
            let schedule = Schedule::share(3e6, arrivals, Moment(17), (1, 2), 4);
            for until in [0, 18, 700, 1_000_017, 12_345_678] {
                let (mut one_by_one, mut at_once) = (schedule.clone(), schedule.clone());
                let mut count = 0;
                while one_by_one.due() < Moment(until) {
                    one_by_one.take();
                    count += 1;
                }
                assert_eq!(at_once.take_until(Moment(until), u64::MAX), count, "until {until}");
                assert_eq!((at_once.due(), at_once.count), (one_by_one.due(), one_by_one.count));
                assert_eq!(schedule.clone().take_until(Moment(until), 5), count.min(5));
            }
        }
    }

    #[test]
    fn who_comes_late_gets_every_time_that_was_missed() {
        let mut schedule = Schedule::share(1e6, Arrivals::Even, Moment::ORIGIN, (0, 1), 0);
        schedule.take();
        let now = Moment(1_000_000);
        let mut missed = 0;
        while schedule.due() <= now {
            schedule.take();
            missed += 1;
        }
        assert_eq!(missed, 1_000);
    }
}
