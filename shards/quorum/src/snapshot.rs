//! Snapshots: the records of an image in one file, in place of all entries up to its own.
//!
//! Frames with the snapshot's index hold the records, and a frame without records ends the file.

use std::path::Path;

use metadata::{Image, LogIndex, Record};

use crate::error::QuorumError;
use crate::files;
use crate::frame::{FileKind, HEADER_BYTES, check_header, frame, frame_at, header};

/// A frame is closed when it has grown beyond this.
const FRAME_PAYLOAD_BYTES: usize = 1024 * 1024;

/// Writes the image's records durably. Gives the size of the file.
pub(crate) fn write(dir: &Path, image: &Image, term: u64) -> Result<u64, QuorumError> {
    let index = image.index().0;
    let mut records = image.records().into_iter();
    let mut size = 0;
    let (mut begun, mut ended) = (false, false);
    let parts = std::iter::from_fn(|| {
        if !std::mem::replace(&mut begun, true) {
            return Some(header(FileKind::Snapshot, index));
        }
        if ended {
            return None;
        }
        let mut payload = Vec::new();
        while payload.len() < FRAME_PAYLOAD_BYTES {
            let Some(record) = records.next() else { break };
            record.encode(&mut payload);
        }
        ended = payload.is_empty();
        Some(frame(index, term, &payload))
    });
    let path = files::path(dir, FileKind::Snapshot, index);
    files::write_whole(&path, parts.inspect(|part| size += part.len() as u64))?;
    Ok(size)
}

/// Reads a snapshot, with the size of its file.
pub(crate) fn read(dir: &Path, index: u64) -> Result<(Vec<Record>, u64), QuorumError> {
    let path = files::path(dir, FileKind::Snapshot, index);
    let file = files::read(&path)?;
    check_header(&file, FileKind::Snapshot, index)
        .map_err(|what| QuorumError::Format { path: path.clone(), what })?;
    // A snapshot was complete before it got its name, so nothing of it may be missing or wrong.
    let damaged = |at: usize, what: &str| QuorumError::Format {
        path: path.clone(),
        what: format!("at byte {at} {what}"),
    };
    let (mut records, mut at) = (Vec::new(), HEADER_BYTES);
    loop {
        let frame = frame_at(&file, at).map_err(|what| damaged(at, what))?;
        if frame.index != index {
            return Err(damaged(at, "a frame has another index than the file"));
        }
        at = frame.payload.end;
        let payload = file.get(frame.payload).unwrap_or_default();
        if payload.is_empty() {
            break;
        }
        decode(payload, &mut records).map_err(|source| QuorumError::Record {
            path: path.clone(),
            index: LogIndex(index),
            source,
        })?;
    }
    if at != file.len() {
        return Err(damaged(at, "something follows the end"));
    }
    Ok((records, file.len() as u64))
}

/// Appends the records of a payload to `records`.
pub(crate) fn decode(mut payload: &[u8], records: &mut Vec<Record>) -> Result<(), metadata::DecodeError> {
    while !payload.is_empty() {
        let (record, taken) = Record::decode(payload)?;
        records.extend(record);
        payload = payload.get(taken..).unwrap_or_default();
    }
    Ok(())
}
