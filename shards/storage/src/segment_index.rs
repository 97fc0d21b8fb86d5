//! Both indexes of a segment, as batches are appended to it.

use std::io::ErrorKind;
use std::path::Path;

use reactor::{Disk, OpenOptions};
use record::BatchHeader;
use types::{FilePosition, Offset, TimestampMs};

use crate::error::{Context, StorageError};
use crate::index::{self, OffsetIndex};
use crate::layout::{FileKind, file_path};
use crate::time_index::{self, TimeIndex};

/// Where offsets and timestamps of one segment lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SegmentIndex {
    base: Offset,
    pub(crate) offsets: OffsetIndex,
    pub(crate) times: TimeIndex,
    bytes_since_entry: u64,
    max_timestamp: TimestampMs,
    /// The last offset of the batch that has it, as Kafka notes it.
    max_timestamp_offset: Offset,
}

impl SegmentIndex {
    /// For a segment without batches.
    pub(crate) fn new(base: Offset) -> Self {
        Self {
            base,
            offsets: OffsetIndex::new(base),
            times: TimeIndex::new(base),
            bytes_since_entry: 0,
            max_timestamp: TimestampMs::NONE,
            max_timestamp_offset: base,
        }
    }

    pub(crate) fn base(&self) -> Offset {
        self.base
    }

    /// The newest timestamp in the segment; `NONE` without batches.
    pub(crate) fn max_timestamp(&self) -> TimestampMs {
        self.max_timestamp
    }

    /// A batch lies at `position`. In the order and with the rule of Kafka's `LogSegment.append`.
    pub(crate) fn on_batch(&mut self, header: &BatchHeader, position: u64, interval_bytes: u32) {
        let last_offset = header.last_offset();
        if header.max_timestamp > self.max_timestamp {
            self.max_timestamp = header.max_timestamp;
            self.max_timestamp_offset = last_offset;
        }
        if self.bytes_since_entry > u64::from(interval_bytes) {
            // Segments are smaller than 2 GiB, so the position always fits; an entry more or less is no error.
            if let Ok(position) = u32::try_from(position) {
                self.offsets.push(last_offset, position);
            }
            self.times.push(self.max_timestamp, self.max_timestamp_offset);
            self.bytes_since_entry = 0;
        }
        self.bytes_since_entry += header.batch_len_bytes as u64;
    }

    /// Notes the newest timestamp as the last entry: the segment gets no more batches.
    pub(crate) fn finish(&mut self) {
        self.times.push(self.max_timestamp, self.max_timestamp_offset);
    }

    /// Bytes of the offset index.
    pub(crate) fn offset_index_bytes(&self) -> usize {
        self.offsets.len() * index::ENTRY_BYTES
    }

    /// What to forget when batches from `position` and `offset` on are gone or to be looked at again.
    pub(crate) fn cut(&mut self, position: u64, offset: Offset) {
        self.offsets.cut(position);
        self.times.cut(offset);
        self.bytes_since_entry = 0;
        (self.max_timestamp, self.max_timestamp_offset) =
            self.times.last().unwrap_or((TimestampMs::NONE, self.base));
    }

    /// Reads both index files of a segment; `None` if one is missing or is no index.
    pub(crate) fn load(
        disk: &Disk,
        dir: &Path,
        base: Offset,
        segment_bytes: u64,
    ) -> Result<Option<Self>, StorageError> {
        let Some(offsets) = read(disk, &file_path(dir, base, FileKind::Index))? else { return Ok(None) };
        let Some(times) = read(disk, &file_path(dir, base, FileKind::TimeIndex))? else { return Ok(None) };
        let offsets = OffsetIndex::decode(base, &offsets, segment_bytes);
        let (Some(offsets), Some(times)) = (offsets, TimeIndex::decode(base, &times)) else {
            return Ok(None);
        };
        let (max_timestamp, max_timestamp_offset) = times.last().unwrap_or((TimestampMs::NONE, base));
        Ok(Some(Self { base, offsets, times, bytes_since_entry: 0, max_timestamp, max_timestamp_offset }))
    }

    /// Makes both index files durable.
    pub(crate) fn sync(&self, disk: &Disk, dir: &Path) -> Result<(), StorageError> {
        for kind in [FileKind::Index, FileKind::TimeIndex] {
            let path = file_path(dir, self.base, kind);
            let file = disk.open(&path, OpenOptions::READ.buffered());
            file.and_then(|file| file.sync_all()).context("sync", &path)?;
        }
        Ok(())
    }

    /// Writes both index files anew, without syncing them.
    pub(crate) fn save(&self, disk: &Disk, dir: &Path) -> Result<(), StorageError> {
        let write = |kind, bytes: &[u8]| {
            let path = file_path(dir, self.base, kind);
            disk.write(&path, bytes).context("write", &path)
        };
        write(FileKind::Index, &self.offsets.encode(0))?;
        write(FileKind::TimeIndex, &self.times.encode(0))
    }
}

/// Entries that an active segment's index files do not have yet.
#[derive(Debug)]
pub(crate) struct IndexAddition {
    pub(crate) base: Offset,
    /// Whether what the files hold is to be replaced.
    pub(crate) anew: bool,
    pub(crate) offsets: Vec<u8>,
    pub(crate) times: Vec<u8>,
}

impl IndexAddition {
    /// Appends the entries to the files in `dir`.
    pub(crate) fn save(&self, disk: &Disk, dir: &Path) -> Result<(), StorageError> {
        for (kind, bytes) in [(FileKind::Index, &self.offsets), (FileKind::TimeIndex, &self.times)] {
            let path = file_path(dir, self.base, kind);
            let options = if self.anew { OpenOptions::REPLACE } else { OpenOptions::CREATE };
            let file = disk.open(&path, options.buffered()).context("open", &path)?;
            let end = file.len().context("read", &path)?;
            file.write_all_at(bytes, FilePosition(end.0)).context("write", &path)?;
        }
        Ok(())
    }
}

/// The newest timestamp of a segment of `segment_bytes`, as its time index's last entry tells it (`NONE` if there is no
/// entry). `None` if one of the indexes is missing, or cannot be whole. Reads a few bytes only, since a broker may start
/// with very many segments.
pub(crate) fn peek(
    disk: &Disk,
    dir: &Path,
    base: Offset,
    segment_bytes: u64,
) -> Result<Option<TimestampMs>, StorageError> {
    let offsets = last_entry::<{ index::ENTRY_BYTES }>(disk, &file_path(dir, base, FileKind::Index))?;
    let times = last_entry::<{ time_index::ENTRY_BYTES }>(disk, &file_path(dir, base, FileKind::TimeIndex))?;
    let (Some(offsets), Some(times)) = (offsets, times) else { return Ok(None) };
    if offsets
        .is_some_and(|last| OffsetIndex::decode(base, &last, segment_bytes).is_none_or(|i| i.len() == 0))
    {
        return Ok(None);
    }
    match times {
        None => Ok(Some(TimestampMs::NONE)),
        Some(last) => {
            let decoded = TimeIndex::decode(base, &last).and_then(|times| times.last());
            Ok(decoded.map(|(timestamp, _)| timestamp))
        }
    }
}

/// The last entry of an index file, if it has entries. `None` if there is no such file, or if its entries are not whole.
fn last_entry<const N: usize>(disk: &Disk, path: &Path) -> Result<Option<Option<[u8; N]>>, StorageError> {
    let file = match disk.open(path, OpenOptions::READ.buffered()) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StorageError::io("open", path, error)),
    };
    let len = file.len().context("read", path)?.0;
    if !len.is_multiple_of(N as u64) {
        return Ok(None);
    }
    let Some(at) = len.checked_sub(N as u64) else { return Ok(Some(None)) };
    let mut entry = [0; N];
    file.read_exact_at(&mut entry, FilePosition(at)).context("read", path)?;
    Ok(Some(Some(entry)))
}

fn read(disk: &Disk, path: &Path) -> Result<Option<Vec<u8>>, StorageError> {
    match disk.read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StorageError::io("read", path, error)),
    }
}
