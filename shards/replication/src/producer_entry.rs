//! What a partition remembers of one producer: its epoch, its last batches, its open transaction.

use types::{Offset, ProducerEpoch, ProducerId, Sequence, TimestampMs};

use record::BatchHeader;

use crate::error::ReplicationError;

/// Batches that are remembered to recognise repetitions. A client with `max.in.flight.requests.per.connection` of at
/// most 5, which idempotence demands, cannot repeat an older one.
pub(crate) const BATCHES_REMEMBERED: usize = 5;

/// Where a batch of a producer lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppendedBatch {
    pub last_sequence: Sequence,
    pub last_offset: Offset,
    /// What the last record's offset, and its sequence, add to the first one's.
    pub offset_delta: i32,
    /// The batch's max timestamp.
    pub timestamp: TimestampMs,
}

impl AppendedBatch {
    /// The batch with this header, which has its final offsets.
    pub(crate) fn of(header: &BatchHeader) -> Self {
        Self {
            last_sequence: header.last_sequence(),
            last_offset: header.last_offset(),
            offset_delta: header.last_offset_delta,
            timestamp: header.max_timestamp,
        }
    }

    /// Sequence of its first record.
    #[must_use]
    pub fn first_sequence(&self) -> Sequence {
        let first = i64::from(self.last_sequence.0) - i64::from(self.offset_delta);
        // Sequences wrap from i32::MAX to 0, so going back below 0 comes from the top.
        Sequence(if first < 0 { (first + i64::from(i32::MAX) + 1) as i32 } else { first as i32 })
    }

    /// Offset of its first record.
    #[must_use]
    pub fn first_offset(&self) -> Offset {
        Offset(self.last_offset.0 - i64::from(self.offset_delta))
    }
}

/// The last batches, oldest first, without an allocation.
#[derive(Clone, Debug, PartialEq, Eq)]
struct LastBatches {
    slots: [Option<AppendedBatch>; BATCHES_REMEMBERED],
}

impl LastBatches {
    const EMPTY: Self = Self { slots: [None; BATCHES_REMEMBERED] };

    fn push(&mut self, batch: AppendedBatch) {
        if let Some(free) = self.slots.iter_mut().find(|slot| slot.is_none()) {
            *free = Some(batch);
            return;
        }
        self.slots.rotate_left(1);
        if let Some(last) = self.slots.last_mut() {
            *last = Some(batch);
        }
    }

    /// Puts a batch that is older than the last one, and younger than all others, where it belongs.
    fn insert_before_last(&mut self, batch: AppendedBatch) {
        let last = self.slots.iter_mut().rev().find(|slot| slot.is_some());
        if let Some(last) = last.and_then(|slot| slot.replace(batch)) {
            self.push(last);
        }
    }

    fn iter(&self) -> impl DoubleEndedIterator<Item = &AppendedBatch> {
        self.slots.iter().flatten()
    }
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProducerEntry {
    pub producer_id: ProducerId,
    /// -1 before its first batch.
    pub epoch: ProducerEpoch,
    batches: LastBatches,
    /// Max timestamp of the last batch or marker.
    pub last_timestamp: TimestampMs,
    /// Of the coordinator that ended its last transaction; -1 if none did.
    pub coordinator_epoch: i32,
    /// Where its open transaction began in this partition.
    pub txn_first_offset: Option<Offset>,
    /// When it last wrote, by this broker's clock, or by the log's timestamps as far as the state was restored.
    pub(crate) seen_at: TimestampMs,
}

impl ProducerEntry {
    /// A producer of which nothing is known.
    #[must_use]
    pub fn new(producer_id: ProducerId) -> Self {
        Self {
            producer_id,
            epoch: ProducerEpoch::NONE,
            batches: LastBatches::EMPTY,
            last_timestamp: TimestampMs::NONE,
            coordinator_epoch: -1,
            txn_first_offset: None,
            seen_at: TimestampMs::NONE,
        }
    }

    /// The remembered batches of the current epoch, oldest first.
    pub fn batches(&self) -> impl DoubleEndedIterator<Item = &AppendedBatch> {
        self.batches.iter()
    }

    /// The last batch of the current epoch.
    #[must_use]
    pub fn last_batch(&self) -> Option<&AppendedBatch> {
        self.batches.iter().next_back()
    }

    /// Sequence of the last record of the current epoch; -1 if there is none.
    #[must_use]
    pub fn last_sequence(&self) -> Sequence {
        self.last_batch().map_or(Sequence::NONE, |b| b.last_sequence)
    }

    /// The remembered batch that `header` repeats.
    pub(crate) fn repeated_by(&self, header: &BatchHeader) -> Option<AppendedBatch> {
        if header.producer_epoch != self.epoch {
            return None;
        }
        let (first, last) = (header.base_sequence, header.last_sequence());
        self.batches.iter().find(|b| b.first_sequence() == first && b.last_sequence == last).copied()
    }

    /// Refuses an epoch that another one has replaced.
    pub(crate) fn check_epoch(&self, incoming: ProducerEpoch) -> Result<(), ReplicationError> {
        if incoming >= self.epoch {
            return Ok(());
        }
        Err(ReplicationError::InvalidProducerEpoch {
            producer_id: self.producer_id,
            incoming,
            current: self.epoch,
        })
    }

    /// Refuses a batch that does not follow the last one. A producer of which nothing is known may begin anywhere:
    /// its state may have expired, or its records may be gone by retention (Kafka's `ProducerAppendInfo`).
    pub(crate) fn check_sequence(&self, header: &BatchHeader) -> Result<(), ReplicationError> {
        let (producer_id, incoming) = (self.producer_id, header.base_sequence);
        if self.epoch == ProducerEpoch::NONE {
            return Ok(());
        }
        if header.producer_epoch != self.epoch {
            if incoming == Sequence::ZERO {
                return Ok(());
            }
            let (epoch, current) = (header.producer_epoch, self.epoch);
            return Err(ReplicationError::SequenceOfNewEpoch { producer_id, incoming, epoch, current });
        }
        let last = self.last_sequence();
        if incoming == last.wrapping_plus(1) {
            return Ok(());
        }
        Err(ReplicationError::OutOfOrderSequence { producer_id, incoming, last })
    }

    /// Remembers a batch that was appended. A new epoch forgets the batches of the old one.
    pub(crate) fn push(&mut self, epoch: ProducerEpoch, batch: AppendedBatch) {
        self.turn_epoch(epoch);
        self.batches.push(batch);
        self.last_timestamp = batch.timestamp;
    }

    /// Remembers a batch that lies before the last one, if it is of the same epoch.
    pub(crate) fn recall(&mut self, epoch: ProducerEpoch, batch: AppendedBatch) {
        if epoch == self.epoch && self.last_batch().is_some_and(|last| batch.last_offset < last.last_offset) {
            self.batches.insert_before_last(batch);
        }
    }

    /// Takes over `epoch`, forgetting the batches of another one.
    pub(crate) fn turn_epoch(&mut self, epoch: ProducerEpoch) {
        if self.epoch != epoch {
            self.batches = LastBatches::EMPTY;
            self.epoch = epoch;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(last_sequence: i32, offset_delta: i32) -> AppendedBatch {
        AppendedBatch {
            last_sequence: Sequence(last_sequence),
            last_offset: Offset(1000),
            offset_delta,
            timestamp: TimestampMs(1),
        }
    }

    #[test]
    fn the_first_sequence_of_a_batch_is_found_across_the_wrap() {
        assert_eq!(batch(9, 4).first_sequence(), Sequence(5));
        assert_eq!(batch(1, 3).first_sequence(), Sequence(i32::MAX - 1));
        assert_eq!(batch(0, 0).first_sequence(), Sequence(0));
        assert_eq!(batch(i32::MAX, i32::MAX).first_sequence(), Sequence(0));
    }

    #[test]
    fn batches_before_the_last_one_are_recalled_in_their_order() {
        let mut entry = ProducerEntry::new(ProducerId(1));
        let at = |offset| AppendedBatch { last_offset: Offset(offset), ..batch(offset as i32, 0) };
        entry.recall(ProducerEpoch(0), at(3));
        assert_eq!(entry.batches().count(), 0, "nothing is known of it");
        entry.push(ProducerEpoch(0), at(8));
        for offset in [2, 3, 4, 5, 6, 7, 8, 9] {
            entry.recall(ProducerEpoch(0), at(offset));
        }
        entry.recall(ProducerEpoch(1), at(7));
        assert_eq!(entry.batches().map(|b| b.last_offset.0).collect::<Vec<_>>(), [4, 5, 6, 7, 8]);
    }

    #[test]
    fn only_the_last_five_batches_are_remembered() {
        let mut entry = ProducerEntry::new(ProducerId(1));
        for sequence in 0..7 {
            entry.push(ProducerEpoch(0), batch(sequence, 0));
        }
        assert_eq!(entry.batches().map(|b| b.last_sequence.0).collect::<Vec<_>>(), [2, 3, 4, 5, 6]);
        entry.push(ProducerEpoch(1), batch(0, 0));
        assert_eq!(entry.batches().count(), 1);
    }
}
