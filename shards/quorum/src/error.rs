//! What can go wrong with the metadata log. Every text names the file and says what to do.

use std::path::PathBuf;

use metadata::{DecodeError, LogIndex};

/// Why the metadata log cannot be used, or a proposal is not committed.
#[derive(Debug, thiserror::Error)]
pub enum QuorumError {
    /// A file or folder cannot be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried, such as `read`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// Another process has the log open.
    #[error(
        "{} is in use by another process: stop the other broker, or give this one its own metadata.log.dir", path.display()
    )]
    InUse {
        /// The lock file.
        path: PathBuf,
    },
    /// Bytes in the middle of a file are damaged: committed metadata would be lost without them.
    #[error(
        "{} is damaged at byte {position}: {what}. What comes after it is intact, so this is no interrupted write. \
         Restore the folder from a backup or from another node; nothing was changed", path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the damage begins.
        position: u64,
        /// What was found.
        what: String,
    },
    /// A file is not what its name says.
    #[error(
        "{} is not a file of the metadata log that this release reads: {what}. Restore it from a backup, or start the \
         release that wrote it; nothing was changed", path.display()
    )]
    Format {
        /// The file.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// An intact entry holds a record that cannot be read.
    #[error(
        "entry {} in {} cannot be read: {source}. Start the release that wrote it, or a newer one; nothing was changed",
        index.0, path.display()
    )]
    Record {
        /// The file.
        path: PathBuf,
        /// The entry.
        index: LogIndex,
        /// What is wrong with the record.
        source: DecodeError,
    },
    /// Entries are missing between two files.
    #[error(
        "the entries from {} on are missing in {}: restore the folder from a backup or from another node",
        from.0, dir.display()
    )]
    Gap {
        /// The folder.
        dir: PathBuf,
        /// The first entry that is missing.
        from: LogIndex,
    },
    /// A proposal is larger than an entry may be.
    #[error(
        "{bytes} bytes of records do not fit into one entry of {bytes_max} bytes: make the request smaller"
    )]
    TooLarge {
        /// How large it is.
        bytes: usize,
        /// How large it may be.
        bytes_max: usize,
    },
    /// An earlier write failed in a way that leaves open what is on the disk.
    #[error(
        "an earlier write to {} failed, so that nothing can be added to it: look after the disk and start again",
        path.display()
    )]
    Closed {
        /// The file.
        path: PathBuf,
    },
}
