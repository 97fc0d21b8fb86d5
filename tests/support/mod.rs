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

/// A running broker. Killed when dropped; its directory goes with it.
pub struct Broker {
    process: Child,
    address: SocketAddr,
    overrides: Vec<(String, String)>,
    dir: TempDir,
}

impl Broker {
    /// Starts a broker with these settings beside the test's own, and waits until it serves.
    pub fn start(overrides: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let overrides = overrides.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
        let (process, address) = launch(dir.path(), &overrides);
        Self { process, address, overrides, dir }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The process, for what the kernel tells about it.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// `log.dirs`.
    pub fn data_dir(&self) -> PathBuf {
        data_dir(self.dir.path())
    }

    /// Asks for a graceful stop without waiting for it.
    pub fn begin_stop(&self) {
        signal(&self.process, "TERM");
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

    /// Starts it again after [`Self::stop`] or [`Self::kill`], on another port.
    pub fn restart(&mut self) {
        self.restart_with(&[]);
    }

    /// The same, with settings that replace or add to those it was started with.
    pub fn restart_with(&mut self, overrides: &[(&str, &str)]) {
        for (key, value) in overrides {
            self.overrides.retain(|(known, _)| known != key);
            self.overrides.push((key.to_string(), value.to_string()));
        }
        (self.process, self.address) = launch(self.dir.path(), &self.overrides);
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn data_dir(dir: &Path) -> PathBuf {
    dir.join("data")
}

fn launch(dir: &Path, overrides: &Vec<(String, String)>) -> (Child, SocketAddr) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_strome"));
    // It is for the tests; the broker would take it for a setting.
    command.env_remove("STROME_HEAVY_TESTS");
    command.arg("serve");
    command.arg("--override").arg("listeners=PLAINTEXT://127.0.0.1:0");
    command.arg("--override").arg(format!("log.dirs={}", data_dir(dir).display()));
    for (key, value) in overrides {
        command.arg("--override").arg(format!("{key}={value}"));
    }
    let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("the broker");
    let address = await_ready(&mut process);
    (process, address)
}

/// Waits until the broker serves; says where.
fn await_ready(process: &mut Child) -> SocketAddr {
    let lines = follow(process.stdout.take().expect("its output"));
    let mut address = None;
    let deadline = Instant::now() + PATIENCE;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let Ok(line) = lines.recv_timeout(left) else {
            let _ = process.kill();
            let _ = process.wait();
            panic!("the broker did not become ready");
        };
        if let Some(listener) = line.strip_prefix("listening: PLAINTEXT://") {
            address = listener.split(',').next().and_then(|address| address.parse().ok());
        }
        if line.starts_with("ready") {
            return address.expect("the address, before it is ready");
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

fn signal(process: &Child, name: &str) {
    let status = Command::new("kill").arg(format!("-{name}")).arg(process.id().to_string()).status();
    assert!(status.expect("kill").success());
}
