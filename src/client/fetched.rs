//! The records of one partition out of one Fetch answer.

use std::ops::ControlFlow;

use bytes::Bytes;
use record::{
    BatchHeader, DECOMPRESSED_BYTES_MAX, EndTxnMarker, Record, RecordError, batches, check_crc, decompress,
};
use types::{Offset, PartitionIndex};

use super::aborted::Aborted;

/// See the module.
#[derive(Clone, Debug)]
pub struct Fetched {
    pub partition: PartitionIndex,
    /// Where reading was to begin: the first batch may begin before it.
    from: Offset,
    batches: Bytes,
    aborted: Aborted,
}

impl Fetched {
    pub(super) fn new(partition: PartitionIndex, from: Offset, batches: Bytes, aborted: Aborted) -> Self {
        Self { partition, from, batches, aborted }
    }

    /// Where to read on: behind the last whole batch. `None` if there is not even one.
    pub(super) fn next_offset(&self) -> Option<Offset> {
        let whole = batches(&self.batches).map_while(Result::ok);
        whole.last().map(|(header, _)| header.next_offset())
    }

    /// Shows every record that is to be seen, in order, until it is told to stop. Control records, records before the
    /// place asked for and those of aborted transactions are left out.
    ///
    /// # Errors
    /// For a batch that is damaged or in a format before Kafka 0.11, with its offset; what came before was shown.
    pub fn each(
        mut self,
        mut show: impl FnMut(&BatchHeader, &Record<'_>) -> ControlFlow<()>,
    ) -> Result<(), (Offset, RecordError)> {
        let mut at = self.from;
        for batch in batches(&self.batches) {
            let (header, batch) = match batch {
                Ok(whole) => whole,
                // A broker may cut the last batch where its limit of bytes lies.
                Err(RecordError::Truncated { .. }) if at > self.from => break,
                Err(error) => return Err((at, error)),
            };
            at = at.max(header.base_offset);
            let shown = one_batch(&header, batch, self.from, &mut self.aborted, &mut show);
            if shown.map_err(|error| (at, error))?.is_break() {
                break;
            }
            at = header.next_offset();
        }
        Ok(())
    }
}

fn one_batch(
    header: &BatchHeader,
    batch: &[u8],
    from: Offset,
    aborted: &mut Aborted,
    show: &mut impl FnMut(&BatchHeader, &Record<'_>) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, RecordError> {
    if header.last_offset() < from {
        return Ok(ControlFlow::Continue(()));
    }
    check_crc(batch)?;
    if aborted.covers(header) {
        return Ok(ControlFlow::Continue(()));
    }
    let records = decompress(batch, DECOMPRESSED_BYTES_MAX)?;
    if header.is_control() {
        let marker = records.iter().next().transpose()?;
        let ends =
            marker.map(|m| EndTxnMarker::parse(m.key.unwrap_or_default(), m.value.unwrap_or_default()));
        if ends.transpose()?.flatten().is_some() {
            aborted.ended(header);
        }
        return Ok(ControlFlow::Continue(()));
    }
    for record in &records {
        let record = record?;
        if record.offset >= from && show(header, &record).is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::messages::fetch::AbortedTransaction;
    use record::{BatchBuilder, BatchOptions, ProducerStamp, TxnOutcome};
    use types::{ProducerEpoch, ProducerId, Sequence, TimestampMs};

    /// A batch at `base` with one record per text, of the producer's transaction if one is given.
    fn batch(base: i64, producer: Option<i64>, values: &[&str]) -> Bytes {
        let stamp =
            |id| ProducerStamp { id: ProducerId(id), epoch: ProducerEpoch(0), base_sequence: Sequence(0) };
        let options = BatchOptions {
            base_offset: Offset(base),
            producer: producer.map_or(ProducerStamp::NONE, stamp),
            transactional: producer.is_some(),
            ..Default::default()
        };
        let mut builder = BatchBuilder::new(options);
        for value in values {
            builder.push(TimestampMs(1), None, Some(value.as_bytes()), &[]).unwrap();
        }
        builder.build().unwrap()
    }

    fn marker(base: i64, producer: i64, outcome: TxnOutcome) -> Bytes {
        let options = BatchOptions {
            base_offset: Offset(base),
            producer: ProducerStamp {
                id: ProducerId(producer),
                epoch: ProducerEpoch(0),
                base_sequence: Sequence::NONE,
            },
            transactional: true,
            control: true,
            ..Default::default()
        };
        let mut builder = BatchBuilder::new(options);
        builder.push_marker(TimestampMs(1), &EndTxnMarker { outcome, coordinator_epoch: 0 }).unwrap();
        builder.build().unwrap()
    }

    fn seen(from: i64, pieces: &[Bytes], aborted: &[(i64, i64)]) -> Vec<(i64, String)> {
        let aborted = aborted
            .iter()
            .map(|&(producer_id, first_offset)| AbortedTransaction { producer_id, first_offset })
            .collect();
        let fetched =
            Fetched::new(PartitionIndex(0), Offset(from), pieces.concat().into(), Aborted::new(aborted));
        let mut seen = Vec::new();
        fetched
            .each(|_, record| {
                let value = String::from_utf8_lossy(record.value.unwrap_or_default()).into_owned();
                seen.push((record.offset.0, value));
                ControlFlow::Continue(())
            })
            .unwrap();
        seen
    }

    #[test]
    fn records_before_the_place_asked_for_and_a_cut_batch_at_the_end_are_left_out() {
        let whole = batch(5, None, &["a", "b", "c"]);
        let cut = batch(8, None, &["d"]);
        let pieces = [whole, cut.slice(..cut.len() - 1)];
        assert_eq!(seen(6, &pieces, &[]), [(6, "b".to_owned()), (7, "c".to_owned())]);
        let fetched = Fetched::new(PartitionIndex(0), Offset(6), pieces.concat().into(), Aborted::default());
        assert_eq!(fetched.next_offset(), Some(Offset(8)));
    }

    #[test]
    fn control_records_and_aborted_transactions_are_not_shown() {
        let pieces = [
            batch(0, Some(7), &["lost"]),
            batch(1, Some(8), &["kept"]),
            marker(2, 7, TxnOutcome::Abort),
            batch(3, Some(7), &["kept too"]),
            marker(4, 8, TxnOutcome::Commit),
            marker(5, 7, TxnOutcome::Commit),
            batch(6, None, &["plain"]),
        ];
        let values: Vec<String> = seen(0, &pieces, &[(7, 0)]).into_iter().map(|(_, value)| value).collect();
        assert_eq!(values, ["kept", "kept too", "plain"]);
        assert_eq!(seen(0, &pieces, &[]).len(), 4, "readers of uncommitted records see all but the markers");
    }

    #[test]
    fn a_damaged_batch_is_an_error_with_its_offset() {
        let mut damaged = batch(9, None, &["x"]).to_vec();
        *damaged.last_mut().unwrap() ^= 1;
        let pieces = [batch(8, None, &["a"]), damaged.into()];
        let fetched = Fetched::new(PartitionIndex(0), Offset(8), pieces.concat().into(), Aborted::default());
        let mut count = 0;
        let failed = fetched.each(|_, _| {
            count += 1;
            ControlFlow::Continue(())
        });
        assert!(matches!(failed, Err((Offset(9), RecordError::Crc { .. }))), "{failed:?}");
        assert_eq!(count, 1);
    }
}
