//! Reading a coordinator's partition from its log start to its end, slice by slice, before it serves anybody.
//!
//! # Not here
//! Who reads, and when (`mod.rs`).

use std::time::Instant;

use bytes::{Bytes, BytesMut};
use group::{Coordinator, Record};
use record::{BatchHeader, DECOMPRESSED_BYTES_MAX, EndTxnMarker, Records, TxnOutcome, decompress};
use types::{Offset, ProducerId, TopicName};

use super::pending::Pending;

/// How far loading has come.
pub(super) struct Load {
    /// When it began.
    pub(super) began: Instant,
    /// The next offset to read; none before the log was looked at.
    pub(super) next: Option<Offset>,
    pending: Pending,
    /// Topics that changed meanwhile.
    pub(super) missed: Vec<TopicName>,
    records: usize,
    skipped: usize,
}

/// Why batches of the log cannot be read.
#[derive(Debug)]
pub(super) struct Unreadable(String);

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Load {
    /// Nothing was read yet.
    pub(super) fn starting(now: Instant) -> Self {
        Self {
            began: now,
            next: None,
            pending: Pending::default(),
            missed: Vec::new(),
            records: 0,
            skipped: 0,
        }
    }

    /// Records read so far, and those among them that say nothing to this release.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.records, self.skipped)
    }

    /// Replays whole batches, which may lie in several pieces.
    ///
    /// # Errors
    /// If they are no batches.
    pub(super) fn replay(&mut self, pieces: &[Bytes], into: &mut Coordinator) -> Result<(), Unreadable> {
        let mut rest = joined(pieces);
        while !rest.is_empty() {
            let header = BatchHeader::parse(&rest).map_err(unreadable)?;
            if rest.len() < header.batch_len_bytes {
                return Err(Unreadable(format!("the batch at {} is cut", header.base_offset)));
            }
            let batch = rest.split_to(header.batch_len_bytes);
            self.replay_batch(&header, &batch, into)?;
            self.next = Some(header.next_offset());
        }
        Ok(())
    }

    fn replay_batch(
        &mut self,
        header: &BatchHeader,
        batch: &Bytes,
        into: &mut Coordinator,
    ) -> Result<(), Unreadable> {
        let records = decompress(batch, DECOMPRESSED_BYTES_MAX).map_err(unreadable)?;
        if header.is_control() {
            return self.end_transaction(header.producer_id, &records, into);
        }
        for record in &records {
            let record = record.map_err(unreadable)?;
            let Some(key) = record.key else { continue };
            self.records += 1;
            // What the coordinator keeps of it must not keep the whole slice.
            let (key, value) = (Bytes::copy_from_slice(key), record.value.map(Bytes::copy_from_slice));
            let at = record.offset;
            match Record::decode(&key, value.as_ref()) {
                Ok(record) if header.is_transactional() => {
                    self.pending.add(header.producer_id, key, at, record);
                }
                Ok(record) => {
                    self.pending.overtake(&key, at);
                    into.replay(&record);
                }
                Err(error) => {
                    self.skipped += 1;
                    tracing::debug!("a record of {} is skipped: {error}", super::OFFSETS_TOPIC);
                }
            }
        }
        Ok(())
    }

    fn end_transaction(
        &mut self,
        producer: ProducerId,
        records: &Records<'_>,
        into: &mut Coordinator,
    ) -> Result<(), Unreadable> {
        let Some(first) = records.iter().next().transpose().map_err(unreadable)? else { return Ok(()) };
        let (Some(key), Some(value)) = (first.key, first.value) else { return Ok(()) };
        let Some(marker) = EndTxnMarker::parse(key, value).map_err(unreadable)? else { return Ok(()) };
        match marker.outcome {
            TxnOutcome::Commit => self.pending.commit(producer).iter().for_each(|record| into.replay(record)),
            TxnOutcome::Abort => self.pending.abort(producer),
        }
        Ok(())
    }
}

fn unreadable(error: record::RecordError) -> Unreadable {
    Unreadable(error.to_string())
}

/// The pieces as one; most often it is one.
fn joined(pieces: &[Bytes]) -> Bytes {
    match pieces {
        [one] => one.clone(),
        pieces => {
            let mut whole = BytesMut::with_capacity(pieces.iter().map(Bytes::len).sum());
            pieces.iter().for_each(|piece| whole.extend_from_slice(piece));
            whole.freeze()
        }
    }
}
