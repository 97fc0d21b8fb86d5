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
pub mod consumer_protocol;
mod error;
mod frame;
pub mod group_log;
mod header;
pub mod kraft;
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

/// Decoding allocates at most so many bytes per byte of the frame, and [`DECODED_BYTES_BESIDES_MAX`]. It is the most
/// that an element of an array takes in memory for each byte that it takes at least on the wire; the elements of
/// arrays within arrays pay with bytes of their own.
pub const DECODED_BYTES_PER_FRAME_BYTE_MAX: usize = 43;

/// The same for requests alone, which are all that a broker takes from clients.
pub const REQUEST_BYTES_PER_FRAME_BYTE_MAX: usize = 32;

/// What decoding allocates at most whatever the frame's length: the handle that shares its buffer, and at each level
/// of nesting the least that one element needs.
pub const DECODED_BYTES_BESIDES_MAX: usize = 4096;
