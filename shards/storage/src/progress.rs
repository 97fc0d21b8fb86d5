//! How far a directory is with opening its logs when a broker starts, and what was found on the way.
//!
//! # Invariants
//! - What is done never counts for more than what is expected once a log is open.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use reactor::OpenOptions;
use types::Offset;

use crate::checkpoint::was_closed;
use crate::error::StorageError;
use crate::layout::{FileKind, LogName, file_path, parse_file_name};
use crate::log_dir::LogDir;
use crate::opened::OpenedLog;

/// Counts that any thread may add to and read. They are for people: none depends on another.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    expected_logs: AtomicU64,
    expected_bytes: AtomicU64,
    opened_logs: AtomicU64,
    failed_logs: AtomicU64,
    passed_bytes: AtomicU64,
    checked_bytes: AtomicU64,
    journal_bytes: AtomicU64,
    cut_logs: AtomicU64,
    cut_bytes: AtomicU64,
    rebuilt_indexes: AtomicU64,
    damaged_places: AtomicU64,
}

/// [`LogDir::progress`] at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecoveryProgress {
    /// Logs that were found in the directory, and the bytes of those segments that may have to be read.
    pub expected_logs: u64,
    pub expected_bytes: u64,
    /// Logs that are open, and that could not be opened.
    pub opened_logs: u64,
    pub failed_logs: u64,
    /// Bytes of these segments that are done with, read or not.
    pub passed_bytes: u64,
    /// Bytes whose checksums were compared.
    pub checked_bytes: u64,
    /// Bytes that came from journals.
    pub journal_bytes: u64,
    /// Logs that lost an unfinished end, and how much of it.
    pub cut_logs: u64,
    pub cut_bytes: u64,
    /// Segments whose indexes were built anew.
    pub rebuilt_indexes: u64,
    /// Places with damage that no crash explains.
    pub damaged_places: u64,
}

impl RecoveryProgress {
    /// Whether every log was opened or could not be.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.opened_logs + self.failed_logs >= self.expected_logs
    }

    /// How far it is, for the log: logs and bytes done, of how many.
    #[must_use]
    pub fn so_far(&self) -> String {
        let logs = self.opened_logs + self.failed_logs;
        let (done, of) = (Bytes(self.passed_bytes.min(self.expected_bytes)), Bytes(self.expected_bytes));
        format!("{logs} of {} logs, {done} of {of}", self.expected_logs)
    }

    /// What was found and done in a directory that was closed cleanly, or not, for the log.
    #[must_use]
    pub fn summary(&self, was_clean: bool) -> String {
        let logs = self.opened_logs;
        let mut text = match was_clean {
            true => format!("{logs} logs open, as a clean stop has left them"),
            false => format!(
                "{logs} logs recovered: {} compared with checksums, {} written from journals, {} of unfinished writes \
                 cut off {} logs, {} indexes built anew",
                Bytes(self.checked_bytes),
                Bytes(self.journal_bytes),
                Bytes(self.cut_bytes),
                self.cut_logs,
                self.rebuilt_indexes
            ),
        };
        if self.damaged_places > 0 {
            text += &format!("; damaged places, each told above: {}", self.damaged_places);
        }
        if self.failed_logs > 0 {
            text += &format!("; logs that could not be opened: {}", self.failed_logs);
        }
        text
    }
}

/// A number of bytes as people read it.
struct Bytes(u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 3] = ["KiB", "MiB", "GiB"];
        if self.0 < 1024 {
            return write!(f, "{} bytes", self.0);
        }
        let mut unit = 0;
        let mut value = self.0 as f64 / 1024.0;
        while value >= 1024.0 && unit + 1 < UNITS.len() {
            value /= 1024.0;
            unit += 1;
        }
        write!(f, "{value:.1} {}", UNITS.get(unit).unwrap_or(&"GiB"))
    }
}

impl LogDir {
    /// How far the directory is with opening the logs of [`Self::expect`].
    #[must_use]
    pub fn progress(&self) -> RecoveryProgress {
        let progress = &self.progress;
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        RecoveryProgress {
            expected_logs: of(&progress.expected_logs),
            expected_bytes: of(&progress.expected_bytes),
            opened_logs: of(&progress.opened_logs),
            failed_logs: of(&progress.failed_logs),
            passed_bytes: of(&progress.passed_bytes),
            checked_bytes: of(&progress.checked_bytes),
            journal_bytes: of(&progress.journal_bytes),
            cut_logs: of(&progress.cut_logs),
            cut_bytes: of(&progress.cut_bytes),
            rebuilt_indexes: of(&progress.rebuilt_indexes),
            damaged_places: of(&progress.damaged_places),
        }
    }

    /// Notes that a log will be opened, and after a crash how much of it may have to be read. Blocks.
    pub fn expect(&self, name: &LogName) {
        let progress = &self.progress;
        add(&progress.expected_logs, 1);
        if !self.was_clean() {
            // What cannot be found out is told when the log is opened.
            add(&progress.expected_bytes, self.bytes_to_check(name).unwrap_or(0));
        }
    }

    /// Bytes of the segments that the recovery point does not vouch for.
    fn bytes_to_check(&self, name: &LogName) -> Option<u64> {
        let path = self.path().join(name.to_string());
        let point = self.recovery_point_of(name);
        let names = self.disk().list(&path).ok()?;
        let segments = names.iter().filter_map(|name| match parse_file_name(name)? {
            (base, FileKind::Log) => Some(base),
            _ => None,
        });
        let mut bases: Vec<Offset> = segments.collect();
        bases.sort_unstable();
        let first = bases.partition_point(|base| was_closed(*base, point)).saturating_sub(1);
        let len = |base: &Offset| {
            let file =
                self.disk().open(&file_path(&path, *base, FileKind::Log), OpenOptions::READ.buffered());
            file.and_then(|file| file.len()).map_or(0, |len| len.0)
        };
        Some(bases.get(first..)?.iter().map(len).sum())
    }

    /// Bytes of a segment are done with.
    pub(crate) fn passed(&self, bytes: u64) {
        add(&self.progress.passed_bytes, bytes);
    }

    /// A log was opened, or could not be.
    pub(crate) fn note_opened(&self, result: &Result<OpenedLog, StorageError>) {
        let progress = &self.progress;
        let Ok(opened) = result else { return add(&progress.failed_logs, 1) };
        let recovery = opened.recovery();
        add(&progress.opened_logs, 1);
        add(&progress.checked_bytes, recovery.scanned_bytes);
        add(&progress.journal_bytes, recovery.replayed_bytes);
        add(&progress.cut_logs, u64::from(recovery.cut_bytes > 0));
        add(&progress.cut_bytes, recovery.cut_bytes);
        add(&progress.rebuilt_indexes, u64::from(recovery.rebuilt_indexes));
        add(&progress.damaged_places, recovery.damage.len() as u64);
    }
}

fn add(counter: &AtomicU64, more: u64) {
    counter.fetch_add(more, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_told_in_the_unit_that_suits_them() {
        for (bytes, text) in
            [(0, "0 bytes"), (1023, "1023 bytes"), (1536, "1.5 KiB"), (5 << 40, "5120.0 GiB")]
        {
            assert_eq!(Bytes(bytes).to_string(), text);
        }
    }
}
