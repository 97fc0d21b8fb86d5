//! The broker as the checks of its host know it.

use std::path::PathBuf;

use reactor::{Delivery, Features};
use tuning::{Ability, Broker, CpuList, IoUring};

use super::cores::Cores;
use crate::config::Config;

/// The broker that would run with these settings. Tries io_uring out.
pub fn described(config: &Config) -> Broker {
    let cores = Cores::choose(&config.broker.strome).ok();
    let io_uring = match reactor::probe() {
        Ok(features) => IoUring::Tried(abilities(&features)),
        Err(error) => IoUring::Failed(error.to_string()),
    };
    Broker { io_uring, ..broker(config, cores.as_ref()) }
}

/// The broker that runs with these settings on these cores.
pub fn broker(config: &Config, cores: Option<&Cores>) -> Broker {
    let network = &config.broker.network;
    let strome = &config.broker.strome;
    let buffers = [network.send_buffer_bytes, network.receive_buffer_bytes];
    let shard_cpus = cores.map(|cores| cores.cpus.as_slice()).unwrap_or_default();
    Broker {
        log_dirs: config.broker.log_dirs.iter().map(PathBuf::from).collect(),
        ports: config.listeners.iter().map(|listener| listener.port).filter(|port| *port != 0).collect(),
        chosen_cpus: strome.cpus.iter().map(|cpu| u32::from(*cpu)).collect::<CpuList>(),
        shard_cpus: shard_cpus.iter().filter_map(|cpu| u32::try_from(*cpu).ok()).collect(),
        listen_backlog: network.listen_backlog,
        socket_buffer: buffers.into_iter().flatten().max().map(types::ByteCount),
        memory: strome.memory_bytes,
        io_uring: IoUring::NotTried,
    }
}

/// What the reactor makes use of, and since when Linux has it.
fn abilities(features: &Features) -> Vec<Ability> {
    let ability = |name, is_there, since| Ability { name, is_there, since };
    vec![
        ability("completions when they are asked for", features.delivery == Delivery::Deferred, "6.1"),
        ability("one accept for all connections", features.multishot_accept, "5.19"),
        ability("one receive for all requests", features.multishot_receive, "6.0"),
        ability("write and sync in one submission", features.linked_sync, "5.3"),
    ]
}
