//! `strome bench groups`: how fast a group shares its partitions anew, and how fast its members commit.

use std::time::Duration;

use bench::words::{count, micros};
use bench::{Change, ChangeKind, CommitRun, GroupOutcome, GroupPlan, GroupProtocol, Latencies};
use clap::{Args, ValueEnum};

use super::access;
use super::arguments::{ExplainArguments, millis, seconds};
use super::results::Results;
use super::text::{self, Row};
use crate::cli::connect::Connect;
use crate::cli::failure::Failure;

/// The arguments of `strome bench groups`.
#[derive(Args)]
pub struct Groups {
    /// Members of the group; one more comes and goes
    #[arg(long, value_name = "N", default_value_t = 100)]
    members: usize,
    /// What the members speak
    #[arg(long, value_enum, default_value_t = ProtocolName::Classic)]
    protocol: ProtocolName,
    /// Partitions of the topic that they share [default: two for each member]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..))]
    partitions: Option<i32>,
    /// How often the group begins, and how often somebody comes and goes; 0: it begins once
    #[arg(long, value_name = "N", default_value_t = 3)]
    rounds: usize,
    /// How often a member dies; each takes as long as its session
    #[arg(long, value_name = "N", default_value_t = 0)]
    deaths: usize,
    /// Between two heartbeats of a classic member; for the other protocol the broker says it, and this is only what
    /// changes are spread over
    #[arg(long, value_name = "MS", default_value = "3000", value_parser = millis)]
    heartbeat_interval: Duration,
    /// After this silence a member is taken for dead; for the other protocol the broker says it, and this must be the same
    #[arg(long, value_name = "MS", default_value = "45000", value_parser = millis)]
    session_timeout: Duration,
    /// How many members commit at the same time, one run for each number; 0: none [default: those of 1, 8
    /// and 64 that there are]
    #[arg(long, value_name = "N,...", value_delimiter = ',')]
    committers: Option<Vec<usize>>,
    /// Partitions of a commit [default: 10, or all there are]
    #[arg(long, value_name = "N")]
    commit_partitions: Option<i32>,
    /// How long each run of commits is measured [default: 5]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    commit_seconds: Option<Duration>,
    #[command(flatten)]
    explain: ExplainArguments,
    #[command(flatten)]
    results: Results,
    #[command(flatten)]
    connect: Connect,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ProtocolName {
    /// A member assigns
    Classic,
    /// The coordinator does (KIP-848)
    Consumer,
}

impl Groups {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let plan = self.plan();
        self.check_effect(&plan).and_then(|()| plan.check()).map_err(Failure::Usage)?;
        self.results.check()?;
        let access = access(&self.connect)?;
        let mut tell = |line: &str| self.results.tell(line);
        let outcome = bench::run_groups(&plan, &access, &mut tell, &crate::cli::stop_flag())?;
        self.results.show(&rows(&outcome), &outcome.to_json())?;
        super::ended(outcome.cut_short)
    }

    /// An argument that would change nothing is refused.
    fn check_effect(&self, plan: &GroupPlan) -> Result<(), String> {
        let partitions = self.commit_partitions.map(|_| "--commit-partitions");
        match partitions.or(self.commit_seconds.map(|_| "--commit-seconds")) {
            Some(argument) if plan.committers.is_empty() => {
                Err(format!("{argument} has no meaning with --committers 0, for then nobody commits"))
            }
            _ => Ok(()),
        }
    }

    fn plan(&self) -> GroupPlan {
        let usual = GroupPlan::default();
        let committers = match self.committers.as_deref() {
            Some([0]) => Vec::new(),
            Some(given) => given.to_vec(),
            None => usual.committers.iter().copied().filter(|count| *count <= self.members).collect(),
        };
        let plan = GroupPlan {
            members: self.members,
            protocol: match self.protocol {
                ProtocolName::Classic => GroupProtocol::Classic,
                ProtocolName::Consumer => GroupProtocol::Consumer,
            },
            partitions: self.partitions.unwrap_or(0),
            rounds: self.rounds,
            deaths: self.deaths,
            heartbeat_interval: self.heartbeat_interval,
            session_timeout: self.session_timeout,
            committers,
            commit_partitions: usual.commit_partitions,
            commit_time: self.commit_seconds.unwrap_or(usual.commit_time),
            settle_max: usual.settle_max,
            explain: self.explain.admin(),
        };
        // A small group has fewer partitions than a commit usually names, which only whoever names a number minds.
        let commit_partitions = match self.commit_partitions {
            Some(given) => given,
            None => plan.commit_partitions.min(plan.partitions()),
        };
        // A death takes as long as a session.
        GroupPlan { settle_max: plan.settle_max + plan.session_timeout, commit_partitions, ..plan }
    }
}

fn rows(outcome: &GroupOutcome) -> Vec<Row> {
    let plan = &outcome.plan;
    let mut rows = Vec::new();
    let mut row = |name: &str, value: String| rows.push((name.to_owned(), value));
    row("", "group".to_owned());
    row("members", plan.members.to_string());
    row("protocol", plan.protocol.name().to_owned());
    row("partitions", plan.partitions().to_string());
    for kind in ChangeKind::ALL {
        let changes: Vec<&Change> = outcome.of(kind).collect();
        if changes.is_empty() {
            continue;
        }
        row("", about(kind).to_owned());
        row("times", changes.len().to_string());
        let spread = |what: fn(&Change) -> Option<Duration>| {
            let times: Vec<Duration> = changes.iter().filter_map(|change| what(change)).collect();
            (!times.is_empty()).then(|| spread(times))
        };
        let told = [
            ("all have their assignment", spread(|change| Some(change.assigned))),
            ("all know", spread(|change| Some(change.told))),
            ("after the session's end", spread(|change| change.after_expiry)),
            ("broker CPU", spread(|change| change.broker_cpu_seconds.map(Duration::from_secs_f64))),
        ];
        for (name, value) in told {
            if let Some(value) = value {
                row(name, value);
            }
        }
        let requests: u64 = changes.iter().map(|change| change.requests).sum();
        row("requests", count(requests as f64 / changes.len() as f64));
    }
    for run in &outcome.commits {
        row("", format!("{} committing", run.committers));
        row("partitions at a time", plan.commit_partitions.to_string());
        let offsets = run.per_s() * f64::from(plan.commit_partitions);
        row("rate", format!("{} commits/s, {} offsets/s", count(run.per_s()), count(offsets)));
        row("latency", latencies(&run.latencies));
        commit_cost(run, &mut row);
    }
    if let Some(Ok(explanation)) = &outcome.explanation {
        text::explanation_rows(explanation, &mut rows);
    }
    let mut row = |name: &str, value: String| rows.push((name.to_owned(), value));
    if let Some((rss, peak)) = outcome.broker_rss_bytes {
        row("", "cost".to_owned());
        row("broker", format!("{} MiB resident (at most {})", rss >> 20, peak >> 20));
    }
    for warning in outcome.warnings() {
        row("note", warning);
    }
    rows
}

fn about(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Start => "all join at once",
        ChangeKind::Join => "one more joins",
        ChangeKind::Leave => "one leaves",
        ChangeKind::Death => "one dies",
    }
}

fn commit_cost(run: &CommitRun, row: &mut impl FnMut(&str, String)) {
    if let Some(us) = run.broker_cpu_us() {
        row("broker CPU", format!("{} per commit", micros(us)));
    }
    if run.refused > 0 {
        row("refused for the moment", count(run.refused as f64));
    }
}

fn latencies(latencies: &Latencies) -> String {
    let told = [50.0, 99.0, 99.9].map(|percent| {
        let us = latencies.percentile_us(percent);
        us.map_or_else(|| format!("p{percent} -"), |us| format!("p{percent} {}", micros(us)))
    });
    let max = latencies.max_us().map_or_else(|| "-".to_owned(), micros);
    format!("{}  max {max}", told.join("  "))
}

/// The middle one of some times, and the outermost ones.
fn spread(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let told =
        |index: usize| times.get(index).map_or_else(String::new, |time| micros(time.as_secs_f64() * 1e6));
    let last = times.len().saturating_sub(1);
    format!("median {}  min {}  max {}", told(last / 2), told(0), told(last))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[test]
    fn changes_and_commits_of_a_group_are_told_in_units_that_they_name() {
        let change = |ms, requests| Change {
            kind: ChangeKind::Join,
            round: 0,
            assigned: Duration::from_millis(ms),
            told: Duration::from_millis(2 * ms),
            after_expiry: None,
            requests,
            broker_cpu_seconds: Some(0.25),
        };
        let mut latencies = Latencies::default();
        latencies.record(Duration::from_millis(2), 100);
        let commits =
            CommitRun { committers: 8, seconds: 2.0, latencies, refused: 3, broker_cpus: Some(0.5) };
        let outcome = GroupOutcome {
            plan: GroupPlan::default(),
            began_unix_s: 0,
            changes: vec![change(10, 30), change(20, 50)],
            commits: vec![commits],
            broker: None,
            broker_rss_bytes: Some((5 << 20, 6 << 20)),
            explanation: Some(Err("why".to_owned())),
            cut_short: Some(bench::BenchError::Stopped),
            left_behind: None,
            host: bench::Host::default(),
        };
        assert_eq!(
            text::plain(&rows(&outcome)),
            "group\tmembers\t100\n\
             group\tprotocol\tclassic\n\
             group\tpartitions\t200\n\
             one more joins\ttimes\t2\n\
             one more joins\tall have their assignment\tmedian 10.0 ms  min 10.0 ms  max 20.0 ms\n\
             one more joins\tall know\tmedian 20.0 ms  min 20.0 ms  max 40.0 ms\n\
             one more joins\tbroker CPU\tmedian 250 ms  min 250 ms  max 250 ms\n\
             one more joins\trequests\t40\n\
             8 committing\tpartitions at a time\t10\n\
             8 committing\trate\t50 commits/s, 500 offsets/s\n\
             8 committing\tlatency\tp50 2.00 ms  p99 2.00 ms  p99.9 2.00 ms  max 2.00 ms\n\
             8 committing\tbroker CPU\t10.0 ms per commit\n\
             8 committing\trefused for the moment\t3\n\
             cost\tbroker\t5 MiB resident (at most 6)\n\
             cost\tnote\tstopped before the end: what was measured until then is told\n\
             cost\tnote\twhy\n"
        );
    }

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        groups: Groups,
    }

    #[test]
    fn what_is_said_of_commits_that_nobody_makes_is_refused() {
        let check = |line: &str| {
            let groups = Line::parse_from(["bench"].into_iter().chain(line.split(' '))).groups;
            let plan = groups.plan();
            groups.check_effect(&plan).and_then(|()| plan.check())
        };
        for argument in ["--commit-partitions 2", "--commit-seconds 2"] {
            let told = check(&format!("--committers 0 {argument}")).unwrap_err();
            assert!(
                told.starts_with(argument.split(' ').next().unwrap()) && told.contains("--committers 0"),
                "{told}"
            );
            assert_eq!(check(&format!("--committers 1 {argument}")), Ok(()));
        }
        assert_eq!(check("--committers 0"), Ok(()));
        assert!(check("--committers 0,1").is_err_and(|told| told.contains("at least one")));
    }

    #[test]
    fn a_spread_names_the_middle_and_both_ends() {
        let times = [30, 10, 20].map(Duration::from_millis).to_vec();
        assert_eq!(spread(times), "median 20.0 ms  min 10.0 ms  max 30.0 ms");
    }
}
