//! What is said of whole hosts, compared with what was said of them before.
//!
//! `STROME_BLESS=1 cargo test -p strome-tuning` writes anew what is expected; read the difference.

use strome_tuning::{Profile, Report, Severity, check};

use crate::expected;
use crate::fixture::Fixture;

/// Each host, the profile that it looks like, and the worst that is said of it.
const HOSTS: &[(&str, Profile, Severity)] = &[
    ("bare-metal", Profile::Production, Severity::Recommended),
    ("vm", Profile::Vm, Severity::Recommended),
    ("container", Profile::Container, Severity::Required),
    ("laptop", Profile::Laptop, Severity::Recommended),
    ("wrong", Profile::Production, Severity::Required),
    ("strange", Profile::Production, Severity::Required),
];

fn report(fixture: &Fixture) -> Report {
    let host = fixture.host();
    check(&host, &fixture.broker(), Profile::detect(&host), |_| true)
}

#[test]
fn each_host_is_told_what_it_was_told_before() {
    for (name, profile, worst) in HOSTS {
        let report = report(&Fixture::named(name));
        assert_eq!(report.profile, *profile, "{name}");
        expected::compare(&format!("{name}.txt"), &report.text(true));
        assert_eq!(report.worst(), Some(*worst), "{name}");
    }
}

#[test]
fn the_table_of_another_profile_asks_for_other_things() {
    let fixture = Fixture::named("bare-metal");
    let report =
        check(&fixture.host(), &fixture.broker(), Profile::Benchmark, |check| check.area.name() == "cpu");
    expected::compare("bare-metal-benchmark-cpu.txt", &report.text(true));
}

#[test]
fn everything_is_found_on_the_host_where_everything_is_wrong() {
    let report = report(&Fixture::named("wrong"));
    let found: Vec<_> = report.findings().map(|(row, _)| row.check.id).collect();
    // What only other hosts can get wrong.
    const ELSEWHERE: &[&str] = &[
        "cpu.quota",
        "cpu.steal",
        "disk.atime",
        "disk.encryption",
        "disk.reserved-blocks",
        "disk.trim-timer",
        "disk.writable",
        "kernel.aio",
        "memory.group-limit",
        "memory.huge-pages",
        "network.interrupts",
        "network.irqbalance",
        "network.offloads",
        "network.overflows",
        "network.ring",
        "network.tcp-buffers",
    ];
    let missed: Vec<_> = strome_tuning::checks()
        .filter(|check| check.severity.of(Profile::Production).is_some())
        .map(|check| check.id)
        .filter(|id| !found.contains(id) && !ELSEWHERE.contains(id))
        .collect();
    assert_eq!(missed, Vec::<&str>::new());
}

#[test]
fn json_holds_every_row() {
    let report = report(&Fixture::named("vm"));
    let json = report.json();
    assert_eq!(json["checks"].as_array().unwrap().len(), report.rows.len());
    assert_eq!(json["profile"], "vm");
    let finding =
        json["checks"].as_array().unwrap().iter().find(|row| row["id"] == "disk.scheduler").unwrap();
    assert_eq!(finding["found"], "mq-deadline");
    assert_eq!(finding["changes"][0], "echo none > /sys/class/block/vda/queue/scheduler");
}

#[test]
fn plain_rows_have_the_same_columns() {
    let report = report(&Fixture::named("wrong"));
    for line in report.plain(true).lines() {
        assert_eq!(line.split('\t').count(), 7, "{line}");
    }
}
