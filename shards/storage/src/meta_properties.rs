//! `meta.properties`: whose a log directory is.

use std::path::Path;

use reactor::Disk;
use types::{BrokerId, DirectoryId};

use crate::checkpoint::{read_text, replace};
use crate::error::StorageError;

/// The file's name.
pub(crate) const META_PROPERTIES: &str = "meta.properties";

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetaProperties {
    /// `cluster.id`.
    pub cluster_id: String,
    /// `node.id`.
    pub node_id: BrokerId,
    /// `directory.id`.
    pub directory_id: DirectoryId,
}

impl MetaProperties {
    /// Those of a directory that need not be open; `None` in one that was never used.
    pub(crate) fn read(disk: &Disk, dir: &Path) -> Result<Option<Self>, StorageError> {
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
        Ok(Some(Self {
            cluster_id: value("cluster.id")?,
            node_id: BrokerId(
                node_id.parse().map_err(|_| malformed(&path, format!("node.id is {node_id:?}")))?,
            ),
            directory_id: directory_id
                .parse()
                .map_err(|error| malformed(&path, format!("directory.id: {error}")))?,
        }))
    }

    /// Writes them, durably.
    pub(crate) fn write(&self, disk: &Disk, dir: &Path) -> Result<(), StorageError> {
        let text = format!(
            "#\ncluster.id={}\ndirectory.id={}\nnode.id={}\nversion=1\n",
            self.cluster_id, self.directory_id, self.node_id
        );
        replace(disk, &dir.join(META_PROPERTIES), text.as_bytes())
    }
}

fn malformed(file: &Path, what: String) -> StorageError {
    StorageError::Malformed { file: file.to_owned(), what: what.into() }
}
