//! The log directories at the broker's start: locked, theirs to be used by this broker, and searched for logs.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use metadata::BrokerSettings;
use reactor::CommitMethod;
use storage::{LogDir, MetaProperties};
use types::{DirectoryId, TopicPartition, Uuid};

use super::BootError;
use super::registration::{ControlState, random_uuid};
use crate::partition::Directories;

/// Where the metadata log lies in the first directory. No partition's directory can have this name.
pub const METADATA_DIR: &str = "strome-metadata";

/// See the module.
pub struct OpenDirectories {
    dirs: Vec<Arc<LogDir>>,
    /// The cluster that they belong to, if they were used before.
    pub cluster_id: Option<String>,
    pub ids: Vec<DirectoryId>,
}

impl OpenDirectories {
    /// Locks every directory, and makes sure that they belong to this broker.
    pub fn open(settings: &BrokerSettings) -> Result<Self, BootError> {
        let mut open = Self { dirs: Vec::new(), cluster_id: None, ids: Vec::new() };
        for path in &settings.log_dirs {
            let dir = LogDir::open(Path::new(path))?;
            let meta = dir.meta_properties()?;
            if let Some(meta) = &meta {
                open.check(settings, dir.path(), meta)?;
            }
            open.ids.push(meta.map_or_else(random_uuid, |meta| Ok(meta.directory_id))?);
            open.dirs.push(dir);
        }
        Ok(open)
    }

    fn check(
        &mut self,
        settings: &BrokerSettings,
        path: &Path,
        meta: &MetaProperties,
    ) -> Result<(), BootError> {
        let file = path.join("meta.properties");
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
        self.dirs.iter().map(|dir| (dir.path(), dir.commit_method()))
    }

    /// Where the metadata log lies.
    pub fn metadata_dir(&self) -> PathBuf {
        self.dirs.first().map_or_else(PathBuf::new, |dir| dir.path().join(METADATA_DIR))
    }

    /// Writes down whose directories these are.
    pub fn claim(&self, settings: &BrokerSettings, cluster_id: &str) -> Result<(), BootError> {
        for (dir, id) in self.dirs.iter().zip(&self.ids) {
            let meta = MetaProperties {
                cluster_id: cluster_id.to_owned(),
                node_id: settings.node_id,
                directory_id: *id,
            };
            if dir.meta_properties()?.as_ref() != Some(&meta) {
                dir.write_meta_properties(&meta)?;
            }
        }
        Ok(())
    }

    /// The directories as the shards use them, with the place of every log that is known.
    /// What is left of topics that were deleted is deleted.
    pub fn locate(&self, state: &ControlState, settings: &BrokerSettings) -> Result<Directories, BootError> {
        let image = state.controller.image();
        let mut found = HashMap::new();
        for (directory, dir) in self.dirs.iter().enumerate() {
            for (name, id) in dir.logs()? {
                let topic = image.topic(name.topic.as_str());
                let known = topic.filter(|topic| {
                    topic.partition(name.partition).is_some() && id.is_none_or(|id| id == topic.id)
                });
                match (known, id.filter(|id| state.deleted.contains(id))) {
                    (Some(topic), _) => {
                        found
                            .insert(TopicPartition { topic: topic.id, partition: name.partition }, directory);
                    }
                    (None, Some(deleted)) => dir.delete_log(&name, deleted)?,
                    (None, None) => tracing::warn!(
                        "{}/{name} belongs to no topic that this broker knows; it is left alone",
                        dir.path().display()
                    ),
                }
            }
        }
        let expiration_ms = i64::try_from(settings.producer_id_expiration_ms).unwrap_or(i64::MAX);
        Ok(Directories::new(self.dirs.clone(), found, expiration_ms))
    }

    /// Every log was closed: the next start need not recover them.
    pub fn mark_clean(&self) -> Result<(), BootError> {
        self.dirs.iter().try_for_each(|dir| dir.mark_clean())?;
        Ok(())
    }
}

/// A new cluster's id.
pub fn new_cluster_id() -> Result<String, BootError> {
    let id: Uuid = random_uuid()?;
    Ok(id.to_string())
}
