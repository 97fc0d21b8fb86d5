//! One partition as its leader sees it: leader epochs, high watermark, and what it remembers of producers.
//!
//! Appends, flushes and fetch positions go in; offsets, verdicts and file contents come out. Pure: no I/O and no
//! clock, the time is an argument. Files are encoded and decoded as bytes; `storage` writes them.
//!
//! # Not here
//! Whether a batch is well formed (`record`); where it lies (`storage`); waiting clients (the broker).
#![forbid(unsafe_code)]

mod error;
mod leader;
mod leader_epochs;
mod producer_entry;
mod producer_states;
mod snapshot;
mod transactions;

pub use error::ReplicationError;
pub use leader::{FlushRule, Leader};
pub use leader_epochs::{EpochEnd, EpochStart, LeaderEpochs};
pub use producer_entry::{AppendedBatch, ProducerEntry};
pub use producer_states::{Admission, Origin, PRODUCERS_MAX, ProducerLimits, ProducerStates, Truncation};
pub use transactions::CompletedTxn;
