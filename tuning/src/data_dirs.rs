//! What the directories of data lie on, from the file system through partitions and arrays down to the disks.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::Host;
use crate::context::Context;
use crate::host::Unread;
use crate::mounts::{self, Mount};

/// Where block devices are described, by name.
pub(crate) const BLOCK: &str = "sys/class/block";

/// Arrays of arrays of partitions are not stacked higher than this.
const DEPTH_MAX: usize = 8;
/// More disks than this below one directory are not looked at.
const DISKS_MAX: usize = 64;

/// A directory of data and what is below it.
#[derive(Clone, Debug)]
pub(crate) struct DataDir {
    /// As it was given.
    pub path: PathBuf,
    pub mount: Mount,
    /// The device of the file system, such as `nvme0n1p1`, `dm-0`, `md0`; `None` if it has none, as in memory.
    pub device: Option<String>,
    /// All devices from that one down, the disks included.
    pub layers: Vec<String>,
    /// Those with nothing below.
    pub disks: Vec<String>,
}

/// Every directory that lies on something.
pub(crate) fn dirs(context: &Context<'_>) -> Result<Vec<DataDir>, Unread> {
    let mounts = mounts::all(context.host)?;
    let dirs = context.broker.log_dirs.iter().filter_map(|path| {
        let mount = mounts::of(&mounts, &context.host.absolute(path))?.clone();
        let device = device(context.host, &mount);
        let mut dir = DataDir { path: path.clone(), mount, device, layers: Vec::new(), disks: Vec::new() };
        if let Some(device) = dir.device.clone() {
            descend(context.host, &device, 0, &mut dir);
        }
        Some(dir)
    });
    Ok(dirs.collect())
}

/// Each disk with the directories on it.
pub(crate) fn by_disk(dirs: &[DataDir]) -> BTreeMap<&str, Vec<&Path>> {
    let mut disks: BTreeMap<&str, Vec<&Path>> = BTreeMap::new();
    for dir in dirs {
        for disk in &dir.disks {
            disks.entry(disk).or_default().push(&dir.path);
        }
    }
    disks
}

/// The device that a file system is on. Some, like btrfs, show a number of their own instead, but name the device.
pub(crate) fn device(host: &Host, mount: &Mount) -> Option<String> {
    let by_number = host.resolved(&format!("sys/dev/block/{}", mount.device));
    let place = by_number.or_else(|| {
        let source = mount.source.strip_prefix("/dev/")?;
        Some(host.resolved(&format!("dev/{source}")).unwrap_or_else(|| source.to_owned()))
    })?;
    let name = place.rsplit('/').next()?.to_owned();
    host.has(&format!("{BLOCK}/{name}")).then_some(name)
}

fn descend(host: &Host, name: &str, depth: usize, dir: &mut DataDir) {
    if depth >= DEPTH_MAX || dir.disks.len() >= DISKS_MAX || dir.layers.iter().any(|layer| layer == name) {
        return;
    }
    dir.layers.push(name.to_owned());
    if let Some(whole) = whole_disk(host, name) {
        return descend(host, &whole, depth + 1, dir);
    }
    let below = host.names(&format!("{BLOCK}/{name}/slaves")).unwrap_or_default();
    if below.is_empty() {
        dir.disks.push(name.to_owned());
    }
    for name in below {
        descend(host, &name, depth + 1, dir);
    }
}

/// The disk that this is a partition of. Its folder lies in that of the disk.
pub(crate) fn whole_disk(host: &Host, name: &str) -> Option<String> {
    if !host.has(&format!("{BLOCK}/{name}/partition")) {
        return None;
    }
    let place = host.resolved(&format!("{BLOCK}/{name}"))?;
    place.rsplit('/').nth(1).map(str::to_owned)
}

/// Whether the disk is one that a hypervisor, or other software, makes up: by its name, or by what it says it is.
pub(crate) fn is_virtual(host: &Host, disk: &str) -> bool {
    const NAMES: &[&str] = &["vd", "xvd", "loop", "nbd", "rbd", "zram", "ram"];
    const MODELS: &[&str] = &["QEMU", "Virtual", "VBOX", "VMware", "Elastic Block Store", "PersistentDisk"];
    let model = host.text(&format!("{BLOCK}/{disk}/device/model")).unwrap_or_default();
    NAMES.iter().any(|name| disk.starts_with(name)) || MODELS.iter().any(|maker| model.contains(maker))
}
