//! A data directory as it lies there, without opening it: nothing is locked, removed or written.

use std::path::Path;

use reactor::Disk;
use types::TopicId;

use crate::error::StorageError;
use crate::layout::LogName;
use crate::log_dir::{CLEAN_MARKER, deleted_logs, list_logs};
use crate::meta_properties::MetaProperties;

/// What is in a directory that no broker uses at the moment.
#[derive(Clone, Debug)]
pub struct DirView {
    /// Whose it is; `None` if nobody has used it yet.
    pub meta: Option<MetaProperties>,
    /// Whether the last broker stopped cleanly.
    pub was_clean: bool,
    /// The logs with their topic ids (none for a log that has lost its `partition.metadata`), in the order of names.
    pub logs: Vec<(LogName, Option<TopicId>)>,
    /// The names of directories that held logs which were deleted: opening the directory removes them.
    pub deleted: Vec<String>,
}

impl DirView {
    /// Looks at `dir`.
    ///
    /// # Errors
    /// `Malformed` for a small file that cannot be understood; errors of the operating system.
    pub fn look(disk: &Disk, dir: &Path) -> Result<Self, StorageError> {
        Ok(Self {
            meta: MetaProperties::read(disk, dir)?,
            was_clean: disk.exists(&dir.join(CLEAN_MARKER)),
            logs: list_logs(disk, dir)?,
            deleted: deleted_logs(disk, dir)?.into_iter().map(|(name, _)| name).collect(),
        })
    }
}
