//! One core: its thread and executor, its ring, its sockets and files, the buffers that they use, and how it
//! sleeps and is woken.
//!
//! A shard's thread is started by [`launch`]; there it makes a [`Reactor`] and loops: `poll` for events, handle
//! each of them, `park` when there is nothing to do. All verbs are synchronous and cannot fail at once: their
//! outcome is an [`Event`] with the caller's [`Token`]. This is the only crate that names glommio and io-uring.
//!
//! # Invariants
//! - The kernel owns a buffer until the completion arrives: what is dropped or called off meanwhile is kept
//!   aside, not freed.
//! - Nothing here blocks but what says so ([`File::open`] and its like, which belong on [`Reactor::offload`]).

mod accept;
mod affinity;
mod aligned;
mod allocator;
mod background;
mod bridge;
mod chunk;
mod commit_method;
mod disk;
mod error;
mod event;
mod features;
mod file;
mod file_reader;
mod fill;
pub mod huge_pages;
mod launch;
mod offload;
mod operation;
mod options;
mod park;
mod pool;
mod reactor;
mod receive;
mod removal;
mod ring;
mod ring_reactor;
mod send;
pub mod simulation;
mod socket;
mod streaming;
mod transfer;
mod vectors;
mod waker;

pub use affinity::cores;
pub use allocator::{Allocator, LARGE_BLOCK_BYTES_MIN};
pub use background::{sleep, spawn_background, yield_if_needed};
pub use chunk::{Chunk, ChunkSlice};
pub use commit_method::CommitMethod;
pub use disk::{Disk, Lock};
pub use error::ReactorError;
pub use event::{Event, ReceiveEnd, Token};
pub use features::{Features, probe};
pub use file::{File, OpenOptions};
pub use file_reader::FileReader;
pub use launch::{Handle, Placement, launch};
pub use offload::Pace;
pub use options::{Allow, Options};
pub use pool::Received;
pub use reactor::{Counts, Reactor};
pub use ring::Delivery;
pub use socket::Socket;
pub use streaming::copy_for_disk;
pub use transfer::Sync;
pub use waker::Waker;
