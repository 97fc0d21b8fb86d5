//! Who reads on where, and how far ahead of whom it is worth to read.
//!
//! A reader is known by the place where its last answer ended: whoever reads from there reads on. The window ahead of it
//! grows with every answer. A reader that jumps is a new one, and the place that it has left is soon forgotten. Readers
//! that come to the same place share it, and what was read ahead.
//!
//! # Not here
//! Reading ahead (`reader.rs`).

use std::collections::BTreeMap;

use types::{Offset, TimestampMs};

use crate::store::LogId;

/// The first window of a reader that reads on, in bytes.
const WINDOW_BYTES_MIN: u64 = 256 * 1024;
/// The longest: enough for the disk to be busy while the client takes what it has got.
const WINDOW_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// A window that would be shorter, since many share the memory, is none.
const WINDOW_BYTES_USEFUL: u64 = 128 * 1024;
/// So many places are known; the one that was reached the longest ago is forgotten first.
const STREAMS_MAX: usize = 1024;
/// A reader that has not come for so long is given up, with what was read ahead for it.
pub(crate) const IDLE_MS: i64 = 5_000;

/// Where a reader's last answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stream {
    /// The segment, and the position in it.
    pub(crate) segment: Offset,
    pub(crate) position: u64,
    /// How far ahead is read: nothing after the first answer.
    window: u64,
    /// What the log had got by then, in all.
    log_bytes: u64,
    reached_at: TimestampMs,
}

/// The places that readers of a store have reached. Lives with it.
#[derive(Debug)]
pub(crate) struct Streams {
    by_next: BTreeMap<(LogId, Offset), Stream>,
    /// What all windows may add up to.
    bytes_max: u64,
}

impl Streams {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { by_next: BTreeMap::new(), bytes_max: bytes_max as u64 }
    }

    /// The reader whose last answer ended at `from`, if there is one.
    pub(crate) fn at(&self, log: LogId, from: Offset) -> Option<Stream> {
        self.by_next.get(&(log, from)).copied()
    }

    /// How much a log that has got `log_bytes` in all has grown since the last answer of the reader that reads on at `from`.
    pub(crate) fn grown(&self, log: LogId, from: Offset, log_bytes: u64) -> u64 {
        self.at(log, from).map_or(0, |stream| log_bytes.saturating_sub(stream.log_bytes))
    }

    /// A reader has got an answer of `bytes` that began at `from` and ended before `next`, which lies at `position` of
    /// `segment`, when the log had got `log_bytes` in all. Returns how many bytes beyond are worth to be read now. `shared`
    /// if it found what was read for others.
    pub(crate) fn answered(
        &mut self,
        log: LogId,
        (from, next): (Offset, Offset),
        (segment, position): (Offset, u64),
        (bytes, shared): (u64, bool),
        log_bytes: u64,
        now: TimestampMs,
    ) -> u64 {
        let before = self.by_next.remove(&(log, from)).map(|stream| stream.window);
        let window = match before {
            Some(window) => window * 2,
            None if shared => WINDOW_BYTES_MIN,
            None => 0,
        };
        // Less than two answers would have the disk rest while the client takes one.
        let window = if window == 0 && before.is_none() {
            0
        } else {
            window.max(2 * bytes).clamp(WINDOW_BYTES_MIN, WINDOW_BYTES_MAX)
        };
        if self.by_next.len() >= STREAMS_MAX
            && let Some(oldest) =
                self.by_next.iter().min_by_key(|(_, stream)| stream.reached_at).map(|(key, _)| *key)
        {
            self.by_next.remove(&oldest);
        }
        let stream = Stream { segment, position, window, log_bytes, reached_at: now };
        let here = self.by_next.entry((log, next)).or_insert(stream);
        // Another one may stand here already.
        here.window = here.window.max(window);
        here.reached_at = now;
        let window = here.window;
        self.fair(window)
    }

    /// The part of a window for which there is memory.
    fn fair(&self, window: u64) -> u64 {
        // Those that have read once and may never come again do not count.
        let sharers = self.by_next.values().filter(|stream| stream.window > 0).count();
        let share = self.bytes_max / sharers.max(1) as u64;
        if share < WINDOW_BYTES_USEFUL { 0 } else { window.min(share) }
    }

    /// Gives up readers that have not come for long.
    pub(crate) fn expire(&mut self, now: TimestampMs) {
        self.by_next.retain(|_, stream| now.0 - stream.reached_at.0 < IDLE_MS);
    }

    /// What lies in these segments is gone or other than it was.
    pub(crate) fn forget(&mut self, log: LogId, is_gone: impl Fn(Offset) -> bool) {
        self.by_next.retain(|(of, _), stream| *of != log || !is_gone(stream.segment));
    }
}

const _: () = assert!(WINDOW_BYTES_USEFUL <= WINDOW_BYTES_MIN && WINDOW_BYTES_MIN <= WINDOW_BYTES_MAX);

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: LogId = LogId { key: 0, generation: 1 };
    const NOW: TimestampMs = TimestampMs(1_000_000);

    fn step(streams: &mut Streams, from: i64) -> u64 {
        let next = (Offset(from), Offset(from + 10));
        streams.answered(LOG, next, (Offset(0), from as u64 * 100 + 1000), (1000, false), 0, NOW)
    }

    #[test]
    fn the_window_grows_while_a_reader_reads_on_and_begins_anew_after_a_jump() {
        let mut streams = Streams::new(1 << 30);
        assert_eq!(step(&mut streams, 0), 0, "one read is no stream");
        assert_eq!(step(&mut streams, 10), WINDOW_BYTES_MIN);
        assert_eq!(step(&mut streams, 20), 2 * WINDOW_BYTES_MIN);
        assert_eq!(streams.at(LOG, Offset(30)).map(|stream| stream.position), Some(3000));
        for from in (30..200).step_by(10) {
            assert!(step(&mut streams, from) <= WINDOW_BYTES_MAX);
        }
        assert_eq!(step(&mut streams, 200), WINDOW_BYTES_MAX);
        assert_eq!(step(&mut streams, 500), 0);
        assert_eq!(step(&mut streams, 510), WINDOW_BYTES_MIN);
    }

    #[test]
    fn the_window_holds_two_answers() {
        let mut streams = Streams::new(1 << 30);
        step(&mut streams, 0);
        let ends = (Offset(10), Offset(20));
        let window = streams.answered(LOG, ends, (Offset(0), 9000), (1 << 20, false), 0, NOW);
        assert_eq!(window, 2 << 20);
    }

    #[test]
    fn many_readers_share_the_memory_and_too_many_get_no_window() {
        let mut streams = Streams::new(1 << 20);
        for reader in 0..4 {
            step(&mut streams, reader * 1000);
            step(&mut streams, reader * 1000 + 10);
            step(&mut streams, reader * 1000 + 20);
        }
        assert_eq!(step(&mut streams, 30), 256 * 1024, "a quarter");
        for reader in 4..100 {
            step(&mut streams, reader * 1000);
        }
        assert_eq!(step(&mut streams, 40), 256 * 1024, "who reads once takes no part");
        for reader in 4..100 {
            step(&mut streams, reader * 1000 + 10);
        }
        assert_eq!(step(&mut streams, 50), 0);
        streams.expire(TimestampMs(NOW.0 + IDLE_MS));
        assert_eq!(streams.at(LOG, Offset(60)), None);
    }

    #[test]
    fn a_reader_is_known_by_how_much_the_log_has_grown_since_its_last_answer() {
        let mut streams = Streams::new(1 << 30);
        let mut answered = |from, next, log_bytes| {
            streams.answered(
                LOG,
                (Offset(from), Offset(next)),
                (Offset(0), 9000),
                (1000, false),
                log_bytes,
                NOW,
            )
        };
        answered(0, 10, 5_000);
        answered(10, 20, 70_000);
        assert_eq!(streams.grown(LOG, Offset(20), 100_000), 30_000);
        assert_eq!(streams.grown(LOG, Offset(20), 60_000), 0, "it was opened anew");
        assert_eq!(streams.grown(LOG, Offset(10), 100_000), 0, "nobody reads on there any more");
    }

    #[test]
    fn known_places_are_bounded_and_forgotten_with_their_segment() {
        let mut streams = Streams::new(1 << 30);
        for reader in 0..2 * STREAMS_MAX as i64 {
            step(&mut streams, reader * 100);
        }
        assert_eq!(streams.by_next.len(), STREAMS_MAX);
        streams.forget(LOG, |segment| segment >= Offset(1));
        assert_eq!(streams.by_next.len(), STREAMS_MAX);
        streams.forget(LOG, |segment| segment < Offset(1));
        assert_eq!(streams.by_next.len(), 0);
    }
}
