//! The second half of a pass: writing the log's segments anew without what the map says is superseded.

use std::collections::VecDeque;
use std::io::ErrorKind;

use reactor::OpenOptions;
use record::BatchHeader;
use types::Offset;

use super::CompactionReport;
use super::group::{GroupBounds, Sized, first_group};
use super::offset_map::OffsetMap;
use super::pass::{Plan, Scope};
use super::retain::{Retained, Rules};
use super::source::{Source, damaged};
use super::swap::Swap;
use super::target::{self, Target};
use super::transactions::Transactions;
use super::txn_index::AbortedTxn;
use crate::error::{Context, StorageError};
use crate::layout::{FileKind, file_path};
use crate::segment::Segment;

/// See the module.
#[derive(Debug)]
pub(super) struct Rewriting {
    rules: Rules,
    map: OffsetMap,
    /// Segments that are to be written anew.
    todo: VecDeque<Segment>,
    group: Option<Group>,
    /// What was written for this segment is not to be.
    leftover: Option<Offset>,
    transactions: Transactions,
}

/// Segments that become one.
#[derive(Debug)]
struct Group {
    members: Vec<Segment>,
    /// Which one is read.
    at: usize,
    source: Option<Source>,
    /// Until it is finished.
    target: Option<Target>,
    /// Bytes of the segment that is to take their place.
    bytes_after: u64,
    /// Whether anything differs from what there was.
    is_changed: bool,
    /// What was known of transactions before the first member.
    before: Transactions,
}

impl Rewriting {
    pub(super) fn new(scope: &Scope<'_>, rules: Rules, map: OffsetMap, unindexed: &[AbortedTxn]) -> Self {
        let segments = scope.plan.segments.iter();
        let todo = segments.filter(|segment| segment.base < rules.end).copied().collect();
        Self {
            rules,
            map,
            todo,
            group: None,
            leftover: None,
            transactions: Transactions::new(scope.indexed, unindexed),
        }
    }

    /// Up to where everything is compacted when it is over.
    pub(super) fn end(&self) -> Offset {
        self.rules.end
    }

    pub(super) fn is_over(&self) -> bool {
        self.group.is_none() && self.todo.is_empty()
    }

    /// Does a slice. Returns a segment that is ready.
    pub(super) fn step(&mut self, scope: &mut Scope<'_>) -> Result<Option<Box<Swap>>, StorageError> {
        self.forget_dropped(scope.first_base);
        self.remove_leftover(scope.plan)?;
        if self.group.is_none() && !self.begin_group(scope)? {
            return Ok(None);
        }
        let mut left = scope.plan.slice_bytes;
        while left > 0 {
            let Some(bytes) = self.rewrite_batch(scope)? else { return self.finish_group(scope) };
            left = left.saturating_sub(bytes);
        }
        Ok(None)
    }

    /// The group that was ready is in its place, or has to be written again.
    pub(super) fn swapped(&mut self, is_in_place: bool, report: &mut CompactionReport) {
        let Some(group) = self.group.take() else { return };
        if is_in_place {
            report.segments_before += group.members.len();
            report.segments_after += 1;
            report.bytes_before += group.members.iter().map(|segment| segment.bytes).sum::<u64>();
            report.bytes_after += group.bytes_after;
        } else {
            self.redo(group);
        }
    }

    /// Removes what was written of the group.
    pub(super) fn abandon(mut self, plan: &Plan) -> Result<(), StorageError> {
        self.remove_leftover(plan)?;
        let Some(first) = self.group.as_ref().and_then(|group| group.members.first()) else { return Ok(()) };
        target::remove(plan.origin.disk(), &plan.origin.path, first.base)
    }

    fn remove_leftover(&mut self, plan: &Plan) -> Result<(), StorageError> {
        match self.leftover.take() {
            Some(base) => target::remove(plan.origin.disk(), &plan.origin.path, base),
            None => Ok(()),
        }
    }

    /// Leaves out the segments that the log has lost from its beginning.
    fn forget_dropped(&mut self, first_base: Offset) {
        if let Some(group) =
            self.group.take_if(|group| group.members.first().is_some_and(|m| m.base < first_base))
        {
            self.redo(group);
        }
        while self.todo.front().is_some_and(|segment| segment.base < first_base) {
            self.todo.pop_front();
        }
    }

    fn redo(&mut self, group: Group) {
        self.leftover = group.members.first().map(|segment| segment.base);
        self.transactions = group.before;
        for segment in group.members.into_iter().rev() {
            self.todo.push_front(segment);
        }
    }

    fn begin_group(&mut self, scope: &Scope<'_>) -> Result<bool, StorageError> {
        let plan = scope.plan;
        let Some(first) = self.todo.front() else { return Ok(false) };
        let target = Target::create(&plan.origin, first.base, plan.settings.index_interval_bytes)?;
        let bounds = GroupBounds {
            bytes: u64::from(plan.settings.segment_bytes),
            index_bytes: u64::from(plan.settings.segment_index_bytes),
        };
        // No more than these can fit, so no more are looked at.
        let (mut sized, mut bytes) = (Vec::new(), 0);
        for segment in &self.todo {
            bytes += segment.bytes;
            if !sized.is_empty() && bytes > bounds.bytes {
                break;
            }
            sized.push(Sized {
                segment: *segment,
                offset_index_bytes: index_bytes(plan, segment.base, FileKind::Index)?,
                time_index_bytes: index_bytes(plan, segment.base, FileKind::TimeIndex)?,
            });
        }
        let end = self.todo.get(sized.len()).map_or(plan.first_uncleanable, |behind| behind.base);
        let count = first_group(&sized, end, bounds);
        self.group = Some(Group {
            members: self.todo.drain(..count).collect(),
            at: 0,
            source: None,
            target: Some(target),
            bytes_after: 0,
            is_changed: false,
            before: self.transactions.clone(),
        });
        Ok(true)
    }

    /// Reads a batch and writes what stays of it. Returns how much was read; `None` at the end of the group.
    fn rewrite_batch(&mut self, scope: &mut Scope<'_>) -> Result<Option<u64>, StorageError> {
        let Some(group) = &mut self.group else { return Ok(None) };
        let Some(target) = &mut group.target else { return Ok(None) };
        let origin = &scope.plan.origin;
        loop {
            let Some(member) = group.members.get(group.at) else { return Ok(None) };
            if group.source.is_none() {
                let source = Source::open(origin.disk(), &origin.path, member.base, member.bytes, 0)?;
                group.source = Some(source);
            }
            let Some(source) = &mut group.source else { return Ok(None) };
            let path = source.path().to_owned();
            let Some(found) = source.next()? else {
                group.at += 1;
                group.source = None;
                continue;
            };
            let header = &found.header;
            let retained = self
                .rules
                .retain(header, found.bytes, &self.map, &mut self.transactions, &mut target.aborted)
                .map_err(|error| damaged(&path, found.position, error))?;
            let written = match &retained {
                Retained::AsItIs => target.append(header, found.bytes)?,
                Retained::Rewritten(batch) => {
                    let header = BatchHeader::parse(batch);
                    let header = header.map_err(|error| damaged(&path, found.position, error))?;
                    target.append(&header, batch)?
                }
                Retained::Nothing => 0,
            };
            group.is_changed |= retained != Retained::AsItIs;
            let read = found.bytes.len() as u64;
            scope.report.bytes_read += read;
            scope.report.bytes_written += written;
            return Ok(Some(read));
        }
    }

    fn finish_group(&mut self, scope: &mut Scope<'_>) -> Result<Option<Box<Swap>>, StorageError> {
        let Some(group) = &mut self.group else { return Ok(None) };
        let (Some(target), Some(first)) = (group.target.take(), group.members.first().copied()) else {
            return Ok(None);
        };
        if group.members.len() == 1 && !group.is_changed {
            drop(target);
            target::remove(scope.plan.origin.disk(), &scope.plan.origin.path, first.base)?;
            self.group = None;
            return Ok(None);
        }
        let (finished, flushed) = target.finish()?;
        scope.report.bytes_written += flushed;
        group.bytes_after = finished.bytes;
        let newest = group.members.iter().map(|segment| segment.max_timestamp).max();
        let newest = newest.unwrap_or(first.max_timestamp);
        let retained = finished.index.max_timestamp();
        let is_known = retained > types::TimestampMs::NONE;
        let max_timestamp = if is_known { retained } else { newest };
        Ok(Some(Box::new(Swap {
            replaced: group.members.clone(),
            segment: Segment { base: first.base, bytes: finished.bytes, max_timestamp },
        })))
    }
}

/// The size of an index file; nothing if there is none.
fn index_bytes(plan: &Plan, base: Offset, kind: FileKind) -> Result<u64, StorageError> {
    let path = file_path(&plan.origin.path, base, kind);
    match plan.origin.disk().open(&path, OpenOptions::READ.buffered()) {
        Ok(file) => file.len().map(|len| len.0).context("read", &path),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error).context("open", &path),
    }
}
