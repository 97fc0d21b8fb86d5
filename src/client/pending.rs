//! Records that wait to be sent, and how they become batches.

use std::time::Instant;

use bytes::Bytes;
use record::{BatchBuilder, BatchOptions, Compression, Header, ProducerStamp, RecordError};
use types::{Sequence, TimestampMs};

/// What a record takes in a batch besides its content, at most: lengths, deltas and attributes.
const RECORD_OVERHEAD_BYTES: usize = 36;

/// A record that is to be sent.
#[derive(Clone, Debug, Default)]
pub struct OutRecord {
    pub timestamp: TimestampMs,
    pub key: Option<Bytes>,
    pub value: Option<Bytes>,
    pub headers: Vec<(Bytes, Option<Bytes>)>,
}

impl OutRecord {
    /// Bytes in an uncompressed batch, or a few more.
    pub fn bytes(&self) -> usize {
        let len = |field: &Option<Bytes>| field.as_ref().map_or(0, Bytes::len);
        let headers = self.headers.iter().map(|(key, value)| key.len() + len(value) + 10);
        RECORD_OVERHEAD_BYTES + len(&self.key) + len(&self.value) + headers.sum::<usize>()
    }
}

/// Records of one partition that go out together.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) records: Vec<OutRecord>,
    /// Their bytes before compression.
    pub(super) bytes: usize,
    /// When the first of them came.
    pub(super) since: Instant,
    /// Given when the batch is first sent, so that a repetition is recognised.
    pub(super) stamp: Option<ProducerStamp>,
    /// Not before then, after a failure.
    pub(super) not_before: Option<Instant>,
}

impl Pending {
    pub(super) fn new(since: Instant) -> Self {
        Self { records: Vec::new(), bytes: 0, since, stamp: None, not_before: None }
    }

    pub(super) fn push(&mut self, record: OutRecord) {
        self.bytes += record.bytes();
        self.records.push(record);
    }

    /// How many sequence numbers it takes.
    pub(super) fn sequences(&self) -> i32 {
        i32::try_from(self.records.len()).unwrap_or(i32::MAX)
    }

    /// The batch for the wire.
    pub(super) fn build(&self, compression: Compression) -> Result<Bytes, RecordError> {
        let producer = self.stamp.unwrap_or(ProducerStamp::NONE);
        let mut builder = BatchBuilder::new(BatchOptions { compression, producer, ..Default::default() });
        for record in &self.records {
            let headers: Vec<Header<'_>> =
                record.headers.iter().map(|(key, value)| Header { key, value: value.as_deref() }).collect();
            builder.push(record.timestamp, record.key.as_deref(), record.value.as_deref(), &headers)?;
        }
        builder.build()
    }

    /// Two halves, neither of which was ever sent. `None` if there is only one record.
    pub(super) fn split(mut self) -> Option<(Self, Self)> {
        if self.records.len() < 2 {
            return None;
        }
        let second = self.records.split_off(self.records.len() / 2);
        let half = |records: Vec<OutRecord>, since| {
            let mut half = Self::new(since);
            records.into_iter().for_each(|record| half.push(record));
            half
        };
        Some((half(self.records, self.since), half(second, self.since)))
    }
}

/// The sequence number of the next batch of a partition, if the producer is idempotent.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct NextSequence(Sequence);

impl NextSequence {
    /// Takes the numbers of a batch; the first of them.
    pub(super) fn take(&mut self, count: i32) -> Sequence {
        let first = self.0;
        self.0 = first.wrapping_plus(count);
        first
    }

    /// Gives numbers back that the broker has not seen: `first` is the next one again.
    pub(super) fn give_back(&mut self, first: Sequence) {
        self.0 = first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::{BatchHeader, decompress};
    use types::{ProducerEpoch, ProducerId};

    fn pending(values: &[&str]) -> Pending {
        let mut pending = Pending::new(Instant::now());
        for value in values {
            let value = Some(Bytes::copy_from_slice(value.as_bytes()));
            pending.push(OutRecord { value, ..Default::default() });
        }
        pending
    }

    fn values(pending: &Pending) -> Vec<String> {
        let batch = pending.build(Compression::Zstd).unwrap();
        let records = decompress(&batch, 1 << 20).unwrap();
        records
            .iter()
            .map(|r| String::from_utf8_lossy(r.unwrap().value.unwrap_or_default()).into_owned())
            .collect()
    }

    #[test]
    fn a_batch_that_is_split_keeps_its_records_in_order() {
        let (first, second) = pending(&["a", "b", "c"]).split().unwrap();
        assert_eq!((values(&first), values(&second)), (vec!["a".into()], vec!["b".into(), "c".into()]));
        assert!(pending(&["a"]).split().is_none());
    }

    #[test]
    fn the_estimate_of_a_batch_is_never_below_what_it_takes() {
        let mut pending = pending(&["", "some value", &"x".repeat(20_000)]);
        let (text, key) = (Bytes::from_static(b"header"), Some(Bytes::from_static(b"key")));
        let headers = vec![(text.clone(), None), (text, key.clone())];
        pending.push(OutRecord { timestamp: TimestampMs(i64::MAX), key, value: None, headers });
        let batch = pending.build(Compression::None).unwrap();
        assert!(batch.len() <= record::BATCH_HEADER_BYTES + pending.bytes, "{}", batch.len());
    }

    #[test]
    fn a_stamp_goes_into_the_batch() {
        let mut pending = pending(&["a", "b"]);
        let stamp = ProducerStamp { id: ProducerId(5), epoch: ProducerEpoch(1), base_sequence: Sequence(7) };
        pending.stamp = Some(stamp);
        let header = BatchHeader::parse(&pending.build(Compression::None).unwrap()).unwrap();
        assert_eq!((header.producer_id, header.base_sequence), (stamp.id, stamp.base_sequence));
    }
}
