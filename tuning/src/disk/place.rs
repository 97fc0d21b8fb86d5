//! What a directory of a process lies on, as somebody who compares measurements wants to know it.

use std::path::Path;

use crate::Host;
use crate::data_dirs::{self, BLOCK};
use crate::mounts;

/// See the module. What the system does not tell is missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The directory.
    pub directory: String,
    /// The file system's kind, such as `xfs`.
    pub filesystem: String,
    /// How it is mounted, such as `rw,noatime`.
    pub mount_options: String,
    /// What is mounted, such as `/dev/nvme0n1p1`.
    pub device: String,
    /// The disk's name for itself.
    pub model: Option<String>,
    /// Whether it turns.
    pub is_rotational: Option<bool>,
    /// What the kernel takes its cache for: `write back`, which a sync has to empty, or `write through`.
    pub write_cache: Option<String>,
}

impl Place {
    /// That of a directory as a process sees it, which may live in a mount namespace of its own.
    #[must_use]
    pub fn of(host: &Host, pid: u32, directory: &str) -> Option<Self> {
        let mounts = mounts::seen_by(&pid.to_string(), host).ok()?;
        let mount = mounts::of(&mounts, Path::new(directory))?;
        let device = data_dirs::device(host, mount);
        let disk = device.map(|name| data_dirs::whole_disk(host, &name).unwrap_or(name));
        let attribute = |name: &str| {
            let text = host.text(&format!("{BLOCK}/{}/{name}", disk.as_ref()?)).ok()?;
            Some(text.split_whitespace().collect::<Vec<_>>().join(" ")).filter(|text| !text.is_empty())
        };
        Some(Self {
            directory: directory.to_owned(),
            filesystem: mount.kind.clone(),
            mount_options: mount.options.join(","),
            device: mount.source.clone(),
            model: attribute("device/model"),
            is_rotational: attribute("queue/rotational").map(|flag| flag == "1"),
            write_cache: attribute("queue/write_cache"),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const MOUNTS: &str = "\
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n\
30 22 259:1 / /data rw,noatime shared:7 - xfs /dev/nvme0n1p1 rw,attr2\n\
31 22 259:2 / /data/with\\040blank rw - ext4 /dev/nvme1n1 rw\n\
32 22 0:40 / /data rw - tmpfs covering rw\n";

    #[test]
    fn the_innermost_mount_counts_and_the_last_one_of_those_at_one_place() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("proc/77")).unwrap();
        fs::write(root.path().join("proc/77/mountinfo"), MOUNTS).unwrap();
        let host = Host::fixture(root.path());
        let device = |directory: &str| Place::of(&host, 77, directory).map(|place| place.device);
        assert_eq!(device("/var/log").as_deref(), Some("/dev/vda"));
        assert_eq!(device("/data/a").as_deref(), Some("covering"));
        assert_eq!(device("/database").as_deref(), Some("/dev/vda"));
        assert_eq!(device("/data/with blank/b").as_deref(), Some("/dev/nvme1n1"));
        assert_eq!(Place::of(&host, 78, "/data"), None);
        let place = Place::of(&host, 77, "/").unwrap();
        assert_eq!((place.mount_options.as_str(), place.filesystem.as_str()), ("rw,relatime", "ext4"));
    }

    #[test]
    fn a_process_of_this_machine_has_a_disk_under_its_directory() {
        let place = Place::of(&Host::real(), std::process::id(), "/").expect("a root");
        assert!(!place.filesystem.is_empty() && !place.mount_options.is_empty(), "{place:?}");
    }
}
