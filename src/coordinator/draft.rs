//! What a coordinator has decided in this turn of the loop: records for the log, and the replies that wait for them.
//!
//! # Invariants
//! - The records of one event lie in one batch, so a crash leaves all of them or none.
//! - A reply goes out with the batch of its event or with a later one, never earlier.

use group::records::EncodedRecord;
use group::{Record, RecordError, Reply};
use record::{BatchBuilder, BatchHeader, BatchOptions, Compression, ValidBatch, Validated};
use types::TimestampMs;

/// A batch that has reached this size takes no further event: what consumers fetch in one piece by default. One event with
/// more records has a batch of its own.
const BATCH_BYTES: usize = 1024 * 1024;

/// The batches of a turn, most often one.
#[derive(Default)]
pub(super) struct Draft {
    batches: Vec<Gathering>,
}

struct Gathering {
    builder: BatchBuilder,
    replies: Vec<Reply>,
}

/// A batch that is ready to be appended, and who waits for it.
pub(super) struct Drafted {
    pub(super) batch: Validated,
    pub(super) replies: Vec<Reply>,
}

/// Why there is no batch: a text is too long for its field, or the records are for any batch.
#[derive(Debug)]
pub(super) enum DraftError {
    Encode(RecordError),
    Batch(record::RecordError),
}

impl Draft {
    /// Adds the records of one event.
    ///
    /// # Errors
    /// For records that fit into no batch; then the draft is of no use any more.
    pub(super) fn add(
        &mut self,
        records: &[Record],
        codec: Compression,
        now: TimestampMs,
    ) -> Result<(), DraftError> {
        let encoded: Vec<EncodedRecord> =
            records.iter().map(Record::encode).collect::<Result<_, _>>().map_err(DraftError::Encode)?;
        let bytes: usize = encoded.iter().map(bytes_of).sum();
        let has_room = |last: &Gathering| last.builder.bytes_uncompressed() + bytes <= BATCH_BYTES;
        if !self.batches.last().is_some_and(has_room) {
            let options = BatchOptions { compression: codec, ..Default::default() };
            self.batches.push(Gathering { builder: BatchBuilder::new(options), replies: Vec::new() });
        }
        let Some(last) = self.batches.last_mut() else { return Ok(()) };
        for EncodedRecord { key, value } in &encoded {
            last.builder.push(now, Some(key), value.as_deref(), &[]).map_err(DraftError::Batch)?;
        }
        Ok(())
    }

    /// Whether nothing was added.
    pub(super) fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    /// Lets replies wait for the last batch; without one they come back.
    pub(super) fn wait(&mut self, replies: Vec<Reply>) -> Vec<Reply> {
        match self.batches.last_mut() {
            Some(last) => {
                last.replies.extend(replies);
                Vec::new()
            }
            None => replies,
        }
    }

    /// The batches, in order.
    ///
    /// # Errors
    /// What the compressor reports, with those who waited.
    pub(super) fn finish(self) -> Result<Vec<Drafted>, (Vec<Reply>, DraftError)> {
        let mut finished = Vec::with_capacity(self.batches.len());
        let (mut waiting, mut failure) = (Vec::new(), None);
        for Gathering { builder, replies } in self.batches {
            match built(builder) {
                Ok(batch) => finished.push(Drafted { batch, replies }),
                Err(error) => {
                    waiting.extend(replies);
                    failure = Some(error);
                }
            }
        }
        let Some(error) = failure else { return Ok(finished) };
        waiting.extend(finished.into_iter().flat_map(|drafted| drafted.replies));
        Err((waiting, DraftError::Batch(error)))
    }

    /// Gives up the records; who waited for them.
    pub(super) fn into_replies(self) -> Vec<Reply> {
        self.batches.into_iter().flat_map(|gathering| gathering.replies).collect()
    }
}

impl std::fmt::Display for DraftError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Encode(error) => error.fmt(f),
            Self::Batch(error) => error.fmt(f),
        }
    }
}

fn built(builder: BatchBuilder) -> Result<Validated, record::RecordError> {
    let bytes = builder.build()?;
    let header = BatchHeader::parse(&bytes)?;
    Ok(Validated { batch: ValidBatch { header, bytes }, log_append_time: TimestampMs::NONE })
}

fn bytes_of(record: &EncodedRecord) -> usize {
    record.key.len() + record.value.as_ref().map_or(0, bytes::Bytes::len)
}

#[cfg(test)]
mod tests {
    use group::Ticket;
    use protocol::group_log::{OffsetCommitKey, OffsetCommitValue};
    use protocol::messages::HeartbeatResponse;

    use super::*;

    fn commits(count: i32, note_bytes: usize) -> Vec<Record> {
        let commit = |partition| {
            let key = OffsetCommitKey { group: "g".into(), topic: "t".into(), partition };
            let metadata = "n".repeat(note_bytes).as_str().into();
            Record::OffsetCommit(key, Some(OffsetCommitValue { metadata, ..Default::default() }))
        };
        (0..count).map(commit).collect()
    }

    fn reply(ticket: u64) -> Vec<Reply> {
        vec![Reply { ticket: Ticket(ticket), response: HeartbeatResponse::default().into() }]
    }

    /// Adds events of so many records each, and lets a reply wait after each; the records and the waiting of each batch.
    fn drafted(events: &[(i32, usize)]) -> Vec<(i32, Vec<u64>)> {
        let mut draft = Draft::default();
        for (ticket, (count, note_bytes)) in (0..).zip(events) {
            draft.add(&commits(*count, *note_bytes), Compression::None, TimestampMs(1)).unwrap();
            assert_eq!(draft.wait(reply(ticket)).len(), 0);
        }
        let batches = draft.finish().map_err(|_| "no batches").unwrap().into_iter();
        let told = |drafted: Drafted| {
            let waiting = drafted.replies.iter().map(|reply| reply.ticket.0).collect();
            (drafted.batch.batch.header.record_count, waiting)
        };
        batches.map(told).collect()
    }

    #[test]
    fn events_of_a_turn_share_a_batch() {
        assert_eq!(drafted(&[(3, 10), (1, 10), (2, 10)]), [(6, vec![0, 1, 2])]);
    }

    #[test]
    fn the_records_of_an_event_are_never_torn_apart() {
        // The second does not fit any more; the third is more than a batch takes.
        let note_bytes = 4_000;
        assert_eq!(
            drafted(&[(200, note_bytes), (100, note_bytes), (500, note_bytes), (1, 1)]),
            [(200, vec![0]), (100, vec![1]), (500, vec![2]), (1, vec![3])]
        );
    }

    #[test]
    fn without_records_nobody_waits() {
        let mut draft = Draft::default();
        assert_eq!(draft.wait(reply(5)).len(), 1);
        assert!(draft.is_empty());
        // Behind the records of others, those who need none wait too.
        draft.add(&commits(1, 1), Compression::None, TimestampMs(1)).unwrap();
        assert_eq!(draft.wait(reply(5)).len(), 0);
        assert_eq!(draft.into_replies().len(), 1);
    }
}
