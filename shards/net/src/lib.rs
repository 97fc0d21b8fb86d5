//! Listeners, connections, ordered replies, admission.
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

pub use admission::{Admission, AdmissionLimits, ListenerLimit, Permit, Refused};
pub use connection::Facts;
pub use connections::{Connections, Moved, Request};
pub use ids::{CONNECTIONS_PER_SHARD_MAX, ConnectionId, FOREIGN_TOKEN_BIT, ListenerIndex, Slot};
pub use listen::{Bound, ListenError, SocketSettings, listen};
pub use settings::Limits;
pub use statistics::{CloseReason, Statistics};
