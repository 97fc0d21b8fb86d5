//! What is mounted where.

use std::path::{Path, PathBuf};

use crate::Host;
use crate::host::Unread;

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
    "virtiofs",
];

/// The writable layer of a container: it goes with the container, and copies files when they are first written.
const LAYERED: &[&str] = &["aufs", "overlay"];

/// What writes everything to a new place: nothing can be prewritten.
const COPYING: &[&str] = &["bcachefs", "btrfs", "f2fs", "nilfs2", "zfs"];

/// A file system and where it is mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mount {
    /// Major and minor number of its device, as `259:1`; the major number is 0 where there is no one device.
    pub device: String,
    pub at: PathBuf,
    /// The options of this place.
    pub options: Vec<String>,
    /// `ext4`.
    pub kind: String,
    /// `/dev/sda1`.
    pub source: String,
    /// The options of the file system.
    pub super_options: Vec<String>,
}

/// How well a kind of file system serves as a home of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Suitability {
    Good,
    InMemory,
    Remote,
    Layered,
    Copying,
    /// Nobody has tried.
    Untried,
}

/// All file systems, in the order in which they were mounted.
pub(crate) fn all(host: &Host) -> Result<Vec<Mount>, Unread> {
    seen_by("self", host)
}

/// The same as a process sees them, which may live in a mount namespace of its own; `self` is this one.
pub(crate) fn seen_by(process: &str, host: &Host) -> Result<Vec<Mount>, Unread> {
    let path = format!("proc/{process}/mountinfo");
    let text = host.text(&path)?;
    let mounts: Vec<_> = text.lines().filter_map(Mount::parse).collect();
    if mounts.is_empty() { Err(Unread::absurd(&path, &text)) } else { Ok(mounts) }
}

/// The file system that `path`, from the root on, lies on.
pub(crate) fn of<'a>(mounts: &'a [Mount], path: &Path) -> Option<&'a Mount> {
    // Of two mounts at one place the later hides the earlier.
    let under = mounts.iter().filter(|mount| path.starts_with(&mount.at));
    under.max_by_key(|mount| mount.at.components().count())
}

impl Mount {
    /// A line: id, parent, device, root, place, options, any number of optional fields, ` - `, kind, source, options of the
    /// file system.
    fn parse(line: &str) -> Option<Self> {
        let (before, behind) = line.split_once(" - ")?;
        let mut before = before.split(' ').skip(2);
        let device = before.next()?.to_owned();
        let at = unescaped(before.nth(1)?);
        let options = list(before.next()?);
        let mut behind = behind.split(' ');
        let kind = behind.next()?.to_owned();
        let source = unescaped(behind.next()?);
        let super_options = list(behind.next().unwrap_or_default());
        Some(Self { device, at: PathBuf::from(at), options, kind, source, super_options })
    }

    /// Whether an option is set, of the place or the file system.
    pub(crate) fn has(&self, option: &str) -> bool {
        self.options.iter().chain(&self.super_options).any(|set| set == option)
    }

    /// See [`Suitability`].
    pub(crate) fn suitability(&self) -> Suitability {
        let is = |kinds: &[&str]| kinds.contains(&self.kind.as_str());
        match self.kind.as_str() {
            "ext4" | "xfs" => Suitability::Good,
            _ if is(IN_MEMORY) => Suitability::InMemory,
            _ if is(REMOTE) || self.kind.starts_with("fuse") => Suitability::Remote,
            _ if is(LAYERED) => Suitability::Layered,
            _ if is(COPYING) => Suitability::Copying,
            _ => Suitability::Untried,
        }
    }

    /// Whether what is written goes through the kernel's page cache whatever is asked for. ZFS has a cache of its own, which
    /// the kernel's settings do not reach.
    pub(crate) fn is_buffered(&self) -> bool {
        self.has("data=journal") || matches!(self.suitability(), Suitability::InMemory | Suitability::Layered)
    }
}

fn list(text: &str) -> Vec<String> {
    text.split(',').filter(|option| !option.is_empty()).map(str::to_owned).collect()
}

/// Blanks, tabs, line ends and backslashes are written in octal there.
fn unescaped(text: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .into_iter()
        .fold(text.to_owned(), |text, (code, plain)| text.replace(code, plain))
}
