//! `strome serve`: run a broker.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use tracing_subscriber::EnvFilter;

use crate::boot;
use crate::config::{Config, Sources};

/// The arguments of `strome serve`. Everything has a default.
#[derive(Args)]
pub struct Serve {
    /// A file of settings, in the format of Kafka's server.properties
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A setting that counts over the file and the environment; may be given many times
    #[arg(long = "override", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
}

/// The exit code for settings that cannot be used, as sysexits has it.
const EXIT_CONFIG: u8 = 78;

impl Serve {
    /// Runs the broker until it is stopped.
    pub fn run(self) -> ExitCode {
        let filter = EnvFilter::try_from_env("STROME_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_target(false)
            .with_writer(std::io::stderr)
            // Files and containers keep what is printed as it is.
            .with_ansi(
                std::io::stderr().is_terminal()
                    && std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty()),
            )
            .init();
        let environment = std::env::vars().collect();
        let sources = Sources { file: self.config, environment, overrides: self.overrides };
        let config = match Config::load(&sources) {
            Ok(config) => config,
            Err(error) => {
                eprintln!("{error}");
                return ExitCode::from(EXIT_CONFIG);
            }
        };
        for warning in &config.warnings {
            eprintln!("warning: {warning}");
        }
        match boot::serve(&config) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("strome: {error}");
                ExitCode::FAILURE
            }
        }
    }
}
