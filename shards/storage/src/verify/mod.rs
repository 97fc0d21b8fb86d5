//! Checking what lies on disk without changing anything, while no broker runs on it.
//!
//! What opening a log takes on trust (old segments, their indexes, records inside batches) is read here from the first
//! byte to the last. Segments are shared out among threads; each holds one batch, decompressed at the most, at a time.
//!
//! # Invariants
//! - No file is created, written, renamed or removed.
//! - What the next start of a broker mends by itself, as after a crash, is a note and not a problem.
//! - A file that cannot be read is a finding like any other: the rest is checked all the same.
//!
//! # Not here
//! What producer snapshots and leader epochs mean: the caller reads them ([`Contents`]). The metadata log (`quorum`).

mod aborts;
mod directory;
mod findings;
mod indexes;
mod journals;
mod lock;
mod partition;
mod plan;
mod records;
mod segment;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;

use reactor::Disk;
use types::{LeaderEpoch, Offset};

use crate::error::StorageError;
use findings::Findings;
pub use findings::{Finding, Severity};
pub use lock::DirLock;
use plan::Plan;
use segment::Seen;

/// How to look.
#[derive(Clone, Copy, Debug)]
pub struct VerifyOptions {
    /// How many segments are read at the same time.
    pub threads: NonZeroUsize,
    /// How to read what storage does not understand.
    pub contents: Contents,
}

/// Readers of the small files whose content belongs to the caller. An error says what is wrong with the content.
#[derive(Clone, Copy, Debug)]
pub struct Contents {
    /// Reads a producer snapshot that was taken at an offset.
    pub producer_snapshot: fn(&[u8], Offset) -> Result<(), String>,
    /// Reads a `leader-epoch-checkpoint`: each epoch with its first offset.
    pub leader_epochs: fn(&str) -> Result<EpochStarts, String>,
}

/// Leader epochs, each with its first offset.
pub type EpochStarts = Vec<(LeaderEpoch, Offset)>;

/// What was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Data directories.
    pub directories: u64,
    /// Partitions.
    pub partitions: u64,
    /// Segments.
    pub segments: u64,
    /// Batches that are whole.
    pub batches: u64,
    /// Records in them.
    pub records: u64,
    /// Bytes of segments.
    pub bytes: u64,
    /// Records in journals that the next start looks at. Segments may have them, too.
    pub journalled_records: u64,
    /// Findings that are problems, also those beyond what is told of one file.
    pub problems: u64,
    /// Findings that are notes.
    pub notes: u64,
}

/// What a check came to.
#[derive(Clone, Debug, Default)]
pub struct Verified {
    /// By file and position. Of one file not more than a hundred are told.
    pub findings: Vec<Finding>,
    /// What was looked at.
    pub totals: Totals,
}

/// How far a check has come, for whoever watches it.
#[derive(Debug, Default)]
pub struct Progress {
    /// Bytes of segments that will be read.
    pub bytes_total: AtomicU64,
    /// Bytes of segments that were read.
    pub bytes_done: AtomicU64,
}

/// Checks data directories, directories of partitions, and single segments (`*.log`), by their absolute paths.
///
/// # Errors
/// `Locked` while a broker uses one of them; `Malformed` for a path that is nothing of that kind.
pub fn verify(
    disk: &Disk,
    paths: &[PathBuf],
    options: &VerifyOptions,
    progress: &Progress,
) -> Result<Verified, StorageError> {
    let findings = Findings::default();
    let plan = Plan::make(disk, paths, &findings)?;
    progress.bytes_total.store(plan.bytes(), Ordering::Relaxed);
    let seen = segments(&plan, options, &findings, progress);
    partitions(&plan, options, &findings, &seen);
    directory::check_all(disk, &plan.directories, &plan.partitions, &findings);
    let mut totals = Totals { directories: plan.directories.len() as u64, ..Totals::default() };
    totals.journalled_records = plan.journalled_records();
    for seen in &seen {
        totals.partitions += 1;
        for segment in seen.iter().flatten() {
            totals.segments += 1;
            totals.batches += segment.batches;
            totals.records += segment.records;
            totals.bytes += segment.bytes;
        }
    }
    let (findings, problems, notes) = findings.into_sorted();
    (totals.problems, totals.notes) = (problems, notes);
    Ok(Verified { findings, totals })
}

/// What was seen of each segment that was asked for, per partition.
type SeenSegments = Vec<Vec<Option<Seen>>>;

/// Reads every segment of the plan.
fn segments(plan: &Plan, options: &VerifyOptions, findings: &Findings, progress: &Progress) -> SeenSegments {
    let tasks: Vec<(usize, usize)> = plan
        .partitions
        .iter()
        .enumerate()
        .flat_map(|(at, partition)| (0..partition.segments.len()).map(move |segment| (at, segment)))
        .collect();
    let seen: Vec<Vec<Option<Seen>>> =
        plan.partitions.iter().map(|partition| vec![None; partition.segments.len()]).collect();
    let seen = Mutex::new(seen);
    share_out(tasks.len(), options.threads, |number| {
        let Some((partition, segment)) = tasks.get(number).copied() else { return };
        let Some(planned) = plan.partitions.get(partition) else { return };
        let found = segment::check(planned, segment, findings, progress);
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = seen.get_mut(partition).and_then(|places| places.get_mut(segment)) {
            *place = found;
        }
    });
    seen.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Looks at what belongs to whole partitions.
fn partitions(plan: &Plan, options: &VerifyOptions, findings: &Findings, seen: &SeenSegments) {
    share_out(plan.partitions.len(), options.threads, |number| {
        let (Some(partition), Some(seen)) = (plan.partitions.get(number), seen.get(number)) else { return };
        partition::check(partition, seen, &options.contents, findings);
    });
}

/// Calls `work` with every number below `count`, on so many threads.
fn share_out(count: usize, threads: NonZeroUsize, work: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(0);
    let run = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return;
            }
            work(number);
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads.get().min(count) {
            scope.spawn(run);
        }
        run();
    });
}

/// The name of a file or directory, as far as it is text.
fn name_of(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}
