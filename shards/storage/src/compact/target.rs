//! The segment that takes the place of others, while it is written: files whose names end in `.cleaned`.
//!
//! # Invariants
//! - When it is finished, all of its files are durable.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use reactor::{Disk, File, OpenOptions};
use record::BatchHeader;
use types::{FilePosition, Offset};

use super::source::damaged;
use super::txn_index::{self, AbortedTxn};
use crate::error::{Context, StorageError};
use crate::job::SEGMENT_FILES;
use crate::layout::{FileKind, cleaned_path};
use crate::recover::Origin;
use crate::segment_index::SegmentIndex;

/// So much is gathered before it is written.
const WRITE_BYTES: usize = 1024 * 1024;
/// So much is written before it is synced: what waits in the page cache would hold up others' syncs. Eight times as much
/// doubled their longest times (`examples/compaction_beside_appends.rs`), and was hardly faster.
const SYNC_BYTES: u64 = 1024 * 1024;
/// Kafka keeps positions in 31 bits.
const SEGMENT_BYTES_MAX: u64 = i32::MAX as u64;

/// See the module.
#[derive(Debug)]
pub(super) struct Target {
    origin: Arc<Origin>,
    base: Offset,
    interval_bytes: u32,
    path: PathBuf,
    file: File,
    buffer: Vec<u8>,
    /// Bytes in the file.
    written: u64,
    synced: u64,
    index: SegmentIndex,
    pub(super) aborted: Vec<AbortedTxn>,
}

/// What was written.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) bytes: u64,
    pub(super) index: SegmentIndex,
}

impl Target {
    /// Begins the segment at `base`. What an interrupted attempt has left is overwritten.
    pub(super) fn create(
        origin: &Arc<Origin>,
        base: Offset,
        interval_bytes: u32,
    ) -> Result<Self, StorageError> {
        let path = cleaned_path(&origin.path, base, FileKind::Log);
        let file = origin.disk().open(&path, OpenOptions::REPLACE.buffered()).context("create", &path)?;
        Ok(Self {
            origin: Arc::clone(origin),
            base,
            interval_bytes,
            path,
            file,
            buffer: Vec::new(),
            written: 0,
            synced: 0,
            index: SegmentIndex::new(base),
            aborted: Vec::new(),
        })
    }

    /// Appends a batch. Returns the bytes that were written to the file for it.
    pub(super) fn append(&mut self, header: &BatchHeader, batch: &[u8]) -> Result<u64, StorageError> {
        let position = self.written + self.buffer.len() as u64;
        if position + batch.len() as u64 > SEGMENT_BYTES_MAX {
            return Err(damaged(&self.path, position, "the compacted segment would become too large"));
        }
        self.index.on_batch(header, position, self.interval_bytes);
        self.buffer.extend_from_slice(batch);
        if self.buffer.len() < WRITE_BYTES { Ok(0) } else { self.flush() }
    }

    fn flush(&mut self) -> Result<u64, StorageError> {
        let bytes = self.buffer.len() as u64;
        self.file.write_all_at(&self.buffer, FilePosition(self.written)).context("write", &self.path)?;
        self.buffer.clear();
        self.written += bytes;
        if self.written - self.synced >= SYNC_BYTES {
            self.file.sync_data().context("sync", &self.path)?;
            self.synced = self.written;
        }
        Ok(bytes)
    }

    /// Makes all of it durable. Its names still end in `.cleaned`.
    pub(super) fn finish(mut self) -> Result<(Finished, u64), StorageError> {
        let flushed = self.flush()?;
        self.file.sync_all().context("sync", &self.path)?;
        self.index.finish();
        let mut files = vec![
            (FileKind::Index, self.index.offsets.encode(0)),
            (FileKind::TimeIndex, self.index.times.encode(0)),
        ];
        if !self.aborted.is_empty() {
            files.push((FileKind::TxnIndex, txn_index::encode(&self.aborted)));
        }
        for (kind, bytes) in files {
            let path = cleaned_path(&self.origin.path, self.base, kind);
            let file =
                self.origin.disk().open(&path, OpenOptions::REPLACE.buffered()).context("create", &path)?;
            file.write_all_at(&bytes, FilePosition::ZERO).context("write", &path)?;
            file.sync_all().context("sync", &path)?;
        }
        Ok((Finished { bytes: self.written, index: self.index }, flushed))
    }
}

/// Removes what was written of a segment that is not to be.
pub(super) fn remove(disk: &Disk, dir: &Path, base: Offset) -> Result<(), StorageError> {
    let mut files = SEGMENT_FILES.iter().map(|kind| cleaned_path(dir, base, *kind));
    files.try_for_each(|path| disk.remove_if_there(&path).context("remove", &path))
}
