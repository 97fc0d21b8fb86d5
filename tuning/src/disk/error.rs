//! Why a disk could not be measured, or a profile not be used.

use std::io;
use std::path::{Path, PathBuf};

use reactor::ReactorError;
use types::ByteCount;

/// See the module. Each says what to do where there is something to be done.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// The place is no directory, or is not there.
    #[error("{0} is not a directory")]
    NotADirectory(PathBuf),
    /// A broker has the directory, which would disturb the measurement and be disturbed by it.
    #[error("a broker runs on {0}; stop it first, or measure another directory of the same disk")]
    BrokerRuns(PathBuf),
    /// A second measurement would make both worthless.
    #[error("the disk is being measured in {0} already")]
    MeasuredAlready(PathBuf),
    /// The file system is nearly full.
    #[error(
        "{path} has {} MiB free, of which {} MiB may be used for a measurement; it needs {} MiB",
        mib(.free), mib(.usable), mib(.wanted)
    )]
    NoRoom {
        /// Where.
        path: PathBuf,
        /// What an ordinary user may still write there.
        free: ByteCount,
        /// What is left of that when a reserve stays.
        usable: ByteCount,
        /// What the measurement asks for.
        wanted: ByteCount,
    },
    /// Something did not work on a file.
    #[error("cannot {verb} {}: {source}", .path.display())]
    Io {
        /// What was tried, such as `open`.
        verb: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it did not work.
        source: io::Error,
    },
    /// There is no ring to measure with.
    #[error(transparent)]
    Reactor(#[from] ReactorError),
    /// The user, or the system, wants it to end.
    #[error("interrupted: nothing is stored")]
    Interrupted,
    /// fio could not be run, or did not say what was expected.
    #[error("fio: {0}")]
    Fio(String),
    /// A stored profile is none.
    #[error("{} cannot be used: {what}", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
}

impl DiskError {
    pub(super) fn io(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { verb, path, source }
    }
}

fn mib(bytes: &ByteCount) -> u64 {
    bytes.0 / (1024 * 1024)
}
