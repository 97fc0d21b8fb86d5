//! The operations that the kernel is working on, and what they own.
//!
//! # Invariants
//! - An operation stays here, with its buffers and descriptors, until the kernel has sent its last completion.
//! - Its id carries a generation, so that a late completion or cancellation cannot hit a successor in the same slot.

use std::collections::VecDeque;
use std::io;
use std::rc::Rc;
use std::time::Instant;

use slab::Slab;

use crate::accept::Accept;
use crate::event::Event;
use crate::features::Features;
use crate::fill::Fill;
use crate::pool::Pool;
use crate::receive::Receive;
use crate::ring::Ring;
use crate::send::Send;
use crate::transfer::{Read, Write};

/// Names an operation to the kernel (`user_data`): bit 63 tells the second half of a linked pair, bits 32 to 62
/// are the generation, bits 0 to 31 the slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct OperationId(u64);

/// Completions that belong to no operation.
pub(crate) const TIMER: u64 = u64::MAX;
/// The read of the waker's eventfd.
pub(crate) const WAKE: u64 = u64::MAX - 2;
/// Answers to cancellations and timer updates, of which nobody wants to hear.
pub(crate) const UNHEARD: u64 = u64::MAX - 1;

const SECOND_HALF: u64 = 1 << 63;
/// The largest generation is left out: the special values above carry it.
const GENERATIONS: u32 = (1 << 31) - 1;

pub(crate) enum Operation {
    Accept(Accept),
    Receive(Receive),
    Fill(Box<Fill>),
    Send(Box<Send>),
    Write(Box<Write>),
    Read(Box<Read>),
}

/// What becomes of an operation after a completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The kernel has it, or it waits here for something.
    Goes,
    /// It is over; its slot is free.
    Over,
}

impl OperationId {
    pub(crate) fn user_data(self) -> u64 {
        self.0
    }

    /// The name of the second half of a linked pair.
    pub(crate) fn second_half(self) -> u64 {
        self.0 | SECOND_HALF
    }

    /// The operation that a completion belongs to, and whether to its second half.
    pub(crate) fn from_user_data(user_data: u64) -> (Self, bool) {
        (Self(user_data & !SECOND_HALF), user_data & SECOND_HALF != 0)
    }

    fn slot(self) -> usize {
        (self.0 & u64::from(u32::MAX)) as usize
    }
}

/// All operations of one reactor.
pub(crate) struct Operations {
    slab: Slab<(OperationId, Operation)>,
    generation: u32,
}

impl Operations {
    pub(crate) fn new() -> Self {
        Self { slab: Slab::new(), generation: 0 }
    }

    pub(crate) fn insert(&mut self, operation: Operation) -> OperationId {
        self.generation = (self.generation + 1) % GENERATIONS;
        let vacant = self.slab.vacant_entry();
        let id = OperationId(u64::from(self.generation) << 32 | vacant.key() as u64);
        vacant.insert((id, operation));
        id
    }

    pub(crate) fn get_mut(&mut self, id: OperationId) -> Option<&mut Operation> {
        self.slab.get_mut(id.slot()).filter(|(held, _)| *held == id).map(|(_, operation)| operation)
    }

    pub(crate) fn remove(&mut self, id: OperationId) -> Option<Operation> {
        self.get_mut(id)?;
        self.slab.try_remove(id.slot()).map(|(_, operation)| operation)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (OperationId, &Operation)> {
        self.slab.iter().map(|(_, (id, operation))| (*id, operation))
    }

    pub(crate) fn len(&self) -> usize {
        self.slab.len()
    }
}

/// What the kernel says about an operation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Completion {
    /// Bytes, a descriptor or a set of events; below zero a negated error number.
    pub(crate) result: i32,
    /// Flags of the completion entry.
    pub(crate) flags: u32,
    /// Whether it belongs to the second half of a linked pair.
    pub(crate) second_half: bool,
}

impl Completion {
    /// The result as a count, or the error.
    pub(crate) fn outcome(self) -> io::Result<usize> {
        usize::try_from(self.result).map_err(|_| io::Error::from_raw_os_error(-self.result))
    }
}

/// Whether an operation that failed so is simply begun again.
pub(crate) fn is_momentary(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EINTR | libc::EAGAIN))
}

/// What an operation may touch of its reactor while it handles a completion.
pub(crate) struct Context<'a> {
    pub(crate) id: OperationId,
    pub(crate) ring: &'a mut Ring,
    pub(crate) pool: &'a Rc<Pool>,
    pub(crate) features: &'a Features,
    /// Receives that wait for a buffer, in the order in which they ran out.
    pub(crate) starved: &'a mut VecDeque<OperationId>,
    /// When accepting goes on after a pause.
    pub(crate) resume_accepts: &'a mut Option<Instant>,
    pub(crate) events: &'a mut Vec<Event>,
}
