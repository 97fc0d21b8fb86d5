//! Which records of a Fetch answer belong to aborted transactions, for readers of committed records.

use std::collections::BTreeSet;

use protocol::messages::fetch::AbortedTransaction;
use record::BatchHeader;

/// The aborted transactions that the broker named, as the batches are walked over in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Aborted {
    /// Those not met yet, the first one last.
    ahead: Vec<AbortedTransaction>,
    /// Producers inside of one.
    open: BTreeSet<i64>,
}

impl Aborted {
    pub(super) fn new(mut transactions: Vec<AbortedTransaction>) -> Self {
        transactions.sort_unstable_by_key(|transaction| std::cmp::Reverse(transaction.first_offset));
        Self { ahead: transactions, open: BTreeSet::new() }
    }

    /// Whether a batch is to be left out. To be asked for every batch, in order.
    pub(super) fn covers(&mut self, header: &BatchHeader) -> bool {
        while let Some(next) = self.ahead.pop_if(|next| next.first_offset <= header.last_offset().0) {
            self.open.insert(next.producer_id);
        }
        header.is_transactional() && !header.is_control() && self.open.contains(&header.producer_id.0)
    }

    /// The producer's transaction ended with a marker.
    pub(super) fn ended(&mut self, header: &BatchHeader) {
        self.open.remove(&header.producer_id.0);
    }
}
