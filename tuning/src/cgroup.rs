//! What the control groups of a process leave it.

use crate::Host;

const ROOT: &str = "sys/fs/cgroup";

/// A limit of the first version that is as good as none: the largest that the kernel can express, in pages.
const UNLIMITED_BYTES: u64 = 1 << 62;

/// Time on processors, as a quota within a period.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Quota {
    pub cpus: f64,
    /// How often it was used up.
    pub throttled: u64,
}

/// The tightest quota of the process' groups; `None` if there is none.
pub(crate) fn quota(host: &Host, process: &str) -> Option<Quota> {
    let folders = folders(host, process, "cpu");
    let quotas = folders.iter().filter_map(|folder| {
        let cpus = quota_of(host, folder)?;
        let stat = host.text(&format!("{folder}/cpu.stat")).unwrap_or_default();
        let throttled = stat.lines().find_map(|line| line.strip_prefix("nr_throttled ")?.trim().parse().ok());
        Some(Quota { cpus, throttled: throttled.unwrap_or_default() })
    });
    quotas.min_by(|a, b| a.cpus.total_cmp(&b.cpus))
}

fn quota_of(host: &Host, folder: &str) -> Option<f64> {
    let (quota, period) = match host.text(&format!("{folder}/cpu.max")) {
        Ok(text) => {
            let (quota, period) = text.split_once(' ')?;
            (quota.parse::<u64>().ok()?, period.trim().parse::<u64>().ok()?)
        }
        // Without a quota the first version says -1, which is no such number.
        Err(_) => (
            host.value::<u64>(&format!("{folder}/cpu.cfs_quota_us")).ok()?,
            host.value::<u64>(&format!("{folder}/cpu.cfs_period_us")).ok()?,
        ),
    };
    (period > 0).then(|| quota as f64 / period as f64)
}

/// The tightest limit on memory, in bytes; `None` if there is none.
pub(crate) fn memory_bytes(host: &Host, process: &str) -> Option<u64> {
    let folders = folders(host, process, "memory");
    let limit = |folder: &String| {
        let limit = host.value::<u64>(&format!("{folder}/memory.max"));
        limit.or_else(|_| host.value(&format!("{folder}/memory.limit_in_bytes"))).ok()
    };
    folders.iter().filter_map(limit).filter(|bytes| *bytes < UNLIMITED_BYTES).min()
}

/// The folders of the process' groups that may limit it, from the innermost to the root. In a container its own
/// group may be mounted as if it were the root, so that only that is there.
fn folders(host: &Host, process: &str, controller: &str) -> Vec<String> {
    let groups = host.text(&format!("proc/{process}/cgroup")).unwrap_or_default();
    let mut folders = Vec::new();
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { continue };
        let bases = if controllers.is_empty() {
            vec![ROOT.to_owned(), format!("{ROOT}/unified")]
        } else if controllers.split(',').any(|name| name == controller) {
            vec![format!("{ROOT}/{controllers}"), format!("{ROOT}/{controller}")]
        } else {
            continue;
        };
        // A path that leads upwards is that of somebody else's group.
        let path = if path.contains("..") { "" } else { path.trim_matches('/') };
        for base in bases {
            let mut path = path;
            while !path.is_empty() {
                folders.push(format!("{base}/{path}"));
                path = path.rsplit_once('/').map_or("", |(parent, _)| parent);
            }
            folders.push(base);
        }
    }
    folders
}
