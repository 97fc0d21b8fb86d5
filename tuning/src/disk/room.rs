//! Where a measurement may take place: the directory to itself, room on the disk, and a file without a name.
//!
//! # Invariants
//! - Never more than half of the free space is taken, and a twentieth of the file system stays free.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use reactor::{Disk, File, Lock, OpenOptions};
use types::{ByteCount, FilePosition};

use super::error::DiskError;
use super::profile::UNFINISHED_NAME;

/// The test file, for the moment in which it has a name.
const TEST_NAME: &str = "strome-disk-test.tmp";
/// What a broker locks in its log directory.
const BROKER_LOCK: &str = ".lock";

const MIB: u64 = 1024 * 1024;
/// Without a wish the test file has this size, or what fits.
const DEFAULT: ByteCount = ByteCount(1024 * MIB);
/// Less says nothing about a disk.
pub(super) const MIN: ByteCount = ByteCount(16 * MIB);

/// A directory that nobody else uses or measures while this lives.
#[derive(Debug)]
pub(super) struct Room {
    path: PathBuf,
    _broker: Option<Lock>,
    _directory: fs::File,
}

/// The file that is measured. Its name is gone: it ends with the process.
pub(super) struct TestFile {
    pub(super) file: File,
    /// The same for another program, under a name that this process gives it.
    pub(super) for_others: fs::File,
}

impl Room {
    /// Takes `path` for a measurement, and removes what one has left that came to a bad end.
    pub(super) fn enter(path: &Path) -> Result<Self, DiskError> {
        if !path.is_dir() {
            return Err(DiskError::NotADirectory(path.to_owned()));
        }
        let broker = match Disk::host().lock_if_there(&path.join(BROKER_LOCK)) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                return Err(DiskError::BrokerRuns(path.to_owned()));
            }
            locked => locked.map_err(DiskError::io("lock", &path.join(BROKER_LOCK)))?,
        };
        let directory = fs::File::open(path).map_err(DiskError::io("open", path))?;
        match directory.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(DiskError::MeasuredAlready(path.to_owned())),
            Err(fs::TryLockError::Error(error)) => return Err(DiskError::io("lock", path)(error)),
        }
        for name in [TEST_NAME, UNFINISHED_NAME] {
            let leftover = path.join(name);
            match fs::remove_file(&leftover) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(DiskError::io("remove", &leftover)(error));
                }
                _ => {}
            }
        }
        Ok(Self { path: path.to_owned(), _broker: broker, _directory: directory })
    }

    /// How large the test file is to be.
    pub(super) fn size(&self, wish: Option<ByteCount>) -> Result<ByteCount, DiskError> {
        let stat = rustix::fs::statvfs(&self.path)
            .map_err(|error| DiskError::io("look at the free space of", &self.path)(error.into()))?;
        let bytes = |blocks: u64| ByteCount(blocks.saturating_mul(stat.f_frsize));
        let (free, total) = (bytes(stat.f_bavail), bytes(stat.f_blocks));
        let usable = ByteCount((free.0 / 2).min(free.0.saturating_sub(total.0 / 20)) / MIB * MIB);
        let wanted = wish.unwrap_or_else(|| DEFAULT.min(usable.max(MIN)));
        let wanted = ByteCount((wanted.0 / MIB * MIB).max(MIN.0));
        if wanted > usable {
            return Err(DiskError::NoRoom { path: self.path.clone(), free, usable, wanted });
        }
        Ok(wanted)
    }

    /// Makes the test file, with this much room reserved.
    pub(super) fn test_file(&self, size: ByteCount) -> Result<TestFile, DiskError> {
        let path = self.path.join(TEST_NAME);
        let file = File::open(&path, OpenOptions { create_new: true, ..OpenOptions::CREATE })
            .map_err(DiskError::io("make", &path))?;
        let for_others = fs::File::open(&path);
        fs::remove_file(&path).map_err(DiskError::io("remove", &path))?;
        let for_others = for_others.map_err(DiskError::io("open", &path))?;
        file.allocate(FilePosition::ZERO, size).map_err(DiskError::io("reserve room for", &path))?;
        Ok(TestFile { file, for_others })
    }
}
