//! The brokers of a cluster, and a connection to each that is needed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use protocol::messages::metadata::{MetadataRequestTopic, MetadataResponseTopic};
use protocol::messages::{MetadataRequest, MetadataResponse};
use protocol::{Request, Str, Versions};
use types::BrokerId;

use super::address::HostPort;
use super::connection::{Connection, any_version};
use super::error::{ClientError, is_retriable};
use super::topic::Topic;

/// Between two attempts.
const BACKOFF: Duration = Duration::from_millis(100);

/// A topic that was just created may not be known to every broker yet.
const UNKNOWN_TOPIC_GRACE: Duration = Duration::from_millis(500);

/// Before it, Metadata has no way to ask for a topic without creating it (Kafka 0.11).
const METADATA_VERSION_MIN: i16 = 4;

const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;
const NOT_CONTROLLER: i16 = 41;

/// How to reach a cluster.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to begin; not empty.
    pub bootstrap: Vec<HostPort>,
    pub client_id: String,
    /// For each address.
    pub connect_timeout: Duration,
    /// For each request, and for trying again.
    pub request_timeout: Duration,
}

/// See the module.
#[derive(Debug)]
pub struct Client {
    options: Options,
    /// Any broker: for what every one of them can answer.
    home: Connection,
    brokers: BTreeMap<BrokerId, HostPort>,
    controller: Option<BrokerId>,
    open: BTreeMap<BrokerId, Connection>,
}

impl Client {
    /// Connects to the first broker of the list that answers.
    pub fn connect(options: Options) -> Result<Self, ClientError> {
        let home = bootstrap(&options, &BTreeMap::new())?;
        Ok(Self { options, home, brokers: BTreeMap::new(), controller: None, open: BTreeMap::new() })
    }

    /// The limits that the client keeps.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Asks any broker.
    pub fn ask<R: Request>(&mut self, request: &R) -> Result<R::Response, ClientError> {
        self.ask_version(request, any_version::<R>())
    }

    /// Asks any broker in one of these versions.
    pub(super) fn ask_version<R: Request>(
        &mut self,
        request: &R,
        wanted: Versions,
    ) -> Result<R::Response, ClientError> {
        match self.home.call(request, wanted) {
            Err(error) if error.is_connection() => {
                self.home = bootstrap(&self.options, &self.brokers)?;
                self.home.call(request, wanted)
            }
            answered => answered,
        }
    }

    /// Asks the broker that takes requests for the controller; `codes` are the errors of an answer.
    pub fn ask_controller<R: Request>(
        &mut self,
        request: &R,
        codes: impl Fn(&R::Response) -> Vec<i16>,
    ) -> Result<R::Response, ClientError> {
        let deadline = Instant::now() + self.options.request_timeout;
        loop {
            if self.controller.is_none() {
                self.metadata(Some(&[]), false)?;
            }
            let response = match self.controller {
                Some(controller) => self.ask_broker(controller, request)?,
                None => self.ask(request)?,
            };
            if !codes(&response).contains(&NOT_CONTROLLER) || Instant::now() >= deadline {
                return Ok(response);
            }
            self.controller = None;
            pause();
        }
    }

    /// Asks one broker.
    pub fn ask_broker<R: Request>(
        &mut self,
        broker: BrokerId,
        request: &R,
    ) -> Result<R::Response, ClientError> {
        self.ask_broker_version(broker, request, any_version::<R>())
    }

    /// Asks one broker in one of these versions.
    pub(super) fn ask_broker_version<R: Request>(
        &mut self,
        broker: BrokerId,
        request: &R,
        wanted: Versions,
    ) -> Result<R::Response, ClientError> {
        let answered = self.connection(broker)?.call(request, wanted);
        if answered.is_err() {
            self.forget(broker);
        }
        answered
    }

    /// Asks for brokers and topics (`None`: all of them).
    pub fn metadata(
        &mut self,
        topics: Option<&[&str]>,
        create: bool,
    ) -> Result<MetadataResponse, ClientError> {
        let named = |name: &&str| MetadataRequestTopic { name: Some(Str::from(*name)), ..Default::default() };
        let request = MetadataRequest {
            topics: topics.map(|topics| topics.iter().map(named).collect()),
            allow_auto_topic_creation: create,
            ..Default::default()
        };
        let response = self.ask_version(&request, Versions::since(METADATA_VERSION_MIN))?;
        ClientError::check(response.error_code, None, || "the cluster's metadata".to_owned())?;
        let address = |host: &Str, port: i32| HostPort {
            host: host.as_str().to_owned(),
            port: u16::try_from(port).unwrap_or_default(),
        };
        let brokers: BTreeMap<BrokerId, HostPort> =
            response.brokers.iter().map(|b| (BrokerId(b.node_id), address(&b.host, b.port))).collect();
        let stays = |broker: &BrokerId| brokers.get(broker) == self.brokers.get(broker);
        self.open.retain(|broker, _| stays(broker));
        self.controller =
            Some(BrokerId(response.controller_id)).filter(|controller| brokers.contains_key(controller));
        self.brokers = brokers;
        Ok(response)
    }

    /// The brokers of the cluster, as it was last asked.
    pub fn brokers(&self) -> impl Iterator<Item = (BrokerId, &HostPort)> {
        self.brokers.iter().map(|(id, address)| (*id, address))
    }

    /// A topic as it is now. `create` lets the broker make it, if its settings allow that.
    pub fn topic(&mut self, name: &str, create: bool) -> Result<Topic, ClientError> {
        let begun = Instant::now();
        loop {
            let response = self.metadata(Some(&[name]), create)?;
            let Some(topic) = response.topics.first() else {
                return Err(ClientError::UnknownTopic(name.to_owned()));
            };
            let limit = match topic.error_code {
                0 => return Ok(Topic::from(topic)),
                UNKNOWN_TOPIC_OR_PARTITION if !create => UNKNOWN_TOPIC_GRACE,
                _ => self.options.request_timeout,
            };
            if !is_retriable(topic.error_code) || begun.elapsed() + BACKOFF > limit {
                return Err(refused_topic(topic, name));
            }
            pause();
        }
    }

    /// The connection to a broker, made if there is none.
    pub(super) fn connection(&mut self, broker: BrokerId) -> Result<&mut Connection, ClientError> {
        if !self.brokers.contains_key(&broker) {
            self.metadata(Some(&[]), false)?;
        }
        let address = self.brokers.get(&broker).ok_or(ClientError::UnknownBroker(broker.0))?;
        match self.open.entry(broker) {
            std::collections::btree_map::Entry::Occupied(open) => Ok(open.into_mut()),
            std::collections::btree_map::Entry::Vacant(place) => {
                let opened = Connection::open(address, &self.options);
                let connection = opened.map_err(|error| match error {
                    ClientError::Io { source, address, .. } => {
                        ClientError::Advertised { broker: broker.0, address, why: source.to_string() }
                    }
                    other => other,
                })?;
                Ok(place.insert(connection))
            }
        }
    }

    /// Whether there is a connection to a broker.
    pub(super) fn is_open(&self, broker: BrokerId) -> bool {
        self.open.contains_key(&broker)
    }

    /// Drops the connection to a broker, if there is one.
    pub(super) fn forget(&mut self, broker: BrokerId) {
        self.open.remove(&broker);
    }
}

/// Waits a little before the next attempt.
pub(super) fn pause() {
    std::thread::sleep(BACKOFF);
}

fn refused_topic(topic: &MetadataResponseTopic, name: &str) -> ClientError {
    match topic.error_code {
        UNKNOWN_TOPIC_OR_PARTITION => ClientError::UnknownTopic(name.to_owned()),
        code => ClientError::Refused { what: format!("topic {name}"), code, message: None },
    }
}

/// A connection to the first broker that answers, of those that are known and those that were given.
fn bootstrap(options: &Options, known: &BTreeMap<BrokerId, HostPort>) -> Result<Connection, ClientError> {
    let mut attempts = Vec::new();
    for address in known.values().chain(&options.bootstrap) {
        match Connection::open(address, options) {
            Ok(connection) => return Ok(connection),
            Err(ClientError::Io { source, .. }) => attempts.push(format!("{address}: {source}")),
            Err(error) => attempts.push(error.to_string()),
        }
    }
    Err(ClientError::NoBroker { attempts })
}
