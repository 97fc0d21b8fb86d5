//! A shard's life from its start to its end: when its sockets open, and the steps of a graceful stop.
//!
//! # Not here
//! Who decides that it ends, and waits for all shards (`control.rs`).

use std::net::TcpListener;
use std::time::{Duration, Instant};

use net::ListenerIndex;

use super::Shard;
use crate::message::Message;

/// How long a graceful stop waits for clients to take their answers.
const DRAIN_MAX: Duration = Duration::from_secs(10);

/// How far the shard's life is.
pub(super) enum Phase {
    /// Partitions are being opened; the sockets are bound, but nobody is accepted.
    Starting(Vec<(ListenerIndex, TcpListener)>),
    Serving,
    /// Requests in flight are answered until this time.
    Draining(Instant),
    /// Its own are answered; other shards may still need its partitions.
    Drained,
    /// Logs are being closed.
    Closing,
    Ended,
}

impl Shard {
    /// All partitions are open everywhere: clients may come.
    pub(super) fn open(&mut self) {
        if let Phase::Starting(listeners) = std::mem::replace(&mut self.phase, Phase::Serving) {
            for (index, listener) in listeners {
                self.connections.accept(&mut self.reactor, listener, index);
            }
        }
    }

    /// Reads nothing new from clients, and answers what is in flight.
    pub(super) fn begin_stop(&mut self) {
        self.connections.stop(&mut self.reactor);
        self.partitions.end_waits();
        self.coordinators.end();
        self.phase = Phase::Draining(self.now.monotonic + DRAIN_MAX);
    }

    /// All shards have answered what was in flight: the logs can be closed.
    pub(super) fn begin_close(&mut self) {
        self.close_connections();
        self.partitions.close(&mut self.reactor);
        self.phase = Phase::Closing;
    }

    /// Takes the next step of a graceful stop, if one is due.
    pub(super) fn advance_stop(&mut self) {
        match &self.phase {
            Phase::Starting(_) | Phase::Serving | Phase::Drained | Phase::Ended => {}
            Phase::Draining(until) => {
                if self.connections.is_drained() || *until <= self.now.monotonic {
                    self.close_connections();
                    self.mesh.send(self.broker.control_port(), Message::Drained { shard: self.id });
                    self.phase = Phase::Drained;
                }
            }
            Phase::Closing => {
                if self.partitions.is_closed() {
                    self.phase = Phase::Ended;
                }
            }
        }
    }

    fn close_connections(&mut self) {
        self.connections.close_all();
        self.connections.flush(&mut self.reactor);
    }
}
