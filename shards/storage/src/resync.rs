//! Finding the next valid batch behind damaged bytes.

use std::io;

use reactor::File;
use record::{BATCH_HEADER_BYTES, BatchHeader, check_crc};
use types::{FilePosition, Offset};

/// How much is searched at once.
const WINDOW_BYTES: usize = 1024 * 1024;

/// The first position at or behind `from` at which a valid batch begins: one with a right checksum, and with offsets
/// that the segment beginning at `base` can hold.
pub(crate) fn next_batch(file: &File, from: u64, end: u64, base: Offset) -> io::Result<Option<u64>> {
    let mut window_start = from;
    while window_start + BATCH_HEADER_BYTES as u64 <= end {
        let left = end - window_start;
        let mut window = vec![0; usize::try_from(left).unwrap_or(usize::MAX).min(WINDOW_BYTES)];
        file.read_exact_at(&mut window, FilePosition(window_start))?;
        for (i, bytes) in window.windows(BATCH_HEADER_BYTES).enumerate() {
            let Some(header) = plausible(bytes, base) else { continue };
            let position = window_start + i as u64;
            if header.batch_len_bytes as u64 <= end - position && is_valid(file, position, &header)? {
                return Ok(Some(position));
            }
        }
        // The last bytes of this window may begin a header that ends in the next.
        window_start += (window.len() - BATCH_HEADER_BYTES + 1) as u64;
    }
    Ok(None)
}

/// Whether a valid batch begins at `position`.
pub(crate) fn is_batch_at(file: &File, position: u64, end: u64, base: Offset) -> io::Result<bool> {
    if position.saturating_add(BATCH_HEADER_BYTES as u64) > end {
        return Ok(false);
    }
    let mut bytes = [0; BATCH_HEADER_BYTES];
    file.read_exact_at(&mut bytes, FilePosition(position))?;
    match plausible(&bytes, base) {
        Some(header) if header.batch_len_bytes as u64 <= end - position => is_valid(file, position, &header),
        _ => Ok(false),
    }
}

fn plausible(bytes: &[u8], base: Offset) -> Option<BatchHeader> {
    let header = BatchHeader::parse(bytes).ok()?;
    let delta = header.base_offset.0.checked_sub(base.0)?;
    let sensible = (0..=i64::from(i32::MAX)).contains(&delta)
        && header.last_offset_delta >= 0
        && header.record_count >= 0;
    sensible.then_some(header)
}

fn is_valid(file: &File, position: u64, header: &BatchHeader) -> io::Result<bool> {
    // Held against the file's size by the caller.
    let mut batch = vec![0; header.batch_len_bytes];
    file.read_exact_at(&mut batch, FilePosition(position))?;
    Ok(check_crc(&batch).is_ok())
}
