//! The network cards of the host.

use crate::Host;

/// Where they are.
pub(crate) const FOLDER: &str = "sys/class/net";

/// The interfaces that stand for a device and are not down. Bridges, tunnels and the loopback have no device.
pub(crate) fn all(host: &Host) -> Vec<String> {
    let names = host.names(FOLDER).unwrap_or_default();
    let is_up = |name: &String| {
        host.has(&format!("{FOLDER}/{name}/device"))
            && host.text(&format!("{FOLDER}/{name}/operstate")).is_ok_and(|state| state != "down")
    };
    names.into_iter().filter(is_up).collect()
}
