//! Connections before they go onto the ring: made, and asked for the broker's versions, one blocking call after the other.
//!
//! # Invariants
//! - Nothing waits longer than the time-out that the caller gives.
//! - What a peer claims to send is not allocated before it comes.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use protocol::messages::ApiVersionsRequest;
use protocol::{ApiKey, Request, Str, Versions, decode_response, encode_request};
use types::ErrorCode;

use crate::cluster::Access;
use crate::error::BenchError;

/// What kind of client this is.
const SOFTWARE: &str = "strome-bench";

/// No answer of those that are asked for here is longer.
const FRAME_BYTES_MAX: usize = 256 << 20;
const READ_BYTES: u64 = 64 * 1024;

/// How TLS says that it does not understand.
const TLS_ALERT: [u8; 2] = [0x15, 0x03];
const NO_TLS: &str = "its listener is one for TLS, which this client does not speak";
const CLOSED_AT_ONCE: &str = "it closes the connection at the first request, as a listener for TLS may, which this client does not speak";

/// The answer to a version that the broker does not know.
const UNSUPPORTED_VERSION: i16 = ErrorCode::UnsupportedVersion.code();

/// Where a broker listens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    /// A name or an IP address.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

/// How client and broker speak with each other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spoken {
    /// The versions of each API that the broker offers.
    offered: BTreeMap<i16, Versions>,
    /// How the client calls itself.
    pub(crate) client_id: Str,
}

impl Spoken {
    /// The highest version that both sides know, of those that Kafka has settled.
    pub(crate) fn version(&self, key: ApiKey) -> Option<i16> {
        let api = key.api();
        let known = Versions::between(api.versions.min, api.versions.max.min(api.advertised.max));
        let offered = self.offered.get(&key.key())?;
        let common = known.max.min(offered.max);
        (common >= known.min && common >= offered.min).then_some(common)
    }
}

/// A connection that works, and what the broker at its end speaks.
#[derive(Debug)]
pub(crate) struct Dialed {
    pub(crate) address: Address,
    pub(crate) stream: TcpStream,
    pub(crate) spoken: Arc<Spoken>,
    timeout: Duration,
    last_correlation: i32,
}

impl Dialed {
    /// Connects and asks for the broker's versions.
    pub(crate) fn open(address: &Address, access: &Access) -> Result<Self, BenchError> {
        let timeout = access.timeout;
        let stream = connect(address, timeout).and_then(|stream| {
            stream.set_nodelay(true)?;
            stream.set_write_timeout(Some(timeout))?;
            Ok(stream)
        });
        let stream = stream.map_err(|source| BenchError::Io {
            address: address.clone(),
            what: "cannot connect",
            source,
        })?;
        let spoken = Spoken { offered: BTreeMap::new(), client_id: access.client_id.clone() };
        let spoken = Arc::new(spoken);
        let mut dialed = Self { address: address.clone(), stream, spoken, timeout, last_correlation: 0 };
        let offered = dialed.ask_versions().map_err(|error| dialed.first_refusal(error))?;
        dialed.spoken = Arc::new(Spoken { offered, client_id: access.client_id.clone() });
        Ok(dialed)
    }

    /// Sends a request and waits for its answer.
    pub(crate) fn call<R: Request>(&mut self, request: &R) -> Result<R::Response, BenchError> {
        let unsupported = || BenchError::Unsupported { address: self.address.clone(), api: R::API };
        let version = self.spoken.version(R::API).ok_or_else(unsupported)?;
        let frame = self.exchange(request, version)?;
        self.decode::<R>(&frame, version)
    }

    /// The newest version first, then the one that the broker names if that is too new for it (KIP-511).
    fn ask_versions(&mut self) -> Result<BTreeMap<i16, Versions>, BenchError> {
        let request = ApiVersionsRequest {
            client_software_name: Str::from_static(SOFTWARE),
            client_software_version: Str::from_static(env!("CARGO_PKG_VERSION")),
        };
        let mut version = ApiKey::ApiVersions.api().versions.max;
        for _ in 0..2 {
            let frame = self.exchange(&request, version)?;
            let refused = frame.get(4..6).is_some_and(|code| code == UNSUPPORTED_VERSION.to_be_bytes());
            let response = self.decode::<ApiVersionsRequest>(&frame, if refused { 0 } else { version })?;
            let offered = response.api_keys.iter().map(|api| {
                let range = Versions { min: api.min_version, max: api.max_version };
                (api.api_key, range)
            });
            let offered: BTreeMap<i16, Versions> = offered.collect();
            if !refused {
                return Ok(offered);
            }
            let own = offered.get(&ApiKey::ApiVersions.key()).map_or(0, |own| own.max);
            version = own.clamp(0, version - 1);
        }
        Err(self.not_kafka("it refuses to name its versions"))
    }

    fn exchange<R: Request>(&mut self, request: &R, version: i16) -> Result<Bytes, BenchError> {
        self.last_correlation = self.last_correlation.wrapping_add(1);
        let correlation = self.last_correlation;
        let client_id = Some(self.spoken.client_id.clone());
        let pieces = encode_request(version, correlation, client_id, request)?;
        let deadline = Instant::now() + self.timeout;
        self.stream.write_all(&pieces.concat()).map_err(|error| self.failed(R::API, error))?;
        let len = self.read(4, R::API, deadline)?;
        if len.starts_with(&TLS_ALERT) {
            return Err(self.not_kafka(NO_TLS));
        }
        let len = len.first_chunk().map_or(0, |len| i32::from_be_bytes(*len));
        let len = usize::try_from(len).ok().filter(|len| (4..=FRAME_BYTES_MAX).contains(len));
        let len = len.ok_or_else(|| self.not_kafka("its answer has an impossible length"))?;
        let frame = Bytes::from(self.read(len, R::API, deadline)?);
        if frame.first_chunk().map(|id| i32::from_be_bytes(*id)) != Some(correlation) {
            return Err(self.not_kafka("it answers a question that was not asked"));
        }
        Ok(frame)
    }

    fn read(&mut self, len: usize, api: ApiKey, deadline: Instant) -> Result<Vec<u8>, BenchError> {
        let mut bytes = Vec::new();
        while bytes.len() < len {
            let left = deadline.saturating_duration_since(Instant::now());
            // Zero would mean for ever.
            let timeout = self.stream.set_read_timeout(Some(left.max(Duration::from_millis(1))));
            timeout.map_err(|error| self.failed(api, error))?;
            let wanted = READ_BYTES.min((len - bytes.len()) as u64);
            match (&self.stream).take(wanted).read_to_end(&mut bytes) {
                Ok(0) => return Err(self.failed(api, ErrorKind::UnexpectedEof.into())),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failed(api, error)),
            }
        }
        Ok(bytes)
    }

    fn decode<R: Request>(&self, frame: &Bytes, version: i16) -> Result<R::Response, BenchError> {
        let decoded = decode_response::<R>(frame, version);
        let undecodable = |source| BenchError::Decode { address: self.address.clone(), api: R::API, source };
        decoded.map(|(_, response)| response).map_err(undecodable)
    }

    fn failed(&self, api: ApiKey, source: io::Error) -> BenchError {
        let address = self.address.clone();
        match source.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => {
                BenchError::Timeout { address, api, after: self.timeout }
            }
            _ => BenchError::Io { address, what: "the connection broke", source },
        }
    }

    /// What went wrong with the first request of all says more than that of others.
    fn first_refusal(&self, error: BenchError) -> BenchError {
        match error {
            BenchError::Io { source, .. }
                if matches!(source.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset) =>
            {
                self.not_kafka(CLOSED_AT_ONCE)
            }
            other => other,
        }
    }

    fn not_kafka(&self, why: &str) -> BenchError {
        BenchError::NotKafka { address: self.address.clone(), why: why.to_owned() }
    }
}

/// Tries all addresses of the host.
pub(crate) fn connect(address: &Address, timeout: Duration) -> io::Result<TcpStream> {
    let mut last = io::Error::new(ErrorKind::NotFound, "the name has no address");
    for resolved in resolve(address)? {
        match TcpStream::connect_timeout(&resolved, timeout) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// All addresses of the host.
pub(crate) fn resolve(address: &Address) -> io::Result<Vec<SocketAddr>> {
    Ok((address.host.as_str(), address.port).to_socket_addrs()?.collect())
}
