//! `strome configs describe`.

use clap::Args;
use protocol::Str;
use protocol::messages::DescribeConfigsRequest;
use protocol::messages::configs::{DescribeConfigsResource, DescribeConfigsResourceResult};
use serde_json::{Value, json};

use super::entity::{Entity, EntityArgs};
use crate::cli::connect::Connect;
use crate::cli::failure::Failure;
use crate::cli::output::{Output, Table};
use crate::client::ClientError;

/// The arguments of `strome configs describe`.
#[derive(Args)]
pub struct Describe {
    #[command(flatten)]
    entity: EntityArgs,
    /// Show all settings, not only those that were set for just this entity
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    connect: Connect,
}

impl Describe {
    /// Shows the settings.
    pub fn run(self) -> Result<(), Failure> {
        let mut client = self.connect.client()?;
        let mut table = Table::new(&["ENTITY", "SETTING", "SOURCE", "READ-ONLY", "VALUE"]);
        let mut values = Vec::new();
        for entity in self.entity.entities(&mut client, false)? {
            let request = DescribeConfigsRequest {
                resources: vec![DescribeConfigsResource {
                    resource_type: entity.resource_type,
                    resource_name: Str::from(entity.name.as_str()),
                    configuration_keys: None,
                }],
                include_synonyms: true,
                include_documentation: false,
            };
            let response = entity.ask(&mut client, &request)?;
            for result in &response.results {
                let message = result.error_message.as_deref();
                ClientError::check(result.error_code, message, || format!("settings of {entity}"))?;
                let mut configs: Vec<&DescribeConfigsResourceResult> =
                    result.configs.iter().filter(|c| self.all || entity.owns(c.config_source)).collect();
                configs.sort_by(|a, b| a.name.as_str().cmp(b.name.as_str()));
                for config in &configs {
                    let name = if entity.name.is_empty() { entity.kind() } else { &entity.name };
                    table.row(vec![
                        name.to_owned(),
                        config.name.to_string(),
                        source(config.config_source).to_owned(),
                        if config.read_only { "yes" } else { "no" }.to_owned(),
                        shown_value(config),
                    ]);
                }
                values.push(as_json(&entity, &configs));
            }
        }
        Ok(self.output.print(&table, || Value::from(values))?)
    }
}

fn shown_value(config: &DescribeConfigsResourceResult) -> String {
    match &config.value {
        _ if config.is_sensitive => "(hidden)".to_owned(),
        Some(value) => value.to_string(),
        None => "(null)".to_owned(),
    }
}

/// Kafka's names of where a value comes from, in the words of its settings.
fn source(source: i8) -> &'static str {
    match source {
        1 => "topic",
        2 => "broker",
        3 => "broker-defaults",
        4 => "file",
        5 => "default",
        6 => "broker-logger",
        7 => "client-metrics",
        8 => "group",
        _ => "unknown",
    }
}

fn as_json(entity: &Entity, configs: &[&DescribeConfigsResourceResult]) -> Value {
    let hidden = |config: &DescribeConfigsResourceResult, value: &Option<Str>| {
        value.as_ref().filter(|_| !config.is_sensitive).map(|value| value.as_str().to_owned())
    };
    let config = |config: &&DescribeConfigsResourceResult| {
        let synonyms = config.synonyms.iter().map(|synonym| {
            json!({
                "name": synonym.name.as_str(),
                "value": hidden(config, &synonym.value),
                "source": source(synonym.source),
            })
        });
        json!({
            "name": config.name.as_str(),
            "value": hidden(config, &config.value),
            "source": source(config.config_source),
            "readOnly": config.read_only,
            "sensitive": config.is_sensitive,
            "synonyms": synonyms.collect::<Vec<_>>(),
        })
    };
    json!({
        "entityType": entity.kind(),
        "entityName": entity.name,
        "configs": configs.iter().map(config).collect::<Vec<_>>(),
    })
}
