//! Log directories that fail while they are used: all their logs go offline, and those of other directories go on.
//!
//! Whoever meets an error that says that a disk cannot be relied on tells the directory, on whatever thread; every store
//! notices within a round and lets go of its logs there.
//!
//! # Not here
//! Want of space, which goes by (`commit.rs`); what the failure of a directory means to the broker.

use std::sync::{Arc, OnceLock};

use tracing::error;

use crate::commit;
use crate::error::StorageError;
use crate::log::State;
use crate::log_dir::LogDir;
use crate::outcome::Outcome;
use crate::store::{LogId, Store};

/// Whether a directory has failed, and why. Never taken back: only a start that reads everything anew can know what a disk
/// holds that has lied once.
#[derive(Debug, Default)]
pub(crate) struct Failure(OnceLock<StorageError>);

impl LogDir {
    /// Why the directory is no longer used, if it has failed.
    #[must_use]
    pub fn failure(&self) -> Option<&StorageError> {
        self.failure.0.get()
    }

    /// Takes the directory out of use for good because of `cause`; the first cause counts, and is logged.
    pub fn fail(&self, cause: &StorageError) {
        let directory = self.path();
        let offline = StorageError::DirectoryOffline {
            directory: directory.to_owned(),
            cause: cause.to_string().into(),
        };
        if self.failure.0.set(offline).is_ok() {
            error!(
                "{} has failed and is offline with all its partitions: {cause}. Mend the disk, see to it that the \
                 directory is mounted and can be written, and start the broker again",
                directory.display()
            );
        }
    }

    /// [`Self::fail`], if `cause` says that the disk cannot be relied on.
    pub(crate) fn judge(&self, cause: &StorageError) {
        if cause.is_disk_failure() {
            self.fail(cause);
        }
    }
}

/// The directories in which a store has logs.
#[derive(Debug, Default)]
pub(crate) struct Directories {
    /// Each with whether its failure was acted upon.
    known: Vec<(Arc<LogDir>, bool)>,
}

impl Directories {
    /// A log of the store lies in `dir`.
    pub(crate) fn note(&mut self, dir: &Arc<LogDir>) {
        if !self.known.iter().any(|(known, _)| Arc::ptr_eq(known, dir)) {
            self.known.push((Arc::clone(dir), false));
        }
    }

    /// Whether there are failures that were not acted upon. From now on they count as such.
    fn have_failed(&mut self) -> bool {
        let mut any = false;
        for (dir, acted) in &mut self.known {
            if !*acted && dir.failure().is_some() {
                *acted = true;
                any = true;
            }
        }
        any
    }
}

impl Store {
    /// Takes the logs of directories that have failed offline.
    pub(crate) fn heed_failures(&mut self) {
        if !self.upkeep.directories.have_failed() {
            return;
        }
        let mut removed = Vec::new();
        for (_, log) in &mut self.logs {
            let Some(failure) = log.origin.dir.failure().cloned() else { continue };
            match log.state {
                State::Offline(_) | State::Closed => {}
                State::Removing { .. } => removed.push((log.id, failure)),
                _ => commit::go_offline(log, &failure, &mut self.core),
            }
        }
        for (id, failure) in removed {
            self.core.outcomes.push_back(Outcome::Removed { log: id, result: Err(failure) });
            self.forget(id);
        }
    }

    /// Lets go of a log that is offline, and of its open files and its memory. Reads that are under way end with
    /// `UnknownLog`.
    pub fn abandon(&mut self, log: LogId) {
        self.forget(log);
    }
}
