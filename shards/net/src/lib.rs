//! Listeners, connections, ordered replies, admission.
//!
//! A shard owns [`Connections`]: the reactor's events go in, [`Request`]s come out in turn among the connections, and
//! answers go back in whatever order they come, to leave in the order of the requests. What follows from all that is
//! started at the reactor by one [`Connections::flush`] per round of the shard's loop.
//!
//! # Invariants
//! - Nothing that a client does makes the shard keep more than its limits allow: frames are paid for from the shard's
//!   request memory before their bodies are taken in, requests and unread answers of a connection are bounded, and so
//!   is the number of connections ([`Admission`]). Beyond a limit a socket is not read, and the client's own
//!   connection slows it down.
//! - One connection's speed or slowness is no other's business: requests are handed out in turn.
//! - State machines know no sockets and no clock (`connection.rs`, `table.rs` and what they use); `connections.rs`
//!   alone speaks to the reactor.
//!
//! # Not here
//! What requests mean (the broker), and how they are encoded (`protocol`).
#![forbid(unsafe_code)]

mod admission;
mod budget;
mod connection;
mod connections;
mod idle;
mod ids;
mod inbound;
mod listen;
mod log_limit;
mod outbound;
mod settings;
mod slab;
mod statistics;
mod surroundings;
mod table;
mod timeline;

pub use admission::{Admission, AdmissionLimits, ListenerLimit, Permit, Refused};
pub use connection::Facts;
pub use connections::{Connections, Moved, Request};
pub use ids::{CONNECTIONS_PER_SHARD_MAX, ConnectionId, FOREIGN_TOKEN_BIT, ListenerIndex, Slot};
pub use listen::{Bound, ListenError, SocketSettings, listen};
pub use settings::Limits;
pub use statistics::{CloseReason, Statistics};
pub use timeline::{Moment, NO_API, Stage, Timeline};
