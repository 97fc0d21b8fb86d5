//! `strome tune`: looks at the host, measures its disks, changes it, and takes that back.

mod check;
mod disk;
mod target;

use clap::Subcommand;

use super::failure::Failure;

/// What to do with the host.
#[derive(Subcommand)]
pub enum Tune {
    /// Show what of the host is not as it should be, why it matters and how to change it; changes nothing
    Check(check::Check),
    /// Measure a disk as a broker uses it, and keep the outcome beside the data
    Disk(disk::Disk),
}

impl Tune {
    /// Does it.
    pub fn run(self) -> Result<(), Failure> {
        match self {
            Self::Check(check) => check.run(),
            Self::Disk(disk) => disk.run(),
        }
    }
}
