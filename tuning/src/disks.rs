//! The file systems of the directories of data.

use std::path::{Path, PathBuf};

use crate::host::absolute;
use crate::{Finding, Host, Severity};

/// What is gone when the host stops.
const IN_MEMORY: &[&str] = &["tmpfs", "ramfs"];

/// What is somewhere else; its `fsync` and its locks are somebody else's promise.
const REMOTE: &[&str] = &[
    "9p",
    "afs",
    "ceph",
    "cifs",
    "fuse.glusterfs",
    "fuse.s3fs",
    "fuse.sshfs",
    "nfs",
    "nfs4",
    "smb3",
    "smbfs",
];

/// The writable layer of a container: it goes with the container, and copies files when they are first written.
const LAYERED: &[&str] = &["aufs", "overlay"];

/// A finding for every directory that lies on a file system that is not made for it.
pub(crate) fn log_dirs(host: &Host, dirs: &[PathBuf]) -> Vec<Finding> {
    let Some(mounts) = host.read("proc/self/mountinfo") else {
        return Vec::new();
    };
    let mounts: Vec<_> = mounts.lines().filter_map(Mount::parse).collect();
    dirs.iter().filter_map(|dir| log_dir(&mounts, dir)).collect()
}

fn log_dir(mounts: &[Mount], dir: &Path) -> Option<Finding> {
    let real = absolute(dir);
    // Of two mounts at one place the later hides the earlier.
    let under = mounts.iter().filter(|mount| real.starts_with(&mount.at));
    let mount = under.max_by_key(|mount| mount.at.components().count())?;
    let is = |kinds: &[&str]| kinds.contains(&mount.kind.as_str());
    let (why, severity) = if is(IN_MEMORY) {
        (
            "it is memory: everything is gone when the host stops, however often it was flushed",
            Severity::Warning,
        )
    } else if is(REMOTE) {
        (
            "it lies on another host: flushing takes a round trip, and means what that host makes of it",
            Severity::Warning,
        )
    } else if is(LAYERED) {
        (
            "it is a container's own layer: it goes with the container, and direct writes may not work",
            Severity::Warning,
        )
    } else {
        return None;
    };
    Some(Finding {
        what: format!("the file system of {}", dir.display()),
        found: mount.kind.clone(),
        wanted: "ext4 or xfs on a local disk".to_owned(),
        why,
        remedy: "put log.dirs on a local disk, in a container as a volume".to_owned(),
        severity,
    })
}

/// A file system and where it is mounted.
struct Mount {
    at: PathBuf,
    kind: String,
}

impl Mount {
    /// A line of `/proc/self/mountinfo`: the fifth field is the place, and the first one behind ` - ` the kind.
    fn parse(line: &str) -> Option<Self> {
        let (before, behind) = line.split_once(" - ")?;
        let at = before.split(' ').nth(4)?;
        let kind = behind.split(' ').next()?;
        Some(Self { at: PathBuf::from(unescaped(at)), kind: kind.to_owned() })
    }
}

/// Blanks, tabs, line ends and backslashes are written in octal there.
fn unescaped(text: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .into_iter()
        .fold(text.to_owned(), |text, (code, plain)| text.replace(code, plain))
}
