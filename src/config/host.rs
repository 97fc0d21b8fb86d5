//! The name under which clients find this host, if nobody says.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs, UdpSocket};

/// Where the kernel says what this host is called.
const HOSTNAME: &str = "/proc/sys/kernel/hostname";

/// What always leads back to this host, though from this host only.
const LOCALHOST: &str = "localhost";

/// The name of this host if it leads back to it, and otherwise `localhost`, so that clients on this host work at once.
/// Looks the name up, which may take as long as the resolver of the system takes.
pub fn own_name() -> String {
    let name = std::fs::read_to_string(HOSTNAME).unwrap_or_default();
    let name = name.trim();
    if !name.is_empty() && leads_here(name) { name.to_owned() } else { LOCALHOST.to_owned() }
}

/// Whether the name is only good on this host.
pub fn is_local_only(host: &str) -> bool {
    host == LOCALHOST || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether every address of the name is one of this host's own: those that a socket can be bound to. If one of them
/// is not, clients could end up elsewhere.
fn leads_here(name: &str) -> bool {
    let Ok(addresses) = (name, 0).to_socket_addrs() else {
        return false;
    };
    let mut addresses = addresses.peekable();
    addresses.peek().is_some() && addresses.all(is_own)
}

fn is_own(address: SocketAddr) -> bool {
    !address.ip().is_unspecified() && UdpSocket::bind(address).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn localhost_leads_here_and_a_name_that_nobody_has_does_not() {
        assert!(leads_here(LOCALHOST));
        assert!(!leads_here("no-such-host.invalid"));
    }

    #[test]
    fn the_own_name_always_leads_here() {
        let name = own_name();
        assert!(name == LOCALHOST || leads_here(&name));
    }

    #[test]
    fn loopback_is_good_on_this_host_only() {
        assert!(is_local_only("localhost") && is_local_only("127.0.0.1") && is_local_only("::1"));
        assert!(!is_local_only("10.0.0.1") && !is_local_only("broker.example"));
    }
}
