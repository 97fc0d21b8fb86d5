//! A connected stream socket of one shard.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::rc::Rc;

/// A socket. Lives on one shard; operations in flight keep it open after it was dropped, so end them with
/// [`Reactor::shutdown`](crate::Reactor::shutdown) first. To move it to another shard, end its operations and
/// take the descriptor.
#[derive(Debug)]
pub struct Socket {
    fd: Rc<OwnedFd>,
}

impl Socket {
    /// Takes a connected stream socket over. It is made blocking, since io_uring waits only on such.
    pub fn from_fd(fd: OwnedFd) -> io::Result<Self> {
        let stream = TcpStream::from(fd);
        stream.set_nonblocking(false)?;
        Ok(Self { fd: Rc::new(stream.into()) })
    }

    /// A socket that the ring has just accepted.
    pub(crate) fn accepted(fd: OwnedFd) -> Self {
        Self { fd: Rc::new(fd) }
    }

    /// Gives the descriptor away, or the socket back while an operation is in flight.
    pub fn into_fd(self) -> Result<OwnedFd, Self> {
        Rc::try_unwrap(self.fd).map_err(|fd| Self { fd })
    }

    /// Sends small writes at once (TCP_NODELAY). Sockets accepted by a reactor have it set.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.with_stream(|stream| stream.set_nodelay(nodelay))
    }

    /// Who is at the other end.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.with_stream(TcpStream::peer_addr)
    }

    /// The address at which the peer has reached us.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.with_stream(TcpStream::local_addr)
    }

    pub(crate) fn shutdown(&self) {
        shutdown(&self.fd);
    }

    /// Another owner for an operation in flight.
    pub(crate) fn share(&self) -> Rc<OwnedFd> {
        Rc::clone(&self.fd)
    }

    fn with_stream<T>(&self, action: impl FnOnce(&TcpStream) -> T) -> T {
        borrow_stream(&self.fd, action)
    }
}

/// Ends a connection in both directions.
pub(crate) fn shutdown(fd: &OwnedFd) {
    // A peer that is gone already is no error here.
    if let Err(error) = borrow_stream(fd, |stream| stream.shutdown(Shutdown::Both)) {
        tracing::trace!(%error, "shutting a socket down");
    }
}

/// Runs one of the standard library's socket calls on a descriptor that stays ours.
pub(crate) fn borrow_stream<T>(fd: &OwnedFd, action: impl FnOnce(&TcpStream) -> T) -> T {
    use std::mem::ManuallyDrop;
    use std::os::fd::FromRawFd;

    // SAFETY: the descriptor is open for as long as `fd` is borrowed; ManuallyDrop keeps the stream from closing it.
    let stream = ManuallyDrop::new(unsafe { TcpStream::from_raw_fd(fd.as_raw_fd()) });
    action(&stream)
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}
