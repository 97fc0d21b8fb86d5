//! What a compactor has to know of transactions while it goes through a log in order: whose records count, and when a
//! marker is needed no longer. Kafka's `CleanedTransactionMetadata`, with one difference: an abort that only the log
//! knows, and no transaction index, neither supersedes anything nor is taken away.
//!
//! Pure.
//!
//! # Invariants
//! - A marker stays as long as a batch of its transaction was seen in the same pass.
//! - An entry of the transaction index stays as long as its marker does.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use record::{BatchHeader, TxnOutcome};
use types::{Offset, ProducerId};

use super::txn_index::AbortedTxn;

/// What becomes of a batch of records because of its transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Its records count.
    Counts,
    /// It was aborted, and readers know it from the index: nobody will miss it.
    Aborted,
    /// It was aborted, but no index says so: it stays and supersedes nothing.
    AbortedUnindexed,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub(crate) struct Transactions {
    /// Aborted transactions that begin further on, in order, and whether an index knows them.
    coming: VecDeque<(AbortedTxn, bool)>,
    /// Those whose markers are still to come, and whether a batch was seen.
    aborted: BTreeMap<ProducerId, Ongoing>,
    /// Producers with batches that were seen, and count, since their last marker.
    committed: BTreeSet<ProducerId>,
}

#[derive(Clone, Copy, Debug)]
struct Ongoing {
    txn: AbortedTxn,
    is_indexed: bool,
    was_seen: bool,
}

/// What becomes of a marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MarkerFate {
    /// Batches of its transaction are still there.
    Needed,
    /// The same, and the index of the segment has to say so.
    NeededAborted(AbortedTxn),
    /// Its transaction has no batches any more: it may go when its horizon has passed.
    Idle,
}

impl Transactions {
    /// With the aborted transactions that indexes tell of, and those that only the log does.
    pub(crate) fn new(indexed: &[AbortedTxn], unindexed: &[AbortedTxn]) -> Self {
        let mut coming: Vec<(AbortedTxn, bool)> = indexed.iter().map(|txn| (*txn, true)).collect();
        coming.extend(unindexed.iter().map(|txn| (*txn, false)));
        coming.sort_by_key(|(txn, _)| txn.first_offset);
        Self { coming: coming.into(), ..Self::default() }
    }

    /// A batch of records comes next.
    pub(crate) fn on_records(&mut self, header: &BatchHeader) -> Fate {
        self.begin_up_to(header.last_offset());
        if !header.is_transactional() {
            return Fate::Counts;
        }
        match self.aborted.get_mut(&header.producer_id) {
            Some(ongoing) if header.last_offset() <= ongoing.txn.last_offset => {
                ongoing.was_seen = true;
                if ongoing.is_indexed { Fate::Aborted } else { Fate::AbortedUnindexed }
            }
            _ => {
                self.committed.insert(header.producer_id);
                Fate::Counts
            }
        }
    }

    /// A marker comes next.
    pub(crate) fn on_marker(&mut self, header: &BatchHeader, outcome: TxnOutcome) -> MarkerFate {
        self.begin_up_to(header.last_offset());
        let producer = header.producer_id;
        match outcome {
            TxnOutcome::Commit if self.committed.remove(&producer) => MarkerFate::Needed,
            TxnOutcome::Commit => MarkerFate::Idle,
            TxnOutcome::Abort => match self.aborted.remove(&producer) {
                Some(Ongoing { was_seen: true, is_indexed: true, txn }) => MarkerFate::NeededAborted(txn),
                Some(Ongoing { was_seen: true, .. }) => MarkerFate::Needed,
                // What was taken for committed was not, and no index knows: it has to stay as it is.
                _ if self.committed.remove(&producer) => MarkerFate::Needed,
                _ => MarkerFate::Idle,
            },
        }
    }

    fn begin_up_to(&mut self, offset: Offset) {
        while let Some((txn, is_indexed)) = self.coming.front().copied()
            && txn.first_offset <= offset
        {
            self.coming.pop_front();
            let ongoing = Ongoing { txn, is_indexed, was_seen: false };
            match self.aborted.get(&txn.producer_id) {
                // Its marker is still to come.
                Some(known) if known.txn.last_offset > txn.first_offset => {}
                _ => drop(self.aborted.insert(txn.producer_id, ongoing)),
            }
        }
    }
}

/// Goes through a log's batches to find the aborted transactions that no index tells of, and those that are not decided
/// as far as the log was read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcomes {
    /// Where producers have begun what is not ended yet.
    open: BTreeMap<ProducerId, Offset>,
    unindexed: Vec<AbortedTxn>,
}

impl Outcomes {
    pub(crate) fn on_records(&mut self, header: &BatchHeader) {
        if header.is_transactional() {
            self.open.entry(header.producer_id).or_insert(header.base_offset);
        }
    }

    pub(crate) fn on_marker(&mut self, header: &BatchHeader, outcome: TxnOutcome, indexed: &[AbortedTxn]) {
        let Some(first_offset) = self.open.remove(&header.producer_id) else { return };
        let is_known =
            |txn: &AbortedTxn| txn.producer_id == header.producer_id && txn.last_offset == header.base_offset;
        if outcome == TxnOutcome::Abort && !indexed.iter().any(is_known) {
            self.unindexed.push(AbortedTxn {
                producer_id: header.producer_id,
                first_offset,
                last_offset: header.base_offset,
                last_stable_offset: header.next_offset(),
            });
        }
    }

    /// Whether every transaction that was seen has ended.
    pub(crate) fn are_decided(&self) -> bool {
        self.open.is_empty()
    }

    /// Where the first transaction began of which the log does not tell the end.
    pub(crate) fn first_open(&self) -> Option<Offset> {
        self.open.values().min().copied()
    }

    pub(crate) fn into_unindexed(self) -> Vec<AbortedTxn> {
        self.unindexed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::{BatchBuilder, BatchOptions, ProducerStamp, stamp};
    use types::{LeaderEpoch, ProducerEpoch, Sequence, TimestampMs};

    fn header(producer: i64, offset: i64, transactional: bool) -> BatchHeader {
        let producer =
            ProducerStamp { id: ProducerId(producer), epoch: ProducerEpoch(0), base_sequence: Sequence(0) };
        let mut builder =
            BatchBuilder::new(BatchOptions { producer, transactional, ..BatchOptions::default() });
        builder.push(TimestampMs(1), Some(b"k"), Some(b"v"), &[]).unwrap();
        let mut bytes = builder.build().unwrap().to_vec();
        stamp(&mut bytes, Offset(offset), LeaderEpoch(0));
        BatchHeader::parse(&bytes).unwrap()
    }

    fn aborted(producer: i64, first: i64, last: i64) -> AbortedTxn {
        AbortedTxn {
            producer_id: ProducerId(producer),
            first_offset: Offset(first),
            last_offset: Offset(last),
            last_stable_offset: Offset(last + 1),
        }
    }

    #[test]
    fn records_of_an_indexed_abort_go_and_its_marker_outlives_them_by_one_pass() {
        let indexed = [aborted(1, 10, 14)];
        let mut first = Transactions::new(&indexed, &[]);
        assert_eq!(first.on_records(&header(1, 5, true)), Fate::Counts, "an earlier transaction");
        assert_eq!(first.on_marker(&header(1, 6, true), TxnOutcome::Commit), MarkerFate::Needed);
        assert_eq!(first.on_records(&header(1, 10, true)), Fate::Aborted);
        assert_eq!(first.on_records(&header(2, 11, true)), Fate::Counts);
        assert_eq!(
            first.on_marker(&header(1, 14, true), TxnOutcome::Abort),
            MarkerFate::NeededAborted(indexed[0])
        );
        assert_eq!(first.on_marker(&header(2, 15, true), TxnOutcome::Commit), MarkerFate::Needed);
        let mut second = Transactions::new(&indexed, &[]);
        assert_eq!(second.on_marker(&header(1, 14, true), TxnOutcome::Abort), MarkerFate::Idle);
        assert_eq!(second.on_marker(&header(2, 15, true), TxnOutcome::Commit), MarkerFate::Idle);
        assert_eq!(second.on_records(&header(1, 20, true)), Fate::Counts, "a later transaction");
    }

    #[test]
    fn an_abort_that_only_the_log_knows_stays() {
        let mut outcomes = Outcomes::default();
        for (producer, offset) in [(1, 10), (2, 11), (1, 12), (3, 13)] {
            outcomes.on_records(&header(producer, offset, true));
        }
        outcomes.on_records(&header(9, 14, false));
        let indexed = [aborted(2, 11, 16)];
        outcomes.on_marker(&header(1, 15, true), TxnOutcome::Abort, &indexed);
        outcomes.on_marker(&header(2, 16, true), TxnOutcome::Abort, &indexed);
        assert_eq!((outcomes.are_decided(), outcomes.first_open()), (false, Some(Offset(13))));
        outcomes.on_marker(&header(3, 17, true), TxnOutcome::Commit, &indexed);
        assert!(outcomes.are_decided());
        let unindexed = outcomes.into_unindexed();
        assert_eq!(unindexed, [aborted(1, 10, 15)]);
        let mut pass = Transactions::new(&indexed, &unindexed);
        assert_eq!(pass.on_records(&header(1, 12, true)), Fate::AbortedUnindexed);
        assert_eq!(pass.on_marker(&header(1, 15, true), TxnOutcome::Abort), MarkerFate::Needed);
        // Without even that knowledge the marker stays, too.
        let mut pass = Transactions::default();
        assert_eq!(pass.on_records(&header(1, 12, true)), Fate::Counts);
        assert_eq!(pass.on_marker(&header(1, 15, true), TxnOutcome::Abort), MarkerFate::Needed);
    }
}
