//! Each check against a folder that looks like the `/proc` and `/sys` of some host.

use std::fs;
use std::path::PathBuf;

use strome_tuning::{Finding, Host, Severity, check};
use tempfile::TempDir;

/// A host that shows these files.
fn host(files: &[(&str, &str)]) -> (TempDir, Host) {
    let root = TempDir::new().unwrap();
    for (path, text) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let host = Host::under(root.path());
    (root, host)
}

fn findings(files: &[(&str, &str)]) -> Vec<Finding> {
    let (_root, host) = host(files);
    check(&host, &[])
}

fn severities(files: &[(&str, &str)]) -> Vec<Severity> {
    findings(files).iter().map(|finding| finding.severity).collect()
}

const LIMITS: &str = "proc/self/limits";
const MOUNTS: &str = "proc/self/mountinfo";
const HEADINGS: &str = "Limit                     Soft Limit           Hard Limit           Units     \n";

fn limits(files: &str, locked: &str) -> String {
    format!(
        "{HEADINGS}Max open files            {files}  1048576  files\nMax locked memory         {locked}  unlimited  bytes\n"
    )
}

#[test]
fn a_host_that_shows_nothing_has_no_findings() {
    assert_eq!(findings(&[]), []);
}

#[test]
fn few_open_files_are_warned_about_by_the_soft_limit() {
    let found = findings(&[(LIMITS, &limits("1024", "unlimited"))]);
    assert_eq!((found.len(), found[0].found.as_str()), (1, "1024"));
    assert_eq!(severities(&[(LIMITS, &limits("65536", "unlimited"))]), []);
    assert_eq!(severities(&[(LIMITS, &limits("unlimited", "unlimited"))]), []);
}

#[test]
fn little_locked_memory_is_a_warning_and_too_little_fatal() {
    assert_eq!(severities(&[(LIMITS, &limits("65536", "65536"))]), [Severity::Fatal]);
    assert_eq!(severities(&[(LIMITS, &limits("65536", "1048576"))]), [Severity::Warning]);
    assert_eq!(severities(&[(LIMITS, &limits("65536", "8388608"))]), []);
}

#[test]
fn io_uring_switched_off_is_fatal_and_comes_first() {
    let disabled = "proc/sys/kernel/io_uring_disabled";
    assert_eq!(severities(&[(disabled, "0\n")]), []);
    assert_eq!(severities(&[(disabled, "1\n")]), [Severity::Warning]);
    let found = findings(&[(disabled, "2\n"), (LIMITS, &limits("1", "unlimited"))]);
    assert_eq!((found[0].what.as_str(), found[0].severity), ("kernel.io_uring_disabled", Severity::Fatal));
}

#[test]
fn swappiness_matters_only_where_there_is_swap() {
    let swappiness = ("proc/sys/vm/swappiness", "60\n");
    let headings = "Filename\tType\tSize\tUsed\tPriority\n";
    let device = format!("{headings}/dev/sda2 partition 1 0 -2\n");
    assert_eq!(severities(&[swappiness, ("proc/swaps", headings)]), []);
    assert_eq!(severities(&[swappiness, ("proc/swaps", &device)]), [Severity::Advice]);
    assert_eq!(severities(&[("proc/sys/vm/swappiness", "10\n"), ("proc/swaps", &device)]), []);
}

#[test]
fn huge_pages_are_for_those_who_ask() {
    let enabled = "sys/kernel/mm/transparent_hugepage/enabled";
    assert_eq!(severities(&[(enabled, "[always] madvise never\n")]), [Severity::Advice]);
    assert_eq!(severities(&[(enabled, "always [madvise] never\n")]), []);
}

#[test]
fn one_processor_that_saves_power_is_enough() {
    let file = |cpu: u32| format!("sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_governor");
    let (first, second) = (file(0), file(11));
    assert_eq!(severities(&[(&first, "performance\n"), (&second, "performance\n")]), []);
    let found = findings(&[(&first, "performance\n"), (&second, "powersave\n")]);
    assert_eq!(found[0].found, "powersave on 1 of 2 processors");
}

#[test]
fn the_innermost_mount_decides_about_a_directory() {
    let mounts = "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n\
        30 22 0:26 / /nonexistent-data rw - tmpfs tmpfs rw\n\
        31 30 8:2 / /nonexistent-data/disk\\040one rw - xfs /dev/sdb rw\n\
        32 22 0:40 / /nonexistent-net rw shared:2 master:3 - nfs4 server:/x rw\n";
    let (_root, host) = host(&[(MOUNTS, mounts)]);
    let kinds = |dir: &str| {
        let found = check(&host, &[PathBuf::from(dir)]);
        found.into_iter().map(|finding| finding.found).collect::<Vec<_>>()
    };
    assert_eq!(kinds("/nonexistent-data/logs"), ["tmpfs"]);
    assert_eq!(kinds("/nonexistent-data/disk one/logs"), Vec::<String>::new());
    assert_eq!(kinds("/nonexistent-net"), ["nfs4"]);
    assert_eq!(kinds("/nonexistent-network"), Vec::<String>::new());
}

#[test]
fn this_host_can_be_looked_at() {
    for finding in check(&Host::this(), &[PathBuf::from(".")]) {
        assert!(!finding.to_string().contains('\n'), "{finding}");
    }
}
