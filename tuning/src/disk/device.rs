//! What lies below a directory, as the kernel knows it.

use std::fs;
use std::io;
use std::path::Path;

use crate::Host;
use crate::data_dirs::{self, BLOCK};
use crate::mounts::{self, Mount};

/// What a disk does with a write before it says that it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteCache {
    /// It is durable: there is no cache, or one that outlives a power failure.
    Through,
    /// It may lie in memory of the disk until that is flushed.
    Back,
    /// The kernel does not say.
    Unknown,
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// The kind of the file system, such as `ext4`.
    pub filesystem: String,
    /// The kernel's name of the block device, such as `nvme0n1p2`; `None` where there is none, as in memory.
    pub name: Option<String>,
    /// What stays the same over restarts and is different for another disk, file system or size.
    pub identity: String,
    /// What it does with writes.
    pub cache: WriteCache,
    /// Whether a single write can go through the cache (FUA).
    pub fua: bool,
    /// Whether something turns; virtual disks often say so without reason.
    pub rotational: bool,
    /// Whether the disk is somebody's software, so that what a flush does is not to be seen from here.
    pub is_virtual: bool,
}

impl Device {
    /// What `dir` lies on.
    ///
    /// # Errors
    /// When `dir` cannot be looked at. What the kernel does not tell is no error.
    pub fn below(host: &Host, dir: &Path) -> io::Result<Self> {
        fs::metadata(dir)?;
        let mounts = mounts::all(host).unwrap_or_default();
        Ok(Self::of(host, mounts::of(&mounts, &host.absolute(dir))))
    }

    /// What this file system lies on.
    fn of(host: &Host, mount: Option<&Mount>) -> Self {
        let filesystem = mount.map_or_else(|| "unknown".to_owned(), |mount| mount.kind.clone());
        let Some(name) = mount.and_then(|mount| data_dirs::device(host, mount)) else {
            return Self::without_block(filesystem);
        };
        // A partition has its queue, and its serial number, in the folder of its disk.
        let disk = data_dirs::whole_disk(host, &name).unwrap_or_else(|| name.clone());
        let text = |device: &str, file: &str| {
            host.text(&format!("{BLOCK}/{device}/{file}")).ok().filter(|text| !text.is_empty())
        };
        let read = |file: &str| text(&name, file).or_else(|| text(&disk, file));
        let serial = ["dm/uuid", "md/uuid", "wwid", "device/wwid", "serial", "device/serial"];
        let serial = serial.iter().find_map(|file| read(file)).unwrap_or_else(|| name.clone());
        let model = read("device/model").unwrap_or_default();
        let partition = text(&name, "partition").unwrap_or_default();
        let sectors = text(&name, "size").unwrap_or_default();
        let cache = match read("queue/write_cache").as_deref() {
            Some("write through") => WriteCache::Through,
            Some("write back") => WriteCache::Back,
            _ => WriteCache::Unknown,
        };
        Self {
            identity: format!("{filesystem}/{model}/{serial}/{partition}/{sectors}"),
            filesystem,
            cache,
            fua: read("queue/fua").as_deref() == Some("1"),
            rotational: read("queue/rotational").as_deref() == Some("1"),
            is_virtual: data_dirs::is_virtual(host, &disk),
            name: Some(name),
        }
    }

    fn without_block(filesystem: String) -> Self {
        Self {
            identity: filesystem.clone(),
            filesystem,
            name: None,
            cache: WriteCache::Unknown,
            fua: false,
            rotational: false,
            is_virtual: false,
        }
    }

    /// Whether everything on it is gone when the host stops.
    #[must_use]
    pub fn is_memory(&self) -> bool {
        ["tmpfs", "ramfs"].contains(&self.filesystem.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    /// A folder like `/` with these files.
    fn host(files: &[(&str, &str)]) -> (tempfile::TempDir, Host) {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path: PathBuf = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let host = Host::fixture(root.path());
        (root, host)
    }

    /// What the one file system of the host lies on.
    fn device(host: &Host) -> Device {
        let mounts = mounts::all(host).unwrap_or_default();
        Device::of(host, mounts::of(&mounts, Path::new("/data/log")))
    }

    #[test]
    fn a_partition_is_told_with_the_properties_of_its_disk() {
        const MOUNT: &str = "29 1 259:2 / /data rw,noatime shared:1 - xfs /dev/nvme0n1p1 rw\n";
        let (root, host) = host(&[
            ("proc/self/mountinfo", MOUNT),
            ("sys/devices/nvme0n1/nvme0n1p1/size", "1000\n"),
            ("sys/devices/nvme0n1/nvme0n1p1/partition", "1\n"),
            ("sys/devices/nvme0n1/queue/write_cache", "write through\n"),
            ("sys/devices/nvme0n1/queue/fua", "1\n"),
            ("sys/devices/nvme0n1/queue/rotational", "0\n"),
            ("sys/devices/nvme0n1/wwid", "eui.0025\n"),
            ("sys/dev/block/none", ""),
            ("sys/class/block/none", ""),
        ]);
        for (link, target) in [
            ("sys/dev/block/259:2", "../../devices/nvme0n1/nvme0n1p1"),
            ("sys/class/block/nvme0n1p1", "../../devices/nvme0n1/nvme0n1p1"),
            ("sys/class/block/nvme0n1", "../../devices/nvme0n1"),
        ] {
            std::os::unix::fs::symlink(target, root.path().join(link)).unwrap();
        }
        let device = device(&host);
        assert_eq!((device.filesystem.as_str(), device.name.as_deref()), ("xfs", Some("nvme0n1p1")));
        assert_eq!((device.cache, device.fua, device.rotational), (WriteCache::Through, true, false));
        assert_eq!(device.identity, "xfs//eui.0025/1/1000");
        assert!(!device.is_virtual && !device.is_memory());
    }

    #[test]
    fn a_file_system_with_a_number_of_its_own_is_found_by_its_source() {
        let (_root, host) = host(&[
            ("proc/self/mountinfo", "29 1 0:33 / / rw - btrfs /dev/vdb rw\n"),
            ("sys/class/block/vdb/size", "8\n"),
            ("sys/class/block/vdb/queue/write_cache", "write back\n"),
        ]);
        let device = device(&host);
        assert_eq!((device.name.as_deref(), device.cache), (Some("vdb"), WriteCache::Back));
        assert!(device.is_virtual);
    }

    #[test]
    fn memory_has_no_block_device_and_a_host_that_tells_nothing_is_no_error() {
        let (_root, in_memory) =
            host(&[("proc/self/mountinfo", "29 1 0:9 / / rw - tmpfs tmpfs rw\ngarbage\n")]);
        let memory = device(&in_memory);
        assert!(memory.is_memory() && memory.name.is_none());
        let (_root, silent) = host(&[]);
        let unknown = device(&silent);
        assert_eq!((unknown.filesystem.as_str(), unknown.cache), ("unknown", WriteCache::Unknown));
    }

    #[test]
    fn the_real_host_tells_of_a_real_directory() {
        let dir = tempfile::tempdir().unwrap();
        let device = Device::below(&Host::real(), dir.path()).unwrap();
        assert!(!device.identity.is_empty());
        assert!(Device::below(&Host::real(), &dir.path().join("none")).is_err());
    }
}
