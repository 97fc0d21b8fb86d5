//! Reading what a reader may want next before it asks.
//!
//! # Not here
//! How far ahead (`streams.rs`).

use std::ops::Range;

use reactor::{File, Reactor};
use types::Offset;

use super::loads::{PIECE_AHEAD_BYTES_MIN, piece_bytes};
use super::{ColdReads, Extent, open};
use crate::core::Core;
use crate::log::Log;
use crate::open_segments::SegmentKey;
use crate::store::ReadId;
use crate::tail::BLOCK_BYTES;

impl ColdReads {
    /// Reads ahead in a segment that was opened for that.
    pub(super) fn begin_ahead(&mut self, key: SegmentKey, log: &Log, core: &Core) {
        let Some(Extent { file: Some(file), end, .. }) = self.extent(log, key.1, Offset::ZERO) else {
            return;
        };
        let piece = piece_bytes(core);
        self.add_ahead(ReadId(0), key, (0..(2 * piece).min(end), end), piece, &file);
    }

    /// Asks for the `window` bytes from `at` on, as far as there is memory and they are not in memory anyway.
    pub(super) fn read_ahead(
        &mut self,
        reader: ReadId,
        log: &Log,
        at: (Offset, u64),
        mut window: u64,
        core: &Core,
        reactor: &mut Reactor,
    ) {
        let (mut segment, mut at) = at;
        let piece = (window / 2).clamp(PIECE_AHEAD_BYTES_MIN, piece_bytes(core)) / BLOCK_BYTES * BLOCK_BYTES;
        while window > 0 {
            let Some(extent) = self.extent(log, segment, Offset::ZERO) else { return };
            let key = (log.id, segment);
            let end = extent.hot.map_or(extent.end, |hot| hot.min(extent.end));
            let to = at.saturating_add(window).min(end);
            match extent.file {
                Some(file) if !self.add_ahead(reader, key, (at..to, end), piece, &file) => return,
                None if to > at => {
                    if !log.compaction.is_swapping() && self.segments.begin_opening(key) {
                        open(key, log, core, reactor);
                    }
                    return;
                }
                _ => {}
            }
            window -= to.saturating_sub(at);
            match log.bases().find(|base| *base > segment) {
                Some(next) if to >= end && extent.hot.is_none() => (segment, at) = (next, 0),
                _ => return,
            }
        }
    }

    /// Asks for what is missing of a range, in pieces, where more follows up to `end`. Returns whether there was memory
    /// for it.
    fn add_ahead(
        &mut self,
        reader: ReadId,
        key: SegmentKey,
        (range, end): (Range<u64>, u64),
        piece: u64,
        file: &File,
    ) -> bool {
        while let Some(gap) = self.regions.gap(key, range.clone()) {
            let to = gap.end.min((gap.start + piece) / BLOCK_BYTES * BLOCK_BYTES);
            if to == range.end && to < end && to - gap.start < piece {
                // It grows with the next answer.
                return true;
            }
            let bytes = (to - gap.start) as usize;
            while self.memory.used() + bytes > self.ahead_bytes_max && self.regions.give_up_one(true) {}
            if self.memory.used() + bytes > self.ahead_bytes_max {
                return false;
            }
            let reserved = self.memory.reserve(bytes);
            let region = self.regions.add(key, gap.start..to, file.clone(), reserved, self.now);
            self.queue.read_ahead(reader, region);
        }
        true
    }
}
