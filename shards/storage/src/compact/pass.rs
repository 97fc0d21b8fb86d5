//! One compaction of one log, in slices. Runs on threads that may block; between slices it lies with the store.
//!
//! # Not here
//! When it runs, and what the log does meanwhile (`schedule.rs`).

use std::path::Path;
use std::sync::Arc;

use types::{Offset, TimestampMs};

use super::mapping::Mapping;
use super::offset_map::{MapBounds, OffsetMap};
use super::retain::Rules;
use super::rewriting::Rewriting;
use super::swap::Swap;
use super::txn_index::{self, AbortedTxn};
use super::{CompactionBounds, CompactionReport};
use crate::error::{Context, StorageError};
use crate::layout::{FileKind, file_path};
use crate::recover::Origin;
use crate::segment::Segment;
use crate::settings::LogSettings;

/// What a pass is to do.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) origin: Arc<Origin>,
    pub(crate) settings: LogSettings,
    pub(crate) delete_retention_ms: i64,
    /// The segments below `first_uncleanable`, oldest first.
    pub(crate) segments: Vec<Segment>,
    /// The segments behind them, as far as they are durable: looked at only for how transactions ended.
    pub(crate) beyond: Vec<Segment>,
    pub(crate) first_dirty: Offset,
    pub(crate) first_uncleanable: Offset,
    pub(crate) bounds: CompactionBounds,
    pub(crate) now: TimestampMs,
    pub(crate) map: MapBounds,
    /// About so many bytes are read in a slice.
    pub(crate) slice_bytes: u64,
}

/// What is left to do after a slice.
#[derive(Debug)]
pub(crate) enum Progress {
    /// More of the same.
    More,
    /// A segment is ready to take the place of others. The pass goes on when it has, or has not.
    Swap(Box<Swap>),
    /// Nothing. Everything below this offset is compacted.
    Finished(Offset),
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Pass {
    plan: Plan,
    phase: Phase,
    /// What the indexes know of aborted transactions.
    indexed: Vec<AbortedTxn>,
    report: CompactionReport,
}

#[derive(Debug)]
enum Phase {
    Begin,
    Map(Box<Mapping>),
    Rewrite(Box<Rewriting>),
    Over,
}

/// What phases share.
#[derive(Debug)]
pub(super) struct Scope<'a> {
    pub(super) plan: &'a Plan,
    pub(super) indexed: &'a [AbortedTxn],
    pub(super) report: &'a mut CompactionReport,
    /// The log begins with this segment now.
    pub(super) first_base: Offset,
}

impl Pass {
    pub(crate) fn new(plan: Plan) -> Self {
        let report =
            CompactionReport { from: plan.first_dirty, to: plan.first_dirty, ..CompactionReport::default() };
        Self { plan, phase: Phase::Begin, indexed: Vec::new(), report }
    }

    pub(crate) fn origin(&self) -> &Arc<Origin> {
        &self.plan.origin
    }

    pub(crate) fn report(&self) -> CompactionReport {
        self.report
    }

    /// Bytes read and written so far.
    pub(crate) fn bytes_moved(&self) -> u64 {
        self.report.bytes_read + self.report.bytes_written
    }

    /// Does the next slice; the log begins with the segment `first_base` by now.
    ///
    /// # Errors
    /// What the disk returned. The pass may be asked again: a segment that is missing may have been dropped meanwhile.
    pub(crate) fn step(&mut self, first_base: Offset) -> Result<Progress, StorageError> {
        if matches!(self.phase, Phase::Begin) {
            self.indexed = read_indexes(&self.plan);
            self.phase = Phase::Map(Box::new(Mapping::new(&self.plan)));
            return Ok(Progress::More);
        }
        let Self { plan, phase, indexed, report } = self;
        let mut scope = Scope { plan, indexed, report, first_base };
        match phase {
            Phase::Map(mapping) => {
                if let Some((map, end)) = mapping.step(&mut scope)? {
                    scope.report.keys = map.keys();
                    *phase = if end > plan.first_dirty {
                        let (rules, unindexed) = (plan.rules(end), mapping.take_unindexed());
                        Phase::Rewrite(Box::new(Rewriting::new(&scope, rules, map, &unindexed)))
                    } else {
                        Phase::Over
                    };
                }
            }
            Phase::Rewrite(rewriting) => {
                if let Some(swap) = rewriting.step(&mut scope)? {
                    return Ok(Progress::Swap(swap));
                }
                if rewriting.is_over() {
                    scope.report.to = rewriting.end();
                    *phase = Phase::Over;
                }
            }
            Phase::Begin | Phase::Over => return Ok(Progress::Finished(report.to)),
        }
        Ok(Progress::More)
    }

    /// The segment that was ready is in its place, or is not to be: then its group is written again without the segments
    /// that are gone.
    pub(crate) fn swapped(&mut self, is_in_place: bool) {
        if let Phase::Rewrite(rewriting) = &mut self.phase {
            rewriting.swapped(is_in_place, &mut self.report);
        }
    }

    /// Removes what was written and is not in its place.
    pub(crate) fn abandon(self) -> Result<(), StorageError> {
        match self.phase {
            Phase::Rewrite(rewriting) => rewriting.abandon(&self.plan),
            _ => Ok(()),
        }
    }
}

impl Plan {
    fn rules(&self, end: Offset) -> Rules {
        let producers = self.bounds.producers.iter().map(|last| (last.producer_id, *last)).collect();
        Rules {
            now: self.now,
            delete_retention_ms: self.delete_retention_ms,
            end,
            first_uncleanable: self.first_uncleanable,
            producers,
        }
    }

    /// A map for the keys of the dirty part, of which there are not more than offsets.
    pub(super) fn new_map(&self) -> OffsetMap {
        let keys = self.first_uncleanable.0.saturating_sub(self.first_dirty.0);
        OffsetMap::new(self.map, usize::try_from(keys).unwrap_or(usize::MAX))
    }
}

/// What the transaction indexes of all segments tell. One that cannot be read counts as none: what it would have told
/// stays in the log.
fn read_indexes(plan: &Plan) -> Vec<AbortedTxn> {
    let origin = &plan.origin;
    let mut found = Vec::new();
    for segment in plan.segments.iter().chain(&plan.beyond) {
        let path = file_path(&origin.path, segment.base, FileKind::TxnIndex);
        match read_index(origin, &path) {
            Ok(entries) => found.extend(entries),
            Err(error) => {
                tracing::warn!(log = %origin.name, %error, "its aborted transactions are not compacted");
            }
        }
    }
    found
}

fn read_index(origin: &Origin, path: &Path) -> Result<Vec<AbortedTxn>, StorageError> {
    match origin.disk().read(path) {
        Ok(bytes) => txn_index::decode(path, &bytes),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error).context("read", path),
    }
}
