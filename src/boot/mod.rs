//! From settings to a running broker: directories, metadata, sockets, shards; and back to a clean end.
//!
//! # Invariants
//! - Clients are let in when every partition is recovered and open.
//! - A directory is marked clean only when every shard has closed all its logs.

mod cores;
mod directories;
mod disks;
mod error;
mod host;
mod memory;
mod recovery;
mod registration;
mod rehearsal;
mod report;

use std::io::ErrorKind;
use std::net::TcpListener;
use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mesh::{Port, mesh};
use metadata::Image;
use metadata::settings::AdminListener;
use net::{
    Admission, AdmissionLimits, Bound, Connections, Limits, ListenerIndex, ListenerLimit, SocketSettings,
};
use reactor::{Handle, Placement as CorePlacement, Reactor, Waker, launch};
use storage::CompactionPool;
use types::{ByteCount, ShardId};

pub use directories::METADATA_DIR;
pub use error::BootError;
pub use host::described;
pub use recovery::RecoveryReport;
pub use rehearsal::rehearse;

use crate::admin::{Admin, Facts};
use crate::broker::Broker;
use crate::config::Config;
use crate::control::{Control, Links, StopHandle};
use crate::message::Message;
use crate::partition::{Directories, compaction_limits};
use crate::placement::Placement;
use crate::service_manager::ServiceManager;
use crate::shard::Shard;
use crate::wakefulness::Wakefulness;
use cores::Cores;
use directories::OpenDirectories;
use memory::MemoryPlan;

/// Messages that a lane between two cores holds before its sender keeps them back.
const LANE_MESSAGES: usize = 1024;

/// Runs a broker until it is told to stop.
///
/// # Errors
/// What keeps it from starting, or the loss of a shard.
pub fn serve(config: &Config) -> Result<(), BootError> {
    let started = Instant::now();
    reactor::huge_pages::only_where_asked();
    let features = reactor::probe()?;
    let cores = Cores::choose(&config.broker.strome)?;
    let memory = MemoryPlan::of(&config.broker, cores.shards.get());
    let files = registration::raise_file_limit();
    let mut directories = OpenDirectories::open(&config.broker)?;
    let bound = bind(config, cores.shards)?;
    let admin_listener = bind_admin(&config.broker.strome.admin_listener)?;
    let state = registration::register(config, &mut directories, &bound)?;
    report::print_start(config, &state, &bound, &cores, &features, &memory, files);
    let wakefulness = Wakefulness::of_this_process(config.broker.strome.cpus_awake);
    report::print_processors(&wakefulness);
    report::print_commit_methods(directories.commit_methods());
    report::print_disks(&directories.disks);
    report::print_admin(admin_listener.as_ref().and_then(|listener| listener.local_addr().ok()));
    let salt = registration::random_number()?;
    let store_settings = directories.disks.suit(memory.store_settings(salt), cores.shards);

    let wakers = (0..=cores.shards.get()).map(|_| Waker::new()).collect::<Result<Vec<_>, _>>()?;
    let mut ports = mesh::<Message>(&wakers, LANE_MESSAGES);
    let (Some(control_port), Some(control_waker)) = (ports.pop(), wakers.last().cloned()) else {
        unreachable!("there is a port for the control thread")
    };
    let broker = Arc::new(Broker {
        placement: Placement::new(cores.shards),
        listener_names: config.listeners.iter().map(|listener| listener.name.clone()).collect(),
        directories: Arc::new(directories.locate(&state, &config.broker)?),
        store_settings,
        retention_check_interval: Duration::from_millis(config.broker.retention_check_interval_ms),
        compaction: CompactionPool::new(compaction_limits(&config.broker.cleaner)),
        fetch_bytes_max: config.broker.fetch_bytes_max.0 as usize,
    });
    let image = state.controller.image().clone();
    let facts = Facts {
        node: image.node().0,
        cluster: image.cluster_id().unwrap_or_default().to_owned(),
        request_bytes_max: memory.request_bytes,
        directories: broker.directories.clone(),
    };
    let shard_count = usize::from(cores.shards.get());
    // It lives until the broker has ended: until then somebody may ask how it is.
    let manager = ServiceManager::of_this_process();
    let (_admin, measures) =
        Admin::start(admin_listener, facts, shard_count, control_waker.clone(), manager.clone())?;
    let shards = Launch { config, cores: &cores, memory: &memory, broker: &broker, image: &image };
    let handles = shards.launch_all(ports, &wakers, bound)?;

    let stop = StopHandle::new(control_waker.clone());
    registration::stop_on_signals(stop.clone())?;
    let directories = broker.directories.clone();
    let links = Links { port: control_port, waker: control_waker, stop, measures, manager, wakefulness };
    let control = Control::new(state.controller, state.log, links, handles, directories);
    let ended = control.run(|| println!("ready after {} ms", started.elapsed().as_millis()))?;
    for handle in ended.handles {
        handle.join()?;
    }
    mark_clean(&broker.directories);
    match ended.cause {
        Some(cause) => Err(cause),
        None => {
            println!("stopped");
            Ok(())
        }
    }
}

/// Every log was closed: the next start need not recover those of directories where nothing went wrong.
fn mark_clean(directories: &Directories) {
    for directory in directories.all().iter().filter(|directory| directory.is_clean()) {
        let Ok(dir) = directory.in_use() else { continue };
        if let Err(error) = dir.mark_clean() {
            tracing::warn!("{}: {error}; the next start recovers its logs", directory.path().display());
        }
    }
}

/// Opens every listener, with a socket for each shard.
fn bind(config: &Config, shards: NonZeroU16) -> Result<Vec<Bound>, BootError> {
    let network = &config.broker.network;
    let settings = SocketSettings {
        backlog: network.listen_backlog,
        send_buffer_bytes: network.send_buffer_bytes.map(|bytes| bytes as usize),
        receive_buffer_bytes: network.receive_buffer_bytes.map(|bytes| bytes as usize),
    };
    let listeners = config.listeners.iter();
    let bound = listeners.map(|listener| {
        let host = listener.host.as_deref().unwrap_or_default();
        net::listen(&listener.name, host, listener.port, usize::from(shards.get()), &settings)
    });
    Ok(bound.collect::<Result<_, _>>()?)
}

/// Opens the listener for metrics and health. That the default port is taken keeps no broker from starting; that one
/// which somebody has asked for is, does.
fn bind_admin(settings: &AdminListener) -> Result<Option<TcpListener>, BootError> {
    let Some((host, port)) = &settings.address else { return Ok(None) };
    match TcpListener::bind((host.as_str(), *port)) {
        Ok(listener) => Ok(Some(listener)),
        Err(error) if error.kind() == ErrorKind::AddrInUse && !settings.is_explicit => {
            tracing::warn!(
                "{host}:{port} is in use: this broker serves no metrics; set 'strome.admin.listener' to another address, or \
                 to nothing if none are wanted"
            );
            Ok(None)
        }
        Err(source) => Err(BootError::Admin { address: format!("{host}:{port}"), source }),
    }
}

/// What every shard is launched with.
struct Launch<'a> {
    config: &'a Config,
    cores: &'a Cores,
    memory: &'a MemoryPlan,
    broker: &'a Arc<Broker>,
    image: &'a Arc<Image>,
}

impl Launch<'_> {
    fn launch_all(
        &self,
        ports: Vec<Port<Message>>,
        wakers: &[Waker],
        bound: Vec<Bound>,
    ) -> Result<Vec<Handle>, BootError> {
        let admission = Admission::new(self.admission_limits());
        let mut sockets: Vec<_> = bound.into_iter().map(|bound| bound.sockets.into_iter()).collect();
        let mut handles = Vec::with_capacity(ports.len());
        for (index, (port, waker)) in ports.into_iter().zip(wakers).enumerate() {
            let listeners = sockets.iter_mut().enumerate();
            let own = listeners.filter_map(|(at, sockets)| Some((ListenerIndex(at as u16), sockets.next()?)));
            let own: Vec<_> = own.collect();
            let (broker, image, waker) = (self.broker.clone(), self.image.clone(), waker.clone());
            let (options, limits, admission) =
                (self.cores.reactor_options(), self.limits(), admission.clone());
            let id = ShardId(index as u16);
            let placement = CorePlacement { name: format!("shard-{index}"), cpu: self.cores.cpu_of(id) };
            handles.push(launch(placement, move || async move {
                match Reactor::new(options, waker) {
                    Ok(reactor) => {
                        let connections = Connections::new(id, limits, admission, Instant::now());
                        Shard::new(id, broker, image, reactor, connections, port, own).run().await;
                    }
                    // The control thread sees that this shard is gone, and ends the broker.
                    Err(error) => tracing::error!("shard {id} cannot start: {error}"),
                }
            })?);
        }
        Ok(handles)
    }

    fn limits(&self) -> Limits {
        let network = &self.config.broker.network;
        Limits {
            frame_bytes_max: network.request_bytes_max.0 as usize,
            request_memory: ByteCount(self.memory.request_bytes as u64),
            reply_memory: ByteCount(self.memory.cold_bytes as u64 / 2),
            idle_max: network.connections.idle_ms_max.map(Duration::from_millis),
            ..Limits::default()
        }
    }

    fn admission_limits(&self) -> AdmissionLimits {
        let connections = &self.config.broker.network.connections;
        let overrides = connections.per_address_overrides.iter();
        let unlimited = || ListenerLimit { connections_max: usize::MAX, exempt_from_broker_limit: false };
        AdmissionLimits {
            connections_max: connections.count_max as usize,
            listeners: self.config.listeners.iter().map(|_| unlimited()).collect(),
            connections_per_ip_max: connections.per_address_max as usize,
            connections_per_ip_overrides: overrides
                .filter_map(|(host, limit)| Some((registration::address_of(host)?, *limit as usize)))
                .collect(),
        }
    }
}
