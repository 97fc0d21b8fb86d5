//! The byte form of metadata records: numbered fields, each with its length, so that a reader passes over what it does
//! not know.
//!
//! ```text
//! number     LEB128, at most 10 bytes; signed ones are zigzag encoded first
//! text       number of bytes, UTF-8
//! uuid       16 bytes
//! list       number of elements, then the elements
//! structure  number of bytes, then its fields by ascending tag: (tag, number of bytes, value)*
//! ```
//!
//! # Invariants
//! - What is decoded never takes more than a constant factor of the memory of its bytes: no count is believed that the
//!   bytes at hand could not hold.

use std::fmt;

use types::{Uuid, limits};

/// Why bytes are not a metadata record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// The bytes end within a value.
    Short,
    /// A value is outside its range, as told.
    Invalid(&'static str),
    /// A field without which the record means nothing is missing.
    Missing {
        /// The record's name.
        record: &'static str,
        /// The field's name.
        field: &'static str,
    },
    /// A record of a kind, or of a version, that only a newer release knows.
    Newer {
        /// The number of the record's kind.
        kind: u64,
        /// Its version.
        version: u64,
    },
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short => f.write_str("the bytes end within a value"),
            Self::Invalid(what) => write!(f, "{what}"),
            Self::Missing { record, field } => write!(f, "a {record} record lacks its field {field}"),
            Self::Newer { kind, version } => {
                write!(f, "a record of kind {kind} and version {version} was written by a newer release")
            }
        }
    }
}

impl std::error::Error for DecodeError {}

/// Appends values to a buffer.
pub(crate) struct Writer<'a> {
    to: &'a mut Vec<u8>,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(to: &'a mut Vec<u8>) -> Self {
        Self { to }
    }

    pub(crate) fn unsigned(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.to.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.to.push(value as u8);
    }

    pub(crate) fn signed(&mut self, value: i64) {
        self.unsigned((value << 1 ^ value >> 63) as u64);
    }

    pub(crate) fn text(&mut self, value: &str) {
        self.unsigned(value.len() as u64);
        self.to.extend_from_slice(value.as_bytes());
    }

    pub(crate) fn uuid(&mut self, value: &Uuid) {
        self.to.extend_from_slice(&value.0);
    }

    pub(crate) fn list<T>(&mut self, values: &[T], write: impl Fn(&mut Writer<'_>, &T)) {
        self.unsigned(values.len() as u64);
        for value in values {
            write(self, value);
        }
    }

    /// Writes a field. The caller keeps tags ascending, which makes the encoding of a record unique.
    pub(crate) fn field(&mut self, tag: u64, write: impl FnOnce(&mut Writer<'_>)) {
        self.unsigned(tag);
        self.sized(write);
    }

    /// Writes what `write` writes with its length before it.
    pub(crate) fn sized(&mut self, write: impl FnOnce(&mut Writer<'_>)) {
        let mut value = Vec::new();
        write(&mut Writer { to: &mut value });
        self.unsigned(value.len() as u64);
        self.to.extend_from_slice(&value);
    }
}

/// Takes values from bytes.
#[derive(Clone)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// How many bytes are left.
    pub(crate) fn remaining(&self) -> usize {
        self.bytes.len()
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self.bytes.split_at_checked(len).ok_or(DecodeError::Short)?;
        self.bytes = rest;
        Ok(taken)
    }

    pub(crate) fn unsigned(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0u64;
        for shift in (0..u64::BITS).step_by(7) {
            let (&byte, rest) = self.bytes.split_first().ok_or(DecodeError::Short)?;
            self.bytes = rest;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                break;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(DecodeError::Invalid("a number has more than 64 bits"))
    }

    pub(crate) fn signed(&mut self) -> Result<i64, DecodeError> {
        let value = self.unsigned()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    pub(crate) fn int32(&mut self) -> Result<i32, DecodeError> {
        i32::try_from(self.signed()?).map_err(|_| DecodeError::Invalid("a number has more than 32 bits"))
    }

    pub(crate) fn int16(&mut self) -> Result<i16, DecodeError> {
        i16::try_from(self.signed()?).map_err(|_| DecodeError::Invalid("a number has more than 16 bits"))
    }

    fn len(&mut self) -> Result<usize, DecodeError> {
        usize::try_from(self.unsigned()?).map_err(|_| DecodeError::Short)
    }

    pub(crate) fn text(&mut self) -> Result<String, DecodeError> {
        let len = self.len()?;
        let text =
            std::str::from_utf8(self.take(len)?).map_err(|_| DecodeError::Invalid("a text is not UTF-8"))?;
        Ok(text.to_owned())
    }

    pub(crate) fn uuid(&mut self) -> Result<Uuid, DecodeError> {
        let bytes = self.take(16)?;
        bytes.try_into().map(Uuid).map_err(|_| DecodeError::Short)
    }

    /// Reads a list whose elements take at least `bytes_min` bytes each.
    pub(crate) fn list<T>(
        &mut self,
        bytes_min: usize,
        read: impl Fn(&mut Reader<'a>) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        let count = self.len()?;
        if count > limits::ARRAY_ELEMENTS_MAX {
            return Err(DecodeError::Invalid("a list has too many elements"));
        }
        if count > self.bytes.len() / bytes_min.max(1) {
            return Err(DecodeError::Short);
        }
        let mut values = Vec::with_capacity(count);
        for _ in 0..count {
            values.push(read(self)?);
        }
        Ok(values)
    }

    /// A reader of the next value, which carries its length.
    pub(crate) fn sized(&mut self) -> Result<Reader<'a>, DecodeError> {
        let len = self.len()?;
        Ok(Reader { bytes: self.take(len)? })
    }

    /// Hands each field's tag and value to `read`, which passes over tags it does not know by doing nothing.
    pub(crate) fn fields(
        &mut self,
        mut read: impl FnMut(u64, &mut Reader<'a>) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        let mut previous = None;
        for _ in 0..=limits::TAGGED_FIELDS_MAX {
            if self.bytes.is_empty() {
                return Ok(());
            }
            let tag = self.unsigned()?;
            if previous.is_some_and(|previous| tag <= previous) {
                return Err(DecodeError::Invalid("fields are not in the order of their tags"));
            }
            previous = Some(tag);
            read(tag, &mut self.sized()?)?;
        }
        Err(DecodeError::Invalid("a record has too many fields"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(&mut Writer::new(&mut bytes));
        bytes
    }

    #[test]
    fn numbers_read_back_at_every_edge() {
        for value in [0, 1, 127, 128, 16_383, 16_384, u64::from(u32::MAX), u64::MAX - 1, u64::MAX] {
            assert_eq!(Reader::new(&written(|to| to.unsigned(value))).unsigned(), Ok(value));
        }
        for value in [0, -1, 1, -64, 64, i64::MIN, i64::MAX] {
            assert_eq!(Reader::new(&written(|to| to.signed(value))).signed(), Ok(value));
        }
    }

    #[test]
    fn a_number_of_more_than_64_bits_is_refused() {
        let mut bytes = vec![0xff; 9];
        bytes.push(0x02);
        assert_eq!(
            Reader::new(&bytes).unsigned(),
            Err(DecodeError::Invalid("a number has more than 64 bits"))
        );
        assert!(Reader::new(&[0x80; 30]).unsigned().is_err());
    }

    #[test]
    fn a_list_that_its_bytes_cannot_hold_is_refused_before_memory_is_taken() {
        let mut bytes = written(|to| to.unsigned(900_000));
        bytes.extend([0; 100]);
        let none_is_read = |_: &mut Reader<'_>| -> Result<i32, DecodeError> { panic!("an element is read") };
        assert_eq!(Reader::new(&bytes).list(1, none_is_read), Err(DecodeError::Short));
        let huge = written(|to| to.unsigned(u64::MAX));
        assert!(Reader::new(&huge).list(1, Reader::int32).is_err());
    }

    #[test]
    fn fields_out_of_order_or_twice_are_refused() {
        let twice = written(|to| {
            to.field(1, |to| to.signed(1));
            to.field(1, |to| to.signed(2));
        });
        assert!(Reader::new(&twice).fields(|_, _| Ok(())).is_err());
    }
}
