//! Walking over a segment file for whoever wants to look at it: batches, and every place that is none.
//!
//! Works on any reader, so that it can be tried on bytes in memory. Nothing is changed.

use std::io::{self, Read};

use record::BatchHeader;
use types::FilePosition;

use crate::scan::{Checksums, Scan, Step};

/// What lies in a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DumpEntry {
    /// A batch with a right checksum.
    Batch { position: FilePosition, header: BatchHeader, bytes: Vec<u8> },
    /// Something that is no valid batch. If its length could be believed, the dump goes on behind it.
    Problem { position: FilePosition, what: String },
    /// Zeros up to the end: room that was made ahead.
    Zeros { position: FilePosition, bytes: u64 },
}

/// The entries of one segment file, in order.
#[derive(Debug)]
pub struct SegmentDump<R> {
    scan: Scan<R>,
    end: u64,
    is_over: bool,
}

impl<R: Read> SegmentDump<R> {
    /// `reader` stands at the beginning of a file of `len` bytes.
    pub fn new(reader: R, len: u64) -> Self {
        Self { scan: Scan::new(reader, 0, len), end: len, is_over: false }
    }

    fn step(&mut self) -> io::Result<Option<DumpEntry>> {
        let (position, what, len) = match self.scan.next(Checksums::Compare)? {
            Step::End => return Ok(None),
            Step::Batch { position, header, bytes } => {
                let (position, bytes) = (FilePosition(position), bytes.to_vec());
                return Ok(Some(DumpEntry::Batch { position, header, bytes }));
            }
            Step::Bad { position, what, len } => (position, what, len),
        };
        let place = FilePosition(position);
        match len {
            Some(len) => {
                self.scan.skip(len)?;
                Ok(Some(DumpEntry::Problem { position: place, what }))
            }
            None => {
                self.is_over = true;
                if self.scan.skip_zeros()? == position {
                    return Ok(Some(DumpEntry::Zeros { position: place, bytes: self.end - position }));
                }
                Ok(Some(DumpEntry::Problem { position: place, what }))
            }
        }
    }
}

impl<R: Read> Iterator for SegmentDump<R> {
    type Item = io::Result<DumpEntry>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let step = self.step().transpose();
        self.is_over |= !matches!(step, Some(Ok(_)));
        step
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::{BatchBuilder, BatchOptions};
    use types::TimestampMs;

    fn batch() -> Vec<u8> {
        let mut builder = BatchBuilder::new(BatchOptions::default());
        builder.push(TimestampMs(5), None, Some(b"value"), &[]).unwrap();
        builder.build().unwrap().to_vec()
    }

    fn dump(bytes: &[u8]) -> Vec<String> {
        SegmentDump::new(bytes, bytes.len() as u64)
            .map(|entry| match entry.unwrap() {
                DumpEntry::Batch { position, .. } => format!("batch {position}"),
                DumpEntry::Problem { position, .. } => format!("problem {position}"),
                DumpEntry::Zeros { position, bytes } => format!("zeros {position} {bytes}"),
            })
            .collect()
    }

    #[test]
    fn a_damaged_batch_is_told_and_passed_over() {
        let one = batch();
        let n = one.len();
        let mut bytes = [&one[..], &one, &one].concat();
        bytes[2 * n - 1] ^= 1;
        let expected = ["batch 0".to_owned(), format!("problem {n}"), format!("batch {}", 2 * n)];
        assert_eq!(dump(&bytes), expected);
    }

    #[test]
    fn a_broken_length_ends_the_dump_and_zeros_are_no_problem() {
        let one = batch();
        let n = one.len();
        assert_eq!(dump(&[&one[..], &[0; 100]].concat()), ["batch 0".to_owned(), format!("zeros {n} 100")]);
        assert_eq!(dump(&[&one[..], &one[..n - 1]].concat()), ["batch 0".to_owned(), format!("problem {n}")]);
        assert_eq!(dump(&[&[0; 80][..], &one].concat()), ["problem 0"]);
        assert_eq!(dump(&[]), [""; 0]);
    }
}
