//! The facts of this broker that all its shards share and that never change while it runs.

use std::sync::Arc;
use std::time::Duration;

use mesh::PortId;
use metadata::{Broker as Registration, BrokerSettings, Listener};
use net::ConnectionId;
use storage::{CompactionPool, StoreSettings};
use types::ShardId;

use crate::partition::Directories;
use crate::placement::Placement;
use crate::shard::Shard;

/// See the module. Shared by all shards from the broker's start to its end.
pub struct Broker {
    pub placement: Placement,
    /// The names of the listeners, in the order of their indexes.
    pub listener_names: Vec<String>,
    pub directories: Arc<Directories>,
    pub store_settings: StoreSettings,
    /// `log.retention.check.interval.ms`.
    pub retention_check_interval: Duration,
    /// What the shards share for compaction.
    pub compaction: Arc<CompactionPool>,
    /// `fetch.max.bytes`.
    pub fetch_bytes_max: usize,
}

impl Broker {
    /// The control thread's end of the mesh: after the last shard's.
    pub fn control_port(&self) -> PortId {
        PortId(self.placement.shards().count())
    }
}

impl Shard {
    /// The settings in force.
    pub fn broker_settings(&self) -> &BrokerSettings {
        self.image.broker_settings()
    }

    /// The epoch of this broker's registration.
    pub fn broker_epoch(&self) -> i64 {
        self.image.brokers().get(&self.image.node()).map_or(-1, |broker| broker.epoch)
    }

    /// The brokers that a client can reach, each with the listener of the name through which the client came.
    pub fn reachable_brokers(&self, connection: ConnectionId) -> Vec<(&Registration, &Listener)> {
        let index = self.connections.facts(connection).map_or(0, |facts| usize::from(facts.listener.0));
        let Some(name) = self.broker.listener_names.get(index) else { return Vec::new() };
        let brokers = self.image.brokers().values();
        brokers.filter_map(|broker| Some((broker, broker.listener(name)?))).collect()
    }

    /// Notes where a connection's requests go; it moves to a shard that gets them all.
    pub fn note_owner(&mut self, connection: ConnectionId, owner: ShardId) {
        let home = self.id;
        let target =
            self.connections.session_mut(connection).and_then(|session| session.note_owner(home, owner));
        if let Some(target) = target {
            self.connections.begin_hand_over(connection, target);
        }
    }
}
