//! `strome tune`: looks at the host, measures its disks, plans for a load, changes it, and takes that back.

mod apply;
mod check;
mod disk;
mod plan;
mod script;
mod target;
mod units;

use std::io::{self, Write};

use clap::Subcommand;

use super::failure::Failure;

/// What to do with the host.
#[derive(Subcommand)]
pub enum Tune {
    /// Show what of the host is not as it should be, why it matters and how to change it; changes nothing
    Check(check::Check),
    /// Measure a disk as a broker uses it, and keep the outcome beside the data
    Disk(disk::Disk),
    /// Show how many brokers a load needs, what would be the first to run out, and how that is computed
    Plan(Box<plan::Plan>),
    /// Change what the checks propose, each old value noted first; shows the changes only without --yes
    Apply(apply::Apply),
    /// Restore what apply has changed
    Undo(apply::UndoArgs),
    /// Write what apply would do as files for sysctl, udev, systemd and others
    Script(script::Script),
    /// Print the guide, docs/TUNING.md
    #[command(hide = true)]
    Guide,
}

impl Tune {
    /// Does it.
    pub fn run(self) -> Result<(), Failure> {
        match self {
            Self::Check(check) => check.run(),
            Self::Disk(disk) => disk.run(),
            Self::Plan(plan) => plan.run(),
            Self::Apply(apply) => apply.run(),
            Self::Undo(undo) => undo.run(),
            Self::Script(script) => script.run(),
            Self::Guide => Ok(write!(io::stdout(), "{}", tuning::guide())?),
        }
    }
}
