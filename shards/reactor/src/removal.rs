//! Removing large files so that what is written beside them does not wait: their room is given back in steps.
//!
//! A file system that is mounted with `discard` tells the disk of all blocks that a commit has made free, and the disk
//! does little else meanwhile: a synced write waits for hundreds of megabytes.
//!
//! # Invariants
//! - Who has the file open goes on reading it, and another name of it (a hard link in somebody's backup) keeps its content:
//!   only a file without names that nobody else has open is cut.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// What is given back at a time, ...
const STEP_BYTES: u64 = 2 * 1024 * 1024;
/// ... and how long everybody else has the disk until the next step: together a gigabyte per second.
const REST: Duration = Duration::from_millis(2);

/// Removes the file at `path`. The steps grow with the time since `wanted_since`, so that removals keep pace with whoever
/// fills the disk.
pub(crate) fn remove_in_steps(path: &Path, wanted_since: Instant) -> io::Result<()> {
    remove(path, || {
        thread::sleep(REST);
        STEP_BYTES.saturating_mul(1 + wanted_since.elapsed().as_secs())
    })
}

/// Removes the file at `path`; `next_step` is asked before each step how many bytes it may give back.
fn remove(path: &Path, next_step: impl FnMut() -> u64) -> io::Result<()> {
    let opened = File::options().write(true).open(path);
    fs::remove_file(path)?;
    // Its name is gone, and its room goes with the last who has it open. To spare the disk is an attempt.
    if let Ok(file) = opened
        && let Err(error) = give_back(&file, next_step)
    {
        tracing::debug!(%error, path = %path.display(), "cannot give back the room of a file in steps");
    }
    Ok(())
}

fn give_back(file: &File, mut next_step: impl FnMut() -> u64) -> io::Result<()> {
    let metadata = file.metadata()?;
    if metadata.nlink() > 0 || !is_open_here_only(file) {
        return Ok(());
    }
    let mut left = metadata.len();
    while left > STEP_BYTES {
        left = left.saturating_sub(next_step());
        file.set_len(left)?;
    }
    Ok(())
}

/// Whether nobody else has this file open, in any process: only then the kernel grants a lease for writing. No, where it
/// does not tell.
fn is_open_here_only(file: &File) -> bool {
    // SAFETY: the descriptor is open while `file` is borrowed, and the argument of F_SETLEASE is a number.
    let lease = |kind: libc::c_int| unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETLEASE, kind) } == 0;
    lease(libc::F_WRLCK) && lease(libc::F_UNLCK)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;

    use super::*;

    const LENGTH: u64 = 4 * STEP_BYTES + 1;

    fn large_file(dir: &Path) -> std::path::PathBuf {
        let path = dir.join("00000000000000000000.log.deleted");
        let file = File::create(&path).unwrap();
        file.set_len(LENGTH).unwrap();
        file.write_all_at(b"end", LENGTH - 3).unwrap();
        path
    }

    fn steps_of(path: &Path) -> usize {
        let mut steps = 0;
        let next_step = || {
            assert!(!path.exists(), "the name goes first");
            steps += 1;
            STEP_BYTES
        };
        remove(path, next_step).unwrap();
        steps
    }

    #[test]
    fn room_is_given_back_in_steps_and_the_last_one_is_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = large_file(dir.path());
        assert_eq!(steps_of(&path), 4);
        assert!(!path.exists());
        File::create(&path).unwrap().set_len(STEP_BYTES).unwrap();
        assert_eq!(steps_of(&path), 0, "a small file");
        assert_eq!(remove(&path, || 1).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn steps_of_any_size_end() {
        let dir = tempfile::tempdir().unwrap();
        remove(&large_file(dir.path()), || u64::MAX).unwrap();
        let path = large_file(dir.path());
        remove_in_steps(&path, Instant::now()).unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn who_has_the_file_open_goes_on_reading() {
        let dir = tempfile::tempdir().unwrap();
        let path = large_file(dir.path());
        let reader = File::open(&path).unwrap();
        assert_eq!(steps_of(&path), 0);
        let mut end = [0; 3];
        reader.read_exact_at(&mut end, LENGTH - 3).unwrap();
        assert_eq!(&end, b"end");
    }

    #[test]
    fn another_name_keeps_the_content() {
        let dir = tempfile::tempdir().unwrap();
        let path = large_file(dir.path());
        let backup = dir.path().join("backup");
        fs::hard_link(&path, &backup).unwrap();
        assert_eq!(steps_of(&path), 0);
        assert_eq!(fs::metadata(&backup).unwrap().len(), LENGTH);
    }

    #[test]
    fn a_file_that_cannot_be_opened_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let (path, target) = (dir.path().join("link"), dir.path().join("nowhere"));
        std::os::unix::fs::symlink(target, &path).unwrap();
        remove(&path, || 1).unwrap();
        assert!(path.symlink_metadata().is_err());
    }
}
