//! Which leader epoch wrote which part of a log (KIP-101, KIP-320): each epoch with the offset of its first record.
//!
//! # Invariants
//! - Epochs and start offsets both rise strictly from entry to entry.
//!
//! # Not here
//! Writing the checkpoint; fencing of requests by epoch.

use std::fmt::Write;

use types::{LeaderEpoch, Offset};

use crate::error::ReplicationError;

/// The version in the first line of a checkpoint file.
const CHECKPOINT_VERSION: &str = "0";

/// An epoch and the offset of its first record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochStart {
    pub epoch: LeaderEpoch,
    pub start_offset: Offset,
}

/// The answer of OffsetForLeaderEpoch: an epoch and where it ends. Both are -1 where nothing is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochEnd {
    pub epoch: LeaderEpoch,
    pub end_offset: Offset,
}

impl EpochEnd {
    /// Kafka's "undefined".
    pub const UNDEFINED: Self = Self { epoch: LeaderEpoch::NONE, end_offset: Offset::NONE };
}

/// See the module. Lives with its partition's log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeaderEpochs {
    entries: Vec<EpochStart>,
}

impl LeaderEpochs {
    /// No epoch has written yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { entries: Vec::new() }
    }

    /// All entries, in order.
    #[must_use]
    pub fn entries(&self) -> &[EpochStart] {
        &self.entries
    }

    /// The first epoch that is known, where it begins at the latest.
    #[must_use]
    pub fn first(&self) -> Option<EpochStart> {
        self.entries.first().copied()
    }

    /// The epoch that wrote last.
    #[must_use]
    pub fn latest(&self) -> Option<EpochStart> {
        self.entries.last().copied()
    }

    /// Notes that `epoch` begins at `start_offset`. Entries that contradict it go: those of the same or a later
    /// epoch, and those that begin at the same offset or later. Returns whether anything changed, so that the
    /// checkpoint has to be written. Batches without an epoch (-1) change nothing.
    pub fn assign(&mut self, epoch: LeaderEpoch, start_offset: Offset) -> bool {
        if epoch.0 < 0 || start_offset.0 < 0 {
            return false;
        }
        if self.latest().is_some_and(|last| last.epoch == epoch && last.start_offset <= start_offset) {
            return false;
        }
        let kept = self.entries.iter().rposition(|e| e.epoch < epoch && e.start_offset < start_offset);
        self.entries.truncate(kept.map_or(0, |last| last + 1));
        self.entries.push(EpochStart { epoch, start_offset });
        true
    }

    /// Where `epoch` ends: the start of the next epoch that wrote, or `log_end` for the latest. The answer names the
    /// largest epoch that is not above the one asked for.
    #[must_use]
    pub fn end_offset_for(&self, epoch: LeaderEpoch, log_end: Offset) -> EpochEnd {
        if epoch == LeaderEpoch::NONE {
            return EpochEnd::UNDEFINED;
        }
        if self.latest().is_some_and(|last| last.epoch == epoch) {
            return EpochEnd { epoch, end_offset: log_end };
        }
        let higher_at = self.entries.partition_point(|e| e.epoch <= epoch);
        let Some(higher) = self.entries.get(higher_at) else { return EpochEnd::UNDEFINED };
        let floor = higher_at.checked_sub(1).and_then(|at| self.entries.get(at));
        // Older than all that is kept: its records are gone, and a follower may go on at the first one there is.
        EpochEnd { epoch: floor.map_or(epoch, |e| e.epoch), end_offset: higher.start_offset }
    }

    /// The epoch that wrote the record at `offset`.
    #[must_use]
    pub fn epoch_for(&self, offset: Offset) -> Option<LeaderEpoch> {
        let after = self.entries.partition_point(|e| e.start_offset <= offset);
        after.checked_sub(1).and_then(|at| self.entries.get(at)).map(|e| e.epoch)
    }

    /// The log ends at `log_end` now: entries that begin there or later go. Returns whether anything changed.
    pub fn truncate_from_end(&mut self, log_end: Offset) -> bool {
        let kept = self.entries.partition_point(|e| e.start_offset < log_end);
        let changed = log_end.0 >= 0 && kept < self.entries.len();
        if changed {
            self.entries.truncate(kept);
        }
        changed
    }

    /// The log starts at `log_start` now: of the entries that begin there or earlier only the last stays, and begins
    /// there. Returns whether anything changed.
    pub fn truncate_from_start(&mut self, log_start: Offset) -> bool {
        let gone = self.entries.partition_point(|e| e.start_offset <= log_start);
        let Some(last_gone) = gone.checked_sub(1) else { return false };
        self.entries.drain(..last_gone);
        let Some(first) = self.entries.first_mut() else { return false };
        let changed = last_gone > 0 || first.start_offset != log_start;
        first.start_offset = log_start;
        changed
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    /// The content of a `leader-epoch-checkpoint` file: version, number of entries, then `epoch start_offset`
    /// line by line.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut text = format!("{CHECKPOINT_VERSION}\n{}\n", self.entries.len());
        for entry in &self.entries {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{} {}", entry.epoch, entry.start_offset);
        }
        text
    }

    /// Reads what [`encode`](Self::encode) and Kafka write. Entries are assigned one after the other, so an entry
    /// that contradicts earlier ones removes them, as in Kafka.
    ///
    /// # Errors
    /// `Checkpoint` with the line, for another version, a malformed line, or a number of entries that is not the
    /// number of lines.
    pub fn decode(text: &str) -> Result<Self, ReplicationError> {
        let mut lines = text.lines();
        let bad = |line, why| ReplicationError::Checkpoint { line, why };
        if lines.next().map(str::trim) != Some(CHECKPOINT_VERSION) {
            return Err(bad(1, "unknown version"));
        }
        let count: usize = lines
            .next()
            .and_then(|line| line.trim().parse().ok())
            .ok_or(bad(2, "not a number of entries"))?;
        let mut epochs = Self::new();
        let mut read = 0;
        for (at, line) in lines.enumerate() {
            let number = at + 3;
            let mut words = line.split_whitespace();
            let epoch: i32 = parsed(words.next()).ok_or(bad(number, "not an epoch and an offset"))?;
            let start: i64 = parsed(words.next()).ok_or(bad(number, "not an epoch and an offset"))?;
            if words.next().is_some() || epoch < 0 || start < 0 {
                return Err(bad(number, "not an epoch and an offset"));
            }
            epochs.assign(LeaderEpoch(epoch), Offset(start));
            read += 1;
        }
        if read != count {
            return Err(bad(2, "the number of entries is not the number of lines"));
        }
        Ok(epochs)
    }
}

fn parsed<T: std::str::FromStr>(word: Option<&str>) -> Option<T> {
    word.and_then(|w| w.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epochs(entries: &[(i32, i64)]) -> LeaderEpochs {
        let mut epochs = LeaderEpochs::new();
        for &(epoch, start) in entries {
            epochs.assign(LeaderEpoch(epoch), Offset(start));
        }
        epochs
    }

    fn listed(epochs: &LeaderEpochs) -> Vec<(i32, i64)> {
        epochs.entries().iter().map(|e| (e.epoch.0, e.start_offset.0)).collect()
    }

    #[test]
    fn an_assignment_that_contradicts_earlier_ones_replaces_them() {
        assert_eq!(listed(&epochs(&[(1, 0), (2, 10), (3, 20)])), [(1, 0), (2, 10), (3, 20)]);
        assert_eq!(listed(&epochs(&[(1, 0), (2, 10), (3, 10)])), [(1, 0), (3, 10)]);
        assert_eq!(listed(&epochs(&[(1, 0), (3, 10), (2, 15)])), [(1, 0), (2, 15)]);
        assert_eq!(listed(&epochs(&[(1, 0), (3, 10), (4, 5)])), [(1, 0), (4, 5)]);
        assert_eq!(listed(&epochs(&[(2, 10), (2, 5)])), [(2, 5)]);
        assert!(!epochs(&[(2, 10)]).assign(LeaderEpoch(2), Offset(12)));
        assert!(!epochs(&[]).assign(LeaderEpoch::NONE, Offset(0)));
    }

    #[test]
    fn the_end_of_an_epoch_is_the_start_of_the_next_that_wrote() {
        let e = epochs(&[(2, 10), (4, 30), (5, 40)]);
        let end = |epoch| {
            let end = e.end_offset_for(LeaderEpoch(epoch), Offset(99));
            (end.epoch.0, end.end_offset.0)
        };
        assert_eq!(end(5), (5, 99));
        assert_eq!(end(4), (4, 40));
        assert_eq!(end(3), (2, 30));
        assert_eq!(end(2), (2, 30));
        assert_eq!(end(1), (1, 10));
        assert_eq!(end(6), (-1, -1));
        assert_eq!(end(-1), (-1, -1));
        assert_eq!(LeaderEpochs::new().end_offset_for(LeaderEpoch(0), Offset(5)), EpochEnd::UNDEFINED);
    }

    #[test]
    fn an_offset_belongs_to_the_epoch_that_began_before_it() {
        let e = epochs(&[(2, 10), (4, 30)]);
        let of = |offset| e.epoch_for(Offset(offset)).map(|epoch| epoch.0);
        assert_eq!([of(9), of(10), of(29), of(30), of(1000)], [None, Some(2), Some(2), Some(4), Some(4)]);
    }

    #[test]
    fn truncation_keeps_the_entry_that_covers_the_edge() {
        let mut e = epochs(&[(1, 0), (2, 10), (3, 20)]);
        assert!(e.truncate_from_start(Offset(15)));
        assert_eq!(listed(&e), [(2, 15), (3, 20)]);
        assert!(!e.truncate_from_start(Offset(15)));
        assert!(e.truncate_from_end(Offset(20)));
        assert_eq!(listed(&e), [(2, 15)]);
        assert!(!e.truncate_from_end(Offset(16)));
        assert!(!e.truncate_from_end(Offset(-1)));
        assert!(e.truncate_from_end(Offset(15)));
        assert_eq!(listed(&e), []);
        assert!(!e.truncate_from_start(Offset(3)));
        let mut ahead = epochs(&[(3, 20)]);
        assert!(!ahead.truncate_from_start(Offset(5)), "nothing begins before the new start");
    }

    #[test]
    fn the_checkpoint_has_the_format_of_kafka() {
        let e = epochs(&[(0, 0), (7, 123)]);
        assert_eq!(e.encode(), "0\n2\n0 0\n7 123\n");
        assert_eq!(LeaderEpochs::decode(&e.encode()), Ok(e));
        assert_eq!(LeaderEpochs::decode("0\n0\n"), Ok(LeaderEpochs::new()));
    }

    #[test]
    fn a_damaged_checkpoint_names_its_line() {
        let line = |text: &str| match LeaderEpochs::decode(text) {
            Err(ReplicationError::Checkpoint { line, .. }) => line,
            other => panic!("{other:?}"),
        };
        assert_eq!(line(""), 1);
        assert_eq!(line("1\n0\n"), 1);
        assert_eq!(line("0\nx\n"), 2);
        assert_eq!(line("0\n1\n"), 2);
        assert_eq!(line("0\n1\n1 2 3\n"), 3);
        assert_eq!(line("0\n2\n1 2\n2 -5\n"), 4);
        assert_eq!(line("0\n99999999999999999999\n1 2\n"), 2);
    }
}
