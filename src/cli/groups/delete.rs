//! `strome groups delete`.

use clap::Args;

use super::SomeGroups;
use crate::cli::change::{Change, report};
use crate::cli::connect::Connect;
use crate::cli::failure::Failure;
use crate::client::{Client, ClientError};

const NON_EMPTY_GROUP: i16 = 68;
const GROUP_ID_NOT_FOUND: i16 = 69;

/// The arguments of `strome groups delete`.
#[derive(Args)]
pub struct Delete {
    #[command(flatten)]
    groups: SomeGroups,
    /// Pass over groups that are not there
    #[arg(long)]
    if_exists: bool,
    #[command(flatten)]
    connect: Connect,
}

impl Delete {
    /// Deletes the groups.
    pub fn run(self) -> Result<(), Failure> {
        let mut client = self.connect.client()?;
        let mut changes = Vec::new();
        for group in self.groups.names() {
            changes.push(self.delete(&mut client, group)?);
        }
        report(changes)
    }

    fn delete(&self, client: &mut Client, group: &str) -> Result<Change, ClientError> {
        match client.delete_group(group) {
            Ok(()) => Ok(Change::Made(format!("deleted group {group}"))),
            Err(ClientError::Refused { code: GROUP_ID_NOT_FOUND, .. }) if self.if_exists => {
                Ok(Change::Needless(format!("there is no group {group}")))
            }
            Err(ClientError::Refused { code: GROUP_ID_NOT_FOUND, .. }) => {
                Ok(Change::Refused(ClientError::UnknownGroup(group.to_owned()).to_string()))
            }
            Err(refused @ ClientError::Refused { code: NON_EMPTY_GROUP, .. }) => {
                Ok(Change::Refused(format!("{refused}\nit has members: stop them first")))
            }
            Err(refused @ ClientError::Refused { .. }) => Ok(Change::Refused(refused.to_string())),
            Err(error) => Err(error),
        }
    }
}
