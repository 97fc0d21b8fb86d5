//! Work on a log's files that blocks, done on an offload thread. One job of a log runs at a time, in the order in which
//! they were asked for.
//!
//! # Invariants
//! - A job that failed can be run again.
//! - The shard hears of every job, even of one that panicked.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Sender;

use reactor::{File, OpenOptions};
use types::{ByteCount, FilePosition, Offset, Uuid};

use crate::checkpoint::{replace, sync_dir};
use crate::core::Message;
use crate::error::{Context, StorageError};
use crate::layout::{FileKind, LEADER_EPOCHS, PREPARED, deleted_dir_name, file_path, parse_file_name};
use crate::log_dir::entries;
use crate::opened::OpenedLog;
use crate::recover::Origin;
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
    Snapshot { at: Offset, bytes: Vec<u8> },
    /// Save `leader-epoch-checkpoint`.
    LeaderEpochs(String),
    /// Remove the files of these segments, the oldest first. The log begins with segment `first` then.
    RemoveSegments { gone: Vec<Offset>, first: Offset },
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
        usable: u64,
        block: Vec<u8>,
    },
    Extended {
        base: Offset,
        to: u64,
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

/// How many files of a removed log are deleted before other work has its turn.
const DELETED_AT_ONCE: usize = 8;

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
        let dir = &origin.path;
        match self {
            Self::Prepare { base, size, usable } => prepare(dir, *base, *size, *usable),
            Self::Extend { base, file, from, to } => {
                let room = ByteCount(to - from);
                let path = file_path(dir, *base, FileKind::Log);
                file.allocate(FilePosition(*from), room).context("extend", &path)?;
                Ok(Done::Extended { base: *base, to: *to })
            }
            Self::PrepareNext { usable } => prepare_next(dir, *usable),
            Self::Name { base } => {
                let prepared = dir.join(PREPARED);
                fs::rename(&prepared, file_path(dir, *base, FileKind::Log)).context("rename", &prepared)?;
                sync_dir(dir).map(|()| Done::Named { base: *base })
            }
            Self::Seal { size, index } => {
                set_size(&file_path(dir, index.base(), FileKind::Log), *size)?;
                index.save(dir)?;
                // Recovery points move beyond the segment now, and then nobody looks at its indexes again.
                index.sync(dir)?;
                Ok(Done::Sealed { base: index.base() })
            }
            Self::AddIndex(addition) => addition.save(dir).map(|()| Done::Nothing),
            Self::Shrink { base, size } => {
                set_size(&file_path(dir, *base, FileKind::Log), *size).map(|()| Done::Nothing)
            }
            Self::Snapshot { at, bytes } => save_snapshot(dir, *at, bytes).map(|()| Done::Nothing),
            Self::LeaderEpochs(text) => {
                replace(&dir.join(LEADER_EPOCHS), text.as_bytes()).map(|()| Done::Nothing)
            }
            Self::RemoveSegments { gone, first } => {
                remove_segments(dir, gone, *first).map(|()| Done::Nothing)
            }
            Self::Truncate { to, log_start, recovery_point, settings } => {
                let opened = truncate::truncate(origin, *to, *log_start, *recovery_point, settings)?;
                Ok(Done::Truncated(Box::new(opened)))
            }
            Self::Remove { unique } => remove(origin, *unique),
            Self::Close { size, index } => {
                remove_if_there(&dir.join(PREPARED))?;
                set_size(&file_path(dir, index.base(), FileKind::Log), *size)?;
                index.save(dir)?;
                sync_dir(dir).map(|()| Done::Closed)
            }
        }
    }
}

fn prepare(dir: &Path, base: Offset, size: u64, usable: u64) -> Result<Done, StorageError> {
    let path = file_path(dir, base, FileKind::Log);
    let is_new = !path.exists();
    let file = File::open(&path, OpenOptions::CREATE).context("open", &path)?;
    let from = size.next_multiple_of(BLOCK_BYTES);
    file.allocate(FilePosition(from), ByteCount(usable.saturating_sub(from).max(BLOCK_BYTES)))
        .context("extend", &path)?;
    if is_new {
        file.sync_all().context("sync", &path)?;
        sync_dir(dir)?;
    }
    let begun = size % BLOCK_BYTES;
    let mut block = vec![0; begun as usize];
    if begun > 0 {
        let reader = fs::File::open(&path).context("open", &path)?;
        reader.read_exact_at(&mut block, size - begun).context("read", &path)?;
    }
    Ok(Done::Prepared { base, file, usable, block })
}

fn prepare_next(dir: &Path, usable: u64) -> Result<Done, StorageError> {
    let path = dir.join(PREPARED);
    remove_if_there(&path)?;
    let file = File::open(&path, OpenOptions::CREATE).context("create", &path)?;
    file.allocate(FilePosition::ZERO, ByteCount(usable)).context("extend", &path)?;
    file.sync_all().context("sync", &path)?;
    // Records may become durable in it before it gets its real name.
    sync_dir(dir)?;
    Ok(Done::NextPrepared { file, usable })
}

/// Gives a segment's file its size, durably; creates it if it was never written to.
fn set_size(path: &Path, size: u64) -> Result<(), StorageError> {
    let file =
        fs::File::options().write(true).create(true).truncate(false).open(path).context("open", path)?;
    if file.metadata().context("read", path)?.len() != size {
        file.set_len(size).context("shorten", path)?;
    }
    file.sync_all().context("sync", path)
}

/// Removes segments from the oldest on. The file of the one that stays exists before: its name is what tells where the
/// log goes on.
fn remove_segments(dir: &Path, gone: &[Offset], first: Offset) -> Result<(), StorageError> {
    let path = file_path(dir, first, FileKind::Log);
    if !path.exists() {
        fs::File::create(&path).and_then(|file| file.sync_all()).context("create", &path)?;
        sync_dir(dir)?;
    }
    gone.iter().try_for_each(|base| remove_segment(dir, *base))
}

/// Removes the files of one segment.
pub(crate) fn remove_segment(dir: &Path, base: Offset) -> Result<(), StorageError> {
    for kind in [FileKind::Log, FileKind::Index, FileKind::TimeIndex, FileKind::TxnIndex] {
        remove_if_there(&file_path(dir, base, kind))?;
    }
    Ok(())
}

fn remove_if_there(path: &Path) -> Result<(), StorageError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(StorageError::io("remove", path, error)),
        _ => Ok(()),
    }
}

fn save_snapshot(dir: &Path, at: Offset, bytes: &[u8]) -> Result<(), StorageError> {
    replace(&file_path(dir, at, FileKind::Snapshot), bytes)?;
    let mut found: Vec<(Offset, PathBuf)> = Vec::new();
    for (name, path) in entries(dir)? {
        if let Some((at, FileKind::Snapshot)) = parse_file_name(&name) {
            found.push((at, path));
        }
    }
    found.sort_unstable_by(|a, b| b.cmp(a));
    found.iter().skip(SNAPSHOTS_KEPT).try_for_each(|(_, path)| remove_if_there(path))
}

/// Deletes some files of a removed log; says whether nothing is left.
pub(crate) fn delete_some(dir: &Path) -> Result<bool, StorageError> {
    let mut files = fs::read_dir(dir).context("list", dir)?;
    for entry in files.by_ref().take(DELETED_AT_ONCE) {
        let path = entry.context("list", dir)?.path();
        remove_if_there(&path)?;
    }
    if files.next().is_some() {
        return Ok(false);
    }
    fs::remove_dir(dir).context("remove", dir).map(|()| true)
}

fn remove(origin: &Origin, unique: Uuid) -> Result<Done, StorageError> {
    let parent = origin.dir.path();
    let renamed = parent.join(deleted_dir_name(&origin.name, unique));
    match fs::rename(&origin.path, &renamed) {
        // The job may run a second time after the rename.
        Err(error) if error.kind() == ErrorKind::NotFound && renamed.exists() => {}
        outcome => outcome.context("rename", &origin.path)?,
    }
    sync_dir(parent)?;
    origin.dir.save_checkpoints([(origin.name.clone(), None)])?;
    Ok(Done::Removed(renamed))
}
