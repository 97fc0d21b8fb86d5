//! The folder of the metadata log: names, listing, and writes that survive a crash.
//!
//! `<first index>.entries` and `<last index>.snapshot`, with 20 digits so that names sort as numbers do. A file gets
//! its name only when it is complete and durable; before, it ends in `.tmp`. The names are unlike Kafka's, whose tools
//! would misread the contents.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::error::QuorumError;
use crate::frame::FileKind;

const TEMPORARY: &str = "tmp";
const LOCK: &str = "lock";

/// Gives an error of the system its place.
pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> QuorumError {
    let path = path.to_owned();
    move |source| QuorumError::Io { action, path, source }
}

const fn extension(kind: FileKind) -> &'static str {
    match kind {
        FileKind::Entries => "entries",
        FileKind::Snapshot => "snapshot",
    }
}

/// The file of this kind and index.
pub(crate) fn path(dir: &Path, kind: FileKind, index: u64) -> PathBuf {
    dir.join(format!("{index:020}.{}", extension(kind)))
}

/// Makes the folder durable, and keeps other processes out for as long as the file that comes back is open.
pub(crate) fn open_dir(dir: &Path) -> Result<File, QuorumError> {
    if !dir.is_dir() {
        fs::create_dir_all(dir).map_err(io("create", dir))?;
        if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            sync_dir(parent)?;
        }
    }
    let path = dir.join(LOCK);
    let options = OpenOptions::new().write(true).create(true).truncate(false).open(&path);
    let lock = options.map_err(io("open", &path))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(fs::TryLockError::WouldBlock) => Err(QuorumError::InUse { path }),
        Err(fs::TryLockError::Error(error)) => Err(io("lock", &path)(error)),
    }
}

/// Removes what an interrupted write left behind.
pub(crate) fn remove_temporary(dir: &Path) -> Result<(), QuorumError> {
    for found in fs::read_dir(dir).map_err(io("read", dir))? {
        let path = found.map_err(io("read", dir))?.path();
        if path.extension().is_some_and(|extension| extension == TEMPORARY) {
            remove(&path)?;
        }
    }
    Ok(())
}

/// The indexes in the names of the snapshots and the files of entries, ascending.
pub(crate) fn list(dir: &Path) -> Result<(Vec<u64>, Vec<u64>), QuorumError> {
    let (mut snapshots, mut entries) = (Vec::new(), Vec::new());
    for found in fs::read_dir(dir).map_err(io("read", dir))? {
        let path = found.map_err(io("read", dir))?.path();
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        let index = (name.len() == 20).then(|| name.parse::<u64>().ok()).flatten();
        match (path.extension().and_then(|extension| extension.to_str()), index) {
            (Some("snapshot"), Some(index)) => snapshots.push(index),
            (Some("entries"), Some(index)) => entries.push(index),
            _ => {}
        }
    }
    snapshots.sort_unstable();
    entries.sort_unstable();
    Ok((snapshots, entries))
}

/// Writes a file as a whole: after a crash it is there with all of `parts`, or not at all.
pub(crate) fn write_whole(path: &Path, parts: impl Iterator<Item = Vec<u8>>) -> Result<(), QuorumError> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{TEMPORARY}"));
    let temporary = PathBuf::from(name);
    let mut file = File::create(&temporary).map_err(io("create", &temporary))?;
    for part in parts {
        file.write_all(&part).map_err(io("write", &temporary))?;
    }
    file.sync_all().map_err(io("sync", &temporary))?;
    fs::rename(&temporary, path).map_err(io("name", path))?;
    path.parent().map_or(Ok(()), sync_dir)
}

pub(crate) fn sync_dir(dir: &Path) -> Result<(), QuorumError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(io("sync", dir))
}

pub(crate) fn read(path: &Path) -> Result<Vec<u8>, QuorumError> {
    fs::read(path).map_err(io("read", path))
}

pub(crate) fn remove(path: &Path) -> Result<(), QuorumError> {
    fs::remove_file(path).map_err(io("remove", path))
}
