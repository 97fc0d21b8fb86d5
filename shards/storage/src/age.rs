//! How old the segment that is written is, and when it is too old: `segment.ms` and `segment.jitter.ms`.
//!
//! # Not here
//! The other reasons to begin the next segment (`log.rs`); old segments that are dropped (`maintain.rs`).

use types::{Offset, TimestampMs};

use crate::recover::Origin;
use crate::settings::LogSettings;

/// What the age of a segment is counted from (Kafka's `LogSegment.timeWaitedForRoll`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Began {
    /// The timestamp of its first batch. Its age is that of the batch which comes next, by the producers' clocks.
    FirstBatch(TimestampMs),
    /// Its first batch has no timestamp: the time of the first append, or of the broker's start.
    Seen(TimestampMs),
}

impl Began {
    /// A segment whose first batch has this newest timestamp, met at `now`.
    pub(crate) fn of(first: TimestampMs, now: TimestampMs) -> Self {
        if first > TimestampMs::NONE { Self::FirstBatch(first) } else { Self::Seen(now) }
    }

    /// The segment's age when a batch with the newest timestamp `next` comes at `now`.
    pub(crate) fn age_ms(self, next: TimestampMs, now: TimestampMs) -> i64 {
        match self {
            Self::FirstBatch(first) => next.0.saturating_sub(first.0),
            Self::Seen(seen) => now.0.saturating_sub(seen.0),
        }
    }
}

/// Whether a segment of this age is to be followed by another. Nearly all batches know without asking for the jitter.
pub(crate) fn is_over(age_ms: i64, settings: &LogSettings, jitter_ms: impl FnOnce() -> i64) -> bool {
    age_ms > settings.segment_ms
        || age_ms > settings.segment_ms.saturating_sub(settings.segment_jitter_ms)
            && age_ms > settings.segment_ms - jitter_ms()
}

/// By how much the time of the segment at `base` is shorter: less than `segment.jitter.ms`, and than `segment.ms`.
/// Spread evenly over logs and segments, as Kafka's random number is, but the same whenever it is asked for.
pub(crate) fn jitter_ms(origin: &Origin, base: Offset, settings: &LogSettings) -> i64 {
    let most = settings.segment_jitter_ms.min(settings.segment_ms);
    if most <= 0 {
        return 0;
    }
    let topic = u128::from_be_bytes(origin.topic.0);
    let partition = u64::from(origin.name.partition.0.unsigned_abs());
    let seed = [topic as u64, (topic >> 64) as u64, partition, base.0.unsigned_abs()];
    let mixed = seed.into_iter().fold(0, |mixed, word| mix(mixed ^ word));
    // Below `most`, which is an i64.
    (mixed % most.unsigned_abs()) as i64
}

/// The finalizer of splitmix64: every bit of `word` changes half of the result's.
fn mix(word: u64) -> u64 {
    let word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}
