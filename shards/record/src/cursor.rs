//! Reading the bytes of records from where they are: a slice, or a decompressor that is never held as a whole.
//!
//! # Hot path
//! No allocation per record, and errors of one byte; a decompressor's own error is kept aside.

use std::io::{ErrorKind, Read};

use crate::error::RecordError;
use crate::header::Compression;
use crate::varint::{VARINT_BYTES_MAX, VARLONG_BYTES_MAX, unzigzag, unzigzag_long};

/// Why reading cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The bytes end here.
    End,
    /// A varint is longer than its type allows.
    Varint,
    /// The decompressor failed, or its limit is reached: see [`Decompressed::into_failure`].
    Failed,
}

/// Bytes in order.
pub(crate) trait Cursor {
    fn byte(&mut self) -> Result<u8, Stop>;
    fn skip(&mut self, count: usize) -> Result<(), Stop>;
    /// Bytes read or skipped so far.
    fn position(&self) -> usize;

    #[inline(always)]
    fn varint(&mut self) -> Result<i32, Stop> {
        let first = self.byte()?;
        if first < 0x80 {
            return Ok(unzigzag(u32::from(first)));
        }
        let mut bits = u32::from(first & 0x7f);
        for place in 1..VARINT_BYTES_MAX {
            let byte = self.byte()?;
            bits |= u32::from(byte & 0x7f) << (7 * place);
            if byte < 0x80 {
                return Ok(unzigzag(bits));
            }
        }
        Err(Stop::Varint)
    }

    #[inline(always)]
    fn varlong(&mut self) -> Result<i64, Stop> {
        let mut bits = 0;
        for place in 0..VARLONG_BYTES_MAX {
            let byte = self.byte()?;
            bits |= u64::from(byte & 0x7f) << (7 * place);
            if byte < 0x80 {
                return Ok(unzigzag_long(bits));
            }
        }
        Err(Stop::Varint)
    }
}

/// Bytes that are in memory.
#[derive(Clone, Debug)]
pub(crate) struct Slice<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Slice<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.position == self.bytes.len()
    }
}

impl Cursor for Slice<'_> {
    #[inline(always)]
    fn byte(&mut self) -> Result<u8, Stop> {
        let byte = *self.bytes.get(self.position).ok_or(Stop::End)?;
        self.position += 1;
        Ok(byte)
    }

    #[inline(always)]
    fn skip(&mut self, count: usize) -> Result<(), Stop> {
        if count > self.bytes.len() - self.position {
            return Err(Stop::End);
        }
        self.position += count;
        Ok(())
    }

    #[inline]
    fn position(&self) -> usize {
        self.position
    }
}

/// What of the decompressed bytes is in memory at a time.
const WINDOW_BYTES: usize = 32 * 1024;

/// Bytes that come out of a decompressor, up to a limit.
pub(crate) struct Decompressed<'a> {
    reader: &'a mut dyn Read,
    codec: Compression,
    window: Vec<u8>,
    /// What of the window is filled and not read yet.
    next: usize,
    filled: usize,
    /// Bytes before the window.
    before: usize,
    limit: usize,
    failure: Option<RecordError>,
}

impl<'a> Decompressed<'a> {
    pub(crate) fn new(codec: Compression, reader: &'a mut dyn Read, limit: usize) -> Self {
        let window = vec![0; WINDOW_BYTES];
        Self { reader, codec, window, next: 0, filled: 0, before: 0, limit, failure: None }
    }

    /// Whether nothing more comes out.
    pub(crate) fn is_at_end(&mut self) -> Result<bool, Stop> {
        Ok(self.next == self.filled && !self.refill()?)
    }

    /// The decompressor's error, where one of these methods returned [`Stop::Failed`].
    pub(crate) fn into_failure(self) -> Option<RecordError> {
        self.failure
    }

    /// Fills the empty window; `false` at the end.
    #[cold]
    fn refill(&mut self) -> Result<bool, Stop> {
        self.before += self.filled;
        self.next = 0;
        self.filled = 0;
        loop {
            match self.reader.read(&mut self.window) {
                Ok(count) => self.filled = count.min(self.window.len()),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.fail(RecordError::decompress(self.codec, &error))),
            }
            if self.before + self.filled > self.limit {
                return Err(self.fail(RecordError::DecompressedTooLarge { limit: self.limit }));
            }
            return Ok(self.filled > 0);
        }
    }

    fn fail(&mut self, error: RecordError) -> Stop {
        self.failure = Some(error);
        Stop::Failed
    }
}

impl Cursor for Decompressed<'_> {
    #[inline(always)]
    fn byte(&mut self) -> Result<u8, Stop> {
        if self.next == self.filled && !self.refill()? {
            return Err(Stop::End);
        }
        let byte = *self.window.get(self.next).ok_or(Stop::End)?;
        self.next += 1;
        Ok(byte)
    }

    #[inline(always)]
    fn skip(&mut self, mut count: usize) -> Result<(), Stop> {
        loop {
            let here = count.min(self.filled - self.next);
            self.next += here;
            count -= here;
            if count == 0 {
                return Ok(());
            }
            if !self.refill()? {
                return Err(Stop::End);
            }
        }
    }

    #[inline]
    fn position(&self) -> usize {
        self.before + self.next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_varint_of_more_bytes_than_its_type_has_is_refused() {
        let mut long = Slice::new(&[0xff, 0xff, 0xff, 0xff, 0xff, 0x01]);
        assert_eq!(long.clone().varint(), Err(Stop::Varint));
        assert_eq!(long.varlong(), Ok(unzigzag_long(0xf_ffff_ffff | 1 << 35)));
        assert_eq!(Slice::new(&[0xff; 11]).varlong(), Err(Stop::Varint));
        assert_eq!(Slice::new(&[0x80]).varint(), Err(Stop::End));
    }

    #[test]
    fn a_slice_cannot_be_skipped_past_its_end() {
        let mut slice = Slice::new(&[1, 2, 3]);
        assert_eq!(slice.byte(), Ok(1));
        assert_eq!(slice.skip(3), Err(Stop::End));
        assert_eq!(slice.skip(2), Ok(()));
        assert!(slice.is_at_end());
        assert_eq!((slice.skip(0), slice.skip(1)), (Ok(()), Err(Stop::End)));
    }

    #[test]
    fn a_decompressor_is_read_across_windows_and_stops_at_the_limit() {
        let bytes: Vec<u8> = (0..WINDOW_BYTES * 3).map(|i| i as u8).collect();
        let mut reader = &bytes[..];
        let mut cursor = Decompressed::new(Compression::Gzip, &mut reader, bytes.len());
        cursor.skip(WINDOW_BYTES - 1).unwrap();
        assert_eq!(cursor.byte(), Ok(bytes[WINDOW_BYTES - 1]));
        assert_eq!(cursor.byte(), Ok(bytes[WINDOW_BYTES]));
        cursor.skip(2 * WINDOW_BYTES - 1).unwrap();
        assert_eq!(cursor.position(), bytes.len());
        assert_eq!(cursor.is_at_end(), Ok(true));
        assert_eq!(cursor.skip(1), Err(Stop::End));

        let mut reader = &bytes[..];
        let mut cursor = Decompressed::new(Compression::Gzip, &mut reader, bytes.len() - 1);
        assert_eq!(cursor.skip(bytes.len()), Err(Stop::Failed));
        let limit = bytes.len() - 1;
        assert_eq!(cursor.into_failure(), Some(RecordError::DecompressedTooLarge { limit }));
    }
}
