//! What a rate is searched for: `p99.9<10ms`.

use bench::words::{count, micros};
use bench::{BenchError, FoundRate, Goal, Trial};
use serde_json::{Value, json};

/// How near a found rate is to one that does not hold.
const TOLERANCE: f64 = 0.05;
const TRIALS_MAX: usize = 40;

/// Reads a goal; `=` may stand for `<`, which shells take for something else.
pub(super) fn goal(text: &str) -> Result<Goal, String> {
    let expected = || "expected a percentile and a limit, such as p99.9=10ms".to_owned();
    let (percentile, limit) = text.split_once(['<', '=']).ok_or_else(expected)?;
    let percentile: f64 =
        percentile.trim().strip_prefix('p').and_then(|number| number.parse().ok()).ok_or_else(expected)?;
    let limit = limit.trim();
    let digits = limit.trim_end_matches(|c: char| !c.is_ascii_digit());
    let factor = match limit.get(digits.len()..).unwrap_or_default() {
        "us" | "µs" => 1.0,
        "ms" => 1e3,
        "s" => 1e6,
        _ => return Err(expected()),
    };
    let limit_us = digits.parse::<f64>().map_err(|_| expected())? * factor;
    if !(0.0..=100.0).contains(&percentile) || !limit_us.is_finite() || limit_us <= 0.0 {
        return Err(expected());
    }
    Ok(Goal { percentile, limit_us, tolerance: TOLERANCE, trials_max: TRIALS_MAX })
}

/// A trial in a line.
pub(super) fn trial(trial: &Trial, goal: &Goal, holds: bool) -> String {
    let latency = trial.latency_us.map_or("-".to_owned(), micros);
    let is_late = trial.latency_us.is_none_or(|latency| latency > goal.limit_us);
    let verdict = match () {
        () if holds => "holds".to_owned(),
        () if is_late => "does not hold".to_owned(),
        () if !trial.complete => "does not hold: records were lost".to_owned(),
        () => format!("does not hold: only {} records/s were acknowledged in time", count(trial.reached)),
    };
    format!("{} records/s: p{} {latency}, {verdict}", count(trial.rate), goal.percentile)
}

/// A search in a line.
pub(super) fn conclusion(found: &FoundRate) -> String {
    let goal = found.search.goal();
    let limit = format!("p{} stays below {}", goal.percentile, micros(goal.limit_us));
    match found.search.found() {
        Some(rate) if found.cut_short.is_some() => {
            format!("{limit} up to {} records/s at least", count(rate))
        }
        Some(rate) => format!("{limit} up to {} records/s", count(rate)),
        None => {
            format!("at no rate that was tried p{} stays below {}", goal.percentile, micros(goal.limit_us))
        }
    }
}

/// What who reads of a search should know of its end.
pub(super) fn warning(found: &FoundRate) -> Option<String> {
    let runs = found.search.trials().len();
    found.cut_short.as_ref().map(|why| match why {
        BenchError::Stopped => {
            format!("somebody stopped the search after run {runs}: higher rates may hold, too")
        }
        other => format!("the search ended after run {runs}, so higher rates may hold, too: {other}"),
    })
}

/// A search as part of a result.
pub(super) fn to_json(found: &FoundRate) -> Value {
    let goal = found.search.goal();
    let trial = |trial: &Trial| {
        json!({
            "rate_per_s": trial.rate, "reached_per_s": trial.reached, "latency_us": trial.latency_us,
            "complete": trial.complete, "holds": trial.holds(goal),
        })
    };
    json!({
        "percentile": goal.percentile,
        "limit_us": goal.limit_us,
        "tolerance": goal.tolerance,
        "stopped": found.cut_short.is_some(),
        "found_rate_per_s": found.search.found(),
        "trials": found.search.trials().iter().map(trial).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use bench::RateSearch;

    use super::*;

    #[test]
    fn a_search_says_what_was_found_and_that_nothing_was() {
        let search = RateSearch::new(goal("p99=10ms").unwrap(), 1_000.0);
        let mut found = FoundRate { search, best: None, cut_short: None };
        assert_eq!(conclusion(&found), "at no rate that was tried p99 stays below 10.0 ms");
        assert_eq!(to_json(&found)["found_rate_per_s"], Value::Null);
        let trial = Trial {
            rate: 1_000.0,
            reached: 999.0,
            under_way: 0.0,
            latency_us: Some(5_000.0),
            complete: true,
        };
        found.search.tried(trial);
        assert_eq!(conclusion(&found), "p99 stays below 10.0 ms up to 1,000 records/s");
        let told = to_json(&found);
        assert_eq!((&told["found_rate_per_s"], &told["limit_us"]), (&json!(1_000.0), &json!(10_000.0)));
        assert_eq!(
            (&told["trials"][0]["reached_per_s"], &told["trials"][0]["holds"]),
            (&json!(999.0), &json!(true))
        );
        assert_eq!((warning(&found), &told["stopped"]), (None, &json!(false)));
    }

    #[test]
    fn a_search_that_was_cut_short_says_why_and_how_far_it_came() {
        let mut search = RateSearch::new(goal("p99=10ms").unwrap(), 1_000.0);
        search.tried(Trial {
            rate: 1_000.0,
            reached: 1_000.0,
            under_way: 0.0,
            latency_us: Some(5_000.0),
            complete: true,
        });
        for (why, words) in [
            (BenchError::Stopped, "somebody stopped the search after run 1: higher"),
            (
                BenchError::NoBroker("gone".to_owned()),
                "ended after run 1, so higher rates may hold, too: cannot connect",
            ),
        ] {
            let found = FoundRate { search: search.clone(), best: None, cut_short: Some(why) };
            assert_eq!(conclusion(&found), "p99 stays below 10.0 ms up to 1,000 records/s at least");
            assert_eq!(to_json(&found)["stopped"], true);
            assert!(warning(&found).is_some_and(|told| told.contains(words)), "{:?}", warning(&found));
        }
    }

    #[test]
    fn a_rate_that_does_not_hold_although_the_percentile_does_is_told_why() {
        let goal = goal("p99=10ms").unwrap();
        let told = |reached, latency_us, complete| {
            let one =
                Trial { rate: 1_000.0, reached, under_way: 0.0, latency_us: Some(latency_us), complete };
            trial(&one, &goal, one.holds(&goal))
        };
        assert!(told(1_000.0, 5_000.0, true).ends_with(", holds"));
        assert!(told(1_000.0, 50_000.0, true).ends_with(", does not hold"));
        assert!(told(900.0, 5_000.0, true).ends_with("only 900 records/s were acknowledged in time"));
        assert!(told(1_000.0, 5_000.0, false).ends_with("records were lost"));
    }

    #[test]
    fn a_goal_is_read_with_either_sign_and_every_unit() {
        for (text, percentile, limit_us) in
            [("p99.9<10ms", 99.9, 10_000.0), ("p50=250us", 50.0, 250.0), ("p99 = 0.5s", 99.0, 500_000.0)]
        {
            let read = goal(text).unwrap();
            assert_eq!((read.percentile, read.limit_us), (percentile, limit_us), "{text}");
        }
        for bad in ["", "p99", "99=5ms", "p101=5ms", "p99=5", "p99=ms", "p99=-1ms", "p99=0ms"] {
            assert!(goal(bad).is_err(), "{bad}");
        }
    }
}
