//! `strome tune script`: what `apply` would do, as files to be read and installed by other means.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use tuning::{Host, Piece};

use super::apply::least;
use super::target::Target;
use crate::cli::failure::Failure;
use crate::cli::say;

/// The arguments of `strome tune script`.
#[derive(Args)]
pub struct Script {
    #[command(flatten)]
    target: Target,
    /// Write what is only info, too
    #[arg(long)]
    all: bool,
    /// The folder to write to, which is made if need be [default: print everything]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl Script {
    /// Writes the files.
    pub fn run(self) -> Result<(), Failure> {
        let host = Host::real();
        let (broker, steps) = self.target.steps(&host, least(self.all))?;
        for Piece { name, place, text } in tuning::pieces(&tuning::script_steps(steps, &broker)) {
            let Some(folder) = &self.out else {
                let place = place.map_or_else(|| name.to_owned(), |place| format!("/{place}"));
                say(&format!("==> {place} <==\n{text}"))?;
                continue;
            };
            let path = folder.join(name);
            fs::create_dir_all(folder)
                .and_then(|()| fs::write(&path, text))
                .map_err(|error| Failure::Said(format!("{}: {error}", path.display())))?;
            let place = place.map_or_else(|| "to be read".to_owned(), |place| format!("belongs to /{place}"));
            say(&format!("{}: {place}", path.display()))?;
        }
        Ok(())
    }
}
