//! Settings are altered while the cluster runs: some of them (KIP-339), or all of a resource at once (legacy).
//!
//! Both ways say what all the settings of a resource shall be, and these are judged together; records are written for
//! those that differ.

use std::collections::BTreeMap;

use metadata::{ConfigResource, Record, ResourceKind};
use types::ErrorCode;

use crate::Controller;
use crate::request::{AlterConfigs, ConfigOp, ConfigResult, IncrementalAlterConfigs, Outcome, Refusal};
use crate::resource::{default_list, refusal, request};

type Configs = BTreeMap<String, String>;

impl Controller {
    /// Changes some settings. A resource of which one setting is refused keeps all of them.
    #[must_use]
    pub fn incremental_alter_configs(&self, request: &IncrementalAlterConfigs) -> Outcome<Vec<ConfigResult>> {
        let resources = request.resources.iter().map(|alter| {
            let next =
                |resource: &ConfigResource, current: &Configs| altered(resource.kind, current, &alter.ops);
            (alter.kind, alter.name.as_str(), next)
        });
        self.alter(resources.collect(), request.validate_only)
    }

    /// Replaces all settings of resources.
    #[must_use]
    pub fn alter_configs(&self, request: &AlterConfigs) -> Outcome<Vec<ConfigResult>> {
        let resources = request.resources.iter().map(|alter| {
            let next = |_: &ConfigResource, _: &Configs| replaced(&alter.configs);
            (alter.kind, alter.name.as_str(), next)
        });
        self.alter(resources.collect(), request.validate_only)
    }

    /// Alters each resource to what its function makes of its settings.
    fn alter<F>(&self, resources: Vec<(i8, &str, F)>, validate_only: bool) -> Outcome<Vec<ConfigResult>>
    where
        F: Fn(&ConfigResource, &Configs) -> Result<Configs, Refusal>,
    {
        let mut count = BTreeMap::new();
        for (kind, name, _) in &resources {
            *count.entry((*kind, *name)).or_insert(0) += 1;
        }
        let (mut records, mut reply) = (Vec::new(), Vec::new());
        for (kind, name, next) in &resources {
            let result = if count.get(&(*kind, *name)).is_some_and(|times| *times > 1) {
                request("Each resource must appear at most once.")
            } else {
                self.alter_one(*kind, name, next)
            };
            let result = result.map(|(resource, more)| {
                records.extend(more);
                resource
            });
            reply.push(ConfigResult { kind: *kind, name: (*name).to_owned(), result });
        }
        if validate_only {
            records.clear();
        }
        Outcome { records, reply }
    }

    fn alter_one(
        &self,
        kind: i8,
        name: &str,
        next: impl Fn(&ConfigResource, &Configs) -> Result<Configs, Refusal>,
    ) -> Result<(ConfigResource, Vec<Record>), Refusal> {
        let resource = self.resource(kind, name)?;
        let none = Configs::new();
        let current = self.image().configs(&resource).map_or(&none, |configs| &**configs);
        let next = next(&resource, current)?;
        self.check_configs(&resource, &next)?;
        let gone = current.keys().filter(|key| !next.contains_key(*key)).map(|key| (key, None));
        let new = next.iter().filter(|(key, value)| current.get(*key) != Some(value));
        let record = |(key, value): (&String, Option<&String>)| Record::Config {
            resource: resource.clone(),
            key: key.clone(),
            value: value.cloned(),
        };
        let records = gone.chain(new.map(|(key, value)| (key, Some(value)))).map(record).collect();
        Ok((resource, records))
    }
}

/// The settings after these operations.
fn altered(kind: ResourceKind, current: &Configs, ops: &[(String, ConfigOp)]) -> Result<Configs, Refusal> {
    distinct(ops.iter().map(|(name, _)| name))?;
    let mut next = current.clone();
    for (name, op) in ops {
        match op {
            ConfigOp::Set(value) => {
                next.insert(name.clone(), given(name, value)?.to_owned());
            }
            ConfigOp::Delete => {
                next.remove(name);
            }
            ConfigOp::Append(value) => {
                let mut parts = list(kind, &next, name, "APPEND")?;
                for part in split(given(name, value)?) {
                    if !parts.contains(&part) {
                        parts.push(part);
                    }
                }
                next.insert(name.clone(), parts.join(","));
            }
            ConfigOp::Subtract(value) => {
                let less = split(given(name, value)?);
                let mut parts = list(kind, &next, name, "SUBTRACT")?;
                parts.retain(|part| !less.contains(part));
                next.insert(name.clone(), parts.join(","));
            }
        }
    }
    Ok(next)
}

/// The settings that are given instead of all others.
fn replaced(configs: &[(String, Option<String>)]) -> Result<Configs, Refusal> {
    distinct(configs.iter().map(|(name, _)| name))?;
    configs.iter().map(|(name, value)| Ok((name.clone(), given(name, value)?.to_owned()))).collect()
}

fn distinct<'a>(names: impl Iterator<Item = &'a String>) -> Result<(), Refusal> {
    let mut seen = std::collections::BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return request("Error due to duplicate config keys");
        }
    }
    Ok(())
}

fn given<'a>(name: &str, value: &'a Option<String>) -> Result<&'a str, Refusal> {
    match value {
        Some(value) => Ok(value),
        None => request(format!("Null value not supported for: {name}")),
    }
}

/// The parts of the list that `name` is, in the resource or by default.
fn list(kind: ResourceKind, configs: &Configs, name: &str, op: &str) -> Result<Vec<String>, Refusal> {
    let Some(default) = default_list(kind, name) else {
        let text = format!("Can't {op} to key {name} because its type is not LIST.");
        return Err(refusal(ErrorCode::InvalidConfig, text));
    };
    Ok(configs.get(name).map_or(default, |text| split(text)))
}

fn split(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}
