//! The broker's settings at its start: the file, over it the environment, over that the command line; checked as a
//! whole, with every problem named by its place. Nothing has to be set.
//!
//! # Invariants
//! - What is in [`Config::fixed`] has passed its setting's own check.
//! - A value that would make the broker less safe if it were ignored is refused, not ignored.
//!
//! # Not here
//! The tables of settings (`metadata::settings`); what is altered while running (the metadata image).

mod environment;
mod host;
mod listeners;
mod problem;
pub mod properties;
mod retired;
mod suggestion;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use metadata::settings::{self, BrokerLayers, BrokerSettings, InvalidSetting, TopicSettings};

pub use listeners::Listener;
pub use problem::{ConfigError, Origin, Problem, Warning};

/// Where settings may come from.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// A file in the format of Kafka's `server.properties`.
    pub file: Option<PathBuf>,
    /// The environment, variables that are none of Strome's included.
    pub environment: Vec<(String, String)>,
    /// `key=value` from the command line.
    pub overrides: Vec<String>,
}

/// The settings of a broker that is about to start.
#[derive(Clone, Debug)]
pub struct Config {
    /// The settings in force.
    pub broker: BrokerSettings,
    /// What was set, as it was written, by name: what DescribeConfigs calls static.
    pub fixed: BTreeMap<String, String>,
    /// Where to listen for clients.
    pub listeners: Vec<Listener>,
    /// What the operator should know; the start does not fail because of it.
    pub warnings: Vec<Warning>,
    origins: BTreeMap<String, Origin>,
}

/// What was set, before it is understood.
#[derive(Debug, Default)]
struct Collected {
    fixed: BTreeMap<String, String>,
    origins: BTreeMap<String, Origin>,
    warnings: Vec<Warning>,
    problems: Vec<Problem>,
}

impl Config {
    /// Reads and checks the settings. Looks up this host's name if a listener has none to advertise.
    ///
    /// # Errors
    /// If the file cannot be read, or a value cannot be had; every value that is wrong by itself is in the one error.
    pub fn load(sources: &Sources) -> Result<Self, ConfigError> {
        let text = match &sources.file {
            None => None,
            Some(path) => match std::fs::read(path) {
                Ok(bytes) => Some((path.as_path(), properties::decode(bytes))),
                Err(error) => return Err(ConfigError::Unreadable { path: path.clone(), error }),
            },
        };
        let mut collected = Collected::default();
        if let Some((path, text)) = text {
            collected.add_file(path, &text);
        }
        collected.add_environment(&sources.environment);
        collected.add_overrides(&sources.overrides);
        collected.finish(host::own_name)
    }

    /// Where the setting was set, if it was.
    pub fn origin_of(&self, name: &str) -> Option<&Origin> {
        self.origins.get(name)
    }
}

impl Collected {
    fn add_file(&mut self, path: &Path, text: &str) {
        let at = |line| Origin::File { path: path.to_owned(), line };
        let entries = match properties::parse(text) {
            Ok(entries) => entries,
            Err(error) => {
                let what = "\\u must be followed by four hexadecimal digits".to_owned();
                self.problems.push(Problem { at: Some(at(error.line)), what });
                return;
            }
        };
        for entry in entries {
            let origin = at(entry.line);
            if let Some(Origin::File { line, .. }) = self.origins.get(&entry.key) {
                let what = format!("'{}' is set in line {line} already; the later one counts", entry.key);
                self.warnings.push(Warning { at: Some(origin.clone()), what });
            }
            self.set(entry.key, entry.value, origin);
        }
    }

    fn add_environment(&mut self, variables: &[(String, String)]) {
        for (variable, value) in variables {
            let origin = || Origin::Environment(variable.clone());
            match environment::variable(variable) {
                environment::Variable::Foreign => {}
                environment::Variable::Setting(name) => self.set(name, value.clone(), origin()),
                environment::Variable::Unknown(name) => {
                    self.warnings.push(Warning { at: Some(origin()), what: unknown(&name) });
                }
            }
        }
    }

    fn add_overrides(&mut self, overrides: &[String]) {
        for text in overrides {
            match text.split_once('=') {
                Some((key, value)) if !key.trim().is_empty() => {
                    self.set(key.trim().to_owned(), value.to_owned(), Origin::Override);
                }
                _ => {
                    let what = format!("'{text}' is not of the form key=value");
                    self.problems.push(Problem { at: Some(Origin::Override), what });
                }
            }
        }
    }

    fn set(&mut self, name: String, value: String, origin: Origin) {
        self.origins.insert(name.clone(), origin);
        self.fixed.insert(name, value);
    }

    fn finish(mut self, own_host: impl Fn() -> String) -> Result<Config, ConfigError> {
        self.check_values();
        self.same_node_id();
        self.refuse_what_cannot_be_ignored();
        let understood = self.understand(own_host);
        match understood {
            Some((broker, listeners)) if self.problems.is_empty() => {
                self.warn_about_ignored();
                self.warn_about_local_only(&listeners);
                let Self { fixed, warnings, origins, .. } = self;
                Ok(Config { broker, fixed, listeners, warnings, origins })
            }
            _ => Err(ConfigError::Invalid { problems: self.problems, warnings: self.warnings }),
        }
    }

    /// Checks every value by itself, and warns about names that nobody knows.
    fn check_values(&mut self) {
        for (name, value) in &self.fixed {
            let at = self.origins.get(name).cloned();
            match settings::broker(name) {
                Some(setting) => {
                    if let Err(error) = setting.parse(value) {
                        self.problems.push(Problem { at, what: error.to_string() });
                    }
                }
                None => {
                    let what = match retired::reason(name) {
                        Some(reason) => format!("'{name}' has no effect: {reason}"),
                        None => unknown(name),
                    };
                    self.warnings.push(Warning { at, what });
                }
            }
        }
    }

    /// `broker.id` is the old name of `node.id`; whichever is set counts for both, as in Kafka.
    fn same_node_id(&mut self) {
        const NAMES: [&str; 2] = ["node.id", "broker.id"];
        let [new, old] = NAMES.map(|name| self.fixed.get(name).map(|value| value.trim().to_owned()));
        match (new, old) {
            (Some(new), Some(old)) if new != old => {
                let what = format!("'broker.id' is {old} and 'node.id' is {new}; they must be the same");
                self.problems.push(Problem { at: self.origins.get(NAMES[1]).cloned(), what });
            }
            (Some(id), None) => self.also(NAMES[0], NAMES[1], id),
            (None, Some(id)) => self.also(NAMES[1], NAMES[0], id),
            _ => {}
        }
    }

    /// Sets `to` where and as `from` was set.
    fn also(&mut self, from: &str, to: &str, value: String) {
        if let Some(origin) = self.origins.get(from).cloned() {
            self.set(to.to_owned(), value, origin);
        }
    }

    /// An authorizer that is ignored would leave everything open to everybody.
    fn refuse_what_cannot_be_ignored(&mut self) {
        const AUTHORIZER: &str = "authorizer.class.name";
        if self.fixed.get(AUTHORIZER).is_some_and(|class| !class.trim().is_empty()) {
            let what = format!(
                "'{AUTHORIZER}' asks for access control, which Strome does not have; without it everybody may do everything. \
                 Remove the line if that is meant"
            );
            self.problems.push(Problem { at: self.origins.get(AUTHORIZER).cloned(), what });
        }
    }

    /// The typed views; `None` with a problem noted if there are none.
    fn understand(&mut self, own_host: impl Fn() -> String) -> Option<(BrokerSettings, Vec<Listener>)> {
        if !self.problems.is_empty() {
            self.check_listeners_beside_problems(own_host);
            return None;
        }
        let layers = BrokerLayers::fixed(&self.fixed);
        let broker = BrokerSettings::resolve(&layers);
        let topics = TopicSettings::resolve(&BTreeMap::new(), &layers);
        let broker = match (broker, topics) {
            (Ok(broker), Ok(_)) => broker,
            (Err(error), _) | (_, Err(error)) => {
                let problem = self.problem(&error);
                self.problems.push(problem);
                return None;
            }
        };
        for name in listeners::for_controllers(&broker.network) {
            let what =
                format!("the listener {name} is not opened: Strome's controller has no listener of its own");
            self.warnings.push(Warning { at: self.origins.get("listeners").cloned(), what });
        }
        match listeners::resolve(&broker.network, own_host) {
            Ok(listeners) => Some((broker, listeners)),
            Err(error) => {
                let at = self.origins.get(error.setting).cloned();
                self.problems.push(Problem { at, what: error.to_string() });
                None
            }
        }
    }

    /// Who has a wrong value to mend wants to know of wrong listeners at the same time, as far as the other values let
    /// them be understood.
    fn check_listeners_beside_problems(&mut self, own_host: impl Fn() -> String) {
        let is_sound = |(name, value): &(&String, &String)| {
            settings::broker(name).is_some_and(|it| it.parse(value).is_ok())
        };
        let sound: BTreeMap<_, _> =
            self.fixed.iter().filter(is_sound).map(|(k, v)| (k.clone(), v.clone())).collect();
        if let Ok(broker) = BrokerSettings::resolve(&BrokerLayers::fixed(&sound))
            && let Err(error) = listeners::resolve(&broker.network, own_host)
        {
            let at = self.origins.get(error.setting).cloned();
            self.problems.push(Problem { at, what: error.to_string() });
        }
    }

    /// The problem and its place. A value that only fails as a topic's came from one of the broker settings behind it.
    fn problem(&self, error: &InvalidSetting) -> Problem {
        let place = |name: &str| {
            let behind = settings::synonyms_of_topic(name).iter().map(|synonym| synonym.name);
            std::iter::once(name).chain(behind).find_map(|name| self.origins.get(name).cloned())
        };
        Problem { at: error.name().and_then(place), what: error.to_string() }
    }

    /// One line for all settings that are accepted without effect; a file written for Kafka may have many.
    fn warn_about_ignored(&mut self) {
        let ignored = |name: &&String| {
            settings::broker(name).is_some_and(|setting| setting.effect == settings::Effect::Ignored)
        };
        let names: Vec<_> = self.fixed.keys().filter(ignored).map(String::as_str).collect();
        if !names.is_empty() {
            let what = format!("accepted, but without effect in Strome: {}", names.join(", "));
            self.warnings.push(Warning { at: None, what });
        }
    }

    /// A broker that listens everywhere and sends its clients to `localhost` works for this host's clients only.
    fn warn_about_local_only(&mut self, listeners: &[Listener]) {
        for listener in listeners {
            let everywhere = listener.host.is_none();
            if everywhere && host::is_local_only(&listener.advertised.host) {
                let what = format!(
                    "{} is advertised as {}, which only clients on this host can reach; set 'advertised.listeners' for others",
                    listener.name, listener.advertised.host
                );
                self.warnings.push(Warning { at: None, what });
            }
        }
    }
}

fn unknown(name: &str) -> String {
    match suggestion::for_name(name) {
        Some(meant) => format!("unknown setting '{name}'; did you mean '{meant}'?"),
        None => format!("unknown setting '{name}'"),
    }
}

#[cfg(test)]
mod tests;
