//! The aborted transactions of one log: which a reader of committed records has to be told of, and how they get into the
//! transaction indexes of its segments.
//!
//! An index is written before a snapshot of the producers is: so after a crash the indexes have every abort before the
//! newest snapshot, and reading the log again from there finds the rest.
//!
//! # Invariants
//! - Ordered by the offsets of their markers.
//! - Everything before `saved` is in the index files.

use std::path::Path;

use reactor::Disk;
use types::Offset;

use crate::checkpoint::replace;
use crate::compact::txn_index::{self, AbortedTxn};
use crate::error::{Context, StorageError};
use crate::layout::{FileKind, file_path};

/// See the module. Costs nothing for a log without aborted transactions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Aborted {
    entries: Vec<AbortedTxn>,
    saved: Offset,
}

/// The indexes of segments, as they are to be written.
#[derive(Clone, Debug, Default)]
pub(crate) struct IndexesToSave {
    /// By the segments' base offsets.
    pub(crate) files: Vec<(Offset, Vec<AbortedTxn>)>,
    /// Every abort before this offset is in an index then.
    pub(crate) to: Offset,
}

impl Aborted {
    /// Reads the indexes of the segments in `dir` that begin at `bases`, of a log that ends at `log_end`. Entries that the
    /// log has lost are taken out of the files. Says, too, from where on they cannot be relied on, because one of them is
    /// damaged.
    pub(crate) fn load(
        disk: &Disk,
        dir: &Path,
        bases: &[Offset],
        log_end: Offset,
    ) -> Result<(Self, Option<Offset>), StorageError> {
        let mut all = Self { entries: Vec::new(), saved: log_end };
        let mut damaged: Option<Offset> = None;
        for base in bases {
            let path = file_path(dir, *base, FileKind::TxnIndex);
            let bytes = disk.read(&path).context("read", &path)?;
            match txn_index::decode(&path, &bytes) {
                Ok(mut entries) => {
                    let found = entries.len();
                    entries.retain(|entry| entry.last_offset < log_end);
                    if entries.len() < found {
                        replace(disk, &path, &txn_index::encode(&entries))?;
                    }
                    all.entries.append(&mut entries);
                }
                Err(_) => damaged = Some(damaged.map_or(*base, |first| first.min(*base))),
            }
        }
        all.entries.sort_unstable_by_key(|entry| entry.last_offset);
        all.entries.dedup_by_key(|entry| entry.last_offset);
        all.saved = damaged.unwrap_or(log_end);
        Ok((all, damaged))
    }

    /// The transactions that have records between `from` and `up_to`, as Kafka finds them
    /// (`TransactionIndex.collectAbortedTxns`).
    pub(crate) fn between(&self, from: Offset, up_to: Offset) -> Vec<AbortedTxn> {
        let first = self.entries.partition_point(|entry| entry.last_offset < from);
        let mut found = Vec::new();
        for entry in self.entries.iter().skip(first) {
            if entry.first_offset < up_to {
                found.push(*entry);
            }
            // All that ended later began behind what was stable then.
            if entry.last_stable_offset >= up_to {
                break;
            }
        }
        found
    }

    /// Whether there can be any at or behind `from`.
    pub(crate) fn are_behind(&self, from: Offset) -> bool {
        self.entries.last().is_some_and(|last| last.last_offset >= from)
    }

    /// A marker that ends a transaction was appended at the log's end.
    pub(crate) fn push(&mut self, entry: AbortedTxn) {
        if self.entries.last().is_none_or(|last| last.last_offset < entry.last_offset) {
            self.entries.push(entry);
        }
    }

    /// What reading the log again from `from` on has found takes the place of what the indexes say.
    pub(crate) fn learn(&mut self, from: Offset, found: Vec<AbortedTxn>) {
        let known = self.entries.partition_point(|entry| entry.last_offset < from);
        if self.entries.get(known..).is_some_and(|indexed| indexed != found) {
            self.entries.truncate(known);
            self.entries.extend(found);
            self.saved = self.saved.min(from);
        }
    }

    /// A compacted segment has taken the place of those between two offsets; its index has these entries.
    pub(crate) fn compacted(&mut self, base: Offset, end: Offset, indexed: Vec<AbortedTxn>) {
        let saved = self.saved;
        let is_replaced =
            |entry: &AbortedTxn| (base..end).contains(&entry.last_offset) && entry.last_offset < saved;
        self.entries.retain(|entry| !is_replaced(entry));
        self.entries.extend(indexed);
        self.entries.sort_unstable_by_key(|entry| entry.last_offset);
        self.entries.dedup_by_key(|entry| entry.last_offset);
    }

    /// The log begins with the segment at `base` now.
    pub(crate) fn drop_below(&mut self, base: Offset) {
        let gone = self.entries.partition_point(|entry| entry.last_offset < base);
        self.entries.drain(..gone);
    }

    /// The log ends at `log_end` now.
    pub(crate) fn cut(&mut self, log_end: Offset) {
        let kept = self.entries.partition_point(|entry| entry.last_offset < log_end);
        self.entries.truncate(kept);
        self.saved = self.saved.min(log_end);
    }

    /// What has to be written so that every abort before `to` is in an index, in a log of segments with these bases.
    pub(crate) fn to_save(&self, to: Offset, bases: impl Iterator<Item = Offset>) -> IndexesToSave {
        let unsaved = self.entries.partition_point(|entry| entry.last_offset < self.saved);
        let mut files: Vec<(Offset, Vec<AbortedTxn>)> = Vec::new();
        if unsaved < self.entries.len() {
            let bases: Vec<Offset> = bases.collect();
            let segment_of = |entry: &AbortedTxn| {
                let behind = bases.partition_point(|base| *base <= entry.last_offset);
                behind.checked_sub(1).and_then(|at| bases.get(at)).copied()
            };
            let first = self.entries.get(unsaved).and_then(segment_of);
            for entry in &self.entries {
                let Some(base) = segment_of(entry).filter(|base| Some(*base) >= first) else { continue };
                match files.last_mut().filter(|(last, _)| *last == base) {
                    Some((_, entries)) => entries.push(*entry),
                    None => files.push((base, vec![*entry])),
                }
            }
        }
        IndexesToSave { files, to }
    }

    /// They were written.
    pub(crate) fn note_saved(&mut self, to: Offset) {
        self.saved = self.saved.max(to);
    }
}

impl IndexesToSave {
    /// Writes the files, durably. For an offload thread.
    pub(crate) fn save(&self, disk: &Disk, dir: &Path) -> Result<(), StorageError> {
        self.files.iter().try_for_each(|(base, entries)| {
            replace(disk, &file_path(dir, *base, FileKind::TxnIndex), &txn_index::encode(entries))
        })
    }
}

/// Cuts the index of the segment at `base` where the log is cut.
pub(crate) fn cut_index(disk: &Disk, dir: &Path, base: Offset, to: Offset) -> Result<(), StorageError> {
    let path = file_path(dir, base, FileKind::TxnIndex);
    let bytes = match disk.read(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        bytes => bytes.context("read", &path)?,
    };
    // One that is damaged is found when the log is opened.
    let Ok(mut entries) = txn_index::decode(&path, &bytes) else { return Ok(()) };
    entries.retain(|entry| entry.last_offset < to);
    replace(disk, &path, &txn_index::encode(&entries))
}

/// The entries in the index of the segment at `base`.
pub(crate) fn read_index(disk: &Disk, dir: &Path, base: Offset) -> Result<Vec<AbortedTxn>, StorageError> {
    let path = file_path(dir, base, FileKind::TxnIndex);
    match disk.read(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        bytes => txn_index::decode(&path, &bytes.context("read", &path)?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::ProducerId;

    fn txn(producer: i64, first: i64, last: i64, stable: i64) -> AbortedTxn {
        AbortedTxn {
            producer_id: ProducerId(producer),
            first_offset: Offset(first),
            last_offset: Offset(last),
            last_stable_offset: Offset(stable),
        }
    }

    /// Three transactions, of which the first two overlap.
    fn some() -> Aborted {
        let mut aborted = Aborted::default();
        for entry in [txn(1, 10, 30, 20), txn(2, 20, 40, 41), txn(1, 110, 120, 121)] {
            aborted.push(entry);
        }
        aborted
    }

    #[test]
    fn a_reader_is_told_of_the_transactions_that_it_may_meet() {
        let aborted = some();
        let producers = |from, up_to| {
            let found = aborted.between(Offset(from), Offset(up_to));
            found.iter().map(|entry| (entry.producer_id.0, entry.first_offset.0)).collect::<Vec<_>>()
        };
        assert_eq!(producers(0, 1000), [(1, 10), (2, 20), (1, 110)]);
        assert_eq!(producers(0, 15), [(1, 10)]);
        assert_eq!(producers(35, 50), [(2, 20)]);
        assert_eq!(producers(41, 100), []);
        assert_eq!(producers(120, 121), [(1, 110)]);
        assert!(aborted.are_behind(Offset(120)) && !aborted.are_behind(Offset(121)));
    }

    #[test]
    fn only_segments_with_something_new_are_written_and_each_as_a_whole() {
        let mut aborted = some();
        let bases = || [0, 35, 100].map(Offset).into_iter();
        let all = aborted.to_save(Offset(200), bases());
        assert_eq!(
            all.files.iter().map(|(base, found)| (base.0, found.len())).collect::<Vec<_>>(),
            [(0, 1), (35, 1), (100, 1)]
        );
        aborted.note_saved(Offset(200));
        assert!(aborted.to_save(Offset(200), bases()).files.is_empty());
        aborted.push(txn(3, 150, 210, 211));
        let more = aborted.to_save(Offset(220), bases());
        assert_eq!(more.files, [(Offset(100), vec![txn(1, 110, 120, 121), txn(3, 150, 210, 211)])]);
    }

    #[test]
    fn what_the_log_says_replaces_what_an_index_says() {
        let mut aborted = some();
        aborted.note_saved(Offset(200));
        aborted.learn(Offset(100), vec![txn(1, 110, 120, 121)]);
        assert!(aborted.to_save(Offset(200), [Offset(0)].into_iter()).files.is_empty(), "nothing is new");
        aborted.learn(Offset(35), vec![txn(9, 50, 60, 61)]);
        let found = aborted.between(Offset(0), Offset(1000));
        assert_eq!(found, [txn(1, 10, 30, 20), txn(9, 50, 60, 61)]);
        assert_eq!(aborted.to_save(Offset(200), [Offset(0)].into_iter()).files.len(), 1);
        aborted.cut(Offset(60));
        assert_eq!(aborted.between(Offset(0), Offset(1000)), [txn(1, 10, 30, 20)]);
        aborted.drop_below(Offset(31));
        assert!(!aborted.are_behind(Offset(0)));
    }
}
