//! A client that speaks in frames: what it sends and gets is what is on the wire.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use bytes::Bytes;
use protocol::{ApiKey, Message, Request, decode_response, encode_request};

use crate::support::PATIENCE;

/// A connection. Several requests may be under way.
pub struct Client {
    stream: TcpStream,
    last_id: i32,
}

impl Client {
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_nodelay(true).expect("a socket");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        stream.set_write_timeout(Some(PATIENCE)).expect("a socket");
        Self { stream, last_id: 0 }
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
        self.stream.write_all(bytes).expect("the broker reads");
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
        self.stream.read_exact(&mut frame).expect("the whole frame");
        Some(Bytes::from(frame))
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

/// The newest version that names topics by their names, for APIs that know ids too.
pub fn by_name(key: ApiKey) -> i16 {
    match key {
        ApiKey::Produce | ApiKey::Fetch => 12,
        other => other.api().advertised.max,
    }
}
