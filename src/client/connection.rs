//! One connection to one broker: its versions, and requests with their answers.
//!
//! # Invariants
//! - At most one request is unanswered at a time.
//! - After an error that [`ClientError::is_connection`] names, or one about bytes, the connection is of no further use.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use bytes::Bytes;
use protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};
use protocol::{ApiKey, Message, Request, Str, Versions, decode_response, encode_request};

use super::address::HostPort;
use super::error::ClientError;
use super::node::Options;

/// No answer is longer: a Fetch answer holds at most the bytes that were asked for, or one batch.
const FRAME_BYTES_MAX: usize = 1 << 30;

/// How much of a frame is made room for ahead of the bytes.
const READ_BYTES: usize = 256 * 1024;

/// The answer to a version that the broker does not know.
const UNSUPPORTED_VERSION: i16 = 35;

/// A request that was sent and is to be answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticket {
    correlation_id: i32,
    version: i16,
    sent: Instant,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Connection {
    address: HostPort,
    stream: TcpStream,
    client_id: Str,
    request_timeout: Duration,
    versions: BTreeMap<i16, Versions>,
    last_correlation_id: i32,
}

impl Connection {
    /// Connects and asks for the broker's versions.
    pub(super) fn open(address: &HostPort, options: &Options) -> Result<Self, ClientError> {
        let stream = connect(address, options.connect_timeout).map_err(|source| ClientError::Io {
            address: address.clone(),
            what: "cannot connect",
            source,
        })?;
        let mut connection = Self {
            address: address.clone(),
            stream,
            client_id: options.client_id.as_str().into(),
            request_timeout: options.request_timeout,
            versions: BTreeMap::new(),
            last_correlation_id: 0,
        };
        connection.stream.set_nodelay(true).map_err(|e| connection.io("set up", e))?;
        connection
            .stream
            .set_write_timeout(Some(options.request_timeout))
            .map_err(|e| connection.io("set up", e))?;
        connection.versions = connection.ask_versions()?;
        Ok(connection)
    }

    /// The highest version of an API that both sides know and that lies in `wanted`.
    pub(super) fn version<R: Request>(&self, wanted: Versions) -> Result<i16, ClientError> {
        let api = R::API.api();
        // What Kafka advertises: a version beyond it is not settled yet.
        let known = Versions::between(
            wanted.min.max(api.versions.min),
            wanted.max.min(api.versions.max).min(api.advertised.max),
        );
        let offered = self.versions.get(&api.key.key());
        let common = offered.map(|offered| known.max.min(offered.max)).filter(|version| {
            known.contains(*version) && offered.is_some_and(|offered| *version >= offered.min)
        });
        common.ok_or_else(|| ClientError::Unsupported {
            address: self.address.clone(),
            api: api.key,
            wanted: format!("in a version from {} to {}", known.min, known.max),
            offered: offered.map_or("none".to_owned(), |o| format!("{} to {}", o.min, o.max)),
        })
    }

    /// Sends a request and waits for its answer.
    pub(super) fn call<R: Request>(
        &mut self,
        request: &R,
        wanted: Versions,
    ) -> Result<R::Response, ClientError> {
        let version = self.version::<R>(wanted)?;
        let ticket = self.send(request, version)?;
        self.receive::<R>(ticket)
    }

    /// Sends a request. Unless it is one without an answer, [`receive`](Self::receive) is to follow.
    pub(super) fn send<R: Request>(&mut self, request: &R, version: i16) -> Result<Ticket, ClientError> {
        self.last_correlation_id = self.last_correlation_id.wrapping_add(1);
        let correlation_id = self.last_correlation_id;
        let pieces = encode_request(version, correlation_id, Some(self.client_id.clone()), request)?;
        // One segment on the wire for small requests, no copy for large ones.
        let sent = match pieces.iter().map(Bytes::len).sum::<usize>() {
            0..READ_BYTES => self.stream.write_all(&pieces.concat()),
            _ => pieces.iter().try_for_each(|piece| self.stream.write_all(piece)),
        };
        sent.map_err(|error| self.failed(R::API, error))?;
        Ok(Ticket { correlation_id, version, sent: Instant::now() })
    }

    /// Waits for the answer to a request of type `R`.
    pub(super) fn receive<R: Request>(&mut self, ticket: Ticket) -> Result<R::Response, ClientError> {
        let frame = self.frame(R::API, ticket.sent + self.request_timeout)?;
        self.expect_correlation(&frame, ticket)?;
        let decoded = decode_response::<R>(&frame, ticket.version);
        let (_, response) = decoded.map_err(|source| ClientError::Decode {
            address: self.address.clone(),
            api: R::API,
            source,
        })?;
        Ok(response)
    }

    /// Whether an answer, or the end of the connection, has arrived; waits for it for so long.
    pub(super) fn is_ready(&mut self, wait: Duration) -> Result<bool, ClientError> {
        let peeked = if wait.is_zero() {
            self.stream.set_nonblocking(true).map_err(|error| self.io("cannot look at it", error))?;
            let peeked = self.stream.peek(&mut [0]);
            self.stream.set_nonblocking(false).map_err(|error| self.io("cannot look at it", error))?;
            peeked
        } else {
            self.set_read_timeout(wait)?;
            self.stream.peek(&mut [0])
        };
        match peeked {
            Ok(_) => Ok(true),
            Err(error) if is_pause(&error) => Ok(false),
            Err(error) => Err(self.io("the connection broke", error)),
        }
    }

    /// Whether an answer to `ticket` should have arrived by now.
    pub(super) fn is_overdue(&self, ticket: Ticket) -> bool {
        ticket.sent.elapsed() > self.request_timeout
    }

    /// The error of a request without an answer in time.
    pub(super) fn timeout(&self, api: ApiKey) -> ClientError {
        ClientError::Timeout { address: self.address.clone(), api, after: self.request_timeout }
    }

    /// Asks in the newest version, and again in one that the broker names if that is too new for it (KIP-511).
    fn ask_versions(&mut self) -> Result<BTreeMap<i16, Versions>, ClientError> {
        let request = ApiVersionsRequest {
            client_software_name: Str::from_static("strome"),
            client_software_version: Str::from_static(env!("CARGO_PKG_VERSION")),
        };
        let mut version = ApiKey::ApiVersions.api().versions.max;
        for _ in 0..2 {
            let ticket = self.send(&request, version)?;
            let frame = self.frame(ApiKey::ApiVersions, ticket.sent + self.request_timeout)?;
            self.expect_correlation(&frame, ticket)?;
            let refused = frame.get(4..6).is_some_and(|code| code == UNSUPPORTED_VERSION.to_be_bytes());
            let written_in = if refused { 0 } else { version };
            let decoded = decode_response::<ApiVersionsRequest>(&frame, written_in);
            let (_, response) = decoded.map_err(|source| ClientError::Decode {
                address: self.address.clone(),
                api: ApiKey::ApiVersions,
                source,
            })?;
            if !refused {
                ClientError::check(response.error_code, None, || format!("{}: its versions", self.address))?;
                return Ok(offered(&response));
            }
            let own = offered(&response).get(&ApiKey::ApiVersions.key()).map_or(0, |own| own.max);
            version = own.clamp(0, version - 1);
        }
        Err(self.not_kafka("it refuses to name its versions"))
    }

    fn frame(&mut self, api: ApiKey, deadline: Instant) -> Result<Bytes, ClientError> {
        let mut len = Vec::with_capacity(4);
        self.read_to(&mut len, 4, api, deadline)?;
        let len: [u8; 4] = len.try_into().unwrap_or_default();
        if let Some(hint) = foreign(len) {
            return Err(self.not_kafka(hint));
        }
        let bytes = usize::try_from(i32::from_be_bytes(len)).unwrap_or(usize::MAX);
        if !(4..=FRAME_BYTES_MAX).contains(&bytes) {
            return Err(self.not_kafka(&format!("an answer of {} bytes", i32::from_be_bytes(len))));
        }
        let mut frame = Vec::new();
        self.read_to(&mut frame, bytes, api, deadline)?;
        Ok(Bytes::from(frame))
    }

    /// Reads until `buffer` has `len` bytes.
    fn read_to(
        &mut self,
        buffer: &mut Vec<u8>,
        len: usize,
        api: ApiKey,
        deadline: Instant,
    ) -> Result<(), ClientError> {
        while buffer.len() < len {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(self.timeout(api));
            }
            self.set_read_timeout(left)?;
            let filled = buffer.len();
            buffer.resize(len.min(filled + READ_BYTES), 0);
            let read = self.stream.read(buffer.get_mut(filled..).unwrap_or_default());
            buffer.truncate(filled + read.as_ref().map_or(0, |read| *read));
            match read {
                Ok(0) => return Err(ClientError::Closed { address: self.address.clone() }),
                Ok(_) => {}
                Err(error) if is_pause(&error) => {}
                Err(error) => return Err(self.failed(api, error)),
            }
        }
        Ok(())
    }

    fn set_read_timeout(&mut self, wait: Duration) -> Result<(), ClientError> {
        // Zero would mean for ever.
        let wait = wait.max(Duration::from_millis(1));
        self.stream.set_read_timeout(Some(wait)).map_err(|error| self.io("cannot wait for it", error))
    }

    fn expect_correlation(&self, frame: &Bytes, ticket: Ticket) -> Result<(), ClientError> {
        let id = frame.first_chunk().map(|id| i32::from_be_bytes(*id));
        if id == Some(ticket.correlation_id) {
            return Ok(());
        }
        Err(self.not_kafka("it answers a question that was not asked"))
    }

    fn failed(&self, api: ApiKey, error: io::Error) -> ClientError {
        match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => self.timeout(api),
            ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted => {
                ClientError::Closed { address: self.address.clone() }
            }
            _ => self.io("the connection broke", error),
        }
    }

    fn io(&self, what: &'static str, source: io::Error) -> ClientError {
        ClientError::Io { address: self.address.clone(), what, source }
    }

    fn not_kafka(&self, why: &str) -> ClientError {
        ClientError::NotKafka { address: self.address.clone(), why: why.to_owned() }
    }
}

/// Whether nothing has come yet, but the connection stands.
fn is_pause(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

/// Tries all addresses of the host.
fn connect(address: &HostPort, timeout: Duration) -> io::Result<TcpStream> {
    let mut last = io::Error::new(ErrorKind::NotFound, "the name has no address");
    for resolved in (address.host.as_str(), address.port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&resolved, timeout) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn offered(response: &ApiVersionsResponse) -> BTreeMap<i16, Versions> {
    let range = |min, max| Versions { min, max };
    response.api_keys.iter().map(|api| (api.api_key, range(api.min_version, api.max_version))).collect()
}

/// What the first bytes of an answer look like if they are no length.
fn foreign(first: [u8; 4]) -> Option<&'static str> {
    match &first {
        b"HTTP" => Some("it answers in HTTP"),
        [0x15, 3, ..] => Some("it answers in TLS; this client speaks only PLAINTEXT"),
        b"SSH-" => Some("it answers in SSH"),
        _ => None,
    }
}

/// All versions of a message that this program knows.
pub(super) fn any_version<M: Message>() -> Versions {
    M::API.api().versions
}
