//! `strome log-dirs`.

use clap::Args;
use protocol::messages::DescribeLogDirsRequest;
use protocol::messages::log_dirs::DescribeLogDirsResult;
use serde_json::{Value, json};
use types::BrokerId;

use super::connect::{AnyTopics, Connect};
use super::failure::{Failure, complain};
use super::output::{Output, Table};
use crate::client::{ClientError, error_name};

/// The arguments of `strome log-dirs`.
#[derive(Args)]
pub struct LogDirs {
    #[command(flatten)]
    topics: AnyTopics,
    /// Only these brokers: 1,2 [default: all]
    #[arg(long, value_name = "ID,...", value_delimiter = ',')]
    broker_list: Vec<i32>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    connect: Connect,
}

impl LogDirs {
    /// Shows the directories and the partitions in them.
    pub fn run(self) -> Result<(), Failure> {
        let mut client = self.connect.client()?;
        client.metadata(Some(&[]), false)?;
        let known: Vec<BrokerId> = client.brokers().map(|(id, _)| id).collect();
        let chosen: Vec<BrokerId> = self.broker_list.iter().copied().map(BrokerId).collect();
        let brokers = if chosen.is_empty() { known } else { chosen };
        let mut table = Table::new(&["BROKER", "DIRECTORY", "TOPIC", "PARTITION", "BYTES", "LAG"]);
        let mut values = Vec::new();
        let mut failed = false;
        for broker in brokers {
            let response = client.ask_broker(broker, &DescribeLogDirsRequest { topics: None })?;
            let what = || format!("log directories of broker {broker}");
            ClientError::check(response.error_code, None, what)?;
            for directory in &response.results {
                if directory.error_code != 0 {
                    failed = true;
                    let why = error_name(directory.error_code);
                    complain(&format!("broker {broker}, {}: {why}", directory.log_dir));
                }
                self.rows(broker, directory, &mut table);
            }
            let directories = response.results.iter().map(|directory| self.as_json(directory));
            values.push(json!({ "broker": broker.0, "logDirs": directories.collect::<Vec<_>>() }));
        }
        self.output.print(&table, || json!({ "version": 1, "brokers": values }))?;
        if failed { Err(Failure::Reported) } else { Ok(()) }
    }

    fn is_shown(&self, topic: &str) -> bool {
        let names = self.topics.names();
        names.is_empty() || names.contains(&topic)
    }

    fn rows(&self, broker: BrokerId, directory: &DescribeLogDirsResult, table: &mut Table) {
        let mut topics: Vec<_> = directory.topics.iter().filter(|topic| self.is_shown(&topic.name)).collect();
        topics.sort_by(|a, b| a.name.as_str().cmp(b.name.as_str()));
        for topic in topics {
            let mut partitions: Vec<_> = topic.partitions.iter().collect();
            partitions.sort_by_key(|partition| partition.partition_index);
            for partition in partitions {
                table.row(vec![
                    broker.to_string(),
                    directory.log_dir.to_string(),
                    topic.name.to_string(),
                    partition.partition_index.to_string(),
                    partition.partition_size.to_string(),
                    partition.offset_lag.to_string(),
                ]);
            }
        }
    }

    /// In the form of Kafka's tool, with the sizes of the volumes.
    fn as_json(&self, directory: &DescribeLogDirsResult) -> Value {
        let topics = directory.topics.iter().filter(|topic| self.is_shown(&topic.name));
        let partitions = topics.flat_map(|topic| {
            topic.partitions.iter().map(|partition| {
                json!({
                    "partition": format!("{}-{}", topic.name, partition.partition_index),
                    "size": partition.partition_size,
                    "offsetLag": partition.offset_lag,
                    "isFuture": partition.is_future_key,
                })
            })
        });
        let error = Some(directory.error_code).filter(|code| *code != 0).map(error_name);
        json!({
            "logDir": directory.log_dir.as_str(),
            "error": error,
            "totalBytes": directory.total_bytes,
            "usableBytes": directory.usable_bytes,
            "partitions": partitions.collect::<Vec<_>>(),
        })
    }
}
