//! Receiving a known number of bytes from one socket, straight into memory of the caller's.
//!
//! # Hot path
//! One submission and one completion as a rule: the kernel itself goes on after a short receive (MSG_WAITALL).
//!
//! # Invariants
//! - Exactly one `Filled` per fill, with the buffer; what has come stays in it whatever the end.

use std::os::fd::{AsRawFd, OwnedFd};
use std::rc::Rc;

use io_uring::{opcode, types};

use crate::event::{Event, ReceiveEnd, Token};
use crate::operation::{Completion, Context, OperationId, Step, is_momentary};
use crate::ring::Ring;

/// A fill in flight.
pub(crate) struct Fill {
    socket: Rc<OwnedFd>,
    token: Token,
    buffer: Vec<u8>,
    /// The buffer's length when it is full; at most its capacity.
    target: usize,
    pausing: bool,
}

impl Fill {
    pub(crate) fn new(socket: Rc<OwnedFd>, buffer: Vec<u8>, target: usize, token: Token) -> Self {
        assert!(target <= buffer.capacity(), "a buffer of {} bytes cannot hold {target}", buffer.capacity());
        Self { socket, token, buffer, target, pausing: false }
    }

    pub(crate) fn token(&self) -> Token {
        self.token
    }

    pub(crate) fn is_full(&self) -> bool {
        self.buffer.len() >= self.target
    }

    /// From here on it ends with what there is.
    pub(crate) fn pause(&mut self) {
        self.pausing = true;
    }

    pub(crate) fn arm(&mut self, id: OperationId, ring: &mut Ring) {
        let len = (self.target - self.buffer.len()).min(u32::MAX as usize) as u32;
        let room = self.buffer.spare_capacity_mut().as_mut_ptr();
        let entry = opcode::Recv::new(types::Fd(self.socket.as_raw_fd()), room.cast(), len)
            .flags(libc::MSG_WAITALL)
            .build();
        // SAFETY: the spare room has at least `len` bytes, since the target is within the capacity. The buffer belongs to
        // this operation, and is not touched, until its completion; moving the operation does not move what it points to.
        unsafe { ring.push(entry.user_data(id.user_data())) };
    }

    pub(crate) fn complete(&mut self, completion: Completion, context: &mut Context<'_>) -> Step {
        let end = match completion.outcome() {
            Ok(0) => Some(ReceiveEnd::Closed),
            Ok(received) => {
                let len = self.buffer.len() + received;
                assert!(len <= self.target, "the kernel has received more than there is room for");
                // SAFETY: the kernel has written `received` bytes behind those there were, within the capacity.
                unsafe { self.buffer.set_len(len) };
                match (self.is_full(), self.pausing) {
                    (true, _) => None,
                    (false, true) => Some(ReceiveEnd::Paused),
                    (false, false) => {
                        self.arm(context.id, context.ring);
                        return Step::Goes;
                    }
                }
            }
            Err(error) if error.raw_os_error() == Some(libc::ECANCELED) => Some(ReceiveEnd::Paused),
            Err(error) if is_momentary(&error) && self.pausing => Some(ReceiveEnd::Paused),
            Err(error) if is_momentary(&error) => {
                self.arm(context.id, context.ring);
                return Step::Goes;
            }
            Err(error) => Some(ReceiveEnd::Failed(error)),
        };
        let buffer = std::mem::take(&mut self.buffer);
        context.events.push(Event::Filled { token: self.token, buffer, end });
        Step::Over
    }
}
