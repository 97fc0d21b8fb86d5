//! One entry of `log.dirs`: whose it is, which logs it holds, and what its checkpoints say.
//!
//! # Invariants
//! - One process at a time uses a directory: the file `.lock` is locked as long as the `LogDir` lives.
//! - The marker of a clean stop is gone, durably, before the first log is opened.
//!
//! # Not here
//! The checkpoints' files (`checkpoints.rs`), what lies there and is put right (`contents.rs`), whose the directory is
//! (`meta_properties.rs`).

mod checkpoints;
mod contents;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use reactor::{CommitMethod, Disk, Lock};
use tracing::{info, warn};
use types::{Offset, TopicId};

use self::checkpoints::Checkpoints;
pub(crate) use self::checkpoints::{CheckpointChange, CheckpointEntry};
use self::contents::{create_durably, log_names, remove_leftovers, take_marker};
pub(crate) use self::contents::{deleted_logs, entries, known_logs, list_logs};
use crate::checkpoint::{replace, sync_dir};
use crate::commits::Commits;
use crate::error::{Context, StorageError, no_space};
use crate::failure::Failure;
use crate::journal::{Journals, Leftover};
use crate::layout::{self, LogName};
use crate::meta_properties::MetaProperties;
use crate::opened::OpenedLog;
use crate::partition_metadata;
use crate::progress::Progress;
use crate::recover::{self, Origin};
use crate::settings::LogSettings;

pub(crate) const LOCK: &str = ".lock";
pub(crate) const CLEAN_MARKER: &str = ".kafka_cleanshutdown";
pub(crate) const RECOVERY_POINTS: &str = "recovery-point-offset-checkpoint";
pub(crate) const LOG_STARTS: &str = "log-start-offset-checkpoint";
/// Up to where logs are compacted.
pub(crate) const COMPACTED: &str = "cleaner-offset-checkpoint";

/// A log directory that is locked by this process. Shared by all shards; its lock is taken by background work only.
#[derive(Debug)]
pub struct LogDir {
    disk: Disk,
    path: PathBuf,
    was_clean: bool,
    commit_method: CommitMethod,
    checkpoints: Mutex<Checkpoints>,
    pub(crate) failure: Failure,
    pub(crate) progress: Progress,
    pub(crate) commits: Commits,
    journals: Mutex<Journals>,
    /// Locked until this value is dropped.
    _lock: Lock,
}

impl LogDir {
    /// Creates the directory if need be, locks it, removes what an interrupted deletion left, and takes note of
    /// whether the last broker here stopped cleanly (the marker is removed: from now on a crash is a crash).
    ///
    /// # Errors
    /// `Locked` while another process uses it.
    pub fn open(path: &Path) -> Result<Arc<Self>, StorageError> {
        Self::open_on(Disk::host(), path)
    }

    /// [`Self::open`] on a given file system.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_on(disk: Disk, path: &Path) -> Result<Arc<Self>, StorageError> {
        Self::open_known(disk, path, None)
    }

    /// [`Self::open_on`] of a directory whose disk is known: `is_inline` says whether commits carry their sync there, which
    /// counts over what is found out in the moment of opening.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_known(disk: Disk, path: &Path, is_inline: Option<bool>) -> Result<Arc<Self>, StorageError> {
        create_durably(&disk, path)?;
        let lock_path = path.join(LOCK);
        let lock = disk.lock(&lock_path).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => StorageError::Locked(path.to_owned()),
            _ => StorageError::io("lock", &lock_path, error),
        })?;
        let was_clean = take_marker(&disk, path)?;
        if !was_clean {
            // Names that a process has given which died before they were durable.
            sync_dir(&disk, path)?;
        }
        remove_leftovers(&disk, path)?;
        let checkpoints = Checkpoints::read(&disk, path)?;
        let commit_method = match disk.measure_commits(path) {
            // A full disk is no reason not to start.
            Err(error) if no_space(&error) => CommitMethod::default(),
            measured => measured.context("write and sync a file in", path)?,
        };
        let commit_method = commit_method.known(is_inline);
        let journals = Journals::scan(&disk, path, was_clean)?;
        Ok(Arc::new(Self {
            disk,
            path: path.to_owned(),
            was_clean,
            commit_method,
            checkpoints: Mutex::new(checkpoints),
            failure: Failure::default(),
            progress: Progress::default(),
            commits: Commits::default(),
            journals: Mutex::new(journals),
            _lock: lock,
        }))
    }

    /// The file system that it is on.
    #[must_use]
    pub fn disk(&self) -> &Disk {
        &self.disk
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How small writes are made durable here.
    #[must_use]
    pub fn commit_method(&self) -> CommitMethod {
        self.commit_method
    }

    /// Whether the last broker here stopped cleanly.
    #[must_use]
    pub fn was_clean(&self) -> bool {
        self.was_clean
    }

    /// Reads `meta.properties`; `None` in a directory that was never used.
    pub fn meta_properties(&self) -> Result<Option<MetaProperties>, StorageError> {
        MetaProperties::read(&self.disk, &self.path)
    }

    /// Writes `meta.properties`, durably.
    pub fn write_meta_properties(&self, meta: &MetaProperties) -> Result<(), StorageError> {
        meta.write(&self.disk, &self.path)
    }

    /// The logs in this directory with their topic ids (none for a log that has lost its `partition.metadata`).
    pub fn logs(&self) -> Result<Vec<(LogName, Option<TopicId>)>, StorageError> {
        list_logs(&self.disk, &self.path)
    }

    /// Deletes a log whose deletion was decided before the last stop, and not begun. Blocks.
    ///
    /// # Errors
    /// Errors of the operating system.
    pub fn delete_log(&self, name: &LogName, topic: TopicId) -> Result<(), StorageError> {
        info!(log = %name, "deleting the log of a topic that was deleted");
        let doomed = self.rename_log(name, &layout::deleted_dir_name(name, topic))?;
        self.disk.remove_dir_all(&doomed).context("remove", &doomed)
    }

    /// Opens a log, recovering it unless the last stop was clean, or creates it. A log of that name which belongs to
    /// another topic id keeps its files, and gives up its name. Blocks: for an offload thread.
    ///
    /// # Errors
    /// Errors of the operating system, which may take the whole directory offline; `DirectoryOffline` after that.
    pub fn open_log(
        self: &Arc<Self>,
        name: &LogName,
        topic: TopicId,
        settings: &LogSettings,
    ) -> Result<OpenedLog, StorageError> {
        let opened = match self.failure() {
            Some(failure) => Err(failure.clone()),
            None => self.try_open_log(name, topic, settings),
        };
        match &opened {
            Ok(_) => drop(self.lock().failed.remove(name)),
            Err(error) => {
                self.lock().failed.insert(name.clone());
                self.judge(error);
            }
        }
        self.note_opened(&opened);
        opened
    }

    fn try_open_log(
        self: &Arc<Self>,
        name: &LogName,
        topic: TopicId,
        settings: &LogSettings,
    ) -> Result<OpenedLog, StorageError> {
        let path = self.path.join(name.to_string());
        let mut created = !self.disk.is_dir(&path);
        let mut known_topic = if created { None } else { partition_metadata::read(&self.disk, &path)? };
        if let Some(other) = known_topic.take_if(|found| *found != topic) {
            self.set_aside(name, other)?;
            created = true;
        }
        if created {
            self.forget(name)?;
            self.disk.create_dir(&path).context("create", &path)?;
        }
        if known_topic.is_none() {
            partition_metadata::write(&self.disk, &path, topic)?;
        }
        if created {
            sync_dir(&self.disk, &self.path)?;
        }
        let (before, is_first) = {
            let mut known = self.lock();
            (known.entry(name), known.opened.insert(name.clone()))
        };
        let origin = recover::Origin {
            dir: Arc::clone(self),
            path,
            name: name.clone(),
            topic,
            trust: self.was_clean && is_first,
            recovery_point: before.recovery_point,
            log_start: before.log_start,
        };
        let mut opened = recover::open(origin, settings)?;
        self.lower_checkpoint(before, &opened)?;
        // Records may have been cut off that were compacted.
        self.lower_compacted(name, opened.log_end)?;
        opened.compacted = self.compacted(name);
        Ok(opened)
    }

    /// What an older log of that name has left says nothing about the one that is about to be made, nor after a crash.
    fn forget(&self, name: &LogName) -> Result<(), StorageError> {
        let is_known = self.lock().knows(name);
        if is_known { self.save_checkpoints([(name.clone(), None)]) } else { Ok(()) }
    }

    /// The path of a journal that nobody uses.
    pub(crate) fn allot_journal(&self) -> PathBuf {
        self.journals().allot(&self.path)
    }

    /// What journals hold of a log.
    pub(crate) fn leftovers(&self, of: &Origin) -> Vec<Leftover> {
        self.journals().of((of.topic, of.name.partition))
    }

    /// What journals held of a log is durable in its segments.
    pub(crate) fn replayed(&self, log: &Origin) -> Result<(), StorageError> {
        self.journals().replayed(&self.disk, (log.topic, log.name.partition))
    }

    /// A log is about to be cut: what it was must not come back from a journal.
    pub(crate) fn make_leftovers_void(&self, log: &Origin) -> Result<(), StorageError> {
        self.journals().make_void(&self.disk, (log.topic, log.name.partition))
    }

    /// Renames a log that belongs to a topic nobody knows, so that another one can have its name.
    fn set_aside(&self, name: &LogName, topic: TopicId) -> Result<(), StorageError> {
        let aside = layout::stray_dir_name(name, topic);
        warn!(
            path = %self.path.join(name.to_string()).display(),
            aside = %self.path.join(&aside).display(),
            "a log of another topic id has this name: it is set aside, and can be deleted by hand"
        );
        self.rename_log(name, &aside).map(drop)
    }

    /// Gives the directory of a log another name, durably, under which it is no log any more. Returns where it is then. Doing
    /// it a second time does no harm. Blocks.
    pub(crate) fn rename_log(&self, name: &LogName, to: &str) -> Result<PathBuf, StorageError> {
        let (from, to) = (self.path.join(name.to_string()), self.path.join(to));
        match self.disk.rename(&from, &to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.disk.exists(&to) => {}
            outcome => outcome.context("rename", &from)?,
        }
        sync_dir(&self.disk, &self.path)?;
        self.save_checkpoints([(name.clone(), None)])?;
        Ok(to)
    }

    /// Writes the marker of a clean stop. Only when every store with logs here has closed without a failure. Without effect
    /// while there are logs that a crash has left and that were not opened since: they are still to be recovered.
    ///
    /// The marker makes the next start believe every file, indexes included, so all of them are made durable before.
    pub fn mark_clean(&self) -> Result<(), StorageError> {
        if self.has_unchecked_logs()? {
            info!(path = %self.path.display(), "not all logs could be checked: the next start checks all of them");
            return Ok(());
        }
        self.disk.sync_file_system(&self.path).context("sync", &self.path)?;
        replace(&self.disk, &self.path.join(CLEAN_MARKER), br#"{"version":0,"brokerEpoch":-1}"#)
    }

    /// Whether there are logs that the crash before has left, and that nobody has opened since.
    fn has_unchecked_logs(&self) -> Result<bool, StorageError> {
        let logs = log_names(&self.disk, &self.path)?;
        let known = self.lock();
        let is_unchecked = |log| known.failed.contains(log) || !self.was_clean && !known.opened.contains(log);
        Ok(logs.iter().any(is_unchecked))
    }

    /// After records that the checkpoints speak of are gone: they must not vouch for those that take their offsets.
    pub(crate) fn lower_checkpoint(
        &self,
        before: CheckpointEntry,
        opened: &OpenedLog,
    ) -> Result<(), StorageError> {
        if before.recovery_point <= opened.log_end && before.log_start <= opened.log_start {
            return Ok(());
        }
        let recovery_point = before.recovery_point.min(opened.log_end);
        let entry = CheckpointEntry { recovery_point, log_start: opened.log_start };
        self.save_checkpoints([(opened.name().clone(), Some(entry))])
    }

    /// Takes over changes and saves them. Blocks: for an offload thread.
    pub(crate) fn save_checkpoints(
        &self,
        changes: impl IntoIterator<Item = CheckpointChange>,
    ) -> Result<(), StorageError> {
        self.lock().save(&self.disk, &self.path, changes)
    }

    fn journals(&self) -> MutexGuard<'_, Journals> {
        // Its calls change it as a whole or not at all.
        self.journals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Up to where a log is compacted, if it ever was.
    pub(crate) fn compacted(&self, name: &LogName) -> Option<Offset> {
        self.lock().compacted(name)
    }

    /// Saves up to where a log is compacted. Blocks: for an offload thread.
    pub(crate) fn save_compacted(&self, name: &LogName, to: Offset) -> Result<(), StorageError> {
        self.lock().save_compacted(&self.disk, &self.path, (name, to))
    }

    /// The log has nothing at or above `end` any more: what comes there is not compacted. Blocks.
    pub(crate) fn lower_compacted(&self, name: &LogName, end: Offset) -> Result<(), StorageError> {
        let mut checkpoints = self.lock();
        match checkpoints.compacted(name) {
            Some(to) if to > end => checkpoints.save_compacted(&self.disk, &self.path, (name, end)),
            _ => Ok(()),
        }
    }

    /// Below it, nothing of the log has to be read after a crash.
    pub(crate) fn recovery_point_of(&self, name: &LogName) -> Offset {
        self.lock().entry(name).recovery_point
    }

    fn lock(&self) -> MutexGuard<'_, Checkpoints> {
        // A panic between two inserts leaves a table that is merely older.
        self.checkpoints.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
