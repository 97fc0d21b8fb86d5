//! Whether this host lets Strome do its best: limits, kernel settings, processors, file systems.
//!
//! A check reads `/proc` and `/sys` and yields a [`Finding`] where something is amiss. What cannot be read, as in many
//! containers, is no finding: nothing is guessed.
//!
//! # Not here
//! Changing anything. Whether the ring works is tried out by the reactor; the checks only explain beforehand.
#![forbid(unsafe_code)]

mod disks;
mod finding;
mod host;
mod kernel;
mod limits;
mod processors;

use std::path::PathBuf;

pub use finding::{Finding, Severity};
pub use host::Host;

/// Everything that is amiss on this host for a broker with these directories of data; the worst first.
#[must_use]
pub fn check(host: &Host, log_dirs: &[PathBuf]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    findings.extend(kernel::io_uring(host));
    findings.extend(limits::locked_memory(host));
    findings.extend(limits::open_files(host));
    findings.extend(disks::log_dirs(host, log_dirs));
    findings.extend(processors::governor(host));
    findings.extend(kernel::swappiness(host));
    findings.extend(kernel::huge_pages(host));
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings
}
