//! A file system in a file: small enough to be filled, and to be copied while it is in use.
//!
//! # Invariants
//! - What was mounted and attached is unmounted and detached again when its value is dropped, also by a panic. The
//!   device is let go when its file system is unmounted, whoever unmounts it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use rustix::process::geteuid;
use tempfile::TempDir;

use crate::suite::Skip;

/// What an image is formatted as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Ext4,
    Xfs,
}

impl Format {
    /// Formats a device or an image.
    pub fn make(self, on: &Path) -> Result<(), Skip> {
        let on = on.display().to_string();
        let made = match self {
            Self::Ext4 => tool(&["mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", &on]),
            Self::Xfs => tool(&["mkfs.xfs", "-q", &on]),
        };
        made.map(drop).map_err(Skip)
    }

    /// A copy has the id of its original.
    fn mount_options(self) -> &'static str {
        match self {
            Self::Ext4 => "noatime",
            Self::Xfs => "noatime,nouuid",
        }
    }
}

/// A file system on a loop device.
#[derive(Debug)]
pub struct LoopDisk {
    image: PathBuf,
    mount_point: PathBuf,
    format: Format,
    /// Holds the mount point, and the image unless it lies elsewhere.
    dir: TempDir,
}

impl LoopDisk {
    /// Makes an image of so many bytes, formats and mounts it.
    pub fn make(format: Format, bytes: u64) -> Result<Self, Skip> {
        needs_root()?;
        let dir = tempfile::tempdir().expect("a temporary directory");
        let image = dir.path().join("image");
        let file = std::fs::File::create(&image).expect("an image");
        file.set_len(bytes).expect("an image");
        format.make(&image)?;
        Self::mount(image, format, dir)
    }

    /// Mounts an image that lies in `dir`, or elsewhere.
    pub fn mount(image: PathBuf, format: Format, dir: TempDir) -> Result<Self, Skip> {
        needs_root()?;
        let mount_point = dir.path().join("mounted");
        std::fs::create_dir(&mount_point).expect("a mount point");
        let device = attach(&image)?;
        let mounted = tool(&[
            "mount",
            "-o",
            format.mount_options(),
            &device.display().to_string(),
            &mount_point.display().to_string(),
        ]);
        // From now on the device lasts as long as the mount; without one it goes at once.
        let _ = tool(&["losetup", "-d", &device.display().to_string()]);
        mounted.map_err(Skip)?;
        Ok(Self { image, mount_point, format, dir })
    }

    /// Where the file system is.
    pub fn path(&self) -> &Path {
        &self.mount_point
    }

    /// A place for something that belongs to this disk and does not lie on it.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Copies the image as it is at this moment, while it is in use, and mounts the copy: as after a power failure. A copy
    /// takes its time; if the file system's journal has moved on meanwhile, so that the copy may hold neither the old place
    /// nor the new one of something, there is none.
    pub fn copy(&self) -> Result<Option<Self>, Skip> {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let copy = dir.path().join("image");
        let tail = self.journal_tail()?;
        let (from, to) = (self.image.display().to_string(), copy.display().to_string());
        tool(&["cp", "--sparse=always", &from, &to]).map_err(Skip)?;
        if self.journal_tail()? != tail {
            return Ok(None);
        }
        Self::mount(copy, self.format, dir).map(Some)
    }

    /// Where the file system's journal begins.
    fn journal_tail(&self) -> Result<Vec<String>, Skip> {
        let told = tool(&["dumpe2fs", "-h", &self.image.display().to_string()]).map_err(Skip)?;
        let is_tail = |line: &&str| line.starts_with("Journal sequence") || line.starts_with("Journal start");
        Ok(told.lines().filter(is_tail).map(str::to_owned).collect())
    }
}

impl Drop for LoopDisk {
    fn drop(&mut self) {
        unmount(&self.mount_point);
    }
}

/// Attaches a file to a loop device that writes to it directly, where its file system can.
pub fn attach(image: &Path) -> Result<PathBuf, Skip> {
    let image = image.display().to_string();
    let direct = tool(&["losetup", "--direct-io=on", "-f", "--show", &image]);
    let device = direct.or_else(|_| tool(&["losetup", "-f", "--show", &image])).map_err(Skip)?;
    Ok(PathBuf::from(device.trim()))
}

/// Unmounts; if something still uses it, as soon as nothing does any more.
pub fn unmount(mount_point: &Path) {
    let mount_point = mount_point.display().to_string();
    for _ in 0..50 {
        if tool(&["umount", &mount_point]).is_ok() {
            return;
        }
        thread::sleep(Duration::from_millis(100));
    }
    let _ = tool(&["umount", "-l", &mount_point]);
}

/// Mounting takes root.
pub fn needs_root() -> Result<(), Skip> {
    if geteuid().is_root() { Ok(()) } else { Err(Skip("it needs root, to mount file systems".to_owned())) }
}

/// Runs a command of the host; what it printed, or why it failed.
pub fn tool(command: &[&str]) -> Result<String, String> {
    let output = Command::new(command[0]).args(&command[1..]).env("LC_ALL", "C").output();
    let output = output.map_err(|error| format!("{}: {error}", command[0]))?;
    if !output.status.success() {
        return Err(format!("{}: {}", command.join(" "), String::from_utf8_lossy(&output.stderr).trim()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
