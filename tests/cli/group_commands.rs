//! `strome groups` against a broker of this build: groups that only have offsets, and groups with members.

use std::time::{Duration, Instant};

use protocol::messages::{ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse};
use serde_json::json;

use crate::Cli;
use crate::client::Client;
use crate::groups::{Member, await_coordinator, commit, rebalance};
use crate::support::{Broker, PATIENCE};

/// A broker with a topic of two partitions with three records, all in the first of them.
pub fn start() -> (Broker, Cli, Client) {
    let broker = Broker::start(&[("group.initial.rebalance.delay.ms", "0")]);
    let cli = Cli::of(&broker);
    cli.run("topics create orders --partitions 2").ok();
    cli.run_with("produce orders --partition 0", "a\nb\nc\n").ok();
    let client = Client::connect(broker.address());
    (broker, cli, client)
}

/// A group without members that has read one record.
pub fn idle(client: &mut Client, group: &str) {
    await_coordinator(client, group);
    assert_eq!(commit(client, group, "orders", &[(0, 1)]), [0]);
}

/// A group of the classic protocol with one member.
pub fn classic(broker: &Broker, client: &mut Client, group: &str) -> Member {
    await_coordinator(client, group);
    let mut members = [Member::new(broker.address(), group)];
    rebalance(&mut members);
    let [member] = members;
    member
}

/// A group of the consumer protocol whose one member, of this id, has both partitions.
fn consumer(client: &mut Client, group: &str, member: &str) {
    await_coordinator(client, group);
    let mut request = ConsumerGroupHeartbeatRequest {
        group_id: group.into(),
        member_id: member.into(),
        rebalance_timeout_ms: 60_000,
        subscribed_topic_names: Some(vec!["orders".into()]),
        topic_partitions: Some(Vec::new()),
        ..Default::default()
    };
    let deadline = Instant::now() + PATIENCE;
    loop {
        let response: ConsumerGroupHeartbeatResponse = client.call(1, &request);
        assert_eq!(response.error_code, 0);
        let assigned = response.assignment.iter().flat_map(|assignment| &assignment.topic_partitions);
        if assigned.map(|topic| topic.partitions.len()).sum::<usize>() == 2 {
            return;
        }
        assert!(Instant::now() < deadline, "nothing is ever assigned");
        request = ConsumerGroupHeartbeatRequest {
            group_id: group.into(),
            member_id: member.into(),
            member_epoch: response.member_epoch,
            rebalance_timeout_ms: -1,
            ..Default::default()
        };
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn groups_are_listed_by_state_and_type() {
    let (broker, cli, mut client) = start();
    assert_eq!(cli.run("groups list --output json").json(), json!([]));
    idle(&mut client, "idle");
    let _member = classic(&broker, &mut client, "busy");
    consumer(&mut client, "modern", "one");
    let listed = |filter: &str| cli.run(&format!("groups list {filter} --output plain")).ok();
    let (idle, busy) = ("idle\tclassic\t\tEmpty\t1\n", "busy\tclassic\tconsumer\tStable\t1\n");
    let modern = "modern\tconsumer\tconsumer\tStable\t1\n";
    assert_eq!(listed(""), format!("{busy}{idle}{modern}"));
    assert_eq!(listed("--state empty"), idle);
    assert_eq!(listed("--type consumer"), modern);
    assert_eq!(listed("--state Stable --type classic,consumer"), format!("{busy}{modern}"));
}

#[test]
fn a_group_shows_its_lag_its_members_and_its_state() {
    let (broker, cli, mut client) = start();
    idle(&mut client, "idle");
    assert_eq!(cli.run("groups describe idle --output plain").ok(), "idle\torders\t0\t1\t3\t2\t\t\t\n");
    assert_eq!(cli.run("groups describe idle --members --output plain").ok(), "");

    consumer(&mut client, "modern", "one");
    let offsets = cli.run("groups describe --group modern --offsets --output plain").ok();
    let host = "/127.0.0.1";
    let row = |partition, end| format!("modern\torders\t{partition}\t\t{end}\t\tone\ttest\t{host}\n");
    assert_eq!(offsets, row(0, 3) + &row(1, 0), "no lag without a commit");
    let members = cli.run("groups describe modern --members --output plain").ok();
    let epoch = cli.run("groups describe modern --output json").json()[0]["groupEpoch"].clone();
    assert_eq!(members, format!("modern\tone\t\ttest\t{host}\t{epoch}\t2\torders:0,1\t\n"));
    let state = cli.run("groups describe modern --state --output plain").ok();
    assert_eq!(state, format!("modern\tconsumer\tStable\tuniform\t{epoch}\t1\t1\n"));
    let described = cli.run("groups describe modern --output json").json();
    assert_eq!(described[0]["members"][0]["assignment"], json!({ "orders": [0, 1] }));
    assert_eq!(described[0]["members"][0]["topics"], json!(["orders"]));

    let member = classic(&broker, &mut client, "busy");
    let described = cli.run("groups describe busy idle --output json").json();
    let busy = &described[0];
    assert_eq!((&busy["state"], &busy["assignor"]), (&json!("Stable"), &json!("range")));
    assert_eq!(busy["members"][0]["member"], json!(member.id));
    assert_eq!(described[1]["offsets"][0]["lag"], 2);

    // A group that is not there keeps no other from being described.
    let mixed = cli.run("groups describe idle nowhere --output plain");
    assert!(mixed.err.contains("there is no group nowhere; 'strome groups list'"), "{mixed:?}");
    assert_eq!((mixed.code, mixed.out.lines().count()), (Some(1), 1), "{mixed:?}");
    assert_eq!(cli.run("groups describe --state").ok().lines().count(), 4, "a header and three groups");
}

#[test]
fn groups_without_members_are_deleted_and_others_are_not() {
    let (broker, cli, mut client) = start();
    idle(&mut client, "idle");
    let _member = classic(&broker, &mut client, "busy");
    let mixed = cli.run("groups delete idle busy nowhere");
    assert_eq!((mixed.code, mixed.out.as_str()), (Some(1), "deleted group idle\n"), "{mixed:?}");
    let refused = "cannot delete group busy: NON_EMPTY_GROUP\nit has members: stop them first";
    assert!(mixed.err.contains(refused) && mixed.err.contains("there is no group nowhere"), "{mixed:?}");
    assert_eq!(cli.run("groups delete --group idle --if-exists").ok(), "there is no group idle\n");
    assert_eq!(cli.run("groups list --output json").json()[0]["group"], "busy");
}

#[test]
fn a_group_is_explained_in_sentences() {
    let (_broker, cli, mut client) = start();
    idle(&mut client, "idle");
    let told = cli.run("groups explain idle --seconds 0").ok();
    for sentence in [
        "Group idle is Empty: classic protocol, 0 members, coordinated by broker 1.",
        "- orders-0 is 2 records behind, and nobody reads it.",
        "- Nobody reads: the group has no members.",
    ] {
        assert!(told.contains(sentence), "{sentence}: {told}");
    }

    consumer(&mut client, "modern", "one");
    let told = cli.run("groups explain --group modern --seconds 1").ok();
    assert!(told.contains("Nothing was ever committed for orders-0"), "{told}");
    assert!(
        told.contains("one joined (client test at /127.0.0.1)"),
        "what the coordinator remembers: {told}"
    );
    let leave = ConsumerGroupHeartbeatRequest {
        group_id: "modern".into(),
        member_id: "one".into(),
        member_epoch: -1,
        ..Default::default()
    };
    let left: ConsumerGroupHeartbeatResponse = client.call(1, &leave);
    assert_eq!(left.error_code, 0);
    assert_eq!(commit(&mut client, "modern", "orders", &[(0, 1)]), [0]);
    let told = cli.run("groups explain modern --seconds 1 --output json").json();
    assert_eq!((&told["group"], &told["problems"]), (&json!("modern"), &json!(true)));
    let codes: Vec<&str> =
        told["findings"].as_array().unwrap().iter().filter_map(|f| f["code"].as_str()).collect();
    assert_eq!(codes, ["no-members", "not-read", "rebalanced"], "{told}");
    let last = told["events"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["text"], &told["unknown"]), (&json!("the last member has gone"), &json!([])));
    assert_eq!(told["facts"]["lag"], 2);

    let nowhere = cli.run("groups explain nowhere").failed();
    assert!(nowhere.contains("there is no group nowhere"), "{nowhere}");
}
