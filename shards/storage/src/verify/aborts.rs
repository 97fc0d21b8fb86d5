//! The index of a segment's aborted transactions beside its batches: each entry must end at an abort marker of its
//! producer. The other way round nothing can be said, since a marker may end a transaction that has no records here.

use std::io::ErrorKind;
use std::path::PathBuf;

use reactor::Disk;
use record::{BatchHeader, TxnOutcome};
use types::Offset;

use super::findings::{Findings, Severity};
use crate::compact::txn_index::{self, AbortedTxn};

/// See the module.
pub(super) struct AbortCheck {
    path: PathBuf,
    severity: Severity,
    entries: std::iter::Peekable<std::vec::IntoIter<AbortedTxn>>,
}

impl AbortCheck {
    /// Reads the index, which few segments have.
    pub(super) fn open(disk: &Disk, path: PathBuf, severity: Severity, findings: &Findings) -> Self {
        let entries = match disk.read(&path) {
            Ok(bytes) => txn_index::decode(&path, &bytes).unwrap_or_else(|error| {
                findings.about(severity, &path, error.to_string());
                Vec::new()
            }),
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => {
                findings.about(Severity::Problem, &path, format!("cannot be read: {error}"));
                Vec::new()
            }
        };
        let mut before = Offset::NONE;
        for entry in &entries {
            if entry.first_offset > entry.last_offset || entry.last_offset <= before {
                let what = format!(
                    "a transaction from offset {} to {} does not ascend",
                    entry.first_offset, entry.last_offset
                );
                findings.about(severity, &path, what);
            }
            before = entry.last_offset;
        }
        Self { path, severity, entries: entries.into_iter().peekable() }
    }

    /// A batch was read; `ends` is what its marker says, if it is one.
    pub(super) fn on_batch(&mut self, header: &BatchHeader, ends: Option<TxnOutcome>, findings: &Findings) {
        while let Some(entry) = self.entries.next_if(|entry| entry.last_offset <= header.last_offset()) {
            let is_marker = ends == Some(TxnOutcome::Abort) && entry.producer_id == header.producer_id;
            // What lies before the batch was compacted away.
            if entry.last_offset >= header.base_offset && !is_marker {
                let what = format!(
                    "a transaction of producer {} is said to be aborted at offset {}, where no such marker is",
                    entry.producer_id, entry.last_offset
                );
                findings.about(self.severity, &self.path, what);
            }
        }
    }

    /// The segment's last batch ended at offset `end`.
    pub(super) fn finish(&mut self, end: Offset, findings: &Findings) {
        if let Some(entry) = self.entries.next() {
            let what = format!("offset {} lies behind the segment's end {end}", entry.last_offset);
            findings.about(self.severity, &self.path, what);
        }
    }
}
