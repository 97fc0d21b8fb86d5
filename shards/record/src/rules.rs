//! What a topic, and the version of a Produce request, ask of a batch.

use crate::compress::CompressionLevel;
use crate::header::{Compression, TimestampType};

/// The default of [`Rules::decompressed_bytes_max`]: 128 times Kafka's default `max.message.bytes`.
pub const DECOMPRESSED_BYTES_MAX: usize = 128 * 1024 * 1024;

/// Kafka's default `max.message.bytes`: a mebibyte, and the offset and length before it.
const BATCH_BYTES_MAX: usize = 1024 * 1024 + 12;
/// Kafka's default `segment.bytes`.
const SEGMENT_BYTES: usize = 1024 * 1024 * 1024;
/// Kafka's default `message.timestamp.after.max.ms`.
const TIMESTAMP_AFTER_MS_MAX: i64 = 60 * 60 * 1000;

/// A topic's `compression.type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum CompressionPolicy {
    /// Batches stay as the producer compressed them (`producer`).
    #[default]
    Producer,
    /// Batches that are compressed otherwise are compressed anew (`gzip`, `snappy`, `lz4`, `zstd`), or not at all
    /// (`uncompressed`, which is `Compression::None`).
    Always(Compression, CompressionLevel),
}

/// See the module. Made from the topic's settings once, not per batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// `max.message.bytes`.
    pub batch_bytes_max: usize,
    /// `segment.bytes`: a batch must fit into a segment.
    pub segment_bytes: usize,
    /// `compression.type`.
    pub compression: CompressionPolicy,
    /// `message.timestamp.type`.
    pub timestamp_type: TimestampType,
    /// `message.timestamp.before.max.ms`: how much older than the broker's clock a record may be.
    pub timestamp_before_ms_max: i64,
    /// `message.timestamp.after.max.ms`: how much newer.
    pub timestamp_after_ms_max: i64,
    /// Whether `cleanup.policy` contains `compact`: then every record needs a key.
    pub compacted: bool,
    /// Whether the request's version allows zstd: Produce v7 and later.
    pub zstd_allowed: bool,
    /// A batch whose records decompress to more is refused with MESSAGE_TOO_LARGE, which makes Java's producer split
    /// it. Kafka has no such limit; a batch of 100 KB of zstd can expand to 1 GB.
    pub decompressed_bytes_max: usize,
}

impl Default for Rules {
    /// Kafka's defaults for a topic, and a request of a version that allows zstd.
    fn default() -> Self {
        Self {
            batch_bytes_max: BATCH_BYTES_MAX,
            segment_bytes: SEGMENT_BYTES,
            compression: CompressionPolicy::Producer,
            timestamp_type: TimestampType::CreateTime,
            timestamp_before_ms_max: i64::MAX,
            timestamp_after_ms_max: TIMESTAMP_AFTER_MS_MAX,
            compacted: false,
            zstd_allowed: true,
            decompressed_bytes_max: DECOMPRESSED_BYTES_MAX,
        }
    }
}
