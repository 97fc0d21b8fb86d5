//! `strome log`: what is in the files of a log, without a broker.

mod adopt;
mod dump;
mod offset_index;
mod segment;
mod small_files;
mod time_index;
mod txn_index;
mod verify;

use clap::Subcommand;

use super::failure::Failure;

/// What to do with files.
#[derive(Subcommand)]
pub enum Log {
    /// Print segments, indexes, producer snapshots and checkpoints, and check them
    Dump(dump::Dump),
    /// Check everything in data directories that no broker runs on
    Verify(verify::Verify),
    /// Take over the data directories of a stopped Apache Kafka node
    Adopt(Box<adopt::Adopt>),
}

impl Log {
    /// Does it.
    pub fn run(self) -> Result<(), Failure> {
        match self {
            Self::Dump(dump) => dump.run(),
            Self::Verify(verify) => verify.run(),
            Self::Adopt(adopt) => adopt.run(),
        }
    }
}
