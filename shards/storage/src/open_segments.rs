//! Segments that are kept open for cold reads, with their indexes. A bounded number: what was not used for the longest
//! time is closed.
//!
//! # Not here
//! Reading (`reader.rs`). A segment that is being written has its index in its log.

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use reactor::{Disk, File, OpenOptions};
use types::Offset;

use crate::error::{Context, StorageError};
use crate::layout::{FileKind, file_path};
use crate::reader::ColdRead;
use crate::segment_index::SegmentIndex;
use crate::store::LogId;

/// Which segment: its log and base offset.
pub(crate) type SegmentKey = (LogId, Offset);

/// A segment open for reading.
#[derive(Debug)]
pub(crate) struct OpenSegment {
    pub(crate) file: File,
    pub(crate) index: Arc<SegmentIndex>,
}

/// An offload thread has opened a segment, or not.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) key: SegmentKey,
    /// The arrangement of the log's segments when the file was asked for.
    pub(crate) layout: u64,
    pub(crate) result: Result<(File, SegmentIndex), StorageError>,
}

/// The open segments of a store, and reads that wait for one.
#[derive(Debug, Default)]
pub(crate) struct OpenSegments {
    open: BTreeMap<SegmentKey, (Rc<OpenSegment>, u64)>,
    waiting: BTreeMap<SegmentKey, Vec<ColdRead>>,
    /// Counts uses, for the order of closing.
    uses: u64,
}

impl OpenSegments {
    /// The segment, if it is open.
    pub(crate) fn get(&mut self, key: SegmentKey) -> Option<Rc<OpenSegment>> {
        self.uses += 1;
        let (segment, used) = self.open.get_mut(&key)?;
        *used = self.uses;
        Some(Rc::clone(segment))
    }

    /// Keeps a read until its segment is open. True if the caller has to open it.
    pub(crate) fn wait(&mut self, key: SegmentKey, read: ColdRead) -> bool {
        let first = !self.waiting.contains_key(&key);
        self.waiting.entry(key).or_default().push(read);
        first
    }

    /// Takes in a segment that was opened for reads, or could not be. Returns the reads that have waited for that.
    pub(crate) fn opened(
        &mut self,
        key: SegmentKey,
        segment: Option<OpenSegment>,
        segments_max: usize,
    ) -> Vec<ColdRead> {
        if let Some(segment) = segment {
            self.keep(key, segment, segments_max);
        }
        self.waiting.remove(&key).unwrap_or_default()
    }

    /// Keeps a segment open, closing another one if there are too many. Reads that wait for this one go on waiting until
    /// the offload thread answers that was asked to open it.
    pub(crate) fn keep(&mut self, key: SegmentKey, segment: OpenSegment, segments_max: usize) {
        while self.open.len() >= segments_max.max(1) {
            let oldest = self.open.iter().min_by_key(|(_, (_, used))| *used).map(|(key, _)| *key);
            let Some(oldest) = oldest else { break };
            self.open.remove(&oldest);
        }
        self.uses += 1;
        self.open.insert(key, (Rc::new(segment), self.uses));
    }

    /// True if the caller has to open the segment; nobody waits for it yet.
    pub(crate) fn begin_opening(&mut self, key: SegmentKey) -> bool {
        let mut begun = false;
        self.waiting.entry(key).or_insert_with(|| {
            begun = true;
            Vec::new()
        });
        begun
    }

    /// Closes the segments of a log with a base for which `is_gone` holds.
    pub(crate) fn forget(&mut self, log: LogId, is_gone: impl Fn(Offset) -> bool) {
        self.open.retain(|(of, base), _| *of != log || !is_gone(*base));
    }
}

/// Opens a segment for reading. For an offload thread.
pub(crate) fn open(
    disk: &Disk,
    dir: &Path,
    base: Offset,
    bytes: u64,
) -> Result<(File, SegmentIndex), StorageError> {
    let path = file_path(dir, base, FileKind::Log);
    let file = disk.open(&path, OpenOptions::READ).context("open", &path)?;
    // Without an index everything is found, too: from the segment's beginning.
    let index = SegmentIndex::load(disk, dir, base, bytes)?.unwrap_or_else(|| SegmentIndex::new(base));
    Ok((file, index))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::ReadId;

    fn key(base: i64) -> SegmentKey {
        (LogId { key: 0, generation: 1 }, Offset(base))
    }

    fn segment(dir: &Path) -> OpenSegment {
        let file = File::open(&dir.join("file"), OpenOptions::CREATE).unwrap();
        OpenSegment { file, index: Arc::new(SegmentIndex::new(Offset(0))) }
    }

    fn read(id: u64) -> ColdRead {
        ColdRead::new(ReadId(id), key(0).0, Offset(0), Offset(1), 1)
    }

    #[test]
    fn a_read_that_waits_is_not_lost_when_its_segment_becomes_full_meanwhile() {
        let dir = tempfile::tempdir().unwrap();
        let mut segments = OpenSegments::default();
        assert!(segments.wait(key(0), read(1)), "the first one has the segment opened");
        assert!(!segments.wait(key(0), read(2)));
        segments.keep(key(0), segment(dir.path()), 2);
        let waited = segments.opened(key(0), Some(segment(dir.path())), 2);
        assert_eq!(waited.iter().map(|read| read.id).collect::<Vec<_>>(), [ReadId(1), ReadId(2)]);
    }

    #[test]
    fn what_was_not_used_for_the_longest_time_is_closed() {
        let dir = tempfile::tempdir().unwrap();
        let mut segments = OpenSegments::default();
        segments.keep(key(0), segment(dir.path()), 2);
        segments.keep(key(10), segment(dir.path()), 2);
        assert!(segments.get(key(0)).is_some());
        segments.keep(key(20), segment(dir.path()), 2);
        assert!(segments.get(key(10)).is_none() && segments.get(key(0)).is_some());
        segments.forget(key(0).0, |base| base >= Offset(15));
        assert!(segments.get(key(20)).is_none() && segments.get(key(0)).is_some());
    }
}
