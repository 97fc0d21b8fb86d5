//! Work on a log's files that blocks, done on an offload thread. One job of a log runs at a time, in the order in which
//! they were asked for.
//!
//! # Invariants
//! - A job that failed can be run again.
//! - The shard hears of every job, even of one that panicked.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Instant;

use reactor::{Disk, File, OpenOptions};
use types::{ByteCount, FilePosition, Offset, TimestampMs, Uuid};

use crate::aborted::{self, IndexesToSave};
use crate::checkpoint::{replace, sync_dir};
use crate::compact::state;
use crate::compact::swap::{self, Swap};
use crate::compact::txn_index::AbortedTxn;
use crate::core::Message;
use crate::error::{Context, StorageError};
use crate::layout::{
    FileKind, LEADER_EPOCHS, PREPARED, deleted_dir_name, deleted_path, file_path, parse_file_name,
};
use crate::log_dir::entries;
use crate::opened::OpenedLog;
use crate::recover::Origin;
use crate::segment::Segment;
use crate::segment_index::{IndexAddition, SegmentIndex};
use crate::settings::LogSettings;
use crate::store::LogId;
use crate::tail::BLOCK_BYTES;
use crate::truncate;

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Job {
    /// Open the file of the segment that begins at `base` and holds `size` bytes, or create it, and make room up to
    /// `usable`.
    Prepare { base: Offset, size: u64, usable: u64 },
    /// Make room in the file between two block boundaries.
    Extend { base: Offset, file: File, from: u64, to: u64 },
    /// Make the file of the next segment, whose base is not known yet.
    PrepareNext { usable: u64 },
    /// The file of the next segment gets its name.
    Name { base: Offset },
    /// The segment is full: its file gets its real size, and its indexes are written.
    Seal { size: u64, index: Arc<SegmentIndex> },
    /// Save new entries of the active segment's indexes.
    AddIndex(IndexAddition),
    /// The log is idle: give back the room that was made ahead.
    Shrink { base: Offset, size: u64 },
    /// Save the state of producers.
    Snapshot { at: Offset, bytes: Vec<u8>, aborted: IndexesToSave },
    /// Save `leader-epoch-checkpoint`.
    LeaderEpochs(String),
    /// Set the files of these segments aside, the oldest first. The log begins with segment `first` then.
    SetAside { gone: Vec<Offset>, first: Offset },
    /// Put a compacted segment into the place of those that it was made of.
    Swap(Box<Swap>),
    /// Everything below is compacted.
    NoteCompacted(Offset),
    /// Find out how old these segments are.
    FirstTimestamps(Vec<Segment>),
    /// Cut the log, and look at it anew.
    Truncate { to: Offset, log_start: Offset, recovery_point: Offset, settings: LogSettings },
    /// Give the directory the name of a deleted one.
    Remove { unique: Uuid },
    /// Leave files as Kafka leaves them.
    Close { size: u64, index: Box<SegmentIndex> },
}

/// What was done.
#[derive(Debug)]
pub(crate) enum Done {
    Prepared {
        base: Offset,
        file: File,
        /// The same file, for zeros.
        zeros: File,
        usable: u64,
        block: Vec<u8>,
    },
    Extended {
        base: Offset,
        to: u64,
        zeros: File,
    },
    NextPrepared {
        file: File,
        usable: u64,
    },
    Named {
        base: Offset,
    },
    Sealed {
        base: Offset,
    },
    /// The files of these segments have the names of deleted ones.
    SetAside(Vec<Offset>),
    /// The compacted segment is in its place, or nothing has changed for this reason.
    Swapped(Box<Swap>, Result<(), StorageError>, Vec<AbortedTxn>),
    /// Every abort before this offset is in a transaction index.
    Snapshotted(Offset),
    /// The timestamps of the first batches of segments.
    FirstTimestamps(Vec<(Offset, TimestampMs)>),
    Truncated(Box<OpenedLog>),
    /// The files to be deleted lie there now.
    Removed(PathBuf),
    Closed,
    /// Nothing that the log has to know.
    Nothing,
}

/// What the shard hears of a job.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) log: LogId,
    pub(crate) result: Result<Done, StorageError>,
    /// To be run again after an error.
    pub(crate) job: Option<Job>,
}

/// How many snapshots of producers are kept: the newest, and some to go back to when the log is cut.
const SNAPSHOTS_KEPT: usize = 3;

/// The files that come and go with a segment.
pub(crate) const SEGMENT_FILES: [FileKind; 4] =
    [FileKind::Log, FileKind::Index, FileKind::TimeIndex, FileKind::TxnIndex];

/// Runs `job` and tells the outcome. For an offload thread.
pub(crate) fn run(log: LogId, job: Job, origin: &Origin, outcome: Sender<Message>) {
    let mut report = Report { log, outcome: Some(outcome) };
    let result = job.run(origin);
    report.send(result, Some(job));
}

/// Tells of the job even if it panics.
struct Report {
    log: LogId,
    outcome: Option<Sender<Message>>,
}

impl Report {
    fn send(&mut self, result: Result<Done, StorageError>, job: Option<Job>) {
        if let Some(outcome) = self.outcome.take() {
            // It fails when the store is gone: then nobody wants to know.
            let _ = outcome.send(Message::Job(Finished { log: self.log, result, job }));
        }
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        self.send(Err(StorageError::Offline("work on its files has panicked".into())), None);
    }
}

impl Job {
    fn run(&self, origin: &Origin) -> Result<Done, StorageError> {
        let (disk, dir) = (origin.disk(), &origin.path);
        match self {
            Self::Prepare { base, size, usable } => prepare(disk, dir, *base, *size, *usable),
            Self::Extend { base, file, from, to } => {
                let room = ByteCount(to - from);
                let path = file_path(dir, *base, FileKind::Log);
                file.allocate(FilePosition(*from), room).context("extend", &path)?;
                Ok(Done::Extended { base: *base, to: *to, zeros: for_zeros(file) })
            }
            Self::PrepareNext { usable } => prepare_next(disk, dir, *usable),
            Self::Name { base } => {
                let prepared = dir.join(PREPARED);
                disk.rename(&prepared, &file_path(dir, *base, FileKind::Log)).context("rename", &prepared)?;
                sync_dir(disk, dir).map(|()| Done::Named { base: *base })
            }
            Self::Seal { size, index } => {
                set_size(disk, &file_path(dir, index.base(), FileKind::Log), *size)?;
                index.save(disk, dir)?;
                // Recovery points move beyond the segment now, and then nobody looks at its indexes again.
                index.sync(disk, dir)?;
                Ok(Done::Sealed { base: index.base() })
            }
            Self::AddIndex(addition) => addition.save(disk, dir).map(|()| Done::Nothing),
            Self::Shrink { base, size } => {
                set_size(disk, &file_path(dir, *base, FileKind::Log), *size).map(|()| Done::Nothing)
            }
            Self::Snapshot { at, bytes, aborted } => {
                // Whoever finds the snapshot takes every abort before it to be in an index.
                aborted.save(disk, dir)?;
                save_snapshot(disk, dir, *at, bytes).map(|()| Done::Snapshotted(aborted.to))
            }
            Self::LeaderEpochs(text) => {
                replace(disk, &dir.join(LEADER_EPOCHS), text.as_bytes()).map(|()| Done::Nothing)
            }
            Self::SetAside { gone, first } => {
                set_aside(disk, dir, gone, *first).map(|()| Done::SetAside(gone.clone()))
            }
            Self::Swap(swap) => {
                let outcome = swap::perform(disk, dir, swap)?;
                let indexed = match outcome {
                    Ok(()) => aborted::read_index(disk, dir, swap.segment.base)?,
                    Err(_) => Vec::new(),
                };
                Ok(Done::Swapped(swap.clone(), outcome, indexed))
            }
            Self::NoteCompacted(to) => origin.dir.save_compacted(&origin.name, *to).map(|()| Done::Nothing),
            Self::FirstTimestamps(segments) => {
                state::first_timestamps(origin, segments).map(Done::FirstTimestamps)
            }
            Self::Truncate { to, log_start, recovery_point, settings } => {
                let opened = truncate::truncate(origin, *to, *log_start, *recovery_point, settings)?;
                Ok(Done::Truncated(Box::new(opened)))
            }
            Self::Remove { unique } => {
                let renamed = deleted_dir_name(&origin.name, *unique);
                origin.dir.rename_log(&origin.name, &renamed).map(Done::Removed)
            }
            Self::Close { size, index } => {
                let prepared = dir.join(PREPARED);
                disk.remove_if_there(&prepared).context("remove", &prepared)?;
                set_size(disk, &file_path(dir, index.base(), FileKind::Log), *size)?;
                index.save(disk, dir)?;
                sync_dir(disk, dir).map(|()| Done::Closed)
            }
        }
    }
}

fn prepare(disk: &Disk, dir: &Path, base: Offset, size: u64, usable: u64) -> Result<Done, StorageError> {
    let path = file_path(dir, base, FileKind::Log);
    // The job may run a second time: that the file is there does not mean that it will be after a crash.
    let is_new = size == 0;
    let file = disk.open(&path, OpenOptions::CREATE).context("open", &path)?;
    let from = size.next_multiple_of(BLOCK_BYTES);
    file.allocate(FilePosition(from), ByteCount(usable.saturating_sub(from).max(BLOCK_BYTES)))
        .context("extend", &path)?;
    if is_new {
        file.sync_all().context("sync", &path)?;
        sync_dir(disk, dir)?;
    }
    let begun = size % BLOCK_BYTES;
    let mut block = vec![0; begun as usize];
    if begun > 0 {
        let reader = disk.open(&path, OpenOptions::READ.buffered()).context("open", &path)?;
        reader.read_exact_at(&mut block, FilePosition(size - begun)).context("read", &path)?;
    }
    let zeros = for_zeros(&file);
    Ok(Done::Prepared { base, file, zeros, usable, block })
}

/// Another opening of a segment that zeros are written through: when syncing them fails, commits have to hear of it, too.
fn for_zeros(file: &File) -> File {
    // Without, as where there is no /proc, they merely share the error.
    file.reopen().unwrap_or_else(|_| file.clone())
}

fn prepare_next(disk: &Disk, dir: &Path, usable: u64) -> Result<Done, StorageError> {
    let path = dir.join(PREPARED);
    disk.remove_if_there(&path).context("remove", &path)?;
    let file = disk.open(&path, OpenOptions::CREATE).context("create", &path)?;
    file.allocate(FilePosition::ZERO, ByteCount(usable)).context("extend", &path)?;
    file.sync_all().context("sync", &path)?;
    // Records may become durable in it before it gets its real name.
    sync_dir(disk, dir)?;
    Ok(Done::NextPrepared { file, usable })
}

/// Gives a segment's file its size, durably; creates it if it was never written to.
fn set_size(disk: &Disk, path: &Path, size: u64) -> Result<(), StorageError> {
    let file = disk.open(path, OpenOptions::CREATE.buffered()).context("open", path)?;
    if file.len().context("read", path)? != ByteCount(size) {
        file.set_len(ByteCount(size)).context("shorten", path)?;
    }
    file.sync_all().context("sync", path)
}

/// Gives the files of segments, from the oldest on, the names of deleted ones. The file of the segment that stays exists
/// before: its name is what tells where the log goes on.
fn set_aside(disk: &Disk, dir: &Path, gone: &[Offset], first: Offset) -> Result<(), StorageError> {
    let path = file_path(dir, first, FileKind::Log);
    if !disk.exists(&path) {
        let file = disk.open(&path, OpenOptions::REPLACE.buffered());
        file.and_then(|file| file.sync_all()).context("create", &path)?;
        sync_dir(disk, dir)?;
    }
    for (base, kind) in gone.iter().flat_map(|base| SEGMENT_FILES.map(|kind| (*base, kind))) {
        let path = file_path(dir, base, kind);
        match disk.rename(&path, &deleted_path(dir, base, kind)) {
            // The job may run a second time; and not every segment has every file.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            outcome => outcome.context("rename", &path)?,
        }
    }
    Ok(())
}

/// Removes the files of one segment.
pub(crate) fn remove_segment(disk: &Disk, dir: &Path, base: Offset) -> Result<(), StorageError> {
    let mut files = SEGMENT_FILES.iter().map(|kind| file_path(dir, base, *kind));
    files.try_for_each(|path| disk.remove_if_there(&path).context("remove", &path))
}

/// Removes files that were set aside.
pub(crate) fn remove_set_aside(
    disk: &Disk,
    dir: &Path,
    segments: &[Offset],
    wanted_since: Instant,
) -> Result<(), StorageError> {
    let files = segments.iter().flat_map(|base| SEGMENT_FILES.map(|kind| deleted_path(dir, *base, kind)));
    remove_in_steps(disk, files, wanted_since)
}

/// Removes the directory of a removed log.
pub(crate) fn remove_log_dir(disk: &Disk, dir: &Path, wanted_since: Instant) -> Result<(), StorageError> {
    let files = entries(disk, dir)?.into_iter().map(|(_, path)| path).filter(|path| !disk.is_dir(path));
    remove_in_steps(disk, files, wanted_since)?;
    disk.remove_dir_all(dir).context("remove", dir)
}

fn remove_in_steps(
    disk: &Disk,
    mut files: impl Iterator<Item = PathBuf>,
    wanted_since: Instant,
) -> Result<(), StorageError> {
    files.try_for_each(|path| disk.remove_in_steps(&path, wanted_since).context("remove", &path))
}

fn save_snapshot(disk: &Disk, dir: &Path, at: Offset, bytes: &[u8]) -> Result<(), StorageError> {
    replace(disk, &file_path(dir, at, FileKind::Snapshot), bytes)?;
    let mut found: Vec<(Offset, PathBuf)> = Vec::new();
    for (name, path) in entries(disk, dir)? {
        if let Some((at, FileKind::Snapshot)) = parse_file_name(&name) {
            found.push((at, path));
        }
    }
    found.sort_unstable_by(|a, b| b.cmp(a));
    found
        .iter()
        .skip(SNAPSHOTS_KEPT)
        .try_for_each(|(_, path)| disk.remove_if_there(path).context("remove", path))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_directory_of_a_removed_log_goes_with_whatever_lies_in_it() {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().join("t-0.0123456789abcdef0123456789abcdef-delete");
        fs::create_dir_all(dir.join("lost+found/within")).unwrap();
        fs::write(dir.join("00000000000000000000.log"), "x").unwrap();
        remove_log_dir(&Disk::host(), &dir, Instant::now()).unwrap();
        assert!(!dir.exists());
    }
}
