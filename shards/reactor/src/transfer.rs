//! Writes, syncs and reads of files through the ring.
//!
//! # Invariants
//! - A write completes when all of it is written, and durable if that was asked; a short write goes on by itself.
//! - After a failed fdatasync nothing is tried again: the kernel has dropped the dirty pages' error, and a second,
//!   successful sync would prove nothing.
//! - A read yields exactly the range asked for, or what of it lies before the end of the file.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use ::types::FilePosition;
use bytes::Bytes;
use io_uring::{opcode, squeue, types};

use crate::aligned::AlignedMemory;
use crate::chunk::ChunkSlice;
use crate::event::{Event, Token};
use crate::file::File;
use crate::operation::{Completion, Context, OperationId, Step, is_momentary};
use crate::ring::Ring;
use crate::vectors::Vectors;

/// What a write has to achieve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sync {
    /// The kernel has the bytes.
    No,
    /// The disk has the bytes and all that was written to the file before, and what is needed to find them again
    /// (fdatasync).
    Data,
    /// The disk has these bytes; nothing is said of what was written before (RWF_DSYNC).
    Inline,
}

/// A write in flight, with its sync; or a sync alone.
pub(crate) struct Write {
    file: File,
    token: Token,
    at: FilePosition,
    slices: Vec<ChunkSlice>,
    vectors: Vectors,
    written: usize,
    total: usize,
    /// Whether a sync is still to be done.
    sync: Sync,
    /// How many completions are to come, and what has come of them.
    outstanding: u8,
    write_outcome: Option<io::Result<usize>>,
    sync_outcome: Option<io::Result<usize>>,
}

impl Write {
    pub(crate) fn new(
        file: File,
        at: FilePosition,
        slices: Vec<ChunkSlice>,
        sync: Sync,
        token: Token,
    ) -> Self {
        let total = slices.iter().map(ChunkSlice::len).sum();
        Self {
            file,
            token,
            at,
            slices,
            vectors: Vectors::new(),
            written: 0,
            total,
            sync,
            outstanding: 0,
            write_outcome: None,
            sync_outcome: None,
        }
    }

    /// Whether there is nothing to do.
    pub(crate) fn is_empty(&self) -> bool {
        self.written == self.total && self.sync == Sync::No
    }

    pub(crate) fn arm(&mut self, id: OperationId, linked: bool, ring: &mut Ring) {
        let sync =
            opcode::Fsync::new(types::Fd(self.file.raw_fd())).flags(types::FsyncFlags::DATASYNC).build();
        if self.written == self.total {
            self.outstanding = 1;
            // SAFETY: a sync points to no memory, and the file stays open until its completion.
            unsafe { ring.push(sync.user_data(id.second_half())) };
            return;
        }
        self.vectors.point_at(self.slices.iter().map(|slice| (slice.start(), slice.len())), self.written);
        let write = self.entry().user_data(id.user_data());
        let is_last = self.written + self.vectors.bytes() == self.total;
        if linked && is_last && self.sync == Sync::Data {
            self.outstanding = 2;
            // SAFETY: slices and vectors live, in place, in this boxed operation until both completions have come.
            unsafe { ring.push_linked(write, sync.user_data(id.second_half())) };
        } else {
            self.outstanding = 1;
            // SAFETY: as above, until the one completion has come.
            unsafe { ring.push(write) };
        }
    }

    fn entry(&self) -> squeue::Entry {
        let file = types::Fd(self.file.raw_fd());
        let at = self.at.0 + self.written as u64;
        let flags = if self.sync == Sync::Inline { libc::RWF_DSYNC } else { 0 };
        if let Some((start, len)) = self.vectors.single() {
            return opcode::Write::new(file, start, len).offset(at).rw_flags(flags).build();
        }
        let vectors = self.vectors.as_slice();
        opcode::Writev::new(file, vectors.as_ptr(), vectors.len() as u32).offset(at).rw_flags(flags).build()
    }

    pub(crate) fn complete(&mut self, completion: Completion, context: &mut Context<'_>) -> Step {
        let outcome = if completion.second_half { &mut self.sync_outcome } else { &mut self.write_outcome };
        *outcome = Some(completion.outcome());
        self.outstanding -= 1;
        if self.outstanding > 0 {
            return Step::Goes;
        }
        let result = self.advance();
        if matches!(result, Ok(())) && !self.is_empty() {
            self.arm(context.id, context.features.linked_sync, context.ring);
            return Step::Goes;
        }
        context.events.push(Event::Wrote { token: self.token, result });
        Step::Over
    }

    /// Notes what has been achieved; an error is the end.
    fn advance(&mut self) -> io::Result<()> {
        let all_written_before = self.written == self.total;
        match self.write_outcome.take() {
            None => {}
            Some(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
            Some(Ok(written)) => {
                self.written += written;
                if self.sync == Sync::Inline && self.written == self.total {
                    // Each part was made durable by its own write.
                    self.sync = Sync::No;
                }
            }
            Some(Err(error)) if is_momentary(&error) => {}
            Some(Err(error)) => return Err(error),
        }
        match self.sync_outcome.take() {
            None => {}
            // Only a sync that has begun after the last byte was written counts.
            Some(Ok(_)) if self.written == self.total => self.sync = Sync::No,
            Some(Ok(_)) => {}
            // The write before it was short, so the kernel has cut the link.
            Some(Err(error)) if error.raw_os_error() == Some(libc::ECANCELED) && !all_written_before => {}
            Some(Err(error)) => return Err(error),
        }
        Ok(())
    }
}

/// A read in flight.
pub(crate) struct Read {
    file: File,
    token: Token,
    /// Where the widened range begins in the file.
    start: u64,
    /// The range asked for, within the widened one.
    wanted: Range<usize>,
    /// The widened length: what the memory is for.
    goal: usize,
    filled: usize,
    memory: Arc<AlignedMemory>,
}

/// No single read call asks for more; aligned for direct files.
const READ_BYTES_MAX: usize = 1 << 30;

impl Read {
    pub(crate) fn new(file: File, at: FilePosition, len: usize, token: Token) -> Self {
        let block = if file.direct() { u64::from(file.block_bytes()) } else { 1 };
        let start = at.0 - at.0 % block;
        let skip = (at.0 - start) as usize;
        let goal = (skip + len).next_multiple_of(block as usize);
        let memory = Arc::new(AlignedMemory::uninitialised(goal));
        Self { file, token, start, wanted: skip..skip + len, goal, filled: 0, memory }
    }

    pub(crate) fn arm(&mut self, id: OperationId, ring: &mut Ring) {
        let len = (self.goal - self.filled).min(READ_BYTES_MAX);
        // Within the allocation, which has at least `goal` bytes.
        let start = self.memory.start().wrapping_add(self.filled);
        let entry = opcode::Read::new(types::Fd(self.file.raw_fd()), start, len as u32)
            .offset(self.start + self.filled as u64)
            .build();
        // SAFETY: `len` bytes from `start` lie within the memory, which lives in this operation until the completion;
        // nobody else looks at it before.
        unsafe { ring.push(entry.user_data(id.user_data())) };
    }

    pub(crate) fn complete(&mut self, completion: Completion, context: &mut Context<'_>) -> Step {
        match completion.outcome() {
            Ok(read) => {
                self.filled += read;
                // A direct read that stops within a block has met the end of the file, and could not go on from
                // there.
                let block = if self.file.direct() { self.file.block_bytes() as usize } else { 1 };
                let at_end = read == 0 || !self.filled.is_multiple_of(block);
                if self.filled < self.wanted.end && !at_end {
                    self.arm(context.id, context.ring);
                    return Step::Goes;
                }
            }
            Err(error) if is_momentary(&error) => {
                self.arm(context.id, context.ring);
                return Step::Goes;
            }
            Err(error) => {
                context.events.push(Event::Read { token: self.token, result: Err(error) });
                return Step::Over;
            }
        }
        context.events.push(Event::Read { token: self.token, result: Ok(self.bytes()) });
        Step::Over
    }

    /// What was read of the range asked for.
    fn bytes(&self) -> Bytes {
        let end = self.wanted.end.min(self.filled);
        let start = self.wanted.start.min(end);
        let filled = Filled { memory: Arc::clone(&self.memory), len: self.filled };
        Bytes::from_owner(filled).slice(start..end)
    }
}

/// Memory of which the kernel has filled a part.
struct Filled {
    memory: Arc<AlignedMemory>,
    len: usize,
}

impl AsRef<[u8]> for Filled {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: the kernel has written the first `len` bytes, the read is over, and nobody writes to them any more.
        unsafe { std::slice::from_raw_parts(self.memory.start(), self.len) }
    }
}
