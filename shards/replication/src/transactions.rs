//! The transactions of one partition that keep readers of committed records from going on: those still open, and
//! those whose marker is not replicated yet.
//!
//! # Invariants
//! - The first unstable offset is the smallest first offset among both.

use std::collections::BTreeMap;

use types::{Offset, ProducerId};

use record::TxnOutcome;

/// A transaction that its marker ended: an entry of the transaction index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompletedTxn {
    pub producer_id: ProducerId,
    /// Offset of its first record in this partition.
    pub first_offset: Offset,
    /// Offset of its marker.
    pub last_offset: Offset,
    pub outcome: TxnOutcome,
    /// Where committed readers may go once this marker is replicated.
    pub last_stable_offset: Offset,
}

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Transactions {
    /// By first offset: who has it open.
    ongoing: BTreeMap<Offset, ProducerId>,
    /// By first offset: the offset of the marker.
    unreplicated: BTreeMap<Offset, Offset>,
}

impl Transactions {
    pub(crate) fn begin(&mut self, first_offset: Offset, producer_id: ProducerId) {
        self.ongoing.insert(first_offset, producer_id);
    }

    /// Ends the transaction that began at `first_offset`; it stays unstable until `marker` is replicated.
    pub(crate) fn complete(
        &mut self,
        producer_id: ProducerId,
        first_offset: Offset,
        marker: Offset,
        outcome: TxnOutcome,
    ) -> CompletedTxn {
        self.ongoing.remove(&first_offset);
        self.unreplicated.insert(first_offset, marker);
        let last_stable_offset = self.first_undecided().unwrap_or(marker.next());
        CompletedTxn { producer_id, first_offset, last_offset: marker, outcome, last_stable_offset }
    }

    pub(crate) fn open_count(&self) -> usize {
        self.ongoing.len()
    }

    pub(crate) fn first_undecided(&self) -> Option<Offset> {
        self.ongoing.keys().next().copied()
    }

    pub(crate) fn first_unstable(&self) -> Option<Offset> {
        let unreplicated = self.unreplicated.keys().next().copied();
        self.first_undecided().into_iter().chain(unreplicated).min()
    }

    /// Markers before `offset` are replicated, or deleted.
    pub(crate) fn settle_before(&mut self, offset: Offset) {
        self.unreplicated.retain(|_, marker| *marker >= offset);
    }

    pub(crate) fn clear(&mut self) {
        self.ongoing.clear();
        self.unreplicated.clear();
    }
}
