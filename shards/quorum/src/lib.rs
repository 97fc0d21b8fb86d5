//! The durable, ordered log of metadata records.
#![forbid(unsafe_code)]

mod metadata_log;

pub use metadata_log::{Entry, MetadataLog, QuorumError};
