//! What a partition knows of the producers that write to it idempotently or in transactions (KIP-98, KIP-360).
//!
//! A batch's header is judged before the append and applied after it; the state can be written out and read back in
//! Kafka's snapshot format, and is rebuilt by replaying the log from there.
//!
//! # Invariants
//! - Applying a batch that was admitted never fails, and applying the same log gives the same state.
//! - At most [`ProducerLimits::producers`] producers are remembered, as far as their batches were checked: a follower
//!   takes over what its leader has let in.
//!
//! # Not here
//! Verification of transactional writes with the coordinator (KIP-890); who the producer is allowed to be.

use std::collections::BTreeMap;

use types::{Offset, ProducerId, TimestampMs};

use record::{BatchHeader, EndTxnMarker};

use crate::error::ReplicationError;
use crate::producer_entry::{AppendedBatch, ProducerEntry};
use crate::snapshot;
use crate::transactions::{CompletedTxn, Transactions};

/// Producers that a partition remembers at most: about 25 MB.
pub const PRODUCERS_MAX: usize = 100_000;

/// When the state is full, one in so many of the producers makes room, those first that have been silent longest, so
/// that looking for them costs little per newcomer.
const EVICTED_FRACTION: usize = 16;

/// Who appends, and so how much is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A producer: epoch and sequence.
    Client,
    /// A coordinator on behalf of a producer (transactional offset commits): the epoch, as these carry no sequence.
    Coordinator,
    /// A leader whose log is followed, or this log itself read again: nothing.
    Replication,
}

/// What to do with a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Append it, and then call [`ProducerStates::applied`].
    Append,
    /// It is in the log already: answer as then, append nothing.
    Duplicate {
        first_offset: Offset,
        last_offset: Offset,
        /// What Kafka answers as its append time.
        timestamp: TimestampMs,
    },
}

/// What a truncation of the log means to the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Truncation {
    /// The state does not reach beyond the new end.
    Unchanged,
    /// All is forgotten: load the newest snapshot at or before the new end, and replay the log from there.
    Rebuild,
}

/// How long, and how many, producers are remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerLimits {
    /// `producer.id.expiration.ms`.
    pub expiration_ms: i64,
    /// Producers at most.
    pub producers: usize,
}

impl Default for ProducerLimits {
    /// Kafka's default of a day, and [`PRODUCERS_MAX`].
    fn default() -> Self {
        Self { expiration_ms: 24 * 60 * 60 * 1000, producers: PRODUCERS_MAX }
    }
}

/// See the module. Lives with its partition's log; costs nothing while no producer has an id.
#[derive(Clone, Debug, Default)]
pub struct ProducerStates {
    producers: BTreeMap<ProducerId, ProducerEntry>,
    transactions: Transactions,
    /// The offset up to which the log is reflected here.
    end: Offset,
    limits: ProducerLimits,
}

impl ProducerStates {
    /// Knows nobody. The log is taken as reflected up to `end`.
    #[must_use]
    pub fn new(end: Offset, limits: ProducerLimits) -> Self {
        Self { end, limits, ..Self::default() }
    }

    /// The offset up to which the log is reflected here; the name of a snapshot taken now.
    #[must_use]
    pub fn end(&self) -> Offset {
        self.end
    }

    /// Producers remembered, by id.
    pub fn producers(&self) -> impl ExactSizeIterator<Item = &ProducerEntry> {
        self.producers.values()
    }

    /// What is known of one producer.
    #[must_use]
    pub fn producer(&self, producer_id: ProducerId) -> Option<&ProducerEntry> {
        self.producers.get(&producer_id)
    }

    /// Judges a data batch before it is appended. Batches without a producer id are always appended.
    ///
    /// # Errors
    /// A sequence that does not follow, an epoch that was replaced, a batch outside of the open transaction.
    pub fn check(&self, header: &BatchHeader, origin: Origin) -> Result<Admission, ReplicationError> {
        if !header.has_producer_id() || origin == Origin::Replication {
            return Ok(Admission::Append);
        }
        let Some(entry) = self.producers.get(&header.producer_id) else {
            // Only producers without an open transaction can make room for a new one.
            let full = self.transactions.open_count() >= self.limits.producers;
            let producers = self.limits.producers;
            return if full {
                Err(ReplicationError::TooManyTransactions { producers })
            } else {
                Ok(Admission::Append)
            };
        };
        if origin == Origin::Client
            && let Some(batch) = entry.repeated_by(header)
        {
            return Ok(Admission::Duplicate {
                first_offset: batch.first_offset(),
                last_offset: batch.last_offset,
                timestamp: batch.timestamp,
            });
        }
        entry.check_epoch(header.producer_epoch)?;
        if origin == Origin::Client {
            entry.check_sequence(header)?;
        }
        if entry.txn_first_offset.is_some() && !header.is_transactional() {
            return Err(ReplicationError::NotTransactional { producer_id: header.producer_id });
        }
        Ok(Admission::Append)
    }

    /// A data batch was appended, or is read again from the log: `header` has its final offsets. `seen_at` is the
    /// broker's time, or the batch's max timestamp when the log is read again.
    pub fn applied(&mut self, header: &BatchHeader, seen_at: TimestampMs) {
        self.end = self.end.max(header.next_offset());
        if !header.has_producer_id() {
            return;
        }
        let entry = self.entry(header.producer_id);
        entry.seen_at = seen_at;
        entry.push(header.producer_epoch, AppendedBatch::of(header));
        if header.is_transactional() && entry.txn_first_offset.is_none() {
            entry.txn_first_offset = Some(header.base_offset);
            self.transactions.begin(header.base_offset, header.producer_id);
        }
    }

    /// A data batch that lies before what is reflected here, shown in the log's order: a snapshot keeps only the last batch
    /// of a producer, but the ones before may be repeated as well.
    pub fn recall(&mut self, header: &BatchHeader) {
        if header.has_producer_id()
            && let Some(entry) = self.producers.get_mut(&header.producer_id)
        {
            entry.recall(header.producer_epoch, AppendedBatch::of(header));
        }
    }

    /// Judges a transaction marker before it is appended. `strict_epoch` is set under transaction version 2, where
    /// every transaction ends with a new epoch: then a marker of the current one is late, unless it repeats the one
    /// that ended the last transaction.
    ///
    /// # Errors
    /// An epoch of the producer or of the coordinator that was replaced.
    pub fn check_marker(
        &self,
        header: &BatchHeader,
        marker: &EndTxnMarker,
        strict_epoch: bool,
    ) -> Result<(), ReplicationError> {
        let Some(entry) = self.producers.get(&header.producer_id) else { return Ok(()) };
        entry.check_epoch(header.producer_epoch)?;
        if strict_epoch && header.producer_epoch == entry.epoch && entry.txn_first_offset.is_some() {
            return Err(ReplicationError::InvalidProducerEpoch {
                producer_id: header.producer_id,
                incoming: header.producer_epoch,
                current: entry.epoch,
            });
        }
        if marker.coordinator_epoch < entry.coordinator_epoch {
            return Err(ReplicationError::CoordinatorFenced {
                producer_id: header.producer_id,
                incoming: marker.coordinator_epoch,
                current: entry.coordinator_epoch,
            });
        }
        Ok(())
    }

    /// A transaction marker was appended, or is read again from the log. Returns the transaction that it ended, if it
    /// had written anything here: an entry for the transaction index.
    pub fn applied_marker(
        &mut self,
        header: &BatchHeader,
        marker: &EndTxnMarker,
        seen_at: TimestampMs,
    ) -> Option<CompletedTxn> {
        self.end = self.end.max(header.next_offset());
        if !header.has_producer_id() {
            return None;
        }
        let entry = self.entry(header.producer_id);
        entry.turn_epoch(header.producer_epoch);
        entry.coordinator_epoch = marker.coordinator_epoch;
        entry.last_timestamp = header.max_timestamp;
        entry.seen_at = seen_at;
        let first_offset = entry.txn_first_offset.take()?;
        Some(self.transactions.complete(header.producer_id, first_offset, header.base_offset, marker.outcome))
    }

    /// Up to where readers of committed records may go.
    #[must_use]
    pub fn last_stable_offset(&self, high_watermark: Offset) -> Offset {
        self.transactions.first_unstable().map_or(high_watermark, |first| first.min(high_watermark))
    }

    /// Where the oldest open transaction began.
    #[must_use]
    pub fn first_undecided_offset(&self) -> Option<Offset> {
        self.transactions.first_undecided()
    }

    /// Markers before `high_watermark` are replicated, and their transactions stable.
    pub fn high_watermark_moved(&mut self, high_watermark: Offset) {
        self.transactions.settle_before(high_watermark);
    }

    /// Records before `log_start` are gone. What is known of their producers stays until it expires, as in Kafka.
    pub fn log_start_moved(&mut self, log_start: Offset) {
        self.transactions.settle_before(log_start);
        self.end = self.end.max(log_start);
    }

    /// Forgets producers that have been silent for the expiration time and have no transaction open. Returns how
    /// many.
    pub fn expire(&mut self, now: TimestampMs) -> usize {
        let before = self.producers.len();
        let silent_for = self.limits.expiration_ms;
        self.producers
            .retain(|_, e| e.txn_first_offset.is_some() || now.0.saturating_sub(e.seen_at.0) < silent_for);
        before - self.producers.len()
    }

    /// The log ends at `log_end` now.
    pub fn truncate_to(&mut self, log_end: Offset) -> Truncation {
        if log_end >= self.end {
            return Truncation::Unchanged;
        }
        self.producers.clear();
        self.transactions.clear();
        self.end = Offset::ZERO;
        Truncation::Rebuild
    }

    /// The content of a snapshot file. Of each producer the last batch is kept; its name must be [`end`](Self::end).
    #[must_use]
    pub fn snapshot(&self) -> Vec<u8> {
        snapshot::encode(self.producers.values())
    }

    /// The state in a snapshot `file` that was taken at the offset `end`, without what has expired at `now`.
    ///
    /// # Errors
    /// `Snapshot` for a damaged file: try an older one, or replay the whole log.
    pub fn from_snapshot(
        file: &[u8],
        end: Offset,
        limits: ProducerLimits,
        now: TimestampMs,
    ) -> Result<Self, ReplicationError> {
        let mut states = Self::new(end, limits);
        for entry in snapshot::decode(file)? {
            if let Some(first_offset) = entry.txn_first_offset {
                states.transactions.begin(first_offset, entry.producer_id);
            }
            states.producers.insert(entry.producer_id, entry);
        }
        states.expire(now);
        states.make_room(limits.producers);
        Ok(states)
    }

    /// The entry of a producer, made if it is new, with room for it if the state is full.
    fn entry(&mut self, producer_id: ProducerId) -> &mut ProducerEntry {
        if self.producers.len() >= self.limits.producers && !self.producers.contains_key(&producer_id) {
            let kept = self.limits.producers - self.limits.producers / EVICTED_FRACTION;
            self.make_room(kept.saturating_sub(1));
        }
        self.producers.entry(producer_id).or_insert_with(|| ProducerEntry::new(producer_id))
    }

    /// Forgets the producers that have been silent longest until `kept` are left, or only open transactions.
    fn make_room(&mut self, kept: usize) {
        let Some(surplus) = self.producers.len().checked_sub(kept).filter(|n| *n > 0) else { return };
        let mut idle: Vec<(TimestampMs, ProducerId)> = self
            .producers
            .values()
            .filter(|e| e.txn_first_offset.is_none())
            .map(|e| (e.seen_at, e.producer_id))
            .collect();
        idle.sort_unstable();
        for (_, producer_id) in idle.into_iter().take(surplus) {
            self.producers.remove(&producer_id);
        }
    }
}
