//! The log of a partition: tail, segments, indexes, commit, recovery.
//!
//! One [`Store`] per shard holds the logs of that shard. It is synchronous: calls and completions come in, operations
//! go to the reactor, and what the caller has to hear of comes out as [`Outcome`]s. Whatever may block (opening,
//! recovering, extending, rolling and removing files) runs on an offload thread.
//!
//! # Invariants
//! - Nothing is called durable before a sync of the segment or of the journal that holds it has completed without an error.
//! - `log start <= durable end <= log end`; the durable end moves back only when the caller truncates.
//! - What is durable is in a segment, or in a journal from which the next start brings it to its segment.
//! - Memory is bounded: an append that would exceed the bound of bytes not yet written is refused with
//!   [`StorageError::Full`].
//! - What a damaged disk returns is reported with its file and position. It is never dropped silently.
//!
//! # Not here
//! The high watermark, producer state and leader epochs (`replication`): their files are kept here, as bytes that the
//! caller understands.
#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "tests look at real files")
)]

mod aborted;
mod age;
mod check;
mod checkpoint;
mod chunks;
mod cold_memory;
mod commit;
mod commits;
mod compact;
mod core;
mod damage;
mod deletions;
mod dir_view;
mod dump;
mod error;
mod failure;
mod figures;
mod index;
mod job;
mod journal;
mod layout;
mod load_queue;
mod log;
mod log_dir;
mod lookup;
mod maintain;
mod meta_properties;
mod open_segments;
mod opened;
mod outcome;
mod partition_metadata;
mod progress;
mod reader;
mod recover;
mod regions;
mod relief;
mod resync;
mod room;
mod scan;
mod segment;
mod segment_index;
mod settings;
mod span;
mod store;
mod streams;
mod tail;
mod time_index;
mod truncate;
mod upkeep;
mod verify;

pub use compact::txn_index::AbortedTxn;
pub use compact::{
    CompactionBounds, CompactionLimits, CompactionPool, CompactionReport, CompactionSettings, LastRecord,
};
pub use dir_view::DirView;
pub use dump::{DumpEntry, SegmentDump};
pub use error::StorageError;
pub use figures::{Figures, JournalLevel, Levels, WriteFigures};
pub use journal::JournalState;
pub use layout::LogName;
pub use log_dir::LogDir;
pub use meta_properties::MetaProperties;
pub use opened::OpenedLog;
pub use outcome::{Appended, FoundTimestamp, Lookup, Outcome, Read, TimestampTarget};
pub use progress::RecoveryProgress;
pub use recover::{Damage, Recovery};
pub use settings::{LogSettings, StoreSettings};
pub use store::{LogId, LogStatus, ReadId, Store};
pub use verify::{Contents, DirLock, Finding, Progress, Severity, Totals, Verified, VerifyOptions, verify};
