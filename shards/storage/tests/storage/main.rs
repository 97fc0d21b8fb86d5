//! A store on a real reactor and a real file system.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "tests look at real files")]

mod ages;
mod calls;
mod cold;
mod compaction;
mod compaction_crash;
mod compaction_txn;
mod crash;
mod driver;
mod failing;
mod fixtures;
mod full_disk;
mod journal;
mod kafka_tools;
mod memory;
mod model;
mod power;
mod progress;
mod transactions;
mod verify;
