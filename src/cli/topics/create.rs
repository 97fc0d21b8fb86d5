//! `strome topics create`.

use clap::Args;
use protocol::Str;
use protocol::messages::CreateTopicsRequest;
use protocol::messages::topics::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig, CreatableTopicResult,
};

use super::replica_assignment;
use crate::cli::change::{Change, report};
use crate::cli::connect::{Connect, SomeTopics, key_value};
use crate::cli::failure::Failure;
use crate::client::ClientError;

const TOPIC_ALREADY_EXISTS: i16 = 36;

/// The arguments of `strome topics create`.
#[derive(Args)]
pub struct Create {
    #[command(flatten)]
    topics: SomeTopics,
    /// How many partitions to make [default: the broker's num.partitions]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..))]
    partitions: Option<i32>,
    /// How many replicas of each partition to make [default: the broker's default.replication.factor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i16).range(1..))]
    replication_factor: Option<i16>,
    /// The brokers of each partition, the preferred leader first: 1:2,2:1
    #[arg(
        long, value_name = "IDS", value_parser = replica_assignment,
        conflicts_with_all = ["partitions", "replication_factor"]
    )]
    replica_assignment: Option<std::vec::Vec<Vec<i32>>>,
    /// A setting of the topic; may be given many times
    #[arg(long = "config", value_name = "KEY=VALUE", value_parser = key_value)]
    configs: Vec<(String, String)>,
    /// Leave topics alone that are there already
    #[arg(long)]
    if_not_exists: bool,
    /// Let the broker check everything, but change nothing
    #[arg(long)]
    validate_only: bool,
    #[command(flatten)]
    connect: Connect,
}

impl Create {
    /// Creates the topics.
    pub fn run(self) -> Result<(), Failure> {
        let mut client = self.connect.client()?;
        let request = CreateTopicsRequest {
            topics: self.topics.names().into_iter().map(|name| self.topic(name)).collect(),
            timeout_ms: i32::try_from(client.options().request_timeout.as_millis()).unwrap_or(i32::MAX),
            validate_only: self.validate_only,
        };
        let response = client.ask_controller(&request, |response| {
            response.topics.iter().map(|topic| topic.error_code).collect()
        })?;
        report(response.topics.iter().map(|topic| self.change(topic)).collect())
    }

    fn topic(&self, name: &str) -> CreatableTopic {
        let config = |(key, value): &(String, String)| CreatableTopicConfig {
            name: Str::from(key.as_str()),
            value: Some(Str::from(value.as_str())),
        };
        let assignment = |(partition_index, brokers): (i32, &Vec<i32>)| CreatableReplicaAssignment {
            partition_index,
            broker_ids: brokers.clone(),
        };
        CreatableTopic {
            name: Str::from(name),
            num_partitions: self.partitions.unwrap_or(-1),
            replication_factor: self.replication_factor.unwrap_or(-1),
            assignments: (0..).zip(self.replica_assignment.iter().flatten()).map(assignment).collect(),
            configs: self.configs.iter().map(config).collect(),
        }
    }

    fn change(&self, topic: &CreatableTopicResult) -> Change {
        let name = &topic.name;
        match topic.error_code {
            0 => {
                let done = if self.validate_only { "could create" } else { "created" };
                let mut text = format!("{done} topic {name}");
                // Before version 5 the answer does not tell.
                if topic.num_partitions > 0 {
                    let (partitions, replicas) = (topic.num_partitions, topic.replication_factor);
                    text += &format!(" (partitions: {partitions}, replication factor: {replicas})");
                }
                Change::Made(text)
            }
            TOPIC_ALREADY_EXISTS if self.if_not_exists => {
                Change::Needless(format!("topic {name} is there already"))
            }
            code => {
                let what = format!("cannot create topic {name}");
                let message = topic.error_message.as_ref().map(|message| message.to_string());
                Change::Refused(ClientError::Refused { what, code, message }.to_string())
            }
        }
    }
}
