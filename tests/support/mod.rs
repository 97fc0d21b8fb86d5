//! A broker of this build, as its own process, on a free port of the loopback, with its own directory.

// Each test binary uses its own part of this.
#![allow(dead_code)]

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long anything may take that is not about speed, on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A running broker. Killed when dropped; its directory goes with it, unless it is somebody else's.
pub struct Broker {
    process: Child,
    address: SocketAddr,
    /// Where it serves metrics, if it does.
    admin: Option<SocketAddr>,
    overrides: Vec<(String, String)>,
    /// `log.dirs`.
    data: Vec<PathBuf>,
    /// Where it writes what it logs; `None` where everybody sees it.
    log: Option<PathBuf>,
    /// Removed with it.
    dir: Option<TempDir>,
}

impl Broker {
    /// Starts a broker with these settings beside the test's own, and waits until it serves.
    pub fn start(overrides: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let data = vec![dir.path().join("data")];
        let mut started = Self::launch(data, None, overrides).unwrap_or_else(|status| not_ready(status));
        started.dir = Some(dir);
        started
    }

    /// The same with these `log.dirs`, which stay; what it logs goes to a file, of which the end is shown when the test
    /// fails.
    pub fn start_in(data: &[PathBuf], log: &Path, overrides: &[(&str, &str)]) -> Self {
        Self::try_start_in(data, log, overrides).unwrap_or_else(|status| {
            show_end(log);
            not_ready(status)
        })
    }

    /// The same; if it ended instead, how.
    pub fn try_start_in(
        data: &[PathBuf],
        log: &Path,
        overrides: &[(&str, &str)],
    ) -> Result<Self, ExitStatus> {
        Self::launch(data.to_vec(), Some(log.to_owned()), overrides)
    }

    fn launch(
        data: Vec<PathBuf>,
        log: Option<PathBuf>,
        overrides: &[(&str, &str)],
    ) -> Result<Self, ExitStatus> {
        let overrides: Vec<_> =
            overrides.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
        let mut process = begin(&data, log.as_deref(), &overrides);
        let Addresses { kafka: address, admin } = await_ready(&mut process)?;
        Ok(Self { process, address, admin, overrides, data, log, dir: None })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it serves metrics: `strome.admin.listener` must be set.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin.expect("a listener for metrics")
    }

    /// The process, for what the kernel tells about it.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// The first of `log.dirs`.
    pub fn data_dir(&self) -> PathBuf {
        self.data[0].clone()
    }

    /// Asks for a graceful stop without waiting for it.
    pub fn begin_stop(&self) {
        self.signal("TERM");
    }

    /// Stops gracefully and waits for the end.
    pub fn stop(&mut self) -> ExitStatus {
        self.begin_stop();
        self.wait()
    }

    /// Waits for the end of the process.
    pub fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.process.try_wait().expect("the broker's process") {
                return status;
            }
            assert!(Instant::now() < deadline, "the broker does not end");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Ends the process at once, as a crash would.
    pub fn kill(&mut self) {
        self.process.kill().expect("the broker's process");
        self.wait();
    }

    /// Sends it a signal.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").arg(format!("-{name}")).arg(self.pid().to_string()).status();
        assert!(status.expect("kill").success());
    }

    /// Has the directories checked by `strome log verify`, which must find no problem. The broker does not run.
    pub fn expect_sound(&self) {
        let output = Command::new(binary()).args(["log", "verify"]).args(&self.data).output();
        let output = output.expect("the command");
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{}\n{told}", output.status);
    }

    /// Starts it again after [`Self::stop`] or [`Self::kill`], on another port.
    pub fn restart(&mut self) {
        self.restart_with(&[]);
    }

    /// The same, with settings that replace or add to those it was started with.
    pub fn restart_with(&mut self, overrides: &[(&str, &str)]) {
        if let Err(status) = self.try_restart_with(overrides) {
            not_ready(status)
        }
    }

    /// The same; if it ended instead of becoming ready, how.
    pub fn try_restart_with(&mut self, overrides: &[(&str, &str)]) -> Result<(), ExitStatus> {
        self.replace_overrides(overrides);
        self.process = begin(&self.data, self.log.as_deref(), &self.overrides);
        let Addresses { kafka, admin } = await_ready(&mut self.process)?;
        (self.address, self.admin) = (kafka, admin);
        Ok(())
    }

    /// Starts it again, and ends it after this time wherever it is with that.
    pub fn restart_and_kill_after(&mut self, time: Duration, overrides: &[(&str, &str)]) {
        self.replace_overrides(overrides);
        self.process = begin(&self.data, self.log.as_deref(), &self.overrides);
        thread::sleep(time);
        self.kill();
    }

    fn replace_overrides(&mut self, overrides: &[(&str, &str)]) {
        for (key, value) in overrides {
            self.overrides.retain(|(known, _)| known != key);
            self.overrides.push((key.to_string(), value.to_string()));
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if let Some(log) = self.log.as_deref().filter(|_| thread::panicking()) {
            show_end(log);
        }
    }
}

fn begin(data: &[PathBuf], log: Option<&Path>, overrides: &[(String, String)]) -> Child {
    let mut command = Command::new(binary());
    // They are for the tests; the broker would take them for settings.
    command.env_remove("STROME_HEAVY_TESTS").env_remove(BINARY);
    command.arg("serve");
    command.arg("--override").arg("listeners=PLAINTEXT://127.0.0.1:0");
    command.arg("--override").arg("strome.admin.listener=");
    let dirs: Vec<String> = data.iter().map(|dir| dir.display().to_string()).collect();
    command.arg("--override").arg(format!("log.dirs={}", dirs.join(",")));
    for (key, value) in overrides {
        command.arg("--override").arg(format!("{key}={value}"));
    }
    if let Some(log) = log {
        let log = std::fs::File::options().create(true).append(true).open(log).expect("a file for the log");
        command.stderr(log);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("the broker")
}

/// The broker to be tested: the one of this build, unless the variable [`BINARY`] names another.
fn binary() -> PathBuf {
    std::env::var_os(BINARY).map_or_else(|| env!("CARGO_BIN_EXE_strome").into(), PathBuf::from)
}

const BINARY: &str = "STROME_TEST_BINARY";

fn not_ready(status: ExitStatus) -> ! {
    panic!("the broker did not become ready: {status}")
}

/// Shows the last lines of what a broker has logged.
fn show_end(log: &Path) {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(30);
    lines[from..].iter().for_each(|line| eprintln!("    {line}"));
}

/// Where a broker listens.
struct Addresses {
    kafka: SocketAddr,
    admin: Option<SocketAddr>,
}

/// Waits until the broker serves; says where, or how it ended instead.
fn await_ready(process: &mut Child) -> Result<Addresses, ExitStatus> {
    let lines = follow(process.stdout.take().expect("its output"));
    let (mut address, mut admin) = (None, None);
    let deadline = Instant::now() + PATIENCE;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let Ok(line) = lines.recv_timeout(left) else {
            let _ = process.kill();
            return Err(process.wait().expect("the broker's process"));
        };
        if let Some(listener) = line.strip_prefix("listening: PLAINTEXT://") {
            address = listener.split(',').next().and_then(|address| address.parse().ok());
        }
        if let Some(page) = line.strip_prefix("admin: http://") {
            admin = page.split('/').next().and_then(|address| address.parse().ok());
        }
        if line.starts_with("ready") {
            return Ok(Addresses { kafka: address.expect("the address, before it is ready"), admin });
        }
    }
}

/// The lines that the broker prints; they are read to the end, so that it never waits for a reader.
fn follow(output: std::process::ChildStdout) -> Receiver<String> {
    let (sender, lines) = channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    lines
}
