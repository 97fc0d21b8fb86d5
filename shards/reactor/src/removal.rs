//! Removing files so that what is written beside them does not wait: their room is given back in steps.
//!
//! A file system that is mounted with `discard` tells the disk of all blocks that a commit has made free, and the disk
//! does little else meanwhile: a synced write waits for hundreds of megabytes.
//!
//! # Invariants
//! - Who has the file open goes on reading it, and another name of it (a hard link in somebody's backup) keeps its content:
//!   only a file without names that nobody else has open is cut.
//! - All threads of the process that remove something share one pace.
//! - Only threads for which nobody waits take their time; what others remove, they remove at once.

use std::cell::Cell;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// What is given back at a time, ...
const STEP_BYTES: u64 = 2 * 1024 * 1024;
/// ... and how long everybody else has the disk until the next step: together a gigabyte per second.
const REST: Duration = Duration::from_millis(2);
/// The steps grow by one `STEP_BYTES` whenever files have waited so much longer, so that removals keep pace with whoever
/// fills the disk.
const GROWTH: Duration = Duration::from_secs(10);

/// How many threads are removing a file.
static REMOVING: AtomicU32 = AtomicU32::new(0);

thread_local! {
    /// Nobody waits for this thread.
    static MAY_REST: Cell<bool> = const { Cell::new(false) };
    /// What this thread has given back since it last rested.
    static UNRESTED_BYTES: Cell<u64> = const { Cell::new(0) };
}

/// Lets the calling thread take its time from now on.
pub(crate) fn let_rest() {
    MAY_REST.set(true);
}

/// Whether the calling thread may take its time.
pub(crate) fn may_rest() -> bool {
    MAY_REST.get()
}

/// Removes the file at `path`, which is wanted since then.
pub(crate) fn remove_in_steps(path: &Path, wanted_since: Instant) -> io::Result<()> {
    if !may_rest() {
        return fs::remove_file(path);
    }
    let step_bytes = STEP_BYTES.saturating_mul(1 + wanted_since.elapsed().as_secs() / GROWTH.as_secs());
    let others = REMOVING.fetch_add(1, Ordering::Relaxed);
    let removed = remove(path, step_bytes, || thread::sleep(REST.saturating_mul(1 + others)));
    REMOVING.fetch_sub(1, Ordering::Relaxed);
    removed
}

/// Removes the file at `path`, and calls `rest` after each step.
fn remove(path: &Path, step_bytes: u64, mut rest: impl FnMut()) -> io::Result<()> {
    // Nothing but a file is opened, and nothing is waited for.
    let opened = File::options().write(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path);
    fs::remove_file(path)?;
    // Its name is gone, and its room goes with the last who has it open. To spare the disk is an attempt.
    if let Ok(file) = opened
        && let Err(error) = give_back(file, step_bytes, &mut rest)
    {
        tracing::debug!(%error, path = %path.display(), "cannot give back the room of a file in steps");
    }
    Ok(())
}

fn give_back(file: File, step_bytes: u64, rest: &mut impl FnMut()) -> io::Result<()> {
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.nlink() > 0 {
        return Ok(());
    }
    hold_alone(&file)?;
    let mut left = metadata.len();
    while left > step_bytes {
        // A cut within a block would have to write that block.
        let rounded = (left - step_bytes) / STEP_BYTES * STEP_BYTES;
        file.set_len(rounded)?;
        rest_after(left - rounded, step_bytes, rest);
        left = rounded;
    }
    drop(file);
    rest_after(left, step_bytes, rest);
    Ok(())
}

/// Small files rest together.
fn rest_after(bytes: u64, step_bytes: u64, rest: &mut impl FnMut()) {
    let unrested = UNRESTED_BYTES.get().saturating_add(bytes);
    let is_enough = unrested >= step_bytes;
    UNRESTED_BYTES.set(if is_enough { 0 } else { unrested });
    if is_enough {
        rest();
    }
}

/// An error if anybody else has this file open, in any process, or if the file system cannot tell: then the kernel refuses
/// a lease for writing. One that is granted is given up at once.
fn hold_alone(file: &File) -> io::Result<()> {
    // Should somebody come after all, through /proc: the signal that tells the holder of a lease is one that does no harm.
    fcntl(file, F_SETSIG, libc::SIGURG)?;
    fcntl(file, libc::F_SETLEASE, libc::F_WRLCK)?;
    fcntl(file, libc::F_SETLEASE, libc::F_UNLCK)
}

/// As in the kernel's `fcntl.h`.
const F_SETSIG: libc::c_int = 10;

fn fcntl(file: &File, command: libc::c_int, argument: libc::c_int) -> io::Result<()> {
    // SAFETY: the descriptor is open while `file` is borrowed, and the arguments of these commands are numbers.
    let outcome = unsafe { libc::fcntl(file.as_raw_fd(), command, argument) };
    if outcome == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;
    use std::path::PathBuf;

    use super::*;

    const LENGTH: u64 = 4 * STEP_BYTES + 1;

    fn file_of(dir: &Path, bytes: u64) -> PathBuf {
        let path = dir.join("00000000000000000000.log.deleted");
        let file = File::create(&path).unwrap();
        file.set_len(bytes).unwrap();
        file.write_all_at(b"end", bytes - 3).unwrap();
        path
    }

    /// How often it rests.
    fn rests(path: &Path, step_bytes: u64) -> usize {
        let mut rests = 0;
        let rest = || {
            assert!(!path.exists(), "the name goes first");
            rests += 1;
        };
        remove(path, step_bytes, rest).unwrap();
        rests
    }

    #[test]
    fn room_is_given_back_in_steps() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(rests(&file_of(dir.path(), LENGTH), STEP_BYTES), 4);
        assert_eq!(rests(&file_of(dir.path(), LENGTH), 2 * STEP_BYTES), 2);
        assert_eq!(rests(&file_of(dir.path(), LENGTH), u64::MAX), 0);
        let path = file_of(dir.path(), LENGTH);
        let_rest();
        remove_in_steps(&path, Instant::now()).unwrap();
        assert!(!path.exists());
        assert_eq!(remove_in_steps(&path, Instant::now()).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(REMOVING.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn cuts_are_between_blocks() {
        let dir = tempfile::tempdir().unwrap();
        let path = file_of(dir.path(), LENGTH);
        let file = File::options().write(true).open(&path).unwrap();
        let seen = file.try_clone().unwrap();
        fs::remove_file(&path).unwrap();
        // A clone is the same open file.
        let mut lengths = Vec::new();
        give_back(file, STEP_BYTES, &mut || lengths.push(seen.metadata().unwrap().len())).unwrap();
        assert_eq!(lengths, [3, 2, 1, 1].map(|steps| steps * STEP_BYTES), "and the rest with the file");
    }

    #[test]
    fn small_files_rest_together() {
        let dir = tempfile::tempdir().unwrap();
        let small: Vec<_> = (0..5).map(|_| rests(&file_of(dir.path(), STEP_BYTES / 2), STEP_BYTES)).collect();
        assert_eq!(small, [0, 1, 0, 1, 0]);
    }

    #[test]
    fn a_thread_for_which_somebody_may_wait_does_not_rest() {
        let dir = tempfile::tempdir().unwrap();
        for unrested in [0, STEP_BYTES / 2] {
            let path = file_of(dir.path(), STEP_BYTES / 2);
            remove_in_steps(&path, Instant::now()).unwrap();
            assert!(!path.exists());
            assert_eq!(UNRESTED_BYTES.get(), unrested);
            let_rest();
        }
    }

    #[test]
    fn who_has_the_file_open_goes_on_reading() {
        let dir = tempfile::tempdir().unwrap();
        let path = file_of(dir.path(), LENGTH);
        let reader = File::open(&path).unwrap();
        assert_eq!(rests(&path, STEP_BYTES), 0);
        let mut end = [0; 3];
        reader.read_exact_at(&mut end, LENGTH - 3).unwrap();
        assert_eq!(&end, b"end");
    }

    #[test]
    fn another_name_keeps_the_content() {
        let dir = tempfile::tempdir().unwrap();
        let path = file_of(dir.path(), LENGTH);
        let backup = dir.path().join("backup");
        fs::hard_link(&path, &backup).unwrap();
        assert_eq!(rests(&path, STEP_BYTES), 0);
        assert_eq!(fs::metadata(&backup).unwrap().len(), LENGTH);
    }

    #[test]
    fn what_is_no_file_is_removed_without_waiting() {
        let dir = tempfile::tempdir().unwrap();
        let (link, target) = (dir.path().join("link"), file_of(dir.path(), LENGTH));
        std::os::unix::fs::symlink(&target, &link).unwrap();
        assert_eq!(rests(&link, STEP_BYTES), 0);
        assert!(link.symlink_metadata().is_err());
        assert_eq!(fs::metadata(&target).unwrap().len(), LENGTH);
        rustix::fs::mkfifoat(rustix::fs::CWD, &link, rustix::fs::Mode::RUSR).unwrap();
        assert_eq!(rests(&link, STEP_BYTES), 0);
        assert!(!link.exists());
    }
}
