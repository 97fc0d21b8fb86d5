//! Kafka's data directories as they are found: locked, and whether they may be taken over. Nothing is changed.

use std::fs;
use std::path::{Path, PathBuf};

use reactor::Disk;
use storage::{DirLock, DirView, MetaProperties, StorageError};
use types::BrokerId;

use super::AdoptError;
use crate::boot::METADATA_DIR;
use crate::config::properties;

/// Kafka's metadata log.
const KAFKA_METADATA: &str = "__cluster_metadata-0";

/// The directories of one node.
#[derive(Debug, Default)]
pub struct Directories {
    pub found: Vec<Directory>,
    /// Where Kafka's metadata log lies.
    pub metadata: Option<PathBuf>,
    /// What speaks against taking them over.
    pub refusals: Vec<String>,
    /// Held while this lives.
    _locks: Vec<DirLock>,
}

/// One of them.
#[derive(Debug)]
pub struct Directory {
    pub path: PathBuf,
    pub meta: MetaProperties,
    pub view: DirView,
    /// Whether there was a lock file, which is locked.
    is_locked: bool,
}

impl Directories {
    /// Looks at the directories `paths` of the node `node`. Kafka may keep its metadata log in one more, `metadata`.
    pub fn look(paths: &[PathBuf], metadata: Option<&Path>, node: BrokerId) -> Result<Self, AdoptError> {
        let mut directories = Self::default();
        for path in paths {
            if let Err(refusal) = directories.add(path, node)? {
                directories.refusals.push(refusal);
            }
        }
        directories.one_cluster();
        let places = paths.iter().map(PathBuf::as_path).chain(metadata);
        let mut logs = places.map(|path| path.join(KAFKA_METADATA)).filter(|path| path.is_dir());
        directories.metadata = logs.next();
        if directories.metadata.is_none() {
            let what = format!(
                "there is no {KAFKA_METADATA} in any of the directories: this is no node of Kafka in KRaft mode, or not \
                 all of its directories (metadata.log.dir included) are given"
            );
            directories.refusals.push(what);
        }
        Ok(directories)
    }

    /// Adds one; the inner error is why it cannot be taken over.
    fn add(&mut self, path: &Path, node: BrokerId) -> Result<Result<(), String>, AdoptError> {
        let shown = path.display();
        if !path.is_dir() {
            return Ok(Err(format!("{shown}: there is no such directory")));
        }
        let disk = Disk::host();
        let is_locked;
        match DirLock::take(&disk, path) {
            Ok(lock) => {
                is_locked = lock.is_held();
                self._locks.push(lock);
            }
            Err(StorageError::Locked(_)) => {
                return Ok(Err(format!("{shown}: a broker is running on it; stop it with SIGTERM first")));
            }
            Err(error) => return Err(error.into()),
        }
        if path.join(METADATA_DIR).exists() {
            return Ok(Err(format!(
                "{shown}: {METADATA_DIR} is there: it was adopted, or is Strome's own, already"
            )));
        }
        if let Some(refusal) = zookeeper(path)? {
            return Ok(Err(refusal));
        }
        let view = DirView::look(&disk, path)?;
        let Some(meta) = view.meta.clone() else {
            return Ok(Err(format!("{shown}: meta.properties is missing: no broker has used it")));
        };
        if meta.node_id != node {
            return Ok(Err(format!(
                "{shown}: it belongs to node {}, but the settings are those of node {node}",
                meta.node_id
            )));
        }
        let refusal = (!view.was_clean).then(|| {
            format!(
                "{shown}: Kafka was not stopped cleanly (.kafka_cleanshutdown is missing): start it once more, wait until \
                 it is up, and stop it with SIGTERM"
            )
        });
        self.found.push(Directory { path: path.to_owned(), meta, view, is_locked });
        Ok(refusal.map_or(Ok(()), Err))
    }

    /// Keeps everybody out of the directories, also of those in which Kafka has removed its lock file. If a broker was
    /// quicker, its marker of a clean stop is gone.
    pub fn lock_for_change(&self) -> Result<Vec<DirLock>, AdoptError> {
        let disk = Disk::host();
        let mut locks = Vec::new();
        for dir in self.found.iter().filter(|dir| !dir.is_locked) {
            locks.push(DirLock::make(&disk, &dir.path)?);
            if !DirView::look(&disk, &dir.path)?.was_clean {
                let what = "a broker has used the directory meanwhile".to_owned();
                return Err(AdoptError::Unexpected { path: dir.path.clone(), what });
            }
        }
        Ok(locks)
    }

    fn one_cluster(&mut self) {
        for pair in self.found.windows(2) {
            let [one, other] = pair else { continue };
            let (id, other_id) = (&one.meta.cluster_id, &other.meta.cluster_id);
            if id != other_id {
                let (path, other_path) = (one.path.display(), other.path.display());
                self.refusals
                    .push(format!("{other_path} is of cluster {other_id}, but {path} of cluster {id}"));
            }
        }
    }
}

/// Why a directory is one of ZooKeeper mode, if it is.
fn zookeeper(path: &Path) -> Result<Option<String>, AdoptError> {
    let file = path.join("meta.properties");
    let text = match fs::read(&file) {
        Ok(bytes) => properties::decode(bytes),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(AdoptError::io("read", &file)(error)),
    };
    let entries = properties::parse(&text).unwrap_or_default();
    let has = |key: &str| entries.iter().any(|entry| entry.key == key);
    let is_old = has("broker.id") && !has("node.id");
    Ok(is_old.then(|| {
        format!(
            "{}: it is of Kafka's ZooKeeper mode: migrate the cluster to KRaft first, as Kafka 3.9 can",
            file.display()
        )
    }))
}
