//! What a producer has achieved.

use std::collections::BTreeMap;

/// How many replicas must have a record before it counts as acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acks {
    /// Nobody is asked: sent is sent.
    None,
    /// The leader.
    Leader,
    /// All that are in sync.
    All,
}

impl Acks {
    pub(super) const fn on_wire(self) -> i16 {
        match self {
            Self::None => 0,
            Self::Leader => 1,
            Self::All => -1,
        }
    }
}

/// Counts of records and bytes.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub records_acknowledged: u64,
    /// Of keys, values and headers, uncompressed, with some overhead.
    pub bytes_acknowledged: u64,
    /// Given up, by what was wrong.
    pub failures: BTreeMap<String, u64>,
}

impl Report {
    /// Records that were given up.
    pub fn records_failed(&self) -> u64 {
        self.failures.values().sum()
    }
}
