//! What the commands that look at the host have in common: of which broker, with which expectations, and which checks.

use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;
use tuning::{Area, Broker, Host, Profile, Severity, Step};

use crate::boot;
use crate::cli::failure::Failure;
use crate::config::{Config, Sources};

/// The arguments.
#[derive(Args)]
pub struct Target {
    /// The broker's settings, for its directories, ports and CPUs
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// What is expected of the host [default: what it looks like]
    #[arg(long, value_name = "PROFILE", value_parser = PossibleValuesParser::new(Profile::ALL.map(Profile::name)))]
    profile: Option<String>,
    /// Only these checks or areas: disk,cpu.governor
    #[arg(long, value_name = "AREA|ID,...", value_delimiter = ',')]
    only: Vec<String>,
}

impl Target {
    /// The broker that the settings describe.
    pub fn broker(&self) -> Result<Broker, Failure> {
        let environment = std::env::vars().collect();
        let sources = Sources { file: self.config.clone(), environment, overrides: Vec::new() };
        let config = Config::load(&sources).map_err(|error| Failure::Said(error.to_string()))?;
        Ok(boot::described(&config))
    }

    /// The changes that the chosen checks propose, from this severity on, and the broker that they are for.
    pub fn steps(&self, host: &Host, least: Severity) -> Result<(Broker, Vec<Step>), Failure> {
        let chosen = self.choice()?;
        let broker = self.broker()?;
        let report = tuning::check(host, &broker, self.profile(host), chosen);
        Ok((broker, tuning::steps(&report, least)))
    }

    /// What was asked for, or else what the host looks like.
    pub fn profile(&self, host: &Host) -> Profile {
        self.profile.as_deref().and_then(Profile::from_name).unwrap_or_else(|| Profile::detect(host))
    }

    /// Which checks to make: all, unless some are named.
    pub fn choice(&self) -> Result<impl Fn(&tuning::Check) -> bool, Failure> {
        let areas = Area::ALL.map(Area::name);
        for name in &self.only {
            if !areas.contains(&name.as_str()) && !tuning::checks().any(|check| check.id == name) {
                let areas = areas.join(", ");
                return Err(Failure::Usage(format!(
                    "there is no check '{name}'; areas are {areas}, and `strome tune check --all` shows all checks"
                )));
            }
        }
        let only = self.only.clone();
        Ok(move |check: &tuning::Check| {
            only.is_empty() || only.iter().any(|name| name == check.id || name == check.area.name())
        })
    }
}
