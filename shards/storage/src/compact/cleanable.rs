//! Which part of a log may be compacted, and whether it is worth it; Kafka's `LogCleanerManager`.
//!
//! ```text
//! log start        first dirty                 first uncleanable        active segment
//!    |  clean: the last record of each key  |  dirty: as appended  |  not yet  |
//! ```
//!
//! Pure: segments and offsets in, a verdict out.

use types::{Offset, TimestampMs};

use super::CompactionSettings;
use crate::segment::Segment;

/// What a verdict is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Situation<'a> {
    /// Segments that get no more batches and are durable, oldest first.
    pub(crate) sealed: &'a [Segment],
    /// Where the first segment begins that is none of those.
    pub(crate) active: Offset,
    pub(crate) log_start: Offset,
    pub(crate) log_end: Offset,
    /// Everything below was compacted before; `None` if nothing was.
    pub(crate) checkpoint: Option<Offset>,
    /// What lies at or above is not decided: the last stable offset.
    pub(crate) below: Offset,
    /// The timestamp of the first batch of the oldest dirty segment, if it is known and asked for.
    pub(crate) oldest_dirty: Option<TimestampMs>,
    pub(crate) now: TimestampMs,
}

/// What could be compacted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cleanable {
    /// Everything below was compacted before.
    pub(crate) first_dirty: Offset,
    /// Nothing at or above is touched.
    pub(crate) first_uncleanable: Offset,
    /// Bytes of segments below the first dirty offset.
    pub(crate) clean_bytes: u64,
    /// Bytes of segments between both offsets.
    pub(crate) dirty_bytes: u64,
    /// Whether `max.compaction.lag.ms` has passed.
    pub(crate) is_overdue: bool,
}

impl Cleanable {
    /// What could be compacted of a log in this situation.
    pub(crate) fn of(situation: &Situation<'_>, settings: &CompactionSettings) -> Self {
        let first_dirty = match situation.checkpoint {
            Some(at) if at >= situation.log_start && at <= situation.log_end => at,
            _ => situation.log_start,
        };
        let limit = situation.below.min(situation.active);
        let limit = too_young(situation, first_dirty, settings).map_or(limit, |young| young.min(limit));
        let first_uncleanable = segment_at(situation.sealed, limit.max(first_dirty), situation.active);
        let sealed = situation.sealed;
        let clean = sealed.iter().filter(|segment| segment.base < first_dirty);
        let from = segment_at(sealed, first_dirty, situation.active);
        let dirty = sealed.iter().filter(|segment| segment.base >= from && segment.base < first_uncleanable);
        let latest = situation.now.0.saturating_sub(settings.max_lag_ms);
        Self {
            first_dirty,
            first_uncleanable,
            clean_bytes: clean.map(|segment| segment.bytes).sum(),
            dirty_bytes: dirty.map(|segment| segment.bytes).sum(),
            is_overdue: situation.oldest_dirty.is_some_and(|oldest| oldest.0 > 0 && oldest.0 < latest),
        }
    }

    /// The share of what would be read that was not compacted yet; 0 if there is nothing.
    pub(crate) fn dirty_ratio(&self) -> f64 {
        match self.clean_bytes + self.dirty_bytes {
            0 => 0.0,
            all => self.dirty_bytes as f64 / all as f64,
        }
    }

    /// Whether it is time.
    pub(crate) fn is_due(&self, settings: &CompactionSettings) -> bool {
        self.first_dirty < self.first_uncleanable
            && self.dirty_bytes > 0
            && (self.is_overdue || self.dirty_ratio() > settings.min_dirty_ratio)
    }
}

/// Where the first dirty segment begins that holds something younger than `min.compaction.lag.ms`.
fn too_young(
    situation: &Situation<'_>,
    first_dirty: Offset,
    settings: &CompactionSettings,
) -> Option<Offset> {
    if settings.min_lag_ms <= 0 {
        return None;
    }
    let from = segment_at(situation.sealed, first_dirty, situation.active);
    let oldest = situation.now.0.saturating_sub(settings.min_lag_ms);
    let mut dirty = situation.sealed.iter().filter(|segment| segment.base >= from);
    dirty.find(|segment| segment.max_timestamp.0 > oldest).map(|segment| segment.base)
}

/// Where the segment begins that holds `offset`; `active` if none of `sealed` does.
fn segment_at(sealed: &[Segment], offset: Offset, active: Offset) -> Offset {
    if offset >= active {
        return active;
    }
    let behind = sealed.partition_point(|segment| segment.base <= offset);
    let found = behind.checked_sub(1).and_then(|at| sealed.get(at)).or(sealed.first());
    found.map_or(active, |segment| segment.base)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: CompactionSettings = CompactionSettings {
        min_dirty_ratio: 0.5,
        min_lag_ms: 0,
        max_lag_ms: i64::MAX,
        delete_retention_ms: 1000,
    };

    fn sealed() -> Vec<Segment> {
        let segment =
            |(base, bytes, newest)| Segment { base: Offset(base), bytes, max_timestamp: TimestampMs(newest) };
        [(0, 100, 1000), (10, 200, 2000), (20, 300, 3000)].map(segment).to_vec()
    }

    fn situation(sealed: &[Segment], checkpoint: Option<i64>) -> Situation<'_> {
        Situation {
            sealed,
            active: Offset(30),
            log_start: Offset(0),
            log_end: Offset(35),
            checkpoint: checkpoint.map(Offset),
            below: Offset(33),
            oldest_dirty: None,
            now: TimestampMs(4000),
        }
    }

    fn offsets(situation: &Situation<'_>, settings: &CompactionSettings) -> (i64, i64, u64, u64) {
        let found = Cleanable::of(situation, settings);
        (found.first_dirty.0, found.first_uncleanable.0, found.clean_bytes, found.dirty_bytes)
    }

    #[test]
    fn everything_between_the_checkpoint_and_the_active_segment_is_dirty() {
        let sealed = sealed();
        assert_eq!(offsets(&situation(&sealed, None), &SETTINGS), (0, 30, 0, 600));
        assert_eq!(offsets(&situation(&sealed, Some(20)), &SETTINGS), (20, 30, 300, 300));
        // A pass that ended within a segment has left it clean in part: it counts on both sides.
        assert_eq!(offsets(&situation(&sealed, Some(15)), &SETTINGS), (15, 30, 300, 500));
        assert_eq!(offsets(&situation(&sealed, Some(30)), &SETTINGS), (30, 30, 600, 0));
        assert_eq!(offsets(&situation(&sealed, Some(36)), &SETTINGS), (0, 30, 0, 600), "beyond the log");
        let deleted = Situation { log_start: Offset(12), ..situation(&sealed[1..], Some(5)) };
        assert_eq!(offsets(&deleted, &SETTINGS), (12, 30, 200, 500), "before the log");
    }

    #[test]
    fn what_is_not_stable_or_too_young_stays() {
        let sealed = sealed();
        let undecided = Situation { below: Offset(25), ..situation(&sealed, None) };
        assert_eq!(offsets(&undecided, &SETTINGS), (0, 20, 0, 300), "the segment with the open transaction");
        let lag = CompactionSettings { min_lag_ms: 1500, ..SETTINGS };
        assert_eq!(offsets(&situation(&sealed, None), &lag), (0, 20, 0, 300));
        let lag = CompactionSettings { min_lag_ms: 2500, ..SETTINGS };
        assert_eq!(offsets(&situation(&sealed, None), &lag), (0, 10, 0, 100));
        assert!(!Cleanable::of(&situation(&sealed, Some(10)), &lag).is_due(&lag), "nothing is old enough");
        assert_eq!(offsets(&situation(&[], None), &SETTINGS), (0, 30, 0, 0));
    }

    #[test]
    fn it_is_time_above_the_ratio_or_when_the_lag_has_passed() {
        let sealed = sealed();
        let is_due =
            |situation: &Situation<'_>, settings| Cleanable::of(situation, settings).is_due(settings);
        let half = situation(&sealed, Some(20));
        assert!(!is_due(&half, &SETTINGS), "exactly the ratio is not above it");
        assert!(is_due(&half, &CompactionSettings { min_dirty_ratio: 0.49, ..SETTINGS }));
        let lag = CompactionSettings { max_lag_ms: 1000, ..SETTINGS };
        assert!(!is_due(&half, &lag), "the age is not known");
        assert!(is_due(&Situation { oldest_dirty: Some(TimestampMs(2999)), ..half }, &lag));
        assert!(!is_due(&Situation { oldest_dirty: Some(TimestampMs(3000)), ..half }, &lag));
        let nothing = Situation { oldest_dirty: Some(TimestampMs(1)), ..situation(&sealed, Some(30)) };
        assert!(!is_due(&nothing, &lag));
    }
}
