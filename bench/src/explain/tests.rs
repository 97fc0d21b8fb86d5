//! What explanations say of looks that are made up.

use std::fmt::Write;
use std::time::Duration;

use super::*;
use crate::plan::Mode;

/// A page of a broker whose Produce requests spent so many milliseconds each in these stages.
pub(super) fn text(count: u64, stages: &[(&str, f64)]) -> String {
    let mut text = "strome_info{version=\"1\"} 1\nprocess_start_time_seconds 100.5\n".to_owned();
    let mut add = |family: &str, labels: &str, ms: f64| {
        for bound in ["0.001", "0.002", "0.004", "+Inf"] {
            let reached = if bound.parse::<f64>().unwrap() * 1e3 >= ms { count } else { 0 };
            writeln!(text, "{family}_bucket{{{labels},le=\"{bound}\"}} {reached}").unwrap();
        }
        writeln!(text, "{family}_sum{{{labels}}} {}", ms * count as f64 / 1e3).unwrap();
        writeln!(text, "{family}_count{{{labels}}} {count}").unwrap();
    };
    for (stage, ms) in stages {
        add("strome_request_stage_seconds", &format!("api=\"Produce\",stage=\"{stage}\""), *ms);
    }
    add("strome_request_seconds", "api=\"Produce\"", stages.iter().map(|(_, ms)| ms).sum());
    add("strome_commit_seconds", "way=\"journal\"", 1.0);
    for (stage, ms) in stages {
        let seconds = ms * count as f64 / 1e3;
        writeln!(text, "strome_shard_stage_seconds_total{{shard=\"0\",stage=\"{stage}\"}} {seconds}")
            .unwrap();
    }
    text
}

/// A run of 200 requests, 100 of a broker's 300 being older.
fn looks(stages: &[(&str, f64)]) -> Looks {
    let [before, after] = [100, 300].map(|count| Page::read(&text(count, stages)).unwrap());
    Looks {
        admin: Address { host: "localhost".to_owned(), port: 9644 },
        between: after.since(&before).unwrap(),
    }
}

fn tally(requests: u64, latency_ms: u64) -> Tally {
    let mut tally = Tally { produce_requests: requests, ..Tally::default() };
    tally.produce.record(Duration::from_millis(latency_ms), 1);
    tally
}

const STAGES_MS: &[(&str, f64)] = &[("new", 0.0), ("work", 0.5), ("commit", 1.5), ("socket", 0.0)];

#[test]
fn the_stages_of_a_request_are_told_in_their_order_with_their_shares() {
    let plan = Plan::of(Mode::Produce);
    let told = explain(&looks(STAGES_MS), &plan, &tally(200, 3), 1).unwrap();
    let [produce] = &told.apis[..] else { panic!("{told:?}") };
    let stages: Vec<(&str, i64, i64)> = produce
        .stages
        .iter()
        .map(|stage| {
            (stage.stage.as_str(), stage.mean_us.round() as i64, (stage.share * 100.0).round() as i64)
        })
        .collect();
    // One that this program does not know comes last.
    assert_eq!(stages, [("socket", 0, 0), ("work", 500, 25), ("commit", 1500, 75), ("new", 0, 0)]);
    let of_shard: Vec<&str> = told.shards[0].stages.iter().map(|(stage, _)| stage.as_str()).collect();
    assert_eq!(of_shard, ["socket", "work", "commit", "new"]);
    assert_eq!((produce.requests, produce.mean_us.round()), (200, 2000.0));
    assert_eq!(produce.stages[2].p99_at_most_us, Some(2000.0));
    assert_eq!((told.shards.len(), told.writes[0].writes), (1, 200));
    assert!(told.doubts.is_empty(), "{:?}", told.doubts);
}

#[test]
fn the_sentence_names_the_largest_part_inside_or_outside_the_broker() {
    let plan = Plan::of(Mode::Produce);
    let sentence = |latency_ms| {
        let told = explain(&looks(STAGES_MS), &plan, &tally(200, latency_ms), 1).unwrap();
        (told.apis[0].outside_mean_us().unwrap().round() as i64 / 100, told.apis[0].sentence())
    };
    let (outside, told) = sentence(3);
    assert!(
        (9..=10).contains(&outside)
            && told
                .contains("broker's time is commit (records becoming durable), 1.50 ms of 2.00 ms or 75 %"),
        "{told}"
    );
    let (outside, told) = sentence(10);
    assert!(
        (79..=80).contains(&outside)
            && told.contains("outside the broker, 8.00 ms of 10.0 ms or 80 %; inside it is commit"),
        "{told}"
    );
    // Less than the whole inside, but more than its largest stage.
    let mut produce = explain(&looks(STAGES_MS), &plan, &tally(200, 3), 1).unwrap().apis.remove(0);
    produce.client_mean_us = Some(3_700.0);
    let told = produce.sentence();
    assert!(told.contains("outside the broker, 1.70 ms of 3.70 ms or 46 %"), "{told}");
}

#[test]
fn what_is_not_comparable_is_not_compared() {
    let mut plan = Plan::of(Mode::Produce);
    plan.produce.acks = Acks::None;
    let told = explain(&looks(STAGES_MS), &plan, &tally(200, 10), 1).unwrap();
    assert_eq!(told.apis[0].outside_mean_us(), None);
    // Of ten fetches, one brought nothing, which only the broker has timed.
    let mut total = Tally { fetch_requests: 10, ..Tally::default() };
    total.fetch.record(Duration::from_millis(1), 9);
    assert_eq!(client_mean_us("Fetch", &plan, &total), None);
    // One in a hundred is few enough.
    total.fetch_requests = 100;
    total.fetch.record(Duration::from_millis(1), 89);
    assert_eq!(client_mean_us("Fetch", &plan, &total), None);
    total.fetch.record(Duration::from_millis(1), 1);
    assert!(client_mean_us("Fetch", &plan, &total).is_some());
}

#[test]
fn other_clients_other_brokers_and_the_wrong_broker_are_told() {
    let plan = Plan::of(Mode::Produce);
    let doubts = |own, brokers| explain(&looks(STAGES_MS), &plan, &tally(own, 3), brokers).unwrap().doubts;
    assert!(doubts(50, 1).iter().any(|doubt| doubt.contains("200 Produce requests, of which 50")));
    // Some that were under way, or a few of others, make no difference.
    assert_eq!(doubts(182, 1), [""; 0]);
    assert!(doubts(200, 3).iter().any(|doubt| doubt.contains("one broker of 3")));
    let error = explain(&looks(STAGES_MS), &Plan::of(Mode::Consume), &tally(200, 3), 1).unwrap_err();
    assert!(error.to_string().contains("--admin"), "{error}");
    let of_fetches = Looks { between: between(|page| page.replace("Produce", "Fetch")), ..looks(STAGES_MS) };
    let fetched = Tally { fetch_requests: 200, ..Tally::default() };
    let told = explain(&of_fetches, &Plan::of(Mode::Consume), &fetched, 1).unwrap();
    assert!(told.apis[0].api == "Fetch" && told.doubts.is_empty(), "{told:?}");
}

/// What lies between two pages that were changed.
fn between(change: impl Fn(String) -> String) -> Page {
    let [before, after] = [100, 300].map(|count| Page::read(&change(text(count, STAGES_MS))).unwrap());
    after.since(&before).unwrap()
}

#[test]
fn a_group_is_explained_by_the_requests_of_its_members_alone() {
    let of_apis = |apis: &[&str]| {
        let page = |text: String| {
            let (produce, rest): (Vec<&str>, Vec<&str>) =
                text.lines().partition(|line| line.contains("Produce"));
            let renamed = apis.iter().map(|api| produce.join("\n").replace("Produce", api) + "\n");
            rest.join("\n") + "\n" + &renamed.collect::<String>()
        };
        explain_groups(&Looks { between: between(page), ..looks(STAGES_MS) }, Some(3_000.0))
    };
    let told = of_apis(&["Fetch", "JoinGroup", "OffsetCommit"]).unwrap();
    let told: Vec<_> = told.apis.iter().map(|time| (time.api.as_str(), time.client_mean_us)).collect();
    assert_eq!(told, [("JoinGroup", None), ("OffsetCommit", Some(3_000.0))]);
    // Somebody's commits are not yet a group.
    let error = of_apis(&["OffsetCommit"]).unwrap_err();
    assert!(error.to_string().contains("--admin"), "{error}");
}

#[test]
fn an_explanation_is_under_its_names_in_its_units() {
    let mut looks = looks(STAGES_MS);
    // Of a hundred, 60 within a millisecond and all within two.
    let bounds = vec![(0.001, 60), (0.002, 100), (f64::INFINITY, 100)];
    looks.between.requests.insert("Produce".to_owned(), Buckets::new(bounds, 0.2).unwrap());
    let told = explain(&looks, &Plan::of(Mode::Produce), &tally(200, 3), 1).unwrap().to_json();
    for (path, figure) in [
        ("/apis/Produce/requests", 100.0),
        ("/apis/Produce/mean_us", 2_000.0),
        ("/apis/Produce/p99_at_most_us", 2_000.0),
        ("/apis/Produce/stages/commit/mean_us", 1_500.0),
        ("/apis/Produce/stages/commit/share", 0.75),
        ("/apis/Produce/outside_mean_us", 1_000.0),
        ("/shard_stage_seconds/0/commit", 0.3),
        ("/commits/journal/writes", 200.0),
        ("/commits/journal/mean_us", 1_000.0),
    ] {
        let found = told.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("{path}: {told:#}"));
        assert!((found / figure - 1.0).abs() < 0.002, "{path}: {found}");
    }
}
