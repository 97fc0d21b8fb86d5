//! What is wrong, or worth knowing, about a setting, and where it was set.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::properties::Line;

/// Where a setting was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// In a line of the file.
    File { path: PathBuf, line: Line },
    /// By a variable of the environment.
    Environment(String),
    /// On the command line.
    Override,
}

/// Something that has to be put right before the broker starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where it is, if it is in one place.
    pub at: Option<Origin>,
    /// What is wrong.
    pub what: String,
}

/// Something that the operator should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Where it is, if it is in one place.
    pub at: Option<Origin>,
    /// What it is.
    pub what: String,
}

/// Why there are no settings to start with.
#[derive(Debug)]
pub enum ConfigError {
    /// The file cannot be read.
    Unreadable { path: PathBuf, error: io::Error },
    /// Settings that cannot be had, and what else was noticed.
    Invalid { problems: Vec<Problem>, warnings: Vec<Warning> },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Environment(variable) => f.write_str(variable),
            Self::Override => f.write_str("--override"),
        }
    }
}

/// `place: what`, or only what.
fn write_at(f: &mut fmt::Formatter<'_>, at: Option<&Origin>, what: &str) -> fmt::Result {
    match at {
        Some(origin) => write!(f, "{origin}: {what}"),
        None => f.write_str(what),
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_at(f, self.at.as_ref(), &self.what)
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_at(f, self.at.as_ref(), &self.what)
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, error } => write!(f, "{}: {error}", path.display()),
            Self::Invalid { problems, .. } => {
                let lines: Vec<_> = problems.iter().map(Problem::to_string).collect();
                f.write_str(&lines.join("\n"))
            }
        }
    }
}

impl std::error::Error for ConfigError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreadable { error, .. } => Some(error),
            Self::Invalid { .. } => None,
        }
    }
}
