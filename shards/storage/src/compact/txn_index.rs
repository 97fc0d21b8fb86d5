//! The aborted transactions of a segment, in Kafka's format: `.txnindex`. A segment without any has no such file.
//!
//! ```text
//!  0  version             i16   0
//!  2  producer id         i64
//! 10  first offset        i64   of the transaction
//! 18  last offset         i64   of its marker
//! 26  last stable offset  i64   when the marker was written
//! ```

use std::path::Path;

use types::{Offset, ProducerId};

use crate::error::StorageError;

/// Bytes of an entry.
const ENTRY_BYTES: usize = 34;
const VERSION: i16 = 0;

/// An aborted transaction: one entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AbortedTxn {
    /// Whose it was.
    pub producer_id: ProducerId,
    /// Of its first record in the log.
    pub first_offset: Offset,
    /// Of its marker.
    pub last_offset: Offset,
    /// Up to where readers of committed records may go once the marker is replicated.
    pub last_stable_offset: Offset,
}

/// The bytes of an index with these entries.
pub(crate) fn encode(entries: &[AbortedTxn]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(entries.len() * ENTRY_BYTES);
    for entry in entries {
        bytes.extend(VERSION.to_be_bytes());
        let numbers =
            [entry.producer_id.0, entry.first_offset.0, entry.last_offset.0, entry.last_stable_offset.0];
        bytes.extend(numbers.into_iter().flat_map(i64::to_be_bytes));
    }
    bytes
}

/// The entries in the index file at `path`, whose content is `bytes`.
pub(crate) fn decode(path: &Path, bytes: &[u8]) -> Result<Vec<AbortedTxn>, StorageError> {
    let malformed = |what: String| StorageError::Malformed { file: path.to_owned(), what: what.into() };
    let (entries, rest) = bytes.as_chunks::<ENTRY_BYTES>();
    if !rest.is_empty() {
        return Err(malformed(format!("{} bytes are no whole number of entries", bytes.len())));
    }
    let read = |entry: &[u8; ENTRY_BYTES]| {
        let (version, numbers) = entry.split_first_chunk::<2>()?;
        let ([producer, first, last, stable], []) = numbers.as_chunks::<8>() else { return None };
        (i16::from_be_bytes(*version) == VERSION).then_some(AbortedTxn {
            producer_id: ProducerId(i64::from_be_bytes(*producer)),
            first_offset: Offset(i64::from_be_bytes(*first)),
            last_offset: Offset(i64::from_be_bytes(*last)),
            last_stable_offset: Offset(i64::from_be_bytes(*stable)),
        })
    };
    let entry =
        |(at, entry)| read(entry).ok_or_else(|| malformed(format!("entry {at} is of another version")));
    entries.iter().enumerate().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_reads_back_and_has_kafkas_bytes() {
        let entry = AbortedTxn {
            producer_id: ProducerId(7),
            first_offset: Offset(0x10),
            last_offset: Offset(0x20),
            last_stable_offset: Offset(0x21),
        };
        let bytes = encode(&[entry, entry]);
        assert_eq!(bytes.len(), 2 * ENTRY_BYTES);
        assert_eq!(
            (bytes[..2].to_vec(), bytes[9], bytes[17], bytes[25], bytes[33]),
            (vec![0, 0], 7, 16, 32, 33)
        );
        let path = Path::new("x.txnindex");
        assert_eq!(decode(path, &bytes).unwrap(), [entry, entry]);
        assert_eq!(decode(path, &[]).unwrap(), []);
        assert!(decode(path, &bytes[1..]).is_err());
        let mut other = bytes;
        other[1] = 1;
        assert!(decode(path, &other).is_err());
    }
}
