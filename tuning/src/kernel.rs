//! Settings of the kernel.

use crate::{Finding, Host, Severity};

/// Above this the kernel swaps out memory of processes to make room for files, even when nobody needs it.
const SWAPPINESS_MAX: u64 = 10;

/// Whether io_uring is switched off: 1 for processes without privileges, 2 for all.
pub(crate) fn io_uring(host: &Host) -> Option<Finding> {
    let disabled = host.number("proc/sys/kernel/io_uring_disabled")?;
    let severity = match disabled {
        0 => return None,
        1 => Severity::Warning,
        _ => Severity::Fatal,
    };
    Some(Finding {
        what: "kernel.io_uring_disabled".to_owned(),
        found: disabled.to_string(),
        wanted: "0".to_owned(),
        why: "all of Strome's input and output goes through io_uring",
        remedy: "sysctl -w kernel.io_uring_disabled=0".to_owned(),
        severity,
    })
}

/// How readily the kernel swaps, if there is somewhere to swap to.
pub(crate) fn swappiness(host: &Host) -> Option<Finding> {
    // Below a line of headings there is one line per device.
    let has_swap = host.read("proc/swaps")?.lines().count() > 1;
    let swappiness = host.number("proc/sys/vm/swappiness")?;
    (has_swap && swappiness > SWAPPINESS_MAX).then(|| Finding {
        what: "vm.swappiness".to_owned(),
        found: swappiness.to_string(),
        wanted: format!("at most {SWAPPINESS_MAX}"),
        why: "a broker that waits for its memory to be swapped in stops for milliseconds",
        remedy: "sysctl -w vm.swappiness=1".to_owned(),
        severity: Severity::Advice,
    })
}

/// Whether the kernel gathers pages into huge ones without being asked.
pub(crate) fn huge_pages(host: &Host) -> Option<Finding> {
    let choices = host.read("sys/kernel/mm/transparent_hugepage/enabled")?;
    choices.contains("[always]").then(|| Finding {
        what: "transparent huge pages".to_owned(),
        found: "always".to_owned(),
        wanted: "madvise".to_owned(),
        why: "gathering pages into huge ones stops threads at moments that nobody chose",
        remedy: "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled".to_owned(),
        severity: Severity::Advice,
    })
}
