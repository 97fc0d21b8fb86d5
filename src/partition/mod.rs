//! The partitions that a shard owns: each one's log, its place as a leader, its producers, and who waits for it.
//! Work in, answers out; the answers gather in a list that the shard sends away.
//!
//! # Invariants
//! - Every piece of work is answered exactly once, also when its partition goes away meanwhile.
//! - An answer never overtakes what it reports: what is acknowledged under `acks=all` lies below the high watermark.
//!
//! # Not here
//! How bytes become durable (`storage`); which offsets count (`replication`); who asked (`requests.rs`).

mod aborted;
mod append;
mod compaction;
mod directories;
mod host;
mod open;
mod queries;
mod questions;
mod read;
mod recovery;
mod replicas;
mod settings;
#[cfg(test)]
mod tests;

pub use directories::{Directories, Directory};
pub use host::Partitions;
pub use recovery::RecoveryThreads;
pub use replicas::ReplicaNews;
pub use settings::compaction_limits;

use std::collections::VecDeque;
use std::sync::Arc;

use metadata::TopicSettings;
use reactor::Reactor;
use replication::{Leader, LeaderEpochs, ProducerStates};
use storage::{LogId, LogName, Store};
use types::{ErrorCode, LeaderEpoch, Offset, TopicPartition};

use crate::arena::Key;
use crate::metrics::TopicPlace;

/// One partition on its shard, led by this broker. Dies when its topic is deleted.
pub struct Partition {
    at: TopicPartition,
    name: LogName,
    /// Index into the broker's log directories.
    directory: usize,
    log: LogId,
    leader: Leader,
    epoch: LeaderEpoch,
    epochs: LeaderEpochs,
    producers: ProducerStates,
    settings: Arc<TopicSettings>,
    /// The epochs have changed since their checkpoint was written.
    epochs_unsaved: bool,
    /// It is on its shard's list of those with records that are not durable.
    is_unflushed: bool,
    /// Bytes appended since the state of producers was saved.
    unsaved_bytes: u64,
    /// The offset up to which that state reflects the log; none if it was not saved since the start.
    producers_saved_at: Offset,
    /// Appends that wait for the high watermark, lowest first: the offset it must reach, the job, the part in it.
    appends: VecDeque<(Offset, Key, usize)>,
    /// Reads that wait for more.
    reads: Vec<Key>,
    /// How often there was more to read.
    read_wakes: u64,
    /// Where what goes in and out is counted.
    topic_place: TopicPlace,
}

impl Partition {
    /// Holds the epoch that a client believes in against the partition's own (KIP-320).
    fn check_epoch(&self, claimed: LeaderEpoch) -> Result<(), ErrorCode> {
        if claimed == LeaderEpoch::NONE || claimed == self.epoch {
            Ok(())
        } else if claimed < self.epoch {
            Err(ErrorCode::FencedLeaderEpoch)
        } else {
            Err(ErrorCode::UnknownLeaderEpoch)
        }
    }

    /// Records below `log_start` are gone.
    fn move_log_start(&mut self, log_start: Offset, store: &mut Store, reactor: &mut Reactor) {
        let moved = log_start > self.leader.log_start();
        // The log deletes nothing above the high watermark; if it said so, the leader's view stays.
        if self.leader.log_start_moved(log_start).is_ok() {
            self.epochs_unsaved |= self.epochs.truncate_from_start(log_start);
            self.producers.log_start_moved(log_start);
        }
        // What the records below said of their producers can no longer be read from them.
        let knows_producers = self.producers.producers().len() > 0;
        if moved && knows_producers && self.producers_saved_at < log_start {
            self.save_producers(store, reactor);
        }
    }

    /// The offset below which clients may read.
    fn readable_end(&self, committed_only: bool) -> Offset {
        let high_watermark = self.leader.high_watermark();
        if committed_only { self.producers.last_stable_offset(high_watermark) } else { high_watermark }
    }
}
