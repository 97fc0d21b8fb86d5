//! `strome groups`: one file per command.

mod delete;
mod describe;
mod explain;
mod lag;
mod list;
mod reset;

use clap::{Args, Subcommand};

use super::connect::distinct;
use super::failure::Failure;

/// What to do with groups.
#[derive(Subcommand)]
pub enum Groups {
    /// List groups
    List(list::List),
    /// Show offsets and lag, members and states of groups
    Describe(describe::Describe),
    /// Tell why a group rebalances, stalls or lags, and what to do
    Explain(explain::Explain),
    /// Delete groups without members, with their offsets
    Delete(delete::Delete),
    /// Set the committed offsets of a group without members
    ResetOffsets(Box<reset::ResetOffsets>),
}

impl Groups {
    /// Does it.
    pub fn run(self) -> Result<(), Failure> {
        match self {
            Self::List(list) => list.run(),
            Self::Describe(describe) => describe.run(),
            Self::Explain(explain) => explain.run(),
            Self::Delete(delete) => delete.run(),
            Self::ResetOffsets(reset) => reset.run(),
        }
    }
}

/// At least one group, by its place or as an option.
#[derive(Args)]
struct SomeGroups {
    /// The groups
    #[arg(value_name = "GROUP", required_unless_present = "group")]
    names: Vec<String>,
    /// A group, as in Kafka's tools; may be given many times
    #[arg(long = "group", id = "group", value_name = "GROUP")]
    option: Vec<String>,
}

impl SomeGroups {
    /// The groups' names, each once.
    fn names(&self) -> Vec<&str> {
        distinct(&self.names, &self.option)
    }
}

/// Groups, or all of them if none is named.
#[derive(Args)]
struct AnyGroups {
    /// The groups [default: all]
    #[arg(value_name = "GROUP")]
    names: Vec<String>,
    /// A group, as in Kafka's tools; may be given many times
    #[arg(long = "group", value_name = "GROUP")]
    option: Vec<String>,
}

impl AnyGroups {
    /// The groups' names, each once; none for all.
    fn names(&self) -> Vec<&str> {
        distinct(&self.names, &self.option)
    }
}
