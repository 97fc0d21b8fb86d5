//! Looking for a record by its timestamp.
//!
//! A lookup waits until everything that it has to look at is written, and then goes through the files on an offload
//! thread: time indexes tell the segment and where to begin, batches tell the rest. Lookups are rare, and need not be
//! fast; they must not be in the way of what has to be.

use std::cmp::Reverse;
use std::io::ErrorKind;
use std::path::Path;

use reactor::{Disk, FileReader, OpenOptions};
use record::{DECOMPRESSED_BYTES_MAX, find_timestamp, offset_of_max_timestamp};
use types::{FilePosition, LeaderEpoch, Offset, TimestampMs};

use crate::error::{Context, StorageError};
use crate::layout::{FileKind, deleted_path, file_path};
use crate::log::Log;
use crate::outcome::{FoundTimestamp, TimestampTarget};
use crate::resync;
use crate::scan::{Checksums, Scan, Step};
use crate::segment_index::SegmentIndex;
use crate::store::{LogId, ReadId};

/// A lookup that waits for a write.
#[derive(Debug)]
pub(crate) struct PendingLookup {
    pub(crate) id: ReadId,
    pub(crate) target: TimestampTarget,
    pub(crate) up_to: Offset,
    /// The log's end when it was asked for: so much has to be written.
    pub(crate) written_to: Offset,
}

/// What an offload thread found.
#[derive(Debug)]
pub(crate) struct LookedUp {
    pub(crate) log: LogId,
    pub(crate) lookup: PendingLookup,
    /// The arrangement of the log's segments when it began.
    pub(crate) layout: u64,
    pub(crate) result: Result<Option<FoundTimestamp>, StorageError>,
}

/// Everything that a lookup needs to know of a log.
#[derive(Debug)]
pub(crate) struct LookupTask {
    target: TimestampTarget,
    log_start: Offset,
    up_to: Offset,
    segments: Vec<LookupSegment>,
}

#[derive(Debug)]
struct LookupSegment {
    base: Offset,
    bytes: u64,
    newest: TimestampMs,
    /// Of a segment whose files do not hold it yet.
    index: Option<SegmentIndex>,
}

impl LookupTask {
    /// The segments of `log` in which the record may be. `None` if there are none.
    pub(crate) fn new(log: &Log, target: TimestampTarget, up_to: Offset) -> Option<Self> {
        let least = match target {
            TimestampTarget::AtOrAfter(timestamp) => timestamp,
            // The newest records may lie above the limit.
            TimestampTarget::Max => TimestampMs::ZERO,
        };
        let mut segments = Vec::new();
        for segment in log.sealed.iter().filter(|segment| segment.max_timestamp >= least) {
            let newest = segment.max_timestamp;
            segments.push(LookupSegment { base: segment.base, bytes: segment.bytes, newest, index: None });
        }
        for writing in log.writing.iter().filter(|writing| writing.index.max_timestamp() >= least) {
            let (newest, index) = (writing.index.max_timestamp(), Some(writing.index.clone()));
            segments.push(LookupSegment { base: writing.base, bytes: writing.written, newest, index });
        }
        segments.retain(|segment| segment.bytes > 0 && segment.base < up_to);
        if target == TimestampTarget::Max {
            // Most promising first; of equal ones the older, since the first record with the largest timestamp counts.
            segments.sort_by_key(|segment| (Reverse(segment.newest), segment.base));
        }
        let task = Self { target, log_start: log.log_start, up_to, segments };
        (!task.segments.is_empty()).then_some(task)
    }

    /// Goes through the files in `dir`. For an offload thread.
    pub(crate) fn run(&self, disk: &Disk, dir: &Path) -> Result<Option<FoundTimestamp>, StorageError> {
        match self.target {
            TimestampTarget::AtOrAfter(timestamp) => {
                for segment in &self.segments {
                    if let Some(found) = self.first_at(disk, dir, segment, timestamp)? {
                        return Ok(Some(found));
                    }
                }
                Ok(None)
            }
            TimestampTarget::Max => self.newest(disk, dir),
        }
    }

    fn first_at(
        &self,
        disk: &Disk,
        dir: &Path,
        segment: &LookupSegment,
        timestamp: TimestampMs,
    ) -> Result<Option<FoundTimestamp>, StorageError> {
        let index = segment.index(disk, dir)?;
        let from = index.times.offset_before(timestamp).max(self.log_start);
        let start = u64::from(index.offsets.position_before(from));
        let mut found = None;
        self.each_batch(disk, dir, segment, start, |header, bytes, at| {
            if header.max_timestamp < timestamp {
                return Ok(true);
            }
            let hit = find_timestamp(bytes, timestamp, self.log_start, DECOMPRESSED_BYTES_MAX)
                .map_err(|error| at(error.to_string()))?;
            found = hit.map(|hit| answer(hit, header.partition_leader_epoch));
            Ok(found.is_none())
        })?;
        Ok(found.filter(|found| found.offset < self.up_to))
    }

    /// The first record with the largest timestamp below the limit.
    fn newest(&self, disk: &Disk, dir: &Path) -> Result<Option<FoundTimestamp>, StorageError> {
        let mut best: Option<FoundTimestamp> = None;
        for segment in &self.segments {
            if best.is_some_and(|best| best.timestamp >= segment.newest) {
                break;
            }
            // The newest batch lies behind the last time entry that is older; with a limit below the log's end, or a
            // log start above the segment's, only looking at all headers is sure.
            self.each_batch(disk, dir, segment, 0, |header, bytes, at| {
                let is_behind = best.is_some_and(|best| {
                    (header.max_timestamp, best.offset) <= (best.timestamp, header.base_offset)
                });
                if header.last_offset() < self.log_start || is_behind {
                    return Ok(true);
                }
                let hit = offset_of_max_timestamp(bytes, DECOMPRESSED_BYTES_MAX)
                    .map_err(|error| at(error.to_string()))?;
                if let Some(hit) = hit {
                    best = Some(answer(hit, header.partition_leader_epoch));
                }
                Ok(true)
            })?;
        }
        Ok(best)
    }

    /// Shows batches that end below the limit until `each` says that it is enough.
    fn each_batch(
        &self,
        disk: &Disk,
        dir: &Path,
        segment: &LookupSegment,
        start: u64,
        mut each: impl FnMut(
            &record::BatchHeader,
            &[u8],
            &dyn Fn(String) -> StorageError,
        ) -> Result<bool, StorageError>,
    ) -> Result<(), StorageError> {
        let path = file_path(dir, segment.base, FileKind::Log);
        let file = match disk.open(&path, OpenOptions::READ.buffered()) {
            // Dropped meanwhile: it stays for a while under another name.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                disk.open(&deleted_path(dir, segment.base, FileKind::Log), OpenOptions::READ.buffered())
            }
            opened => opened,
        }
        .context("open", &path)?;
        let mut scan = Scan::new(FileReader::new(file.clone(), FilePosition(start)), start, segment.bytes);
        let damaged = |position: u64, what: String| StorageError::Damaged {
            file: path.clone(),
            position: FilePosition(position),
            what: what.into(),
        };
        loop {
            match scan.next(Checksums::Ignore).context("read", &path)? {
                Step::Batch { header, .. } if header.next_offset() > self.up_to => return Ok(()),
                Step::Batch { header, bytes, position } => {
                    if !each(&header, bytes, &|what| damaged(position, what))? {
                        return Ok(());
                    }
                }
                Step::End => return Ok(()),
                // What is damaged cannot be found, but what lies behind it can.
                Step::Bad { position, .. } => {
                    let found = resync::next_batch(&file, position + 1, segment.bytes, segment.base);
                    let Some(next) = found.context("read", &path)? else { return Ok(()) };
                    let reader = FileReader::new(file.clone(), FilePosition(next));
                    scan = Scan::new(reader, next, segment.bytes);
                }
            }
        }
    }
}

impl LookupSegment {
    fn index(&self, disk: &Disk, dir: &Path) -> Result<SegmentIndex, StorageError> {
        match &self.index {
            Some(index) => Ok(index.clone()),
            None => {
                let loaded = SegmentIndex::load(disk, dir, self.base, self.bytes)?;
                Ok(loaded.unwrap_or_else(|| SegmentIndex::new(self.base)))
            }
        }
    }
}

fn answer((offset, timestamp): (Offset, TimestampMs), leader_epoch: LeaderEpoch) -> FoundTimestamp {
    FoundTimestamp { offset, timestamp, leader_epoch }
}
