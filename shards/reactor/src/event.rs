//! What a reactor tells its shard.

use std::io;
use std::net::SocketAddr;

use bytes::Bytes;

use crate::pool::Received;
use crate::socket::Socket;

/// The caller's own number for an operation; it comes back in the operation's events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u64);

/// Something that has happened on this shard.
#[derive(Debug)]
pub enum Event {
    /// A peer has connected; accepting goes on.
    Accepted {
        /// Of the `accept` call.
        token: Token,
        /// The new connection, with TCP_NODELAY set.
        socket: Socket,
        /// Who it is.
        peer: SocketAddr,
    },
    /// A connection could not be accepted. Accepting goes on by itself, after a pause if the process is out of
    /// something.
    AcceptFailed {
        /// Of the `accept` call.
        token: Token,
        /// Why.
        error: io::Error,
    },
    /// Bytes have come; receiving goes on.
    Received {
        /// Of the `receive` call.
        token: Token,
        /// The bytes, at least one.
        data: Received,
    },
    /// Receiving is over; nothing more comes for this `receive` call.
    ReceiveEnded {
        /// Of the `receive` call.
        token: Token,
        /// Why.
        end: ReceiveEnd,
    },
    /// A fill is over.
    Filled {
        /// Of the `fill` call.
        token: Token,
        /// The caller's buffer, with what has come behind what was in it.
        buffer: Vec<u8>,
        /// Why it is not full; `None` if it is.
        end: Option<ReceiveEnd>,
    },
    /// A send is over.
    Sent {
        /// Of the `send` call.
        token: Token,
        /// The number of bytes, which is all of them, or why the connection is of no more use for sending.
        result: io::Result<usize>,
    },
    /// A write, or a sync alone, is over.
    Wrote {
        /// Of the `write` or `sync` call.
        token: Token,
        /// Everything is written, and durable if that was asked; or an error, after which nothing is known of
        /// the range.
        result: io::Result<()>,
    },
    /// A read is over.
    Read {
        /// Of the `read` call.
        token: Token,
        /// Exactly the range asked for, shorter only where the file ends.
        result: io::Result<Bytes>,
    },
}

/// Why receiving has ended.
#[derive(Debug)]
pub enum ReceiveEnd {
    /// The peer will send no more.
    Closed,
    /// `pause` was called.
    Paused,
    /// The connection is broken.
    Failed(io::Error),
}
