//! Frames: how entries lie in the files of the metadata log.
//!
//! A file begins with a header of 32 bytes, and frames follow without a gap. Numbers are little-endian.
//!
//! ```text
//! header   magic (8 bytes) | format version u32 | reserved u32 | index u64 | reserved u32 | CRC-32C of the 28 before it u32
//! frame    payload length u32 | CRC-32C of everything else in the frame u32 | index u64 | term u64 | payload
//! ```
//!
//! # Invariants
//! - Whatever the bytes are, reading them takes no more memory than they do, and no more time than some passes over
//!   them.

use std::ops::Range;

/// Every file begins with one.
pub(crate) const HEADER_BYTES: usize = 32;

/// What a frame has besides its payload.
pub(crate) const FRAME_BYTES: usize = 24;

/// A payload is never larger. An entry holds one request's records: 10,000 new partitions make less than a megabyte,
/// and settings are bounded by a request's size, of which this is a third.
pub(crate) const PAYLOAD_BYTES_MAX: usize = 32 * 1024 * 1024;

const FORMAT_VERSION: u32 = 1;

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileKind {
    /// Entries one after the other; the header's index is that of the first.
    Entries,
    /// The records of an image; the header's index is that of the last entry in it.
    Snapshot,
}

impl FileKind {
    const fn magic(self) -> [u8; 8] {
        match self {
            Self::Entries => *b"STROMEME",
            Self::Snapshot => *b"STROMEMS",
        }
    }
}

/// The header of a file.
pub(crate) fn header(kind: FileKind, index: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES);
    bytes.extend(kind.magic());
    bytes.extend(FORMAT_VERSION.to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend(index.to_le_bytes());
    bytes.extend([0; 4]);
    let crc = crc_fast::crc32_iscsi(&bytes);
    bytes.extend(crc.to_le_bytes());
    bytes
}

/// Checks that `bytes` begin as a file of this kind with this index does; otherwise says what is wrong.
pub(crate) fn check_header(bytes: &[u8], kind: FileKind, index: u64) -> Result<(), String> {
    let found = bytes.get(..HEADER_BYTES).ok_or("it is too short for its header")?;
    if found[..8] != kind.magic() {
        return Err("it does not begin with its magic bytes".to_owned());
    }
    let version = u32_at(found, 8).unwrap_or(0);
    if u32_at(found, 28) != Some(crc_fast::crc32_iscsi(&found[..28])) {
        return Err("the checksum of its header is wrong".to_owned());
    }
    if version != FORMAT_VERSION {
        return Err(format!("it has format version {version}, and this release knows {FORMAT_VERSION}"));
    }
    match u64_at(found, 16) {
        Some(found) if found == index => Ok(()),
        _ => Err("its header has another index than its name".to_owned()),
    }
}

/// A frame in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) index: u64,
    pub(crate) term: u64,
    /// Where its payload is in the file.
    pub(crate) payload: Range<usize>,
}

/// The bytes of a frame.
pub(crate) fn frame(index: u64, term: u64, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(FRAME_BYTES + payload.len());
    // Callers keep to `PAYLOAD_BYTES_MAX`.
    bytes.extend((payload.len() as u32).to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend(index.to_le_bytes());
    bytes.extend(term.to_le_bytes());
    bytes.extend(payload);
    let crc = checksum(&bytes);
    bytes[4..8].copy_from_slice(&crc.to_le_bytes());
    bytes
}

/// Of a frame's bytes, all but the checksum itself.
fn checksum(frame: &[u8]) -> u32 {
    let mut digest = crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc32Iscsi);
    digest.update(&frame[..4]);
    digest.update(&frame[8..]);
    // A CRC-32C has 32 bits.
    digest.finalize() as u32
}

/// The frame that begins at `at`, or what is wrong with the bytes there.
pub(crate) fn frame_at(file: &[u8], at: usize) -> Result<Frame, &'static str> {
    let bytes = file.get(at..).unwrap_or_default();
    let len = u32_at(bytes, 0).ok_or("a frame is cut short")? as usize;
    if len > PAYLOAD_BYTES_MAX {
        return Err("a frame has a length that is too large");
    }
    let bytes = bytes.get(..FRAME_BYTES + len).ok_or("a frame is cut short")?;
    if u32_at(bytes, 4) != Some(checksum(bytes)) {
        return Err("the checksum of a frame is wrong");
    }
    let (Some(index), Some(term)) = (u64_at(bytes, 8), u64_at(bytes, 16)) else {
        return Err("a frame is cut short");
    };
    Ok(Frame { index, term, payload: at + FRAME_BYTES..at + FRAME_BYTES + len })
}

/// After damage, so many times the file's bytes are looked at for intact frames before it is given up.
const PASSES_MAX: usize = 8;

/// Whether an intact frame with an index of at least `index` begins anywhere after `after`: then what lies before it
/// was complete once, and is not the torn end of the file. Says so, too, if it would take too long to find out.
pub(crate) fn intact_frame_after(file: &[u8], after: usize, index: u64) -> bool {
    // An index beyond this could not lie in the rest of the file; the check spares most checksums.
    let entries_max = (file.len() / FRAME_BYTES) as u64;
    let mut budget = file.len().saturating_mul(PASSES_MAX);
    (after + 1..file.len()).any(|at| {
        let bytes = file.get(at..).unwrap_or_default();
        let plausible = u64_at(bytes, 8).is_some_and(|found| found >= index && found - index <= entries_max);
        if !plausible {
            return false;
        }
        let len = u32_at(bytes, 0).map_or(0, |len| len as usize);
        if FRAME_BYTES + len <= bytes.len() {
            budget = budget.saturating_sub(FRAME_BYTES + len);
        }
        budget == 0 || frame_at(file, at).is_ok()
    })
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_reads_back_and_no_changed_bit_goes_unnoticed() {
        let bytes = frame(7, 3, b"payload");
        let read = frame_at(&bytes, 0).expect("intact");
        assert_eq!((read.index, read.term, &bytes[read.payload]), (7, 3, b"payload".as_slice()));
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(frame_at(&changed, 0).is_err(), "bit {bit}");
        }
        for len in 0..bytes.len() {
            assert!(frame_at(&bytes[..len], 0).is_err(), "{len} bytes");
        }
    }

    #[test]
    fn no_changed_bit_in_a_header_goes_unnoticed() {
        let bytes = header(FileKind::Entries, 5);
        assert_eq!(bytes.len(), HEADER_BYTES);
        assert_eq!(check_header(&bytes, FileKind::Entries, 5), Ok(()));
        assert!(check_header(&bytes, FileKind::Snapshot, 5).is_err());
        assert!(check_header(&bytes, FileKind::Entries, 6).is_err());
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(check_header(&changed, FileKind::Entries, 5).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn made_up_frames_do_not_keep_the_search_for_an_intact_one_busy() {
        // Every sixteen bytes something begins that would be a frame of half the file but for its checksum.
        let mut file = Vec::new();
        while file.len() < 4 << 20 {
            file.extend((2u32 << 20).to_le_bytes());
            file.extend([0; 4]);
            file.extend(5u64.to_le_bytes());
        }
        assert!(intact_frame_after(&file, 0, 5));
        assert!(!intact_frame_after(&file[..1 << 20], 0, 5));
    }

    #[test]
    fn zeros_are_no_frame() {
        assert!(frame_at(&[0; 100], 0).is_err());
    }
}
