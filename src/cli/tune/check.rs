//! `strome tune check`. The exit code tells the worst that was found, so that scripts can go by it.

use std::io::{self, Write};

use clap::Args;
use tuning::{Host, Severity};

use super::target::Target;
use crate::cli::failure::Failure;
use crate::cli::output::{Form, Output};

/// The exit code when something is found that costs speed or safety.
const EXIT_RECOMMENDED: u8 = 3;
/// The exit code when something is found with which the broker does not run or loses records.
const EXIT_REQUIRED: u8 = 4;

/// The arguments of `strome tune check`.
#[derive(Args)]
#[command(
    after_help = "Exit codes: 0 nothing worse than info, 3 something recommended, 4 something required; \
                        1 the check failed, 2 wrong command line."
)]
pub struct Check {
    #[command(flatten)]
    target: Target,
    /// Show what is well and what does not matter here, too
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    output: Output,
}

impl Check {
    /// Looks and tells.
    pub fn run(self) -> Result<(), Failure> {
        let host = Host::real();
        let chosen = self.target.choice()?;
        let broker = self.target.broker()?;
        let report = tuning::check(&host, &broker, self.target.profile(&host), chosen);
        let text = match self.output.form() {
            Form::Table => report.text(self.all),
            Form::Plain => report.plain(self.all),
            Form::Json => format!("{:#}\n", report.json()),
        };
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()?;
        match report.worst() {
            Some(Severity::Required) => Err(Failure::Ended(EXIT_REQUIRED)),
            Some(Severity::Recommended) => Err(Failure::Ended(EXIT_RECOMMENDED)),
            Some(Severity::Info) | None => Ok(()),
        }
    }
}
