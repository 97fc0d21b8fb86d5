//! What a broker says of itself when it starts.

use std::net::SocketAddr;
use std::path::Path;

use net::Bound;
use reactor::{CommitMethod, Features};

use super::cores::Cores;
use super::disks::KnownDisks;
use super::host;
use super::memory::MemoryPlan;
use super::registration::ControlState;
use crate::config::Config;
use crate::wakefulness::Wakefulness;

const MIB: usize = 1024 * 1024;

/// Prints who and where the broker is, what it runs on and how durable it is, and what of the host is not as it should be.
pub fn print_start(
    config: &Config,
    state: &ControlState,
    bound: &[Bound],
    cores: &Cores,
    features: &Features,
    memory: &MemoryPlan,
    files: Option<u64>,
) {
    let image = state.controller.image();
    let cluster = image.cluster_id().unwrap_or_default();
    println!("strome {}: node {} of cluster {cluster}", env!("CARGO_PKG_VERSION"), image.node());
    for (listener, bound) in config.listeners.iter().zip(bound) {
        let (name, address, advertised) = (&listener.name, bound.address, &listener.advertised);
        let port = advertised.port_when_bound_to(address.port());
        println!("listening: {name}://{address}, advertised as {}:{port}", advertised.host);
    }
    let place =
        if cores.cpus.is_empty() { "not pinned".to_owned() } else { format!("on CPUs {:?}", cores.cpus) };
    println!("shards: {} {place}; io_uring: {features}", cores.shards);
    let files = files.map_or_else(|| "unlimited".to_owned(), |files| files.to_string());
    println!(
        "memory per shard: {} MiB cache, {} MiB requests, {} MiB unwritten; open files: {files}",
        memory.cache_bytes / MIB,
        memory.request_bytes / MIB,
        memory.unwritten_bytes / MIB
    );
    println!("data: {}; topics: {}", config.broker.log_dirs.join(", "), image.topic_count());
    println!("durability: {}", durability(config));
    let found = tuning::check_at_start(&tuning::Host::real(), &host::broker(config, Some(cores)));
    for line in found.rows.iter().filter_map(tuning::Row::line) {
        println!("{line}");
    }
}

/// Prints what becomes of processors that have nothing to do.
pub fn print_processors(wakefulness: &Wakefulness) {
    println!("processors: {wakefulness}");
}

/// Prints how each directory makes small commits durable.
pub fn print_commit_methods<'a>(directories: impl Iterator<Item = (&'a Path, CommitMethod)>) {
    for (path, method) in directories {
        println!("commits in {}: {method}", path.display());
    }
}

/// Prints what is known of the disks and used.
pub fn print_disks(disks: &KnownDisks) {
    for line in disks.lines() {
        println!("{line}");
    }
}

/// Prints where metrics and health are to be had.
pub fn print_admin(address: Option<SocketAddr>) {
    match address {
        Some(address) => println!("admin: http://{address}/metrics and /healthz"),
        None => println!("admin: no listener"),
    }
}

fn durability(config: &Config) -> String {
    match config.fixed.get("log.flush.interval.messages").map(String::as_str) {
        None | Some("1") => "acks=all is answered after fdatasync (flush.messages=1)".to_owned(),
        Some(messages) => format!(
            "acks=all is answered BEFORE fdatasync (log.flush.interval.messages={messages}): a power failure can lose acknowledged records"
        ),
    }
}
