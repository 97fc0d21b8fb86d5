//! How each type of field is read and written.
//!
//! # Invariants
//! - `read` reserves memory for an array only after its count was found possible in the rest of the frame.
//! - What `write` writes, `read` reads back equal, in the same version.
//!
//! # Hot path
//! Versions are compared as numbers; nothing is looked up.

use crate::reader::STRING_BYTES_MAX;
use crate::schema::{FieldType, Versions};
use crate::{DecodeError, DecodeProblem, EncodeError, Reader, Records, Str, Writer};
use bytes::Bytes;
use types::Uuid;

/// What decides the layout of the field at hand.
#[derive(Clone, Copy, Debug)]
pub struct At {
    /// The version of the message.
    pub version: i16,
    /// Whether lengths are compact and structures end with tagged fields (KIP-482).
    pub flexible: bool,
    /// Whether the field may be null in this version.
    pub nullable: bool,
    /// Whether it stands among the tagged fields, where a structure says in another way that it is null.
    pub tagged: bool,
}

impl At {
    /// The start of a message.
    #[must_use]
    pub const fn new(version: i16, flexible: Versions) -> Self {
        Self { version, flexible: flexible.contains(version), nullable: false, tagged: false }
    }

    /// For a field that may be null in the versions `nullable`.
    #[inline]
    #[must_use]
    pub const fn nullable(self, nullable: Versions) -> Self {
        Self { nullable: nullable.contains(self.version), tagged: false, ..self }
    }

    /// For a tagged field that may be null in the versions `nullable`.
    #[inline]
    #[must_use]
    pub const fn tagged(self, nullable: Versions) -> Self {
        Self { tagged: true, ..self.nullable(nullable) }
    }

    /// Where a field of these properties stands.
    #[inline]
    #[must_use]
    pub const fn place(self, versions: Versions, tag: Option<u32>, ignorable: bool) -> Place {
        if versions.contains(self.version) {
            if tag.is_some() { Place::Tagged } else { Place::Untagged }
        } else if ignorable {
            Place::Dropped
        } else {
            Place::Absent
        }
    }

    const fn not_null(self) -> Self {
        Self { nullable: false, ..self }
    }
}

/// Where a field stands in a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In its turn.
    Untagged,
    /// Among the tagged fields at the end of its structure, unless it has its default.
    Tagged,
    /// Nowhere, and a value is dropped.
    Dropped,
    /// Nowhere, and a value is an error.
    Absent,
}

impl Place {
    /// Whether the field stands in its turn.
    #[inline]
    #[must_use]
    pub const fn is_untagged(self) -> bool {
        matches!(self, Self::Untagged)
    }
}

/// The bytes before a structure that can be null.
pub(crate) const MARKER_BYTES: usize = 1;

/// Reads whether a structure that can be null is there. Like Kafka, takes any negative byte for null, or among the tagged
/// fields 0.
pub(crate) fn read_marker(reader: &mut Reader<'_>, at: At) -> Result<bool, DecodeError> {
    if at.tagged {
        return Ok(reader.uvarint()? > 0);
    }
    Ok(i8::read(reader, At::new(0, Versions::NONE))? >= 0)
}

/// Writes whether a structure that can be null is there.
pub(crate) fn write_marker(writer: &mut Writer, at: At, there: bool) {
    let marker: i8 = match there {
        true => 1,
        false if at.tagged => 0,
        false => -1,
    };
    writer.put(&marker.to_be_bytes());
}

/// The type of a field.
pub trait Wire: Sized {
    /// Its description.
    const TYPE: FieldType;

    /// Whether null is among the values.
    const OPTIONAL: bool = false;

    /// Kafka's default where the table names none.
    fn initial() -> Self;

    /// The fewest bytes that a value takes. It bounds what an array of it can hold.
    fn bytes_min(at: At) -> usize;

    /// Reads a value.
    fn read(reader: &mut Reader<'_>, at: At) -> Result<Self, DecodeError>;

    /// Writes this value.
    fn write(&self, writer: &mut Writer, at: At) -> Result<(), EncodeError>;

    /// How many errors this value of the field `name` reports, with all that it holds.
    #[inline]
    fn errors(&self, _name: &str) -> u64 {
        0
    }
}

/// The field in which Kafka reports an error: 0 for none.
const ERROR_FIELD: &str = "error_code";

/// The types that can be null; `Option` of one is a [`Wire`] type.
pub trait Nullable: Wire {
    /// Reads a value or null.
    fn read_option(reader: &mut Reader<'_>, at: At) -> Result<Option<Self>, DecodeError>;

    /// Writes null.
    fn write_null(writer: &mut Writer, at: At) -> Result<(), EncodeError>;

    /// Writes a value where null would have been possible.
    fn write_some(&self, writer: &mut Writer, at: At) -> Result<(), EncodeError> {
        self.write(writer, at)
    }

    /// The fewest bytes that a value or null takes.
    fn option_bytes_min(at: At) -> usize {
        Self::bytes_min(at)
    }
}

macro_rules! numbers {
    ($($ty:ty => $name:ident,)*) => {$(
        impl Wire for $ty {
            const TYPE: FieldType = FieldType::$name;

            fn initial() -> Self {
                Self::default()
            }

            fn bytes_min(_: At) -> usize {
                size_of::<Self>()
            }

            #[inline]
            fn read(reader: &mut Reader<'_>, _: At) -> Result<Self, DecodeError> {
                reader.array().map(Self::from_be_bytes)
            }

            #[inline]
            fn write(&self, writer: &mut Writer, _: At) -> Result<(), EncodeError> {
                writer.put(&self.to_be_bytes());
                Ok(())
            }

            #[inline]
            fn errors(&self, name: &str) -> u64 {
                u64::from(name == ERROR_FIELD && *self != Self::default())
            }
        }
    )*};
}

numbers! {
    i8 => Int8,
    i16 => Int16,
    u16 => Uint16,
    i32 => Int32,
    i64 => Int64,
    f64 => Float64,
}

impl Wire for bool {
    const TYPE: FieldType = FieldType::Bool;

    fn initial() -> Self {
        false
    }

    fn bytes_min(_: At) -> usize {
        1
    }

    /// Like Kafka, takes any byte but 0 for true.
    #[inline]
    fn read(reader: &mut Reader<'_>, _: At) -> Result<Self, DecodeError> {
        reader.array().map(|[byte]| byte != 0)
    }

    #[inline]
    fn write(&self, writer: &mut Writer, _: At) -> Result<(), EncodeError> {
        writer.put(&[u8::from(*self)]);
        Ok(())
    }
}

impl Wire for Uuid {
    const TYPE: FieldType = FieldType::Uuid;

    fn initial() -> Self {
        Self::ZERO
    }

    fn bytes_min(_: At) -> usize {
        size_of::<Self>()
    }

    #[inline]
    fn read(reader: &mut Reader<'_>, _: At) -> Result<Self, DecodeError> {
        reader.array().map(Self)
    }

    #[inline]
    fn write(&self, writer: &mut Writer, _: At) -> Result<(), EncodeError> {
        writer.put(&self.0);
        Ok(())
    }
}

/// A value that is required: null is an error.
fn required<T: Nullable>(reader: &mut Reader<'_>, at: At) -> Result<T, DecodeError> {
    let value = T::read_option(reader, at)?;
    value.ok_or_else(|| reader.error(DecodeProblem::Null))
}

/// The bytes of an empty string.
const fn string_bytes_min(at: At) -> usize {
    if at.flexible { 1 } else { size_of::<i16>() }
}

/// The bytes of an empty array, or of no bytes.
const fn array_bytes_min(at: At) -> usize {
    if at.flexible { 1 } else { size_of::<i32>() }
}

fn read_len(reader: &mut Reader<'_>, at: At) -> Result<Option<usize>, DecodeError> {
    if at.flexible { reader.compact_len() } else { reader.len32() }
}

fn write_len(len: Option<usize>, writer: &mut Writer, at: At) -> Result<(), EncodeError> {
    if at.flexible { writer.compact_len(len) } else { writer.len32(len) }
}

impl Wire for Str {
    const TYPE: FieldType = FieldType::String;

    fn initial() -> Self {
        Self::default()
    }

    fn bytes_min(at: At) -> usize {
        string_bytes_min(at)
    }

    fn read(reader: &mut Reader<'_>, at: At) -> Result<Self, DecodeError> {
        required(reader, at)
    }

    fn write(&self, writer: &mut Writer, at: At) -> Result<(), EncodeError> {
        if self.len() > STRING_BYTES_MAX {
            return Err(EncodeError::TooLong { field: writer.field(), len: self.len() });
        }
        if at.flexible {
            writer.compact_len(Some(self.len()))?
        } else {
            writer.len16(Some(self.len()))?
        }
        writer.put(self.as_bytes());
        Ok(())
    }
}

impl Nullable for Str {
    fn read_option(reader: &mut Reader<'_>, at: At) -> Result<Option<Self>, DecodeError> {
        let len = if at.flexible { reader.compact_len()? } else { reader.len16()? };
        len.map(|len| reader.text(len)).transpose()
    }

    fn write_null(writer: &mut Writer, at: At) -> Result<(), EncodeError> {
        if at.flexible { writer.compact_len(None) } else { writer.len16(None) }
    }
}

impl Wire for Bytes {
    const TYPE: FieldType = FieldType::Bytes;

    fn initial() -> Self {
        Self::new()
    }

    fn bytes_min(at: At) -> usize {
        array_bytes_min(at)
    }

    fn read(reader: &mut Reader<'_>, at: At) -> Result<Self, DecodeError> {
        required(reader, at)
    }

    fn write(&self, writer: &mut Writer, at: At) -> Result<(), EncodeError> {
        write_len(Some(self.len()), writer, at)?;
        writer.put(self);
        Ok(())
    }
}

impl Nullable for Bytes {
    fn read_option(reader: &mut Reader<'_>, at: At) -> Result<Option<Self>, DecodeError> {
        read_len(reader, at)?.map(|len| reader.slice(len)).transpose()
    }

    fn write_null(writer: &mut Writer, at: At) -> Result<(), EncodeError> {
        write_len(None, writer, at)
    }
}

impl Wire for Records {
    const TYPE: FieldType = FieldType::Records;

    fn initial() -> Self {
        Self::EMPTY
    }

    fn bytes_min(at: At) -> usize {
        array_bytes_min(at)
    }

    fn read(reader: &mut Reader<'_>, at: At) -> Result<Self, DecodeError> {
        required(reader, at)
    }

    fn write(&self, writer: &mut Writer, at: At) -> Result<(), EncodeError> {
        write_len(Some(self.len()), writer, at)?;
        for piece in self.pieces() {
            writer.share(piece.clone());
        }
        Ok(())
    }
}

impl Nullable for Records {
    fn read_option(reader: &mut Reader<'_>, at: At) -> Result<Option<Self>, DecodeError> {
        Ok(Bytes::read_option(reader, at)?.map(Self::from))
    }

    fn write_null(writer: &mut Writer, at: At) -> Result<(), EncodeError> {
        write_len(None, writer, at)
    }
}

impl<T: Wire> Wire for Vec<T> {
    const TYPE: FieldType = FieldType::Array(&T::TYPE);

    fn initial() -> Self {
        Self::new()
    }

    fn bytes_min(at: At) -> usize {
        array_bytes_min(at)
    }

    fn read(reader: &mut Reader<'_>, at: At) -> Result<Self, DecodeError> {
        required(reader, at)
    }

    fn write(&self, writer: &mut Writer, at: At) -> Result<(), EncodeError> {
        write_len(Some(self.len()), writer, at)?;
        self.iter().try_for_each(|element| element.write(writer, at.not_null()))
    }

    #[inline]
    fn errors(&self, _: &str) -> u64 {
        // Elements have no name of their own: a number in a list is no error.
        self.iter().map(|element| element.errors("")).sum()
    }
}

impl<T: Wire> Nullable for Vec<T> {
    fn read_option(reader: &mut Reader<'_>, at: At) -> Result<Option<Self>, DecodeError> {
        read_len(reader, at)?.map(|count| reader.elements(count, at.not_null())).transpose()
    }

    fn write_null(writer: &mut Writer, at: At) -> Result<(), EncodeError> {
        write_len(None, writer, at)
    }
}

impl<T: Nullable> Wire for Option<T> {
    const TYPE: FieldType = T::TYPE;
    const OPTIONAL: bool = true;

    /// A value: a field that is null by default says so in its table.
    fn initial() -> Self {
        Some(T::initial())
    }

    fn bytes_min(at: At) -> usize {
        if at.nullable { T::option_bytes_min(at) } else { T::bytes_min(at) }
    }

    fn read(reader: &mut Reader<'_>, at: At) -> Result<Self, DecodeError> {
        if at.nullable { T::read_option(reader, at) } else { T::read(reader, at).map(Some) }
    }

    fn write(&self, writer: &mut Writer, at: At) -> Result<(), EncodeError> {
        match self {
            Some(value) if at.nullable => value.write_some(writer, at),
            Some(value) => value.write(writer, at),
            None if at.nullable => T::write_null(writer, at),
            None => Err(EncodeError::Null { field: writer.field() }),
        }
    }

    #[inline]
    fn errors(&self, name: &str) -> u64 {
        self.as_ref().map_or(0, |value| value.errors(name))
    }
}
