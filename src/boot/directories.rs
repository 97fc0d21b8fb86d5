//! The log directories at the broker's start: locked, theirs to be used by this broker, and searched for logs.
//!
//! # Invariants
//! - One that the operating system does not let be used is offline, and the broker starts without it; unless it is the
//!   first, which holds the metadata log. One that is another broker's ends the start.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use metadata::{BrokerSettings, Image};
use reactor::{CommitMethod, Disk};
use storage::{LogDir, MetaProperties, StorageError};
use types::{DirectoryId, TopicPartition, Uuid};

use super::BootError;
use super::disks::{KnownDisk, KnownDisks};
use super::registration::{ControlState, random_uuid};
use crate::partition::{Directories, Directory, RecoveryThreads};

/// Where the metadata log lies in the first directory. No partition's directory can have this name.
pub const METADATA_DIR: &str = "strome-metadata";

/// The topic whose log holds Kafka's own metadata, in a directory that was taken over from Kafka.
const KAFKA_METADATA: &str = "__cluster_metadata";

/// See the module.
pub struct OpenDirectories {
    /// Where each is, and why it is offline, if it is.
    dirs: Vec<(PathBuf, Result<Arc<LogDir>, StorageError>)>,
    /// What is known of the disks of those in use.
    pub disks: KnownDisks,
    /// The cluster that they belong to, if they were used before.
    pub cluster_id: Option<String>,
    /// Of those that are in use.
    pub ids: Vec<DirectoryId>,
}

impl OpenDirectories {
    /// Locks every directory, and makes sure that they belong to this broker.
    pub fn open(settings: &BrokerSettings) -> Result<Self, BootError> {
        let disks = KnownDisks::default();
        let mut open = Self { dirs: Vec::new(), disks, cluster_id: None, ids: Vec::new() };
        for path in settings.log_dirs.iter().map(PathBuf::from) {
            let known = KnownDisk::look(&path);
            let is_inline = known.as_ref().map(|known| known.advice.inline_commits);
            let opened = LogDir::open_known(Disk::host(), &path, is_inline)
                .and_then(|dir| dir.meta_properties().map(|meta| (dir, meta)));
            match opened {
                Ok((dir, meta)) => {
                    if let Some(meta) = &meta {
                        open.check(settings, &dir, meta)?;
                    }
                    open.ids.push(meta.map_or_else(random_uuid, |meta| Ok(meta.directory_id))?);
                    open.disks.add(known, dir.commit_method());
                    open.dirs.push((path, Ok(dir)));
                }
                Err(error @ StorageError::Io { .. }) if !open.dirs.is_empty() => {
                    tracing::error!(
                        "{} cannot be used and is offline with all its partitions: {error}. Mend the disk, see to it \
                         that the directory is mounted and can be written, and start the broker again",
                        path.display()
                    );
                    let cause = error.to_string().into();
                    let offline = StorageError::DirectoryOffline { directory: path.clone(), cause };
                    open.dirs.push((path, Err(offline)));
                }
                Err(error @ StorageError::Io { .. }) => return Err(first_failed(error)),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(open)
    }

    fn check(
        &mut self,
        settings: &BrokerSettings,
        dir: &LogDir,
        meta: &MetaProperties,
    ) -> Result<(), BootError> {
        let file = dir.path().join("meta.properties");
        let file = file.display();
        if meta.node_id != settings.node_id {
            return Err(BootError::Settings(format!(
                "{file} belongs to node {}, but this is node {}; set node.id={} or use another directory",
                meta.node_id, settings.node_id, meta.node_id
            )));
        }
        match &self.cluster_id {
            Some(known) if *known != meta.cluster_id => Err(BootError::Settings(format!(
                "{file} belongs to cluster {}, but other directories in log.dirs to {known}",
                meta.cluster_id
            ))),
            _ => {
                self.cluster_id = Some(meta.cluster_id.clone());
                Ok(())
            }
        }
    }

    /// Each directory with how it makes small writes durable.
    pub fn commit_methods(&self) -> impl Iterator<Item = (&Path, CommitMethod)> {
        self.in_use().map(|dir| (dir.path(), dir.commit_method()))
    }

    /// Where the metadata log lies.
    pub fn metadata_dir(&self) -> PathBuf {
        self.dirs.first().map_or_else(PathBuf::new, |(path, _)| path.join(METADATA_DIR))
    }

    /// Writes down whose directories these are.
    pub fn claim(&self, settings: &BrokerSettings, cluster_id: &str) -> Result<(), BootError> {
        for (index, (dir, id)) in self.in_use().zip(&self.ids).enumerate() {
            let meta = MetaProperties {
                cluster_id: cluster_id.to_owned(),
                node_id: settings.node_id,
                directory_id: *id,
            };
            let claim = || match dir.meta_properties()? {
                Some(found) if found == meta => Ok(()),
                _ => dir.write_meta_properties(&meta),
            };
            match claim() {
                Err(error @ StorageError::Io { .. }) if index > 0 => dir.fail(&error),
                Err(error @ StorageError::Io { .. }) => return Err(first_failed(error)),
                claimed => claimed?,
            }
        }
        Ok(())
    }

    fn in_use(&self) -> impl Iterator<Item = &Arc<LogDir>> {
        self.dirs.iter().filter_map(|(_, dir)| dir.as_ref().ok())
    }

    /// The directories as the shards use them, with the place of every log that is known.
    /// What is left of topics that were deleted is deleted.
    pub fn locate(self, state: &ControlState, settings: &BrokerSettings) -> Result<Directories, BootError> {
        let mut found = HashMap::new();
        for (directory, (_, dir)) in self.dirs.iter().enumerate() {
            let Ok(dir) = dir else { continue };
            match look_for_logs(dir, state) {
                Ok(logs) => found.extend(logs.into_iter().map(|at| (at, directory))),
                Err(error @ StorageError::Io { .. }) if directory > 0 => dir.fail(&error),
                Err(error @ StorageError::Io { .. }) => return Err(first_failed(error)),
                Err(error) => return Err(error.into()),
            }
        }
        let expiration_ms = i64::try_from(settings.producer_id_expiration_ms).unwrap_or(i64::MAX);
        // What fails from here on fails while it is used.
        let all = self.dirs.into_iter().map(|(path, dir)| {
            let failed = dir.as_ref().ok().and_then(|dir| dir.failure()).cloned();
            let dir = failed.map_or(dir, Err);
            let recovery = match &dir {
                Ok(dir) if !dir.was_clean() => {
                    RecoveryThreads::start(&path, settings.recovery_threads as usize)
                }
                _ => RecoveryThreads::none(),
            };
            Directory::new(path, dir, recovery)
        });
        Ok(Directories::new(all.collect(), found, expiration_ms))
    }
}

/// The partitions whose logs lie in the directory. Logs of deleted topics are deleted.
fn look_for_logs(dir: &LogDir, state: &ControlState) -> Result<Vec<TopicPartition>, StorageError> {
    let image: &Image = state.controller.image();
    let mut found = Vec::new();
    for (name, id) in dir.logs()? {
        if name.topic.as_str() == KAFKA_METADATA {
            continue;
        }
        let topic = image.topic(name.topic.as_str());
        let known = topic
            .filter(|topic| topic.partition(name.partition).is_some() && id.is_none_or(|id| id == topic.id));
        match (known, id.filter(|id| state.deleted.contains(id))) {
            (Some(topic), _) => {
                dir.expect(&name);
                found.push(TopicPartition { topic: topic.id, partition: name.partition });
            }
            (None, Some(deleted)) => dir.delete_log(&name, deleted)?,
            (None, None) => tracing::warn!(
                "{}/{name} belongs to no topic that this broker knows; it is left alone",
                dir.path().display()
            ),
        }
    }
    Ok(found)
}

fn first_failed(error: StorageError) -> BootError {
    BootError::Directories(format!(
        "the first of log.dirs cannot be used, and it holds the metadata log, without which a broker cannot start: \
         {error}. Mend the disk and see to it that the directory is mounted and can be written"
    ))
}

/// A new cluster's id.
pub fn new_cluster_id() -> Result<String, BootError> {
    let id: Uuid = random_uuid()?;
    Ok(id.to_string())
}
