//! Sending a list of byte strings over one socket, all of it or an error.
//!
//! # Hot path
//! One submission per send as a rule: the kernel itself goes on after a short send (MSG_WAITALL). One that is tried at once costs
//! its own system call, but no submission, no completion, and nothing that would have to live until then.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::rc::Rc;

use bytes::Bytes;
use io_uring::{opcode, types};

use crate::event::{Event, Token};
use crate::operation::{Completion, Context, OperationId, Step, is_momentary};
use crate::ring::Ring;
use crate::socket::shutdown;
use crate::vectors::Vectors;

/// A send in flight.
pub(crate) struct Send {
    socket: Rc<OwnedFd>,
    token: Token,
    bytes: Vec<Bytes>,
    /// How many bytes are sent, and how many there are.
    sent: usize,
    total: usize,
    vectors: Vectors,
    header: libc::msghdr,
}

impl Send {
    pub(crate) fn new(socket: Rc<OwnedFd>, bytes: Vec<Bytes>, token: Token) -> Self {
        let total = bytes.iter().map(Bytes::len).sum();
        // SAFETY: a msghdr of zeros is valid: no name, no vectors, no control data.
        let header = unsafe { std::mem::zeroed() };
        Self { socket, token, bytes, sent: 0, total, vectors: Vectors::new(), header }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// Breaks the connection, so that the send ends soon.
    pub(crate) fn shutdown(&self) {
        shutdown(&self.socket);
    }

    /// Sends what the socket takes at once. Returns whether that was all; what is left can be armed.
    pub(crate) fn attempt(&mut self) -> io::Result<bool> {
        let socket = self.socket.as_raw_fd();
        let flags = libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT;
        let sent = if let Some((start, len)) = self.point_at_rest() {
            // SAFETY: `len` bytes from `start` are one of the byte strings, which this owns.
            unsafe { libc::send(socket, start.cast(), len as usize, flags) }
        } else {
            // SAFETY: the header points at the vectors, and these at the byte strings; this owns all of them.
            unsafe { libc::sendmsg(socket, &raw const self.header, flags) }
        };
        match usize::try_from(sent) {
            Ok(sent) => {
                self.sent += sent;
                Ok(self.sent == self.total)
            }
            Err(_) => {
                let error = io::Error::last_os_error();
                if is_momentary(&error) { Ok(false) } else { Err(error) }
            }
        }
    }

    /// Points at what is to be sent; if it is one piece, that is all that has to be known.
    fn point_at_rest(&mut self) -> Option<(*const u8, u32)> {
        self.vectors.point_at(self.bytes.iter().map(|bytes| (bytes.as_ptr(), bytes.len())), self.sent);
        let vectors = self.vectors.as_slice();
        self.header.msg_iov = vectors.as_ptr().cast_mut();
        self.header.msg_iovlen = vectors.len();
        self.vectors.single()
    }

    pub(crate) fn arm(&mut self, id: OperationId, ring: &mut Ring) {
        let socket = types::Fd(self.socket.as_raw_fd());
        let flags = libc::MSG_NOSIGNAL | libc::MSG_WAITALL;
        let entry = if let Some((start, len)) = self.point_at_rest() {
            opcode::Send::new(socket, start, len).flags(flags).build()
        } else {
            opcode::SendMsg::new(socket, &raw const self.header).flags(flags as u32).build()
        };
        // SAFETY: the bytes, the vectors and the header live in this operation, which is boxed and stays in place,
        // and untouched, until its completion.
        unsafe { ring.push(entry.user_data(id.user_data())) };
    }

    pub(crate) fn complete(&mut self, completion: Completion, context: &mut Context<'_>) -> Step {
        let result = match completion.outcome() {
            Ok(0) => Err(io::ErrorKind::WriteZero.into()),
            Ok(sent) => {
                self.sent += sent;
                if self.sent < self.total {
                    self.arm(context.id, context.ring);
                    return Step::Goes;
                }
                Ok(self.sent)
            }
            Err(error) if is_momentary(&error) => {
                self.arm(context.id, context.ring);
                return Step::Goes;
            }
            Err(error) => Err(error),
        };
        context.events.push(Event::Sent { token: self.token, result });
        Step::Over
    }
}
