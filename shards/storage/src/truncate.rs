//! Cutting a log, as a follower does whose log differs from its leader's. On a thread that may block.

use reactor::{FileReader, OpenOptions};
use types::{ByteCount, FilePosition, Offset};

use crate::aborted::cut_index;
use crate::checkpoint::sync_dir;
use crate::error::{Context, StorageError};
use crate::job::remove_segment;
use crate::layout::{FileKind, file_path, parse_file_name};
use crate::log_dir::{CheckpointEntry, entries};
use crate::opened::OpenedLog;
use crate::recover::{self, Origin};
use crate::scan::{Checksums, Scan, Step};
use crate::segment_index::SegmentIndex;
use crate::settings::LogSettings;

/// Removes every batch that reaches to `to` or beyond, and opens what is left. If that is nothing, the log begins
/// and ends at `to`. Nobody has the log's files open for writing.
pub(crate) fn truncate(
    origin: &Origin,
    to: Offset,
    log_start: Offset,
    recovery_point: Offset,
    settings: &LogSettings,
) -> Result<OpenedLog, StorageError> {
    let (disk, dir) = (origin.disk(), &origin.path);
    let mut bases = Vec::new();
    for (name, _) in entries(disk, dir)? {
        if let Some((base, FileKind::Log)) = parse_file_name(&name) {
            bases.push(base);
        }
    }
    bases.sort_unstable();
    // First the checkpoint: an old one would later vouch for records that are not those it was made of. A crash may leave
    // anything of the segment that is cut.
    let log_start = log_start.min(to);
    let cut = bases.iter().rev().find(|base| **base < to).copied().unwrap_or(to);
    let entry = CheckpointEntry { recovery_point: cut.min(recovery_point), log_start };
    origin.dir.save_checkpoints([(origin.name.clone(), Some(entry))])?;
    origin.dir.make_leftovers_void(origin)?;
    origin.dir.lower_compacted(&origin.name, to)?;
    // The newest go first, so that an interruption leaves no hole.
    for base in bases.iter().rev().filter(|base| **base >= to) {
        remove_segment(disk, dir, *base)?;
    }
    // They must not come back behind a segment that was cut.
    sync_dir(disk, dir)?;
    bases.retain(|base| *base < to);
    match bases.last() {
        Some(last) => {
            cut_segment(origin, *last, to)?;
            cut_index(disk, dir, *last, to)?;
        }
        None => {
            let path = file_path(dir, to, FileKind::Log);
            let file = disk.open(&path, OpenOptions::REPLACE.buffered());
            file.and_then(|file| file.sync_all()).context("create", &path)?;
        }
    }
    sync_dir(disk, dir)?;
    let origin = Origin { trust: true, log_start, ..origin.clone() };
    let mut opened = recover::open(origin, settings)?;
    opened.origin.dir.lower_checkpoint(entry, &opened)?;
    opened.compacted = opened.origin.dir.compacted(opened.name());
    Ok(opened)
}

fn cut_segment(origin: &Origin, base: Offset, to: Offset) -> Result<(), StorageError> {
    let disk = origin.disk();
    let path = file_path(&origin.path, base, FileKind::Log);
    let file = disk.open(&path, OpenOptions::WRITE.buffered()).context("open", &path)?;
    let len = file.len().context("read", &path)?.0;
    let loaded = SegmentIndex::load(disk, &origin.path, base, len)?;
    let start = loaded.as_ref().map_or(0, |index| u64::from(index.offsets.position_before(to)));
    let mut scan = Scan::new(FileReader::new(file.clone(), FilePosition(start)), start, len);
    let end = loop {
        match scan.next(Checksums::Ignore).context("read", &path)? {
            Step::Batch { header, .. } if header.last_offset() < to => {}
            Step::Batch { position, .. } | Step::Bad { position, .. } => break position,
            Step::End => break len,
        }
    };
    file.set_len(ByteCount(end)).context("shorten", &path)?;
    file.sync_all().context("sync", &path)?;
    match loaded {
        Some(mut index) => {
            index.cut(end, to);
            index.save(disk, &origin.path)
        }
        None => Ok(()),
    }
}
