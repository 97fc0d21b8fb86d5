//! Reads of batches that are no longer in memory.
//!
//! A read asks the disk for a window: from where the index says, as long as the reader wants bytes. What comes back
//! begins somewhat before the batch that was asked for and ends within another one; whole batches are cut out of it. If
//! the window holds none, there is another window.
//!
//! # Invariants
//! - Only whole batches are answered, none reaching beyond the limit, and at least one if there is one.
//! - A read never goes beyond what was written when its window was asked for.
//!
//! # Not here
//! Checksums: the reader at the other end compares them, as with Kafka. Only what makes finding batches impossible is
//! noticed here.

use std::sync::Arc;

use bytes::Bytes;
use reactor::{File, Reactor};
use record::{BATCH_HEADER_BYTES, RecordError, batches};
use types::{FilePosition, Offset};

use crate::core::Message;
use crate::core::{Core, Operation};
use crate::error::StorageError;
use crate::layout::{FileKind, file_path};
use crate::log::Log;
use crate::open_segments::{OpenSegment, OpenSegments, Opened};
use crate::outcome::Outcome;
use crate::store::{LogId, ReadId};

/// The longest window. A reader that wants more gets the rest with its next read.
const WINDOW_BYTES_MAX: usize = 2 * 1024 * 1024;
/// The shortest: an index entry points about so far ahead of the batch that is looked for.
const WINDOW_BYTES_MIN: usize = 16 * 1024;

/// A read that goes to the disk.
#[derive(Debug)]
pub(crate) struct ColdRead {
    pub(crate) id: ReadId,
    pub(crate) log: LogId,
    pub(crate) from: Offset,
    pub(crate) up_to: Offset,
    pub(crate) bytes_max: usize,
    /// The segment that is read.
    segment: Offset,
    /// Where the window begins in it.
    position: u64,
    window_bytes: usize,
    /// Where its batches end.
    end: u64,
    /// Present while a window is being read.
    file: Option<File>,
}

/// What a window held.
enum Found {
    Batches(Bytes),
    /// Nothing that may be answered lies behind.
    Nothing,
    /// The batch that was asked for lies further on; the next window is to begin there and be so long.
    Further {
        position: u64,
        bytes: usize,
    },
    /// The segment ends without it.
    NextSegment,
    Damaged {
        position: u64,
        what: String,
    },
}

impl ColdRead {
    pub(crate) fn new(id: ReadId, log: LogId, from: Offset, up_to: Offset, bytes_max: usize) -> Self {
        Self {
            id,
            log,
            from,
            up_to,
            bytes_max,
            segment: Offset::NONE,
            position: 0,
            window_bytes: bytes_max.saturating_add(WINDOW_BYTES_MIN).min(WINDOW_BYTES_MAX),
            end: 0,
            file: None,
        }
    }

    /// The last segment that begins at or below the offset it looks for.
    fn first_segment(&self, log: &Log) -> Option<Offset> {
        let sealed = log.sealed.partition_point(|segment| segment.base <= self.from);
        let writing = log.writing.iter().rev().find(|segment| segment.base <= self.from);
        writing
            .map(|segment| segment.base)
            .or_else(|| sealed.checked_sub(1).and_then(|i| log.sealed.get(i)).map(|segment| segment.base))
    }
}

/// Begins a read in the segment that holds its first offset.
pub(crate) fn start(
    mut read: Box<ColdRead>,
    log: &Log,
    open: &mut OpenSegments,
    core: &mut Core,
    reactor: &mut Reactor,
) {
    match read.first_segment(log) {
        Some(segment) => {
            read.segment = segment;
            enter_segment(read, log, open, core, reactor);
        }
        None => done(&read, Ok(Vec::new()), core),
    }
}

/// Reads the first window in `read.segment`.
pub(crate) fn enter_segment(
    mut read: Box<ColdRead>,
    log: &Log,
    open: &mut OpenSegments,
    core: &mut Core,
    reactor: &mut Reactor,
) {
    let key = (log.id, read.segment);
    let (file, position, end) = if let Some(writing) = log.writing.iter().find(|w| w.base == read.segment) {
        let file = writing.file.clone().or_else(|| open.get(key).map(|segment| segment.file.clone()));
        (file, writing.index.offsets.position_before(read.from), writing.written)
    } else if let Ok(i) = log.sealed.binary_search_by_key(&read.segment, |segment| segment.base) {
        let found = open.get(key);
        let position = found.as_ref().map_or(0, |found| found.index.offsets.position_before(read.from));
        let end = log.sealed.get(i).map_or(0, |segment| segment.bytes);
        (found.map(|found| found.file.clone()), position, end)
    } else {
        // It was removed meanwhile.
        let error = StorageError::OffsetOutOfRange {
            asked: read.from,
            log_start: log.log_start,
            log_end: log.log_end,
        };
        return done(&read, Err(error), core);
    };
    read.end = end;
    read.position = u64::from(position);
    if read.position >= end {
        return next_segment(read, log, open, core, reactor);
    }
    read.file = file;
    if read.file.is_some() {
        return read_window(read, core, reactor);
    }
    let segment = read.segment;
    if open.wait(key, *read) {
        let (origin, messages) = (log.origin.clone(), core.messages.clone());
        reactor.offload(move || {
            let result = crate::open_segments::open(origin.disk(), &origin.path, segment, end);
            // It fails when the store is gone: then nobody wants to know.
            let _ = messages.send(Message::Opened(Opened { key, result }));
        });
    }
}

/// A segment that reads have waited for is open, or cannot be opened.
pub(crate) fn on_opened(
    opened: Opened,
    log: Option<&Log>,
    open: &mut OpenSegments,
    core: &mut Core,
    reactor: &mut Reactor,
) {
    let Opened { key, result } = opened;
    let (segment, error) = match result {
        Ok((file, index)) => (log.map(|_| OpenSegment { file, index: Arc::new(index) }), None),
        Err(error) => (None, Some(error)),
    };
    for read in open.opened(key, segment, core.settings.open_segments_max) {
        match (log, &error) {
            (None, _) => done(&read, Err(StorageError::UnknownLog), core),
            (Some(log), Some(error)) if log.bases().any(|base| base == read.segment) => {
                done(&read, Err(error.clone()), core);
            }
            // Its files have gone with the segment: what is there now decides.
            (Some(log), _) => enter_segment(Box::new(read), log, open, core, reactor),
        }
    }
}

/// A window has come.
pub(crate) fn on_window(
    mut read: Box<ColdRead>,
    result: std::io::Result<Bytes>,
    log: &Log,
    open: &mut OpenSegments,
    core: &mut Core,
    reactor: &mut Reactor,
) {
    let path = || file_path(&log.origin.path, read.segment, FileKind::Log);
    let bytes = match result {
        Ok(bytes) => bytes,
        Err(error) => {
            let error = StorageError::io("read", &path(), error);
            return done(&read, Err(error), core);
        }
    };
    match look(&read, &bytes) {
        Found::Batches(found) => done(&read, Ok(vec![found]), core),
        Found::Nothing => done(&read, Ok(Vec::new()), core),
        Found::Damaged { position, what } => {
            let error =
                StorageError::Damaged { file: path(), position: FilePosition(position), what: what.into() };
            done(&read, Err(error), core);
        }
        Found::NextSegment => next_segment(read, log, open, core, reactor),
        Found::Further { position, bytes } => {
            read.position = position;
            read.window_bytes = bytes.max(read.window_bytes);
            read_window(read, core, reactor);
        }
    }
}

/// Ends a read.
pub(crate) fn done(read: &ColdRead, result: Result<Vec<Bytes>, StorageError>, core: &mut Core) {
    core.outcomes.push_back(Outcome::ReadDone { id: read.id, result });
}

fn next_segment(
    mut read: Box<ColdRead>,
    log: &Log,
    open: &mut OpenSegments,
    core: &mut Core,
    reactor: &mut Reactor,
) {
    // What is not yet written lies in memory, where the reader's next attempt finds it.
    match log.bases().find(|base| *base > read.segment) {
        Some(base) if base < read.up_to => {
            read.segment = base;
            enter_segment(read, log, open, core, reactor);
        }
        _ => done(&read, Ok(Vec::new()), core),
    }
}

fn read_window(mut read: Box<ColdRead>, core: &mut Core, reactor: &mut Reactor) {
    let Some(file) = read.file.take() else {
        return done(&read, Err(StorageError::UnknownLog), core);
    };
    read.file = Some(file.clone());
    let left = usize::try_from(read.end - read.position).unwrap_or(usize::MAX);
    let (position, len) = (FilePosition(read.position), read.window_bytes.min(left));
    let token = core.begin(Operation::Read(read));
    reactor.read(&file, position, len, token);
}

/// Looks for the read's batches in its window.
fn look(read: &ColdRead, window: &Bytes) -> Found {
    let asked = usize::try_from(read.end - read.position).unwrap_or(usize::MAX).min(read.window_bytes);
    if window.len() < asked {
        let position = read.position + window.len() as u64;
        return Found::Damaged { position, what: "the file ends before its last batch does".to_owned() };
    }
    let (mut at, mut first) = (0, None);
    for batch in batches(window) {
        let header = match batch {
            Ok((header, _)) => header,
            Err(error) => {
                let position = read.position + at as u64;
                if let Some(first) = first {
                    return Found::Batches(window.slice(first..at));
                }
                return not_whole(read, &error, position);
            }
        };
        let end = at + header.batch_len_bytes;
        if header.last_offset() >= read.from {
            if header.next_offset() > read.up_to {
                return first.map_or(Found::Nothing, |first| Found::Batches(window.slice(first..at)));
            }
            let first = *first.get_or_insert(at);
            if end - first > read.bytes_max {
                // The first batch comes in any case.
                let to = if first == at { end } else { at };
                return Found::Batches(window.slice(first..to));
            }
        }
        at = end;
    }
    match first {
        Some(first) => Found::Batches(window.slice(first..at)),
        None if read.position + at as u64 >= read.end => Found::NextSegment,
        None => Found::Further { position: read.position + at as u64, bytes: 0 },
    }
}

/// A window ends within a batch that may be the one that is looked for, or there is no batch.
fn not_whole(read: &ColdRead, error: &RecordError, position: u64) -> Found {
    match error {
        RecordError::Truncated { needed, .. } if position + *needed as u64 <= read.end => {
            // A header that is cut off does not tell the batch's length yet.
            let bytes = (*needed).max(BATCH_HEADER_BYTES);
            Found::Further { position, bytes }
        }
        error => Found::Damaged { position, what: error.to_string() },
    }
}

const _: () = assert!(WINDOW_BYTES_MIN > BATCH_HEADER_BYTES);
