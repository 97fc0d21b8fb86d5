//! A client that speaks in frames: what it sends and gets is what is on the wire.

// Each test binary uses its own part of this.
#![allow(dead_code)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use bytes::Bytes;
use protocol::{Message, Request, decode_response, encode_request};

use crate::support::PATIENCE;

/// A connection. Several requests may be under way.
pub struct Client {
    stream: TcpStream,
    last_id: i32,
}

impl Client {
    pub fn connect(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).expect("a connection"))
    }

    /// The same; `None` if nobody listens there any more.
    pub fn try_connect(address: SocketAddr) -> Option<Self> {
        TcpStream::connect(address).ok().map(Self::over)
    }

    /// A client on a connection of its caller's making.
    pub fn over(stream: TcpStream) -> Self {
        stream.set_nodelay(true).expect("a socket");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        stream.set_write_timeout(Some(PATIENCE)).expect("a socket");
        Self { stream, last_id: 0 }
    }

    /// The connection, for what is not about requests.
    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Sends a request and returns its correlation id.
    pub fn send<R: Request>(&mut self, version: i16, request: &R) -> i32 {
        let frame = self.frame(version, request);
        self.write(&frame);
        self.last_id
    }

    /// A request's frame, not sent yet.
    pub fn frame<R: Request>(&mut self, version: i16, request: &R) -> Vec<u8> {
        self.last_id += 1;
        let pieces = encode_request(version, self.last_id, Some("test".into()), request);
        pieces.expect("a request of its version").concat()
    }

    pub fn write(&mut self, bytes: &[u8]) {
        assert!(self.try_write(bytes), "the broker reads");
    }

    /// Whether the connection still stands.
    pub fn try_write(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// The next response, which must be one to a request of this type; with its correlation id.
    pub fn receive<R: Request>(&mut self, version: i16) -> (i32, R::Response) {
        let frame = self.receive_frame().expect("a response, not the end of the connection");
        let (header, response) = decode_response::<R>(&frame, version).expect("a response of its version");
        (header.correlation_id, response)
    }

    /// Sends a request and waits for its response.
    pub fn call<R: Request>(&mut self, version: i16, request: &R) -> R::Response {
        let id = self.send(version, request);
        let (answered, response) = self.receive::<R>(version);
        assert_eq!(answered, id, "responses come in the order of requests");
        response
    }

    /// The next frame without its length; `None` at the connection's end.
    pub fn receive_frame(&mut self) -> Option<Bytes> {
        let mut len = [0; 4];
        if let Err(error) = self.stream.read_exact(&mut len) {
            assert!(error.kind() != std::io::ErrorKind::WouldBlock, "no answer in time");
            return None;
        }
        let mut frame = vec![0; i32::from_be_bytes(len) as usize];
        // A crash may cut it.
        self.stream.read_exact(&mut frame).ok()?;
        Some(Bytes::from(frame))
    }

    /// Says that no more requests come.
    pub fn end(&mut self) {
        self.stream.shutdown(std::net::Shutdown::Write).expect("a connection");
    }

    /// Waits for the broker to close the connection, which must have no answer in it.
    pub fn expect_closed(&mut self) {
        assert!(self.receive_frame().is_none(), "an answer instead of the end of the connection");
    }
}

/// The newest version that a Kafka 4.3 broker announces.
pub fn newest<M: Message>() -> i16 {
    M::API.api().advertised.max
}
