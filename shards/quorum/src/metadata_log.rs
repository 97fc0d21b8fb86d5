//! The metadata log of a quorum of one.

use std::fmt;
use std::path::{Path, PathBuf};

use metadata::{Image, LogIndex, Record};

/// A committed entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its position.
    pub index: LogIndex,
    /// Its records, which happened together.
    pub records: Vec<Record>,
}

/// Why the metadata log cannot be used. The text names the file and what to do.
#[derive(Debug)]
pub enum QuorumError {
    /// A file cannot be read or written.
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
}

impl fmt::Display for QuorumError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { action, path, source } => write!(f, "cannot {action} {}: {source}", path.display()),
        }
    }
}

impl std::error::Error for QuorumError {}

/// The metadata log. Lives on the control thread.
#[derive(Debug)]
pub struct MetadataLog {
    dir: PathBuf,
    last: LogIndex,
}

impl MetadataLog {
    /// Opens the log in `dir`, which is created if need be, with all committed entries: the first may be a snapshot.
    pub fn open(dir: &Path) -> Result<(Self, Vec<Entry>), QuorumError> {
        Ok((Self { dir: dir.to_owned(), last: LogIndex(0) }, Vec::new()))
    }

    /// The position of the last committed entry.
    #[must_use]
    pub fn last(&self) -> LogIndex {
        self.last
    }

    /// Makes an entry of `records` durable on a majority, which commits it.
    pub fn propose(&mut self, records: &[Record]) -> Result<LogIndex, QuorumError> {
        let _ = (&self.dir, records);
        self.last = LogIndex(self.last.0 + 1);
        Ok(self.last)
    }

    /// Whether the log has grown so much that [`MetadataLog::snapshot`] should be called.
    #[must_use]
    pub fn wants_snapshot(&self) -> bool {
        false
    }

    /// Replaces the log up to the image's entry by the image's records.
    pub fn snapshot(&mut self, image: &Image) -> Result<(), QuorumError> {
        let _ = image;
        Ok(())
    }
}
