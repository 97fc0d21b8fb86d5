//! What came of a check.

use crate::change::Change;
use crate::check::{Check, Severity};
use crate::context::in_line;
use crate::host::Unread;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is as it should be.
    Fine {
        /// How it is.
        found: String,
    },
    /// It is not.
    Finding(Finding),
    /// It could not be found out.
    Unknown {
        /// Why not.
        why: String,
    },
    /// It does not matter on this host.
    NotApplicable {
        /// Why not.
        why: String,
    },
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How it is.
    pub found: String,
    /// How it should be.
    pub wanted: String,
    /// How bad it is, where that differs from the table.
    pub severity: Option<Severity>,
    /// What puts it right.
    pub changes: Vec<Change>,
}

/// An outcome and what it is about.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// A disk, a network interface; empty for the host.
    pub subject: String,
    pub outcome: Outcome,
}

/// Why there is nothing to be seen at all.
#[derive(Clone, Debug)]
pub(crate) enum Gap {
    Unknown(String),
    NotApplicable(String),
}

/// One line of a report.
#[derive(Clone, Debug)]
pub struct Row {
    /// What was looked at.
    pub check: &'static Check,
    /// Of which part of the host; empty for all of it.
    pub subject: String,
    /// How bad it would be, or is.
    pub severity: Severity,
    /// What came of it.
    pub outcome: Outcome,
}

impl Outcome {
    pub(crate) fn fine(found: impl ToString) -> Self {
        Self::Fine { found: found.to_string() }
    }

    pub(crate) fn finding(found: impl ToString, wanted: impl ToString) -> Finding {
        Finding { found: found.to_string(), wanted: wanted.to_string(), severity: None, changes: Vec::new() }
    }

    /// The same, fit to be printed whatever the files said.
    pub(crate) fn printable(self) -> Self {
        match self {
            Self::Fine { found } => Self::Fine { found: printable(&found) },
            Self::Unknown { why } => Self::Unknown { why: printable(&why) },
            Self::NotApplicable { why } => Self::NotApplicable { why: printable(&why) },
            Self::Finding(finding) => Self::Finding(Finding {
                found: printable(&finding.found),
                wanted: printable(&finding.wanted),
                ..finding
            }),
        }
    }

    pub(crate) fn unknown(why: impl ToString) -> Self {
        Self::Unknown { why: why.to_string() }
    }
}

/// A text in one line.
pub(crate) fn printable(text: &str) -> String {
    const SHOWN_CHARS: usize = 300;
    in_line(text, SHOWN_CHARS)
}

impl Finding {
    /// With what puts it right.
    pub(crate) fn change(mut self, change: Change) -> Self {
        self.changes.push(change);
        self
    }

    /// With all of that.
    pub(crate) fn changes(mut self, changes: impl IntoIterator<Item = Change>) -> Self {
        self.changes.extend(changes);
        self
    }

    /// With a severity of its own.
    pub(crate) fn severity(mut self, severity: Severity) -> Self {
        self.severity = Some(severity);
        self
    }
}

impl From<Finding> for Outcome {
    fn from(finding: Finding) -> Self {
        Self::Finding(finding)
    }
}

impl Seen {
    /// Of the host as a whole.
    pub(crate) fn host(outcome: impl Into<Outcome>) -> Self {
        Self { subject: String::new(), outcome: outcome.into() }
    }

    /// Of a part of it.
    pub(crate) fn of(subject: impl ToString, outcome: impl Into<Outcome>) -> Self {
        Self { subject: subject.to_string(), outcome: outcome.into() }
    }

    /// What is to be said when it cannot be looked at.
    pub(crate) fn gap(subject: impl ToString, gap: Gap) -> Self {
        let outcome = match gap {
            Gap::Unknown(why) => Outcome::Unknown { why },
            Gap::NotApplicable(why) => Outcome::NotApplicable { why },
        };
        Self { subject: subject.to_string(), outcome }
    }
}

impl Gap {
    pub(crate) fn not_applicable(why: impl ToString) -> Self {
        Self::NotApplicable(why.to_string())
    }
}

impl From<Unread> for Gap {
    fn from(unread: Unread) -> Self {
        Self::Unknown(unread.to_string())
    }
}

impl Unread {
    /// What a missing file means where it may well be missing.
    pub(crate) fn or(self, meaning: &str) -> Gap {
        if self.is_missing() { Gap::not_applicable(meaning) } else { self.into() }
    }
}

impl Row {
    /// The finding, if it is one.
    #[must_use]
    pub fn finding(&self) -> Option<&Finding> {
        match &self.outcome {
            Outcome::Finding(finding) => Some(finding),
            _ => None,
        }
    }

    /// What was looked at, and of what.
    #[must_use]
    pub fn what(&self) -> String {
        let title = self.check.title;
        if self.subject.is_empty() { title.to_owned() } else { format!("{}: {title}", self.subject) }
    }

    /// A finding in one line; `None` if it is none.
    #[must_use]
    pub fn line(&self) -> Option<String> {
        let Finding { found, wanted, changes, .. } = self.finding()?;
        let (what, why, how) = (self.what(), self.check.why, crate::change::how(changes));
        let how = if how.is_empty() { String::new() } else { format!(" ({how})") };
        Some(format!("{what} is {found}, wanted is {wanted}: {why}{how}"))
    }
}
