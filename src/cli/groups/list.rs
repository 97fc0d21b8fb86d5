//! `strome groups list`.

use clap::Args;
use serde_json::json;

use crate::cli::connect::Connect;
use crate::cli::failure::Failure;
use crate::cli::output::{Output, Table};
use crate::client::ListedGroup;

/// The arguments of `strome groups list`.
#[derive(Args)]
pub struct List {
    /// Only groups in these states: Empty, Stable, PreparingRebalance, CompletingRebalance, Assigning, Reconciling
    #[arg(long, value_name = "STATE,...", value_delimiter = ',')]
    state: Vec<String>,
    /// Only groups of these types: classic, consumer
    #[arg(long = "type", value_name = "TYPE,...", value_delimiter = ',')]
    kind: Vec<String>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    connect: Connect,
}

impl List {
    /// Lists the groups by name.
    pub fn run(self) -> Result<(), Failure> {
        let mut client = self.connect.client()?;
        let groups = client.list_groups(&self.state, &self.kind)?;
        let mut table = Table::new(&["GROUP", "TYPE", "PROTOCOL", "STATE", "COORDINATOR"]);
        for group in &groups {
            table.row(vec![
                group.id.clone(),
                group.kind.to_lowercase(),
                group.protocol_type.clone(),
                group.state.clone(),
                group.coordinator.to_string(),
            ]);
        }
        let json = |group: &ListedGroup| {
            json!({
                "group": group.id,
                "type": group.kind.to_lowercase(),
                "protocolType": group.protocol_type,
                "state": group.state,
                "coordinator": group.coordinator.0,
            })
        };
        Ok(self.output.print(&table, || groups.iter().map(json).collect())?)
    }
}
