//! What a check finds, gathered from all threads.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use types::FilePosition;

/// A file with a thousand bad batches has one cause; what is told of it stays readable, and memory bounded.
const TOLD_PER_FILE_MAX: usize = 100;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Bytes are not what was written, or files contradict each other.
    Problem,
    /// Worth knowing: a leftover, a stray file, or what the next start mends by itself.
    Note,
}

/// One place that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The file or directory.
    pub file: PathBuf,
    /// Where in the file, if it is about a place in it.
    pub position: Option<FilePosition>,
    /// What is wrong, and what it means.
    pub what: String,
}

/// All findings so far.
#[derive(Debug, Default)]
pub(super) struct Findings {
    files: Mutex<BTreeMap<PathBuf, OfFile>>,
}

#[derive(Debug, Default)]
struct OfFile {
    told: Vec<Finding>,
    problems: u64,
    notes: u64,
}

impl Findings {
    /// Adds one about a place in a file.
    pub(super) fn at(&self, severity: Severity, file: &Path, position: u64, what: impl Into<String>) {
        self.add(severity, file, Some(FilePosition(position)), what.into());
    }

    /// Adds one about a whole file or directory.
    pub(super) fn about(&self, severity: Severity, file: &Path, what: impl Into<String>) {
        self.add(severity, file, None, what.into());
    }

    fn add(&self, severity: Severity, file: &Path, position: Option<FilePosition>, what: String) {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let of_file = files.entry(file.to_owned()).or_default();
        match severity {
            Severity::Problem => of_file.problems += 1,
            Severity::Note => of_file.notes += 1,
        }
        if of_file.told.len() < TOLD_PER_FILE_MAX {
            of_file.told.push(Finding { severity, file: file.to_owned(), position, what });
        }
    }

    /// All in the order of files and positions, with the numbers of problems and of notes.
    pub(super) fn into_sorted(self) -> (Vec<Finding>, u64, u64) {
        let files = self.files.into_inner().unwrap_or_else(PoisonError::into_inner);
        let (mut findings, mut problems, mut notes) = (Vec::new(), 0, 0);
        for (file, mut of_file) in files {
            problems += of_file.problems;
            notes += of_file.notes;
            of_file.told.sort_by_key(|finding| finding.position.map_or(0, |position| position.0));
            let untold = of_file.problems + of_file.notes - of_file.told.len() as u64;
            findings.append(&mut of_file.told);
            if untold > 0 {
                let what = format!("and {untold} more in this file");
                let severity = if of_file.problems > 0 { Severity::Problem } else { Severity::Note };
                findings.push(Finding { severity, file, position: None, what });
            }
        }
        (findings, problems, notes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_full_of_problems_is_counted_and_not_told_in_full() {
        let findings = Findings::default();
        for position in (0..1000).rev() {
            findings.at(Severity::Problem, Path::new("a"), position, "bad");
        }
        findings.about(Severity::Note, Path::new("b"), "stray");
        let (told, problems, notes) = findings.into_sorted();
        assert_eq!((told.len(), problems, notes), (TOLD_PER_FILE_MAX + 2, 1000, 1));
        assert_eq!(told[TOLD_PER_FILE_MAX].what, "and 900 more in this file");
        assert!(told[0].position < told[1].position);
    }
}
