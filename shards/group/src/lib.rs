//! Group coordinators as pure state machines: requests in, records of `__consumer_offsets` and replies out.
//!
//! There is one [`Coordinator`] for each partition of that topic, and it knows the groups whose ids hash to it. Whoever
//! hosts it gives it requests, the time and the cluster's metadata; appends the [`Effects::records`] of each call to the
//! partition as one batch; and sends the [`Effects::replies`] once that batch, and all before it, are durable. After a
//! start the partition's records are replayed, and the groups are as they were.
//!
//! ```text
//!             handle(request) ─┐                        ┌─ records ─► one batch of __consumer_offsets
//! host ─────► expire(now) ─────┼─► Coordinator ─► Effects
//!             replay(record) ──┘   (all groups of       └─ replies ─► clients, when the batch is durable
//!             while loading         one partition)
//! ```
//!
//! # Invariants
//! - What has to survive changes in [`Coordinator::replay`] alone. Calls replay their own records before they return,
//!   so the next call already sees them; a host that could not append them unloads the coordinator and loads it anew.
//! - The same calls with the same arguments give the same effects: no clock, no chance, no I/O.
//! - Every ticket is answered exactly once: by the call that brought it, by a later one, or by [`Coordinator::unload`].
//!
//! # Not here
//! Which broker coordinates a group, and hosting (`src/coordinator`); what clients may do (the broker's `api`).
#![forbid(unsafe_code)]

mod account;
pub mod assignor;
mod classic;
mod consumer;
mod coordinator;
mod effects;
mod group;
mod history;
mod names;
mod offsets;
pub mod records;
mod refusal;
mod request;
mod settings;

pub use coordinator::Coordinator;
pub use effects::{Effects, Reply, Ticket};
pub use history::{Event, History};
pub use names::{GroupId, InstanceId, MemberId};
pub use records::{Record, RecordError};
pub use request::{Context, OffsetFetch, Request, Response};
pub use settings::{ClassicSettings, ConsumerSettings, MigrationPolicy, OffsetSettings, Settings};
