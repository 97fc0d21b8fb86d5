//! The brokers' processes, if they run on this machine: what they use of its processors and memory.
//!
//! A broker is found by its listening socket: the kernel's table of sockets gives the socket's inode, and the process that
//! has a descriptor for it is the broker. Kernel workers of its io_uring rings are threads of the process and counted with it.

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, UdpSocket};
use std::path::Path;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::dial::{Address, resolve};

/// A broker's process on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// The first words of its command line.
    pub command: String,
}

/// What a process has used so far, and what it has.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// Of user and system time, all threads together.
    pub cpu_seconds: f64,
    /// Resident now.
    pub rss_bytes: u64,
    /// Resident at most so far.
    pub rss_peak_bytes: u64,
    /// How many threads it has.
    pub threads: u64,
}

/// Characters of a command line that are kept.
const COMMAND_CHARS_MAX: usize = 120;
/// A listening socket, in the kernel's table.
const LISTENING: &str = "0A";

impl Process {
    /// The process that listens at an address, if that is on this machine and visible to this user.
    #[must_use]
    pub fn at(address: &Address) -> Option<Self> {
        let local = resolve(address).ok()?.iter().any(|address| is_local(address.ip()));
        if !local {
            return None;
        }
        let mut inodes = BTreeSet::new();
        for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
            inodes.extend(listening_inodes(&fs::read_to_string(table).unwrap_or_default(), address.port));
        }
        let wanted: BTreeSet<String> = inodes.iter().map(|inode| format!("socket:[{inode}]")).collect();
        let pids = fs::read_dir("/proc").ok()?.flatten();
        let mut pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let pid = pids.find(|pid| has_descriptor(*pid, &wanted))?;
        Some(Self { pid, command: command(pid) })
    }

    /// What it has used so far; `None` once it is gone.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid)).ok()?;
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
        let cpu_seconds = cpu_ticks(&stat)? as f64 / rustix::param::clock_ticks_per_second() as f64;
        let kib = |name| number_after(&status, name).unwrap_or_default() * 1024;
        Some(Usage {
            cpu_seconds,
            rss_bytes: kib("VmRSS:"),
            rss_peak_bytes: kib("VmHWM:"),
            threads: number_after(&status, "Threads:").unwrap_or_default(),
        })
    }
}

/// CPU time so far: of this process with all of its threads, or of the calling thread.
pub(crate) fn cpu_time(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}

/// Whether an address is one of this machine: nothing else can be bound to.
fn is_local(ip: IpAddr) -> bool {
    ip.is_loopback() || UdpSocket::bind((ip, 0)).is_ok()
}

/// The inodes of the sockets that listen at a port, of which there may be many (SO_REUSEPORT).
fn listening_inodes(table: &str, port: u16) -> Vec<u64> {
    let port = format!("{port:04X}");
    let inode = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let is_it = fields.get(1)?.ends_with(&format!(":{port}")) && *fields.get(3)? == LISTENING;
        is_it.then(|| fields.get(9)?.parse().ok())?
    };
    table.lines().filter_map(inode).collect()
}

fn has_descriptor(pid: u32, wanted: &BTreeSet<String>) -> bool {
    let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    let is_wanted =
        |path: &Path| fs::read_link(path).is_ok_and(|to| to.to_str().is_some_and(|to| wanted.contains(to)));
    descriptors.flatten().any(|entry| is_wanted(&entry.path()))
}

fn command(pid: u32) -> String {
    let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words = String::from_utf8_lossy(&words).replace('\0', " ");
    words.trim().chars().take(COMMAND_CHARS_MAX).collect()
}

/// User and system time out of `/proc/PID/stat`. The name in it may hold anything, brackets and blanks too.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

pub(crate) fn number_after(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn this_process_is_found_by_its_listener() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = Address { host: "localhost".into(), port: listener.local_addr().unwrap().port() };
        let process = Process::at(&address).unwrap();
        assert_eq!(process.pid, std::process::id());
        let usage = process.usage().unwrap();
        assert!(usage.rss_bytes > 0 && usage.rss_peak_bytes >= usage.rss_bytes && usage.threads > 0);
        drop(listener);
        assert_eq!(Process::at(&address), None);
    }

    #[test]
    fn an_address_elsewhere_is_not_looked_for_here() {
        // Of a block that is kept for documentation.
        assert_eq!(Process::at(&Address { host: "192.0.2.1".into(), port: 22 }), None);
    }

    #[test]
    fn only_listening_sockets_of_the_port_count() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
             0: 0100007F:2384 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1 0\n   \
             1: 0100007F:2384 0100007F:D2F0 01 00000000:00000000 00:00000000 00000000     0        0 222 1 0\n   \
             2: 00000000:2385 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 333 1 0\n   \
             3: 00000000:2384 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 444 1 0\n";
        assert_eq!(listening_inodes(table, 0x2384), [111, 444]);
    }

    #[test]
    fn the_name_of_a_process_does_not_hide_its_times() {
        let stat = "7 (a) b (c)) S 1 7 7 0 -1 4194560 1 0 0 0 300 45 0 0 20 0 1 0 1 1 1";
        assert_eq!(cpu_ticks(stat), Some(345));
    }
}
