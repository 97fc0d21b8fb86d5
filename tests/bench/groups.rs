//! `strome bench groups`: members that come, go and commit.

use serde_json::Value;

use super::support::Broker;
use super::{await_line, begin, interrupt, list, measure, number};

#[test]
fn what_members_of_a_group_wait_for_is_explained_by_the_metrics_of_their_coordinator() {
    let broker = Broker::start(&[
        ("strome.admin.listener", "127.0.0.1:0"),
        ("group.initial.rebalance.delay.ms", "500"),
        ("group.consumer.min.heartbeat.interval.ms", "50"),
        ("group.consumer.heartbeat.interval.ms", "50"),
    ]);
    for (protocol, joins) in [("classic", "JoinGroup"), ("consumer", "ConsumerGroupHeartbeat")] {
        // Fewer partitions than a commit has where nobody says how many.
        let line = format!(
            "groups --members 2 --protocol {protocol} --rounds 1 --heartbeat-interval 50 --committers 1 \
             --commit-seconds 0.2 --explain --admin {}",
            broker.admin_address()
        );
        let result = measure(&broker, &line);
        assert_eq!(number(&result, "plan.commit_partitions"), 4.0);
        let apis = &result["explain"]["apis"];
        assert!(number(&apis[joins], "requests") >= 3.0, "{apis:#}");
        // Which stage is the largest is for the machine to say.
        assert!(number(&apis["OffsetCommit"], "stages.commit.mean_us") > 0.0, "{apis:#}");
        assert!(number(&apis["OffsetCommit"], "client_mean_us") > 0.0);
        if protocol == "classic" {
            // Who joins a new group waits for the others.
            assert_eq!(apis["JoinGroup"]["largest_stage"], "wait", "{apis:#}");
            assert!(number(&apis["SyncGroup"], "requests") >= 2.0 && apis.get("Fetch").is_none(), "{apis:#}");
        }
    }
}

#[test]
fn members_of_a_group_come_and_go_and_commit() {
    let broker = Broker::start(&[
        ("group.initial.rebalance.delay.ms", "0"),
        ("group.consumer.min.heartbeat.interval.ms", "50"),
        ("group.consumer.heartbeat.interval.ms", "50"),
        ("group.min.session.timeout.ms", "1000"),
    ]);
    for protocol in ["classic", "consumer"] {
        let deaths = if protocol == "classic" { "--deaths 1 --session-timeout 3000" } else { "" };
        let line = format!(
            "groups --members 4 --protocol {protocol} --rounds 2 --heartbeat-interval 50 {deaths} \
             --partitions 9 --committers 3 --commit-partitions 2 --commit-seconds 0.3"
        );
        let result = measure(&broker, &line);
        let changes = result["changes"].as_array().unwrap();
        let names: Vec<&str> = changes.iter().map(|change| change["change"].as_str().unwrap()).collect();
        let mut expected = vec!["start", "join", "leave", "start", "join", "leave"];
        if protocol == "classic" {
            expected.insert(1, "death");
        }
        assert_eq!(names, expected);
        for change in changes {
            let (assigned, told) = (number(change, "assigned_ms"), number(change, "told_ms"));
            assert!(0.0 < assigned && assigned <= told && number(change, "requests") > 0.0, "{change}");
        }
        let run = &result["commits"][0];
        assert_eq!(number(run, "committers"), 3.0);
        assert!(number(run, "commits_per_s") > 0.0 && number(run, "latency.p50_us") > 0.0, "{run}");
    }
    // Neither topics nor groups stay behind.
    let left = list(&broker, "topics");
    assert!(left.starts_with("__consumer_offsets\t") && left.lines().count() == 1, "{left}");
    assert_eq!(list(&broker, "groups"), "");
}

#[test]
fn groups_whose_coordinator_goes_away_tell_what_was_measured_so_far() {
    let mut broker = Broker::start(&[("group.initial.rebalance.delay.ms", "0")]);
    let mut process = begin(&broker, "groups --members 2 --committers 1 --commit-seconds 600 --output json");
    let told = await_line(&mut process, "start");
    broker.kill();
    let output = process.wait_with_output().expect("its end");
    let told = told.join().expect("what it tells");
    assert!(output.status.code() == Some(1) && told.contains("connection"), "{told}");
    let result: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(result["stopped"] == true && number(&result["changes"][0], "assigned_ms") > 0.0, "{result:#}");
    let warnings = result["warnings"].to_string();
    assert!(warnings.contains("what was measured until then is told"), "{warnings}");
    assert!(warnings.contains("left behind: cannot connect"), "{warnings}");
}

#[test]
fn groups_that_somebody_stops_tell_what_was_measured_so_far() {
    let broker = Broker::start(&[("group.initial.rebalance.delay.ms", "0")]);
    let mut process = begin(&broker, "groups --members 2 --committers 1 --commit-seconds 600 --output json");
    let _told = await_line(&mut process, "start");
    interrupt(&process);
    let output = process.wait_with_output().expect("its end");
    assert_eq!(output.status.code(), Some(1));
    let result: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(result["stopped"], true);
    assert!(number(&result["changes"][0], "assigned_ms") > 0.0, "{result:#}");
    assert!(result["warnings"][0].as_str().is_some_and(|told| told.contains("stopped")), "{result:#}");
    assert!(!list(&broker, "topics").contains("strome-bench"));
}
