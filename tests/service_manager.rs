//! What a service manager hears of a broker: datagrams to a socket of the test's own.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// How long anything may take that is not about speed, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A broker and the manager that has started it.
struct Service {
    manager: UnixDatagram,
    broker: Child,
    _dir: TempDir,
}

impl Service {
    /// Starts a broker that is told of `socket`, with this watchdog.
    fn start(manager: UnixDatagram, socket: &str, watchdog: Option<Duration>) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        manager.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        let mut command = Command::new(env!("CARGO_BIN_EXE_strome"));
        command.arg("serve").env("NOTIFY_SOCKET", socket).stdin(Stdio::null()).stdout(Stdio::null());
        for setting in ["listeners=PLAINTEXT://127.0.0.1:0", "strome.admin.listener=", "strome.shards=2"] {
            command.arg("--override").arg(setting);
        }
        command.arg("--override").arg(format!("log.dirs={}", dir.path().join("data").display()));
        command.env_remove("WATCHDOG_PID").env_remove("WATCHDOG_USEC");
        if let Some(watchdog) = watchdog {
            command.env("WATCHDOG_USEC", watchdog.as_micros().to_string());
        }
        Self { manager, broker: command.spawn().expect("a broker"), _dir: dir }
    }

    /// The first line of the next datagram.
    fn hears(&self) -> String {
        let mut datagram = [0; 1024];
        let length = self.manager.recv(&mut datagram).expect("a datagram");
        let text = String::from_utf8_lossy(&datagram[..length]);
        text.lines().next().unwrap_or_default().to_owned()
    }

    fn terminate(&self) {
        let pid = self.broker.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill").success());
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.broker.kill();
        let _ = self.broker.wait();
    }
}

#[test]
fn the_manager_hears_of_the_start_and_of_the_stop() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("notify");
    let manager = UnixDatagram::bind(&path).expect("a socket");
    let mut service = Service::start(manager, path.to_str().expect("a text"), None);
    assert_eq!(service.hears(), "READY=1");
    service.terminate();
    assert_eq!(service.hears(), "STOPPING=1", "nobody has asked for signs of life");
    assert!(service.broker.wait().expect("its end").success());
}

#[test]
fn a_watchdog_gets_signs_of_life_through_an_abstract_socket_and_without_an_admin_listener() {
    let name = format!("strome-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).expect("an address");
    let manager = UnixDatagram::bind_addr(&address).expect("a socket");
    let mut service = Service::start(manager, &format!("@{name}"), Some(Duration::from_secs(1)));
    // Before it is ready there may be some already: the threads answer while logs are recovered.
    let mut heard = service.hears();
    while heard == "WATCHDOG=1" {
        heard = service.hears();
    }
    assert_eq!(heard, "READY=1");
    for _ in 0..3 {
        assert_eq!(service.hears(), "WATCHDOG=1");
    }
    service.terminate();
    while service.hears() != "STOPPING=1" {}
    assert!(service.broker.wait().expect("its end").success());
}
