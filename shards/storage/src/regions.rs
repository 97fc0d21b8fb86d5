//! Pieces of segments that are loaded, being loaded, or to be loaded for cold readers.
//!
//! # Invariants
//! - Regions of a segment do not overlap.
//! - What somebody still sees is not given up: giving it up would free nothing.
//!
//! # Not here
//! When a region is loaded (`load_queue.rs`), and for whom (`reader.rs`).

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use reactor::File;
use types::{Offset, TimestampMs};

use crate::cold_memory::{Loaded, Reserved};
use crate::load_queue::RegionName;
use crate::open_segments::SegmentKey;
use crate::reader::ColdRead;
use crate::span::Span;
use crate::store::{LogId, ReadId};
use crate::streams::IDLE_MS;
use crate::tail::BLOCK_BYTES;

/// See the module. Lives with its store.
#[derive(Debug, Default)]
pub(crate) struct Regions {
    by_segment: BTreeMap<SegmentKey, BTreeMap<u64, Region>>,
    /// Loaded ones that were read to their end, by their last use.
    spent: BTreeMap<u64, Kept>,
    /// Other loaded ones, likewise.
    fresh: BTreeMap<u64, Kept>,
    /// Counts uses.
    uses: u64,
    serial: u64,
}

/// Where a region is found: its segment, and where it begins there.
type Place = (SegmentKey, u64);

/// What is loaded, and where it belongs.
#[derive(Clone, Debug)]
struct Kept {
    place: Place,
    loaded: Arc<Loaded>,
}

#[derive(Debug)]
struct Region {
    serial: u64,
    end: u64,
    state: State,
    /// Reads that cannot go on without it.
    waiting: Vec<ColdRead>,
    /// Number of its last use.
    used: u64,
    used_at: TimestampMs,
}

#[derive(Debug)]
enum State {
    /// To be read from this file.
    Queued(File, Reserved),
    Loading,
    Loaded(Arc<Loaded>),
}

impl Regions {
    /// What is loaded of a segment from `position` on without a gap, at least up to `to` if it is there.
    pub(crate) fn span(&self, segment: SegmentKey, position: u64, to: u64) -> Span {
        let mut span = Span::default();
        let Some(regions) = self.by_segment.get(&segment) else { return span };
        let Some((first, _)) = regions.range(..=position).next_back() else { return span };
        let mut end = None;
        for (start, region) in regions.range(first..) {
            let State::Loaded(loaded) = &region.state else { break };
            let follows = end.map_or(region.end > position, |end| end == *start);
            if !follows || *start >= to {
                break;
            }
            span.push(*start, Arc::clone(loaded));
            end = Some(region.end);
        }
        span
    }

    /// The region that holds `position`, if it is on its way.
    pub(crate) fn coming(&self, segment: SegmentKey, position: u64) -> Option<RegionName> {
        let (start, region) = self.by_segment.get(&segment)?.range(..=position).next_back()?;
        let comes = region.end > position && !matches!(region.state, State::Loaded(_));
        comes.then_some(RegionName { segment, start: *start, serial: region.serial })
    }

    /// The regions from the one that holds the beginning of `range` on that have not had their turn.
    pub(crate) fn queued(&self, segment: SegmentKey, range: Range<u64>) -> Vec<RegionName> {
        let Some(regions) = self.by_segment.get(&segment) else { return Vec::new() };
        let first = regions.range(..=range.start).next_back().map_or(range.start, |(start, _)| *start);
        let queued = regions
            .range(first..range.end)
            .filter(|(_, region)| region.end > range.start && matches!(region.state, State::Queued(..)));
        queued.map(|(start, region)| RegionName { segment, start: *start, serial: region.serial }).collect()
    }

    /// The first part of `range` that belongs to no region, from a block boundary on if it can be.
    pub(crate) fn gap(&self, segment: SegmentKey, range: Range<u64>) -> Option<Range<u64>> {
        let mut at = range.start;
        let Some(regions) = self.by_segment.get(&segment) else {
            return (at < range.end).then_some(at - at % BLOCK_BYTES..range.end);
        };
        let mut before = 0;
        if let Some((_, region)) = regions.range(..=at).next_back() {
            before = region.end;
            at = at.max(before);
        }
        for (start, region) in regions.range(range.start + 1..) {
            if *start > at {
                let end = range.end.min(*start);
                return (at < end).then(|| before.max(at - at % BLOCK_BYTES)..end);
            }
            before = region.end;
            at = region.end;
        }
        (at < range.end).then(|| before.max(at - at % BLOCK_BYTES)..range.end)
    }

    /// Adds a region that is to be read from `file`.
    pub(crate) fn add(
        &mut self,
        segment: SegmentKey,
        range: Range<u64>,
        file: File,
        reserved: Reserved,
        now: TimestampMs,
    ) -> RegionName {
        self.serial += 1;
        let region = Region {
            serial: self.serial,
            end: range.end,
            state: State::Queued(file, reserved),
            waiting: Vec::new(),
            used: 0,
            used_at: now,
        };
        let before = self.by_segment.entry(segment).or_default().insert(range.start, region);
        debug_assert!(before.is_none(), "two regions at one place");
        RegionName { segment, start: range.start, serial: self.serial }
    }

    /// Has a read wait until the region is loaded. Gives it back if there is no such region.
    pub(crate) fn wait(&mut self, name: RegionName, read: ColdRead) -> Option<ColdRead> {
        match self.get_mut(name) {
            Some(region) => {
                region.waiting.push(read);
                None
            }
            None => Some(read),
        }
    }

    /// The region's turn has come: its file, its length, and its memory. `None` if nobody needs it any longer.
    pub(crate) fn start(&mut self, name: RegionName) -> Option<(File, usize, Reserved)> {
        let region = self.get_mut(name)?;
        let len = usize::try_from(region.end - name.start).ok()?;
        match std::mem::replace(&mut region.state, State::Loading) {
            State::Queued(file, reserved) => Some((file, len, reserved)),
            // It has been waited for and read ahead, and has had its turn.
            state => {
                region.state = state;
                None
            }
        }
    }

    /// The region was read: returns who has waited for it.
    pub(crate) fn loaded(
        &mut self,
        name: RegionName,
        bytes: Bytes,
        reserved: Reserved,
        now: TimestampMs,
    ) -> Vec<ColdRead> {
        self.uses += 1;
        let used = self.uses;
        let Some(region) = self.get_mut(name) else { return Vec::new() };
        // A file may be shorter than it should be.
        region.end = name.start + bytes.len() as u64;
        let loaded = Arc::new(Loaded::new(bytes, reserved));
        region.state = State::Loaded(Arc::clone(&loaded));
        region.used = used;
        region.used_at = now;
        let waiting = std::mem::take(&mut region.waiting);
        self.fresh.insert(used, Kept { place: (name.segment, name.start), loaded });
        waiting
    }

    /// The region could not be read. If somebody needs it and it can be shorter, it is to be read again as far as half
    /// its length, since what is needed may lie before what cannot be read.
    pub(crate) fn halve(&mut self, name: RegionName, file: File, reserved: Reserved, least: u64) -> bool {
        let Some(region) = self.get_mut(name) else { return false };
        let half = (region.end - name.start) / 2;
        let end = (name.start + half).next_multiple_of(BLOCK_BYTES);
        if region.waiting.is_empty() || half < least || end >= region.end {
            return false;
        }
        region.end = end;
        region.state = State::Queued(file, reserved);
        true
    }

    /// Lets a read of this log no longer wait.
    pub(crate) fn abandon_read(&mut self, log: LogId, read: ReadId) {
        let of_log = self.by_segment.range_mut((log, Offset::ZERO)..).take_while(|((of, _), _)| *of == log);
        for region in of_log.flat_map(|(_, regions)| regions.values_mut()) {
            region.waiting.retain(|waiting| waiting.id != read);
        }
    }

    /// Drops a region; returns who has waited for it.
    pub(crate) fn remove(&mut self, name: RegionName) -> Vec<ColdRead> {
        match self.get_mut(name) {
            Some(_) => self.take((name.segment, name.start)),
            None => Vec::new(),
        }
    }

    /// An answer was taken from `range` of a segment. What it has read to the end is given up before other regions.
    pub(crate) fn use_up(&mut self, segment: SegmentKey, range: Range<u64>, now: TimestampMs) {
        let Some(regions) = self.by_segment.get_mut(&segment) else { return };
        let first = regions.range(..=range.start).next_back().map_or(range.start, |(start, _)| *start);
        for (_, region) in regions.range_mut(first..range.end) {
            if region.end <= range.start {
                continue;
            }
            let fresh = self.fresh.remove(&region.used);
            let was_fresh = fresh.is_some();
            let Some(kept) = fresh.or_else(|| self.spent.remove(&region.used)) else { continue };
            self.uses += 1;
            region.used = self.uses;
            region.used_at = now;
            let list = if was_fresh && region.end > range.end { &mut self.fresh } else { &mut self.spent };
            list.insert(region.used, kept);
        }
    }

    /// Gives up the region that was not used for the longest time: one that was read to its end, or any. Returns whether
    /// there was one.
    pub(crate) fn give_up_one(&mut self, spent_only: bool) -> bool {
        let fresh = self.fresh.values().take_while(|_| !spent_only);
        let mut oldest_first = self.spent.values().chain(fresh);
        match oldest_first.find(|kept| kept.is_free()).map(|kept| kept.place) {
            Some(place) => {
                self.take(place);
                true
            }
            None => false,
        }
    }

    /// How many bytes could be given up.
    pub(crate) fn free_bytes(&self) -> usize {
        let kept = self.spent.values().chain(self.fresh.values());
        kept.filter(|kept| kept.is_free()).map(|kept| kept.loaded.bytes().len()).sum()
    }

    /// Gives up what nobody has used for long.
    pub(crate) fn expire(&mut self, now: TimestampMs) {
        let kept = self.spent.values().chain(self.fresh.values()).map(|kept| kept.place);
        let is_old = |region: &Region| now.0 - region.used_at.0 >= IDLE_MS;
        let gone: Vec<Place> = kept.filter(|place| self.region(*place).is_some_and(is_old)).collect();
        for place in gone {
            self.take(place);
        }
    }

    /// Drops the regions of segments that are gone, or other than they were; returns who has waited for one.
    pub(crate) fn forget(&mut self, log: LogId, is_gone: impl Fn(Offset) -> bool) -> Vec<ColdRead> {
        let of_log = self.by_segment.range((log, Offset::ZERO)..).take_while(|((of, _), _)| *of == log);
        let segments: Vec<SegmentKey> =
            of_log.map(|(key, _)| *key).filter(|(_, base)| is_gone(*base)).collect();
        let mut waiting = Vec::new();
        for segment in segments {
            let starts: Option<Vec<u64>> =
                self.by_segment.get(&segment).map(|regions| regions.keys().copied().collect());
            for start in starts.unwrap_or_default() {
                waiting.append(&mut self.take((segment, start)));
            }
        }
        waiting
    }

    fn region(&self, (segment, start): Place) -> Option<&Region> {
        self.by_segment.get(&segment)?.get(&start)
    }

    fn get_mut(&mut self, name: RegionName) -> Option<&mut Region> {
        let region = self.by_segment.get_mut(&name.segment)?.get_mut(&name.start)?;
        (region.serial == name.serial).then_some(region)
    }

    fn take(&mut self, (segment, start): Place) -> Vec<ColdRead> {
        let Some(regions) = self.by_segment.get_mut(&segment) else { return Vec::new() };
        let Some(region) = regions.remove(&start) else { return Vec::new() };
        if regions.is_empty() {
            self.by_segment.remove(&segment);
        }
        self.spent.remove(&region.used);
        self.fresh.remove(&region.used);
        region.waiting
    }
}

impl Kept {
    /// Whether nobody sees it but its region and the list.
    fn is_free(&self) -> bool {
        Arc::strong_count(&self.loaded) == 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cold_memory::ColdMemory;
    use reactor::{Disk, OpenOptions};

    const NOW: TimestampMs = TimestampMs(1_000_000);
    const KEY: SegmentKey = (LogId { key: 0, generation: 1 }, Offset(0));

    struct Fixture {
        regions: Regions,
        memory: ColdMemory,
        file: File,
        _dir: tempfile::TempDir,
    }

    impl Fixture {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let file = Disk::host().open(&dir.path().join("file"), OpenOptions::CREATE).unwrap();
            Self { regions: Regions::default(), memory: ColdMemory::new(0), file, _dir: dir }
        }

        fn queue(&mut self, range: Range<u64>) -> RegionName {
            let reserved = self.memory.reserve((range.end - range.start) as usize);
            self.regions.add(KEY, range, self.file.clone(), reserved, NOW)
        }

        /// Loads `range`, or only its first `bytes` bytes, for the reads that are told.
        fn load(&mut self, range: Range<u64>, bytes: usize) -> Vec<ColdRead> {
            let name = self.queue(range);
            let (_, _, reserved) = self.regions.start(name).unwrap();
            self.regions.loaded(name, Bytes::from(vec![7; bytes]), reserved, NOW)
        }

        fn span(&self, from: u64) -> u64 {
            self.regions.span(KEY, from, u64::MAX).end()
        }
    }

    #[test]
    fn gaps_lie_between_regions_and_begin_at_blocks_where_they_can() {
        let mut fixture = Fixture::new();
        assert_eq!(fixture.regions.gap(KEY, 5000..9000), Some(4096..9000));
        fixture.queue(8192..12_000);
        fixture.queue(20_480..24_576);
        let gap = |range| fixture.regions.gap(KEY, range);
        assert_eq!(gap(5000..30_000), Some(4096..8192));
        assert_eq!(gap(5000..6000), Some(4096..6000));
        assert_eq!(gap(8192..30_000), Some(12_000..20_480), "right behind one that ends within a block");
        assert_eq!(gap(13_000..30_000), Some(12_288..20_480));
        assert_eq!(gap(21_000..30_000), Some(24_576..30_000));
        assert_eq!(gap(21_000..24_576), None);
        assert_eq!(gap(9000..9000), None);
    }

    #[test]
    fn a_span_ends_where_something_is_missing_or_a_file_was_too_short() {
        let mut fixture = Fixture::new();
        fixture.load(0..4096, 4096);
        fixture.load(4096..8192, 4096);
        fixture.queue(8192..12_288);
        fixture.load(12_288..16_384, 4096);
        assert_eq!((fixture.span(0), fixture.span(5000), fixture.span(9000)), (8192, 8192, 0));
        assert_eq!(fixture.regions.span(KEY, 0, 4096).end(), 4096);
        fixture.load(20_480..24_576, 100);
        fixture.load(24_576..28_672, 4096);
        assert_eq!((fixture.span(20_480), fixture.span(20_580)), (20_580, 0));
    }

    #[test]
    fn what_was_read_to_its_end_goes_first_and_what_somebody_sees_stays() {
        let mut fixture = Fixture::new();
        for start in [0, 4096, 8192, 12_288] {
            fixture.load(start..start + 4096, 4096);
        }
        fixture.regions.use_up(KEY, 4096..9000, NOW);
        let seen = fixture.regions.span(KEY, 0, 4096);
        assert_eq!(fixture.regions.free_bytes(), 3 * 4096);
        assert!(fixture.regions.give_up_one(true), "the one that was read");
        assert_eq!((fixture.span(0), fixture.span(8192)), (4096, 16_384));
        assert!(!fixture.regions.give_up_one(true));
        assert!(fixture.regions.give_up_one(false) && fixture.regions.give_up_one(false));
        assert!(!fixture.regions.give_up_one(false), "somebody sees it");
        assert_eq!(fixture.memory.used(), 4096);
        drop(seen);
        assert!(fixture.regions.give_up_one(false));
        assert_eq!(fixture.memory.used(), 0);
    }

    #[test]
    fn what_nobody_uses_for_long_is_given_up() {
        let mut fixture = Fixture::new();
        fixture.load(0..4096, 4096);
        fixture.load(4096..8192, 4096);
        fixture.regions.use_up(KEY, 4096..8192, TimestampMs(NOW.0 + 1));
        fixture.regions.expire(TimestampMs(NOW.0 + IDLE_MS));
        assert_eq!((fixture.span(0), fixture.span(4096)), (0, 8192));
        fixture.regions.expire(TimestampMs(NOW.0 + IDLE_MS + 1));
        assert_eq!(fixture.memory.used(), 0);
    }

    #[test]
    fn a_region_that_is_forgotten_while_it_is_read_does_not_come_back() {
        let mut fixture = Fixture::new();
        let name = fixture.queue(0..4096);
        let (_, len, reserved) = fixture.regions.start(name).unwrap();
        assert_eq!(len, 4096);
        let read = ColdRead::new(crate::store::ReadId(1), KEY.0, Offset(0), Offset(1), 1);
        assert!(fixture.regions.wait(name, read).is_none());
        assert_eq!(fixture.regions.forget(KEY.0, |base| base > Offset(0)).len(), 0);
        assert_eq!(fixture.regions.forget(KEY.0, |base| base == Offset(0)).len(), 1);
        let other = fixture.queue(0..4096);
        let waiting = fixture.regions.loaded(name, Bytes::from(vec![0; 4096]), reserved, NOW);
        assert_eq!((waiting.len(), fixture.span(0)), (0, 0));
        assert!(fixture.regions.start(other).is_some() && fixture.regions.start(other).is_none());
    }
}
