//! One thing that is amiss on a host.

use std::fmt;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It costs some speed.
    Advice,
    /// It costs much speed, or safety, or it will fail under load.
    Warning,
    /// The broker cannot run like this.
    Fatal,
}

/// One thing that is amiss, with what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub what: String,
    /// How it is.
    pub found: String,
    /// How it should be.
    pub wanted: String,
    /// What follows from it.
    pub why: &'static str,
    /// A command or a setting that puts it right.
    pub remedy: String,
    /// How bad it is.
    pub severity: Severity,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Advice => "advice",
            Self::Warning => "warning",
            Self::Fatal => "fatal",
        })
    }
}

/// One line.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, found, wanted, why, remedy, .. } = self;
        write!(f, "{what} is {found}, wanted is {wanted}: {why} ({remedy})")
    }
}
