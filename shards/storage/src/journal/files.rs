//! The file of a journal: opened or made, and grown, on a thread that may block.
//!
//! # Invariants
//! - Every block of the file was written before a commit may use it: then a sync costs no work of the file system.
//! - It never takes the last space of a disk, which the segments need: without a larger journal they are written sooner,
//!   and without space not at all.

use std::io;
use std::path::{Path, PathBuf};

use reactor::{Disk, File, OpenOptions};
use types::{ByteCount, FilePosition};

use crate::checkpoint::sync_dir;
use crate::error::{Context, StorageError};
use crate::journal::format::{BLOCK_BYTES, FIRST_POSITION, JournalId, Superblock, encode_superblocks};
use crate::log_dir::LogDir;

/// A new journal's size. It grows when it is used.
const NEW_BYTES: u64 = 4 * 1024 * 1024;
/// So much is written at once.
const ZEROS_BYTES: usize = 256 * 1024;
/// The part of what is free on the disk that a journal may grow by at once: 1/4. There may be one for each shard.
const FREE_PART: u64 = 4;

/// A journal that is ready for its first commit.
#[derive(Debug)]
pub(crate) struct OpenedJournal {
    pub(super) path: PathBuf,
    pub(super) file: File,
    pub(super) id: JournalId,
    pub(super) end: u64,
}

/// Opens a journal in `dir` that nobody uses, or makes one. What it held before is void from now on.
pub(crate) fn open(dir: &LogDir, salt: u64, bytes_max: u64) -> Result<OpenedJournal, StorageError> {
    let path = dir.allot_journal();
    let disk = dir.disk();
    let plain = disk.open(&path, OpenOptions::CREATE.buffered()).context("open", &path)?;
    let len = plain.len().context("read", &path)?.0;
    let before = read_id(&plain, len).context("read", &path)?;
    let id = JournalId { salt, generation: before.map_or(0, |id| id.generation) + 1 };
    let end = len - len % BLOCK_BYTES;
    let wanted = NEW_BYTES.min(bytes_max);
    lengthen(&plain, end, wanted.max(end)).context("write", &path)?;
    plain.write_all_at(&encode_superblocks(id), FilePosition::ZERO).context("write", &path)?;
    plain.sync_all().context("sync", &path)?;
    sync_dir(disk, dir.path())?;
    let file = disk.open(&path, OpenOptions::WRITE).context("open", &path)?;
    Ok(OpenedJournal { path, file, id, end: wanted.max(end) })
}

/// Writes the file on from `from` to `to` if the disk has room enough for that and for others; returns where it ends now.
pub(crate) fn grow(disk: &Disk, path: &Path, from: u64, to: u64) -> Result<u64, StorageError> {
    let free = disk.free_bytes(path).context("look for space beside", path)?;
    if to.saturating_sub(from) > free.0 / FREE_PART {
        return Ok(from);
    }
    let plain = disk.open(path, OpenOptions::WRITE.buffered()).context("open", path)?;
    lengthen(&plain, from, to).context("write", path)?;
    Ok(to)
}

/// The id of the file's last use, if it can be read.
pub(super) fn read_id(file: &File, len: u64) -> io::Result<Option<JournalId>> {
    if len < FIRST_POSITION {
        return Ok(None);
    }
    let mut newest: Option<JournalId> = None;
    for position in [0, BLOCK_BYTES] {
        let mut block = vec![0; BLOCK_BYTES as usize];
        file.read_exact_at(&mut block, FilePosition(position))?;
        if let Superblock::Journal(id) = Superblock::decode(&block)
            && newest.is_none_or(|newest| id.generation > newest.generation)
        {
            newest = Some(id);
        }
    }
    Ok(newest)
}

/// Has a journal say that it holds nothing. Its length, and what was written ahead, stay.
pub(super) fn make_void(file: &File) -> io::Result<()> {
    let Some(id) = read_id(file, file.len()?.0)? else { return Ok(()) };
    let id = JournalId { generation: id.generation + 1, ..id };
    file.write_all_at(&encode_superblocks(id), FilePosition::ZERO)?;
    file.sync_data()
}

/// Writes the file on, durably. If that fails it is as long as before: what was written would be of no use to anybody.
fn lengthen(file: &File, from: u64, to: u64) -> io::Result<()> {
    let result = write_zeros(file, from, to).and_then(|()| file.sync_all());
    if result.is_err() {
        // What has failed first counts.
        let _ = file.set_len(ByteCount(from));
    }
    result
}

fn write_zeros(file: &File, from: u64, to: u64) -> io::Result<()> {
    let zeros = vec![0; ZEROS_BYTES];
    let mut at = from;
    while at < to {
        let bytes = (to - at).min(ZEROS_BYTES as u64);
        file.write_all_at(zeros.get(..bytes as usize).unwrap_or_default(), FilePosition(at))?;
        at += bytes;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use reactor::simulation::Simulation;

    const KIB: u64 = 1024;
    const PATH: &str = "/journal";

    /// A disk with a journal of 64 KiB and this much beside it.
    fn disk_with(free: u64) -> (Simulation, Disk) {
        let simulation = Simulation::new(1);
        let disk = simulation.disk();
        disk.write(Path::new(PATH), &[7; 64 * KIB as usize]).unwrap();
        simulation.set_capacity(Some(ByteCount(64 * KIB + free)));
        (simulation, disk)
    }

    fn length(disk: &Disk) -> u64 {
        disk.open(Path::new(PATH), OpenOptions::READ.buffered()).unwrap().len().unwrap().0
    }

    #[test]
    fn a_journal_grows_by_a_quarter_of_what_is_free_at_most() {
        for (free, end) in [(0, 64), (255, 64), (256, 128), (1000, 128)] {
            let (_simulation, disk) = disk_with(free * KIB);
            assert_eq!(grow(&disk, Path::new(PATH), 64 * KIB, 128 * KIB).unwrap(), end * KIB);
            assert_eq!(length(&disk), end * KIB, "{free} KiB were free");
        }
    }

    #[test]
    fn a_journal_that_finds_no_room_takes_none() {
        let (_simulation, disk) = disk_with(100 * KIB);
        let file = disk.open(Path::new(PATH), OpenOptions::WRITE.buffered()).unwrap();
        // Others were faster.
        let error = lengthen(&file, 64 * KIB, 1024 * KIB).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert_eq!((length(&disk), disk.free_bytes(Path::new(PATH)).unwrap().0), (64 * KIB, 100 * KIB));
    }
}
