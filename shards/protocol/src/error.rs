//! What can be wrong with bytes from a peer, and with a value that is to be written.

use crate::ApiKey;
use std::fmt;

/// A frame that does not follow the protocol. Whoever sent it is at fault; its connection is of no further use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// The field that was being read.
    pub field: &'static str,
    /// Where in the frame, in bytes from its beginning (after the length).
    pub position: usize,
    /// What is wrong there.
    pub problem: DecodeProblem,
}

/// What is wrong with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeProblem {
    /// The frame, or the tagged field, ends `missing` bytes too early.
    Truncated {
        /// How many bytes more the field needs.
        missing: usize,
    },
    /// A field that must have a value in this version is null.
    Null,
    /// Text is not UTF-8.
    NotUtf8,
    /// Text is longer than Kafka's 32,767 bytes.
    StringTooLong(usize),
    /// A variable-length number does not end within five bytes or exceeds 32 bits.
    Varint,
    /// An array claims more elements than fit into the rest of the frame, or than are allowed at all.
    TooManyElements(usize),
    /// More tagged fields are claimed than fit into the rest of the frame, or than are allowed at all.
    TooManyTaggedFields(usize),
    /// A known tagged field has a size that differs from its content's.
    TaggedFieldSize,
    /// The number of no API that this crate knows.
    UnknownApi(i16),
    /// A version of an API that this crate does not read.
    UnsupportedVersion(ApiKey, i16),
    /// The frame carries another API than the caller decodes.
    OtherApi(ApiKey),
    /// A record of Kafka's metadata log in a version that this crate does not read.
    UnsupportedRecord {
        /// The number of its kind.
        kind: u32,
        /// Its version.
        version: u32,
    },
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {} of the frame: ", self.field, self.position)?;
        match self.problem {
            DecodeProblem::Truncated { missing } => write!(f, "{missing} bytes are missing"),
            DecodeProblem::Null => f.write_str("null where a value is required"),
            DecodeProblem::NotUtf8 => f.write_str("not valid UTF-8"),
            DecodeProblem::StringTooLong(len) => write!(f, "a string of {len} bytes is too long"),
            DecodeProblem::Varint => f.write_str("not a 32-bit variable-length number"),
            DecodeProblem::TooManyElements(count) => write!(f, "{count} elements cannot be there"),
            DecodeProblem::TooManyTaggedFields(count) => write!(f, "{count} tagged fields cannot be there"),
            DecodeProblem::TaggedFieldSize => f.write_str("a tagged field's size does not fit its content"),
            DecodeProblem::UnknownApi(key) => write!(f, "unknown API {key}"),
            DecodeProblem::UnsupportedVersion(api, version) => {
                write!(f, "version {version} of {api} is not supported")
            }
            DecodeProblem::OtherApi(api) => write!(f, "unexpected API {api}"),
            DecodeProblem::UnsupportedRecord { kind, version } => {
                write!(f, "version {version} of the metadata record {kind} is not supported")
            }
        }
    }
}

impl std::error::Error for DecodeError {}

/// A value that the protocol cannot express in the version asked for. The caller is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncodeError {
    /// The version lacks a field that has a value and must not be dropped silently.
    Absent {
        /// The field.
        field: &'static str,
        /// The version that lacks it.
        version: i16,
    },
    /// A field is null that cannot be in this version.
    Null {
        /// The field.
        field: &'static str,
    },
    /// A value is too long for its length prefix.
    TooLong {
        /// The field.
        field: &'static str,
        /// Its length in bytes or elements.
        len: usize,
    },
    /// Records stand inside a tagged field, which no message of Kafka has.
    RecordsInTaggedField {
        /// The field.
        field: &'static str,
    },
    /// This crate does not write that version.
    UnsupportedVersion(ApiKey, i16),
    /// The whole frame exceeds what its length prefix can say.
    FrameTooLong(usize),
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent { field, version } => write!(f, "version {version} cannot carry a value of {field}"),
            Self::Null { field } => write!(f, "{field} cannot be null in this version"),
            Self::TooLong { field, len } => write!(f, "{field} is too long: {len}"),
            Self::RecordsInTaggedField { field } => write!(f, "{field}: records inside a tagged field"),
            Self::UnsupportedVersion(api, version) => {
                write!(f, "version {version} of {api} is not supported")
            }
            Self::FrameTooLong(len) => write!(f, "a frame of {len} bytes is too long"),
        }
    }
}

impl std::error::Error for EncodeError {}
