//! What the broker writes into a batch in place: where it stands in the log.

use types::{LeaderEpoch, Offset};

use crate::header::{BASE_OFFSET_AT, BATCH_HEADER_BYTES, LEADER_EPOCH_AT};

/// Gives `batch` its base offset and leader epoch. Both lie outside its checksum, so nothing else changes.
///
/// # Panics
/// On a slice shorter than a batch header: only batches that were parsed come here.
pub fn stamp(batch: &mut [u8], base_offset: Offset, epoch: LeaderEpoch) {
    assert!(batch.len() >= BATCH_HEADER_BYTES, "a batch has a header");
    batch[BASE_OFFSET_AT..BASE_OFFSET_AT + 8].copy_from_slice(&base_offset.0.to_be_bytes());
    batch[LEADER_EPOCH_AT..LEADER_EPOCH_AT + 4].copy_from_slice(&epoch.0.to_be_bytes());
}
