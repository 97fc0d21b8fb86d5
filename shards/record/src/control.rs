//! The records of control batches that end transactions.
//!
//! A control record's key is its version and its type; a marker's value is its version and the epoch of the
//! coordinator that wrote it (Kafka's `ControlRecordType` and `EndTxnMarker`). Later versions may only add fields at
//! the end, so what follows the known ones is ignored, as Kafka ignores it.

use crate::error::RecordError;
use crate::header::{read_i16, read_i32};

/// The version of keys and values that is written.
const VERSION: i16 = 0;
const KEY_BYTES: usize = 4;
const VALUE_BYTES: usize = 6;
const TYPE_ABORT: i16 = 0;
const TYPE_COMMIT: i16 = 1;

/// How a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TxnOutcome {
    Abort,
    Commit,
}

/// The marker that ends a producer's transaction in one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndTxnMarker {
    pub outcome: TxnOutcome,
    /// Epoch of the transaction coordinator: a lower one than seen before is a zombie's.
    pub coordinator_epoch: i32,
}

impl EndTxnMarker {
    /// The marker in a control record, or `None` where the record is a control record of another kind.
    ///
    /// # Errors
    /// `Control` for a key or value that is too short or has a negative version.
    pub fn parse(key: &[u8], value: &[u8]) -> Result<Option<Self>, RecordError> {
        if key.len() < KEY_BYTES || read_i16(key, 0) < 0 {
            return Err(RecordError::Control("the key of a control record is malformed"));
        }
        let outcome = match read_i16(key, 2) {
            TYPE_ABORT => TxnOutcome::Abort,
            TYPE_COMMIT => TxnOutcome::Commit,
            _ => return Ok(None),
        };
        if value.len() < VALUE_BYTES || read_i16(value, 0) < 0 {
            return Err(RecordError::Control("the value of a transaction marker is malformed"));
        }
        Ok(Some(Self { outcome, coordinator_epoch: read_i32(value, 2) }))
    }

    /// The key of the marker's control record.
    #[must_use]
    pub fn key(&self) -> [u8; KEY_BYTES] {
        let kind = match self.outcome {
            TxnOutcome::Abort => TYPE_ABORT,
            TxnOutcome::Commit => TYPE_COMMIT,
        };
        let mut key = [0; KEY_BYTES];
        key[..2].copy_from_slice(&VERSION.to_be_bytes());
        key[2..].copy_from_slice(&kind.to_be_bytes());
        key
    }

    /// The value of the marker's control record.
    #[must_use]
    pub fn value(&self) -> [u8; VALUE_BYTES] {
        let mut value = [0; VALUE_BYTES];
        value[..2].copy_from_slice(&VERSION.to_be_bytes());
        value[2..].copy_from_slice(&self.coordinator_epoch.to_be_bytes());
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_reads_back_and_later_versions_may_be_longer() {
        let marker = EndTxnMarker { outcome: TxnOutcome::Commit, coordinator_epoch: 7 };
        assert_eq!(EndTxnMarker::parse(&marker.key(), &marker.value()), Ok(Some(marker)));
        let longer = [&[0, 3][..], &marker.value()[2..], &[9, 9]].concat();
        assert_eq!(EndTxnMarker::parse(&marker.key(), &longer), Ok(Some(marker)));
    }

    #[test]
    fn other_control_records_are_no_markers_and_short_ones_are_refused() {
        assert_eq!(EndTxnMarker::parse(&[0, 0, 0, 2], &[]), Ok(None));
        assert!(EndTxnMarker::parse(&[0, 0, 0], &[0; 6]).is_err());
        assert!(EndTxnMarker::parse(&[0, 0, 0, 1], &[0; 5]).is_err());
        assert!(EndTxnMarker::parse(&[0xff, 0xff, 0, 1], &[0; 6]).is_err());
    }
}
