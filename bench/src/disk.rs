//! The disks under the log directories of a broker that runs on this machine: what a durable record is written to decides
//! more about a result than most settings do.
//!
//! # Invariants
//! - Mounts are looked up as the broker's process sees them, which may live in a mount namespace of its own.

use std::fs;
use std::path::{Path, PathBuf};

use crate::process::Process;

/// See the module. What the system does not tell is missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Disk {
    /// The log directory.
    pub directory: String,
    /// The file system's kind, such as `xfs`.
    pub filesystem: String,
    /// How it is mounted, such as `rw,noatime`.
    pub mount_options: String,
    /// What is mounted, such as `/dev/nvme0n1p1`.
    pub device: String,
    /// The device's name for itself.
    pub model: Option<String>,
    /// Whether it turns.
    pub is_rotational: Option<bool>,
    /// What the kernel takes its cache for: `write back`, which a sync has to empty, or `write through`.
    pub write_cache: Option<String>,
}

impl Disk {
    /// The one under a directory of a process.
    #[must_use]
    pub fn under(directory: &str, process: &Process) -> Option<Self> {
        let mounts = fs::read_to_string(format!("/proc/{}/mountinfo", process.pid)).ok()?;
        let mount = mount_of(Path::new(directory), &mounts)?;
        let device = block_device(mount.number);
        let attribute = |name: &str| {
            let text = fs::read_to_string(device.as_ref()?.join(name)).ok()?;
            Some(text.split_whitespace().collect::<Vec<_>>().join(" ")).filter(|text| !text.is_empty())
        };
        Some(Self {
            directory: directory.to_owned(),
            filesystem: mount.filesystem.to_owned(),
            mount_options: mount.options.to_owned(),
            device: mount.source.to_owned(),
            model: attribute("device/model"),
            is_rotational: attribute("queue/rotational").map(|flag| flag == "1"),
            write_cache: attribute("queue/write_cache"),
        })
    }
}

/// What is mounted somewhere.
#[derive(Debug, PartialEq, Eq)]
struct Mount<'a> {
    /// Of the device: `major:minor`.
    number: &'a str,
    options: &'a str,
    filesystem: &'a str,
    source: &'a str,
}

/// The innermost mount around a directory, and of several at one place the one that covers the others.
fn mount_of<'a>(directory: &Path, mountinfo: &'a str) -> Option<Mount<'a>> {
    let around = mountinfo.lines().filter_map(|line| {
        let (fields, kind) = line.split_once(" - ")?;
        let fields: Vec<&str> = fields.split(' ').collect();
        let [_, _, number, _, place, options, ..] = fields[..] else { return None };
        let place = PathBuf::from(unescaped(place));
        let mut kind = kind.split(' ');
        let (filesystem, source) = (kind.next()?, kind.next()?);
        directory
            .starts_with(&place)
            .then(|| (place.components().count(), Mount { number, options, filesystem, source }))
    });
    around.max_by_key(|(depth, _)| *depth).map(|(_, mount)| mount)
}

/// The kernel writes blanks and the like as three octal digits.
fn unescaped(text: &str) -> String {
    let mut parts = text.split('\\');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match code {
            Some(code) => {
                out.push(char::from(code));
                out += part.get(3..).unwrap_or_default();
            }
            None => {
                out.push('\\');
                out += part;
            }
        }
    }
    out
}

/// Where the kernel tells of a block device: of the whole one, if this is a partition of it.
fn block_device(number: &str) -> Option<PathBuf> {
    let device = fs::canonicalize(Path::new("/sys/dev/block").join(number)).ok()?;
    match device.join("partition").exists() {
        true => device.parent().map(Path::to_path_buf),
        false => Some(device),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n\
30 22 259:1 / /data rw,noatime shared:7 - xfs /dev/nvme0n1p1 rw,attr2\n\
31 22 259:2 / /data/with\\040blank rw - ext4 /dev/nvme1n1 rw\n\
32 22 0:40 / /data rw - tmpfs covering rw\n";

    #[test]
    fn the_innermost_mount_counts_and_the_last_one_of_those_at_one_place() {
        let device = |directory: &str| mount_of(Path::new(directory), MOUNTS).map(|mount| mount.source);
        assert_eq!(device("/var/log"), Some("/dev/vda"));
        assert_eq!(device("/data/a"), Some("covering"));
        assert_eq!(device("/database"), Some("/dev/vda"));
        assert_eq!(device("/data/with blank/b"), Some("/dev/nvme1n1"));
        assert_eq!(mount_of(Path::new("/data"), ""), None);
        let root = mount_of(Path::new("/"), MOUNTS).unwrap();
        assert_eq!((root.number, root.options, root.filesystem), ("254:0", "rw,relatime", "ext4"));
    }

    #[test]
    fn a_process_of_this_machine_has_a_disk_under_its_directory() {
        let process = Process { pid: std::process::id(), command: String::new() };
        let disk = Disk::under("/", &process).expect("a root");
        assert!(!disk.filesystem.is_empty() && !disk.mount_options.is_empty(), "{disk:?}");
    }
}
