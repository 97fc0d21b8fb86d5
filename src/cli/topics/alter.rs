//! `strome topics alter`.

use clap::Args;
use protocol::Str;
use protocol::messages::CreatePartitionsRequest;
use protocol::messages::topics::{CreatePartitionsAssignment, CreatePartitionsTopic};

use super::replica_assignment;
use crate::cli::change::{Change, report};
use crate::cli::connect::{Connect, SomeTopics};
use crate::cli::failure::Failure;
use crate::client::{Client, ClientError};

/// The arguments of `strome topics alter`.
#[derive(Args)]
pub struct Alter {
    #[command(flatten)]
    topics: SomeTopics,
    /// How many partitions there shall be altogether; their number can only grow
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..))]
    partitions: i32,
    /// The brokers of each partition, those that are there included: 1:2,2:1,1:2
    #[arg(long, value_name = "IDS", value_parser = replica_assignment)]
    replica_assignment: Option<std::vec::Vec<Vec<i32>>>,
    /// Pass over topics that are not there
    #[arg(long)]
    if_exists: bool,
    /// Let the broker check everything, but change nothing
    #[arg(long)]
    validate_only: bool,
    #[command(flatten)]
    connect: Connect,
}

impl Alter {
    /// Adds the partitions.
    pub fn run(self) -> Result<(), Failure> {
        let mut client = self.connect.client()?;
        let mut changes = Vec::new();
        let mut topics = Vec::new();
        for name in self.topics.names() {
            match self.topic(&mut client, name) {
                Ok(topic) => topics.push(topic),
                Err(Failure::Client(ClientError::UnknownTopic(_))) if self.if_exists => {
                    changes.push(Change::Needless(format!("there is no topic {name}")));
                }
                Err(Failure::Client(error @ ClientError::UnknownTopic(_))) => {
                    changes.push(Change::Refused(error.to_string()));
                }
                Err(failure) => return Err(failure),
            }
        }
        if !topics.is_empty() {
            let timeout_ms = i32::try_from(client.options().request_timeout.as_millis()).unwrap_or(i32::MAX);
            let request = CreatePartitionsRequest { topics, timeout_ms, validate_only: self.validate_only };
            let response = client.ask_controller(&request, |response| {
                response.results.iter().map(|topic| topic.error_code).collect()
            })?;
            changes.extend(response.results.iter().map(|result| match result.error_code {
                0 if self.validate_only => {
                    Change::Made(format!("topic {} could have {} partitions", result.name, self.partitions))
                }
                0 => Change::Made(format!("topic {} has {} partitions now", result.name, self.partitions)),
                code => {
                    let what = format!("cannot add partitions to topic {}", result.name);
                    let message = result.error_message.as_ref().map(ToString::to_string);
                    Change::Refused(ClientError::Refused { what, code, message }.to_string())
                }
            }));
        }
        report(changes)
    }

    fn topic(&self, client: &mut Client, name: &str) -> Result<CreatePartitionsTopic, Failure> {
        let existing = client.topic(name, false)?.partitions.len();
        let assignments = match &self.replica_assignment {
            None => None,
            Some(all) if usize::try_from(self.partitions) == Ok(all.len()) => {
                let new = all.iter().skip(existing);
                Some(new.map(|ids| CreatePartitionsAssignment { broker_ids: ids.clone() }).collect())
            }
            Some(all) => {
                let text =
                    format!("--replica-assignment lists {} partitions of {}", all.len(), self.partitions);
                return Err(Failure::Said(text));
            }
        };
        Ok(CreatePartitionsTopic { name: Str::from(name), count: self.partitions, assignments })
    }
}
