//! What lies below a directory, as the kernel knows it.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::Host;
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
        let number = fs::metadata(dir)?.dev();
        let number = format!("{}:{}", rustix::fs::major(number), rustix::fs::minor(number));
        Ok(Self::numbered(host, &number))
    }

    /// The device with this number, as `254:0`.
    fn numbered(host: &Host, number: &str) -> Self {
        let mounts = mounts::all(host).unwrap_or_default();
        let mount = mounts.iter().rev().find(|mount| mount.device == number);
        let filesystem = mount.map_or_else(|| "unknown".to_owned(), |mount| mount.kind.clone());
        let Some(block) = block_folder(host, number, mount) else {
            return Self::without_block(filesystem);
        };
        // A partition has its queue, and its serial number, in the folder of its disk, which lies above.
        let read = |name: &str| {
            let own = host.text(&format!("{block}/{name}")).ok();
            own.or_else(|| host.text(&format!("{block}/../{name}")).ok()).filter(|text| !text.is_empty())
        };
        let uevent = host.text(&format!("{block}/uevent")).unwrap_or_default();
        let named = uevent.lines().find_map(|line| line.strip_prefix("DEVNAME="));
        let name = named.map_or_else(|| number.to_owned(), str::to_owned);
        let serial = ["dm/uuid", "md/uuid", "wwid", "device/wwid", "serial", "device/serial"];
        let serial = serial.iter().find_map(|file| read(file)).unwrap_or_else(|| name.clone());
        let model = read("device/model").unwrap_or_default();
        let partition = host.text(&format!("{block}/partition")).unwrap_or_default();
        let sectors = host.text(&format!("{block}/size")).unwrap_or_default();
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
            is_virtual: ["vd", "xvd"].iter().any(|prefix| name.starts_with(prefix))
                || ["QEMU", "Virtual", "VBOX", "VMware", "Elastic Block Store", "PersistentDisk"]
                    .iter()
                    .any(|maker| model.contains(maker)),
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

/// Where `/sys` tells of the block device. Some file systems, such as btrfs, have numbers of their own; then their source names it.
fn block_folder(host: &Host, number: &str, mount: Option<&Mount>) -> Option<String> {
    let by_number = format!("sys/dev/block/{number}");
    if host.has(&format!("{by_number}/size")) {
        return Some(by_number);
    }
    let source = Path::new(mount?.source.strip_prefix("/dev/")?);
    let by_name = format!("sys/class/block/{}", source.file_name()?.to_str()?);
    host.has(&format!("{by_name}/size")).then_some(by_name)
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

    const MOUNT: (&str, &str) =
        ("proc/self/mountinfo", "29 1 259:2 / /data rw,noatime shared:1 - xfs /dev/nvme0n1p1 rw\n");

    #[test]
    fn a_partition_is_told_with_the_properties_of_its_disk() {
        let (root, host) = host(&[
            MOUNT,
            ("sys/disk/part/size", "1000\n"),
            ("sys/disk/part/partition", "1\n"),
            ("sys/disk/part/uevent", "MAJOR=259\nDEVNAME=nvme0n1p1\n"),
            ("sys/disk/queue/write_cache", "write through\n"),
            ("sys/disk/queue/fua", "1\n"),
            ("sys/disk/queue/rotational", "0\n"),
            ("sys/disk/wwid", "eui.0025\n"),
            ("sys/dev/block/none", ""),
        ]);
        let link = root.path().join("sys/dev/block/259:2");
        std::os::unix::fs::symlink(root.path().join("sys/disk/part"), link).unwrap();
        let device = Device::numbered(&host, "259:2");
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
            ("sys/class/block/vdb/uevent", "DEVNAME=vdb\n"),
            ("sys/class/block/vdb/queue/write_cache", "write back\n"),
        ]);
        let device = Device::numbered(&host, "0:33");
        assert_eq!((device.name.as_deref(), device.cache), (Some("vdb"), WriteCache::Back));
        assert!(device.is_virtual);
    }

    #[test]
    fn memory_has_no_block_device_and_a_host_that_tells_nothing_is_no_error() {
        let (_root, in_memory) =
            host(&[("proc/self/mountinfo", "29 1 0:9 / / rw - tmpfs tmpfs rw\ngarbage\n")]);
        let device = Device::numbered(&in_memory, "0:9");
        assert!(device.is_memory() && device.name.is_none());
        let (_root, silent) = host(&[]);
        let device = Device::numbered(&silent, "0:9");
        assert_eq!((device.filesystem.as_str(), device.cache), ("unknown", WriteCache::Unknown));
    }

    #[test]
    fn the_real_host_tells_of_a_real_directory() {
        let dir = tempfile::tempdir().unwrap();
        let device = Device::below(&Host::real(), dir.path()).unwrap();
        assert!(!device.identity.is_empty());
        assert!(Device::below(&Host::real(), &dir.path().join("none")).is_err());
    }
}
