//! `cleanup.policy=compact`: of each key the last record stays, as in Kafka's log cleaner.
//!
//! A [`Pass`](pass::Pass) goes over one log: it notes the last offset of every key between the first dirty and the first
//! uncleanable offset ([`offset_map`]), and then writes the log's segments anew, group by group, without what is
//! superseded ([`retain`]). Each group that is done takes the place of its segments ([`swap`]). When a pass has ended, the
//! cleaner's checkpoint moves up to where the map reached; with more keys than fit into it, there is another pass.
//!
//! The store drives a pass in slices of some hundred kilobytes, one at a time and in a thread of little weight
//! ([`schedule`]): between slices it waits for its share of the disk, and nobody waits for it for longer than a slice.
//!
//! # Invariants
//! - Only segments that are durable to their end in their files are read, and only whole groups of them are replaced.
//! - Offsets, leader epochs and sequences of what stays do not change.
//! - A crash at any point leaves either the old segments of a group or the new one.
//! - The checkpoint moves only when every segment below it was written anew, so that no tombstone goes before what it
//!   deletes.
//!
//! # Not here
//! Which offsets are decided, and which producers are alive: the caller knows.

mod cleanable;
mod group;
mod mapping;
mod offset_map;
mod pass;
mod pool;
mod retain;
mod rewriting;
pub(crate) mod schedule;
mod source;
pub(crate) mod state;
pub(crate) mod swap;
mod target;
mod transactions;
pub(crate) mod txn_index;

use types::{Offset, ProducerEpoch, ProducerId};

pub use pool::{CompactionLimits, CompactionPool};

/// What a compacted topic asks for; Kafka's topic settings of the same names.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CompactionSettings {
    /// `min.cleanable.dirty.ratio`: the share of the log that has to be dirty.
    pub min_dirty_ratio: f64,
    /// `min.compaction.lag.ms`: what is younger stays as it is.
    pub min_lag_ms: i64,
    /// `max.compaction.lag.ms`: what is older is compacted, however little it is.
    pub max_lag_ms: i64,
    /// `delete.retention.ms`: how long tombstones and transaction markers stay when they are needed no longer.
    pub delete_retention_ms: i64,
}

/// The last thing that is known of a producer which may go on writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastRecord {
    pub producer_id: ProducerId,
    pub epoch: ProducerEpoch,
    /// The last offset of its last batch; `None` if nothing but a marker is known of its epoch.
    pub last_offset: Option<Offset>,
}

/// What only the caller of a compaction knows.
#[derive(Clone, Debug, Default)]
pub struct CompactionBounds {
    /// Nothing at or above is decided: the last stable offset.
    pub below: Offset,
    /// Producers whose sequences have to survive.
    pub producers: Vec<LastRecord>,
}

/// What a compaction has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CompactionReport {
    /// Where the dirty part began.
    pub from: Offset,
    /// Where it begins now.
    pub to: Offset,
    /// Keys in the dirty part.
    pub keys: usize,
    /// Bytes of the segments that were written anew, before and after.
    pub bytes_before: u64,
    pub bytes_after: u64,
    /// Bytes read and written for all that.
    pub bytes_read: u64,
    pub bytes_written: u64,
    /// Segments before and after.
    pub segments_before: usize,
    pub segments_after: usize,
}
