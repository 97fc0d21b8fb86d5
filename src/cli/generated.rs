//! `strome completions` and `strome man`: what shells and man(1) know of the command line, made from the command line itself.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::failure::Failure;
use super::{Cli, say};

/// The arguments of `strome completions`.
#[derive(Args)]
#[command(after_help = "For bash, with its package for completions:\n  \
                        strome completions bash > /usr/share/bash-completion/completions/strome")]
pub struct Completions {
    /// The shell to write for
    #[arg(value_enum)]
    shell: Shell,
}

/// The arguments of `strome man`.
#[derive(Args)]
pub struct Man {
    /// The folder for the pages, such as /usr/share/man/man1; made if it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl Completions {
    /// Prints the script.
    pub fn run(self) -> Result<(), Failure> {
        let mut command = Cli::command();
        let name = command.get_name().to_owned();
        // Not at once to standard output: the generator would panic if nobody reads.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, name, &mut script);
        let mut out = io::stdout().lock();
        out.write_all(&script)?;
        Ok(out.flush()?)
    }
}

impl Man {
    /// Writes a page for each command.
    pub fn run(self) -> Result<(), Failure> {
        let shown = self.out.display();
        let written = std::fs::create_dir_all(&self.out)
            .and_then(|()| clap_mangen::generate_to(Cli::command(), &self.out));
        written.map_err(|error| Failure::Said(format!("{shown}: {error}")))?;
        Ok(say(&format!("man pages are in {shown}; see strome(1)"))?)
    }
}
