//! Files that nobody needs any more: they keep another name for `file.delete.delay.ms`, and are then deleted in the
//! background, where large ones take their time (`Disk::remove_in_steps`).
//!
//! # Invariants
//! - Who reads such a file goes on: an open file outlives its name.
//! - What is not deleted when the broker ends is deleted by the next start.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use reactor::{Disk, Pace, Reactor};
use tracing::warn;
use types::{Offset, TimestampMs};

use crate::job;
use crate::log::Log;
use crate::recover::Origin;
use crate::store::LogId;

/// What waits to be deleted, by when. Lives on the store's shard.
#[derive(Debug, Default)]
pub(crate) struct Deletions {
    due: BTreeMap<(TimestampMs, u64), Deletion>,
    /// Tells apart what is due at the same time.
    last: u64,
}

#[derive(Debug)]
enum Deletion {
    /// Files of segments that were dropped from a log.
    Segments { log: LogId, origin: Arc<Origin>, segments: Vec<Offset> },
    /// The directory of a log that was removed.
    Log(Disk, PathBuf),
}

/// When files of `log` that are dropped at `now` are to be deleted.
pub(crate) fn due(log: &Log, now: TimestampMs) -> TimestampMs {
    TimestampMs(now.0.saturating_add(log.settings.delete_delay_ms))
}

impl Deletions {
    /// The files of these segments of `log` were set aside.
    pub(crate) fn segments(&mut self, log: &Log, segments: Vec<Offset>, now: TimestampMs) {
        let deletion = Deletion::Segments { log: log.id, origin: Arc::clone(&log.origin), segments };
        self.add(due(log, now), deletion);
    }

    /// The directory of a removed log lies at `path`, with all that was to be deleted of it.
    pub(crate) fn removed_log(&mut self, log: LogId, disk: Disk, path: PathBuf, due: TimestampMs) {
        // A log of the same name may soon have files of the same names. What was handed over by now may remove those early,
        // which takes nothing from their readers.
        self.due.retain(|_, waiting| !matches!(waiting, Deletion::Segments { log: of, .. } if *of == log));
        self.add(due, Deletion::Log(disk, path));
    }

    fn add(&mut self, due: TimestampMs, deletion: Deletion) {
        self.last += 1;
        self.due.insert((due, self.last), deletion);
    }

    /// Deletes what has waited long enough.
    pub(crate) fn start_due(&mut self, now: TimestampMs, reactor: &mut Reactor) {
        while let Some(first) = self.due.first_entry().filter(|first| first.key().0 <= now) {
            let (deletion, wanted_since) = (first.remove(), Instant::now());
            reactor.offload_at(Pace::Unhurried, move || deletion.run(wanted_since));
        }
    }
}

impl Deletion {
    fn run(self, wanted_since: Instant) {
        match self {
            Self::Segments { origin, segments, .. } => {
                let outcome = job::remove_set_aside(origin.disk(), &origin.path, &segments, wanted_since);
                if let Err(error) = outcome {
                    origin.dir.judge(&error);
                    warn!(log = %origin.name, %error, "cannot delete old segments; the next start will");
                }
            }
            Self::Log(disk, path) => {
                if let Err(error) = job::remove_log_dir(&disk, &path, wanted_since) {
                    warn!(%error, "cannot delete the files of a removed log; the next start will");
                }
            }
        }
    }
}
