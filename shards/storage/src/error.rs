//! What can go wrong in storage.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use types::{FilePosition, Offset};

/// Why storage could not do what it was asked for.
///
/// Cheap to clone: one cause may have to be told to many waiters.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StorageError {
    /// The log was removed, or never adopted by this store.
    #[error("there is no such log on this shard")]
    UnknownLog,
    /// More bytes wait to be written than the store may hold. Goes away by itself: try again after a commit.
    #[error("too many bytes wait to be written")]
    Full,
    /// The log cannot write at present, as when its disk is full; it keeps trying.
    #[error("the log cannot write at present: {0}")]
    Stalled(Arc<str>),
    /// The log has failed for good: after a write or sync error nobody knows what the disk holds. Only opening it
    /// anew, with recovery, helps.
    #[error("the log is offline: {0}")]
    Offline(Arc<str>),
    /// The log's directory has failed, and with it all logs in it. The broker has to be started again when that is mended.
    #[error("the log directory {} is offline: {cause}", .directory.display())]
    DirectoryOffline {
        /// The directory.
        directory: PathBuf,
        /// What had failed there.
        cause: Arc<str>,
    },
    /// The log is being truncated or closed, and takes nothing for the moment.
    #[error("the log is being truncated or closed")]
    Busy,
    /// The offset is not in the log.
    #[error("offset {asked} is not between {log_start} and {log_end}")]
    OffsetOutOfRange {
        /// What was asked for.
        asked: Offset,
        /// The first offset there is.
        log_start: Offset,
        /// The offset that the next record will get.
        log_end: Offset,
    },
    /// A batch with given offsets does not continue the log.
    #[error("a batch at offset {got} cannot follow a log that ends at {expected}")]
    OutOfOrder {
        /// The log's end.
        expected: Offset,
        /// The batch's base offset.
        got: Offset,
    },
    /// A batch is larger than a segment may be.
    #[error("a batch of {batch_bytes} bytes does not fit into a segment of {segment_bytes}")]
    BatchTooLarge {
        /// The batch's size.
        batch_bytes: usize,
        /// `segment.bytes`.
        segment_bytes: usize,
    },
    /// The disk returned bytes that cannot be what was written.
    #[error("{}: damaged at position {position}: {what}", .file.display())]
    Damaged {
        /// The damaged file.
        file: PathBuf,
        /// Where the damage begins.
        position: FilePosition,
        /// What is wrong there.
        what: Arc<str>,
    },
    /// A file does not say what it should.
    #[error("{}: {what}", .file.display())]
    Malformed {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        what: Arc<str>,
    },
    /// Another process uses the directory.
    #[error("{}: another broker is using this directory", .0.display())]
    Locked(PathBuf),
    /// The operating system refused.
    #[error("{}: cannot {doing}: {error}", .file.display())]
    Io {
        /// What was tried, as in "cannot open".
        doing: &'static str,
        /// The file or directory.
        file: PathBuf,
        /// The cause.
        error: Arc<io::Error>,
    },
}

impl StorageError {
    /// An operating system's error with what was tried on which file.
    pub(crate) fn io(doing: &'static str, file: &Path, error: io::Error) -> Self {
        Self::Io { doing, file: file.to_owned(), error: Arc::new(error) }
    }

    /// Whether space on the disk is all that is missing.
    #[must_use]
    pub fn is_no_space(&self) -> bool {
        match self {
            Self::Io { error, .. } => no_space(error),
            _ => false,
        }
    }

    /// Whether it says that the file system can no longer be relied on, as for Kafka every error of input or output does.
    /// Want of space is not such an error, nor are files that somebody has removed, nor limits of this process.
    #[must_use]
    pub fn is_disk_failure(&self) -> bool {
        use io::ErrorKind::{
            AlreadyExists, FileTooLarge, Interrupted, InvalidInput, IsADirectory, NotFound, OutOfMemory,
            WouldBlock,
        };
        let Self::Io { error, .. } = self else { return false };
        let is_other = matches!(
            error.kind(),
            AlreadyExists
                | FileTooLarge
                | Interrupted
                | InvalidInput
                | IsADirectory
                | NotFound
                | OutOfMemory
                | WouldBlock
        );
        let too_many_files = matches!(error.raw_os_error(), Some(PROCESS_FILES_MAX | SYSTEM_FILES_MAX));
        !no_space(error) && !is_other && !too_many_files
    }

    /// Whether a file is not there.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Io { error, .. } if error.kind() == io::ErrorKind::NotFound)
    }
}

/// EMFILE: the process has as many files open as it may have.
const PROCESS_FILES_MAX: i32 = 24;
/// ENFILE: all processes together have.
const SYSTEM_FILES_MAX: i32 = 23;

/// Whether freeing space would cure `error`.
pub(crate) fn no_space(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Adds to an `io::Result` what was tried on which file.
pub(crate) trait Context<T> {
    fn context(self, doing: &'static str, file: &Path) -> Result<T, StorageError>;
}

impl<T> Context<T> for io::Result<T> {
    fn context(self, doing: &'static str, file: &Path) -> Result<T, StorageError> {
        self.map_err(|error| StorageError::io(doing, file, error))
    }
}
