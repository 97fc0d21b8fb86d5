//! Makes the changes that findings propose, and takes them back.
//!
//! # Invariants
//! - The old value is durably in the state file before anything is changed.
//! - One change that fails neither stops nor hides the others.
//! - Only settings below `/proc/sys`, `/proc/irq` and `/sys`, services, and Strome's own files below `/etc` are ever
//!   touched, whatever a state file says.

mod files;
mod make;
mod state;
mod undo;

use std::path::PathBuf;

pub use files::{Piece, pieces, script_steps, unit_steps};
pub use make::apply;
pub use undo::{Undo, undo};

use crate::Host;
use crate::change::Change;
use crate::check::{Check, Severity};
use crate::context::chosen;
use crate::host::Unread;
use crate::outcome::printable;
use crate::report::Report;

/// A change and what it is for.
#[derive(Clone, Debug)]
pub struct Step {
    /// The check that proposes it.
    pub check: &'static Check,
    /// What is to be done.
    pub change: Change,
}

/// What became of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// It was, or on a dry run would be, done.
    Done,
    /// There was nothing to do, for this reason.
    Nothing(String),
    /// It was left alone, for this reason; somebody has to decide.
    Left(String),
    /// It could not be done.
    Failed(String),
}

/// One line of the story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What was to be changed, and how.
    pub what: String,
    /// What became of it.
    pub deed: Deed,
}

/// Why nothing could be done at all.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The state file is there and cannot be used.
    #[error("{path}: {problem}; nothing was changed")]
    State {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Another one is at work with the same state file.
    #[error("another `strome tune apply` or `undo` is at work with {0}")]
    Busy(PathBuf),
    /// A file could not be written.
    #[error("{path}: {error}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
}

/// The changes that the findings of a report propose, from `least` severity on; each of them once.
#[must_use]
pub fn steps(report: &Report, least: Severity) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for (row, finding) in report.findings().filter(|(row, _)| row.severity >= least) {
        for change in &finding.changes {
            let is_new = !steps.iter().any(|step| step.change == *change);
            // Two checks may want different values at one place: the more severe one comes first, and counts.
            let is_free = change.written().is_none_or(|(path, _)| {
                !steps.iter().any(|step| step.change.written().is_some_and(|(taken, _)| taken == path))
            });
            if is_new && is_free {
                steps.push(Step { check: row.check, change: change.clone() });
            }
        }
    }
    steps
}

/// The value of a setting as it is written back: the choice where the kernel shows them all, and one blank between
/// numbers.
fn value(host: &Host, path: &str) -> Result<String, Unread> {
    let text = host.text(path)?;
    let text = chosen(&text).unwrap_or(&text);
    Ok(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Whether two values are the same to the kernel.
fn same(left: &str, right: &str) -> bool {
    left.split_whitespace().eq(right.split_whitespace())
}

/// Whether a path may be written to.
fn is_setting(path: &str) -> bool {
    const PLACES: &[&str] = &["proc/sys/", "proc/irq/", "sys/"];
    PLACES.iter().any(|place| path.starts_with(place)) && !path.split('/').any(|part| part == "..")
}

/// The run of the kernel since its last start; empty if it does not tell.
fn boot_id(host: &Host) -> String {
    host.text("proc/sys/kernel/random/boot_id").unwrap_or_default()
}

impl Told {
    fn new(what: impl Into<String>, deed: Deed) -> Self {
        Self { what: printable(&what.into()), deed }
    }
}
