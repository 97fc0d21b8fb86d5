//! The order in which pieces of files are read for cold readers: a class of its own with few reads in flight, so that
//! the commits of producers find the disk free whoever reads whatever.
//!
//! # Invariants
//! - No more than `in_flight_max` loads are with the disk at any time.
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
#[derive(Debug)]
pub(crate) struct LoadQueue {
    in_flight: usize,
    in_flight_max: usize,
    wanted: Turns,
    ahead: Turns,
}

/// Readers with pieces to load, each with its pieces in order; the first reader's turn is next.
#[derive(Debug, Default)]
struct Turns(VecDeque<(ReadId, VecDeque<RegionName>)>);

impl LoadQueue {
    pub(crate) fn new(in_flight_max: usize) -> Self {
        let (wanted, ahead) = (Turns::default(), Turns::default());
        Self { in_flight: 0, in_flight_max: in_flight_max.max(1), wanted, ahead }
    }

    /// A reader waits for this, or will next.
    pub(crate) fn want(&mut self, reader: ReadId, region: RegionName) {
        self.wanted.push(reader, region);
    }

    /// A reader may come to this.
    pub(crate) fn read_ahead(&mut self, reader: ReadId, region: RegionName) {
        self.ahead.push(reader, region);
    }

    /// What is to be loaded next, if there is anything and its turn has come. One that nobody needs any longer is not
    /// to be counted with [`Self::started`].
    pub(crate) fn next(&mut self) -> Option<RegionName> {
        if self.in_flight >= self.in_flight_max {
            return None;
        }
        self.wanted.pop().or_else(|| self.ahead.pop())
    }

    pub(crate) fn started(&mut self) {
        self.in_flight += 1;
    }

    pub(crate) fn ended(&mut self) {
        debug_assert!(self.in_flight > 0, "more loads have ended than were started");
        self.in_flight = self.in_flight.saturating_sub(1);
    }
}

impl Turns {
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
        std::iter::from_fn(|| queue.next()).map(|region| region.start).collect()
    }

    #[test]
    fn readers_take_turns_and_what_is_waited_for_goes_first() {
        let mut queue = LoadQueue::new(1);
        queue.read_ahead(ReadId(9), region(90));
        for start in [10, 11, 12] {
            queue.want(ReadId(1), region(start));
        }
        queue.want(ReadId(2), region(20));
        queue.want(ReadId(3), region(30));
        assert_eq!(starts(&mut queue), [10, 20, 30, 11, 12, 90]);
    }

    #[test]
    fn so_many_are_in_flight_and_no_more() {
        let mut queue = LoadQueue::new(2);
        for start in 0..3 {
            queue.want(ReadId(1), region(start));
        }
        for _ in 0..2 {
            assert!(queue.next().is_some());
            queue.started();
        }
        assert_eq!(queue.next(), None);
        queue.ended();
        assert_eq!(queue.next(), Some(region(2)));
    }
}
