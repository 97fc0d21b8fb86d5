//! `strome topics describe`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write as _};

use clap::Args;
use protocol::Str;
use protocol::messages::DescribeConfigsRequest;
use protocol::messages::configs::DescribeConfigsResource;
use serde_json::{Value, json};

use crate::cli::connect::{AnyTopics, Connect};
use crate::cli::failure::{Failure, complain};
use crate::cli::output::{Form, Output, Table, joined};
use crate::client::{Client, ClientError, Partition, Topic};

const RESOURCE_TOPIC: i8 = 2;
const SOURCE_TOPIC: i8 = 1;
const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;

/// The arguments of `strome topics describe`.
#[derive(Args)]
pub struct Describe {
    #[command(flatten)]
    topics: AnyTopics,
    /// Leave out Kafka's own topics
    #[arg(long)]
    exclude_internal: bool,
    /// Only partitions of which a replica is not in sync
    #[arg(long)]
    under_replicated_partitions: bool,
    /// Only partitions without a leader
    #[arg(long)]
    unavailable_partitions: bool,
    /// Take topics that are not there for described
    #[arg(long)]
    if_exists: bool,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    connect: Connect,
}

/// The settings that a topic has of its own.
type Settings = BTreeMap<String, String>;

impl Describe {
    /// Shows the topics.
    pub fn run(self) -> Result<(), Failure> {
        let mut client = self.connect.client()?;
        let names = self.topics.names();
        let response = client.metadata(if names.is_empty() { None } else { Some(&names) }, false)?;
        let mut failed = false;
        let mut topics = Vec::new();
        for topic in &response.topics {
            let name = topic.name.as_deref().unwrap_or_default();
            match topic.error_code {
                0 => topics.push(Topic::from(topic)),
                UNKNOWN_TOPIC_OR_PARTITION if self.if_exists => {}
                UNKNOWN_TOPIC_OR_PARTITION => {
                    failed = true;
                    complain(&ClientError::UnknownTopic(name.to_owned()).to_string());
                }
                code => {
                    failed = true;
                    let what = format!("topic {name}");
                    complain(&ClientError::Refused { what, code, message: None }.to_string());
                }
            }
        }
        topics.retain(|topic| !(self.exclude_internal && topic.is_internal));
        topics.sort_by(|a, b| a.name.cmp(&b.name));
        let settings = settings(&mut client, &topics)?;
        self.print(&topics, &settings)?;
        if failed { Err(Failure::Reported) } else { Ok(()) }
    }

    fn is_shown(&self, partition: &Partition) -> bool {
        let lagging = partition.isr.len() < partition.replicas.len();
        (!self.under_replicated_partitions || lagging)
            && (!self.unavailable_partitions || partition.leader.is_none())
    }

    fn print(&self, topics: &[Topic], settings: &BTreeMap<String, Settings>) -> io::Result<()> {
        let filters = self.under_replicated_partitions || self.unavailable_partitions;
        let none = Settings::new();
        let mut text = String::new();
        let mut values = Vec::new();
        for topic in topics {
            let own = settings.get(&topic.name).unwrap_or(&none);
            let shown: Vec<_> = topic.partitions.iter().filter(|(_, p)| self.is_shown(p)).collect();
            if filters && shown.is_empty() {
                continue;
            }
            let mut table = Table::new(match self.output.form() {
                Form::Plain => &["TOPIC", "PARTITION", "LEADER", "EPOCH", "REPLICAS", "ISR", "OFFLINE"],
                _ => &["PARTITION", "LEADER", "EPOCH", "REPLICAS", "ISR", "OFFLINE"],
            });
            for (index, partition) in &shown {
                let mut row = vec![
                    index.to_string(),
                    partition.leader.map_or("none".to_owned(), |leader| leader.to_string()),
                    partition.leader_epoch.to_string(),
                    joined(&partition.replicas),
                    joined(&partition.isr),
                    joined(&partition.offline),
                ];
                if self.output.form() == Form::Plain {
                    row.insert(0, topic.name.clone());
                }
                table.row(row);
            }
            match self.output.form() {
                Form::Plain => text += &table.plain(),
                Form::Table => {
                    let gap = if text.is_empty() { "" } else { "\n" };
                    // Writing to a string cannot fail.
                    let _ = write!(text, "{gap}{}\n{}", headline(topic, own), table.aligned());
                }
                Form::Json => values.push(as_json(topic, own, &shown.into_iter().collect::<Vec<_>>())),
            }
        }
        let mut out = io::stdout().lock();
        match self.output.form() {
            Form::Json => writeln!(out, "{:#}", Value::from(values))?,
            _ => out.write_all(text.as_bytes())?,
        }
        out.flush()
    }
}

fn headline(topic: &Topic, settings: &Settings) -> String {
    let own: Vec<String> = settings.iter().map(|(key, value)| format!("{key}={value}")).collect();
    format!(
        "Topic: {}  TopicId: {}  PartitionCount: {}  ReplicationFactor: {}  Configs: {}",
        topic.name,
        topic.id,
        topic.partitions.len(),
        topic.replication_factor(),
        if own.is_empty() { "-".to_owned() } else { own.join(",") }
    )
}

fn as_json(topic: &Topic, settings: &Settings, shown: &[(&types::PartitionIndex, &Partition)]) -> Value {
    let partition = |(index, partition): &(&types::PartitionIndex, &Partition)| {
        json!({
            "partition": index.0,
            "leader": partition.leader.map(|leader| leader.0),
            "leaderEpoch": partition.leader_epoch.0,
            "replicas": partition.replicas,
            "isr": partition.isr,
            "offlineReplicas": partition.offline,
        })
    };
    json!({
        "topic": topic.name,
        "topicId": topic.id.to_string(),
        "internal": topic.is_internal,
        "partitionCount": topic.partitions.len(),
        "replicationFactor": topic.replication_factor(),
        "configs": settings,
        "partitions": shown.iter().map(partition).collect::<Vec<_>>(),
    })
}

/// The settings that the topics have of their own; none from a broker that does not show settings.
fn settings(client: &mut Client, topics: &[Topic]) -> Result<BTreeMap<String, Settings>, Failure> {
    if topics.is_empty() {
        return Ok(BTreeMap::new());
    }
    let resource = |topic: &Topic| DescribeConfigsResource {
        resource_type: RESOURCE_TOPIC,
        resource_name: Str::from(topic.name.as_str()),
        configuration_keys: None,
    };
    let request =
        DescribeConfigsRequest { resources: topics.iter().map(resource).collect(), ..Default::default() };
    let response = match client.ask(&request) {
        Err(ClientError::Unsupported { .. }) => return Ok(BTreeMap::new()),
        answered => answered?,
    };
    let mut settings = BTreeMap::new();
    for result in &response.results {
        let own = result.configs.iter().filter(|config| config.config_source == SOURCE_TOPIC);
        let shown = own.map(|config| {
            let value = config.value.as_ref().map_or("(hidden)".to_owned(), ToString::to_string);
            (config.name.to_string(), value)
        });
        settings.insert(result.resource_name.to_string(), shown.collect::<Settings>());
    }
    Ok(settings)
}
