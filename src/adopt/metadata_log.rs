//! Reading the folder of Kafka's metadata log, `__cluster_metadata-0`: the newest snapshot, and what was appended since.
//!
//! ```text
//! <end offset, 20 digits>-<epoch, 10 digits>.checkpoint   a snapshot: the records of everything below the end offset
//! <base offset, 20 digits>.log                            batches, as in any partition
//! ```

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use protocol::kraft::MetadataRecord;
use record::{DECOMPRESSED_BYTES_MAX, decompress};
use storage::{DumpEntry, SegmentDump};
use types::{LeaderEpoch, Offset};

use super::AdoptError;
use super::cluster::Cluster;

/// What a folder holds.
#[derive(Debug)]
pub struct KafkaMetadata {
    pub cluster: Cluster,
    /// The offset behind the last record, and the epoch in which it was written.
    pub end: Offset,
    pub epoch: LeaderEpoch,
}

/// Reads the folder.
pub fn read(dir: &Path) -> Result<KafkaMetadata, AdoptError> {
    let (snapshot, segments) = list(dir)?;
    let mut log = KafkaMetadata { cluster: Cluster::default(), end: Offset::ZERO, epoch: LeaderEpoch::NONE };
    if let Some((end, path)) = snapshot {
        log.snapshot(&path)?;
        log.end = end;
    }
    let mut has_begun = false;
    for (at, (base, path)) in segments.iter().enumerate() {
        let next = segments.get(at + 1).map(|(next, _)| *next);
        if next.is_some_and(|next| next <= log.end) {
            continue;
        }
        // Only at the beginning may the log reach back behind the snapshot.
        let fits = if has_begun { *base == log.end } else { *base <= log.end };
        if !fits {
            let what = format!("begins at offset {base}, but what comes before ends at {}", log.end);
            return Err(AdoptError::Unexpected { path: path.clone(), what });
        }
        has_begun = true;
        log.segment(path)?;
    }
    Ok(log)
}

/// The newest snapshot with its end offset, and the segments in their order.
#[expect(clippy::type_complexity, reason = "read once, right above")]
fn list(dir: &Path) -> Result<(Option<(Offset, PathBuf)>, Vec<(Offset, PathBuf)>), AdoptError> {
    let (mut snapshot, mut segments) = (None, Vec::new());
    for entry in fs::read_dir(dir).map_err(AdoptError::io("list", dir))? {
        let path = entry.map_err(AdoptError::io("list", dir))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        match name.rsplit_once('.') {
            Some((name, "checkpoint")) => {
                let id = name
                    .split_once('-')
                    .and_then(|(end, epoch)| Some((Offset(end.parse().ok()?), epoch.parse::<i32>().ok()?)));
                if let Some(id) = id {
                    snapshot = snapshot.max(Some((id, path)));
                }
            }
            Some((name, "log")) => {
                if let Ok(base) = name.parse() {
                    segments.push((Offset(base), path));
                }
            }
            _ => {}
        }
    }
    segments.sort();
    Ok((snapshot.map(|((end, _), path)| (end, path)), segments))
}

impl KafkaMetadata {
    fn snapshot(&mut self, path: &Path) -> Result<(), AdoptError> {
        let mut ends = false;
        batches(path, |_, header, batch| {
            ends = header.is_control();
            if ends { Ok(()) } else { self.records(batch, Offset::ZERO) }
        })?;
        // A control record says that it is complete.
        if ends {
            return Ok(());
        }
        let what = "the snapshot is not complete: its end is missing".to_owned();
        Err(AdoptError::Unexpected { path: path.to_owned(), what })
    }

    fn segment(&mut self, path: &Path) -> Result<(), AdoptError> {
        batches(path, |_, header, batch| {
            if header.next_offset() <= self.end {
                return Ok(());
            }
            if header.base_offset > self.end {
                return Err(format!("offsets {} to {} are missing", self.end, header.base_offset.0 - 1));
            }
            if !header.is_control() {
                self.records(batch, self.end)?;
            }
            self.end = header.next_offset();
            self.epoch = header.partition_leader_epoch;
            Ok(())
        })
    }

    /// Applies the records of a batch from the offset `from` on.
    fn records(&mut self, batch: &[u8], from: Offset) -> Result<(), String> {
        let records = decompress(batch, DECOMPRESSED_BYTES_MAX).map_err(|error| error.to_string())?;
        for record in &records {
            let record = record.map_err(|error| error.to_string())?;
            if record.offset < from {
                continue;
            }
            let value = Bytes::copy_from_slice(record.value.unwrap_or_default());
            let told = |what: String| format!("the record at offset {}: {what}", record.offset);
            let decoded = MetadataRecord::decode(&value).map_err(|error| told(error.to_string()))?;
            self.cluster.apply(decoded).map_err(told)?;
        }
        Ok(())
    }
}

/// Calls `each` with the position, header and bytes of every batch of a file; its error says what is wrong with one.
fn batches(
    path: &Path,
    mut each: impl FnMut(u64, &record::BatchHeader, &[u8]) -> Result<(), String>,
) -> Result<(), AdoptError> {
    let opened = File::open(path).and_then(|file| Ok((file.metadata()?.len(), file)));
    let (len, file) = opened.map_err(AdoptError::io("open", path))?;
    let damaged = |position: types::FilePosition, what| AdoptError::Damaged {
        path: path.to_owned(),
        position: position.0,
        what,
    };
    for entry in SegmentDump::new(file, len) {
        match entry.map_err(AdoptError::io("read", path))? {
            DumpEntry::Batch { position, header, bytes } => {
                each(position.0, &header, &bytes).map_err(|what| damaged(position, what))?;
            }
            DumpEntry::Problem { position, what } => return Err(damaged(position, what)),
            DumpEntry::Zeros { .. } => break,
        }
    }
    Ok(())
}
