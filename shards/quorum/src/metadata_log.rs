//! The metadata log of a quorum of one: entries in files, and snapshots in place of old entries.
//!
//! [`crate::files`] has the names and [`crate::frame`] the bytes of the files. The payload of an entry's frame is its
//! records, one after the other.
//!
//! # Invariants
//! - An index that [`MetadataLog::propose`] gave is durable, and so is every one before it.
//! - Only the last frame of the last file can be torn by a crash, since nothing is written before the previous frame is
//!   durable. A torn frame was never committed and is cut off; any other damage refuses to start.
//! - Entries are removed only when a snapshot that has them is durable.
//!
//! # Not here
//! What records mean (`metadata`), and who proposes them (`controller`).

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use metadata::{Image, LogIndex, Record};

use crate::error::QuorumError;
use crate::files::{self, io};
use crate::frame::{
    FileKind, HEADER_BYTES, PAYLOAD_BYTES_MAX, check_header, frame, frame_at, header, intact_frame_after,
};
use crate::snapshot;

/// The term of all entries: a quorum of one elects nobody.
const TERM: u64 = 1;

/// Less than this is quicker read again than replaced by a snapshot.
const SNAPSHOT_AFTER_BYTES: u64 = 4 * 1024 * 1024;

/// A committed entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its position.
    pub index: LogIndex,
    /// Its records, which happened together.
    pub records: Vec<Record>,
}

/// The end of the last file, where a crash has cut a write short. It was never committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TornWrite {
    /// The file.
    pub file: PathBuf,
    /// Where the write begins.
    pub position: u64,
    /// What of it is there.
    pub bytes: u64,
    /// How it was recognised.
    pub what: String,
}

/// The metadata log. Lives on the control thread for as long as the node does; its calls block on the disk.
#[derive(Debug)]
pub struct MetadataLog {
    dir: PathBuf,
    active: Active,
    last: LogIndex,
    /// Bytes of entries since the snapshot, and of the snapshot itself.
    entries_bytes: u64,
    snapshot_bytes: u64,
    /// Kept open: its lock keeps other processes out.
    _lock: File,
}

/// The file to which entries are added.
#[derive(Debug)]
struct Active {
    path: PathBuf,
    file: File,
    /// Where the next frame goes.
    end: u64,
    /// Whether an error left open what is in the file.
    closed: bool,
}

impl MetadataLog {
    /// Opens the log in `dir`, which is created if need be, and gives everything that is committed, oldest first. The
    /// first entry may be a snapshot: the records of all entries up to its index.
    ///
    /// # Errors
    /// If a file cannot be used; the error says which, and what to do. Nothing was changed then.
    pub fn open(dir: &Path) -> Result<(Self, Vec<Entry>), QuorumError> {
        let lock = files::open_dir(dir)?;
        files::remove_temporary(dir)?;
        let (replay, snapshot_bytes) = Replay::whole(dir)?;
        if let Some(torn) = &replay.torn {
            let (file, position, bytes) = (torn.file.display(), torn.position, torn.bytes);
            tracing::warn!(%file, position, bytes, "cut a torn write off: {}", torn.what);
        }
        let Replay { entries, last, bytes, end, .. } = replay;
        let active = match end {
            Some((first, end)) => Active::open(dir, first, end)?,
            None => Active::create(dir, last)?,
        };
        let mut log =
            Self { dir: dir.to_owned(), active, last, entries_bytes: bytes, snapshot_bytes, _lock: lock };
        log.remove_replaced()?;
        Ok((log, entries))
    }

    /// Reads the log in `dir` without changing anything: everything that is committed, as [`MetadataLog::open`] gives
    /// it, and where a write was torn. Only while no broker runs on it.
    ///
    /// # Errors
    /// What would keep the log from being opened.
    pub fn read(dir: &Path) -> Result<(Vec<Entry>, Option<TornWrite>), QuorumError> {
        let (replay, _) = Replay::whole(dir)?;
        Ok((replay.entries, replay.torn))
    }

    /// The position of the last committed entry.
    #[must_use]
    pub fn last(&self) -> LogIndex {
        self.last
    }

    /// Makes `records` one entry, durable on a majority of the quorum, which commits it.
    ///
    /// # Errors
    /// If it is not committed. After [`QuorumError::Closed`] nothing will be until the log is opened again.
    pub fn propose(&mut self, records: &[Record]) -> Result<LogIndex, QuorumError> {
        let mut payload = Vec::new();
        for record in records {
            record.encode(&mut payload);
        }
        if payload.len() > PAYLOAD_BYTES_MAX {
            return Err(QuorumError::TooLarge { bytes: payload.len(), bytes_max: PAYLOAD_BYTES_MAX });
        }
        let index = self.last.next();
        let bytes = frame(index.0, TERM, &payload);
        self.active.append(&bytes)?;
        self.entries_bytes += bytes.len() as u64;
        self.last = index;
        Ok(index)
    }

    /// Whether the log has grown so much that [`MetadataLog::snapshot`] should be called: entries take as much as the
    /// last snapshot does, so that all snapshots together cost no more than the entries did.
    #[must_use]
    pub fn wants_snapshot(&self) -> bool {
        self.entries_bytes > SNAPSHOT_AFTER_BYTES.max(self.snapshot_bytes)
    }

    /// Writes a snapshot of the image, and removes the entries that are in it.
    ///
    /// # Errors
    /// If a file cannot be written. The log is intact then, and can be used.
    pub fn snapshot(&mut self, image: &Image) -> Result<(), QuorumError> {
        if image.index() > self.last {
            // A programmer's error: such a snapshot would commit what nobody proposed.
            let what = format!("a snapshot of entry {} beyond the last one", image.index().0);
            return Err(QuorumError::Format { path: self.dir.clone(), what });
        }
        self.snapshot_bytes = snapshot::write(&self.dir, image, TERM)?;
        if image.index() == self.last && !self.active.closed {
            self.active = Active::create(&self.dir, self.last)?;
            self.entries_bytes = 0;
        }
        self.remove_replaced()
    }

    /// Removes the snapshots before the last one, and the files whose entries are all in it.
    fn remove_replaced(&mut self) -> Result<(), QuorumError> {
        let (snapshots, firsts) = files::list(&self.dir)?;
        let Some((last, older)) = snapshots.split_last() else { return Ok(()) };
        for index in older {
            files::remove(&files::path(&self.dir, FileKind::Snapshot, *index))?;
        }
        for pair in firsts.windows(2) {
            // The entries of a file end where those of the next begin.
            if let [first, next] = pair
                && *next <= last + 1
            {
                files::remove(&files::path(&self.dir, FileKind::Entries, *first))?;
            }
        }
        files::sync_dir(&self.dir)
    }
}

impl Active {
    /// A new file for the entries after `last`.
    fn create(dir: &Path, last: LogIndex) -> Result<Self, QuorumError> {
        let first = last.next().0;
        let path = files::path(dir, FileKind::Entries, first);
        files::write_whole(&path, std::iter::once(header(FileKind::Entries, first)))?;
        Self::open(dir, first, HEADER_BYTES as u64)
    }

    /// The file whose first entry has the index `first`, of which everything from `end` on is cut off.
    fn open(dir: &Path, first: u64, end: u64) -> Result<Self, QuorumError> {
        let path = files::path(dir, FileKind::Entries, first);
        let mut file = OpenOptions::new().write(true).open(&path).map_err(io("open", &path))?;
        if file.metadata().map_err(io("read", &path))?.len() > end {
            file.set_len(end).and_then(|()| file.sync_all()).map_err(io("cut", &path))?;
        }
        file.seek(SeekFrom::Start(end)).map_err(io("read", &path))?;
        Ok(Self { path, file, end, closed: false })
    }

    /// Adds a frame durably.
    fn append(&mut self, frame: &[u8]) -> Result<(), QuorumError> {
        if self.closed {
            return Err(QuorumError::Closed { path: self.path.clone() });
        }
        if let Err(error) = self.file.write_all(frame) {
            // A full disk, say. The file is usable if it can be made as it was.
            let undone = self.file.set_len(self.end).and_then(|()| self.file.sync_all());
            let undone = undone.and_then(|()| self.file.seek(SeekFrom::Start(self.end)));
            self.closed = undone.is_err();
            return Err(io("write", &self.path)(error));
        }
        if let Err(error) = self.file.sync_data() {
            // The kernel may have dropped the pages that it could not write: a second sync would lie.
            self.closed = true;
            return Err(io("sync", &self.path)(error));
        }
        self.end += frame.len() as u64;
        Ok(())
    }
}

/// Reads files of entries in their order.
struct Replay<'a> {
    dir: &'a Path,
    entries: Vec<Entry>,
    /// The last entry that was read, or is in the snapshot.
    last: LogIndex,
    /// Bytes of the entries that are not in the snapshot.
    bytes: u64,
    /// The file that can be added to, by its first index, and its end.
    end: Option<(u64, u64)>,
    torn: Option<TornWrite>,
}

impl<'a> Replay<'a> {
    /// Reads all of a folder, with the size of its snapshot.
    fn whole(dir: &'a Path) -> Result<(Self, u64), QuorumError> {
        let (snapshots, firsts) = files::list(dir)?;
        let (mut entries, mut snapshot_bytes) = (Vec::new(), 0);
        let mut last = LogIndex(0);
        if let Some(index) = snapshots.last() {
            let (records, bytes) = snapshot::read(dir, *index)?;
            last = LogIndex(*index);
            snapshot_bytes = bytes;
            entries.push(Entry { index: last, records });
        }
        let mut replay = Self { dir, entries, last, bytes: 0, end: None, torn: None };
        for (n, first) in firsts.iter().enumerate() {
            replay.file(*first, n + 1 == firsts.len())?;
        }
        Ok((replay, snapshot_bytes))
    }

    fn file(&mut self, first: u64, is_last: bool) -> Result<(), QuorumError> {
        if first > self.last.next().0 {
            return Err(QuorumError::Gap { dir: self.dir.to_owned(), from: self.last.next() });
        }
        let path = files::path(self.dir, FileKind::Entries, first);
        let file = files::read(&path)?;
        check_header(&file, FileKind::Entries, first)
            .map_err(|what| QuorumError::Format { path: path.clone(), what })?;
        let (mut at, mut next) = (HEADER_BYTES, first);
        while at < file.len() {
            let frame = match frame_at(&file, at) {
                Ok(frame) if frame.index == next => frame,
                other => {
                    let what = other.err().unwrap_or("a frame has not the index that follows");
                    if !is_last || intact_frame_after(&file, at, next) {
                        let position = at as u64;
                        return Err(QuorumError::Damaged { path, position, what: what.to_owned() });
                    }
                    let bytes = file.len() - at;
                    let (file, position) = (path.clone(), at as u64);
                    self.torn =
                        Some(TornWrite { file, position, bytes: bytes as u64, what: what.to_owned() });
                    break;
                }
            };
            let bytes = file.get(frame.payload.clone()).unwrap_or_default();
            self.entry(&path, LogIndex(next), bytes)?;
            at = frame.payload.end;
            next += 1;
        }
        // A file that ends before the snapshot does cannot be added to: its indexes would have a gap.
        self.end = (next == self.last.next().0).then_some((first, at as u64));
        Ok(())
    }

    fn entry(&mut self, path: &Path, index: LogIndex, payload: &[u8]) -> Result<(), QuorumError> {
        if index <= self.last {
            // It is in the snapshot, or in a file before this one.
            return Ok(());
        }
        let mut records = Vec::new();
        snapshot::decode(payload, &mut records).map_err(|source| QuorumError::Record {
            path: path.to_owned(),
            index,
            source,
        })?;
        self.bytes += payload.len() as u64;
        self.last = index;
        self.entries.push(Entry { index, records });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_cannot_be_undone_closes_the_log_until_it_is_opened_again() {
        let dir = tempfile::tempdir().expect("a folder");
        let (mut log, _) = MetadataLog::open(dir.path()).expect("the log opens");
        log.propose(&[]).expect("committed");
        // A device that is always full, and whose length cannot be set.
        log.active.file = OpenOptions::new().write(true).open("/dev/full").expect("it is there");
        assert!(matches!(log.propose(&[]), Err(QuorumError::Io { action: "write", .. })));
        assert!(matches!(log.propose(&[]), Err(QuorumError::Closed { .. })));
        assert_eq!(log.last(), LogIndex(1));
        drop(log);
        let (mut log, entries) = MetadataLog::open(dir.path()).expect("the log opens");
        assert_eq!(entries.len(), 1);
        assert_eq!(log.propose(&[]).expect("committed"), LogIndex(2));
    }
}
