//! Taking over the data directory of an Apache Kafka node: what Kafka's metadata says becomes Strome's metadata log,
//! and the partitions' directories stay where they are, since their formats are the same.
//!
//! [`Plan::make`] only looks; [`Plan::execute`] writes. What it writes lies in a folder of its own until everything is
//! durable, and gets its name last, so that an adoption that was interrupted can simply be run again.
//!
//! # Invariants
//! - No file of a partition is changed.
//! - What Strome cannot take over is named ([`Plan::left_behind`]), never dropped in silence.
//! - Nothing is written while one reason against it is left ([`Plan::refusals`]).
//!
//! # Not here
//! The records of Kafka's metadata log (`protocol::kraft`).

mod cluster;
mod directories;
mod execute;
mod metadata_log;
mod plan;
#[cfg(test)]
mod tests;
mod transactions;

use std::path::PathBuf;

pub use plan::Plan;

/// Why Kafka's metadata cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum AdoptError {
    #[error("{}: cannot {doing}: {error}", .path.display())]
    Io { doing: &'static str, path: PathBuf, error: std::io::Error },
    #[error("{}: position {position}: {what}", .path.display())]
    Damaged { path: PathBuf, position: u64, what: String },
    #[error("{}: {what}", .path.display())]
    Unexpected { path: PathBuf, what: String },
    #[error(transparent)]
    Storage(#[from] storage::StorageError),
    #[error("the new metadata log: {0}")]
    Quorum(#[from] quorum::QuorumError),
    #[error("the new metadata log does not hold what was written to it: {0}")]
    NotWritten(String),
}

impl AdoptError {
    fn io(doing: &'static str, path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::Io { doing, path, error }
    }
}
