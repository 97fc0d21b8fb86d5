//! What was found of groups, and the same as JSON.

use std::time::Duration;

use serde_json::{Value, json};

use super::plan::GroupPlan;
use crate::error::BenchError;
use crate::explain::Explanation;
use crate::host::Host;
use crate::json::{FORMAT, host_json, latency_json};
use crate::latency::Latencies;
use crate::process::Process;

/// See the module.
#[derive(Debug)]
pub struct GroupOutcome {
    /// What was to be done.
    pub plan: GroupPlan,
    /// When it began, in seconds since 1970.
    pub began_unix_s: u64,
    /// What has happened to the group, in order.
    pub changes: Vec<Change>,
    /// How members have committed, by their number.
    pub commits: Vec<CommitRun>,
    /// The coordinator's process, if it runs on this machine and may be seen.
    pub broker: Option<Process>,
    /// Its resident memory at the end, and at most, in bytes.
    pub broker_rss_bytes: Option<(u64, u64)>,
    /// Where the time of requests went, or why that is not known, if somebody wanted to know.
    pub explanation: Option<Result<Explanation, String>>,
    /// Why it was over before its end, if it was: somebody stopped it, or a change went wrong.
    pub cut_short: Option<BenchError>,
    /// Why the topic that was made for it is still there, if it is.
    pub left_behind: Option<String>,
    /// The client's machine.
    pub host: Host,
}

/// What has happened to a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// All members have joined at once.
    Start,
    /// One more has joined.
    Join,
    /// That one has left.
    Leave,
    /// One has gone without a word.
    Death,
}

impl ChangeKind {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 4] = [Self::Start, Self::Join, Self::Leave, Self::Death];

    /// In a word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Join => "join",
            Self::Leave => "leave",
            Self::Death => "death",
        }
    }
}

/// One change of a group, and how long it took.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// What it was.
    pub kind: ChangeKind,
    /// Which one of its kind, from 0.
    pub round: usize,
    /// From the change until every member had its new assignment.
    pub assigned: Duration,
    /// Until every member knew of the new generation or epoch, and had nothing left to do.
    pub told: Duration,
    /// Of a death: from the end of the dead one's session until every other had its new assignment.
    pub after_expiry: Option<Duration>,
    /// Requests of all members until every member had its assignment.
    pub requests: u64,
    /// What the coordinator's process used meanwhile, in CPU seconds.
    pub broker_cpu_seconds: Option<f64>,
}

/// Commits of some members at the same time, each again as soon as it is answered.
#[derive(Clone, Debug)]
pub struct CommitRun {
    /// How many.
    pub committers: usize,
    /// How long was measured.
    pub seconds: f64,
    /// From the request until its answer.
    pub latencies: Latencies,
    /// Commits that the coordinator could not take for the moment.
    pub refused: u64,
    /// Processors that the coordinator's process used.
    pub broker_cpus: Option<f64>,
}

impl CommitRun {
    /// Commits a second.
    #[must_use]
    pub fn per_s(&self) -> f64 {
        self.latencies.count() as f64 / self.seconds
    }

    /// Microseconds of CPU that the coordinator's process used per commit.
    #[must_use]
    pub fn broker_cpu_us(&self) -> Option<f64> {
        let per_s = self.per_s();
        self.broker_cpus.filter(|_| per_s > 0.0).map(|cpus| cpus * 1e6 / per_s)
    }
}

impl GroupOutcome {
    /// The changes of a kind.
    pub fn of(&self, kind: ChangeKind) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(move |change| change.kind == kind)
    }

    /// How long commits took on average, those of all numbers of members together.
    pub(super) fn commit_mean_us(commits: &[CommitRun]) -> Option<f64> {
        let mut all = Latencies::default();
        commits.iter().for_each(|run| all.add(&run.latencies));
        all.mean_us()
    }

    /// What who reads the figures should know.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let cut_short =
            self.cut_short.as_ref().map(|why| format!("{why}: what was measured until then is told"));
        let unexplained =
            self.explanation.as_ref().and_then(|explanation| explanation.as_ref().err().cloned());
        [cut_short, self.left_behind.clone(), unexplained].into_iter().flatten().collect()
    }

    /// The result as JSON, whose keys end in their units.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let process = self.broker.as_ref();
        let mut result = json!({
            "format": FORMAT,
            "tool": concat!("strome bench ", env!("CARGO_PKG_VERSION")),
            "workload": "groups",
            "began_unix_s": self.began_unix_s,
            "stopped": self.cut_short.is_some(),
            "plan": plan_json(&self.plan),
            "changes": self.changes.iter().map(change_json).collect::<Vec<_>>(),
            "commits": self.commits.iter().map(|run| commit_json(run, &self.plan)).collect::<Vec<_>>(),
            "broker": {
                "pid": process.map(|process| process.pid),
                "command": process.map(|process| process.command.as_str()),
                "rss_bytes": self.broker_rss_bytes.map(|(now, _)| now),
                "rss_peak_bytes": self.broker_rss_bytes.map(|(_, peak)| peak),
            },
            "host": host_json(&self.host),
            "warnings": self.warnings(),
        });
        match &self.explanation {
            Some(Ok(explanation)) => result["explain"] = explanation.to_json(),
            Some(Err(why)) => result["explain"] = json!({ "error": why }),
            None => {}
        }
        result
    }
}

fn plan_json(plan: &GroupPlan) -> Value {
    json!({
        "members": plan.members,
        "protocol": plan.protocol.name(),
        "partitions": plan.partitions(),
        "rounds": plan.rounds,
        "deaths": plan.deaths,
        "heartbeat_interval_ms": ms(plan.heartbeat_interval),
        "session_timeout_ms": ms(plan.session_timeout),
        "commit_partitions": plan.commit_partitions,
        "commit_s": plan.commit_time.as_secs_f64(),
    })
}

fn change_json(change: &Change) -> Value {
    json!({
        "change": change.kind.name(),
        "round": change.round,
        "assigned_ms": ms(change.assigned),
        "told_ms": ms(change.told),
        "after_expiry_ms": change.after_expiry.map(ms),
        "requests": change.requests,
        "broker_cpu_ms": change.broker_cpu_seconds.map(|seconds| seconds * 1e3),
    })
}

fn commit_json(run: &CommitRun, plan: &GroupPlan) -> Value {
    json!({
        "committers": run.committers,
        "seconds": run.seconds,
        "commits_per_s": run.per_s(),
        "offsets_per_s": run.per_s() * f64::from(plan.commit_partitions),
        "refused": run.refused,
        "latency": latency_json(&run.latencies),
        "broker_cpu_us_per_commit": run.broker_cpu_us(),
    })
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_of_a_group_is_under_its_name_in_its_unit() {
        let mut latencies = Latencies::default();
        latencies.record(Duration::from_millis(2), 100);
        let change = Change {
            kind: ChangeKind::Death,
            round: 1,
            assigned: Duration::from_millis(1_500),
            told: Duration::from_millis(1_625),
            after_expiry: Some(Duration::from_millis(250)),
            requests: 30,
            broker_cpu_seconds: Some(0.125),
        };
        let told = GroupOutcome {
            plan: GroupPlan::default(),
            began_unix_s: 0,
            changes: vec![change],
            commits: vec![CommitRun {
                committers: 8,
                seconds: 2.0,
                latencies,
                refused: 3,
                broker_cpus: Some(0.5),
            }],
            broker: None,
            broker_rss_bytes: Some((5, 6)),
            explanation: Some(Err("why".to_owned())),
            cut_short: Some(BenchError::Stopped),
            left_behind: Some("left".to_owned()),
            host: Host::default(),
        }
        .to_json();
        let figures = json!({
            "/plan/members": 100, "/plan/partitions": 200, "/plan/heartbeat_interval_ms": 3_000.0,
            "/plan/session_timeout_ms": 45_000.0, "/plan/commit_s": 5.0,
            "/changes/0/change": "death", "/changes/0/assigned_ms": 1_500.0, "/changes/0/told_ms": 1_625.0,
            "/changes/0/after_expiry_ms": 250.0, "/changes/0/requests": 30, "/changes/0/broker_cpu_ms": 125.0,
            "/commits/0/commits_per_s": 50.0, "/commits/0/offsets_per_s": 500.0, "/commits/0/refused": 3,
            "/commits/0/latency/count": 100, "/commits/0/broker_cpu_us_per_commit": 10_000.0,
            "/broker/rss_bytes": 5, "/broker/rss_peak_bytes": 6, "/explain/error": "why", "/stopped": true,
            "/warnings/0": "stopped before the end: what was measured until then is told", "/warnings/1": "left",
            "/warnings/2": "why",
        });
        for (path, figure) in figures.as_object().unwrap() {
            assert_eq!(told.pointer(path), Some(figure), "{path}");
        }
    }
}
