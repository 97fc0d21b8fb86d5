//! The broker makes itself known: it reads the metadata log and registers, before any shard runs.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, ToSocketAddrs};
use std::thread;

use controller::{Controller, RegisterBroker, Reply, Request, Seed};
use metadata::{Broker as Registration, Image, Listener, NodeSettings};
use net::Bound;
use quorum::MetadataLog;
use rustix::process::{Resource, getrlimit, setrlimit};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use types::{TopicId, Uuid};

use super::BootError;
use super::directories::{OpenDirectories, new_cluster_id};
use crate::clock::Now;
use crate::config::Config;
use crate::control::StopHandle;

/// What the control thread begins with.
pub struct ControlState {
    pub controller: Controller,
    pub log: MetadataLog,
    /// Topics that the log tells were deleted: what is left of them may go.
    pub deleted: BTreeSet<TopicId>,
}

/// Reads the metadata log and registers this broker in it.
pub fn register(
    config: &Config,
    directories: &mut OpenDirectories,
    bound: &[Bound],
) -> Result<ControlState, BootError> {
    let (mut log, entries) = MetadataLog::open(&directories.metadata_dir())?;
    let fixed: BTreeMap<String, String> = config.fixed.clone();
    let node = NodeSettings { id: config.broker.node_id, file: fixed };
    let image = Image::new(node).map_err(|error| BootError::Settings(error.to_string()))?;
    let mut controller = Controller::new(image);
    let mut deleted = BTreeSet::new();
    for entry in entries {
        let delta = controller.replay(entry.index, &entry.records)?;
        deleted.extend(delta.topics.iter().filter(|(_, change)| change.removed).map(|(id, _)| *id));
    }
    let recorded = controller.image().cluster_id().map(str::to_owned);
    let cluster_id = match (recorded, directories.cluster_id.take()) {
        (Some(recorded), Some(marked)) if recorded != marked => {
            return Err(BootError::Settings(format!(
                "the metadata log is of cluster {recorded}, but meta.properties of cluster {marked}"
            )));
        }
        (Some(known), _) | (None, Some(known)) => known,
        (None, None) => new_cluster_id()?,
    };
    let request = Request::RegisterBroker(RegisterBroker {
        cluster_id: cluster_id.clone(),
        broker: registration(config, directories, bound)?,
    });
    let outcome = controller.handle(&request, Now::read().wall, Seed(random_bytes()?));
    if let Reply::RegisterBroker(Err(refusal)) = outcome.reply {
        return Err(BootError::Settings(refusal.message));
    }
    let index = log.propose(&outcome.records)?;
    controller.replay(index, &outcome.records)?;
    directories.claim(&config.broker, &cluster_id)?;
    Ok(ControlState { controller, log, deleted })
}

fn registration(
    config: &Config,
    directories: &OpenDirectories,
    bound: &[Bound],
) -> Result<Registration, BootError> {
    let listeners = config.listeners.iter().zip(bound);
    Ok(Registration {
        id: config.broker.node_id,
        incarnation: random_uuid()?,
        epoch: 0,
        rack: config.broker.rack.clone(),
        listeners: listeners
            .map(|(listener, bound)| Listener {
                name: listener.name.clone(),
                host: listener.advertised.host.clone(),
                port: listener.advertised.port_when_bound_to(bound.address.port()),
                security_protocol: listener.protocol.code(),
            })
            .collect(),
        directories: directories.ids.clone(),
        fenced: false,
    })
}

/// A new random id.
pub fn random_uuid() -> Result<Uuid, BootError> {
    Ok(Uuid::from_random(random_bytes()?))
}

/// A new random number.
pub fn random_number() -> Result<u64, BootError> {
    let [a, b, c, d, e, f, g, h, ..] = random_bytes()?;
    Ok(u64::from_le_bytes([a, b, c, d, e, f, g, h]))
}

fn random_bytes() -> Result<[u8; 16], BootError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| BootError::Settings(format!("no random bytes: {error}")))?;
    Ok(bytes)
}

/// Raises the limit on open files to what the process may have; returns it. Every connection and segment needs one.
pub fn raise_file_limit() -> Option<u64> {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        limit.current = limit.maximum;
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::warn!("the limit on open files stays as it is: {error}");
        }
    }
    getrlimit(Resource::Nofile).current
}

/// Stops the broker gracefully at the first SIGTERM or SIGINT, and ends the process at the second.
pub fn stop_on_signals(stop: StopHandle) -> Result<(), BootError> {
    let mut signals = Signals::new([SIGTERM, SIGINT])?;
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        let mut stopping = false;
        for _ in signals.forever() {
            if stopping {
                eprintln!("stopped at once; the next start has to recover the logs");
                std::process::exit(1);
            }
            stopping = true;
            stop.stop();
        }
    })?;
    Ok(())
}

/// The address that a name in `max.connections.per.ip.overrides` stands for.
pub fn address_of(host: &str) -> Option<IpAddr> {
    let found = (host, 0).to_socket_addrs().ok().and_then(|mut addresses| addresses.next());
    if found.is_none() {
        tracing::warn!("max.connections.per.ip.overrides: {host} has no address, its limit is not in force");
    }
    found.map(|address| address.ip())
}
