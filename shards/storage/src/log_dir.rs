//! One entry of `log.dirs`: whose it is, which logs it holds, and what its checkpoints say.
//!
//! # Invariants
//! - One process at a time uses a directory: the file `.lock` is locked as long as the `LogDir` lives.
//! - The marker of a clean stop is gone, durably, before the first log is opened.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use reactor::{CommitMethod, Disk, Lock};
use tracing::{info, warn};
use types::{BrokerId, DirectoryId, Offset, TopicId};

use crate::checkpoint::{self, Offsets, read_text, replace, sync_dir};
use crate::commits::Commits;
use crate::error::{Context, StorageError, no_space};
use crate::failure::Failure;
use crate::journal::{Journals, Leftover, LogKey};
use crate::layout::{self, LogName};
use crate::opened::OpenedLog;
use crate::partition_metadata;
use crate::progress::Progress;
use crate::recover::{self, Origin};
use crate::settings::LogSettings;

pub(crate) const LOCK: &str = ".lock";
pub(crate) const CLEAN_MARKER: &str = ".kafka_cleanshutdown";
pub(crate) const META_PROPERTIES: &str = "meta.properties";
pub(crate) const RECOVERY_POINTS: &str = "recovery-point-offset-checkpoint";
pub(crate) const LOG_STARTS: &str = "log-start-offset-checkpoint";
/// Up to where logs are compacted.
pub(crate) const COMPACTED: &str = "cleaner-offset-checkpoint";

/// `meta.properties`: whose directory this is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetaProperties {
    /// `cluster.id`.
    pub cluster_id: String,
    /// `node.id`.
    pub node_id: BrokerId,
    /// `directory.id`.
    pub directory_id: DirectoryId,
}

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

#[derive(Debug, Default)]
struct Checkpoints {
    recovery_points: Offsets,
    log_starts: Offsets,
    compacted: Offsets,
    /// Logs that were opened since the directory was: what the last broker left is no longer what they hold.
    opened: BTreeSet<LogName>,
    /// Logs that could not be opened.
    failed: BTreeSet<LogName>,
}

/// What a checkpoint says of one log; `None` forgets the log.
pub(crate) type CheckpointChange = (LogName, Option<CheckpointEntry>);

/// Where a log stands, for the checkpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CheckpointEntry {
    /// Everything below is durable and was checked.
    pub(crate) recovery_point: Offset,
    pub(crate) log_start: Offset,
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
        let checkpoints = Checkpoints {
            recovery_points: read_checkpoint(&disk, &path.join(RECOVERY_POINTS))?,
            log_starts: read_checkpoint(&disk, &path.join(LOG_STARTS))?,
            compacted: read_checkpoint(&disk, &path.join(COMPACTED))?,
            opened: BTreeSet::new(),
            failed: BTreeSet::new(),
        };
        let commit_method = match disk.measure_commits(path) {
            // A full disk is no reason not to start.
            Err(error) if no_space(&error) => CommitMethod::default(),
            measured => measured.context("write and sync a file in", path)?,
        };
        let commit_method = commit_method.known(is_inline);
        let journals = Journals::scan(&disk, path, was_clean, || known_logs(&disk, path))?;
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
        read_meta_properties(&self.disk, &self.path)
    }

    /// Writes `meta.properties`, durably.
    pub fn write_meta_properties(&self, meta: &MetaProperties) -> Result<(), StorageError> {
        let text = format!(
            "#\ncluster.id={}\ndirectory.id={}\nnode.id={}\nversion=1\n",
            meta.cluster_id, meta.directory_id, meta.node_id
        );
        replace(&self.disk, &self.path.join(META_PROPERTIES), text.as_bytes())
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
        let path = self.path.join(name.to_string());
        let doomed = self.path.join(layout::deleted_dir_name(name, topic));
        self.disk.rename(&path, &doomed).context("rename", &path)?;
        sync_dir(&self.disk, &self.path)?;
        self.save_checkpoints([(name.clone(), None)])?;
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
        let (recovery_point, log_start, is_first) = {
            let mut known = self.lock();
            let is_first = known.opened.insert(name.clone());
            let of = |table: &Offsets| table.get(name).copied().unwrap_or(Offset::ZERO);
            (of(&known.recovery_points), of(&known.log_starts), is_first)
        };
        let origin = recover::Origin {
            dir: Arc::clone(self),
            path,
            name: name.clone(),
            topic,
            trust: self.was_clean && is_first,
            recovery_point,
            log_start,
        };
        let before = CheckpointEntry { recovery_point: origin.recovery_point, log_start: origin.log_start };
        let mut opened = recover::open(origin, settings)?;
        self.lower_checkpoint(before, &opened)?;
        // Records may have been cut off that were compacted.
        self.lower_compacted(name, opened.log_end)?;
        opened.compacted = self.compacted(name);
        Ok(opened)
    }

    /// What an older log of that name has left says nothing about the one that is about to be made, nor after a crash.
    fn forget(&self, name: &LogName) -> Result<(), StorageError> {
        let is_known = {
            let known = self.lock();
            [&known.recovery_points, &known.log_starts, &known.compacted]
                .iter()
                .any(|of| of.contains_key(name))
        };
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
        let path = self.path.join(name.to_string());
        let aside = self.path.join(layout::stray_dir_name(name, topic));
        warn!(
            path = %path.display(),
            aside = %aside.display(),
            "a log of another topic id has this name: it is set aside, and can be deleted by hand"
        );
        self.disk.rename(&path, &aside).context("rename", &path)?;
        sync_dir(&self.disk, &self.path)?;
        self.save_checkpoints([(name.clone(), None)])
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
        let names = entries(&self.disk, &self.path)?;
        let known = self.lock();
        // A journal's file has a name that could be a log's.
        let logs = names.iter().filter(|(_, path)| self.disk.is_dir(path));
        let mut logs = logs.filter_map(|(name, _)| LogName::from_dir_name(name));
        let is_unchecked =
            |log| known.failed.contains(&log) || !self.was_clean && !known.opened.contains(&log);
        Ok(logs.any(is_unchecked))
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

    /// Takes over changes and saves both checkpoints. Blocks: for an offload thread.
    pub(crate) fn save_checkpoints(
        &self,
        changes: impl IntoIterator<Item = CheckpointChange>,
    ) -> Result<(), StorageError> {
        // The lock is held while writing, so that an older state never replaces a newer one.
        let mut table = self.lock();
        let mut is_compacted_changed = false;
        for (name, entry) in changes {
            match entry {
                Some(entry) => {
                    table.recovery_points.insert(name.clone(), entry.recovery_point);
                    table.log_starts.insert(name, entry.log_start);
                }
                None => {
                    table.recovery_points.remove(&name);
                    table.log_starts.remove(&name);
                    is_compacted_changed |= table.compacted.remove(&name).is_some();
                }
            }
        }
        // Like Kafka, only log starts that say something are kept.
        let starts = table.log_starts.iter().filter(|(_, start)| **start > Offset::ZERO);
        let starts: Offsets = starts.map(|(name, start)| (name.clone(), *start)).collect();
        replace(&self.disk, &self.path.join(LOG_STARTS), checkpoint::encode(&starts).as_bytes())?;
        if is_compacted_changed {
            self.write_compacted(&table)?;
        }
        replace(
            &self.disk,
            &self.path.join(RECOVERY_POINTS),
            checkpoint::encode(&table.recovery_points).as_bytes(),
        )
    }

    fn journals(&self) -> MutexGuard<'_, Journals> {
        // Its calls change it as a whole or not at all.
        self.journals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Up to where a log is compacted, if it ever was.
    pub(crate) fn compacted(&self, name: &LogName) -> Option<Offset> {
        self.lock().compacted.get(name).copied()
    }

    /// Saves up to where a log is compacted. Blocks: for an offload thread.
    pub(crate) fn save_compacted(&self, name: &LogName, to: Offset) -> Result<(), StorageError> {
        let mut table = self.lock();
        table.compacted.insert(name.clone(), to);
        self.write_compacted(&table)
    }

    /// The log has nothing at or above `end` any more: what comes there is not compacted. Blocks.
    pub(crate) fn lower_compacted(&self, name: &LogName, end: Offset) -> Result<(), StorageError> {
        let mut table = self.lock();
        match table.compacted.get_mut(name) {
            Some(to) if *to > end => *to = end,
            _ => return Ok(()),
        }
        self.write_compacted(&table)
    }

    fn write_compacted(&self, table: &Checkpoints) -> Result<(), StorageError> {
        let text = checkpoint::encode(&table.compacted);
        replace(&self.disk, &self.path.join(COMPACTED), text.as_bytes())
    }

    /// Below it, nothing of the log has to be read after a crash.
    pub(crate) fn recovery_point_of(&self, name: &LogName) -> Offset {
        self.lock().recovery_points.get(name).copied().unwrap_or(Offset::ZERO)
    }

    fn lock(&self) -> MutexGuard<'_, Checkpoints> {
        // A panic between two inserts leaves a table that is merely older.
        self.checkpoints.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The logs in a directory with their topic ids.
pub(crate) fn list_logs(disk: &Disk, dir: &Path) -> Result<Vec<(LogName, Option<TopicId>)>, StorageError> {
    let mut logs = Vec::new();
    for (name, path) in entries(disk, dir)? {
        if let Some(log) = LogName::from_dir_name(&name).filter(|_| disk.is_dir(&path)) {
            let topic = match partition_metadata::read(disk, &path) {
                // Opening this one log will fail, which must not keep the others offline.
                Err(StorageError::Malformed { .. }) => None,
                topic => topic?,
            };
            logs.push((log, topic));
        }
    }
    logs.sort();
    Ok(logs)
}

/// Reads `meta.properties` of a directory that need not be open; `None` in one that was never used.
pub fn read_meta_properties(disk: &Disk, dir: &Path) -> Result<Option<MetaProperties>, StorageError> {
    let path = dir.join(META_PROPERTIES);
    let Some(text) = read_text(disk, &path)? else { return Ok(None) };
    let value = |key: &str| {
        text.lines()
            .filter(|line| !line.trim_start().starts_with(['#', '!']))
            .filter_map(|line| line.split_once('='))
            .find(|(name, _)| name.trim() == key)
            .map(|(_, value)| value.trim().to_owned())
            .ok_or_else(|| malformed(&path, format!("{key} is missing")))
    };
    let node_id = value("node.id")?;
    let directory_id = value("directory.id")?;
    Ok(Some(MetaProperties {
        cluster_id: value("cluster.id")?,
        node_id: BrokerId(node_id.parse().map_err(|_| malformed(&path, format!("node.id is {node_id:?}")))?),
        directory_id: directory_id
            .parse()
            .map_err(|error| malformed(&path, format!("directory.id: {error}")))?,
    }))
}

/// The logs in `dir`; `None` if there are some of unknown topics.
fn known_logs(disk: &Disk, dir: &Path) -> Result<Option<BTreeSet<LogKey>>, StorageError> {
    let mut known = BTreeSet::new();
    for (name, path) in entries(disk, dir)? {
        if let Some(log) = LogName::from_dir_name(&name).filter(|_| disk.is_dir(&path)) {
            // One that cannot be read is reported when its log is opened.
            let Ok(Some(topic)) = partition_metadata::read(disk, &path) else { return Ok(None) };
            known.insert((topic, log.partition));
        }
    }
    Ok(Some(known))
}

fn malformed(file: &Path, what: String) -> StorageError {
    StorageError::Malformed { file: file.to_owned(), what: what.into() }
}

/// The UTF-8 names in a directory with their paths; other names are none of ours.
pub(crate) fn entries(disk: &Disk, dir: &Path) -> Result<Vec<(String, PathBuf)>, StorageError> {
    let names = disk.list(dir).context("list", dir)?;
    Ok(names.into_iter().map(|name| (name.clone(), dir.join(name))).collect())
}

/// Creates a directory and those above it, as far as they are missing, so that no crash makes them disappear with the logs
/// in them.
fn create_durably(disk: &Disk, path: &Path) -> Result<(), StorageError> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !disk.is_dir(path) {
        if path.parent().is_some() {
            create_durably(disk, parent)?;
        }
        disk.create_dir(path).context("create", path)?;
    }
    // Also of one that was there: it may be what a process has made that died before it came to this.
    match disk.sync_dir(parent) {
        // Then somebody else has made the directory.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        result => result.context("sync", parent),
    }
}

/// Removes the marker, durably; says whether it was there.
fn take_marker(disk: &Disk, dir: &Path) -> Result<bool, StorageError> {
    let marker = dir.join(CLEAN_MARKER);
    match disk.remove_file(&marker) {
        Ok(()) => sync_dir(disk, dir).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(StorageError::io("remove", &marker, error)),
    }
}

/// Removes the directories of logs whose deletion was interrupted.
fn remove_leftovers(disk: &Disk, dir: &Path) -> Result<(), StorageError> {
    for (name, path) in entries(disk, dir)? {
        if layout::is_deleted_dir(&name) && disk.is_dir(&path) {
            info!(path = %path.display(), "removing the rest of a deleted log");
            disk.remove_dir_all(&path).context("remove", &path)?;
        }
    }
    Ok(())
}

/// A checkpoint that cannot be read costs time (more has to be scanned), not data.
fn read_checkpoint(disk: &Disk, path: &Path) -> Result<Offsets, StorageError> {
    let Some(text) = read_text(disk, path)? else { return Ok(Offsets::new()) };
    Ok(checkpoint::parse(&text).unwrap_or_else(|what| {
        warn!(path = %path.display(), what, "ignoring a checkpoint that cannot be read");
        Offsets::new()
    }))
}

#[cfg(test)]
mod tests;
