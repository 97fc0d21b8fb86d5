//! Putting a compacted segment into the place of those that it was made of: Kafka's protocol, by file names.
//!
//! ```text
//! x.log.cleaned   it is being written; after a crash it is removed
//! x.log.swap      it is whole and durable; after a crash it takes its place
//! x.log.deleted   it was replaced
//! ```
//!
//! # Invariants
//! - A file is `.swap` only when all files of its segment are whole, and nothing old is renamed before that is durable.
//! - The new segment gets its name only when none of the others that it replaces has its name any more: two segments
//!   never hold the same offsets.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use reactor::{Disk, FileReader, OpenOptions};
use tracing::{info, warn};
use types::{FilePosition, Offset};

use super::target;
use crate::checkpoint::sync_dir;
use crate::error::{Context, StorageError};
use crate::job::SEGMENT_FILES;
use crate::layout::{
    CLEANED_SUFFIX, FileKind, SWAP_SUFFIX, cleaned_path, deleted_path, file_path, parse_file_name, swap_path,
};
use crate::log_dir::entries;
use crate::recover::{Damage, Recovery};
use crate::scan::{Checksums, Scan, Step};
use crate::segment::Segment;

/// A segment that is ready, and those whose place it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Swap {
    pub(crate) replaced: Vec<Segment>,
    pub(crate) segment: Segment,
}

/// Renames the files. The inner error tells that nothing was replaced, and nothing is left behind.
///
/// # Errors
/// If some of the old segment's files are gone and not all of the new one's are in place. The next start sorts it out.
pub(crate) fn perform(
    disk: &Disk,
    dir: &Path,
    swap: &Swap,
) -> Result<Result<(), StorageError>, StorageError> {
    let base = swap.segment.base;
    if let Err(error) = promise(disk, dir, base) {
        withdraw(disk, dir, base)?;
        return Ok(Err(error));
    }
    if disk.exists(&swap_path(dir, base, FileKind::Log)) {
        for old in &swap.replaced {
            for kind in SEGMENT_FILES {
                rename_if_there(disk, &file_path(dir, old.base, kind), &deleted_path(dir, old.base, kind))?;
            }
        }
        sync_dir(disk, dir)?;
    }
    fulfil(disk, dir, base)?;
    Ok(Ok(()))
}

/// From here on a crash leads to the new segment.
fn promise(disk: &Disk, dir: &Path, base: Offset) -> Result<(), StorageError> {
    for kind in SEGMENT_FILES {
        rename_if_there(disk, &cleaned_path(dir, base, kind), &swap_path(dir, base, kind))?;
    }
    sync_dir(disk, dir)
}

fn withdraw(disk: &Disk, dir: &Path, base: Offset) -> Result<(), StorageError> {
    // While there is a file `.cleaned`, those that are `.swap` already count for nothing; so they go first.
    for kind in SEGMENT_FILES {
        let path = swap_path(dir, base, kind);
        disk.remove_if_there(&path).context("remove", &path)?;
    }
    target::remove(disk, dir, base)?;
    sync_dir(disk, dir)
}

/// The new segment gets its name: the log first, so that an index without its log is known to be the new log's.
fn fulfil(disk: &Disk, dir: &Path, base: Offset) -> Result<(), StorageError> {
    for kind in SEGMENT_FILES {
        rename_if_there(disk, &swap_path(dir, base, kind), &file_path(dir, base, kind))?;
    }
    sync_dir(disk, dir)
}

fn rename_if_there(disk: &Disk, from: &Path, to: &Path) -> Result<(), StorageError> {
    match disk.rename(from, to) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        outcome => outcome.context("rename", from),
    }
}

/// Files of interrupted compactions, Kafka's or ours.
#[derive(Debug, Default)]
struct Leftovers {
    cleaned: Vec<(Offset, PathBuf)>,
    swap: Vec<(Offset, FileKind, PathBuf)>,
    segments: Vec<(Offset, PathBuf)>,
}

/// Whether among the files of a log are those of a compaction that did not come to its end.
pub(crate) fn is_interrupted(files: &[(String, PathBuf)]) -> bool {
    files.iter().any(|(name, _)| name.ends_with(CLEANED_SUFFIX) || name.ends_with(SWAP_SUFFIX))
}

/// Brings interrupted compactions in `dir` to their end, or undoes them. Before anything else looks at the segments.
pub(crate) fn recover(disk: &Disk, dir: &Path, recovery: &mut Recovery) -> Result<(), StorageError> {
    let mut found = find(disk, dir)?;
    if found.cleaned.is_empty() && found.swap.is_empty() {
        return Ok(());
    }
    // Renaming to `.swap` begins with the log, so as long as a file is `.cleaned` nothing was promised. Kafka splits
    // segments from the last to the first: there, too, nothing from the first `.cleaned` on counts.
    if let Some(undone) = found.cleaned.iter().map(|(base, _)| *base).min() {
        for (_, _, path) in found.swap.extract_if(.., |(base, ..)| *base >= undone) {
            disk.remove_file(&path).context("remove", &path)?;
        }
    }
    for (_, path) in &found.cleaned {
        disk.remove_file(path).context("remove", path)?;
    }
    let bases: BTreeSet<Offset> = found.swap.iter().map(|(base, ..)| *base).collect();
    for base in bases {
        let is_whole = found.swap.iter().any(|(of, kind, _)| *of == base && *kind == FileKind::Log);
        if is_whole && !take_place(disk, dir, base, &found.segments, recovery)? {
            continue;
        }
        fulfil(disk, dir, base)?;
    }
    sync_dir(disk, dir)
}

fn find(disk: &Disk, dir: &Path) -> Result<Leftovers, StorageError> {
    let mut found = Leftovers::default();
    for (name, path) in entries(disk, dir)? {
        if let Some((base, _)) = name.strip_suffix(CLEANED_SUFFIX).and_then(parse_file_name) {
            found.cleaned.push((base, path));
        } else if let Some((base, kind)) = name.strip_suffix(SWAP_SUFFIX).and_then(parse_file_name) {
            found.swap.push((base, kind, path));
        } else if let Some((base, kind)) = parse_file_name(&name)
            && kind != FileKind::Snapshot
        {
            found.segments.push((base, path));
        }
    }
    Ok(found)
}

/// Removes the segments whose place the one at `base` takes. False if it is damaged while they are still there.
fn take_place(
    disk: &Disk,
    dir: &Path,
    base: Offset,
    segments: &[(Offset, PathBuf)],
    recovery: &mut Recovery,
) -> Result<bool, StorageError> {
    let path = swap_path(dir, base, FileKind::Log);
    let end = match end_of(disk, &path, base)? {
        Ok(end) => end,
        Err((position, what)) if disk.exists(&file_path(dir, base, FileKind::Log)) => {
            set_damaged_aside(disk, dir, base)?;
            recovery.damage.push(Damage { file: path, position: FilePosition(position), what });
            return Ok(false);
        }
        // It is all there is. Looking at the segment will report it.
        Err((position, what)) => {
            warn!(path = %path.display(), position, what, "a compacted segment is damaged");
            base.next()
        }
    };
    info!(path = %path.display(), "a compacted segment takes its place after a crash");
    let end = end.max(base.next());
    for (_, path) in segments.iter().filter(|(of, _)| *of >= base && *of < end) {
        disk.remove_if_there(path).context("remove", path)?;
    }
    sync_dir(disk, dir)?;
    Ok(true)
}

/// The offset behind the last batch of a segment, or where it is damaged.
fn end_of(disk: &Disk, path: &Path, base: Offset) -> Result<Result<Offset, (u64, String)>, StorageError> {
    let file = disk.open(path, OpenOptions::READ.buffered()).context("open", path)?;
    let len = file.len().context("read", path)?.0;
    let mut scan = Scan::new(FileReader::new(file, FilePosition::ZERO), 0, len);
    let mut end = base;
    loop {
        match scan.next(Checksums::Compare).context("read", path)? {
            Step::Batch { header, .. } => end = header.next_offset(),
            Step::End => return Ok(Ok(end)),
            Step::Bad { position, what, .. } => return Ok(Err((position, what))),
        }
    }
}

/// Somebody may want to look at it.
fn set_damaged_aside(disk: &Disk, dir: &Path, base: Offset) -> Result<(), StorageError> {
    for kind in SEGMENT_FILES {
        let path = swap_path(dir, base, kind);
        let mut aside = path.clone().into_os_string();
        aside.push(".damaged");
        rename_if_there(disk, &path, Path::new(&aside))?;
    }
    Ok(())
}
