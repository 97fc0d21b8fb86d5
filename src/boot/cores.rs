//! How many shards there are, and on which CPUs.

use std::num::NonZeroU16;
use std::time::Duration;

use metadata::settings::StromeSettings;
use reactor::Options;
use types::ShardId;
use types::limits::SHARDS_MAX;

use super::BootError;

/// From so many CPUs on, one is left to interrupts, the kernel's workers and the control thread.
const CPUS_TO_SPARE_ONE: usize = 4;

/// How long a shard looks for work before it sleeps, where a CPU is to spare. Waking up costs about as much.
const SPIN: Duration = Duration::from_micros(50);

/// See the module.
pub struct Cores {
    pub shards: NonZeroU16,
    /// The CPU of each shard; empty when the shards are not pinned.
    pub cpus: Vec<usize>,
    spare: bool,
}

impl Cores {
    /// As the settings say, or as suits the CPUs that this process may use.
    pub fn choose(settings: &StromeSettings) -> Result<Self, BootError> {
        let usable = reactor::cores();
        let wanted: Vec<usize> = settings.cpus.iter().map(|cpu| usize::from(*cpu)).collect();
        if let Some(missing) = wanted.iter().find(|cpu| !usable.contains(cpu)) {
            return Err(BootError::Settings(format!(
                "strome.cpus names CPU {missing}, which this process may not use; it may use {usable:?}"
            )));
        }
        let cpus = if wanted.is_empty() { usable } else { wanted.clone() };
        let spare = wanted.is_empty() && cpus.len() >= CPUS_TO_SPARE_ONE;
        let suitable = if spare { cpus.len() - 1 } else { cpus.len() };
        let shards = settings.shards.map_or(suitable, usize::from).clamp(1, SHARDS_MAX);
        // More shards than CPUs are for tests: they run wherever there is room. CPU 0 takes most interrupts, so it is
        // the one to spare.
        let cpus = if shards > cpus.len() { Vec::new() } else { cpus[cpus.len() - shards..].to_vec() };
        let shards = NonZeroU16::new(shards as u16).unwrap_or(NonZeroU16::MIN);
        Ok(Self { shards, cpus, spare })
    }

    /// The CPU that a shard is pinned to.
    pub fn cpu_of(&self, shard: ShardId) -> Option<usize> {
        self.cpus.get(shard.index()).copied()
    }

    /// What each shard's reactor is made with.
    pub fn reactor_options(&self) -> Options {
        Options { spin: if self.spare { SPIN } else { Duration::ZERO }, ..Options::default() }
    }
}
