//! The durable, ordered log of metadata records, which makes the cluster agree on what it knows.
//!
//! At present the quorum is this node alone: what it has made durable is committed. The face is narrow so that a
//! quorum of several can stand behind it: records are proposed, and an index comes back once a majority has them; the
//! files already number and date entries as such a quorum needs it.
#![forbid(unsafe_code)]

mod error;
mod files;
mod frame;
mod metadata_log;
mod snapshot;

pub use error::QuorumError;
pub use metadata_log::{Entry, MetadataLog, TornWrite};
