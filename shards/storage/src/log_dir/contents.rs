//! What lies in a log directory, as it is found and put right before anybody uses it.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use reactor::Disk;
use tracing::info;
use types::TopicId;

use super::CLEAN_MARKER;
use crate::checkpoint::sync_dir;
use crate::error::{Context, StorageError};
use crate::journal::LogKey;
use crate::layout::{self, LogName};
use crate::partition_metadata;

/// The UTF-8 names in a directory with their paths; other names are none of ours.
pub(crate) fn entries(disk: &Disk, dir: &Path) -> Result<Vec<(String, PathBuf)>, StorageError> {
    let names = disk.list(dir).context("list", dir)?;
    Ok(names.into_iter().map(|name| (name.clone(), dir.join(name))).collect())
}

/// The names of the logs in a directory, in order.
pub(super) fn log_names(disk: &Disk, dir: &Path) -> Result<Vec<LogName>, StorageError> {
    let found = entries(disk, dir)?.into_iter();
    // A journal's file has a name that could be a log's.
    let logs = found.filter_map(|(name, path)| LogName::from_dir_name(&name).filter(|_| disk.is_dir(&path)));
    let mut names: Vec<LogName> = logs.collect();
    names.sort();
    Ok(names)
}

/// The logs in a directory with their topic ids, in the order of names.
pub(crate) fn list_logs(disk: &Disk, dir: &Path) -> Result<Vec<(LogName, Option<TopicId>)>, StorageError> {
    let with_topic = |log: LogName| match partition_metadata::read(disk, &dir.join(log.to_string())) {
        // Opening this one log will fail, which must not keep the others offline.
        Err(StorageError::Malformed { .. }) => Ok((log, None)),
        topic => Ok((log, topic?)),
    };
    log_names(disk, dir)?.into_iter().map(with_topic).collect()
}

/// The keys of the logs in `dir`; `None` if there are some of unknown topics.
pub(crate) fn known_logs(disk: &Disk, dir: &Path) -> Result<Option<BTreeSet<LogKey>>, StorageError> {
    let logs = list_logs(disk, dir)?.into_iter();
    Ok(logs.map(|(log, topic)| Some((topic?, log.partition))).collect())
}

/// Creates a directory and those above it, as far as they are missing, so that no crash makes them disappear with the logs
/// in them.
pub(super) fn create_durably(disk: &Disk, path: &Path) -> Result<(), StorageError> {
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
pub(super) fn take_marker(disk: &Disk, dir: &Path) -> Result<bool, StorageError> {
    let marker = dir.join(CLEAN_MARKER);
    match disk.remove_file(&marker) {
        Ok(()) => sync_dir(disk, dir).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(StorageError::io("remove", &marker, error)),
    }
}

/// The directories of logs whose deletion was interrupted.
pub(crate) fn deleted_logs(disk: &Disk, dir: &Path) -> Result<Vec<(String, PathBuf)>, StorageError> {
    let mut found = entries(disk, dir)?;
    found.retain(|(name, path)| layout::is_deleted_dir(name) && disk.is_dir(path));
    Ok(found)
}

/// Removes them.
pub(super) fn remove_leftovers(disk: &Disk, dir: &Path) -> Result<(), StorageError> {
    for (_, path) in deleted_logs(disk, dir)? {
        info!(path = %path.display(), "removing the rest of a deleted log");
        disk.remove_dir_all(&path).context("remove", &path)?;
    }
    Ok(())
}
