//! Keeping brokers out of a directory that is being looked at, without leaving a trace in it.
//!
//! Strome and Kafka lock the same file, each in a way of its own, so a directory has to be free of both.

use std::io;
use std::path::Path;

use reactor::{Disk, Lock};

use crate::error::StorageError;
use crate::log_dir::LOCK;

/// As long as this lives no broker can start on the directory.
#[derive(Debug)]
pub struct DirLock {
    /// None in a directory without a lock file: no broker has used it, and making one would change it.
    lock: Option<Lock>,
}

impl DirLock {
    /// Locks the data directory `dir`.
    ///
    /// # Errors
    /// `Locked` while a broker, Strome or Kafka, uses it.
    pub fn take(disk: &Disk, dir: &Path) -> Result<Self, StorageError> {
        let path = dir.join(LOCK);
        let lock = disk.lock_if_there(&path).map_err(|error| refused(error, dir, &path))?;
        Ok(Self { lock })
    }

    /// Locks the data directory `dir`, in which there is no lock file, for somebody who is about to change it.
    ///
    /// # Errors
    /// As [`Self::take`].
    pub fn make(disk: &Disk, dir: &Path) -> Result<Self, StorageError> {
        let path = dir.join(LOCK);
        let lock = disk.lock(&path).map_err(|error| refused(error, dir, &path))?;
        Ok(Self { lock: Some(lock) })
    }

    /// Whether there was a lock file.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.lock.is_some()
    }
}

fn refused(error: io::Error, dir: &Path, path: &Path) -> StorageError {
    match error.kind() {
        io::ErrorKind::WouldBlock => StorageError::Locked(dir.to_owned()),
        _ => StorageError::io("lock", path, error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LogDir;

    #[test]
    fn a_directory_in_use_is_not_looked_at_and_an_unused_one_stays_as_it_is() {
        let temp = tempfile::tempdir().unwrap();
        drop(DirLock::take(&Disk::host(), temp.path()).unwrap());
        assert_eq!(Disk::host().list(temp.path()).unwrap(), [""; 0]);
        let used = LogDir::open(temp.path()).unwrap();
        assert!(matches!(DirLock::take(&Disk::host(), temp.path()), Err(StorageError::Locked(_))));
        drop(used);
        let held = DirLock::take(&Disk::host(), temp.path()).unwrap();
        assert!(matches!(LogDir::open(temp.path()), Err(StorageError::Locked(_))));
        drop(held);
    }
}
