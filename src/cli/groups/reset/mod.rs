//! `strome groups reset-offsets`.

mod file;
mod plan;
mod time;

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Args;
use serde_json::json;
use types::{Offset, PartitionIndex, TimestampMs};

use crate::cli::connect::Connect;
use crate::cli::consume::partition_list;
use crate::cli::failure::{Failure, complain};
use crate::cli::output::{Output, Table};
use crate::cli::say;
use crate::client::{Client, ClientError, Committed, OffsetTarget, RefusedCommit};
use plan::{Scope, Step, Target, TopicScope, plan};

/// The state of a group that only has offsets.
const EMPTY: &str = "Empty";

/// The arguments of `strome groups reset-offsets`.
#[derive(Args)]
pub struct ResetOffsets {
    /// The group
    #[arg(value_name = "GROUP", required_unless_present = "group", conflicts_with = "group")]
    name: Option<String>,
    /// The group, as in Kafka's tools
    #[arg(long = "group", id = "group", value_name = "GROUP")]
    option: Option<String>,
    /// A topic, or some of its partitions: orders:0,2,5-7; may be given many times
    #[arg(long, value_name = "TOPIC[:PARTITIONS]", value_parser = topic_scope)]
    #[arg(required_unless_present_any = ["all_topics", "from_file"], conflicts_with_all = ["all_topics", "from_file"])]
    topic: Vec<TopicScope>,
    /// All partitions that the group has committed offsets of
    #[arg(long, conflicts_with = "from_file")]
    all_topics: bool,
    #[command(flatten)]
    target: TargetArgs,
    /// Commit the new offsets; without it they are only shown
    #[arg(long)]
    execute: bool,
    /// Only show the new offsets; this is the default
    #[arg(long, conflicts_with = "execute")]
    dry_run: bool,
    /// Print the new offsets as lines for --from-file
    #[arg(long, conflicts_with = "output")]
    export: bool,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    connect: Connect,
}

/// Where to.
#[derive(Args)]
#[group(required = true, multiple = false)]
struct TargetArgs {
    /// To the first record that is there
    #[arg(long)]
    to_earliest: bool,
    /// Behind the last record
    #[arg(long)]
    to_latest: bool,
    /// To what is committed, and behind the last record where nothing is
    #[arg(long)]
    to_current: bool,
    /// To the first record of a time: 2026-03-01T12:30:00 (UTC, or with +01:00 behind it), or @MS
    #[arg(long, value_name = "TIME", value_parser = time::point)]
    to_datetime: Option<TimestampMs>,
    /// To the first record that is not older than this: PT12H, P7D, 90m
    #[arg(long, value_name = "DURATION", value_parser = time::duration)]
    by_duration: Option<Duration>,
    /// To an offset, or the nearest that is there
    #[arg(long, value_name = "OFFSET", value_parser = clap::value_parser!(i64).range(0..))]
    to_offset: Option<i64>,
    /// So many records on from what is committed, or back if the number is negative
    #[arg(long, value_name = "COUNT", allow_negative_numbers = true)]
    shift_by: Option<i64>,
    /// To offsets in lines of topic,partition,offset
    #[arg(long, value_name = "PATH")]
    from_file: Option<PathBuf>,
}

impl TargetArgs {
    fn target(&self, group: &str) -> Result<Target, Failure> {
        let before = |ago: Duration| {
            let then =
                SystemTime::now().checked_sub(ago).and_then(|then| then.duration_since(UNIX_EPOCH).ok());
            let ms = then.map_or(0, |then| i64::try_from(then.as_millis()).unwrap_or(i64::MAX));
            OffsetTarget::AtOrAfter(TimestampMs(ms))
        };
        if let Some(path) = &self.from_file {
            let read = fs::read_to_string(path).map_err(|error| error.to_string());
            let offsets = read.and_then(|text| file::read(&text, group));
            return offsets
                .map(Target::Given)
                .map_err(|why| Failure::Said(format!("{}: {why}", path.display())));
        }
        Ok(match (self.to_datetime, self.by_duration, self.to_offset, self.shift_by) {
            (Some(time), ..) => Target::Found(OffsetTarget::AtOrAfter(time)),
            (_, Some(ago), ..) => Target::Found(before(ago)),
            (.., Some(offset), _) => Target::At(Offset(offset)),
            (.., Some(count)) => Target::Shifted(count),
            _ if self.to_earliest => Target::Found(OffsetTarget::Earliest),
            _ if self.to_current => Target::Current,
            _ => Target::Found(OffsetTarget::Latest),
        })
    }
}

/// Reads `TOPIC` or `TOPIC:PARTITIONS`.
fn topic_scope(text: &str) -> Result<TopicScope, String> {
    let (name, partitions) = match text.split_once(':') {
        Some((name, partitions)) => (name, Some(partition_list(partitions)?)),
        None => (text, None),
    };
    if name.is_empty() {
        return Err("the topic's name is missing".to_owned());
    }
    let partitions = partitions.map(|list| list.into_iter().map(PartitionIndex).collect());
    Ok(TopicScope { name: name.to_owned(), partitions })
}

impl ResetOffsets {
    /// Shows the new offsets, and commits them if that is asked for.
    pub fn run(self) -> Result<(), Failure> {
        let group = self.name.as_deref().or(self.option.as_deref()).unwrap_or_default();
        let target = self.target.target(group)?;
        let mut client = self.connect.client()?;
        refuse_active(&mut client, group)?;
        let scope = if self.all_topics { Scope::Committed } else { Scope::Topics(&self.topic) };
        let mut steps = plan(&mut client, group, &scope, &target)?;
        let refused = if self.execute { execute(&mut client, group, &mut steps)? } else { Vec::new() };
        self.print(group, &steps)?;
        for refused in &refused {
            let RefusedCommit { topic, partition, code } = refused;
            let what = format!("cannot set the offset of partition {partition} of {topic}");
            complain(&ClientError::Refused { what, code: *code, message: None }.to_string());
        }
        if !self.execute && !self.export {
            complain("nothing was changed: this is what --execute would commit");
        }
        if refused.is_empty() { Ok(()) } else { Err(Failure::Reported) }
    }

    fn print(&self, group: &str, steps: &[Step]) -> Result<(), Failure> {
        if self.export {
            for step in steps {
                say(&format!("{},{},{}", step.topic, step.partition, step.new))?;
            }
            return Ok(());
        }
        let mut table = Table::new(&["GROUP", "TOPIC", "PARTITION", "COMMITTED", "NEW"]);
        for step in steps {
            table.row(vec![
                group.to_owned(),
                step.topic.clone(),
                step.partition.to_string(),
                step.committed.map(|offset| offset.to_string()).unwrap_or_default(),
                step.new.to_string(),
            ]);
        }
        let step = |step: &Step| {
            json!({
                "topic": step.topic,
                "partition": step.partition.0,
                "committed": step.committed.map(|offset| offset.0),
                "new": step.new.0,
            })
        };
        let steps = || steps.iter().map(step).collect::<Vec<_>>();
        let json = || json!({ "group": group, "executed": self.execute, "offsets": steps() });
        Ok(self.output.print(&table, json)?)
    }
}

/// Members go on from where they are, and commit over what is set here. A group that is not there yet is made by its
/// first offsets.
fn refuse_active(client: &mut Client, group: &str) -> Result<(), Failure> {
    match client.describe_group(group) {
        Ok(described) if described.state != EMPTY || !described.members.is_empty() => {
            let (state, members) = (described.state, described.members.len());
            Err(Failure::Said(format!(
                "group {group} is in use (state {state}, members: {members}); they would commit over what is set \
                 here: stop them first"
            )))
        }
        Ok(_) => Ok(()),
        Err(ClientError::UnknownGroup(_)) => {
            complain(&format!("there is no group {group} yet"));
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

/// Commits the new offsets, and keeps the steps that were taken.
fn execute(
    client: &mut Client,
    group: &str,
    steps: &mut Vec<Step>,
) -> Result<Vec<RefusedCommit>, ClientError> {
    let mut offsets = Committed::new();
    for step in steps.iter() {
        offsets.entry(step.topic.clone()).or_default().insert(step.partition, step.new);
    }
    let refused = client.commit(group, &offsets)?;
    steps.retain(|step| !refused.iter().any(|r| r.topic == step.topic && r.partition == step.partition));
    Ok(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_meant_as_a_whole_or_in_part() {
        let scope = |name: &str, partitions: Option<Vec<i32>>| TopicScope {
            name: name.to_owned(),
            partitions: partitions.map(|list| list.into_iter().map(PartitionIndex).collect()),
        };
        assert_eq!(topic_scope("orders"), Ok(scope("orders", None)));
        assert_eq!(topic_scope("orders:2,0"), Ok(scope("orders", Some(vec![0, 2]))));
        for bad in ["", ":1", "orders:", "orders:x"] {
            assert!(topic_scope(bad).is_err(), "{bad:?}");
        }
    }
}
