//! How a command reaches the cluster, and how topics are named on the command line.

use std::time::Duration;

use clap::Args;

use super::failure::Failure;
use crate::client::{Client, HostPort, Options};

/// Where brokers are looked for if nothing else is said.
const BOOTSTRAP_DEFAULT: &str = "localhost:9092";
const BOOTSTRAP_VARIABLE: &str = "STROME_BOOTSTRAP_SERVER";

const CLIENT_ID: &str = "strome-cli";

/// An address that swallows packets shall not cost more.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The arguments of every command that speaks to brokers.
#[derive(Args)]
pub struct Connect {
    /// Brokers to begin with [default: the variable STROME_BOOTSTRAP_SERVER, or localhost:9092]
    #[arg(long, value_name = "HOST:PORT,...", value_parser = HostPort::parse_list)]
    bootstrap_server: Option<Addresses>,
    /// How long a request may take, and trying again
    #[arg(long, value_name = "MS", default_value_t = 30_000, value_parser = clap::value_parser!(u64).range(1..))]
    request_timeout_ms: u64,
    /// How to be called in the broker's log [default: strome-cli; bench: strome-bench]
    #[arg(long, value_name = "NAME")]
    client_id: Option<String>,
}

// One argument with a list in it, not an argument that may be given many times.
type Addresses = std::vec::Vec<HostPort>;

impl Connect {
    /// The brokers to begin with.
    pub fn bootstrap(&self) -> Result<Vec<HostPort>, Failure> {
        if let Some(addresses) = &self.bootstrap_server {
            return Ok(addresses.clone());
        }
        // An empty one is how scripts leave a variable out.
        let variable = std::env::var(BOOTSTRAP_VARIABLE).ok().filter(|text| !text.is_empty());
        let text = variable.unwrap_or_else(|| BOOTSTRAP_DEFAULT.to_owned());
        HostPort::parse_list(&text).map_err(|why| Failure::Said(format!("{BOOTSTRAP_VARIABLE}: {why}")))
    }

    /// What to be called, if somebody says it.
    pub fn client_id(&self) -> Option<&str> {
        self.client_id.as_deref()
    }

    /// How long a request may take, and trying again.
    pub fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.request_timeout_ms)
    }

    /// A client that is connected to one of the brokers.
    pub fn client(&self) -> Result<Client, Failure> {
        let request_timeout = self.request_timeout();
        Ok(Client::connect(Options {
            bootstrap: self.bootstrap()?,
            client_id: self.client_id().unwrap_or(CLIENT_ID).to_owned(),
            connect_timeout: CONNECT_TIMEOUT.min(request_timeout),
            request_timeout,
        })?)
    }
}

/// One topic, by its place or as an option.
#[derive(Args)]
pub struct OneTopic {
    /// The topic
    #[arg(value_name = "TOPIC", required_unless_present = "topic", conflicts_with = "topic")]
    name: Option<String>,
    /// The topic, as in Kafka's tools
    #[arg(long = "topic", id = "topic", value_name = "TOPIC")]
    option: Option<String>,
}

impl OneTopic {
    /// The topic's name.
    pub fn name(&self) -> &str {
        self.name.as_deref().or(self.option.as_deref()).unwrap_or_default()
    }
}

/// At least one topic, by its place or as an option.
#[derive(Args)]
pub struct SomeTopics {
    /// The topics
    #[arg(value_name = "TOPIC", required_unless_present = "topic")]
    names: Vec<String>,
    /// A topic, as in Kafka's tools; may be given many times
    #[arg(long = "topic", id = "topic", value_name = "TOPIC")]
    option: Vec<String>,
}

impl SomeTopics {
    /// The topics' names, each once.
    pub fn names(&self) -> Vec<&str> {
        distinct(&self.names, &self.option)
    }
}

/// Topics, or all of them if none is named.
#[derive(Args)]
pub struct AnyTopics {
    /// The topics [default: all]
    #[arg(value_name = "TOPIC")]
    names: Vec<String>,
    /// A topic, as in Kafka's tools; may be given many times
    #[arg(long = "topic", value_name = "TOPIC")]
    option: Vec<String>,
}

impl AnyTopics {
    /// The topics' names, each once; none for all.
    pub fn names(&self) -> Vec<&str> {
        distinct(&self.names, &self.option)
    }
}

/// What was given by place and as options, each once.
pub fn distinct<'a>(names: &'a [String], option: &'a [String]) -> Vec<&'a str> {
    let mut all: Vec<&str> = Vec::new();
    for name in names.iter().chain(option) {
        if !all.contains(&name.as_str()) {
            all.push(name);
        }
    }
    all
}

/// Reads `KEY=VALUE`.
pub fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.to_owned())),
        _ => Err(format!("{text:?} is not KEY=VALUE")),
    }
}
