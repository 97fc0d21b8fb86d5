//! Copies of figures on their way from where they are counted to where they are shown.

use mesh::Traffic;
use net::Statistics;
use storage::{CompactionReport, Figures, Levels};
use types::{ByteCount, ShardId};

use super::{Apis, LoopTime, Stages, Topics};

/// Takes copies to the thread that asked for them. Has room for one of each sender, who is asked again only when the
/// last one was taken.
pub type SnapshotSender = tokio::sync::mpsc::Sender<Snapshot>;

/// What one thread knows.
pub enum Snapshot {
    Shard(Box<ShardSnapshot>),
    Control(ControlSnapshot),
}

/// All figures of one shard at one moment.
pub struct ShardSnapshot {
    pub shard: ShardId,
    pub apis: Apis,
    pub stages: Stages,
    /// Turns of its loop.
    pub turns: u64,
    /// How the loop's thread has spent its time, if the kernel tells.
    pub time: Option<LoopTime>,
    pub ring: reactor::Counts,
    pub mesh: Traffic,
    pub connections: Statistics,
    pub request_memory: ByteCount,
    /// Requests that wait for owners or for the control thread.
    pub requests_waiting: usize,
    pub partitions: PartitionSnapshot,
}

/// What the partitions of a shard have counted.
pub struct PartitionSnapshot {
    pub topics: Topics,
    pub compactions: Compactions,
    pub store: Figures,
    pub levels: Levels,
    pub online: usize,
    pub opening: usize,
    pub offline: usize,
    /// Appends that wait to become durable, or for room.
    pub appends_waiting: usize,
    /// Batches among them that the log has no room for yet.
    pub batches_stalled: usize,
    /// Reads that wait for records or for the disk.
    pub reads_waiting: usize,
}

/// What compaction did.
#[derive(Clone, Copy, Debug, Default)]
pub struct Compactions {
    pub done: u64,
    pub failed: u64,
    pub bytes_read: u64,
    pub bytes_written: u64,
    /// Bytes by which logs became smaller.
    pub bytes_removed: u64,
}

impl Compactions {
    /// A compaction has ended well.
    pub fn done(&mut self, report: &CompactionReport) {
        self.done += 1;
        self.bytes_read += report.bytes_read;
        self.bytes_written += report.bytes_written;
        self.bytes_removed += report.bytes_before.saturating_sub(report.bytes_after);
    }
}

/// How far the life of the broker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Logs are being opened and recovered.
    Starting,
    Serving,
    Stopping,
}

/// What the control thread knows.
#[derive(Clone, Copy, Debug)]
pub struct ControlSnapshot {
    pub phase: Phase,
    pub topics: usize,
    pub partitions: usize,
    /// Partitions without a leader.
    pub leaderless: usize,
    /// Partitions of which a replica is not in sync.
    pub under_replicated: usize,
    /// Requests that wait for their turn.
    pub asks_waiting: usize,
}
