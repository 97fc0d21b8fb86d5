//! What the kernel knows: file limits, memory and CPU time of the broker.

use std::fs::{read_dir, read_to_string};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

pub const MIB: u64 = 1 << 20;

/// These tests measure memory and open thousands of sockets: one at a time.
static TURN: Mutex<()> = Mutex::new(());

/// Waits until no other of these tests runs.
pub fn take_turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `heavy` when `STROME_HEAVY_TESTS=1`, otherwise `light`; says so.
pub fn scale<T>(light: T, heavy: T) -> T {
    if std::env::var("STROME_HEAVY_TESTS").is_ok_and(|value| value == "1") {
        heavy
    } else {
        eprintln!("SKIPPED at full scale: set STROME_HEAVY_TESTS=1 for it");
        light
    }
}

/// Raises this process's limit on open files to hold `files` of them; `false`, and a line that says so, when the
/// hard limit forbids it. The broker, which raises its own, is started with the same hard limit.
pub fn allows_files(files: u64) -> bool {
    let limit = getrlimit(Resource::Nofile);
    let wanted = files + 200;
    if limit.maximum.is_some_and(|maximum| maximum < wanted) {
        eprintln!("SKIPPED: the hard limit on open files is {:?}, {wanted} are needed", limit.maximum);
        return false;
    }
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    setrlimit(Resource::Nofile, raised).expect("a limit below the hard one");
    true
}

/// Resident memory now, in bytes.
pub fn resident(pid: u32) -> u64 {
    status(pid, "VmRSS:")
}

/// The most that was ever resident, in bytes.
pub fn resident_peak(pid: u32) -> u64 {
    status(pid, "VmHWM:")
}

fn status(pid: u32, name: &str) -> u64 {
    let status = read_to_string(format!("/proc/{pid}/status")).expect("a running process");
    let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a line of the kernel's");
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kib * 1024
}

/// The CPU time of each shard's threads, in nanoseconds: of those that run it, and of those of the same name that it
/// has for blocking work.
pub fn shard_times(pid: u32) -> Vec<u64> {
    let tasks = read_dir(format!("/proc/{pid}/task")).expect("a running process");
    let tasks = tasks.map(|task| task.expect("its threads").path());
    let shards =
        tasks.filter(|task| read_to_string(task.join("comm")).is_ok_and(|name| name.starts_with("shard-")));
    let time = |task: std::path::PathBuf| {
        let schedstat = read_to_string(task.join("schedstat")).expect("its times");
        schedstat.split(' ').next().and_then(|nanos| nanos.parse().ok()).expect("a number")
    };
    shards.map(time).collect()
}
