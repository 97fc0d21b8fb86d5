//! Which aborted transactions a reader of committed records has to be told of.

use bytes::Bytes;
use record::{BATCH_HEADER_BYTES, BatchHeader};
use types::{Offset, ProducerId, TopicPartition};

use super::Partitions;
use crate::arena::Key;

impl Partitions {
    /// Those among `records`, whole batches that were read from `from` on: producer and first offset.
    pub(super) fn aborted_among(
        &self,
        at: TopicPartition,
        from: Offset,
        records: &[Bytes],
    ) -> Vec<(ProducerId, Offset)> {
        let partition = self.find(at).ok().and_then(|key| self.open.get(key));
        // Nearly all logs have none, and then nothing is looked at.
        let Some(partition) = partition.filter(|partition| self.store.has_aborted(partition.log, from))
        else {
            return Vec::new();
        };
        let Some(end) = end_of(records) else { return Vec::new() };
        let found = self.store.aborted(partition.log, from, end);
        found.iter().map(|aborted| (aborted.producer_id, aborted.first_offset)).collect()
    }

    /// Tells a read of those among what the disk has read for one of its parts.
    pub(super) fn add_aborted(&mut self, job: Key, index: usize, at: TopicPartition, from: Offset) {
        let Some(records) = self.read_jobs.get(job).and_then(|job| job.records_of(index)) else { return };
        let aborted = self.aborted_among(at, from, records);
        if let Some(job) = self.read_jobs.get_mut(job) {
            job.set_aborted(index, aborted);
        }
    }
}

/// The offset behind the last batch of `records`, whose pieces may cut batches.
fn end_of(records: &[Bytes]) -> Option<Offset> {
    let len: usize = records.iter().map(Bytes::len).sum();
    let (mut at, mut end) = (0, None);
    while at + BATCH_HEADER_BYTES <= len {
        let header = header_at(records, at)?;
        end = Some(header.next_offset());
        at += header.batch_len_bytes;
    }
    end
}

/// The header that begins so many bytes into the pieces.
fn header_at(records: &[Bytes], mut at: usize) -> Option<BatchHeader> {
    let mut copy = Vec::with_capacity(BATCH_HEADER_BYTES);
    for piece in records {
        let Some(bytes) = piece.get(at..) else {
            at -= piece.len();
            continue;
        };
        if copy.is_empty() && bytes.len() >= BATCH_HEADER_BYTES {
            return BatchHeader::parse(bytes).ok();
        }
        let missing = BATCH_HEADER_BYTES - copy.len();
        copy.extend_from_slice(bytes.get(..missing).unwrap_or(bytes));
        if copy.len() == BATCH_HEADER_BYTES {
            return BatchHeader::parse(&copy).ok();
        }
        at = 0;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::{BatchBuilder, BatchOptions};
    use types::TimestampMs;

    fn batch(base_offset: i64, records: usize) -> Vec<u8> {
        let mut builder = BatchBuilder::new(BatchOptions::default());
        for _ in 0..records {
            builder.push(TimestampMs(1), None, Some(b"value"), &[]).unwrap();
        }
        let mut bytes = builder.build().unwrap().to_vec();
        record::stamp(&mut bytes, Offset(base_offset), types::LeaderEpoch(0));
        bytes
    }

    #[test]
    fn the_end_of_batches_is_found_wherever_their_pieces_are_cut() {
        let bytes = [batch(10, 3), batch(13, 1), batch(20, 5)].concat();
        assert_eq!(end_of(&[Bytes::from(bytes.clone())]), Some(Offset(25)));
        for cut in 0..bytes.len() {
            let pieces = [Bytes::copy_from_slice(&bytes[..cut]), Bytes::copy_from_slice(&bytes[cut..])];
            assert_eq!(end_of(&pieces), Some(Offset(25)), "cut at {cut}");
        }
        let tiny: Vec<Bytes> = bytes.chunks(7).map(Bytes::copy_from_slice).collect();
        assert_eq!(end_of(&tiny), Some(Offset(25)));
        assert_eq!(end_of(&[]), None);
    }
}
