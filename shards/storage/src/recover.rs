//! Opening a log: what its directory holds, checked as far as the last stop makes necessary.
//!
//! After a clean stop files are taken as they are. Otherwise every batch is read and its checksum compared from the recovery
//! point on, or from where journals hold the log without a gap if that is before.
//!
//! # Invariants
//! - Only the end of the last segment is ever cut, and what is cut there and may have been durable is kept in a file
//!   of its own.
//! - Damage in older segments is reported and left where it is.
//!
//! # Not here
//! Looking at one segment (`check.rs`).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use reactor::{Disk, FileReader, OpenOptions};
use record::BatchHeader;
use tracing::warn;
use types::{FilePosition, Offset, TopicId};

use crate::aborted::Aborted;
use crate::check::{self, Checked};
use crate::checkpoint::{sync_dir, was_closed};
use crate::compact::swap;
use crate::error::{Context, StorageError};
use crate::journal::{self, Replayed};
use crate::layout::{self, FileKind, LogName, file_path, parse_file_name};
use crate::log_dir::{LogDir, entries};
use crate::opened::OpenedLog;
use crate::segment::Segment;
use crate::settings::LogSettings;

/// Bytes that cannot be what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The damaged file.
    pub file: PathBuf,
    /// Where the damage begins.
    pub position: FilePosition,
    /// What is wrong there.
    pub what: String,
}

/// What recovery did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Bytes whose checksums were compared.
    pub scanned_bytes: u64,
    /// Bytes that were cut off the end, not counting zeros.
    pub cut_bytes: u64,
    /// Where a copy of these bytes is, if there were whole batches among them.
    pub kept: Option<PathBuf>,
    /// Bytes that came from journals.
    pub replayed_bytes: u64,
    /// Segments whose indexes were built anew.
    pub rebuilt_indexes: u32,
    /// Damage that a crash alone cannot explain. The damaged bytes were left where they are, or kept in a file of
    /// their own.
    pub damage: Vec<Damage>,
}

/// Whose log it is, and what was known of it before its files were looked at.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) dir: Arc<LogDir>,
    /// The log's own directory.
    pub(crate) path: PathBuf,
    pub(crate) name: LogName,
    pub(crate) topic: TopicId,
    /// Whether files are what a clean stop left.
    pub(crate) trust: bool,
    /// Everything below was durable and in order.
    pub(crate) recovery_point: Offset,
    pub(crate) log_start: Offset,
}

impl Origin {
    /// The file system that holds it.
    pub(crate) fn disk(&self) -> &Disk {
        self.dir.disk()
    }
}

/// Opens the log in `origin.path`, which exists.
pub(crate) fn open(origin: Origin, settings: &LogSettings) -> Result<OpenedLog, StorageError> {
    let mut recovery = Recovery::default();
    // Listed once: with many logs, looking at each again and again is what a start would take longest for.
    let mut files = entries(origin.disk(), &origin.path)?;
    if swap::is_interrupted(&files) {
        swap::recover(origin.disk(), &origin.path, &mut recovery)?;
        files = entries(origin.disk(), &origin.path)?;
    }
    let (bases, indexed) = list_segments(origin.disk(), &files)?;
    let leftovers = origin.dir.leftovers(&origin);
    let trusted_to = journal::held_from(&leftovers).unwrap_or(Offset(i64::MAX)).min(origin.recovery_point);
    let mut segments = Vec::with_capacity(bases.len());
    let mut active = None;
    for (i, base) in bases.iter().enumerate() {
        let next_base = bases.get(i + 1).copied();
        let task = check::Task { origin: &origin, base: *base, next_base, trusted_to, settings };
        let checked = check::segment(&task, &mut recovery)?;
        match (next_base, checked) {
            (Some(_), checked) => segments.push(checked.segment),
            (None, checked) => active = Some(checked),
        }
    }
    let mut active = active.unwrap_or_else(|| Checked::empty(origin.log_start));
    if files.iter().any(|(name, _)| name == layout::PREPARED)
        && let Some(prepared) = adopt_prepared(&origin, &active, settings, &mut recovery)?
    {
        segments.push(active.segment);
        active = prepared;
    }
    let replayed = Replayed { segments, active };
    let Replayed { segments, active } =
        journal::replay(&origin, settings, &leftovers, replayed, &mut recovery)?;
    if !origin.trust {
        make_durable(&origin, &segments, &active.segment)?;
    }
    let Checked { segment: active, first_timestamp: active_began, index, end, .. } = active;
    let snapshots = keep_snapshots(origin.disk(), &files, end)?;
    let first = segments.first().map_or(active.base, |segment| segment.base);
    let log_start = origin.log_start.clamp(first, end);
    if !recovery.damage.is_empty() {
        // The log may have been cut, and takes other records from there on. What a journal that is kept for other logs has of
        // it, must not meet them.
        origin.dir.make_leftovers_void(&origin)?;
    }
    origin.dir.replayed(&origin)?;
    let (aborted, aborted_damaged) = Aborted::load(origin.disk(), &origin.path, &indexed, end)?;
    if let Some(base) = aborted_damaged {
        warn!(log = %origin.name, %base, "a transaction index is damaged and is made anew from the log");
    }
    Ok(OpenedLog {
        origin,
        settings: *settings,
        segments,
        active,
        active_began,
        index,
        log_start,
        log_end: end,
        snapshots,
        compacted: None,
        aborted,
        aborted_damaged,
        recovery,
    })
}

/// What was found may be what a process has written that died before it was synced. It counts as durable from now on, so it
/// has to be.
fn make_durable(origin: &Origin, segments: &[Segment], active: &Segment) -> Result<(), StorageError> {
    let disk = origin.disk();
    let all = || segments.iter().chain([active]);
    let below_point = all().skip(1).take_while(|next| was_closed(next.base, origin.recovery_point)).count();
    for segment in all().skip(below_point).filter(|segment| segment.bytes > 0) {
        let path = file_path(&origin.path, segment.base, FileKind::Log);
        let file = disk.open(&path, OpenOptions::READ.buffered()).context("open", &path)?;
        file.sync_all().context("sync", &path)?;
    }
    sync_dir(disk, &origin.path)
}

/// The base offsets of a log's segments, ascending, and of those with a transaction index. Removes what interrupted work
/// has left.
fn list_segments(
    disk: &Disk,
    files: &[(String, PathBuf)],
) -> Result<(Vec<Offset>, Vec<Offset>), StorageError> {
    let mut bases = Vec::new();
    let (mut others, mut indexed) = (Vec::new(), Vec::new());
    for (name, path) in files {
        match parse_file_name(name) {
            Some((base, FileKind::Log)) => bases.push(base),
            Some((_, FileKind::Snapshot)) => {}
            Some((base, kind)) => {
                others.push((base, path));
                indexed.extend((kind == FileKind::TxnIndex).then_some(base));
            }
            None if name.ends_with(layout::DELETED_SUFFIX) || name.ends_with(".tmp") => {
                // A removal in the background may have been faster.
                disk.remove_if_there(path).context("remove", path)?;
            }
            None => {}
        }
    }
    bases.sort_unstable();
    for (base, path) in others {
        if bases.binary_search(&base).is_err() {
            disk.remove_file(path).context("remove", path)?;
        }
    }
    indexed.retain(|base| bases.binary_search(base).is_ok());
    Ok((bases, indexed))
}

/// A crash may come between writing to the prepared segment and giving it its name. If it holds what follows the
/// `active` segment, it gets its name now; an unused one is removed; anything else is kept under another name.
fn adopt_prepared(
    origin: &Origin,
    active: &Checked,
    settings: &LogSettings,
    recovery: &mut Recovery,
) -> Result<Option<Checked>, StorageError> {
    let (disk, end) = (origin.disk(), active.end);
    let path = origin.path.join(layout::PREPARED);
    let Some(header) = first_header(disk, &path)? else { return Ok(None) };
    match header {
        // Behind a gap, if there is one: batches of a compacted log have some between them.
        Some(header) if header.base_offset >= end => {
            let base = Segment::base_for(&header, end);
            let named = file_path(&origin.path, base, FileKind::Log);
            // What it follows needs no sync here: nothing is written to a segment before the one in front of it, and its
            // name, are durable (`commit.rs`, `job.rs`). An empty segment of the same base may exist: it was created, and
            // then a prepared one was used.
            disk.rename(&path, &named).context("rename", &path)?;
            sync_dir(disk, &origin.path)?;
            let task = check::Task { origin, base, next_base: None, trusted_to: base, settings };
            check::segment(&task, recovery).map(Some)
        }
        Some(header) => {
            let kept = origin.path.join(format!("{}.kept-{}", layout::PREPARED, header.base_offset));
            disk.rename(&path, &kept).context("rename", &path)?;
            recovery.damage.push(Damage {
                file: kept,
                position: FilePosition::ZERO,
                what: format!("begins at offset {} instead of the log's end {end}", header.base_offset),
            });
            Ok(None)
        }
        None => {
            disk.remove_file(&path).context("remove", &path)?;
            Ok(None)
        }
    }
}

/// The first header in the file, if there is a file, and if there is a batch.
fn first_header(disk: &Disk, path: &Path) -> Result<Option<Option<BatchHeader>>, StorageError> {
    use std::io::Read;
    let file = match disk.open(path, OpenOptions::READ.buffered()) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StorageError::io("open", path, error)),
    };
    let mut bytes = Vec::new();
    let reader = FileReader::new(file, FilePosition::ZERO);
    reader.take(record::BATCH_HEADER_BYTES as u64).read_to_end(&mut bytes).context("read", path)?;
    Ok(Some(BatchHeader::parse(&bytes).ok()))
}

/// Where snapshots were taken, the newest first. Those above the log's end speak of records that are gone, and go, too.
fn keep_snapshots(
    disk: &Disk,
    files: &[(String, PathBuf)],
    end: Offset,
) -> Result<Vec<Offset>, StorageError> {
    let mut kept = Vec::new();
    for (name, path) in files {
        match parse_file_name(name) {
            Some((at, FileKind::Snapshot)) if at > end => disk.remove_file(path).context("remove", path)?,
            Some((at, FileKind::Snapshot)) => kept.push(at),
            _ => {}
        }
    }
    kept.sort_unstable_by(|a, b| b.cmp(a));
    Ok(kept)
}
