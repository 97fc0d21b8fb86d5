//! What stays of a batch. Kafka's `Cleaner.cleanInto`.
//!
//! Bytes in, bytes out. No I/O.
//!
//! # Invariants
//! - What is not understood stays.

use std::collections::BTreeMap;

use bytes::Bytes;
use record::{
    BatchHeader, DECOMPRESSED_BYTES_MAX, EndTxnMarker, Filtered, Record, RecordError, Records, Tombstones,
    TxnOutcome, decompress, emptied, filter,
};
use types::{Offset, ProducerId, TimestampMs};

use super::LastRecord;
use super::offset_map::OffsetMap;
use super::transactions::{Fate, MarkerFate, Transactions};
use super::txn_index::AbortedTxn;

/// A control batch holds one small record.
const CONTROL_BATCH_BYTES_MAX: usize = 64 * 1024;

/// By what is decided, for a whole pass.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) now: TimestampMs,
    pub(super) delete_retention_ms: i64,
    /// Where the map ends: nothing is known of what lies at or above.
    pub(super) end: Offset,
    /// The batch that ends there stays, lest the log seems to end before.
    pub(super) first_uncleanable: Offset,
    pub(super) producers: BTreeMap<ProducerId, LastRecord>,
}

/// What stays of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Retained {
    AsItIs,
    Rewritten(Bytes),
    Nothing,
}

/// What is decided of a batch before its records are looked at.
struct Verdict {
    /// Its records go, whatever they are.
    discard: bool,
    /// It stays even without records.
    keep_empty: bool,
    /// It marks the end of a transaction that has no batches any more.
    is_idle_marker: bool,
}

impl Rules {
    /// Decides about a batch, the next one of the log. An entry for the new segment's transaction index goes to `index`.
    pub(super) fn retain(
        &self,
        header: &BatchHeader,
        batch: &[u8],
        map: &OffsetMap,
        transactions: &mut Transactions,
        index: &mut Vec<AbortedTxn>,
    ) -> Result<Retained, RecordError> {
        let (discard, is_idle_marker) = if header.is_control() {
            let fate = marker(header, batch)?.map(|outcome| transactions.on_marker(header, outcome));
            if let Some(MarkerFate::NeededAborted(txn)) = fate {
                index.push(txn);
            }
            // A marker without its record was idle before.
            let is_idle = fate == Some(MarkerFate::Idle) || header.record_count == 0;
            (is_idle && self.has_passed(header), is_idle)
        } else {
            match transactions.on_records(header) {
                Fate::Counts => (false, false),
                Fate::Aborted => (true, false),
                Fate::AbortedUnindexed => return Ok(Retained::AsItIs),
            }
        };
        let keep_empty =
            self.is_last_of_its_producer(header) || header.next_offset() == self.first_uncleanable;
        if discard && !keep_empty {
            return Ok(Retained::Nothing);
        }
        self.filter(header, batch, map, &Verdict { discard, keep_empty, is_idle_marker })
    }

    fn filter(
        &self,
        header: &BatchHeader,
        batch: &[u8],
        map: &OffsetMap,
        verdict: &Verdict,
    ) -> Result<Retained, RecordError> {
        let Some(records) = open(batch)? else { return Ok(Retained::AsItIs) };
        let tombstones = Tombstones {
            delete_horizon: TimestampMs(self.now.0.saturating_add(self.delete_retention_ms)),
            always: verdict.is_idle_marker,
        };
        let tombstones_go = self.has_passed(header);
        let filtered = filter(&records, tombstones, |record| {
            !verdict.discard && (header.is_control() || self.stays(record, map, tombstones_go))
        })?;
        Ok(match filtered {
            Filtered::Unchanged => Retained::AsItIs,
            Filtered::Rewritten(batch) => Retained::Rewritten(batch),
            Filtered::Emptied if !verdict.keep_empty => Retained::Nothing,
            Filtered::Emptied if header.record_count == 0 => Retained::AsItIs,
            Filtered::Emptied => Retained::Rewritten(emptied(header)?),
        })
    }

    fn stays(&self, record: &Record<'_>, map: &OffsetMap, tombstones_go: bool) -> bool {
        if record.offset >= self.end {
            return true;
        }
        let Some(key) = record.key else { return false };
        let is_last = map.get(key).is_none_or(|last| record.offset >= last);
        is_last && (record.value.is_some() || !tombstones_go)
    }

    /// Whether the batch has a delete horizon, and it has passed.
    fn has_passed(&self, header: &BatchHeader) -> bool {
        header.delete_horizon().is_some_and(|horizon| horizon <= self.now)
    }

    /// Whether the sequence of a producer that may go on is known from this batch only.
    fn is_last_of_its_producer(&self, header: &BatchHeader) -> bool {
        let last = self.producers.get(&header.producer_id).filter(|_| header.has_producer_id());
        last.is_some_and(|last| match last.last_offset {
            Some(offset) => header.last_offset() == offset,
            None => header.is_control() && header.producer_epoch == last.epoch,
        })
    }
}

/// The records of a batch; `None` if they are more than are ever decompressed: such a batch stays as it is.
pub(super) fn open(batch: &[u8]) -> Result<Option<Records<'_>>, RecordError> {
    match decompress(batch, DECOMPRESSED_BYTES_MAX) {
        Ok(records) => Ok(Some(records)),
        Err(RecordError::DecompressedTooLarge { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// How the transaction ended that a control batch marks, if it is such a batch.
pub(super) fn marker(header: &BatchHeader, batch: &[u8]) -> Result<Option<TxnOutcome>, RecordError> {
    if !header.is_control() {
        return Ok(None);
    }
    let records = decompress(batch, CONTROL_BATCH_BYTES_MAX)?;
    let Some(first) = records.iter().next().transpose()? else { return Ok(None) };
    let (Some(key), Some(value)) = (first.key, first.value) else { return Ok(None) };
    Ok(EndTxnMarker::parse(key, value)?.map(|marker| marker.outcome))
}
