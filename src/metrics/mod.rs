//! What a shard counts about itself, in plain numbers that only its own core touches.
//!
//! # Hot path
//! No atomic, no lock, no allocation. Whoever wants the figures asks with a message and gets a copy
//! ([`ShardSnapshot`]).
//!
//! # Not here
//! What storage, connections, lanes and the ring count (their crates); names and texts for the outside (`admin`).

mod apis;
mod loop_time;
mod passage;
mod snapshot;
mod stages;
mod topics;

pub use apis::{ApiFigures, Apis};
pub use loop_time::{LoopTime, LoopTimer};
pub use passage::Passage;
pub use snapshot::{
    Compactions, ControlSnapshot, PartitionSnapshot, Phase, ShardSnapshot, Snapshot, SnapshotSender,
};
pub use stages::{Class, Stages};
pub use topics::{TopicFigures, TopicPlace, Topics};
