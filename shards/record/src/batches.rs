//! The batches that lie one behind the other in a buffer: a piece of a segment, a Fetch response.

use crate::error::RecordError;
use crate::header::BatchHeader;

/// Walks over the batches in `bytes`, yielding each header with the bytes of its whole batch. Neither checksums nor
/// records are looked at.
///
/// A batch that is cut off, or bytes that cannot be one, yield one error, and then nothing more.
#[must_use]
pub fn batches(bytes: &[u8]) -> Batches<'_> {
    Batches { rest: bytes }
}

/// See [`batches`].
#[derive(Clone, Debug)]
pub struct Batches<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Batches<'a> {
    type Item = Result<(BatchHeader, &'a [u8]), RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        let bytes = std::mem::take(&mut self.rest);
        if bytes.is_empty() {
            return None;
        }
        let header = match BatchHeader::parse(bytes) {
            Ok(header) => header,
            Err(error) => return Some(Err(error)),
        };
        let needed = header.batch_len_bytes;
        let Some((batch, rest)) = bytes.split_at_checked(needed) else {
            return Some(Err(RecordError::Truncated { needed, available: bytes.len() }));
        };
        self.rest = rest;
        Some(Ok((header, batch)))
    }
}

impl std::iter::FusedIterator for Batches<'_> {}
