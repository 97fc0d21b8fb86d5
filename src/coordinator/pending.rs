//! Offsets that were committed in transactions whose end was not read yet, while a coordinator loads.
//!
//! Only logs that were adopted from Kafka have such records. A transaction that is still open at the log's end has committed
//! nothing: nobody is left to end it, so its offsets are dropped rather than withheld for ever.
//!
//! # Invariants
//! - Of two commits of one offset, the one that lies later in the log counts, whichever took effect first (as in Kafka's
//!   `OffsetMetadataManager.replayEndTransactionMarker`): compaction may have removed either.

use std::collections::BTreeMap;

use bytes::Bytes;
use group::Record;
use types::{Offset, ProducerId};

/// See the module. Lives as long as its coordinator loads.
#[derive(Default)]
pub(super) struct Pending {
    transactions: BTreeMap<ProducerId, Transaction>,
}

/// The newest record of each key, and where it lies.
type Transaction = BTreeMap<Bytes, (Offset, Record)>;

impl Pending {
    /// A record of a transaction that may come to nothing.
    pub(super) fn add(&mut self, producer: ProducerId, key: Bytes, at: Offset, record: Record) {
        self.transactions.entry(producer).or_default().insert(key, (at, record));
    }

    /// What is pending for this key is out of date: a record at this offset has taken effect.
    pub(super) fn overtake(&mut self, key: &Bytes, at: Offset) {
        for transaction in self.transactions.values_mut() {
            if transaction.get(key).is_some_and(|(pending, _)| *pending < at) {
                transaction.remove(key);
            }
        }
    }

    /// The producer's transaction is committed: its records, which take effect now.
    pub(super) fn commit(&mut self, producer: ProducerId) -> Vec<Record> {
        let committed = self.transactions.remove(&producer).unwrap_or_default();
        committed.iter().for_each(|(key, (at, _))| self.overtake(key, *at));
        committed.into_values().map(|(_, record)| record).collect()
    }

    /// The producer's transaction is aborted.
    pub(super) fn abort(&mut self, producer: ProducerId) {
        self.transactions.remove(&producer);
    }
}
