//! The first half of a pass: reading the dirty part of a log and noting where each key was last.
//!
//! Records of a transaction count only if it was committed, which is known from its marker further on, or from the
//! transaction indexes. The first transactional batch has all markers looked for first; logs without transactions are
//! read once.

use types::Offset;

use super::offset_map::OffsetMap;
use super::pass::{Plan, Scope};
use super::retain::{marker, open};
use super::source::{Found, Source, damaged};
use super::transactions::{Fate, Outcomes, Transactions};
use super::txn_index::AbortedTxn;
use crate::error::StorageError;
use crate::segment::Segment;

/// See the module.
#[derive(Debug)]
pub(super) struct Mapping {
    map: Option<OffsetMap>,
    place: Place,
    /// Nothing at or above is noted.
    limit: Offset,
    transactions: Option<Transactions>,
    unindexed: Vec<AbortedTxn>,
    /// While markers are looked for, and once they were.
    search: Search,
}

#[derive(Debug)]
enum Search {
    NotNeeded,
    UnderWay(Place, Outcomes),
    Done,
}

/// How far reading has come.
#[derive(Debug, Default)]
struct Place {
    /// Which segment is read.
    at: usize,
    /// Open once it is.
    source: Option<Source>,
    /// Where to begin in it.
    position: u64,
}

/// Why a batch ends the mapping.
enum Stop {
    /// Nothing at or above this offset was noted.
    At(Offset),
    /// Markers have to be looked for before this batch, which lies at the position, can be noted.
    Search(u64),
}

impl Mapping {
    pub(super) fn new(plan: &Plan) -> Self {
        let behind = plan.segments.partition_point(|segment| segment.base <= plan.first_dirty);
        Self {
            map: Some(plan.new_map()),
            place: Place { at: behind.saturating_sub(1), ..Place::default() },
            limit: plan.first_uncleanable,
            transactions: None,
            unindexed: Vec::new(),
            search: Search::NotNeeded,
        }
    }

    /// Does a slice; the map and its end when there is nothing more to note.
    pub(super) fn step(
        &mut self,
        scope: &mut Scope<'_>,
    ) -> Result<Option<(OffsetMap, Offset)>, StorageError> {
        if matches!(self.search, Search::UnderWay(..)) {
            self.search_on(scope)?;
            return Ok(None);
        }
        match self.note_on(scope)? {
            Some(Stop::At(end)) => Ok(self.map.take().map(|map| (map, end))),
            Some(Stop::Search(position)) => {
                let (at, source) = (self.place.at, None);
                self.place.source = None;
                self.place.position = position;
                self.search = Search::UnderWay(Place { at, source, position }, Outcomes::default());
                Ok(None)
            }
            None => Ok(None),
        }
    }

    /// Aborted transactions of the dirty part that no index tells of.
    pub(super) fn take_unindexed(&mut self) -> Vec<AbortedTxn> {
        std::mem::take(&mut self.unindexed)
    }

    /// Notes keys for a slice, or until there is a reason to stop.
    fn note_on(&mut self, scope: &mut Scope<'_>) -> Result<Option<Stop>, StorageError> {
        let Self { map, place, limit, transactions, unindexed, search } = self;
        let Some(map) = map else { return Ok(Some(Stop::At(*limit))) };
        let transactions = transactions.get_or_insert_with(|| Transactions::new(scope.indexed, unindexed));
        let is_searched = matches!(search, Search::Done);
        let mut left = scope.plan.slice_bytes;
        while left > 0 {
            place.skip_dropped(&scope.plan.segments, scope.first_base);
            let Some(source) = place.source(scope, &scope.plan.segments)? else {
                return Ok(Some(Stop::At(*limit)));
            };
            let path = source.path().to_owned();
            let Some(found) = source.next()? else {
                place.next_segment();
                continue;
            };
            let bytes = found.bytes.len() as u64;
            left = left.saturating_sub(bytes);
            scope.report.bytes_read += bytes;
            if found.header.base_offset >= *limit {
                return Ok(Some(Stop::At(*limit)));
            }
            let position = found.position;
            let noted = note(&found, scope.plan.first_dirty, *limit, is_searched, map, transactions);
            if let Some(stop) = noted.map_err(|error| damaged(&path, position, error))? {
                return Ok(Some(stop));
            }
        }
        Ok(None)
    }

    /// Looks for markers for a slice.
    fn search_on(&mut self, scope: &mut Scope<'_>) -> Result<(), StorageError> {
        let Search::UnderWay(place, outcomes) = &mut self.search else { return Ok(()) };
        let segments = [&scope.plan.segments[..], &scope.plan.beyond[..]].concat();
        let mut left = scope.plan.slice_bytes;
        let is_over = loop {
            if left == 0 {
                break false;
            }
            place.skip_dropped(&segments, scope.first_base);
            let is_beyond = place.at >= scope.plan.segments.len();
            if is_beyond && outcomes.are_decided() {
                break true;
            }
            let source = match place.source(scope, &segments) {
                Ok(Some(source)) => source,
                Ok(None) => break true,
                // What is appended to need not have a file yet.
                Err(_) if is_beyond => break true,
                Err(error) => return Err(error),
            };
            let path = source.path().to_owned();
            let found = match source.next() {
                Ok(Some(found)) => found,
                Ok(None) => {
                    place.next_segment();
                    continue;
                }
                // What lies behind is not looked after here.
                Err(_) if is_beyond => break true,
                Err(error) => return Err(error),
            };
            let bytes = found.bytes.len() as u64;
            left = left.saturating_sub(bytes);
            scope.report.bytes_read += bytes;
            let outcome = marker(&found.header, found.bytes);
            match outcome.map_err(|error| damaged(&path, found.position, error))? {
                Some(outcome) => outcomes.on_marker(&found.header, outcome, scope.indexed),
                None if found.header.is_control() => {}
                None => outcomes.on_records(&found.header),
            }
        };
        if is_over {
            let outcomes = std::mem::take(outcomes);
            // What is not decided as far as the files tell is left for another pass.
            self.limit = outcomes.first_open().map_or(self.limit, |open| open.min(self.limit));
            self.unindexed = outcomes.into_unindexed();
            self.transactions = None;
            self.search = Search::Done;
        }
        Ok(())
    }
}

/// Notes the keys of one batch.
fn note(
    found: &Found<'_>,
    first_dirty: Offset,
    limit: Offset,
    is_searched: bool,
    map: &mut OffsetMap,
    transactions: &mut Transactions,
) -> Result<Option<Stop>, record::RecordError> {
    let header = &found.header;
    if header.is_control() {
        if let Some(outcome) = marker(header, found.bytes)? {
            transactions.on_marker(header, outcome);
        }
        return Ok(None);
    }
    if header.is_transactional() && !is_searched {
        return Ok(Some(Stop::Search(found.position)));
    }
    if transactions.on_records(header) != Fate::Counts || header.last_offset() < first_dirty {
        return Ok(None);
    }
    let Some(records) = open(found.bytes)? else { return Ok(None) };
    for record in &records {
        let record = record?;
        if record.offset >= limit {
            return Ok(Some(Stop::At(limit)));
        }
        if let Some(key) = record.key.filter(|_| record.offset >= first_dirty)
            && !map.put(key, record.offset)
        {
            return Ok(Some(Stop::At(record.offset)));
        }
    }
    Ok(None)
}

impl Place {
    /// The segment that is read, opened; `None` behind the last one.
    fn source(
        &mut self,
        scope: &Scope<'_>,
        segments: &[Segment],
    ) -> Result<Option<&mut Source>, StorageError> {
        if self.source.is_none() {
            let Some(segment) = segments.get(self.at) else { return Ok(None) };
            let origin = &scope.plan.origin;
            let (base, bytes) = (segment.base, segment.bytes);
            self.source = Some(Source::open(origin.disk(), &origin.path, base, bytes, self.position)?);
        }
        Ok(self.source.as_mut())
    }

    fn next_segment(&mut self) {
        *self = Self { at: self.at + 1, ..Self::default() };
    }

    /// Passes over segments that the log has lost from its beginning.
    fn skip_dropped(&mut self, segments: &[Segment], first_base: Offset) {
        while self.source.is_none() && segments.get(self.at).is_some_and(|segment| segment.base < first_base)
        {
            self.next_segment();
        }
    }
}
