//! CRC-32C, the checksum of batches and of Kafka's snapshot files.
//!
//! # Hot path
//! Every byte that is produced passes through here once. `crc_fast` folds with carry-less multiplication: 86 GB/s for
//! 64 KiB and 21 GB/s for 256 bytes, measured with `examples/speed.rs` on a core with VPCLMULQDQ.

use crate::error::RecordError;
use crate::header::{ATTRIBUTES_AT, BATCH_HEADER_BYTES, CRC_AT, read_u32};

/// The CRC-32C (Castagnoli, as in iSCSI) of `bytes`.
#[must_use]
pub fn crc32c(bytes: &[u8]) -> u32 {
    crc_fast::crc32_iscsi(bytes)
}

/// Compares the checksum in the header of `batch`, which is one whole batch and nothing else, with its content: all
/// from the attributes to the end.
pub fn check_crc(batch: &[u8]) -> Result<(), RecordError> {
    let truncated = RecordError::Truncated { needed: BATCH_HEADER_BYTES, available: batch.len() };
    if batch.len() < BATCH_HEADER_BYTES {
        return Err(truncated);
    }
    let stored = read_u32(batch, CRC_AT);
    let computed = crc32c(batch.get(ATTRIBUTES_AT..).ok_or(truncated)?);
    if stored == computed { Ok(()) } else { Err(RecordError::Crc { stored, computed }) }
}
