//! What one log knows of its compaction. Lives with the log.

use std::collections::BTreeMap;

use reactor::{FileReader, OpenOptions};
use types::{FilePosition, Offset, TimestampMs};

use super::CompactionSettings;
use crate::error::{Context, StorageError};
use crate::job::Job;
use crate::layout::{FileKind, file_path};
use crate::log::Log;
use crate::recover::Origin;
use crate::scan::{Checksums, Scan, Step};
use crate::segment::Segment;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Compaction {
    /// `None` unless the log is to be compacted.
    pub(crate) settings: Option<Box<CompactionSettings>>,
    /// Everything below is compacted; `None` if nothing ever was.
    pub(crate) to: Option<Offset>,
    /// It has failed: nothing is tried before this time.
    pub(crate) not_before: TimestampMs,
    /// Counts the beginnings and ends of swaps: odd while files are being renamed. What was opened by its name belongs
    /// to the log's segments only if the number was even, and still is the same.
    layout: u64,
    /// The timestamps of the first batches of segments, as far as they were asked for.
    first_timestamps: BTreeMap<Offset, TimestampMs>,
}

impl Compaction {
    pub(crate) fn new(to: Option<Offset>) -> Self {
        Self { to, ..Self::default() }
    }

    /// Whether records of this age have to be compacted, so that they must not lie in the active segment.
    pub(crate) fn is_overdue(&self, age_ms: i64) -> bool {
        self.settings.as_ref().is_some_and(|settings| age_ms > settings.max_lag_ms)
    }

    /// Which arrangement of segments this is.
    pub(crate) fn layout(&self) -> u64 {
        self.layout
    }

    /// Whether names of files may mean old or new segments at present.
    pub(crate) fn is_swapping(&self) -> bool {
        !self.layout.is_multiple_of(2)
    }

    pub(crate) fn swap_begins(&mut self) {
        self.layout += 1;
    }

    /// Whether a swap was under way, which has ended now.
    pub(crate) fn swap_ended(&mut self) -> bool {
        let was_swapping = self.is_swapping();
        self.layout += u64::from(was_swapping);
        was_swapping
    }

    /// How old segments are.
    pub(crate) fn learn(&mut self, found: Vec<(Offset, TimestampMs)>) {
        self.first_timestamps.extend(found);
    }

    /// The oldest first timestamp of these segments, as far as it is known, and those of which it is not.
    pub(super) fn oldest(&mut self, segments: &[Segment]) -> (Option<TimestampMs>, Vec<Segment>) {
        let known = &mut self.first_timestamps;
        known.retain(|base, _| segments.iter().any(|segment| segment.base == *base));
        let unknown =
            segments.iter().filter(|segment| segment.bytes > 0 && !known.contains_key(&segment.base));
        let oldest = known.values().filter(|first| first.0 > 0).min();
        (oldest.copied(), unknown.copied().collect())
    }
}

impl Log {
    /// Whether a segment is about to take the place of others.
    pub(crate) fn is_swap_pending(&self) -> bool {
        self.compaction.is_swapping() || self.jobs.iter().any(|job| matches!(job, Job::Swap(_)))
    }
}

/// The timestamps of the first batches of segments; none for one that cannot be read.
pub(crate) fn first_timestamps(
    origin: &Origin,
    segments: &[Segment],
) -> Result<Vec<(Offset, TimestampMs)>, StorageError> {
    let mut found = Vec::with_capacity(segments.len());
    for segment in segments {
        let path = file_path(&origin.path, segment.base, FileKind::Log);
        let file = origin.disk().open(&path, OpenOptions::READ.buffered()).context("open", &path)?;
        let mut scan = Scan::new(FileReader::new(file, FilePosition::ZERO), 0, segment.bytes);
        let first = match scan.next(Checksums::Ignore).context("read", &path)? {
            Step::Batch { header, .. } => header.max_timestamp,
            Step::End | Step::Bad { .. } => TimestampMs::NONE,
        };
        found.push((segment.base, first));
    }
    Ok(found)
}
