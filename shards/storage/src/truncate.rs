//! Cutting a log, as a follower does whose log differs from its leader's. On a thread that may block.

use std::fs::File;
use std::io::{Seek, SeekFrom};

use types::Offset;

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
    // First the checkpoint: an old one would later vouch for records that are not those it was made of.
    let log_start = log_start.min(to);
    let entry = CheckpointEntry { recovery_point: to.min(recovery_point), log_start };
    origin.dir.save_checkpoints([(origin.name.clone(), Some(entry))])?;
    let dir = &origin.path;
    let mut bases = Vec::new();
    for (name, _) in entries(dir)? {
        if let Some((base, FileKind::Log)) = parse_file_name(&name) {
            bases.push(base);
        }
    }
    bases.sort_unstable();
    // The newest go first, so that an interruption leaves no hole.
    for base in bases.iter().rev().filter(|base| **base >= to) {
        remove_segment(dir, *base)?;
    }
    bases.retain(|base| *base < to);
    match bases.last() {
        Some(last) => cut_segment(origin, *last, to)?,
        None => {
            let path = file_path(dir, to, FileKind::Log);
            File::create(&path).and_then(|file| file.sync_all()).context("create", &path)?;
        }
    }
    sync_dir(dir)?;
    let origin = Origin { trust: true, log_start, ..origin.clone() };
    let opened = recover::open(origin, settings)?;
    opened.origin.dir.lower_checkpoint(entry, &opened)?;
    Ok(opened)
}

fn cut_segment(origin: &Origin, base: Offset, to: Offset) -> Result<(), StorageError> {
    let path = file_path(&origin.path, base, FileKind::Log);
    let mut file = File::options().read(true).write(true).open(&path).context("open", &path)?;
    let len = file.metadata().context("read", &path)?.len();
    let loaded = SegmentIndex::load(&origin.path, base, len)?;
    let start = loaded.as_ref().map_or(0, |index| u64::from(index.offsets.position_before(to)));
    file.seek(SeekFrom::Start(start)).context("read", &path)?;
    let mut scan = Scan::new(&file, start, len);
    let end = loop {
        match scan.next(Checksums::Ignore).context("read", &path)? {
            Step::Batch { header, .. } if header.last_offset() < to => {}
            Step::Batch { position, .. } | Step::Bad { position, .. } => break position,
            Step::End => break len,
        }
    };
    file.set_len(end).context("shorten", &path)?;
    file.sync_all().context("sync", &path)?;
    match loaded {
        Some(mut index) => {
            index.cut(end, to);
            index.save(&origin.path)
        }
        None => Ok(()),
    }
}
