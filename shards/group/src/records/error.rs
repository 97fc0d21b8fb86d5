//! Why a record cannot be read or written.

use std::fmt;

use protocol::{DecodeError, EncodeError};

/// Why a record of `__consumer_offsets` cannot be read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordError {
    /// A kind that this release does not know, or does not use.
    UnknownKind(i16),
    /// A version of a known kind that this release does not know.
    UnknownVersion {
        /// The kind.
        kind: i16,
        /// The version of its value.
        version: i16,
    },
    /// The bytes are not what they say they are.
    Malformed(DecodeError),
    /// A value does not fit into the format.
    Unwritable(EncodeError),
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownKind(kind) => write!(f, "records of kind {kind} are not known"),
            Self::UnknownVersion { kind, version } => {
                write!(f, "version {version} of records of kind {kind} is not known")
            }
            Self::Malformed(error) => write!(f, "the record is malformed: {error}"),
            Self::Unwritable(error) => write!(f, "the record cannot be written: {error}"),
        }
    }
}

impl std::error::Error for RecordError {}

impl From<DecodeError> for RecordError {
    fn from(error: DecodeError) -> Self {
        Self::Malformed(error)
    }
}

impl From<EncodeError> for RecordError {
    fn from(error: EncodeError) -> Self {
        Self::Unwritable(error)
    }
}
