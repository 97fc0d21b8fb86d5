//! Takes a frame apart from front to back, without copying it.
//!
//! # Invariants
//! - Nothing is read beyond the frame, nor beyond a tagged field while inside it.
//! - No number in the frame decides an allocation: [`Reader::elements`] compares a count with what is left to read.
//!
//! # Hot path
//! Strings, bytes and records are slices that share the frame's buffer.

use crate::wire::{At, Wire};
use crate::{DecodeError, DecodeProblem, Str};
use bytes::Bytes;
use types::limits::{ARRAY_ELEMENTS_MAX, TAGGED_FIELDS_MAX};

/// Kafka's longest string: a signed 16-bit length, which also binds the compact form.
pub(crate) const STRING_BYTES_MAX: usize = i16::MAX as usize;

/// A tagged field takes at least a byte each for its number and its size.
const TAGGED_FIELD_BYTES_MIN: usize = 2;

/// A position in a frame.
#[derive(Debug)]
pub struct Reader<'f> {
    frame: &'f Bytes,
    position: usize,
    /// The end of the frame, or of the tagged field that is being read.
    end: usize,
    /// The fewest bytes that the elements still to come of the arrays around this position take.
    promised: usize,
    /// The field that is being read, for errors.
    field: &'static str,
}

impl<'f> Reader<'f> {
    /// At the beginning of `frame`, which comes without its length prefix.
    #[must_use]
    pub fn new(frame: &'f Bytes) -> Self {
        Self { frame, position: 0, end: frame.len(), promised: 0, field: "frame" }
    }

    /// How many bytes have not been read yet.
    #[inline]
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.end - self.position
    }

    /// Names the field that comes next; an error will carry the name.
    #[inline]
    pub fn enter(&mut self, field: &'static str) {
        self.field = field;
    }

    /// An error at this position.
    #[cold]
    #[must_use]
    pub fn error(&self, problem: DecodeProblem) -> DecodeError {
        DecodeError { field: self.field, position: self.position, problem }
    }

    fn advance(&mut self, len: usize) -> Result<usize, DecodeError> {
        let remaining = self.remaining();
        if len > remaining {
            return Err(self.error(DecodeProblem::Truncated { missing: len - remaining }));
        }
        let start = self.position;
        self.position += len;
        Ok(start)
    }

    /// The next `N` bytes.
    #[inline]
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let rest = self.frame.get(self.position..self.end).unwrap_or_default();
        match rest.first_chunk::<N>() {
            Some(chunk) => {
                self.position += N;
                Ok(*chunk)
            }
            None => Err(self.error(DecodeProblem::Truncated { missing: N - rest.len() })),
        }
    }

    /// The next `len` bytes as a slice that shares the frame's buffer.
    #[inline]
    pub fn slice(&mut self, len: usize) -> Result<Bytes, DecodeError> {
        let start = self.advance(len)?;
        Ok(self.frame.slice(start..start + len))
    }

    /// The next `len` bytes as text.
    pub fn text(&mut self, len: usize) -> Result<Str, DecodeError> {
        if len > STRING_BYTES_MAX {
            return Err(self.error(DecodeProblem::StringTooLong(len)));
        }
        let bytes = self.slice(len)?;
        Str::from_utf8(bytes).ok_or_else(|| self.error(DecodeProblem::NotUtf8))
    }

    /// A number of one to five bytes with seven bits in each, least significant first.
    #[inline]
    pub fn uvarint(&mut self) -> Result<u32, DecodeError> {
        let mut value = 0u32;
        for shift in [0, 7, 14, 21, 28] {
            let [byte] = self.array()?;
            let bits = u32::from(byte & 0x7f);
            if shift == 28 && byte > 0x0f {
                break;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(self.error(DecodeProblem::Varint))
    }

    /// A compact length: 0 is null, and any other number is one more than the length.
    #[inline]
    pub fn compact_len(&mut self) -> Result<Option<usize>, DecodeError> {
        Ok(self.uvarint()?.checked_sub(1).map(|len| len as usize))
    }

    /// A length of two bytes; below zero is null.
    #[inline]
    pub fn len16(&mut self) -> Result<Option<usize>, DecodeError> {
        Ok(usize::try_from(i16::from_be_bytes(self.array()?)).ok())
    }

    /// A length of four bytes; below zero is null.
    #[inline]
    pub fn len32(&mut self) -> Result<Option<usize>, DecodeError> {
        Ok(usize::try_from(i32::from_be_bytes(self.array()?)).ok())
    }

    /// Reads `count` elements, if so many can be in the rest of the frame.
    ///
    /// The bytes that the elements of an array take at least cannot serve the arrays inside its first elements as
    /// well, so a frame pays for all that is reserved on its behalf, at whatever depth.
    pub fn elements<T: Wire>(&mut self, count: usize, at: At) -> Result<Vec<T>, DecodeError> {
        let bytes_min = T::bytes_min(at).max(1);
        let free = self.remaining().saturating_sub(self.promised);
        if count > ARRAY_ELEMENTS_MAX || count > free / bytes_min {
            return Err(self.error(DecodeProblem::TooManyElements(count)));
        }
        let mut elements = Vec::with_capacity(count);
        self.promised += count * bytes_min;
        for _ in 0..count {
            self.promised -= bytes_min;
            elements.push(T::read(self, at)?);
        }
        Ok(elements)
    }

    /// The number of tagged fields that follow.
    #[inline]
    pub fn tagged_count(&mut self) -> Result<usize, DecodeError> {
        let count = self.uvarint()? as usize;
        if count > TAGGED_FIELDS_MAX || count > self.remaining() / TAGGED_FIELD_BYTES_MIN {
            return Err(self.error(DecodeProblem::TooManyTaggedFields(count)));
        }
        Ok(count)
    }

    /// The number and the size of the next tagged field.
    pub fn tag(&mut self) -> Result<(u32, usize), DecodeError> {
        Ok((self.uvarint()?, self.uvarint()? as usize))
    }

    /// Passes over `len` bytes.
    pub fn skip(&mut self, len: usize) -> Result<(), DecodeError> {
        self.advance(len).map(|_| ())
    }

    /// Reads a tagged field of `size` bytes: `read` cannot see beyond it and must use it up.
    pub fn tagged<T>(
        &mut self,
        size: usize,
        read: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        let start = self.advance(size)?;
        let outer = std::mem::replace(&mut self.end, start + size);
        // What is promised lies behind the tagged field.
        let promised = std::mem::take(&mut self.promised);
        self.position = start;
        let value = read(self)?;
        if self.position != self.end {
            return Err(self.error(DecodeProblem::TaggedFieldSize));
        }
        self.end = outer;
        self.promised = promised;
        Ok(value)
    }

    /// Passes over a whole section of tagged fields.
    pub fn skip_tagged_fields(&mut self) -> Result<(), DecodeError> {
        self.enter("tagged fields");
        for _ in 0..self.tagged_count()? {
            let (_, size) = self.tag()?;
            self.skip(size)?;
        }
        Ok(())
    }
}
