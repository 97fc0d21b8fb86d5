//! Runs of one plan at different rates, until the highest is found at which a percentile stays below its limit.

use std::sync::atomic::AtomicBool;

use crate::cluster::Access;
use crate::error::BenchError;
use crate::outcome::Outcome;
use crate::plan::{Load, Mode, Plan};
use crate::run::run;
use crate::schedule::Arrivals;
use crate::search::{Goal, RateSearch, Trial};
use crate::watch::Watch;

/// A search begins at this share of what a closed loop reaches.
const FIRST_SHARE: f64 = 0.5;

/// What a search has found.
#[derive(Debug)]
pub struct FoundRate {
    /// All that was tried.
    pub search: RateSearch,
    /// The run at the highest rate that has held, if one has.
    pub best: Option<Outcome>,
    /// Why it was over before its end, if it was: somebody stopped it, or a run went wrong.
    pub cut_short: Option<BenchError>,
}

/// Searches the highest rate of `plan`. It begins at the plan's own rate, or, for a closed loop, at half of what that
/// reaches in a run of its own. `told` hears of every trial when it is over. A search that is cut short tells the best run it
/// has; it is an error if it has none.
pub fn find_rate(
    plan: &Plan,
    access: &Access,
    goal: Goal,
    watch: &mut dyn Watch,
    told: &mut dyn FnMut(&Trial, bool),
    stop: &AtomicBool,
) -> Result<FoundRate, BenchError> {
    if !plan.mode.produces() || plan.produce.records.is_some() {
        return Err(BenchError::Plan(
            "a rate can be searched for producers that run for some time".to_owned(),
        ));
    }
    let (first, arrivals) = match plan.produce.load {
        Load::Open { records_per_second, arrivals } => (records_per_second, arrivals),
        Load::Closed => {
            let most = run(plan, access, watch, stop)?.whole()?;
            ((most.produced_per_s() * FIRST_SHARE).max(1.0), Arrivals::default())
        }
    };
    let mut search = RateSearch::new(goal, first);
    let mut best: Option<(f64, Outcome)> = None;
    let mut cut_short = None;
    while let Some(rate) = search.next() {
        let mut trial = plan.clone();
        trial.produce.load = Load::Open { records_per_second: rate, arrivals };
        let outcome = match run(&trial, access, watch, stop).and_then(Outcome::whole) {
            Ok(outcome) => outcome,
            Err(error) => {
                cut_short = Some(error);
                break;
            }
        };
        let shown = trial_of(&outcome, rate, &goal);
        let holds = shown.holds(&goal);
        told(&shown, holds);
        search.tried(shown);
        if holds && best.as_ref().is_none_or(|(best, _)| *best <= rate) {
            best = Some((rate, outcome));
        }
    }
    match (best, cut_short) {
        (None, Some(error)) => Err(error),
        (best, cut_short) => Ok(FoundRate { search, best: best.map(|(_, outcome)| outcome), cut_short }),
    }
}

/// What a run says about its rate: of the latency until a consumer has a record where there are consumers, else until it is
/// acknowledged.
fn trial_of(outcome: &Outcome, rate: f64, goal: &Goal) -> Trial {
    let follows = matches!(outcome.plan.mode, Mode::EndToEnd | Mode::Mixed);
    let latencies = if follows { &outcome.total.end_to_end } else { &outcome.total.produce };
    Trial {
        rate,
        reached: outcome.produced_per_s(),
        under_way: outcome.under_way_per_s(rate),
        latency_us: latencies.percentile_us(goal.percentile),
        complete: outcome.total.unacknowledged == 0 && outcome.missing == 0,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::outcome::tests::outcome;

    const GOAL: Goal = Goal { percentile: 50.0, limit_us: 1e6, tolerance: 0.05, trials_max: 1 };

    /// A run of four seconds that reached 100 records a second: 1 ms until acknowledged, 5 until a consumer had them.
    fn run_of(mode: Mode) -> Outcome {
        let mut found = outcome(mode);
        found.produced.records = 400;
        found.total.produce.record(Duration::from_millis(1), 400);
        found.total.end_to_end.record(Duration::from_millis(5), 400);
        found
    }

    #[test]
    fn where_there_are_consumers_the_limit_is_for_when_they_have_a_record() {
        for (mode, expected_us) in
            [(Mode::Produce, 1_000.0), (Mode::EndToEnd, 5_000.0), (Mode::Mixed, 5_000.0)]
        {
            let trial = trial_of(&run_of(mode), 120.0, &GOAL);
            let latency_us = trial.latency_us.unwrap();
            assert!((latency_us / expected_us - 1.0).abs() < 0.001, "{mode:?}: {latency_us}");
            assert_eq!((trial.rate, trial.reached, trial.complete), (120.0, 100.0, true));
        }
    }

    #[test]
    fn records_that_are_under_way_at_the_end_are_no_shortfall_and_those_that_pile_up_are() {
        // Of a thousand a second those of the last tenth of a second have no answer when it ends: 97.5 % in four seconds.
        let mut steady = outcome(Mode::Produce);
        steady.produced.records = 3_900;
        steady.total.produce.record(Duration::from_millis(100), 4_000);
        assert!(trial_of(&steady, 1_000.0, &GOAL).holds(&GOAL));
        // Of these three in a hundred are not taken, so that the last one waits for three hundredths of four seconds.
        let mut late = outcome(Mode::Produce);
        late.produced.records = 3_880;
        (0..4_000).for_each(|record| late.total.produce.record(Duration::from_micros(record * 30), 1));
        assert!(!trial_of(&late, 1_000.0, &GOAL).holds(&GOAL));
    }

    #[test]
    fn a_trial_that_lost_a_record_on_its_way_is_not_complete() {
        let (mut unanswered, mut unread) = (run_of(Mode::EndToEnd), run_of(Mode::EndToEnd));
        unanswered.total.unacknowledged = 1;
        unread.missing = 1;
        for lossy in [unanswered, unread] {
            assert!(!trial_of(&lossy, 120.0, &GOAL).complete);
        }
    }
}
