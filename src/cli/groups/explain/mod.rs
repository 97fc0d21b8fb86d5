//! `strome groups explain`: why a group rebalances, stalls or lags, in sentences that end with what to do.
//!
//! Two looks, some seconds apart, tell whether the group gets on. What only a Strome coordinator remembers, who left and why,
//! comes with them in a tagged field (`client/group_account.rs`); of any other broker it is said what cannot be known.
//!
//! # Not here
//! Asking (`look.rs`); what follows from the answers (`membership.rs`, `turbulence.rs`, `progress.rs`), which is pure.

mod finding;
mod look;
mod membership;
mod progress;
#[cfg(test)]
mod tests;
mod turbulence;

use std::io::Write;
use std::thread::sleep;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};

use self::finding::{Finding, Severity, ago, counted};
use self::look::Look;
use crate::cli::connect::Connect;
use crate::cli::failure::Failure;
use crate::cli::output::{Form, Output};
use crate::client::{Client, ClientError, GroupKind};

/// Between the looks: longer than the five seconds after which consumers commit by themselves unless told otherwise.
const SECONDS_BETWEEN: u64 = 6;

/// So many of the last events are shown; JSON has all.
const EVENTS_SHOWN: usize = 10;

const COORDINATOR_LOAD_IN_PROGRESS: i16 = 14;
const COORDINATOR_NOT_AVAILABLE: i16 = 15;
const NOT_COORDINATOR: i16 = 16;

/// The arguments of `strome groups explain`.
#[derive(Args)]
pub struct Explain {
    /// The group
    #[arg(value_name = "GROUP", required_unless_present = "group", conflicts_with = "group")]
    name: Option<String>,
    /// The group, as in Kafka's tools
    #[arg(long = "group", id = "group", value_name = "GROUP")]
    option: Option<String>,
    /// How long to watch whether the group gets on; 0 for one look
    #[arg(long, value_name = "N", default_value_t = SECONDS_BETWEEN, value_parser = clap::value_parser!(u64).range(..=3600))]
    seconds: u64,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    connect: Connect,
}

impl Explain {
    /// Looks twice, and tells what follows.
    pub fn run(self) -> Result<(), Failure> {
        let name = self.name.as_deref().or(self.option.as_deref()).unwrap_or_default();
        let mut client = self.connect.client()?;
        let explanation = match self.watch(&mut client, name) {
            Ok(case) => case.explain(),
            Err(error) => match unavailable(name, &error) {
                Some(finding) => Explanation::without_group(name, finding),
                None => return Err(error.into()),
            },
        };
        let mut out = std::io::stdout().lock();
        match self.output.form() {
            Form::Json => writeln!(out, "{:#}", explanation.to_json())?,
            Form::Table | Form::Plain => out.write_all(explanation.to_text().as_bytes())?,
        }
        Ok(out.flush()?)
    }

    fn watch(&self, client: &mut Client, name: &str) -> Result<Case, ClientError> {
        let first = Look::take(client, name)?;
        if self.seconds == 0 {
            return Ok(Case { before: None, now: first });
        }
        let began = Instant::now();
        sleep(Duration::from_secs(self.seconds));
        let now = Look::take(client, name)?;
        Ok(Case { before: Some((first, began.elapsed())), now })
    }
}

/// What is to be explained: a group now, and some time before.
struct Case {
    /// The look before, and how long ago it was.
    before: Option<(Look, Duration)>,
    now: Look,
}

impl Case {
    fn explain(&self) -> Explanation {
        let mut findings = membership::findings(&self.now);
        findings.extend(turbulence::findings(&self.now));
        findings.extend(progress::findings(self));
        // The sort is stable: within a kind they stay in the order in which they were found.
        findings.sort_by_key(|finding| finding.severity);
        Explanation {
            group: self.now.group.id.clone(),
            summary: summary(&self.now),
            facts: facts(&self.now),
            findings,
            events: events(&self.now),
            unknown: self.unknown(),
        }
    }

    /// What nobody can tell here.
    fn unknown(&self) -> Vec<String> {
        let group = &self.now.group;
        let mut unknown = Vec::new();
        if self.now.account.is_none() {
            unknown.push(format!(
                "Broker {} does not tell what happened before, who left and why, and whom a rebalance waits for: it is no \
                 Strome, or an older one. Look for the group's name in its log.",
                group.coordinator
            ));
        }
        if !group.is_of_consumers && !group.members.is_empty() {
            unknown.push(
                "The members are no consumers: what they tell each other, and what was assigned to them, cannot be read."
                    .to_owned(),
            );
        }
        if self.before.is_none() {
            unknown.push("Whether the group gets on takes two looks: give it some --seconds.".to_owned());
        }
        unknown
    }
}

/// What was found out about a group.
struct Explanation {
    group: String,
    summary: String,
    /// The summary for programs.
    facts: Value,
    /// The worst first.
    findings: Vec<Finding>,
    /// What happened last, the oldest first: milliseconds ago, and what.
    events: Vec<(i64, String)>,
    /// What cannot be told, and why.
    unknown: Vec<String>,
}

impl Explanation {
    /// Of a group whose coordinator cannot be asked.
    fn without_group(group: &str, finding: Finding) -> Self {
        Self {
            group: group.to_owned(),
            summary: format!("Group {group} cannot be looked at."),
            facts: Value::Null,
            findings: vec![finding],
            events: Vec::new(),
            unknown: Vec::new(),
        }
    }

    fn has_problems(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Problem)
    }

    fn to_text(&self) -> String {
        let mut text = format!("{}\n", self.summary);
        if !self.has_problems() {
            text += "\nNothing is wrong with it, as far as can be seen.\n";
        }
        for Finding { text: what, advice, .. } in &self.findings {
            text += &format!("\n- {what}\n  {advice}\n");
        }
        if !self.events.is_empty() {
            text += "\nWhat happened last:\n";
        }
        let first = self.events.len().saturating_sub(EVENTS_SHOWN);
        for (age_ms, what) in self.events.iter().skip(first) {
            text += &format!("  {:>12}  {what}\n", ago(*age_ms));
        }
        for unknown in &self.unknown {
            text += &format!("\n{unknown}\n");
        }
        text
    }

    fn to_json(&self) -> Value {
        let finding = |finding: &Finding| {
            json!({
                "code": finding.code,
                "severity": finding.severity.name(),
                "text": finding.text,
                "advice": finding.advice,
            })
        };
        let event = |(age_ms, text): &(i64, String)| json!({ "agoMs": age_ms, "text": text });
        json!({
            "group": self.group,
            "summary": self.summary,
            "facts": self.facts,
            "problems": self.has_problems(),
            "findings": self.findings.iter().map(finding).collect::<Vec<_>>(),
            "events": self.events.iter().map(event).collect::<Vec<_>>(),
            "unknown": self.unknown,
        })
    }
}

fn kind(look: &Look) -> &'static str {
    match look.group.kind {
        GroupKind::Classic => "classic",
        GroupKind::Consumer => "consumer",
    }
}

fn summary(look: &Look) -> String {
    let group = &look.group;
    let assignor = Some(&group.assignor).filter(|assignor| !assignor.is_empty());
    let assignor = assignor.map(|assignor| format!(", assignor {assignor}")).unwrap_or_default();
    format!(
        "Group {} is {}: {} protocol{assignor}, {}, coordinated by broker {}.",
        group.id,
        group.state,
        kind(look),
        counted(group.members.len(), "member"),
        group.coordinator
    )
}

fn facts(look: &Look) -> Value {
    let group = &look.group;
    json!({
        "type": kind(look),
        "state": group.state,
        "assignor": group.assignor,
        "members": group.members.len(),
        "coordinator": group.coordinator.0,
        "lag": look.places.values().filter_map(look::Place::lag).sum::<i64>(),
    })
}

fn events(look: &Look) -> Vec<(i64, String)> {
    let Some(account) = &look.account else { return Vec::new() };
    account.events.iter().map(|(at, event)| (account.now.0 - at.0, event.to_string())).collect()
}

/// What an error says of the group's coordinator, if it does.
fn unavailable(group: &str, error: &ClientError) -> Option<Finding> {
    let (code, text, advice) = match error {
        ClientError::Refused { code: COORDINATOR_LOAD_IN_PROGRESS, .. } => (
            "coordinator-loading",
            format!(
                "The coordinator of group {group} is loading: it reads its partition of __consumer_offsets, and serves no \
                     group of it meanwhile."
            ),
            "That takes seconds at most. If it goes on, see the coordinator's log, and whether its disk keeps up.",
        ),
        ClientError::Refused { code: COORDINATOR_NOT_AVAILABLE | NOT_COORDINATOR, .. } => (
            "coordinator-unavailable",
            format!(
                "Nobody coordinates group {group} at the moment: its partition of __consumer_offsets has no leader, or \
                     cannot be read or made."
            ),
            "See 'strome topics describe __consumer_offsets' for the partitions without a leader, start their brokers, and \
             read the log of the one that leads.",
        ),
        ClientError::Advertised { broker, address, why } => (
            "coordinator-unreachable",
            format!(
                "Broker {broker}, which is needed for group {group}, cannot be reached at {address}: {why}."
            ),
            "Start it; if it runs, mend what lies between, or its advertised.listeners.",
        ),
        _ => return None,
    };
    Some(Finding::problem(code, text, advice))
}
