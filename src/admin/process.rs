//! What the kernel tells of this process, under the names that Prometheus' own libraries give it.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::param::{clock_ticks_per_second, page_size};

use super::text::{Kind, Page};

/// Adds what can be had.
pub fn write(page: &mut Page) {
    if let Some(stat) = stat() {
        page.single(
            "process_cpu_seconds_total",
            Kind::Counter,
            "CPU time of all threads, in user and kernel mode.",
            stat.cpu_seconds,
        );
        page.single(
            "process_resident_memory_bytes",
            Kind::Gauge,
            "Memory of the process that is in RAM.",
            stat.resident_bytes,
        );
        page.single("process_threads", Kind::Gauge, "Threads of the process.", stat.threads);
        if let Some(uptime) = uptime_seconds() {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
            let started = now - uptime + stat.started_seconds;
            page.single(
                "process_start_time_seconds",
                Kind::Gauge,
                "When the process started, in seconds since 1970.",
                format_args!("{started:.2}"),
            );
        }
    }
    if let Ok(entries) = fs::read_dir("/proc/self/fd") {
        page.single("process_open_fds", Kind::Gauge, "Open file descriptors.", entries.count());
    }
}

struct Stat {
    cpu_seconds: f64,
    resident_bytes: u64,
    threads: u64,
    /// Since the host's start.
    started_seconds: f64,
}

/// Reads `/proc/self/stat`; see proc_pid_stat(5).
fn stat() -> Option<Stat> {
    let text = fs::read_to_string("/proc/self/stat").ok()?;
    // The name before may hold anything, also spaces and parentheses.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    // Fields are numbered from 1, and these begin with the third.
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    let ticks = clock_ticks_per_second() as f64;
    Some(Stat {
        cpu_seconds: (field(14)? + field(15)?) as f64 / ticks,
        resident_bytes: field(24)? * page_size() as u64,
        threads: field(20)?,
        started_seconds: field(22)? as f64 / ticks,
    })
}

fn uptime_seconds() -> Option<f64> {
    fs::read_to_string("/proc/uptime").ok()?.split_whitespace().next()?.parse().ok()
}
