//! How a disk makes a write durable soonest: found out by trying, once at the start.
//!
//! A write that is followed by an fdatasync suits every disk. One that carries the sync with it (RWF_DSYNC) is one
//! operation where the disk can write through its cache (FUA); elsewhere the kernel does both steps in a worker, which is
//! slow when cores are busy, and so it is not chosen there for writes to a journal however fast it looks at an idle start. A write
//! to where a file was not written before needs a worker in any case.
//!
//! # Invariants
//! - A write carries its sync only on a disk that the kernel knows. File systems that lie on none (FUSE, 9p, those of networks)
//!   may take RWF_DSYNC with a direct write and do nothing about it, which no trial can show; an fdatasync reaches them.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::aligned::{ALIGNMENT, AlignedMemory};
use crate::file::{File, OpenOptions};
use crate::transfer::Sync;

/// How often each way is tried, in turns.
const ROUNDS: usize = 8;
/// No longer than this in all, but once each: a start waits for it, and where one try takes milliseconds, because the disk is
/// slow or busy, a few tell as much.
const TIME_MAX: Duration = Duration::from_millis(10);
/// The tried file; whoever opens the directory removes one that was left.
const NAME: &str = "strome-probe";

/// What was found out of a directory's disk. Prints as what an operator should know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CommitMethod {
    /// Whether files pass by the page cache.
    pub is_direct: bool,
    /// Whether a write to where was written before carries its sync with it, as in a journal.
    pub is_inline: bool,
    /// Whether the disk writes through its cache when asked to, as the kernel knows it.
    pub writes_through: bool,
    /// The median of a write of one block and an fdatasync; `None` if it was not tried.
    pub write_and_sync: Option<Duration>,
    /// The same of a write that carries its sync.
    pub inline: Option<Duration>,
}

impl CommitMethod {
    /// Tries both ways on a small file in `dir`, which is removed again. Blocks for some milliseconds.
    pub fn measure(dir: &Path) -> io::Result<Self> {
        let path = dir.join(NAME);
        let outcome = measure(&path);
        // A leftover would do no harm.
        let _ = fs::remove_file(&path);
        outcome
    }

    /// The same where it is known from elsewhere whether writes are to carry their sync; they do only if that works here.
    #[must_use]
    pub fn known(self, is_inline: Option<bool>) -> Self {
        Self { is_inline: is_inline.map_or(self.is_inline, |known| known && self.inline.is_some()), ..self }
    }

    /// How a write is to be made durable that no older write waits for.
    #[must_use]
    pub fn sync(&self) -> Sync {
        if self.is_inline { Sync::Inline } else { Sync::Data }
    }

    /// The same of a write, of much as a rule, into a file that was not written there before. The kernel does that in a worker in any case, and
    /// so it can sync there, too, without the shard's coming between: a shard that is busy notices late that a write has ended,
    /// and the worker of the sync has to wait until it sleeps.
    #[must_use]
    pub fn sync_of_much(&self) -> Sync {
        // Where every piece would be written through the disk's cache, that may well be slower than one flush.
        if self.inline.is_some() && !self.writes_through { Sync::Inline } else { Sync::Data }
    }
}

impl fmt::Display for CommitMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_direct {
            "direct "
        } else {
            "buffered (the file system knows no O_DIRECT) "
        })?;
        f.write_str(if self.is_inline { "writes with RWF_DSYNC" } else { "writes, each with an fdatasync" })?;
        if let Some(median) = if self.is_inline { self.inline } else { self.write_and_sync } {
            write!(f, ", {} us", median.as_micros())?;
        }
        Ok(())
    }
}

fn measure(path: &Path) -> io::Result<CommitMethod> {
    let file = File::open(path, OpenOptions::REPLACE)?;
    let memory = AlignedMemory::zeroed(ALIGNMENT);
    let write = |flags| file.write_block(&memory, flags);
    // The first write finds the block unwritten, which costs the file system more than later ones.
    write(0)?;
    file.sync_data()?;
    let until = Instant::now() + TIME_MAX;
    let (mut syncs, mut inlines) = (Vec::with_capacity(ROUNDS), Vec::with_capacity(ROUNDS));
    let writes_through = writes_through(path)?;
    let mut takes_inline = file.direct() && writes_through.is_some();
    while syncs.len() < ROUNDS && (syncs.is_empty() || Instant::now() < until) {
        syncs.push(timed(|| write(0).and_then(|()| file.sync_data()))?);
        if takes_inline {
            let time = timed(|| write(libc::RWF_DSYNC));
            takes_inline = time.is_ok();
            inlines.extend(time.ok());
        }
    }
    let (write_and_sync, inline) = (median(syncs), if takes_inline { median(inlines) } else { None });
    let is_faster = inline.zip(write_and_sync).is_some_and(|(inline, both)| inline < both);
    let writes_through = writes_through == Some(true);
    Ok(CommitMethod {
        is_direct: file.direct(),
        is_inline: is_faster && writes_through,
        writes_through,
        write_and_sync,
        inline,
    })
}

fn timed(work: impl FnOnce() -> io::Result<()>) -> io::Result<Duration> {
    let began = Instant::now();
    work().map(|()| began.elapsed())
}

/// `None` if there are none.
fn median(mut times: Vec<Duration>) -> Option<Duration> {
    times.sort_unstable();
    times.get(times.len() / 2).copied()
}

/// Whether the disk below `path` writes through its cache when asked to, as the kernel knows it. `None` if it knows no disk there.
fn writes_through(path: &Path) -> io::Result<Option<bool>> {
    use std::os::unix::fs::MetadataExt;
    let device = fs::metadata(path)?.dev();
    let numbers = format!("{}:{}", rustix::fs::major(device), rustix::fs::minor(device));
    let block = Path::new("/sys/dev/block").join(numbers);
    // A partition has its queue in the directory of its disk.
    let queue = [block.join("queue/fua"), block.join("../queue/fua")];
    let found = queue.iter().find_map(|path| fs::read_to_string(path).ok());
    Ok(found.map(|fua| fua.trim() == "1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measuring_leaves_nothing_behind_and_says_what_it_found() {
        let dir = tempfile::tempdir().unwrap();
        let found = CommitMethod::measure(dir.path()).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        assert!(found.write_and_sync.is_some());
        let line = found.to_string();
        assert!(line.contains("writes") && line.ends_with(" us"), "{line}");
    }

    #[test]
    fn what_is_known_counts_over_what_was_found_unless_it_does_not_work() {
        let found = CommitMethod { inline: Some(Duration::from_micros(9)), ..CommitMethod::default() };
        assert_eq!(found.known(None), found);
        assert_eq!(found.known(Some(true)).sync(), Sync::Inline);
        assert_eq!(CommitMethod { is_inline: true, ..found }.known(Some(false)).sync(), Sync::Data);
        assert_eq!(CommitMethod { inline: None, ..found }.known(Some(true)).sync(), Sync::Data);
    }

    #[test]
    fn much_carries_its_sync_where_that_works_and_no_disk_writes_through_its_cache_for_it() {
        let found = CommitMethod { inline: Some(Duration::from_micros(9)), ..CommitMethod::default() };
        assert_eq!((found.sync_of_much(), found.sync()), (Sync::Inline, Sync::Data));
        assert_eq!(CommitMethod { writes_through: true, ..found }.sync_of_much(), Sync::Data);
        assert_eq!(CommitMethod { inline: None, ..found }.sync_of_much(), Sync::Data);
    }

    #[test]
    fn where_the_kernel_knows_no_disk_no_write_carries_its_sync() {
        let Ok(dir) = tempfile::tempdir_in("/dev/shm") else {
            return eprintln!("skipped: there is no /dev/shm to write to");
        };
        let found = CommitMethod::measure(dir.path()).unwrap();
        assert_eq!((found.inline, found.writes_through), (None, false));
        assert_eq!((found.sync_of_much(), found.known(Some(true)).sync()), (Sync::Data, Sync::Data));
    }

    #[test]
    fn a_directory_that_is_not_there_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        assert!(CommitMethod::measure(&dir.path().join("none")).is_err());
    }
}
