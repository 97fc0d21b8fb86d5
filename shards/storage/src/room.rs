//! Room in segment files, made before it is needed: files are opened, extended and filled with zeros in the background,
//! and the next segment is made before this one is full.
//!
//! On a journalling file system a synced write costs milliseconds where it is the first one to its blocks, and a tenth
//! of that where something was written before. So zeros go ahead of the records, unless a log is so fast that writing
//! everything twice would cost more than it gains. A log whose commits go to the journal needs no zeros: nobody waits for
//! what its segment's writes cost.
//!
//! # Invariants
//! - Records are never written where zeros are being written: `usable` ends before.

use std::io;

use reactor::{Chunk, File, Reactor, Sync};
use tracing::warn;
use types::{FilePosition, Offset, TimestampMs};

use crate::commit::{self, resume};
use crate::core::{Core, Operation};
use crate::error::StorageError;
use crate::job::Job;
use crate::log::{Log, Spare, Writing};
use crate::tail::BLOCK_BYTES;

/// How far ahead there is room: as much as the segment holds already, between these bounds.
const ROOM_BYTES_MIN: u64 = 64 * 1024;
const ROOM_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// The same for a fast log.
const ROOM_BYTES_FAST: u64 = 32 * 1024 * 1024;
/// A log that appends more bytes than this in a millisecond is fast: its commits are large, so that what each costs
/// the file system matters less than the bandwidth of the disk.
const FAST_BYTES_PER_MS: u64 = 64 * 1024;
/// Fewer bytes than this say nothing about how fast a log is.
const FAST_BYTES_MIN: u64 = 1024 * 1024;
/// One piece of zeros; a write takes as many as it needs.
const ZEROS_BYTES: usize = 256 * 1024;

/// Zeros that are being written.
#[derive(Debug)]
pub(crate) enum Zeros {
    /// Into the segment that begins there, up to a position.
    Segment(Offset, u64),
    /// Into the file of the next segment.
    Spare(File, u64),
}

impl Log {
    /// Asks for the files that appending will need: that of the first segment which is not written to its end, and more
    /// room in it.
    pub(crate) fn ask_for_room(&mut self, now: TimestampMs) {
        let segment_bytes = u64::from(self.settings.segment_bytes);
        let is_last = self.writing.len() == 1;
        let Some(segment) = self.writing.front_mut() else { return };
        if segment.is_preparing || segment.size == segment.written && segment.file.is_none() {
            return;
        }
        let padded = segment.size.next_multiple_of(BLOCK_BYTES);
        let ahead_max = if segment.is_fast(now) { ROOM_BYTES_FAST } else { ROOM_BYTES_MAX };
        let ahead = padded.clamp(ROOM_BYTES_MIN, ahead_max);
        let most = segment_bytes.next_multiple_of(BLOCK_BYTES).max(padded);
        let wanted = if is_last { (padded + ahead).min(most) } else { padded };
        let Some(file) = &segment.file else {
            segment.is_preparing = true;
            let (base, size) = (segment.base, segment.written);
            self.jobs.push_back(Job::Prepare { base, size, usable: wanted.max(BLOCK_BYTES) });
            return;
        };
        // Room is made when half of what was made ahead is used.
        if segment.usable < padded || is_last && segment.usable < (padded + ahead / 2).min(most) {
            segment.is_preparing = true;
            let (from, file) = (segment.usable, file.clone());
            self.jobs.push_back(Job::Extend { base: segment.base, file, from, to: wanted });
        }
        let nearly_full = segment.size >= segment_bytes / 4 * 3;
        if is_last && nearly_full && matches!(self.spare, Spare::None) && segment_bytes >= ROOM_BYTES_MIN {
            self.spare = Spare::Coming;
            self.jobs.push_back(Job::PrepareNext { usable: ahead.min(most) });
        }
    }
}

impl Writing {
    /// Whether it has grown fast since there was last more room.
    fn is_fast(&self, now: TimestampMs) -> bool {
        let (since, from) = self.room_made;
        let grown = self.size.saturating_sub(from);
        let elapsed_ms = u64::try_from(now.0 - since.0).unwrap_or(0).max(1);
        grown >= FAST_BYTES_MIN && grown / elapsed_ms >= FAST_BYTES_PER_MS
    }
}

/// The files of a segment in which there is more room.
pub(crate) struct RoomFiles {
    /// If it was opened for that.
    pub(crate) opened: Option<File>,
    /// For zeros.
    pub(crate) zeros: File,
}

/// The file of the segment that begins at `base` was extended to `to`.
pub(crate) fn room_made(
    log: &mut Log,
    base: Offset,
    files: RoomFiles,
    to: u64,
    core: &mut Core,
    reactor: &mut Reactor,
) {
    resume(log, core);
    // A segment that has become full meanwhile needs no zeros.
    let is_full = log.writing.back().is_some_and(|last| last.base != base);
    let (id, wants_zeros) = (log.id, log.is_direct && !is_full);
    let Some(segment) = log.writing.iter_mut().find(|segment| segment.base == base) else { return };
    if files.opened.is_some() {
        segment.file = files.opened;
    }
    // What is waiting can be written at once; zeros go behind it.
    segment.usable = segment.size.next_multiple_of(BLOCK_BYTES).clamp(segment.usable, to.max(segment.usable));
    let is_fast = segment.is_fast(core.now);
    segment.room_made = (core.now, segment.size);
    if segment.file.is_some() && segment.usable < to && wants_zeros && !is_fast {
        let zeros = Operation::Zeros(id, Zeros::Segment(base, to));
        write_zeros(&files.zeros, segment.usable, to, zeros, core, reactor);
    } else {
        segment.usable = segment.usable.max(to);
        segment.is_preparing = false;
    }
}

/// The file of the next segment was made.
pub(crate) fn spare_made(log: &mut Log, file: File, usable: u64, core: &mut Core, reactor: &mut Reactor) {
    if !log.is_direct || log.writing.back().is_some_and(|segment| segment.is_fast(core.now)) {
        log.spare = Spare::Ready { file, usable };
        return;
    }
    let zeros = Operation::Zeros(log.id, Zeros::Spare(file.clone(), usable));
    write_zeros(&file, 0, usable, zeros, core, reactor);
}

/// Zeros were written. Without them everything works as well, only slower.
pub(crate) fn zeros_written(log: &mut Log, zeros: Zeros, result: io::Result<()>, core: &mut Core) {
    if let Err(error) = result {
        let error = StorageError::io("write zeros ahead in", &log.origin.path, error);
        if error.is_disk_failure() {
            return commit::go_offline(log, &error, core);
        }
        warn!(log = %log.origin.name, %error, "writing zeros ahead has failed");
    }
    match zeros {
        Zeros::Segment(base, to) => {
            if let Some(segment) = log.writing.iter_mut().find(|segment| segment.base == base) {
                segment.is_preparing = false;
                segment.usable = segment.usable.max(to);
            }
        }
        Zeros::Spare(file, usable) => {
            if matches!(log.spare, Spare::Coming) {
                log.spare = Spare::Ready { file, usable };
            }
        }
    }
    core.mark_dirty(log);
}

fn write_zeros(
    file: &File,
    from: u64,
    to: u64,
    operation: Operation,
    core: &mut Core,
    reactor: &mut Reactor,
) {
    let chunk = core.zeros.get_or_insert_with(|| Chunk::with_capacity(ZEROS_BYTES));
    let mut slices = Vec::new();
    let mut left = to.saturating_sub(from);
    while left > 0 {
        let bytes = left.min(ZEROS_BYTES as u64);
        slices.push(chunk.slice(0..bytes as usize));
        left -= bytes;
    }
    let token = core.begin(operation);
    // Synced here, lest the next commit pays for it.
    reactor.write(file, FilePosition(from), slices, Sync::Data, token);
}

const _: () = assert!((ZEROS_BYTES as u64).is_multiple_of(BLOCK_BYTES));
const _: () = assert!(ROOM_BYTES_MIN.is_multiple_of(BLOCK_BYTES) && ROOM_BYTES_MIN <= ROOM_BYTES_MAX);
