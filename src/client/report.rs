//! What a producer has achieved.

use std::collections::BTreeMap;

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
