//! `strome groups reset-offsets` against a broker of this build.

use std::fs;

use serde_json::json;

use crate::group_commands::{classic, idle, start};
use crate::groups::committed;

#[test]
fn offsets_are_shown_first_and_committed_only_on_demand() {
    let (_broker, cli, mut client) = start();
    idle(&mut client, "g");
    let orders = |partition, offset| ("orders".to_owned(), partition, offset);
    let dry = cli.run("groups reset-offsets g --topic orders --to-latest --output plain");
    assert!(dry.err.contains("nothing was changed"), "{dry:?}");
    assert_eq!(dry.ok(), "g\torders\t0\t1\t3\ng\torders\t1\t\t0\n");
    assert_eq!(committed(&mut client, "g"), [orders(0, 1)], "a dry run commits nothing");

    let reset = cli.run("groups reset-offsets --group g --topic orders --to-latest --execute --output json");
    assert_eq!(reset.err, "");
    let both = json!([
        { "topic": "orders", "partition": 0, "committed": 1, "new": 3 },
        { "topic": "orders", "partition": 1, "committed": null, "new": 0 },
    ]);
    assert_eq!(reset.json(), json!({ "group": "g", "executed": true, "offsets": both }));
    assert_eq!(committed(&mut client, "g"), [orders(0, 3), orders(1, 0)]);
}

#[test]
fn a_target_is_an_end_a_time_an_offset_or_a_distance() {
    let (_broker, cli, mut client) = start();
    idle(&mut client, "g");
    let reset = |target: &str| {
        let ran = cli.run(&format!("groups reset-offsets g --topic orders:0 {target} --output plain"));
        let columns: Vec<String> = ran.out.trim_end().split('\t').map(str::to_owned).collect();
        assert_eq!(ran.code, Some(0), "{target}: {ran:?}");
        (columns[4].clone(), ran.err)
    };
    for (target, new) in [
        ("--to-earliest", "0"),
        ("--to-latest", "3"),
        ("--to-current", "1"),
        ("--to-offset 2", "2"),
        ("--shift-by 1", "2"),
        ("--shift-by -1", "0"),
        ("--to-datetime 2000-01-01", "0"),
        ("--to-datetime 2999-12-31T23:59:59.5+01:00", "3"),
        ("--by-duration P7D", "0"),
        ("--by-duration 0s", "3"),
    ] {
        assert_eq!(reset(target).0, new, "{target}");
    }
    let (new, told) = reset("--to-offset 99");
    assert_eq!(new, "3");
    assert!(told.contains("partition 0 of orders goes from 0 to 3: 3 instead of 99"), "{told}");
    let unset = cli.run("groups reset-offsets g --topic orders:1 --shift-by 1").failed();
    assert!(unset.contains("nothing is committed for partition 1 of orders"), "{unset}");
    let beyond = cli.run("groups reset-offsets g --topic orders:7 --to-latest").failed();
    assert!(beyond.contains("no partition 7"), "{beyond}");
    for usage in ["--to-latest", "--topic orders", "--topic orders --to-latest --to-earliest"] {
        assert_eq!(cli.run(&format!("groups reset-offsets g {usage}")).code, Some(2), "{usage}");
    }
}

#[test]
fn exported_offsets_are_read_again_and_all_topics_are_those_with_commits() {
    let (_broker, cli, mut client) = start();
    idle(&mut client, "g");
    let exported = cli.run("groups reset-offsets g --all-topics --to-current --export").ok();
    assert_eq!(exported, "orders,0,1\n");
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("offsets.csv");
    fs::write(&path, "orders,0,2\norders,1,0\n").expect("it");
    let path = path.display();
    cli.run(&format!("groups reset-offsets g --from-file {path} --execute")).ok();
    let new = [("orders".to_owned(), 0, 2), ("orders".to_owned(), 1, 0)];
    assert_eq!(committed(&mut client, "g"), new);

    let absent = cli.run("groups reset-offsets nobody --all-topics --to-latest").failed();
    assert!(absent.contains("group nobody has committed nothing"), "{absent}");
    fs::write(dir.path().join("offsets.csv"), "orders,0\n").expect("it");
    let bad = cli.run(&format!("groups reset-offsets g --from-file {path}")).failed();
    assert!(bad.contains("line 1: expected topic,partition,offset"), "{bad}");
}

#[test]
fn a_group_with_members_is_not_reset() {
    let (broker, cli, mut client) = start();
    let mut member = classic(&broker, &mut client, "busy");
    assert_eq!(member.commit("orders", 0, 1), 0);
    let refused = cli.run("groups reset-offsets busy --all-topics --to-earliest --execute").failed();
    assert!(refused.contains("group busy is in use (state Stable, members: 1)"), "{refused}");
    assert_eq!(committed(&mut client, "busy"), [("orders".to_owned(), 0, 1)]);
    assert_eq!(member.leave(), 0);
    cli.run("groups reset-offsets busy --all-topics --to-earliest --execute").ok();
    assert_eq!(committed(&mut client, "busy"), [("orders".to_owned(), 0, 0)]);
}
