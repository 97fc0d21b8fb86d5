//! What can be wrong with record bytes, and how a producer is told.

use types::ErrorCode;

use crate::header::Compression;

/// Bytes that are not a well-formed batch or record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The bytes end before the batch does.
    #[error("a batch needs {needed} bytes, but only {available} are there")]
    Truncated { needed: usize, available: usize },
    /// The length field cannot hold even a header.
    #[error("the batch length {0} is smaller than a batch header")]
    BatchLength(i32),
    /// A message set v0 or v1, or no batch at all.
    #[error("magic {0} is not supported, only record batches with magic 2")]
    Magic(i8),
    /// The content is not what the checksum was made from.
    #[error("the stored checksum is {stored:#010x}, the content's is {computed:#010x}")]
    Crc { stored: u32, computed: u32 },
    /// A compression id above those Kafka has defined.
    #[error("unknown compression id {0}")]
    UnknownCompression(u8),
    /// The compressed bytes do not decompress.
    #[error("cannot decompress {codec}: {why}")]
    Decompress { codec: Compression, why: String },
    /// Decompressing stopped at the caller's limit.
    #[error("the records decompress to more than {limit} bytes")]
    DecompressedTooLarge { limit: usize },
    /// The records do not compress.
    #[error("cannot compress with {codec}: {why}")]
    Compress { codec: Compression, why: String },
    /// A record, counted from 0 in its batch, is malformed.
    #[error("record {index} of the batch: {why}")]
    Record { index: i32, why: &'static str },
    /// Fewer or more bytes than the header's record count needs.
    #[error("{0}")]
    RecordCount(&'static str),
    /// A control record is malformed.
    #[error("{0}")]
    Control(&'static str),
    /// A batch that was to be built would be larger than a batch can be.
    #[error("a batch cannot hold {0} bytes")]
    TooLarge(usize),
}

impl RecordError {
    /// What a decompressor reported.
    pub(crate) fn decompress(codec: Compression, error: &std::io::Error) -> Self {
        Self::Decompress { codec, why: error.to_string() }
    }
}

/// A batch refused, in the words of a Produce response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// The partition's error code.
    pub code: ErrorCode,
    /// The partition's error message (Produce v8 and later carry it).
    pub message: String,
    /// The records that caused it: their index in the batch and what is wrong with each. Often empty.
    pub record_errors: Vec<(i32, String)>,
}

impl Rejected {
    /// A refusal of the batch as a whole.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), record_errors: Vec::new() }
    }
}
