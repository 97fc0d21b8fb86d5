//! Kafka's wire format: framing, headers and one declarative table per message.
//!
//! A frame arrives as one [`Bytes`](bytes::Bytes). [`RequestHeader::peek`] says what it is; [`decode_request`] turns
//! it into a struct whose strings and records are slices of the frame. [`encode_response`] gives the pieces of the
//! answer for scatter/gather, records among them as they were handed in.
//!
//! # Invariants
//! - Any bytes can be decoded without a panic, and what decoding allocates is bounded by the frame's length times
//!   [`DECODED_BYTES_PER_FRAME_BYTE_MAX`].
//! - Fields that a version lacks decode to Kafka's defaults; values that a version cannot carry are errors when
//!   encoding, unless Kafka lets them be dropped.
//!
//! # Not here
//! What the messages mean (the broker's `api`), sockets (`net`), and the inside of record batches (`record`).
#![forbid(unsafe_code)]

mod api_key;
mod error;
mod frame;
mod header;
pub mod messages;
mod reader;
mod records;
pub mod schema;
mod table;
mod text;
pub mod wire;
mod writer;

pub use api_key::ApiKey;
pub use error::{DecodeError, DecodeProblem, EncodeError};
pub use frame::{Message, Request, decode_request, decode_response, encode_request, encode_response};
pub use header::{RequestHeader, ResponseHeader};
pub use reader::Reader;
pub use records::Records;
pub use schema::Versions;
pub use text::Str;
pub use writer::Writer;

/// Decoding allocates at most so many bytes per byte of the frame, besides a small constant. It comes from arrays:
/// an element takes at least a byte on the wire and at most so many in memory, summed over the levels of nesting.
pub const DECODED_BYTES_PER_FRAME_BYTE_MAX: usize = 64;
