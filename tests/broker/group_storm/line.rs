//! A connection that is never waited for.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use bytes::Bytes;
use protocol::{Request, decode_response, encode_request};

use crate::support::PATIENCE;

/// See the module.
pub struct Line {
    stream: TcpStream,
    last_id: i32,
    /// What has come and was not taken.
    input: Vec<u8>,
}

impl Line {
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_nodelay(true).expect("a socket");
        stream.set_nonblocking(true).expect("a socket");
        Self { stream, last_id: 0, input: Vec::new() }
    }

    pub fn send<R: Request>(&mut self, version: i16, request: &R) {
        self.last_id += 1;
        let pieces = encode_request(version, self.last_id, Some("storm".into()), request);
        let frame = pieces.expect("a request of its version").concat();
        let mut rest = &frame[..];
        while !rest.is_empty() {
            match self.stream.write(rest) {
                Ok(written) => rest = &rest[written..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    std::thread::sleep(Duration::from_millis(1));
                }
                Err(error) => panic!("the broker does not read: {error}"),
            }
        }
    }

    /// Whether a whole answer has come.
    pub fn has_answer(&mut self) -> bool {
        if self.frame_len().is_none() {
            self.read();
        }
        self.frame_len().is_some()
    }

    /// Waits until a whole answer has come.
    pub fn await_answer(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while !self.has_answer() {
            assert!(Instant::now() < deadline, "a request is never answered");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// The answer that has come, to a request of this type.
    pub fn answer<R: Request>(&mut self, version: i16) -> R::Response {
        let len = self.frame_len().expect("an answer");
        let frame: Vec<u8> = self.input.drain(..4 + len).skip(4).collect();
        let (header, response) =
            decode_response::<R>(&Bytes::from(frame), version).expect("a response of its version");
        assert_eq!(header.correlation_id, self.last_id, "one request is under way at a time");
        response
    }

    fn frame_len(&self) -> Option<usize> {
        let len = u32::from_be_bytes(*self.input.first_chunk()?) as usize;
        (self.input.len() >= 4 + len).then_some(len)
    }

    fn read(&mut self) {
        let mut buffer = [0; 16 * 1024];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => panic!("the broker has ended a connection"),
                Ok(read) => self.input.extend_from_slice(&buffer[..read]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) => panic!("a connection broke: {error}"),
            }
        }
    }
}
