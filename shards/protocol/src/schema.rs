//! What a message table says, as data: the names, types and versions of every field.
//! The code that reads and writes a message comes from the same lines of the same table, so a test that compares
//! this description with Kafka's own definitions covers the code too.

use crate::ApiKey;

/// Tags from here on are Strome's own: Kafka counts its own from 0, a few for each message. They carry what only Strome
/// tells, to those who ask for it.
pub const OWN_TAGS_FROM: u32 = 10_000;

/// A range of versions, both ends included. Kafka writes `4-18`, `12+` or `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versions {
    /// The first version of the range.
    pub min: i16,
    /// The last version of the range; [`Versions::OPEN`] where the range has no end.
    pub max: i16,
}

impl Versions {
    /// The `max` of a range without an end.
    pub const OPEN: i16 = i16::MAX;

    /// The empty range.
    pub const NONE: Self = Self { min: 0, max: -1 };

    /// `min` and all later versions.
    #[must_use]
    pub const fn since(min: i16) -> Self {
        Self { min, max: Self::OPEN }
    }

    /// From `min` to `max`, both included.
    #[must_use]
    pub const fn between(min: i16, max: i16) -> Self {
        Self { min, max }
    }

    /// Whether `version` lies in the range.
    #[inline]
    #[must_use]
    pub const fn contains(self, version: i16) -> bool {
        self.min <= version && version <= self.max
    }

    /// Whether no version lies in the range.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.max < self.min
    }
}

/// How a field is laid out on the wire.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FieldType {
    /// One byte, 0 or 1.
    Bool,
    /// One byte.
    Int8,
    /// Two bytes, like all numbers big endian.
    Int16,
    /// Two bytes without a sign.
    Uint16,
    /// Four bytes.
    Int32,
    /// Eight bytes.
    Int64,
    /// Eight bytes, IEEE 754.
    Float64,
    /// Sixteen bytes.
    Uuid,
    /// UTF-8 text behind its length.
    String,
    /// Bytes behind their length.
    Bytes,
    /// Record batches behind their length.
    Records,
    /// The fields of another table.
    Struct(&'static StructSchema),
    /// A count and so many elements.
    Array(&'static FieldType),
}

/// One line of a table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FieldSchema {
    /// The field's name as in the Rust struct: Kafka's in snake case, with a trailing `_` where that is a keyword.
    pub name: &'static str,
    /// Its layout.
    pub ty: FieldType,
    /// The versions that carry it.
    pub versions: Versions,
    /// The versions in which it may be null.
    pub nullable: Versions,
    /// Its number, if it travels among the tagged fields (in all of its versions).
    pub tag: Option<u32>,
    /// Whether a value is dropped silently when a version lacks the field; otherwise it is an error.
    pub ignorable: bool,
    /// The Rust expression of the default, where the table names one.
    pub default: Option<&'static str>,
}

/// A table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StructSchema {
    /// The name of the Rust struct. It is not on the wire.
    pub name: &'static str,
    /// The fields in the order of the wire.
    pub fields: &'static [FieldSchema],
    /// The size of the Rust struct. An array of it takes so much for each element.
    pub memory_bytes: usize,
}

/// One API: a request, its response, and their versions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Api {
    /// The number that requests carry.
    pub key: ApiKey,
    /// Kafka's name, such as `OffsetForLeaderEpoch`.
    pub name: &'static str,
    /// The versions that this crate reads and writes.
    pub versions: Versions,
    /// The versions with compact lengths and tagged fields (KIP-482).
    pub flexible: Versions,
    /// The versions that a Kafka 4.3 broker advertises. It can begin below `versions`: Produce is advertised from
    /// 0 because librdkafka needs that, though versions below 3 are refused.
    pub advertised: Versions,
    /// The request's table.
    pub request: &'static StructSchema,
    /// The response's table.
    pub response: &'static StructSchema,
}
