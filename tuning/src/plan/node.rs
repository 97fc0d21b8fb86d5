//! One broker's host.

use super::error::{PlanError, within};
use crate::disk::{Case, DiskProfile, What};

/// What one of its disks does, be it measured or assumed.
#[derive(Clone, Debug, PartialEq)]
pub struct Disk {
    /// Bytes written in a second, in order.
    pub write_bytes_per_second: f64,
    /// Bytes read in a second, in order.
    pub read_bytes_per_second: f64,
    /// Durable commits in a second, with several in flight.
    pub commits_per_second: f64,
    /// Seconds of one commit, in the median.
    pub commit_seconds: f64,
    /// Where the figures are from.
    pub source: String,
}

/// See the module.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Cores; from four on, one of them is no shard's.
    pub cores: f64,
    /// Bytes in a second that the network card takes in each direction.
    pub network_bytes_per_second: f64,
    /// Disks, each a log directory.
    pub disks: u16,
    /// Bytes of each disk.
    pub disk_bytes: f64,
    /// What each disk does.
    pub disk: Disk,
    /// What share of everything may be used at the peak.
    pub utilisation: f64,
    /// How many brokers may be away at the peak.
    pub spare: u16,
}

const BYTES_MAX: f64 = 1e18;

impl Disk {
    /// A common NVMe disk, for plans before there is one to be measured.
    #[must_use]
    pub fn assumed() -> Self {
        Self {
            write_bytes_per_second: 1e9,
            read_bytes_per_second: 2e9,
            commits_per_second: 20_000.0,
            commit_seconds: 100e-6,
            source: "assumed, a common NVMe disk; measure yours with `strome tune disk`".to_owned(),
        }
    }

    /// As it was measured.
    #[must_use]
    pub fn measured(profile: &DiskProfile) -> Self {
        let of = profile.quiet(What::Commit).filter(|commits| commits.case.block == Case::BLOCK);
        let commits = of.map(|commits| commits.per_second()).fold(0.0, f64::max);
        let commit = profile.of(Case::commit(1)).map_or(0.0, |one| one.p50.as_secs_f64());
        let name = profile.device.name.as_deref().unwrap_or(&profile.device.filesystem);
        Self {
            write_bytes_per_second: profile.best_bytes_per_second(What::Write),
            read_bytes_per_second: profile.best_bytes_per_second(What::Read),
            commits_per_second: commits,
            commit_seconds: commit,
            source: format!("measured on {name}"),
        }
    }
}

impl Node {
    /// Whether everything lies within bounds.
    ///
    /// # Errors
    /// The first input that does not.
    pub fn check(&self) -> Result<(), PlanError> {
        within("the number of cores", self.cores, 0.01, 4096.0)?;
        within("the network's bandwidth", self.network_bytes_per_second, 1e3, 1e13)?;
        within("the number of disks", f64::from(self.disks), 1.0, 1000.0)?;
        within("the size of a disk", self.disk_bytes, 1e6, BYTES_MAX)?;
        within("the disk's rate of writing", self.disk.write_bytes_per_second, 1e3, 1e13)?;
        within("the disk's rate of reading", self.disk.read_bytes_per_second, 1e3, 1e13)?;
        within("the disk's rate of commits", self.disk.commits_per_second, 0.1, 1e9)?;
        within("the time of a commit", self.disk.commit_seconds, 1e-7, 100.0)?;
        within("the share that may be used", self.utilisation, 0.05, 1.0)?;
        within("the number of spare brokers", f64::from(self.spare), 0.0, 100.0)
    }

    /// Shards of such a broker.
    #[must_use]
    pub fn shards(&self) -> f64 {
        if self.cores < SPARED_FROM { self.cores.floor().max(1.0) } else { (self.cores - 1.0).floor() }
    }

    /// Cores that shards run on.
    pub(super) fn shard_cores(&self) -> f64 {
        if self.cores < SPARED_FROM { self.cores } else { self.cores - 1.0 }
    }
}

/// As the broker does by default.
const SPARED_FROM: f64 = 4.0;
