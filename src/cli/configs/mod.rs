//! `strome configs`: settings of topics and brokers.

mod alter;
mod describe;
mod entity;

use clap::Subcommand;

use super::failure::Failure;

/// What to do with settings.
#[derive(Subcommand)]
pub enum Configs {
    /// Show settings, with where each value comes from
    Describe(describe::Describe),
    /// Set and remove settings
    Alter(alter::Alter),
}

impl Configs {
    /// Does it.
    pub fn run(self) -> Result<(), Failure> {
        match self {
            Self::Describe(describe) => describe.run(),
            Self::Alter(alter) => alter.run(),
        }
    }
}
