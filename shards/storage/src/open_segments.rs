//! Segments that are kept open for cold reads, with their indexes. A bounded number: what was not used for the longest
//! time is closed.
//!
//! # Not here
//! Reading (`reader.rs`). A segment that is being written has its index in its log.

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use reactor::{File, OpenOptions};
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
        let waiting = self.waiting.entry(key).or_default();
        waiting.push(read);
        waiting.len() == 1
    }

    /// Takes in an opened segment, closing another one if there are too many. Returns the reads that waited.
    pub(crate) fn opened(
        &mut self,
        key: SegmentKey,
        segment: Option<OpenSegment>,
        segments_max: usize,
    ) -> Vec<ColdRead> {
        if let Some(segment) = segment {
            while self.open.len() >= segments_max.max(1) {
                let oldest = self.open.iter().min_by_key(|(_, (_, used))| *used).map(|(key, _)| *key);
                let Some(oldest) = oldest else { break };
                self.open.remove(&oldest);
            }
            self.uses += 1;
            self.open.insert(key, (Rc::new(segment), self.uses));
        }
        self.waiting.remove(&key).unwrap_or_default()
    }

    /// Closes the segments of a log with a base of `from` or above.
    pub(crate) fn forget(&mut self, log: LogId, from: Offset) {
        self.open.retain(|(of, base), _| *of != log || *base < from);
    }

    /// Closes the segments of a log with a base below `to`.
    pub(crate) fn forget_below(&mut self, log: LogId, to: Offset) {
        self.open.retain(|(of, base), _| *of != log || *base >= to);
    }
}

/// Opens a segment for reading. For an offload thread.
pub(crate) fn open(dir: &Path, base: Offset, bytes: u64) -> Result<(File, SegmentIndex), StorageError> {
    let path = file_path(dir, base, FileKind::Log);
    let file = File::open(&path, OpenOptions::READ).context("open", &path)?;
    // Without an index everything is found, too: from the segment's beginning.
    let index = SegmentIndex::load(dir, base, bytes)?.unwrap_or_else(|| SegmentIndex::new(base));
    Ok((file, index))
}
