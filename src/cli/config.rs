//! `strome config`: what is to be said of a file of settings before a broker is started with it.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::failure::Failure;
use super::output::{Form, Output};
use crate::boot;
use crate::config::{Config, ConfigError, Origin, Problem, Sources, Warning};

/// What to do with a file of settings.
#[derive(Subcommand)]
pub enum ConfigFile {
    /// Say whether a broker would start with a file of settings, and name every problem by its line
    Check(Check),
}

/// The arguments of `strome config check`.
#[derive(Args)]
#[command(
    after_help = "The environment counts over the file, as it does for serve. Directories and ports are tried as the user \
                  who runs this, so be the broker's. Nothing is changed.\n\n\
                  Exit codes: 0 a broker would start, 1 it would not, 2 wrong command line."
)]
pub struct Check {
    /// A file of settings, in the format of Kafka's server.properties
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// A setting that counts over the file and the environment; may be given many times
    #[arg(long = "override", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
    /// Look at the settings only, not at whether this host has what they name
    #[arg(long)]
    settings_only: bool,
    #[command(flatten)]
    output: Output,
}

impl ConfigFile {
    /// Does it.
    pub fn run(self) -> Result<(), Failure> {
        match self {
            Self::Check(check) => check.run(),
        }
    }
}

impl Check {
    fn run(self) -> Result<(), Failure> {
        let environment = std::env::vars().collect();
        let sources = Sources { file: Some(self.file.clone()), environment, overrides: self.overrides };
        let verdict = Verdict::of(Config::load(&sources), self.settings_only);
        let mut out = io::stdout().lock();
        let text = match self.output.form() {
            Form::Table => verdict.text(&self.file),
            Form::Plain => verdict.plain(),
            Form::Json => format!("{:#}\n", verdict.json(&self.file)),
        };
        out.write_all(text.as_bytes())?;
        out.flush()?;
        if verdict.problems.is_empty() { Ok(()) } else { Err(Failure::Reported) }
    }
}

/// All that is to be said.
#[derive(Default)]
struct Verdict {
    problems: Vec<Problem>,
    warnings: Vec<Warning>,
}

impl Verdict {
    fn of(loaded: Result<Config, ConfigError>, settings_only: bool) -> Self {
        match loaded {
            Ok(config) if settings_only => Self { problems: Vec::new(), warnings: config.warnings },
            Ok(config) => Self::rehearsed(&config),
            Err(ConfigError::Invalid { problems, warnings }) => Self { problems, warnings },
            Err(error @ ConfigError::Unreadable { .. }) => {
                let what = format!("{error}; name a file that the broker's user can read");
                Self { problems: vec![Problem { at: None, what }], warnings: Vec::new() }
            }
        }
    }

    /// With what a start would run into on this host.
    fn rehearsed(config: &Config) -> Self {
        let mut verdict = Self { problems: Vec::new(), warnings: config.warnings.clone() };
        for obstacle in boot::rehearse(config) {
            let at = obstacle.setting.and_then(|name| config.origin_of(name)).cloned();
            let what = obstacle.what;
            if obstacle.is_fatal {
                verdict.problems.push(Problem { at, what });
            } else {
                verdict.warnings.push(Warning { at, what });
            }
        }
        verdict
    }

    /// Each with what it is called, its place and its words; problems first.
    fn lines(&self) -> impl Iterator<Item = (&'static str, Option<&Origin>, &str)> {
        let problems = self.problems.iter().map(|it| ("problem", it.at.as_ref(), it.what.as_str()));
        problems.chain(self.warnings.iter().map(|it| ("warning", it.at.as_ref(), it.what.as_str())))
    }

    /// A line for each as compilers write them, and the verdict.
    fn text(&self, file: &Path) -> String {
        let mut text = String::new();
        for (level, at, what) in self.lines() {
            // Writing to a string cannot fail.
            let _ = match at {
                Some(origin) => writeln!(text, "{origin}: {level}: {what}"),
                None => writeln!(text, "{level}: {what}"),
            };
        }
        let count = |count: usize, what| match count {
            1 => format!("1 {what}"),
            count => format!("{count} {what}s"),
        };
        let (problems, warnings) =
            (count(self.problems.len(), "problem"), count(self.warnings.len(), "warning"));
        let verdict =
            if self.problems.is_empty() { "a broker starts with it" } else { "no broker starts with it" };
        let _ = writeln!(text, "{}: {verdict}: {problems}, {warnings}", file.display());
        text
    }

    fn plain(&self) -> String {
        let line = |(level, at, what): (_, Option<&Origin>, _)| {
            format!("{level}\t{}\t{what}\n", at.map(Origin::to_string).unwrap_or_default())
        };
        self.lines().map(line).collect()
    }

    fn json(&self, file: &Path) -> Value {
        let problems = self.problems.iter().map(|it| as_json(it.at.as_ref(), &it.what));
        let warnings = self.warnings.iter().map(|it| as_json(it.at.as_ref(), &it.what));
        json!({
            "version": 1,
            "file": file.to_string_lossy(),
            "starts": self.problems.is_empty(),
            "problems": problems.collect::<Vec<_>>(),
            "warnings": warnings.collect::<Vec<_>>(),
        })
    }
}

fn as_json(at: Option<&Origin>, what: &str) -> Value {
    let (source, line) = match at {
        Some(Origin::File { path, line }) => (Some(path.to_string_lossy().into_owned()), Some(line.0)),
        Some(origin) => (Some(origin.to_string()), None),
        None => (None, None),
    };
    json!({ "source": source, "line": line, "what": what })
}
