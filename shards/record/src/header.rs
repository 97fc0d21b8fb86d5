//! The header of a record batch v2.
//!
//! ```text
//!  0  base offset            i64
//!  8  batch length           i32   bytes after this field
//! 12  partition leader epoch i32
//! 16  magic                  i8    2
//! 17  crc                    u32   CRC-32C of everything from the attributes to the end
//! 21  attributes             i16
//! 23  last offset delta      i32
//! 27  base timestamp         i64
//! 35  max timestamp          i64
//! 43  producer id            i64
//! 51  producer epoch         i16
//! 53  base sequence          i32
//! 57  record count           i32
//! 61  records, compressed as a whole if the attributes say so
//! ```
//!
//! # Not here
//! Whether the values make sense together (`validate.rs`).

use std::fmt;

use types::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Sequence, TimestampMs};

use crate::error::RecordError;

/// The only batch format that is kept.
pub const MAGIC_V2: i8 = 2;
/// Bytes of a header; the smallest batch, too.
pub const BATCH_HEADER_BYTES: usize = 61;
/// How far a batch must have arrived for its length to be known.
pub const BATCH_LENGTH_FIELD_END: usize = 12;

pub(crate) const BASE_OFFSET_AT: usize = 0;
pub(crate) const LENGTH_AT: usize = 8;
pub(crate) const LEADER_EPOCH_AT: usize = 12;
pub(crate) const MAGIC_AT: usize = 16;
pub(crate) const CRC_AT: usize = 17;
pub(crate) const ATTRIBUTES_AT: usize = 21;
pub(crate) const LAST_OFFSET_DELTA_AT: usize = 23;
pub(crate) const BASE_TIMESTAMP_AT: usize = 27;
pub(crate) const MAX_TIMESTAMP_AT: usize = 35;
pub(crate) const PRODUCER_ID_AT: usize = 43;
pub(crate) const PRODUCER_EPOCH_AT: usize = 51;
pub(crate) const BASE_SEQUENCE_AT: usize = 53;
pub(crate) const RECORD_COUNT_AT: usize = 57;

const _: () = assert!(LENGTH_AT + size_of::<i32>() == BATCH_LENGTH_FIELD_END);
const _: () = assert!(RECORD_COUNT_AT + size_of::<i32>() == BATCH_HEADER_BYTES);

/// How the records of a batch are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Compression {
    None = 0,
    Gzip = 1,
    Snappy = 2,
    Lz4 = 3,
    Zstd = 4,
}

impl Compression {
    /// Every kind, in the order of its id.
    pub const ALL: [Self; 5] = [Self::None, Self::Gzip, Self::Snappy, Self::Lz4, Self::Zstd];

    /// The kind with this id, or `None` for an id Kafka has not defined.
    #[must_use]
    pub const fn from_id(id: u8) -> Option<Self> {
        match id {
            0 => Some(Self::None),
            1 => Some(Self::Gzip),
            2 => Some(Self::Snappy),
            3 => Some(Self::Lz4),
            4 => Some(Self::Zstd),
            _ => None,
        }
    }

    /// As in Kafka's `compression.type`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Who gives records their timestamps: `message.timestamp.type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TimestampType {
    /// The producer.
    CreateTime,
    /// The broker, one for the whole batch: its max timestamp.
    LogAppendTime,
}

/// The attributes of a batch: three bits of compression and four flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Attributes(pub i16);

impl Attributes {
    const COMPRESSION_MASK: i16 = 0b111;
    const LOG_APPEND_TIME: i16 = 1 << 3;
    const TRANSACTIONAL: i16 = 1 << 4;
    const CONTROL: i16 = 1 << 5;
    const DELETE_HORIZON: i16 = 1 << 6;
    const KNOWN_MASK: i16 = 0x7f;

    /// The id of the compression, which may be one that Kafka has not defined.
    #[must_use]
    pub const fn compression_id(self) -> u8 {
        (self.0 & Self::COMPRESSION_MASK) as u8
    }

    /// Whether the batch belongs to a transaction.
    #[must_use]
    pub const fn is_transactional(self) -> bool {
        self.0 & Self::TRANSACTIONAL != 0
    }

    /// Whether its records are markers that clients never see.
    #[must_use]
    pub const fn is_control(self) -> bool {
        self.0 & Self::CONTROL != 0
    }

    /// Whether the base timestamp is the time from which a compactor may drop tombstones (KIP-534).
    #[must_use]
    pub const fn has_delete_horizon(self) -> bool {
        self.0 & Self::DELETE_HORIZON != 0
    }

    /// Who gave the records their timestamps.
    #[must_use]
    pub const fn timestamp_type(self) -> TimestampType {
        if self.0 & Self::LOG_APPEND_TIME != 0 {
            TimestampType::LogAppendTime
        } else {
            TimestampType::CreateTime
        }
    }

    /// Without the bits that have no meaning yet.
    #[must_use]
    pub(crate) const fn only_known(self) -> Self {
        Self(self.0 & Self::KNOWN_MASK)
    }

    /// What stays when the records are compressed anew: the flags that a client may set.
    #[must_use]
    pub(crate) const fn only_transactional(self) -> Self {
        Self(self.0 & Self::TRANSACTIONAL)
    }

    /// The same with another timestamp type.
    #[must_use]
    pub const fn with_timestamp_type(self, timestamp_type: TimestampType) -> Self {
        match timestamp_type {
            TimestampType::CreateTime => Self(self.0 & !Self::LOG_APPEND_TIME),
            TimestampType::LogAppendTime => Self(self.0 | Self::LOG_APPEND_TIME),
        }
    }

    /// The same with another compression.
    #[must_use]
    pub const fn with_compression(self, compression: Compression) -> Self {
        Self(self.0 & !Self::COMPRESSION_MASK | compression as i16)
    }

    /// The same as part of a transaction.
    #[must_use]
    pub const fn with_transactional(self) -> Self {
        Self(self.0 | Self::TRANSACTIONAL)
    }

    /// The same with a base timestamp that is the time from which tombstones may go.
    #[must_use]
    pub(crate) const fn with_delete_horizon(self) -> Self {
        Self(self.0 | Self::DELETE_HORIZON)
    }

    /// The same without that.
    #[must_use]
    pub(crate) const fn without_delete_horizon(self) -> Self {
        Self(self.0 & !Self::DELETE_HORIZON)
    }

    /// The same as a control batch.
    #[must_use]
    pub const fn with_control(self) -> Self {
        Self(self.0 | Self::CONTROL)
    }
}

/// The header of a batch, read but not judged: only its magic and length are known to be possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchHeader {
    /// Offset of the first record.
    pub base_offset: Offset,
    /// Bytes of the whole batch, header and length field included; at least [`BATCH_HEADER_BYTES`].
    pub batch_len_bytes: usize,
    /// The epoch in which it was appended; -1 until then.
    pub partition_leader_epoch: LeaderEpoch,
    /// Always [`MAGIC_V2`].
    pub magic: i8,
    /// CRC-32C of everything from the attributes to the end.
    pub crc: u32,
    /// Compression and flags.
    pub attributes: Attributes,
    /// What the last record's offset adds to the base offset. Stays when compaction removes records.
    pub last_offset_delta: i32,
    /// What the records' timestamp deltas are added to.
    pub base_timestamp: TimestampMs,
    /// The largest timestamp of its records, or the append time.
    pub max_timestamp: TimestampMs,
    /// -1 without idempotence.
    pub producer_id: ProducerId,
    /// -1 without idempotence.
    pub producer_epoch: ProducerEpoch,
    /// Sequence of the first record; -1 without idempotence.
    pub base_sequence: Sequence,
    /// Records that it claims to hold.
    pub record_count: i32,
}

/// The length of the batch at the beginning of `bytes` and the number of its records, as its header says; `None` where
/// none begins. For counting: nothing else of the batch is looked at.
#[must_use]
pub fn len_and_records(bytes: &[u8]) -> Option<(usize, u64)> {
    let header: &[u8; BATCH_HEADER_BYTES] = bytes.first_chunk()?;
    let len = usize::try_from(read_i32(header, LENGTH_AT)).ok()?.checked_add(BATCH_LENGTH_FIELD_END)?;
    (len >= BATCH_HEADER_BYTES)
        .then_some((len, read_i32(header, RECORD_COUNT_AT).max(0).unsigned_abs().into()))
}

impl BatchHeader {
    /// Reads the header at the beginning of `bytes`, which may hold less or more than the batch.
    ///
    /// # Errors
    /// `Truncated` below 61 bytes, `BatchLength` for a length that is impossible, `Magic` for anything but v2.
    pub fn parse(bytes: &[u8]) -> Result<Self, RecordError> {
        let header: &[u8; BATCH_HEADER_BYTES] = bytes
            .first_chunk()
            .ok_or(RecordError::Truncated { needed: BATCH_HEADER_BYTES, available: bytes.len() })?;
        let magic = header[MAGIC_AT] as i8;
        if magic != MAGIC_V2 {
            return Err(RecordError::Magic(magic));
        }
        let batch_len_bytes = batch_len_bytes(header)?;
        Ok(Self {
            base_offset: Offset(read_i64(header, BASE_OFFSET_AT)),
            batch_len_bytes,
            partition_leader_epoch: LeaderEpoch(read_i32(header, LEADER_EPOCH_AT)),
            magic,
            crc: read_u32(header, CRC_AT),
            attributes: Attributes(read_i16(header, ATTRIBUTES_AT)),
            last_offset_delta: read_i32(header, LAST_OFFSET_DELTA_AT),
            base_timestamp: TimestampMs(read_i64(header, BASE_TIMESTAMP_AT)),
            max_timestamp: TimestampMs(read_i64(header, MAX_TIMESTAMP_AT)),
            producer_id: ProducerId(read_i64(header, PRODUCER_ID_AT)),
            producer_epoch: ProducerEpoch(read_i16(header, PRODUCER_EPOCH_AT)),
            base_sequence: Sequence(read_i32(header, BASE_SEQUENCE_AT)),
            record_count: read_i32(header, RECORD_COUNT_AT),
        })
    }

    /// Offset of the last record, or of where it was before compaction.
    #[must_use]
    pub fn last_offset(&self) -> Offset {
        Offset(self.base_offset.0.wrapping_add(i64::from(self.last_offset_delta)))
    }

    /// The offset that follows this batch.
    #[must_use]
    pub fn next_offset(&self) -> Offset {
        Offset(self.last_offset().0.wrapping_add(1))
    }

    /// How the records are compressed.
    ///
    /// # Errors
    /// `UnknownCompression` for ids 5 to 7.
    pub fn compression(&self) -> Result<Compression, RecordError> {
        let id = self.attributes.compression_id();
        Compression::from_id(id).ok_or(RecordError::UnknownCompression(id))
    }

    /// Who gave the records their timestamps.
    #[must_use]
    pub fn timestamp_type(&self) -> TimestampType {
        self.attributes.timestamp_type()
    }

    /// Whether the batch belongs to a transaction.
    #[must_use]
    pub fn is_transactional(&self) -> bool {
        self.attributes.is_transactional()
    }

    /// Whether its records are markers that clients never see.
    #[must_use]
    pub fn is_control(&self) -> bool {
        self.attributes.is_control()
    }

    /// The time from which a compactor may drop the batch's tombstones, or its marker; `None` until it was set.
    #[must_use]
    pub fn delete_horizon(&self) -> Option<TimestampMs> {
        self.attributes.has_delete_horizon().then_some(self.base_timestamp)
    }

    /// Whether an idempotent or transactional producer sent it.
    #[must_use]
    pub fn has_producer_id(&self) -> bool {
        self.producer_id.0 > ProducerId::NONE.0
    }

    /// Sequence of the last record, or -1 where the batch has none.
    #[must_use]
    pub fn last_sequence(&self) -> Sequence {
        if self.base_sequence == Sequence::NONE {
            return Sequence::NONE;
        }
        self.base_sequence.wrapping_plus(self.last_offset_delta)
    }
}

/// Bytes of the whole batch that begins with `header`.
pub(crate) fn batch_len_bytes(header: &[u8; BATCH_HEADER_BYTES]) -> Result<usize, RecordError> {
    let after_length = read_i32(header, LENGTH_AT);
    let whole = usize::try_from(after_length).ok().and_then(|n| n.checked_add(BATCH_LENGTH_FIELD_END));
    whole.filter(|n| *n >= BATCH_HEADER_BYTES).ok_or(RecordError::BatchLength(after_length))
}

/// The base offset of a batch whose header was not parsed.
pub(crate) fn base_offset(batch: &[u8]) -> Offset {
    Offset(read_i64(batch, BASE_OFFSET_AT))
}

/// The attributes of a batch whose header was not parsed; none if it is too short for them.
pub(crate) fn attributes(batch: &[u8]) -> Attributes {
    Attributes(read_i16(batch, ATTRIBUTES_AT))
}

/// The `N` bytes at `at`, or zeros beyond the end: callers have held `at` against the length before.
fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
}

pub(crate) fn read_i16(bytes: &[u8], at: usize) -> i16 {
    i16::from_be_bytes(array(bytes, at))
}

pub(crate) fn read_i32(bytes: &[u8], at: usize) -> i32 {
    i32::from_be_bytes(array(bytes, at))
}

pub(crate) fn read_u32(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(array(bytes, at))
}

pub(crate) fn read_i64(bytes: &[u8], at: usize) -> i64 {
    i64::from_be_bytes(array(bytes, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_the_bits_that_kafka_gave_them() {
        let bits = |bits| {
            let a = Attributes(bits);
            let append_time = a.timestamp_type() == TimestampType::LogAppendTime;
            (a.compression_id(), append_time, a.is_transactional(), a.is_control(), a.has_delete_horizon())
        };
        assert_eq!(bits(0b000_0100), (4, false, false, false, false));
        assert_eq!(bits(0b000_1000), (0, true, false, false, false));
        assert_eq!(bits(0b001_0000), (0, false, true, false, false));
        assert_eq!(bits(0b010_0000), (0, false, false, true, false));
        assert_eq!(bits(0b100_0000), (0, false, false, false, true));
    }
}
