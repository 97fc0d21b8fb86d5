//! `strome groups describe`.

use clap::Args;
use serde_json::{Map, Value, json};
use types::{Offset, PartitionIndex};

use super::AnyGroups;
use super::lag::{Progress, progress};
use crate::cli::connect::Connect;
use crate::cli::failure::{Failure, complain};
use crate::cli::output::{Form, Output, Table, joined};
use crate::client::{Assignment, Client, ClientError, Group, GroupKind, GroupMember};

/// The arguments of `strome groups describe`.
#[derive(Args)]
pub struct Describe {
    #[command(flatten)]
    groups: AnyGroups,
    /// Show committed offsets, ends and lag of each partition; this is what is shown by default
    #[arg(long, conflicts_with_all = ["members", "state"])]
    offsets: bool,
    /// Show members and what is assigned to them
    #[arg(long, conflicts_with = "state")]
    members: bool,
    /// Show states, epochs and coordinators
    #[arg(long)]
    state: bool,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    connect: Connect,
}

impl Describe {
    /// Shows the groups; JSON tells everything whatever is asked for.
    pub fn run(self) -> Result<(), Failure> {
        let mut client = self.connect.client()?;
        let (groups, failed) = self.described(&mut client)?;
        let mut table = self.header();
        let mut values = Vec::new();
        let json = self.output.form() == Form::Json;
        for group in &groups {
            if self.state && !json {
                table.row(state_row(group));
            } else if self.members && !json {
                group.members.iter().for_each(|member| table.row(member_row(group, member)));
            } else {
                let progress = progress(&mut client, group)?;
                if json {
                    values.push(as_json(group, &progress));
                } else {
                    progress.iter().for_each(|progress| table.row(progress_row(group, progress)));
                }
            }
        }
        self.output.print(&table, || values.into())?;
        if failed { Err(Failure::Reported) } else { Ok(()) }
    }

    /// The groups that are meant, and whether there is one that cannot be described.
    fn described(&self, client: &mut Client) -> Result<(Vec<Group>, bool), Failure> {
        let mut names: Vec<String> = self.groups.names().iter().map(ToString::to_string).collect();
        if names.is_empty() {
            let mut listed = client.list_groups(&[], &[])?;
            // Groups that share records, and others to come, have no offsets of this kind.
            listed.retain(|group| matches!(group.kind.to_lowercase().as_str(), "" | "classic" | "consumer"));
            names.extend(listed.into_iter().map(|group| group.id));
        }
        let mut failed = false;
        let mut groups = Vec::new();
        for name in names {
            match client.describe_group(&name) {
                Ok(group) => groups.push(group),
                Err(error @ (ClientError::UnknownGroup(_) | ClientError::Refused { .. })) => {
                    failed = true;
                    complain(&error.to_string());
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok((groups, failed))
    }

    fn header(&self) -> Table {
        if self.state {
            return Table::new(&["GROUP", "TYPE", "STATE", "ASSIGNOR", "EPOCH", "MEMBERS", "COORDINATOR"]);
        }
        if self.members {
            return Table::new(&[
                "GROUP", "MEMBER", "INSTANCE", "CLIENT", "HOST", "EPOCH", "COUNT", "ASSIGNED", "TARGET",
            ]);
        }
        Table::new(&["GROUP", "TOPIC", "PARTITION", "COMMITTED", "END", "LAG", "MEMBER", "CLIENT", "HOST"])
    }
}

fn kind(group: &Group) -> &'static str {
    match group.kind {
        GroupKind::Classic => "classic",
        GroupKind::Consumer => "consumer",
    }
}

fn state_row(group: &Group) -> Vec<String> {
    vec![
        group.id.clone(),
        kind(group).to_owned(),
        group.state.clone(),
        group.assignor.clone(),
        group.epochs.map(|epochs| epochs.group.to_string()).unwrap_or_default(),
        group.members.len().to_string(),
        group.coordinator.to_string(),
    ]
}

fn member_row(group: &Group, member: &GroupMember) -> Vec<String> {
    // What is still to come, or to be given up, shows only while it differs.
    let target = member.target.as_ref().filter(|target| **target != member.assignment);
    vec![
        group.id.clone(),
        member.id.clone(),
        member.instance.clone().unwrap_or_default(),
        member.client_id.clone(),
        member.host.clone(),
        member.epoch.map(|epoch| epoch.to_string()).unwrap_or_default(),
        member.partition_count().to_string(),
        shown(&member.assignment),
        target.map(shown).unwrap_or_default(),
    ]
}

fn progress_row(group: &Group, progress: &Progress<'_>) -> Vec<String> {
    let number = |number: Option<i64>| number.map(|number| number.to_string()).unwrap_or_default();
    let member = |text: fn(&GroupMember) -> &String| progress.member.map(text).cloned().unwrap_or_default();
    vec![
        group.id.clone(),
        progress.topic.clone(),
        progress.partition.to_string(),
        number(progress.committed.map(|offset| offset.0)),
        number(progress.end.map(|offset| offset.0)),
        number(progress.lag()),
        member(|member| &member.id),
        member(|member| &member.client_id),
        member(|member| &member.host),
    ]
}

/// `orders:0,1 payments:3`.
fn shown(assignment: &Assignment) -> String {
    let topic = |(topic, partitions): (&String, &Vec<PartitionIndex>)| {
        format!("{topic}:{}", joined(&numbers(partitions)))
    };
    assignment.iter().map(topic).collect::<Vec<_>>().join(" ")
}

fn numbers(partitions: &[PartitionIndex]) -> Vec<i32> {
    partitions.iter().map(|partition| partition.0).collect()
}

fn as_json(group: &Group, progress: &[Progress<'_>]) -> Value {
    let offset = |offset: Option<Offset>| offset.map(|offset| offset.0);
    let partition = |progress: &Progress<'_>| {
        json!({
            "topic": progress.topic,
            "partition": progress.partition.0,
            "committed": offset(progress.committed),
            "end": offset(progress.end),
            "lag": progress.lag(),
            "member": progress.member.map(|member| &member.id),
        })
    };
    json!({
        "group": group.id,
        "type": kind(group),
        "state": group.state,
        "assignor": group.assignor,
        "groupEpoch": group.epochs.map(|epochs| epochs.group),
        "assignmentEpoch": group.epochs.map(|epochs| epochs.assignment),
        "coordinator": group.coordinator.0,
        "members": group.members.iter().map(member_json).collect::<Vec<_>>(),
        "offsets": progress.iter().map(partition).collect::<Vec<_>>(),
    })
}

fn member_json(member: &GroupMember) -> Value {
    let assignment = |assignment: &Assignment| -> Value {
        let topic = |(topic, partitions): (&String, &Vec<PartitionIndex>)| {
            (topic.clone(), Value::from(numbers(partitions)))
        };
        assignment.iter().map(topic).collect::<Map<_, _>>().into()
    };
    json!({
        "member": member.id,
        "instance": member.instance,
        "client": member.client_id,
        "host": member.host,
        "epoch": member.epoch,
        "protocol": if member.is_classic { "classic" } else { "consumer" },
        "topics": member.topics,
        "pattern": member.pattern,
        "assignment": assignment(&member.assignment),
        "target": member.target.as_ref().map(assignment),
    })
}
