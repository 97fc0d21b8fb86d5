//! A log as it was found on disk, checked and ready to be adopted by a store.

use std::path::Path;

use reactor::{FileReader, OpenOptions};
use record::BatchHeader;
use types::{ByteCount, FilePosition, Offset, TimestampMs, TopicId};

use crate::aborted::Aborted;
use crate::checkpoint::read_text;
use crate::compact::txn_index::AbortedTxn;
use crate::error::{Context, StorageError};
use crate::layout::{FileKind, LEADER_EPOCHS, LogName, file_path};
use crate::recover::{Origin, Recovery};
use crate::resync;
use crate::scan::{Checksums, Scan, Step};
use crate::segment::Segment;
use crate::segment_index::SegmentIndex;
use crate::settings::LogSettings;

/// A log that was opened by an offload thread. `Send`; [`crate::Store::adopt`] takes it.
#[derive(Debug)]
pub struct OpenedLog {
    pub(crate) origin: Origin,
    pub(crate) settings: LogSettings,
    /// All but the active segment, ascending.
    pub(crate) segments: Vec<Segment>,
    pub(crate) active: Segment,
    /// The newest timestamp of the active segment's first batch.
    pub(crate) active_began: TimestampMs,
    /// Of the active segment.
    pub(crate) index: SegmentIndex,
    pub(crate) log_start: Offset,
    pub(crate) log_end: Offset,
    pub(crate) snapshots: Vec<Offset>,
    /// Everything below is compacted, if anything ever was.
    pub(crate) compacted: Option<Offset>,
    pub(crate) aborted: Aborted,
    /// From where on the transaction indexes cannot be relied on, if they cannot.
    pub(crate) aborted_damaged: Option<Offset>,
    pub(crate) recovery: Recovery,
}

impl OpenedLog {
    /// Whose log it is.
    #[must_use]
    pub fn name(&self) -> &LogName {
        &self.origin.name
    }

    /// The id of its topic.
    #[must_use]
    pub fn topic(&self) -> TopicId {
        self.origin.topic
    }

    /// The log's own directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.origin.path
    }

    /// The first offset there is.
    #[must_use]
    pub fn log_start(&self) -> Offset {
        self.log_start
    }

    /// From where on the files hold what was ever appended: at the log start or, within its segment, before.
    #[must_use]
    pub fn files_begin(&self) -> Offset {
        self.segments.first().unwrap_or(&self.active).base
    }

    /// The offset that the next record will get.
    #[must_use]
    pub fn log_end(&self) -> Offset {
        self.log_end
    }

    /// The base of the first segment whose transaction index is damaged: what it said has to be read from the log again,
    /// with the state of producers at or before that offset.
    #[must_use]
    pub fn damaged_transaction_index(&self) -> Option<Offset> {
        self.aborted_damaged
    }

    /// Takes over the aborted transactions that reading the log again from `from` on has found, in order. They replace
    /// what the transaction indexes say of the log from there on.
    pub fn learn_aborted(&mut self, from: Offset, found: Vec<AbortedTxn>) {
        self.aborted.learn(from, found);
    }

    /// What recovery did.
    #[must_use]
    pub fn recovery(&self) -> &Recovery {
        &self.recovery
    }

    /// The content of `leader-epoch-checkpoint`, if there is one.
    pub fn leader_epochs(&self) -> Result<Option<String>, StorageError> {
        read_text(self.origin.disk(), &self.origin.path.join(LEADER_EPOCHS))
    }

    /// The offsets at which producer snapshots were taken, the newest first; none lies above the log's end.
    #[must_use]
    pub fn producer_snapshots(&self) -> &[Offset] {
        &self.snapshots
    }

    /// The producer snapshot taken at `at`.
    pub fn producer_snapshot(&self, at: Offset) -> Result<Vec<u8>, StorageError> {
        let path = file_path(&self.origin.path, at, FileKind::Snapshot);
        self.origin.disk().read(&path).context("read", &path)
    }

    /// Whether the last stop was clean, so that nothing was under way then.
    #[must_use]
    pub fn was_closed(&self) -> bool {
        self.origin.trust
    }

    /// An offset from which replaying shows about so many bytes before it comes to `at`, as far as there are as many.
    ///
    /// # Errors
    /// Errors of the operating system, with an index.
    pub fn offset_back(&self, at: Offset, bytes: ByteCount) -> Result<Offset, StorageError> {
        let (mut left, mut from) = (bytes.0, at);
        for segment in self.segments.iter().chain([&self.active]).rev().filter(|segment| segment.base < at) {
            let loaded = if segment.base == self.active.base {
                None
            } else {
                SegmentIndex::load(self.origin.disk(), &self.origin.path, segment.base, segment.bytes)?
            };
            let index = loaded.as_ref().unwrap_or(&self.index);
            let contains_at = from == at;
            let end = if contains_at { u64::from(index.offsets.position_before(at)) } else { segment.bytes };
            if let Some(position) = end.checked_sub(left) {
                return Ok(index.offsets.offset_at(position).unwrap_or(segment.base));
            }
            left -= end;
            from = segment.base;
        }
        Ok(from)
    }

    /// Shows every batch from the one that contains `from` to the end, in order: the caller rebuilds the state of
    /// producers and leader epochs from them. Damaged places, which opening has reported, are passed over.
    pub fn replay(
        &self,
        from: Offset,
        mut each: impl FnMut(&BatchHeader, &[u8]),
    ) -> Result<(), StorageError> {
        if from >= self.log_end {
            return Ok(());
        }
        let bases = self.segments.iter().chain([&self.active]);
        let first = bases.clone().take_while(|segment| segment.base <= from).count().saturating_sub(1);
        for segment in bases.skip(first) {
            self.replay_segment(segment, from, &mut each)?;
        }
        Ok(())
    }

    fn replay_segment(
        &self,
        segment: &Segment,
        from: Offset,
        each: &mut impl FnMut(&BatchHeader, &[u8]),
    ) -> Result<(), StorageError> {
        if segment.bytes == 0 {
            return Ok(());
        }
        let (disk, dir) = (self.origin.disk(), &self.origin.path);
        let path = file_path(dir, segment.base, FileKind::Log);
        let loaded = SegmentIndex::load(disk, dir, segment.base, segment.bytes)?;
        let start = loaded.map_or(0, |index| u64::from(index.offsets.position_before(from)));
        let file = disk.open(&path, OpenOptions::READ.buffered()).context("open", &path)?;
        let scan_from = |at| Scan::new(FileReader::new(file.clone(), FilePosition(at)), at, segment.bytes);
        let mut scan = scan_from(start);
        loop {
            match scan.next(Checksums::Ignore).context("read", &path)? {
                Step::Batch { header, bytes, .. } if header.last_offset() >= from => each(&header, bytes),
                Step::Batch { .. } => {}
                Step::End => return Ok(()),
                Step::Bad { position, .. } => {
                    let found = resync::next_batch(&file, position + 1, segment.bytes, segment.base)
                        .context("read", &path)?;
                    let Some(next) = found else { return Ok(()) };
                    scan = scan_from(next);
                }
            }
        }
    }
}
