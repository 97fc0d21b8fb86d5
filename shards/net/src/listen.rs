//! Opens a listener's sockets: one per shard on the same address, among which the kernel spreads the clients
//! (SO_REUSEPORT).
//!
//! # Not here
//! Accepting (the reactor does); the `listeners` setting's syntax (the broker's configuration).

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs};

use socket2::{Domain, Protocol, Socket, Type};
use thiserror::Error;

/// The options of listening sockets. Accepted sockets inherit all but the backlog.
#[derive(Clone, Debug)]
pub struct SocketSettings {
    /// Connections that may wait to be accepted, per shard: `socket.listen.backlog.size`.
    pub backlog: u32,
    /// `socket.send.buffer.bytes`; `None` (Kafka's -1) leaves it to the kernel, which adapts it.
    pub send_buffer_bytes: Option<usize>,
    /// `socket.receive.buffer.bytes`, likewise.
    pub receive_buffer_bytes: Option<usize>,
}

impl Default for SocketSettings {
    /// Kafka's defaults.
    fn default() -> Self {
        let buffer = Some(100 * 1024);
        Self { backlog: 50, send_buffer_bytes: buffer, receive_buffer_bytes: buffer }
    }
}

/// An open listener.
#[derive(Debug)]
pub struct Bound {
    /// The address with the port that was found, if any port was good.
    pub address: SocketAddr,
    /// A socket per shard.
    pub sockets: Vec<TcpListener>,
}

/// Why a listener could not be opened, and what to do about it.
#[derive(Debug, Error)]
pub enum ListenError {
    /// The host has no address.
    #[error(
        "listener {listener}: the host {host:?} cannot be found: {source}; put an address or a resolvable name into `listeners`"
    )]
    Unresolved {
        /// The listener's name.
        listener: String,
        /// The host as configured.
        host: String,
        /// What the resolver says.
        source: io::Error,
    },
    /// Somebody else has the port.
    #[error("listener {listener}: {address} is in use by another process; `ss -ltnp 'sport = :{port}'` shows which; stop it or change `listeners`", port = .address.port())]
    InUse {
        /// The listener's name.
        listener: String,
        /// The address wanted.
        address: SocketAddr,
    },
    /// The port is privileged.
    #[error(
        "listener {listener}: not allowed to listen on {address}; ports below 1024 need CAP_NET_BIND_SERVICE (systemd: AmbientCapabilities=CAP_NET_BIND_SERVICE), or change `listeners`"
    )]
    NotAllowed {
        /// The listener's name.
        listener: String,
        /// The address wanted.
        address: SocketAddr,
    },
    /// The address is not this machine's.
    #[error(
        "listener {listener}: {address} is not an address of this machine; `listeners` names where to listen, `advertised.listeners` what clients are told"
    )]
    NotOurs {
        /// The listener's name.
        listener: String,
        /// The address wanted.
        address: SocketAddr,
    },
    /// Something else went wrong.
    #[error("listener {listener}: cannot listen on {address}: {source}")]
    Failed {
        /// The listener's name.
        listener: String,
        /// The address wanted.
        address: SocketAddr,
        /// What the kernel says.
        source: io::Error,
    },
}

/// Opens the listener called `listener` on `host` and `port`, with a socket for each of `shards`. An empty host means
/// every address of the machine, IPv6 and IPv4; port 0 means any free port, the same for all shards.
pub fn listen(
    listener: &str,
    host: &str,
    port: u16,
    shards: usize,
    settings: &SocketSettings,
) -> Result<Bound, ListenError> {
    let wanted = address(host, port).map_err(|source| ListenError::Unresolved {
        listener: listener.to_owned(),
        host: host.to_owned(),
        source,
    })?;
    open_all(wanted, shards, settings)
        .or_else(|error| match error.raw_os_error() {
            // A kernel without IPv6: every address then means every IPv4 address.
            Some(EAFNOSUPPORT) if wanted.ip() == Ipv6Addr::UNSPECIFIED => {
                open_all((Ipv4Addr::UNSPECIFIED, port).into(), shards, settings)
            }
            _ => Err(error),
        })
        .map_err(|source| explain(listener.to_owned(), wanted, source))
}

const EAFNOSUPPORT: i32 = 97;

/// The address of a host: of several the first of IPv4, as Java chooses.
fn address(host: &str, port: u16) -> io::Result<SocketAddr> {
    if host.is_empty() {
        return Ok((Ipv6Addr::UNSPECIFIED, port).into());
    }
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    let addresses: Vec<_> = (bare, port).to_socket_addrs()?.collect();
    let chosen = addresses.iter().find(|address| address.is_ipv4()).or(addresses.first());
    chosen.copied().ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "it has no address"))
}

fn open_all(wanted: SocketAddr, shards: usize, settings: &SocketSettings) -> io::Result<Bound> {
    if wanted.port() != 0 {
        // With SO_REUSEPORT alone another broker of the same user could share the port unnoticed, and each would get
        // some of the other's clients. A socket without it finds out whether the port is free.
        open(wanted, settings)?.listen(1)?;
    }
    let mut address = wanted;
    let mut sockets = Vec::with_capacity(shards);
    for _ in 0..shards {
        let socket = open_shared(address, settings)?;
        if address.port() == 0
            && let Some(found) = socket.local_addr()?.as_socket()
        {
            address = found;
        }
        socket.listen(i32::try_from(settings.backlog).unwrap_or(i32::MAX))?;
        sockets.push(TcpListener::from(socket));
    }
    Ok(Bound { address, sockets })
}

fn open(address: SocketAddr, settings: &SocketSettings) -> io::Result<Socket> {
    let socket = unbound(address, settings)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

fn open_shared(address: SocketAddr, settings: &SocketSettings) -> io::Result<Socket> {
    let socket = unbound(address, settings)?;
    socket.set_reuse_port(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

fn unbound(address: SocketAddr, settings: &SocketSettings) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // Clients that are still closing must not keep a restarted broker from its port.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        let everything = address.ip() == Ipv6Addr::UNSPECIFIED;
        socket.set_only_v6(!everything)?;
    }
    socket.set_tcp_nodelay(true)?;
    socket.set_keepalive(true)?;
    // Before listen: the window's scale is settled when a client connects.
    if let Some(bytes) = settings.receive_buffer_bytes {
        socket.set_recv_buffer_size(bytes)?;
    }
    if let Some(bytes) = settings.send_buffer_bytes {
        socket.set_send_buffer_size(bytes)?;
    }
    Ok(socket)
}

fn explain(listener: String, address: SocketAddr, source: io::Error) -> ListenError {
    match source.kind() {
        io::ErrorKind::AddrInUse => ListenError::InUse { listener, address },
        io::ErrorKind::PermissionDenied => ListenError::NotAllowed { listener, address },
        io::ErrorKind::AddrNotAvailable => ListenError::NotOurs { listener, address },
        _ => ListenError::Failed { listener, address, source },
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;
    use std::time::Duration;

    use super::*;

    fn here(shards: usize) -> Bound {
        listen("CLIENTS", "127.0.0.1", 0, shards, &SocketSettings::default()).unwrap()
    }

    #[test]
    fn every_shard_listens_on_the_port_that_was_found() {
        let bound = here(4);
        assert_ne!(bound.address.port(), 0);
        for socket in &bound.sockets {
            assert_eq!(socket.local_addr().unwrap(), bound.address);
        }
        // The kernel spreads the clients: with 64 of them each of the four sockets gets some.
        let clients: Vec<_> = (0..64).map(|_| TcpStream::connect(bound.address).unwrap()).collect();
        let mut accepted = 0;
        for socket in &bound.sockets {
            socket.set_nonblocking(true).unwrap();
            let here = std::iter::from_fn(|| socket.accept().ok()).count();
            assert!(here > 0);
            accepted += here;
        }
        assert_eq!(accepted, clients.len());
    }

    #[test]
    fn accepted_sockets_have_the_listeners_options() {
        let settings = SocketSettings { send_buffer_bytes: Some(50_000), ..SocketSettings::default() };
        let bound = listen("CLIENTS", "localhost", 0, 1, &settings).unwrap();
        let _client = TcpStream::connect(bound.address).unwrap();
        let (accepted, _) = bound.sockets[0].accept().unwrap();
        let accepted = Socket::from(accepted);
        assert!(accepted.tcp_nodelay().unwrap());
        assert!(accepted.keepalive().unwrap());
        // The kernel doubles what was asked, for its own bookkeeping.
        assert_eq!(accepted.send_buffer_size().unwrap(), 100_000);
    }

    #[test]
    fn a_port_in_use_is_noticed_even_if_its_owner_would_share_it() {
        let first = here(2);
        let error = listen("CLIENTS", "127.0.0.1", first.address.port(), 2, &SocketSettings::default());
        let text = error.unwrap_err().to_string();
        assert!(text.contains("CLIENTS") && text.contains("in use"), "{text}");
        let port = first.address.port();
        drop(first);
        let again = listen("CLIENTS", "127.0.0.1", port, 2, &SocketSettings::default()).unwrap();
        assert_eq!(again.sockets.len(), 2);
    }

    #[test]
    fn a_restarted_broker_gets_its_port_back_while_old_clients_close() {
        let bound = here(1);
        let client = TcpStream::connect(bound.address).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        // The server closes first, so its side goes through TIME_WAIT.
        drop(bound.sockets[0].accept().unwrap());
        drop(client);
        let address = bound.address;
        drop(bound);
        listen("CLIENTS", "127.0.0.1", address.port(), 1, &SocketSettings::default()).unwrap();
    }

    #[test]
    fn an_empty_host_means_ipv4_and_ipv6() {
        let bound = listen("ALL", "", 0, 1, &SocketSettings::default()).unwrap();
        TcpStream::connect((Ipv4Addr::LOCALHOST, bound.address.port())).unwrap();
        if bound.address.is_ipv6() && TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok() {
            TcpStream::connect((Ipv6Addr::LOCALHOST, bound.address.port())).unwrap();
        }
    }

    #[test]
    fn errors_name_the_listener_and_the_remedy() {
        let not_ours = listen("WAN", "192.0.2.1", 0, 1, &SocketSettings::default()).unwrap_err().to_string();
        assert!(not_ours.contains("WAN") && not_ours.contains("advertised.listeners"), "{not_ours}");
        let unknown = listen("WAN", "no-such-host.invalid", 0, 1, &SocketSettings::default()).unwrap_err();
        assert!(matches!(unknown, ListenError::Unresolved { .. }), "{unknown}");
        let denied = io::Error::from(io::ErrorKind::PermissionDenied);
        let denied = explain("LOW".to_owned(), ([127, 0, 0, 1], 80).into(), denied).to_string();
        assert!(denied.contains("LOW") && denied.contains("CAP_NET_BIND_SERVICE"), "{denied}");
    }
}
