//! What the checkpoint files of a log directory say of its logs, and what became of these logs since it was opened.
//!
//! Files are written by whoever holds the directory's lock of it, so that an older state never replaces a newer one.

use std::collections::BTreeSet;
use std::path::Path;

use reactor::Disk;
use tracing::warn;
use types::Offset;

use super::{COMPACTED, LOG_STARTS, RECOVERY_POINTS};
use crate::checkpoint::{self, Offsets, read_text, replace};
use crate::error::StorageError;
use crate::layout::LogName;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Checkpoints {
    recovery_points: Offsets,
    log_starts: Offsets,
    compacted: Offsets,
    /// Logs that were opened since the directory was: what the last broker left is no longer what they hold.
    pub(super) opened: BTreeSet<LogName>,
    /// Logs that could not be opened.
    pub(super) failed: BTreeSet<LogName>,
}

/// What a checkpoint says of one log; `None` forgets the log.
pub(crate) type CheckpointChange = (LogName, Option<CheckpointEntry>);

/// Where a log stands, for the checkpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CheckpointEntry {
    /// Everything below is durable and was checked.
    pub(crate) recovery_point: Offset,
    pub(crate) log_start: Offset,
}

impl Checkpoints {
    /// Those that the last broker left.
    pub(super) fn read(disk: &Disk, dir: &Path) -> Result<Self, StorageError> {
        Ok(Self {
            recovery_points: read_checkpoint(disk, &dir.join(RECOVERY_POINTS))?,
            log_starts: read_checkpoint(disk, &dir.join(LOG_STARTS))?,
            compacted: read_checkpoint(disk, &dir.join(COMPACTED))?,
            ..Self::default()
        })
    }

    /// Where a log stands; at the beginning if nothing is said of it.
    pub(super) fn entry(&self, name: &LogName) -> CheckpointEntry {
        let of = |table: &Offsets| table.get(name).copied().unwrap_or(Offset::ZERO);
        CheckpointEntry { recovery_point: of(&self.recovery_points), log_start: of(&self.log_starts) }
    }

    /// Whether anything is said of a log.
    pub(super) fn knows(&self, name: &LogName) -> bool {
        [&self.recovery_points, &self.log_starts, &self.compacted].iter().any(|of| of.contains_key(name))
    }

    /// Takes over changes and writes the files that they concern.
    pub(super) fn save(
        &mut self,
        disk: &Disk,
        dir: &Path,
        changes: impl IntoIterator<Item = CheckpointChange>,
    ) -> Result<(), StorageError> {
        let mut is_compacted_changed = false;
        for (name, entry) in changes {
            match entry {
                Some(entry) => {
                    self.recovery_points.insert(name.clone(), entry.recovery_point);
                    self.log_starts.insert(name, entry.log_start);
                }
                None => {
                    self.recovery_points.remove(&name);
                    self.log_starts.remove(&name);
                    is_compacted_changed |= self.compacted.remove(&name).is_some();
                }
            }
        }
        // Like Kafka, only log starts that say something are kept.
        let starts = self.log_starts.iter().filter(|(_, start)| **start > Offset::ZERO);
        let starts: Offsets = starts.map(|(name, start)| (name.clone(), *start)).collect();
        replace(disk, &dir.join(LOG_STARTS), checkpoint::encode(&starts).as_bytes())?;
        if is_compacted_changed {
            self.write_compacted(disk, dir)?;
        }
        replace(disk, &dir.join(RECOVERY_POINTS), checkpoint::encode(&self.recovery_points).as_bytes())
    }

    /// Up to where a log is compacted, if it ever was.
    pub(super) fn compacted(&self, name: &LogName) -> Option<Offset> {
        self.compacted.get(name).copied()
    }

    /// Saves up to where a log is compacted.
    pub(super) fn save_compacted(
        &mut self,
        disk: &Disk,
        dir: &Path,
        (name, to): (&LogName, Offset),
    ) -> Result<(), StorageError> {
        self.compacted.insert(name.clone(), to);
        self.write_compacted(disk, dir)
    }

    fn write_compacted(&self, disk: &Disk, dir: &Path) -> Result<(), StorageError> {
        replace(disk, &dir.join(COMPACTED), checkpoint::encode(&self.compacted).as_bytes())
    }
}

/// A checkpoint that cannot be read costs time (more has to be scanned), not data.
fn read_checkpoint(disk: &Disk, path: &Path) -> Result<Offsets, StorageError> {
    let Some(text) = read_text(disk, path)? else { return Ok(Offsets::new()) };
    Ok(checkpoint::parse(&text).unwrap_or_else(|what| {
        warn!(path = %path.display(), what, "ignoring a checkpoint that cannot be read");
        Offsets::new()
    }))
}
