//! Puts a frame together for scatter/gather: small fields go into one buffer, records are only referred to.
//!
//! # Invariants
//! - The pieces of [`Writer::finish`], one after the other, are the frame; its first four bytes are its length.
//! - Record bytes are never copied.

use crate::EncodeError;
use bytes::Bytes;

/// The length prefix of a frame.
pub(crate) const LENGTH_BYTES: usize = 4;

/// A frame under construction.
#[derive(Debug)]
pub struct Writer {
    /// All bytes except the records, in order. It begins with room for the frame's length.
    small: Vec<u8>,
    /// Records, each with the position in `small` before which they belong. Positions never fall.
    records: Vec<(usize, Bytes)>,
    records_bytes: usize,
    /// The field that is being written, for errors.
    field: &'static str,
}

impl Default for Writer {
    fn default() -> Self {
        Self::with_capacity(256)
    }
}

impl Writer {
    /// An empty frame with room for about `bytes` bytes besides records.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        let mut small = Vec::with_capacity(bytes.max(LENGTH_BYTES));
        small.extend_from_slice(&[0; LENGTH_BYTES]);
        Self { small, records: Vec::new(), records_bytes: 0, field: "frame" }
    }

    /// Names the field that comes next; an error will carry the name.
    #[inline]
    pub fn enter(&mut self, field: &'static str) {
        self.field = field;
    }

    /// The field that is being written.
    #[must_use]
    pub fn field(&self) -> &'static str {
        self.field
    }

    /// Appends `bytes` by copying them.
    #[inline]
    pub fn put(&mut self, bytes: &[u8]) {
        self.small.extend_from_slice(bytes);
    }

    /// Appends `bytes` by reference.
    pub fn share(&mut self, bytes: Bytes) {
        if !bytes.is_empty() {
            self.records_bytes += bytes.len();
            self.records.push((self.small.len(), bytes));
        }
    }

    /// A number of one to five bytes with seven bits in each, least significant first.
    #[inline]
    pub fn uvarint(&mut self, mut value: u32) {
        while value >= 0x80 {
            self.small.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.small.push(value as u8);
    }

    /// A compact length: 0 for null, otherwise one more than the length.
    pub fn compact_len(&mut self, len: Option<usize>) -> Result<(), EncodeError> {
        let number = match len {
            None => 0,
            // Kafka reads lengths as signed 32-bit numbers.
            Some(len) if len < i32::MAX as usize => len as u32 + 1,
            Some(len) => return Err(EncodeError::TooLong { field: self.field, len }),
        };
        self.uvarint(number);
        Ok(())
    }

    /// A length of two bytes; -1 for null.
    pub fn len16(&mut self, len: Option<usize>) -> Result<(), EncodeError> {
        let number = match len {
            None => -1,
            Some(len) => i16::try_from(len).map_err(|_| EncodeError::TooLong { field: self.field, len })?,
        };
        self.put(&number.to_be_bytes());
        Ok(())
    }

    /// A length of four bytes; -1 for null.
    pub fn len32(&mut self, len: Option<usize>) -> Result<(), EncodeError> {
        let number = match len {
            None => -1,
            Some(len) => i32::try_from(len).map_err(|_| EncodeError::TooLong { field: self.field, len })?,
        };
        self.put(&number.to_be_bytes());
        Ok(())
    }

    /// Appends a tagged field: its number, the size of what `write` appends, and that.
    pub fn tagged(
        &mut self,
        tag: u32,
        write: impl FnOnce(&mut Self) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        let records = self.records.len();
        self.uvarint(tag);
        let start = self.small.len();
        write(self)?;
        if self.records.len() != records {
            return Err(EncodeError::RecordsInTaggedField { field: self.field });
        }
        // The size is known only now: append it and rotate it to the front. Tagged fields are small.
        let size = self.small.len() - start;
        let size = u32::try_from(size).map_err(|_| EncodeError::TooLong { field: self.field, len: size })?;
        let end = self.small.len();
        self.uvarint(size);
        let size_bytes = self.small.len() - end;
        if let Some(field) = self.small.get_mut(start..) {
            field.rotate_right(size_bytes);
        }
        Ok(())
    }

    /// The length of the frame so far, without its length prefix.
    #[must_use]
    pub fn frame_bytes(&self) -> usize {
        self.small.len() - LENGTH_BYTES + self.records_bytes
    }

    /// The frame, length prefix included, in pieces to be sent one after the other.
    pub fn finish(mut self) -> Result<Vec<Bytes>, EncodeError> {
        let len = self.frame_bytes();
        let prefix = i32::try_from(len).map_err(|_| EncodeError::FrameTooLong(len))?;
        if let Some(place) = self.small.first_chunk_mut::<LENGTH_BYTES>() {
            *place = prefix.to_be_bytes();
        }
        let mut small = Bytes::from(self.small);
        if self.records.is_empty() {
            return Ok(vec![small]);
        }
        let mut pieces = Vec::with_capacity(2 * self.records.len() + 1);
        let mut taken = 0;
        for (position, records) in self.records {
            if position > taken {
                pieces.push(small.split_to(position - taken));
                taken = position;
            }
            pieces.push(records);
        }
        if !small.is_empty() {
            pieces.push(small);
        }
        Ok(pieces)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Reader;

    #[test]
    fn records_are_handed_over_without_a_copy_and_in_their_place() {
        let (first, second) = (Bytes::from(vec![1; 100]), Bytes::from(vec![2; 50]));
        let mut writer = Writer::default();
        writer.put(b"head");
        writer.share(first.clone());
        writer.share(Bytes::new());
        writer.share(second.clone());
        writer.put(b"tail");
        let pieces = writer.finish().expect("a frame");
        assert_eq!(pieces.len(), 4);
        assert_eq!(pieces[0], [&158_i32.to_be_bytes()[..], b"head"].concat());
        assert_eq!(pieces[1].as_ptr(), first.as_ptr());
        assert_eq!(pieces[2].as_ptr(), second.as_ptr());
        assert_eq!(pieces[3], "tail");
    }

    #[test]
    fn a_tagged_field_gets_a_size_of_any_width() {
        for len in [0, 1, 127, 128, 20_000] {
            let mut writer = Writer::default();
            writer.put(b"before");
            let content = vec![7; len];
            let field = |writer: &mut Writer| {
                writer.put(&content);
                Ok(())
            };
            writer.tagged(300, field).expect("a field");
            writer.put(b"after");
            let frame = Bytes::from(writer.finish().expect("a frame").concat());
            let mut reader = Reader::new(&frame);
            reader.skip(LENGTH_BYTES).expect("the length");
            assert_eq!(reader.array(), Ok(*b"before"));
            assert_eq!(reader.tag(), Ok((300, len)));
            assert_eq!(reader.slice(len), Ok(Bytes::from(content)));
            assert_eq!(reader.array(), Ok(*b"after"));
        }
    }

    #[test]
    fn records_inside_a_tagged_field_are_an_error() {
        let mut writer = Writer::default();
        let result = writer.tagged(0, |writer| {
            writer.share(Bytes::from_static(b"records"));
            Ok(())
        });
        assert_eq!(result, Err(EncodeError::RecordsInTaggedField { field: "frame" }));
    }

    #[test]
    fn numbers_of_variable_length_are_read_as_they_were_written() {
        for value in [0, 1, 127, 128, 16_383, 16_384, 1 << 21, 1 << 28, u32::MAX] {
            let mut writer = Writer::default();
            writer.uvarint(value);
            let frame = Bytes::from(writer.finish().expect("a frame").concat()).slice(LENGTH_BYTES..);
            let mut reader = Reader::new(&frame);
            assert_eq!(reader.uvarint(), Ok(value));
            assert_eq!(reader.remaining(), 0);
        }
    }
}
