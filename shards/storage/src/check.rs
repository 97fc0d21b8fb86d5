//! Looking at one segment while a log is opened.

use std::io;
use std::path::{Path, PathBuf};

use reactor::{Disk, File, FileReader, OpenOptions};
use record::{BATCH_HEADER_BYTES, BatchHeader};
use types::{ByteCount, FilePosition, LeaderEpoch, Offset, TimestampMs};

use crate::checkpoint::was_closed;
use crate::error::{Context, StorageError};
use crate::layout::{FileKind, file_path};
use crate::recover::{Damage, Origin, Recovery};
use crate::resync;
use crate::scan::{Checksums, Scan, Step};
use crate::segment::Segment;
use crate::segment_index::{self, SegmentIndex};
use crate::settings::LogSettings;

/// How much is copied at once.
const KEEP_BYTES: usize = 1024 * 1024;

/// Which segment to look at.
pub(crate) struct Task<'a> {
    pub(crate) origin: &'a Origin,
    pub(crate) base: Offset,
    /// The base of the segment behind it; `None` for the last one.
    pub(crate) next_base: Option<Offset>,
    /// Below it, batches are taken to be what was written.
    pub(crate) trusted_to: Offset,
    pub(crate) settings: &'a LogSettings,
}

/// A segment that was looked at.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) segment: Segment,
    /// The newest timestamp of its first batch, of the last segment only: what its age is counted from.
    pub(crate) first_timestamp: TimestampMs,
    /// Complete if it is the last segment; nobody needs those of others.
    pub(crate) index: SegmentIndex,
    /// The offset behind its last batch.
    pub(crate) end: Offset,
    /// The leader epoch of its last batch, if that was looked at.
    pub(crate) last_epoch: LeaderEpoch,
}

impl Checked {
    /// A segment without batches, in which a log can go on.
    pub(crate) fn empty(base: Offset) -> Self {
        Self {
            segment: Segment { base, bytes: 0, max_timestamp: TimestampMs::NONE },
            first_timestamp: TimestampMs::NONE,
            index: SegmentIndex::new(base),
            end: base,
            last_epoch: LeaderEpoch::NONE,
        }
    }
}

/// Looks at a segment as far as is necessary: reads its index only, or the batches behind the recovery point, or all.
pub(crate) fn segment(task: &Task<'_>, recovery: &mut Recovery) -> Result<Checked, StorageError> {
    let disk = task.origin.disk();
    let path = file_path(&task.origin.path, task.base, FileKind::Log);
    let file = disk.open(&path, OpenOptions::WRITE.buffered()).context("open", &path)?;
    let len = file.len().context("read", &path)?.0;
    let below_point = task.next_base.is_some_and(|next| was_closed(next, task.trusted_to));
    if let Some(end) = task.next_base
        && (task.origin.trust || below_point)
        && let Some(last) = segment_index::peek(disk, &task.origin.path, task.base, len)?
    {
        let max_timestamp = newest(last, disk, &path);
        let segment = Segment { base: task.base, bytes: len, max_timestamp };
        return Ok(Checked { segment, end, ..Checked::empty(task.base) });
    }
    let index = SegmentIndex::load(disk, &task.origin.path, task.base, len)?;
    let checked = match index.map(|index| start_from(task, index)) {
        Some(Some(start)) => match walk(task, &path, &file, len, start, recovery)? {
            Walked::Whole(checked) => checked,
            Walked::WrongStart => rebuild(task, &path, &file, len, recovery)?,
        },
        Some(None) | None => rebuild(task, &path, &file, len, recovery)?,
    };
    Ok(checked)
}

/// Where a walk begins.
struct Start {
    index: SegmentIndex,
    position: u64,
    /// What the first batch's last offset has to be.
    first_last: Option<Offset>,
}

/// The last place at or below which nothing has to be looked at; `None` if everything has.
fn start_from(task: &Task<'_>, mut index: SegmentIndex) -> Option<Start> {
    let point = if task.origin.trust { Offset(i64::MAX) } else { task.trusted_to };
    let (last, position) = index.offsets.last_below(point)?;
    let position = u64::from(position);
    index.cut(position, last);
    Some(Start { index, position, first_last: Some(last) })
}

fn rebuild(
    task: &Task<'_>,
    path: &Path,
    file: &File,
    len: u64,
    recovery: &mut Recovery,
) -> Result<Checked, StorageError> {
    let start = Start { index: SegmentIndex::new(task.base), position: 0, first_last: None };
    if len > 0 {
        recovery.rebuilt_indexes += 1;
    }
    match walk(task, path, file, len, start, recovery)? {
        Walked::Whole(checked) => Ok(checked),
        Walked::WrongStart => Err(StorageError::Malformed {
            file: path.to_owned(),
            what: "the segment changed while it was read".into(),
        }),
    }
}

enum Walked {
    Whole(Checked),
    /// The index led to a place where its batch is not.
    WrongStart,
}

/// Reads batches to the end, mending the end of the last segment.
fn walk(
    task: &Task<'_>,
    path: &Path,
    file: &File,
    len: u64,
    start: Start,
    recovery: &mut Recovery,
) -> Result<Walked, StorageError> {
    let Start { mut index, position, mut first_last } = start;
    let rebuilt = first_last.is_none();
    let mut passed = 0;
    let mut scan = scan_from(file, position, len);
    let mut end = task.base;
    let mut last_epoch = LeaderEpoch::NONE;
    let bytes = loop {
        let (at, what, claimed_len) = match scan.next(Checksums::Compare).context("read", path)? {
            Step::End => break len,
            Step::Batch { position, header, .. } => {
                if first_last.take().is_some_and(|last| last != header.last_offset()) {
                    return Ok(Walked::WrongStart);
                }
                match wrong_offset(task, end, header.base_offset, header.last_offset()) {
                    None => {
                        index.on_batch(&header, position, task.settings.index_interval_bytes);
                        end = header.next_offset();
                        last_epoch = header.partition_leader_epoch;
                        recovery.scanned_bytes += header.batch_len_bytes as u64;
                        let now = position + header.batch_len_bytes as u64;
                        task.origin.dir.passed(now - passed);
                        passed = now;
                        continue;
                    }
                    Some(what) => (position, what, Some(header.batch_len_bytes as u64)),
                }
            }
            Step::Bad { .. } if first_last.is_some() => return Ok(Walked::WrongStart),
            Step::Bad { position, what, len } => (position, what, len),
        };
        let bad = Bad { at, what, claimed_len, len, end };
        match mend(task, path, file, bad, recovery)? {
            Mended::EndsAt(position) => break position,
            Mended::GoesOnAt(position) => scan = scan_from(file, position, len),
        }
    };
    task.origin.dir.passed(len.saturating_sub(passed));
    if task.next_base.is_some() {
        index.finish();
    }
    // After a clean stop the files are right as they are, and starting with many logs should not write them all.
    if !task.origin.trust || rebuilt {
        index.save(task.origin.disk(), &task.origin.path)?;
    }
    let max_timestamp = newest(index.max_timestamp(), task.origin.disk(), path);
    let segment = Segment { base: task.base, bytes, max_timestamp };
    let first_timestamp = match task.next_base {
        None if bytes > 0 => first_timestamp(file).context("read", path)?,
        _ => TimestampMs::NONE,
    };
    // A segment that is followed by another ends there, whatever compaction or damage has taken from its end.
    let end = task.next_base.unwrap_or(end);
    Ok(Walked::Whole(Checked { segment, first_timestamp, index, end, last_epoch }))
}

/// Why a batch with these offsets cannot follow a batch that ended at `end`.
fn wrong_offset(task: &Task<'_>, end: Offset, first: Offset, last: Offset) -> Option<String> {
    if first < end {
        return Some(format!("a batch at offset {first} follows one that ended at {end}"));
    }
    if last.0 - task.base.0 > i64::from(i32::MAX) {
        return Some(format!("offset {last} is too far from the segment's base {}", task.base));
    }
    let next = task.next_base.filter(|next| last >= *next)?;
    Some(format!("offset {last} belongs to the next segment, which begins at {next}"))
}

/// A place where no valid batch is, in a file of `len` bytes; the last batch before ended at offset `end`.
struct Bad {
    at: u64,
    what: String,
    claimed_len: Option<u64>,
    len: u64,
    end: Offset,
}

enum Mended {
    /// The segment ends there now.
    EndsAt(u64),
    /// The next valid batch lies there.
    GoesOnAt(u64),
}

/// Decides what becomes of bytes that are no batch.
fn mend(
    task: &Task<'_>,
    path: &Path,
    file: &File,
    bad: Bad,
    recovery: &mut Recovery,
) -> Result<Mended, StorageError> {
    let zeros_from = last_nonzero_end(file, bad.at, bad.len).context("read", path)?;
    if zeros_from == bad.at {
        // Space that was written ahead and never used.
        let missing = task.next_base.filter(|next| !task.origin.trust && *next > bad.end);
        if let Some(next) = missing {
            let what = format!("the segment ends at offset {}, but the next one begins at {next}", bad.end);
            recovery.damage.push(Damage { file: path.to_owned(), position: FilePosition(bad.at), what });
        }
        // Not synced: should the zeros come back, they would be cut off again.
        file.set_len(ByteCount(bad.at)).context("shorten", path)?;
        return Ok(Mended::EndsAt(bad.at));
    }
    // Where the damaged batch says that it ends is a better guess than any: its records may hold batches, too.
    let claimed = bad.claimed_len.map_or(bad.at + 1, |len| bad.at + len);
    let next = match resync::is_batch_at(file, claimed, zeros_from, task.base).context("read", path)? {
        true => Some(claimed),
        false => resync::next_batch(file, bad.at + 1, zeros_from, task.base).context("read", path)?,
    };
    if task.next_base.is_some() {
        recovery.damage.push(Damage {
            file: path.to_owned(),
            position: FilePosition(bad.at),
            what: bad.what,
        });
        return Ok(next.map_or(Mended::EndsAt(bad.len), Mended::GoesOnAt));
    }
    recovery.cut_bytes += zeros_from - bad.at;
    // What a crash tears is the last commit, of which any blocks may have reached the disk. So whole batches behind the
    // torn place mean nothing by themselves, but somebody may want to look at them. What was durable before is another
    // matter: there the disk has lost something.
    let was_durable = bad.end < task.origin.recovery_point || task.origin.trust;
    if next.is_some() || was_durable {
        let kept = keep(task.origin.disk(), path, file, bad.at, zeros_from)?;
        if was_durable {
            let what = format!("{}; the bytes from there on were copied to {}", bad.what, kept.display());
            recovery.damage.push(Damage { file: path.to_owned(), position: FilePosition(bad.at), what });
        }
        recovery.kept = Some(kept);
    }
    cut(file, path, bad.at)?;
    Ok(Mended::EndsAt(bad.at))
}

fn scan_from(file: &File, at: u64, end: u64) -> Scan<FileReader> {
    Scan::new(FileReader::new(file.clone(), FilePosition(at)), at, end)
}

/// Where the last byte that is not zero ends, from `from` on; `from` if there is none.
fn last_nonzero_end(file: &File, from: u64, end: u64) -> io::Result<u64> {
    scan_from(file, from, end).skip_zeros()
}

/// Copies bytes that are about to be cut off into a file beside the segment.
fn keep(disk: &Disk, path: &Path, file: &File, from: u64, to: u64) -> Result<PathBuf, StorageError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".cut-{from}"));
    let kept = path.with_file_name(name);
    let copy = disk.open(&kept, OpenOptions::REPLACE.buffered()).context("create", &kept)?;
    let mut buffer = vec![0; KEEP_BYTES];
    let mut at = from;
    while at < to {
        let left = usize::try_from(to - at).unwrap_or(usize::MAX).min(KEEP_BYTES);
        let piece = buffer.get_mut(..left).unwrap_or_default();
        file.read_exact_at(piece, FilePosition(at)).context("read", path)?;
        copy.write_all_at(piece, FilePosition(at - from)).context("write", &kept)?;
        at += left as u64;
    }
    copy.sync_all().context("sync", &kept)?;
    Ok(kept)
}

fn cut(file: &File, path: &Path, len: u64) -> Result<(), StorageError> {
    file.set_len(ByteCount(len)).context("shorten", path)?;
    file.sync_all().context("sync", path)
}

/// The newest timestamp of the first batch in a file.
fn first_timestamp(file: &File) -> io::Result<TimestampMs> {
    let mut bytes = [0; BATCH_HEADER_BYTES];
    file.read_exact_at(&mut bytes, FilePosition::ZERO)?;
    // What is damaged there was reported, and has no time.
    Ok(BatchHeader::parse(&bytes).map_or(TimestampMs::NONE, |header| header.max_timestamp))
}

/// The newest timestamp of a segment; its file's own if no batch has one.
fn newest(indexed: TimestampMs, disk: &Disk, path: &Path) -> TimestampMs {
    if indexed > TimestampMs::NONE {
        return indexed;
    }
    disk.modified(path).unwrap_or(TimestampMs::NONE)
}
