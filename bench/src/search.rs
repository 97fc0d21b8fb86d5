//! The search for the highest rate at which a percentile stays below a limit: results of trials in, rates out.
//!
//! From a first rate it doubles (or halves) until one rate holds and another does not, and then halves the space between
//! them. Noise must not decide: a rate that does not hold is tried a second time before it counts.
//!
//! # Invariants
//! - The rate that is found has held in a trial, and one at most `tolerance` above it has failed twice, unless the search
//!   ended for want of trials.

/// What is searched for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Goal {
    /// The percentile that has to stay below the limit, such as 99.9.
    pub percentile: f64,
    /// The limit, in microseconds.
    pub limit_us: f64,
    /// How near the found rate is to one that does not hold, as a share of it.
    pub tolerance: f64,
    /// How many trials there are at most.
    pub trials_max: usize,
}

/// What a trial has shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trial {
    /// The rate that was asked for.
    pub rate: f64,
    /// The rate that was reached.
    pub reached: f64,
    /// What was under way at its end as a part of that rate, if it was as much as on average. Answers come late by their
    /// latency, and in a short trial that is no small part of it.
    pub under_way: f64,
    /// The percentile's latency in microseconds; `None` if nothing was measured.
    pub latency_us: Option<f64>,
    /// Whether every record was acknowledged.
    pub complete: bool,
}

/// A run that reaches less of its rate is one in which records pile up.
pub(crate) const REACHED_SHARE_MIN: f64 = 0.99;

impl Trial {
    /// Whether the rate holds.
    #[must_use]
    pub fn holds(&self, goal: &Goal) -> bool {
        self.complete
            && self.reached + self.under_way >= self.rate * REACHED_SHARE_MIN
            && self.latency_us.is_some_and(|latency| latency <= goal.limit_us)
    }
}

/// See the module.
#[derive(Clone, Debug)]
pub struct RateSearch {
    goal: Goal,
    next: f64,
    /// The highest rate that has held, and the lowest that has failed twice.
    held: Option<f64>,
    failed: Option<f64>,
    /// Whether the next rate has failed once.
    doubted: bool,
    trials: Vec<Trial>,
}

impl RateSearch {
    /// A search that begins with this rate.
    ///
    /// # Panics
    /// For a rate that is no positive number.
    #[must_use]
    pub fn new(goal: Goal, first: f64) -> Self {
        assert!(first.is_finite() && first > 0.0);
        Self { goal, next: first, held: None, failed: None, doubted: false, trials: Vec::new() }
    }

    /// The rate to try next; `None` when the search is over.
    #[must_use]
    pub fn next(&self) -> Option<f64> {
        let found = match (self.held, self.failed) {
            (Some(held), Some(failed)) => failed <= held * (1.0 + self.goal.tolerance),
            // Not even a record a second.
            (None, Some(failed)) => failed < 1.0,
            _ => false,
        };
        (!found && self.trials.len() < self.goal.trials_max).then_some(self.next)
    }

    /// Takes in what a trial of the rate that [`next`](Self::next) gave has shown.
    pub fn tried(&mut self, trial: Trial) {
        self.trials.push(trial);
        if trial.holds(&self.goal) {
            self.held = Some(self.held.map_or(trial.rate, |held| held.max(trial.rate)));
            self.doubted = false;
        } else if !self.doubted {
            self.doubted = true;
            return;
        } else {
            self.failed = Some(self.failed.map_or(trial.rate, |failed| failed.min(trial.rate)));
            self.doubted = false;
        }
        self.next = match (self.held, self.failed) {
            (Some(held), Some(failed)) => (held + failed) / 2.0,
            (Some(held), None) => held * 2.0,
            (None, Some(failed)) => failed / 2.0,
            (None, None) => self.next,
        };
    }

    /// The highest rate that has held.
    #[must_use]
    pub fn found(&self) -> Option<f64> {
        self.held
    }

    /// All trials, in their order.
    #[must_use]
    pub fn trials(&self) -> &[Trial] {
        &self.trials
    }

    /// What is searched for.
    #[must_use]
    pub fn goal(&self) -> &Goal {
        &self.goal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOAL: Goal = Goal { percentile: 99.9, limit_us: 1_000.0, tolerance: 0.05, trials_max: 60 };

    fn trial(rate: f64, latency_us: f64) -> Trial {
        Trial { rate, reached: rate, under_way: 0.0, latency_us: Some(latency_us), complete: true }
    }

    /// Searches a broker that holds the limit up to `capacity`, and which fails by accident where `accident` says so.
    fn search(first: f64, capacity: f64, accident: impl Fn(usize) -> bool) -> RateSearch {
        let mut search = RateSearch::new(GOAL, first);
        while let Some(rate) = search.next() {
            let fails = rate > capacity || accident(search.trials().len());
            search.tried(trial(rate, if fails { 5_000.0 } else { 500.0 }));
        }
        search
    }

    #[test]
    fn the_capacity_is_found_from_below_and_from_above() {
        for first in [1.0, 900.0, 50_000.0, 1e7] {
            let found = search(first, 37_000.0, |_| false).found().unwrap();
            assert!((37_000.0 / 1.05..=37_000.0).contains(&found), "{found} from {first}");
        }
    }

    #[test]
    fn one_bad_trial_does_not_decide() {
        // Every fifth trial fails whatever the rate is.
        let found = search(1_000.0, 37_000.0, |trial| trial % 5 == 3).found().unwrap();
        assert!((37_000.0 / 1.06..=37_000.0).contains(&found), "{found}");
    }

    #[test]
    fn a_limit_that_nothing_holds_ends_the_search_without_a_rate() {
        let search = search(1_000.0, 0.0, |_| false);
        assert_eq!(search.found(), None);
        assert!(search.trials().len() < GOAL.trials_max);
    }

    #[test]
    fn the_search_ends_with_its_trials() {
        let search = search(1.0, f64::INFINITY, |_| false);
        assert_eq!(search.trials().len(), GOAL.trials_max);
    }

    #[test]
    fn a_rate_that_is_not_reached_or_loses_records_does_not_hold() {
        assert!(trial(100.0, GOAL.limit_us).holds(&GOAL));
        assert!(!trial(100.0, 1_001.0).holds(&GOAL));
        assert!(!Trial { reached: 98.0, ..trial(100.0, 1.0) }.holds(&GOAL));
        assert!(Trial { reached: 98.0, under_way: 1.0, ..trial(100.0, 1.0) }.holds(&GOAL));
        assert!(!Trial { complete: false, ..trial(100.0, 1.0) }.holds(&GOAL));
        assert!(!Trial { latency_us: None, ..trial(100.0, 1.0) }.holds(&GOAL));
    }
}
