//! The file system as storage sees it: every file and directory is reached through here, so that a simulated one can
//! stand in for the host's.
//!
//! # Not here
//! What is done with an open file (`file.rs`); reads and writes in the background (`transfer.rs`). All of this blocks, and
//! is for offload threads and for the start.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, UNIX_EPOCH};

use ::types::{ByteCount, FilePosition, TimestampMs};
use rustix::fs::{FlockOperation, fcntl_lock};
use rustix::io::Errno;

use crate::commit_method::CommitMethod;
use crate::file::{File, OpenOptions, SimulatedFile};
use crate::removal;
use crate::simulation::Shared;

/// A file system. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Disk {
    backing: Backing,
}

#[derive(Clone, Debug)]
enum Backing {
    Host,
    Simulated(Shared),
}

/// A path that this process has locked, until the value is dropped.
#[derive(Debug)]
pub struct Lock {
    held: Held,
}

#[derive(Debug)]
enum Held {
    Host { _file: fs::File },
    Simulated(Shared, PathBuf),
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Held::Simulated(state, path) = &self.held {
            state.lock().drop_lock(path);
        }
    }
}

impl Disk {
    /// The host's file system.
    #[must_use]
    pub fn host() -> Self {
        Self { backing: Backing::Host }
    }

    pub(crate) fn simulated(state: Shared) -> Self {
        Self { backing: Backing::Simulated(state) }
    }

    /// How writes in `dir` are made durable soonest. Blocks for some milliseconds.
    pub fn measure_commits(&self, dir: &Path) -> io::Result<CommitMethod> {
        match &self.backing {
            Backing::Host => CommitMethod::measure(dir),
            Backing::Simulated(state) => {
                let is_direct = state.lock().has_direct;
                // Large writes carry their sync, so that it is seen whether anything relies on more than that makes durable.
                let inline = is_direct.then_some(Duration::ZERO);
                Ok(CommitMethod { is_direct, inline, ..CommitMethod::default() })
            }
        }
    }

    /// Opens a file as `options` say.
    pub fn open(&self, path: &Path, options: OpenOptions) -> io::Result<File> {
        match &self.backing {
            Backing::Host => File::open(path, options),
            Backing::Simulated(state) => {
                let mut held = state.lock();
                let node = held.open(path, options)?;
                let description = held.describe(node);
                let is_direct = options.direct && held.has_direct;
                Ok(File::simulate(SimulatedFile { state: state.clone(), node, description, is_direct }))
            }
        }
    }

    /// Makes a directory whose parent exists.
    pub fn create_dir(&self, path: &Path) -> io::Result<()> {
        match &self.backing {
            Backing::Host => fs::create_dir(path),
            Backing::Simulated(state) => state.lock().create_dir(path),
        }
    }

    /// Makes a directory and those above it, as far as they are missing.
    pub fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        match &self.backing {
            Backing::Host => fs::create_dir_all(path),
            Backing::Simulated(state) => state.lock().create_dir_all(path),
        }
    }

    /// Removes an empty directory.
    pub fn remove_dir(&self, path: &Path) -> io::Result<()> {
        match &self.backing {
            Backing::Host => fs::remove_dir(path),
            Backing::Simulated(state) => state.lock().remove_dir(path),
        }
    }

    /// Removes a directory with all that is in it.
    pub fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        match &self.backing {
            Backing::Host => fs::remove_dir_all(path),
            Backing::Simulated(state) => state.lock().remove_dir_all(path),
        }
    }

    /// Removes a file.
    pub fn remove_file(&self, path: &Path) -> io::Result<()> {
        match &self.backing {
            Backing::Host => fs::remove_file(path),
            Backing::Simulated(state) => state.lock().remove_file(path),
        }
    }

    /// Removes a file unless it is gone already.
    pub fn remove_if_there(&self, path: &Path) -> io::Result<()> {
        unless_gone(self.remove_file(path))
    }

    /// Removes a file unless it is gone already, so that writes beside it do not wait for the disk: its name at once, its room
    /// at about a gigabyte per second of all that the process removes, and faster the longer it is wanted. Only a thread for
    /// unhurried work ([`Pace`](crate::Pace)) takes that time; any other removes it at once.
    pub fn remove_in_steps(&self, path: &Path, wanted_since: Instant) -> io::Result<()> {
        match &self.backing {
            Backing::Host => unless_gone(removal::remove_in_steps(path, wanted_since)),
            Backing::Simulated(_) => self.remove_if_there(path),
        }
    }

    /// Gives a file or directory another name; a file that has that name is replaced.
    pub fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        match &self.backing {
            Backing::Host => fs::rename(from, to),
            Backing::Simulated(state) => state.lock().rename(from, to),
        }
    }

    /// Whether there is anything at `path`; no, if that cannot be found out.
    #[must_use]
    pub fn exists(&self, path: &Path) -> bool {
        match &self.backing {
            Backing::Host => path.exists(),
            Backing::Simulated(state) => state.lock().exists(path),
        }
    }

    /// Whether there is a directory at `path`.
    #[must_use]
    pub fn is_dir(&self, path: &Path) -> bool {
        match &self.backing {
            Backing::Host => path.is_dir(),
            Backing::Simulated(state) => state.lock().is_dir(path),
        }
    }

    /// The names in a directory, in no order. A name that is not UTF-8 is none of ours and left out.
    pub fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        match &self.backing {
            Backing::Host => list(path),
            Backing::Simulated(state) => state.lock().list(path),
        }
    }

    /// The content of a small file.
    pub fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        if let Backing::Host = self.backing {
            return fs::read(path);
        }
        let file = self.open(path, OpenOptions::READ.buffered())?;
        let mut bytes = vec![0; usize::try_from(file.len()?.0).unwrap_or(usize::MAX)];
        file.read_exact_at(&mut bytes, FilePosition::ZERO)?;
        Ok(bytes)
    }

    /// Makes a file of these bytes, or replaces the content of the one that is there. Not durable yet.
    pub fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        if let Backing::Host = self.backing {
            return fs::write(path, bytes);
        }
        self.open(path, OpenOptions::REPLACE.buffered())?.write_all_at(bytes, FilePosition::ZERO)
    }

    /// Makes durable which names are in a directory.
    pub fn sync_dir(&self, path: &Path) -> io::Result<()> {
        match &self.backing {
            Backing::Host => fs::File::open(path)?.sync_all(),
            Backing::Simulated(state) => state.lock().sync_dir(path),
        }
    }

    /// Makes everything durable that was written to the file system `path` is on, names and contents: cheaper than a sync of
    /// each of many files. Waits for what others have written there, too.
    pub fn sync_file_system(&self, path: &Path) -> io::Result<()> {
        match &self.backing {
            Backing::Host => Ok(rustix::fs::syncfs(fs::File::open(path)?)?),
            Backing::Simulated(state) => state.lock().sync_everything(),
        }
    }

    /// How much more can be written to the file system `path` is on.
    pub fn free_bytes(&self, path: &Path) -> io::Result<ByteCount> {
        match &self.backing {
            Backing::Host => {
                let told = rustix::fs::statvfs(path)?;
                Ok(ByteCount(told.f_bavail.saturating_mul(told.f_frsize)))
            }
            Backing::Simulated(state) => Ok(state.lock().free_bytes()),
        }
    }

    /// When the file's content was last changed.
    pub fn modified(&self, path: &Path) -> io::Result<TimestampMs> {
        match &self.backing {
            Backing::Host => modified(path),
            Backing::Simulated(state) => state.lock().modified(path),
        }
    }

    /// Locks the file at `path`, which is made if it is not there.
    ///
    /// # Errors
    /// `WouldBlock` while somebody else has it locked.
    pub fn lock(&self, path: &Path) -> io::Result<Lock> {
        let held = match &self.backing {
            Backing::Host => {
                let file = fs::File::options().create(true).truncate(false).write(true).open(path)?;
                file.try_lock()?;
                Held::Host { _file: file }
            }
            Backing::Simulated(state) => {
                if !state.lock().take_lock(path)? {
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                Held::Simulated(state.clone(), path.to_owned())
            }
        };
        Ok(Lock { held })
    }

    /// Locks the file at `path` against Strome and against Kafka, without leaving a trace; `None` if there is no such
    /// file. Kafka holds a POSIX lock, which [`Self::lock`] and its like do not see.
    ///
    /// # Errors
    /// `WouldBlock` while somebody else has it locked.
    pub fn lock_if_there(&self, path: &Path) -> io::Result<Option<Lock>> {
        match &self.backing {
            Backing::Host => lock_if_there(path),
            Backing::Simulated(_) if self.exists(path) => self.lock(path).map(Some),
            Backing::Simulated(_) => Ok(None),
        }
    }
}

fn lock_if_there(path: &Path) -> io::Result<Option<Lock>> {
    // A POSIX lock wants a file that may be written; on a read-only file system nobody else writes either.
    let (file, may_write) = match fs::File::options().read(true).write(true).open(path) {
        Ok(file) => (file, true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(_) => (fs::File::open(path)?, false),
    };
    file.try_lock()?;
    if may_write {
        fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|errno| match errno {
            Errno::AGAIN | Errno::ACCESS => io::ErrorKind::WouldBlock.into(),
            other => io::Error::from(other),
        })?;
    }
    Ok(Some(Lock { held: Held::Host { _file: file } }))
}

/// What a removal came to, which somebody else may have done before.
fn unless_gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn list(path: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path)? {
        names.extend(entry?.file_name().into_string().ok());
    }
    Ok(names)
}

fn modified(path: &Path) -> io::Result<TimestampMs> {
    let modified = fs::metadata(path)?.modified()?;
    let since_epoch = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(TimestampMs(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)))
}
