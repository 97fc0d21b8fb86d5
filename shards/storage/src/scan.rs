//! Walking over the batches of a segment file from a position on, on a thread that may block.
//!
//! # Invariants
//! - No length found in the file decides an allocation before it was held against the file's size.

use std::io::{self, Read};

use record::{BATCH_HEADER_BYTES, BatchHeader, check_crc};

/// How much is read at once.
const READ_BYTES: usize = 1024 * 1024;

/// Reads batches from a reader that stands at `position` of a file that ends at `end`.
#[derive(Debug)]
pub(crate) struct Scan<R> {
    reader: R,
    /// Bytes that were read and not consumed yet are `buffer[start..]`.
    buffer: Vec<u8>,
    start: usize,
    /// Where `buffer[start]` lies in the file.
    position: u64,
    end: u64,
}

/// What lies at a position.
#[derive(Debug)]
pub(crate) enum Step<'a> {
    /// A whole batch.
    Batch { position: u64, header: BatchHeader, bytes: &'a [u8] },
    /// Nothing: the file ends here.
    End,
    /// No valid batch. The scan does not go on by itself.
    Bad {
        position: u64,
        what: String,
        /// How long the batch claims to be, if that can be true.
        len: Option<u64>,
    },
}

/// Whether checksums are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Checksums {
    Compare,
    Ignore,
}

impl<R: Read> Scan<R> {
    /// `reader` stands at `position`, and the file ends at `end`.
    pub(crate) fn new(reader: R, position: u64, end: u64) -> Self {
        Self { reader, buffer: Vec::new(), start: 0, position, end }
    }

    /// The next batch.
    pub(crate) fn next(&mut self, checksums: Checksums) -> io::Result<Step<'_>> {
        let position = self.position;
        let left = self.end.saturating_sub(position);
        if left == 0 {
            return Ok(Step::End);
        }
        let bad = |what: String, len| Ok(Step::Bad { position, what, len });
        if left < BATCH_HEADER_BYTES as u64 {
            return bad(format!("the file ends {left} bytes into a batch header"), None);
        }
        if !self.fill(BATCH_HEADER_BYTES)? {
            return bad("the file is shorter than it was".to_owned(), None);
        }
        let header = match BatchHeader::parse(self.unread()) {
            Ok(header) => header,
            Err(error) => return bad(error.to_string(), None),
        };
        let len = header.batch_len_bytes;
        if len as u64 > left {
            return bad(format!("the file ends {left} bytes into a batch of {len}"), None);
        }
        if header.base_offset.0 < 0 || header.last_offset_delta < 0 {
            return bad("an offset is negative".to_owned(), Some(len as u64));
        }
        if !self.fill(len)? {
            return bad("the file is shorter than it was".to_owned(), None);
        }
        let batch = self.start..self.start + len;
        if checksums == Checksums::Compare
            && let Err(error) = check_crc(self.buffer.get(batch.clone()).unwrap_or_default())
        {
            return bad(error.to_string(), Some(len as u64));
        }
        self.start += len;
        self.position += len as u64;
        Ok(Step::Batch { position, header, bytes: self.buffer.get(batch).unwrap_or_default() })
    }

    /// Passes over `bytes` bytes, as behind a damaged batch.
    pub(crate) fn skip(&mut self, bytes: u64) -> io::Result<()> {
        let mut left = bytes.min(self.end - self.position);
        while left > 0 && self.fill(1)? {
            let step = left.min(self.unread().len() as u64);
            self.start += step as usize;
            self.position += step;
            left -= step;
        }
        Ok(())
    }

    /// Reads on to the end; says where the last byte that is not zero ends.
    pub(crate) fn skip_zeros(&mut self) -> io::Result<u64> {
        let mut last = self.position;
        while self.position < self.end && self.fill(1)? {
            let unread = self.unread();
            if let Some(at) = unread.iter().rposition(|byte| *byte != 0) {
                last = self.position + at as u64 + 1;
            }
            let step = unread.len();
            self.start += step;
            self.position += step as u64;
        }
        Ok(last)
    }

    fn unread(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    /// Reads until `needed` bytes are there; false if the file ends before.
    fn fill(&mut self, needed: usize) -> io::Result<bool> {
        if self.unread().len() >= needed {
            return Ok(true);
        }
        self.buffer.drain(..self.start);
        self.start = 0;
        while self.buffer.len() < needed {
            let had = self.buffer.len();
            let left_in_file = self.end.saturating_sub(self.position + had as u64);
            let wanted =
                (needed - had).max(READ_BYTES).min(usize::try_from(left_in_file).unwrap_or(usize::MAX));
            let got = (&mut self.reader).take(wanted as u64).read_to_end(&mut self.buffer)?;
            if got == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_beyond_the_file_allocates_nothing() {
        let mut bytes = [0; 200];
        bytes[8..12].copy_from_slice(&i32::MAX.to_be_bytes());
        bytes[16] = 2;
        let mut scan = Scan::new(&bytes[..], 0, 200);
        assert!(matches!(scan.next(Checksums::Compare).unwrap(), Step::Bad { position: 0, len: None, .. }));
        assert!(scan.buffer.capacity() <= 2 * READ_BYTES);
    }

    #[test]
    fn a_file_that_shrinks_while_it_is_read_is_no_endless_loop() {
        let mut scan = Scan::new(&[0; 10][..], 0, 5000);
        assert!(matches!(scan.next(Checksums::Compare).unwrap(), Step::Bad { position: 0, .. }));
        assert_eq!(scan.skip_zeros().unwrap(), 0);
        assert!(scan.skip(100).is_ok());
    }
}
