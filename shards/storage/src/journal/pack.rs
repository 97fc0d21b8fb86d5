//! Filling and starting commits of a journal, and what follows from them.
//!
//! # Hot path
//! Each batch is copied once into the commit. One buffer is used again and again.

use std::io;
use std::time::Instant;

use reactor::{Chunk, ChunkSlice, File, Reactor, Sync};
use record::crc32c;
use slab::Slab;
use tracing::error;
use types::FilePosition;

use crate::core::{Core, Operation};
use crate::error::StorageError;
use crate::journal::format::{
    BLOCK_BYTES, COMMIT_HEADER_BYTES, CommitHeader, ENTRY_HEADER_BYTES, EntryHeader, Kind,
};
use crate::journal::{COMMIT_BYTES_MAX, Content, Flight, Journal, Part, State, Void};
use crate::log::{InFlight, Log};
use crate::store::{LogId, find};

/// Starts the next commit of every journal that has none under way. Returns whether logs were refused: these have to be
/// looked at once more.
pub(crate) fn start_commits(logs: &mut Slab<Log>, core: &mut Core, reactor: &mut Reactor) -> bool {
    let mut refused = Vec::new();
    for index in 0..core.journals.len() {
        let Some(journal) = core.journals.get_mut(index) else { break };
        if journal.flight.is_some() || journal.waiting.is_empty() {
            continue;
        }
        let Some(write) = journal.pack(logs, &mut refused) else { continue };
        let token = core.begin(Operation::Journal(index));
        reactor.write(&write.file, write.at, vec![write.slice], write.sync, token);
    }
    for id in &refused {
        if let Some(log) = find(logs, *id) {
            log.journal.was_refused = true;
            core.mark_dirty(log);
        }
    }
    !refused.is_empty()
}

/// A commit of journal `index` has ended. Returns the logs for which more may begin now (`settle`).
pub(crate) fn finish(
    index: usize,
    result: io::Result<()>,
    logs: &mut Slab<Log>,
    core: &mut Core,
) -> Vec<LogId> {
    let Some(journal) = core.journals.get_mut(index) else { return Vec::new() };
    let Some(Flight { parts, began, bytes }) = journal.flight.take() else { return Vec::new() };
    let has_failed = result.is_err();
    core.figures.journal_commits.note(began, bytes, !has_failed);
    if let Err(cause) = result {
        journal.fail(cause);
    }
    let mut settled = Vec::new();
    for Part { log: id, what } in parts {
        let Some(log) = find(logs, id) else { continue };
        log.journal.is_in_flight = false;
        match what {
            // Nobody is told of a log that has gone offline meanwhile.
            Content::Records { to, to_byte } if !has_failed && !log.is_offline() => {
                log.made_durable(to, to_byte, core);
            }
            Content::Records { .. } => {}
            Content::Void => {
                log.journal.void = if has_failed { Void::Wanted } else { Void::Done };
                settled.push(id);
            }
        }
        core.mark_dirty(log);
        if !log.is_open() {
            settled.push(id);
        }
    }
    settled
}

/// A commit that is ready to be written.
struct Write {
    file: File,
    at: FilePosition,
    slice: ChunkSlice,
    sync: Sync,
}

impl Journal {
    /// Packs what the waiting logs have into a commit. Those for which there is no room are moved to `refused` unless a
    /// later commit will have room for them.
    fn pack(&mut self, logs: &mut Slab<Log>, refused: &mut Vec<LogId>) -> Option<Write> {
        let State::Ready { file, id, .. } = &self.state else {
            self.refuse_all(logs, refused);
            return None;
        };
        let (file, id) = (file.clone(), *id);
        let room = usize::try_from(self.ring.room()).unwrap_or(usize::MAX).min(COMMIT_BYTES_MAX);
        let mut buffer = match self.buffer.take().and_then(|buffer| buffer.emptied().ok()) {
            Some(buffer) => buffer,
            None => Chunk::with_capacity(COMMIT_BYTES_MAX),
        };
        let bytes = buffer.spare(room)?;
        let (parts, end) = self.fill(bytes, logs, refused);
        if room < COMMIT_BYTES_MAX || parts.is_empty() {
            // The ring is nearly full, and what is left must not wait until it is not; or something is too large for it.
            self.refuse_all(logs, refused);
        }
        let padded = (end as u64).next_multiple_of(BLOCK_BYTES);
        let taken = if parts.is_empty() { None } else { self.ring.take(padded) };
        let Some(taken) = taken else {
            self.buffer = Some(buffer);
            return None;
        };
        let header = CommitHeader {
            bytes: end as u32,
            sequence: taken.sequence,
            position: taken.position,
            oldest: taken.oldest,
            entries: parts.len() as u32,
            body_crc: crc32c(bytes.get(COMMIT_HEADER_BYTES..end).unwrap_or_default()),
        };
        if let Some(head) = bytes.first_chunk_mut() {
            *head = header.encode(id);
        }
        buffer.publish(end);
        self.note_needs(&parts, taken.sequence, logs);
        let slice = buffer.slice(0..padded as usize);
        self.buffer = Some(buffer);
        self.flight = Some(Flight { parts, began: Instant::now(), bytes: padded });
        Some(Write { file, at: FilePosition(taken.position), slice, sync: self.dir.commit_method().sync() })
    }

    /// Fills `room` behind a header with what the waiting logs have. What finds no room, or not all of it, goes on waiting.
    /// Returns what was taken, and where it ends.
    fn fill(
        &mut self,
        room: &mut [u8],
        logs: &mut Slab<Log>,
        refused: &mut Vec<LogId>,
    ) -> (Vec<Part>, usize) {
        let mut parts = Vec::with_capacity(self.waiting.len());
        let mut at = COMMIT_HEADER_BYTES;
        for _ in 0..self.waiting.len() {
            let Some(id) = self.waiting.pop_front() else { break };
            let Some(log) = find(logs, id) else { continue };
            let goes_on = match pack_log(log, room.get_mut(at..).unwrap_or_default()) {
                Packed::Nothing => false,
                Packed::Gone => {
                    refused.push(id);
                    false
                }
                Packed::NoRoom => true,
                Packed::Part { what, bytes, is_all } => {
                    at += bytes;
                    log.journal.is_in_flight = true;
                    parts.push(Part { log: id, what });
                    !is_all
                }
            };
            log.journal.is_waiting = goes_on;
            if goes_on {
                self.waiting.push_back(id);
            }
        }
        (parts, at)
    }

    /// The records of `parts` are in commit `sequence` and nowhere else.
    fn note_needs(&mut self, parts: &[Part], sequence: u64, logs: &mut Slab<Log>) {
        for part in parts {
            let (Some(log), Content::Records { to, .. }) = (find(logs, part.log), part.what) else {
                continue;
            };
            log.journal.end = to;
            if log.journal.low.is_none() {
                log.journal.low = Some(sequence);
                self.needed.insert((sequence, part.log));
            }
        }
        if self.needed.is_empty() {
            self.ring.release_below(sequence);
        }
    }

    fn refuse_all(&mut self, logs: &mut Slab<Log>, refused: &mut Vec<LogId>) {
        for id in self.waiting.drain(..) {
            if let Some(log) = find(logs, id) {
                log.journal.is_waiting = false;
                refused.push(id);
            }
        }
    }

    /// After a failed write or sync nobody knows what the file holds: it is not used any more. What was durable in it
    /// stays so, and goes to the segments now.
    fn fail(&mut self, cause: io::Error) {
        let error = StorageError::io("write and sync a journal in", self.dir.path(), cause);
        error!(%error, "the journal has failed: every log commits for itself");
        self.dir.judge(&error);
        self.state = State::Failed;
    }
}

enum Packed {
    /// The log has nothing to be made durable, or is doing so itself.
    Nothing,
    /// It was written meanwhile, and memory has given it up: the segment has to be synced.
    Gone,
    NoRoom,
    /// So many bytes were taken; whether that is all that the log has.
    Part {
        what: Content,
        bytes: usize,
        is_all: bool,
    },
}

/// Packs an entry of `log` to the beginning of `room`.
fn pack_log(log: &mut Log, room: &mut [u8]) -> Packed {
    let Some((head, body)) = room.split_first_chunk_mut::<ENTRY_HEADER_BYTES>() else {
        return Packed::NoRoom;
    };
    let (topic, partition) = (log.origin.topic, log.origin.name.partition);
    if log.journal.void == Void::Wanted {
        *head = EntryHeader { topic, partition, kind: Kind::Void, bytes: 0 }.encode();
        return Packed::Part { what: Content::Void, bytes: ENTRY_HEADER_BYTES, is_all: true };
    }
    let from = log.durable_end;
    if log.wanted_durable <= from || !log.is_open() || log.in_flight == Some(InFlight::Commit) {
        return Packed::Nothing;
    }
    let Some(copied) = log.tail.copy(from, body) else { return Packed::Gone };
    if copied.bytes == 0 {
        return Packed::NoRoom;
    }
    let to_byte = log.durable_byte + copied.bytes as u64;
    let entry = EntryHeader { topic, partition, kind: Kind::Records { from }, bytes: copied.bytes as u32 };
    *head = entry.encode();
    Packed::Part {
        what: Content::Records { to: copied.to, to_byte },
        bytes: ENTRY_HEADER_BYTES + copied.bytes,
        is_all: copied.to >= log.wanted_durable,
    }
}

const _: () = assert!((COMMIT_BYTES_MAX as u64).is_multiple_of(BLOCK_BYTES));
const _: () = assert!(COMMIT_BYTES_MAX < u32::MAX as usize);
