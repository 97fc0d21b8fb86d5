//! Kafka's record batch v2: the 61-byte header, iteration, CRC-32C, validation of what clients send, compression
//! with bounds, and building batches.
//!
//! Bytes in, views and bytes out. Pure: no I/O, no clock; the time is an argument.
//!
//! # Invariants
//! - No length that is read out of a batch decides an allocation or a loop by itself: lengths are held against the
//!   bytes that are really there, and decompression stops at a limit that the caller gives.
//! - A batch is stored as it came. Only the base offset and the leader epoch are written in place ([`stamp`]), and they
//!   lie outside the checksum. What else Kafka rewrites (append time, a topic's own compression) makes new bytes.
//!
//! # Not here
//! Which errors a producer's sequence and epoch cause (`replication`); where batches lie on disk (`storage`).
#![forbid(unsafe_code)]

mod batches;
mod build;
mod compress;
mod control;
mod crc;
mod cursor;
mod encode;
mod error;
mod filter;
mod header;
mod records;
mod rules;
mod shape;
mod stamp;
mod timestamps;
mod validate;
mod varint;
mod walk;

pub use batches::{Batches, batches};
pub use build::{BatchBuilder, BatchOptions, ProducerStamp};
pub use compress::CompressionLevel;
pub use control::{EndTxnMarker, TxnOutcome};
pub use crc::{check_crc, crc32c};
pub use error::{RecordError, Rejected};
pub use filter::{Filtered, Tombstones, emptied, filter};
pub use header::{
    Attributes, BATCH_HEADER_BYTES, BATCH_LENGTH_FIELD_END, BatchHeader, Compression, MAGIC_V2,
    TimestampType, len_and_records,
};
pub use records::{Header, Headers, Record, RecordIter, Records, decompress};
pub use rules::{CompressionPolicy, DECOMPRESSED_BYTES_MAX, Rules};
pub use stamp::stamp;
pub use timestamps::{find_timestamp, offset_of_max_timestamp};
pub use validate::{ValidBatch, Validated, validate};
