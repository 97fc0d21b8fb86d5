//! Receiving from one socket for as long as it lasts.
//!
//! # Hot path
//! With multishot receives a connection costs no submission per request: the kernel posts what has come, in a
//! buffer of its choice. Without them, a poll tells that there is something, and it is fetched with `recv` at once.
//!
//! # Invariants
//! - Exactly one `ReceiveEnded` per receive, and nothing after it.
//! - A receive that finds no buffer waits in `starved`; it is not an end, and the data stays in the socket.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::ptr;
use std::rc::Rc;

use io_uring::{cqueue, opcode, squeue, types};

use crate::event::{Event, ReceiveEnd, Token};
use crate::operation::{Completion, Context, OperationId, Step, is_momentary};
use crate::pool::BUFFER_GROUP;
use crate::ring::Ring;

/// Without multishot, at most so many buffers are filled per readiness, so that one connection cannot take them all.
const FILLS_MAX: usize = 4;

/// A receive in flight, or one that waits for a buffer.
pub(crate) struct Receive {
    socket: Rc<OwnedFd>,
    token: Token,
    /// Of one that ends with the first bytes: how many it takes.
    once: Option<usize>,
    /// Whether the kernel has it; else it is starved.
    armed: bool,
    pausing: bool,
}

impl Receive {
    pub(crate) fn new(socket: Rc<OwnedFd>, token: Token) -> Self {
        Self { socket, token, once: None, armed: false, pausing: false }
    }

    /// One that ends, as if paused, when it has brought something: at most `len_max` bytes.
    pub(crate) fn once(socket: Rc<OwnedFd>, len_max: usize, token: Token) -> Self {
        Self { once: Some(len_max), ..Self::new(socket, token) }
    }

    pub(crate) fn token(&self) -> Token {
        self.token
    }

    pub(crate) fn is_armed(&self) -> bool {
        self.armed
    }

    /// Asks for the end; returns whether the kernel has to be told, else it is over now.
    pub(crate) fn pause(&mut self) -> bool {
        self.pausing = true;
        self.armed
    }

    pub(crate) fn arm(&mut self, id: OperationId, multishot: bool, ring: &mut Ring) {
        let socket = types::Fd(self.socket.as_raw_fd());
        let entry = if let (true, Some(len_max)) = (multishot, self.once) {
            let len = u32::try_from(len_max).unwrap_or(u32::MAX);
            let entry = opcode::Recv::new(socket, ptr::null_mut(), len).buf_group(BUFFER_GROUP).build();
            entry.flags(squeue::Flags::BUFFER_SELECT)
        } else if multishot {
            opcode::RecvMulti::new(socket, BUFFER_GROUP).build()
        } else {
            opcode::PollAdd::new(socket, (libc::POLLIN | libc::POLLRDHUP) as u32).build()
        };
        // SAFETY: the entry points to no memory of ours but the pool's, which outlives the ring's operations; the
        // socket stays open until the last completion.
        unsafe { ring.push(entry.user_data(id.user_data())) };
        self.armed = true;
    }

    pub(crate) fn complete(&mut self, completion: Completion, context: &mut Context<'_>) -> Step {
        self.armed = cqueue::more(completion.flags);
        let outcome = if context.pool.is_offered() {
            self.take(completion, context)
        } else {
            self.fetch(completion, context)
        };
        match outcome {
            _ if self.armed => Step::Goes,
            Ok(Taken::End) => self.end(ReceiveEnd::Closed, context),
            Ok(Taken::Some | Taken::Nothing | Taken::Starved) if self.pausing => {
                self.end(ReceiveEnd::Paused, context)
            }
            Ok(Taken::Some) if self.once.is_some() => self.end(ReceiveEnd::Paused, context),
            Ok(Taken::Some | Taken::Nothing) => {
                self.arm(context.id, context.pool.is_offered(), context.ring);
                Step::Goes
            }
            Ok(Taken::Starved) => {
                context.starved.push_back(context.id);
                Step::Goes
            }
            Err(error) if error.raw_os_error() == Some(libc::ECANCELED) => {
                self.end(ReceiveEnd::Paused, context)
            }
            Err(error) => self.end(ReceiveEnd::Failed(error), context),
        }
    }

    fn end(&self, end: ReceiveEnd, context: &mut Context<'_>) -> Step {
        context.events.push(Event::ReceiveEnded { token: self.token, end });
        Step::Over
    }

    /// What a multishot receive brings.
    fn take(&self, completion: Completion, context: &mut Context<'_>) -> io::Result<Taken> {
        let buffer = cqueue::buffer_select(completion.flags);
        // Even an empty receive may have used a buffer up; it goes back on drop.
        let received = |len| buffer.map(|buffer| context.pool.received(buffer, len));
        match completion.outcome() {
            Ok(0) => {
                drop(received(0));
                Ok(Taken::End)
            }
            Ok(len) => {
                if let Some(data) = received(len) {
                    context.events.push(Event::Received { token: self.token, data });
                }
                Ok(Taken::Some)
            }
            Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => Ok(Taken::Starved),
            Err(error) if is_momentary(&error) => Ok(Taken::Nothing),
            Err(error) => Err(error),
        }
    }

    /// Reads what a poll has announced.
    fn fetch(&self, completion: Completion, context: &mut Context<'_>) -> io::Result<Taken> {
        completion.outcome()?;
        if self.pausing {
            return Ok(Taken::Nothing);
        }
        let fills = if self.once.is_some() { 1 } else { FILLS_MAX };
        let mut taken = Taken::Nothing;
        for _ in 0..fills {
            let Some((buffer, start, room)) = context.pool.pick_up() else { return Ok(Taken::Starved) };
            let room = room.min(self.once.unwrap_or(usize::MAX));
            // SAFETY: the buffer is ours until it is put down or wrapped, and has `room` writable bytes.
            let len = unsafe { libc::recv(self.socket.as_raw_fd(), start.cast(), room, libc::MSG_DONTWAIT) };
            let Ok(len) = usize::try_from(len) else {
                let error = io::Error::last_os_error();
                context.pool.put_down(buffer);
                return if is_momentary(&error) { Ok(taken) } else { Err(error) };
            };
            let data = context.pool.received(buffer, len);
            if len == 0 {
                return Ok(Taken::End);
            }
            context.events.push(Event::Received { token: self.token, data });
            taken = Taken::Some;
            if len < room {
                break;
            }
        }
        Ok(taken)
    }
}

/// What a completion has brought.
enum Taken {
    /// Something, and there may be more.
    Some,
    /// Nothing this time.
    Nothing,
    /// There was no buffer for it.
    Starved,
    /// The peer's last word.
    End,
}
