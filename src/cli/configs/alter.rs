//! `strome configs alter`.

use clap::Args;
use protocol::Str;
use protocol::messages::IncrementalAlterConfigsRequest;
use protocol::messages::configs::{IncrementalAlterConfigsAlterableConfig, IncrementalAlterConfigsResource};

use super::entity::EntityArgs;
use crate::cli::connect::Connect;
use crate::cli::failure::Failure;
use crate::client::ClientError;

/// Kafka's numbers of what to do with a setting.
const SET: i8 = 0;
const DELETE: i8 = 1;

/// The arguments of `strome configs alter`.
#[derive(Args)]
pub struct Alter {
    #[command(flatten)]
    entity: EntityArgs,
    /// Settings to set; a value with commas stands in brackets: k1=v1,k2=[a,b]
    #[arg(long, value_name = "KEY=VALUE,...", value_parser = settings, required_unless_present = "delete_config")]
    add_config: Vec<Settings>,
    /// Settings to remove, so that the default counts again
    #[arg(long, value_name = "KEY,...", value_delimiter = ',')]
    delete_config: Vec<String>,
    /// Let the broker check everything, but change nothing
    #[arg(long)]
    validate_only: bool,
    #[command(flatten)]
    connect: Connect,
}

type Settings = Vec<(String, String)>;

/// Reads settings as Kafka's tools do.
fn settings(text: &str) -> Result<Settings, String> {
    let mut settings = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=').ok_or_else(|| format!("{rest:?} is not KEY=VALUE"))?;
        let (value, next) = match after.strip_prefix('[') {
            Some(list) => {
                let (value, next) = list.split_once(']').ok_or_else(|| format!("{key}: a ']' is missing"))?;
                let next = match next.strip_prefix(',') {
                    Some(next) => next,
                    None if next.is_empty() => next,
                    None => return Err(format!("{key}: {next:?} stands behind the ']'")),
                };
                (value, next)
            }
            None => after.split_once(',').unwrap_or((after, "")),
        };
        let key = key.trim();
        if key.is_empty() || key.contains(',') {
            return Err(format!("{key:?} is not the name of a setting"));
        }
        settings.push((key.to_owned(), value.to_owned()));
        rest = next;
    }
    if settings.is_empty() { Err("no setting is given".to_owned()) } else { Ok(settings) }
}

impl Alter {
    /// Changes the settings.
    pub fn run(self) -> Result<(), Failure> {
        let mut client = self.connect.client()?;
        for entity in self.entity.entities(&mut client, true)? {
            let added = self.add_config.iter().flatten();
            let set = added.map(|(name, value)| (name, SET, Some(Str::from(value.as_str()))));
            let removed = self.delete_config.iter().map(|name| (name, DELETE, None));
            let change = |(name, config_operation, value): (&String, i8, Option<Str>)| {
                let name = Str::from(name.trim());
                IncrementalAlterConfigsAlterableConfig { name, config_operation, value }
            };
            let request = IncrementalAlterConfigsRequest {
                resources: vec![IncrementalAlterConfigsResource {
                    resource_type: entity.resource_type,
                    resource_name: Str::from(entity.name.as_str()),
                    configs: set.chain(removed).map(change).collect(),
                }],
                validate_only: self.validate_only,
            };
            let response = entity.ask(&mut client, &request)?;
            for result in &response.responses {
                let message = result.error_message.as_deref();
                let what = || format!("cannot change the settings of {entity}");
                ClientError::check(result.error_code, message, what)?;
            }
            let done = if self.validate_only { "could change" } else { "changed" };
            crate::cli::say(&format!("{done} the settings of {entity}"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_separated_by_commas_outside_of_brackets() {
        let read = |text| settings(text).map(|list| list.iter().map(|(k, v)| format!("{k}|{v}")).collect());
        assert_eq!(read("a=1"), Ok(vec!["a|1".to_owned()]));
        assert_eq!(read("a=[x,y],b=2"), Ok(vec!["a|x,y".to_owned(), "b|2".to_owned()]));
        assert_eq!(read("a=x=y, b="), Ok(vec!["a|x=y".to_owned(), "b|".to_owned()]));
        for bad in ["", "a", "a=1,b", "=1", "a=[1", "a=[1]2"] {
            assert!(settings(bad).is_err(), "{bad:?}");
        }
    }
}
