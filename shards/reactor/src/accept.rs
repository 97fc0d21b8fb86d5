//! Accepting connections on one listener.
//!
//! # Invariants
//! - Accepting never ends by itself: after an error it is armed again, with a pause where an immediate attempt
//!   would fail the same way.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::{Duration, Instant};

use io_uring::{cqueue, opcode, types};

use crate::event::{Event, Token};
use crate::operation::{Completion, Context, OperationId, Step};
use crate::ring::Ring;
use crate::socket::{Socket, borrow_stream};

/// How long accepting rests when the process is out of descriptors or memory: long enough not to burn a core, short
/// enough that clients, who wait in the listen queue meanwhile, hardly notice.
const PAUSE: Duration = Duration::from_millis(100);

/// An accept in flight, or pausing.
pub(crate) struct Accept {
    listener: OwnedFd,
    token: Token,
    /// Whether the kernel has it; else it waits for the end of a pause.
    armed: bool,
    stopping: bool,
}

impl Accept {
    pub(crate) fn new(listener: OwnedFd, token: Token) -> Self {
        Self { listener, token, armed: false, stopping: false }
    }

    pub(crate) fn is_armed(&self) -> bool {
        self.armed
    }

    /// No more connections; returns whether the kernel has to be told.
    pub(crate) fn stop(&mut self) -> bool {
        self.stopping = true;
        self.armed
    }

    pub(crate) fn arm(&mut self, id: OperationId, multishot: bool, ring: &mut Ring) {
        let listener = types::Fd(self.listener.as_raw_fd());
        let entry = if multishot {
            opcode::AcceptMulti::new(listener).flags(libc::SOCK_CLOEXEC).build()
        } else {
            let nowhere = std::ptr::null_mut();
            opcode::Accept::new(listener, nowhere, nowhere.cast()).flags(libc::SOCK_CLOEXEC).build()
        };
        // SAFETY: the entry points to no memory; the listener stays open until the last completion.
        unsafe { ring.push(entry.user_data(id.user_data())) };
        self.armed = true;
    }

    pub(crate) fn complete(&mut self, completion: Completion, context: &mut Context<'_>) -> Step {
        self.armed = cqueue::more(completion.flags);
        let token = self.token;
        let mut rest = false;
        match completion.outcome().and_then(|_| adopt(completion.result)) {
            Ok((socket, peer)) => context.events.push(Event::Accepted { token, socket, peer }),
            Err(error) if error.raw_os_error() == Some(libc::ECANCELED) => {}
            Err(error) => {
                rest = !is_the_peers_fault(&error);
                context.events.push(Event::AcceptFailed { token, error });
            }
        }
        if self.armed {
            return Step::Goes;
        }
        if self.stopping {
            return Step::Over;
        }
        if rest {
            *context.resume_accepts = Some(Instant::now() + PAUSE);
        } else {
            self.arm(context.id, context.features.multishot_accept, context.ring);
        }
        Step::Goes
    }
}

/// Makes a socket of an accepted descriptor.
fn adopt(fd: i32) -> io::Result<(Socket, SocketAddr)> {
    // SAFETY: the kernel has just opened this descriptor for us and told nobody else.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    // A peer that has reset the connection already has no address any more.
    let peer = borrow_stream(&fd, |stream| {
        stream.peer_addr().and_then(|peer| stream.set_nodelay(true).map(|()| peer))
    })?;
    Ok((Socket::accepted(fd), peer))
}

/// Errors of one connection rather than of the process (accept(2)): the next one may fare better.
fn is_the_peers_fault(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(
            libc::ECONNABORTED
                | libc::ENOTCONN
                | libc::EINTR
                | libc::EAGAIN
                | libc::EPROTO
                | libc::ENETDOWN
                | libc::ENETUNREACH
                | libc::EHOSTDOWN
                | libc::EHOSTUNREACH
                | libc::ENONET
                | libc::ENOPROTOOPT
                | libc::EOPNOTSUPP
        )
    )
}
