//! Damaged places in segments that readers have come upon, and where the next valid batch lies behind each.
//!
//! A damaged place is looked over once, on an offload thread, and told once. After that reads of what lies behind it pass it
//! by, and reads of what lay in it fail: nothing is left out of an answer without the reader knowing.
//!
//! # Not here
//! Damage that opening a log finds (`check.rs`).

use std::collections::BTreeMap;
use std::io;

use reactor::{File, OpenOptions};
use record::{BATCH_HEADER_BYTES, BatchHeader};
use tracing::error;
use types::{FilePosition, Offset};

use crate::error::{Context, StorageError};
use crate::layout::{FileKind, file_path};
use crate::open_segments::SegmentKey;
use crate::reader::ColdRead;
use crate::recover::Origin;
use crate::resync;

/// More damaged places than this in one store are looked over again when they are met again.
const PLACES_MAX: usize = 4096;

/// Where the next valid batch begins, and its first offset; `None` if there is none in the segment.
pub(crate) type Next = Option<(u64, Offset)>;

/// A place: the segment, and where in it the damage begins.
pub(crate) type Place = (SegmentKey, u64);

/// An offload thread has looked over a place.
#[derive(Debug)]
pub(crate) struct Searched {
    pub(crate) place: Place,
    /// How the log's segments were named when it was asked to.
    pub(crate) layout: u64,
    pub(crate) result: Result<Next, StorageError>,
}

/// The damaged places of a store, and reads that wait for one to be looked over.
#[derive(Debug, Default)]
pub(crate) struct DamagedPlaces {
    known: BTreeMap<Place, Next>,
    searching: BTreeMap<Place, Vec<ColdRead>>,
}

impl DamagedPlaces {
    /// What lies behind a place, if it was looked over.
    pub(crate) fn next(&self, place: Place) -> Option<Next> {
        self.known.get(&place).copied()
    }

    /// Keeps a read until the place is looked over. True if the caller has to have that done.
    pub(crate) fn wait(&mut self, place: Place, read: ColdRead) -> bool {
        let waiting = self.searching.entry(place).or_default();
        waiting.push(read);
        waiting.len() == 1
    }

    /// Takes in what lies behind a place. Returns the reads that have waited for that.
    pub(crate) fn searched(&mut self, place: Place, next: Option<Next>) -> Vec<ColdRead> {
        if self.known.len() >= PLACES_MAX {
            self.known.clear();
        }
        self.known.extend(next.map(|next| (place, next)));
        self.searching.remove(&place).unwrap_or_default()
    }

    /// Segments of a log are gone, or other than they were.
    pub(crate) fn forget(&mut self, is_gone: impl Fn(SegmentKey) -> bool) {
        self.known.retain(|(key, _), _| !is_gone(*key));
    }
}

/// Looks for the next valid batch behind the damage at `position`, in a segment whose batches end at `end`, and tells of
/// it. For an offload thread.
pub(crate) fn search(
    origin: &Origin,
    segment: Offset,
    (position, end): (u64, u64),
    what: &str,
) -> Result<Next, StorageError> {
    let path = file_path(&origin.path, segment, FileKind::Log);
    let file = origin.disk().open(&path, OpenOptions::READ.buffered()).context("open", &path)?;
    let end = end.min(file.len().context("read", &path)?.0);
    let next = next_valid(&file, position, end, segment).context("read", &path)?;
    let (log, file) = (&origin.name, path.display());
    match next {
        Some((at, offset)) => error!(
            "{log}: {file} is damaged at position {position}: {what}. The next valid batch is at position {at} and \
             begins with offset {offset}; reads from there on go on, those of the records before it fail"
        ),
        None => error!(
            "{log}: {file} is damaged at position {position}: {what}. No valid batch follows in this file; reads of the \
             records there fail, and those of the next files go on"
        ),
    }
    Ok(next)
}

fn next_valid(file: &File, position: u64, end: u64, base: Offset) -> io::Result<Next> {
    // Where the damaged batch says that it ends is a better guess than any: its records may hold batches, too.
    let claimed = header_at(file, position, end)?.map(|header| position + header.batch_len_bytes as u64);
    let claimed = match claimed {
        Some(at) if resync::is_batch_at(file, at, end, base)? => Some(at),
        _ => None,
    };
    let found = match claimed {
        Some(at) => Some(at),
        None => resync::next_batch(file, position + 1, end, base)?,
    };
    let Some(at) = found else { return Ok(None) };
    Ok(header_at(file, at, end)?.map(|header| (at, header.base_offset)))
}

fn header_at(file: &File, position: u64, end: u64) -> io::Result<Option<BatchHeader>> {
    if position.saturating_add(BATCH_HEADER_BYTES as u64) > end {
        return Ok(None);
    }
    let mut bytes = [0; BATCH_HEADER_BYTES];
    file.read_exact_at(&mut bytes, FilePosition(position))?;
    Ok(BatchHeader::parse(&bytes).ok())
}
