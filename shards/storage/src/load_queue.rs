//! The order in which pieces of files are read for cold readers: a class of its own with few reads in flight, so that
//! the commits of producers find the disk free whoever reads whatever.
//!
//! # Invariants
//! - No more bytes than allowed are with the disk at any time, or one load.
//! - What a reader waits for goes before what is read ahead, and readers take turns, piece by piece.
//!
//! # Not here
//! What is worth reading ahead (`streams.rs`); the pieces themselves (`regions.rs`).

use std::collections::VecDeque;

use crate::open_segments::SegmentKey;
use crate::store::ReadId;

/// Names a piece of a segment that is to be loaded; the serial number tells apart those that have begun at the same
/// place one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RegionName {
    pub(crate) segment: SegmentKey,
    pub(crate) start: u64,
    pub(crate) serial: u64,
}

/// See the module. Lives with its store.
#[derive(Debug, Default)]
pub(crate) struct LoadQueue {
    in_flight_bytes: usize,
    wanted: Turns,
    ahead: Turns,
}

/// Readers with pieces to load, each with its pieces in order; the first reader's turn is next.
#[derive(Debug, Default)]
struct Turns(VecDeque<(ReadId, VecDeque<RegionName>)>);

impl LoadQueue {
    /// A reader waits for this, or will next.
    pub(crate) fn want(&mut self, reader: ReadId, region: RegionName) {
        self.wanted.push(reader, region);
    }

    /// A reader may come to this.
    pub(crate) fn read_ahead(&mut self, reader: ReadId, region: RegionName) {
        self.ahead.push(reader, region);
    }

    /// What is to be loaded next, if there is anything and the disk may have another piece of `bytes`, of
    /// `in_flight_bytes_max` in all. One that nobody needs any longer is not to be counted with [`Self::started`].
    pub(crate) fn next(&mut self, bytes: usize, in_flight_bytes_max: usize) -> Option<RegionName> {
        if self.in_flight_bytes > 0 && self.in_flight_bytes + bytes > in_flight_bytes_max {
            return None;
        }
        self.wanted.pop().or_else(|| self.ahead.pop())
    }

    /// Pieces that wait for their turn.
    pub(crate) fn waiting(&self) -> usize {
        self.wanted.len() + self.ahead.len()
    }

    pub(crate) fn in_flight_bytes(&self) -> usize {
        self.in_flight_bytes
    }

    pub(crate) fn started(&mut self, bytes: usize) {
        self.in_flight_bytes += bytes;
    }

    pub(crate) fn ended(&mut self, bytes: usize) {
        debug_assert!(self.in_flight_bytes >= bytes, "more has ended than was started");
        self.in_flight_bytes = self.in_flight_bytes.saturating_sub(bytes);
    }
}

impl Turns {
    fn len(&self) -> usize {
        self.0.iter().map(|(_, regions)| regions.len()).sum()
    }

    fn push(&mut self, reader: ReadId, region: RegionName) {
        // Whoever pushes pushes all of a reader's pieces at once, so that its queue is the last one.
        match self.0.back_mut() {
            Some((last, regions)) if *last == reader => regions.push_back(region),
            _ => self.0.push_back((reader, VecDeque::from([region]))),
        }
    }

    fn pop(&mut self) -> Option<RegionName> {
        let (reader, mut regions) = self.0.pop_front()?;
        let region = regions.pop_front();
        if !regions.is_empty() {
            self.0.push_back((reader, regions));
        }
        region
    }
}

#[cfg(test)]
mod tests {
    use types::Offset;

    use super::*;
    use crate::store::LogId;

    fn region(start: u64) -> RegionName {
        RegionName { segment: (LogId { key: 0, generation: 1 }, Offset(0)), start, serial: start }
    }

    fn starts(queue: &mut LoadQueue) -> Vec<u64> {
        std::iter::from_fn(|| queue.next(1, 1)).map(|region| region.start).collect()
    }

    #[test]
    fn readers_take_turns_and_what_is_waited_for_goes_first() {
        let mut queue = LoadQueue::default();
        queue.read_ahead(ReadId(9), region(90));
        for start in [10, 11, 12] {
            queue.want(ReadId(1), region(start));
        }
        queue.want(ReadId(2), region(20));
        queue.want(ReadId(3), region(30));
        assert_eq!(starts(&mut queue), [10, 20, 30, 11, 12, 90]);
    }

    #[test]
    fn so_much_is_in_flight_and_no_more_but_one_load_in_any_case() {
        let mut queue = LoadQueue::default();
        for start in 0..4 {
            queue.want(ReadId(1), region(start));
        }
        for _ in 0..2 {
            assert!(queue.next(50, 100).is_some());
            queue.started(50);
        }
        assert_eq!(queue.next(50, 100), None);
        queue.ended(50);
        assert_eq!(queue.next(51, 100), None);
        assert_eq!(queue.next(50, 100), Some(region(2)));
        queue.ended(50);
        assert_eq!(queue.next(5000, 100), Some(region(3)));
    }
}
