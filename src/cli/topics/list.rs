//! `strome topics list`.

use clap::Args;
use serde_json::json;

use crate::cli::connect::Connect;
use crate::cli::failure::Failure;
use crate::cli::output::{Output, Table};
use crate::client::Topic;

/// The arguments of `strome topics list`.
#[derive(Args)]
pub struct List {
    /// Leave out Kafka's own topics
    #[arg(long)]
    exclude_internal: bool,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    connect: Connect,
}

impl List {
    /// Lists the topics by name.
    pub fn run(self) -> Result<(), Failure> {
        let mut client = self.connect.client()?;
        let response = client.metadata(None, false)?;
        let mut topics: Vec<Topic> = response.topics.iter().map(Topic::from).collect();
        topics.retain(|topic| !(self.exclude_internal && topic.is_internal));
        topics.sort_by(|a, b| a.name.cmp(&b.name));
        let mut table = Table::new(&["TOPIC", "PARTITIONS", "REPLICATION", "ID"]);
        for topic in &topics {
            let (partitions, replicas) = (topic.partitions.len(), topic.replication_factor());
            let id = if topic.id.is_zero() { String::new() } else { topic.id.to_string() };
            table.row(vec![topic.name.clone(), partitions.to_string(), replicas.to_string(), id]);
        }
        let json = |topic: &Topic| {
            json!({
                "topic": topic.name,
                "topicId": topic.id.to_string(),
                "internal": topic.is_internal,
                "partitionCount": topic.partitions.len(),
                "replicationFactor": topic.replication_factor(),
            })
        };
        Ok(self.output.print(&table, || topics.iter().map(json).collect())?)
    }
}
