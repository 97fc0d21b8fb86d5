//! What the service manager is told, as sd_notify(3) has it: datagrams to the socket that `NOTIFY_SOCKET` names. Without
//! one nobody is told anything.
//!
//! # Invariants
//! - A manager that does not read holds nothing up: what cannot be sent at once is lost, with a line in the log.
//!
//! # Not here
//! Whether the broker is well (`admin`).

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Where the manager listens.
const SOCKET: &str = "NOTIFY_SOCKET";
/// After how many microseconds without a sign of life the manager ends the broker.
const WATCHDOG: &str = "WATCHDOG_USEC";
/// Whom that is meant for, if it is not everybody.
const WATCHDOG_PID: &str = "WATCHDOG_PID";

/// See the module. Shared by the threads that have something to tell.
#[derive(Clone, Default)]
pub struct ServiceManager {
    socket: Option<Arc<(UnixDatagram, SocketAddr)>>,
    watchdog: Option<Duration>,
    is_stopping: Arc<AtomicBool>,
}

impl ServiceManager {
    /// The one that has started this process, if it wants to be told.
    pub fn of_this_process() -> Self {
        let Some(name) = std::env::var_os(SOCKET).filter(|name| !name.is_empty()) else {
            return Self::default();
        };
        match connect(&name) {
            Ok(socket) => {
                let variable = |name| std::env::var(name).ok();
                let watchdog = interval(variable(WATCHDOG), variable(WATCHDOG_PID), std::process::id());
                Self { socket: Some(Arc::new(socket)), watchdog, ..Self::default() }
            }
            Err(error) => {
                tracing::warn!(
                    "the service manager cannot be told of anything, {SOCKET} is {name:?}: {error}"
                );
                Self::default()
            }
        }
    }

    /// After how long without a sign of life the manager ends the broker, if it does.
    pub fn watchdog(&self) -> Option<Duration> {
        self.watchdog
    }

    /// Clients are let in.
    pub fn ready(&self) {
        self.tell("READY=1\nSTATUS=serving clients");
    }

    /// A stop has begun.
    pub fn stopping(&self) {
        self.is_stopping.store(true, Ordering::SeqCst);
        self.tell("STOPPING=1\nSTATUS=stopping");
    }

    /// Whether a stop has begun.
    pub fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::SeqCst)
    }

    /// A sign of life.
    pub fn alive(&self) {
        self.tell("WATCHDOG=1");
    }

    fn tell(&self, state: &str) {
        if let Some((socket, manager)) = self.socket.as_deref()
            && let Err(error) = socket.send_to_addr(state.as_bytes(), manager)
        {
            tracing::warn!("the service manager could not be told {state:?}: {error}");
        }
    }
}

/// A socket to send from, and the address to send to: a path, or with `@` in front a name that is no file's.
fn connect(name: &OsStr) -> io::Result<(UnixDatagram, SocketAddr)> {
    let manager = match name.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        [b'/', ..] => SocketAddr::from_pathname(name)?,
        _ => return Err(io::Error::new(io::ErrorKind::Unsupported, "neither a path nor an abstract name")),
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    Ok((socket, manager))
}

/// What the variables say to the process of this id.
fn interval(microseconds: Option<String>, meant_for: Option<String>, own: u32) -> Option<Duration> {
    let is_meant = meant_for.is_none_or(|pid| pid.parse() == Ok(own));
    let microseconds = microseconds?.parse().ok().filter(|microseconds| *microseconds > 0)?;
    is_meant.then(|| Duration::from_micros(microseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watchdog_for_another_process_or_of_no_length_is_none() {
        let text = |text: &str| Some(text.to_owned());
        let second = Some(Duration::from_secs(1));
        assert_eq!(interval(text("1000000"), None, 7), second);
        assert_eq!(interval(text("1000000"), text("7"), 7), second);
        for (microseconds, pid) in
            [(text("1000000"), text("8")), (text("0"), None), (text("x"), None), (None, None)]
        {
            assert_eq!(interval(microseconds, pid, 7), None);
        }
    }

    #[test]
    fn only_paths_and_abstract_names_are_addresses() {
        assert!(connect(OsStr::new("@strome")).is_ok() && connect(OsStr::new("/run/notify")).is_ok());
        assert!(connect(OsStr::new("vsock:2:1")).is_err());
    }
}
