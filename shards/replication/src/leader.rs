//! The offsets of one partition as its leader sees them: where the log starts and ends, what of it is durable, and
//! the high watermark up to which consumers may read.
//!
//! Appends and completed flushes go in, the high watermark and due flushes come out.
//!
//! # Invariants
//! - `log_start <= high_watermark <= log_end` and `durable_end <= log_end`.
//! - The high watermark never moves back while the leadership lasts, whatever the settings become.
//! - Under `flush.messages=1` it never passes what is durable.
//!
//! # Replicas
//! The replication factor is 1 here: what the leader counts as held is held by all replicas. With followers, the
//! high watermark becomes the smallest position among the in-sync replicas, each counted by the same rule (durable
//! or appended), and the place where they join is [`Leader::held`]; nothing outside this file changes.
//!
//! # Not here
//! Waiting producers and consumers; what a flush does.

use types::{Offset, TimestampMs};

use crate::error::ReplicationError;

/// When records must be durable: a topic's `flush.messages` and `flush.ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlushRule {
    /// Flush once so many records are not durable. 1 means that nothing counts as held before it is durable.
    pub messages: i64,
    /// Flush once a record has not been durable for so long.
    pub interval_ms: i64,
}

impl FlushRule {
    /// Nothing is acknowledged to `acks=all`, or shown to consumers, before it is durable.
    pub const DURABLE: Self = Self { messages: 1, interval_ms: i64::MAX };

    /// Whether records count as held only when they are durable.
    #[must_use]
    pub const fn holds_only_durable(&self) -> bool {
        self.messages <= 1
    }
}

/// See the module. Lives on the shard that leads the partition, for as long as it leads.
#[derive(Clone, Debug)]
pub struct Leader {
    log_start: Offset,
    high_watermark: Offset,
    durable_end: Offset,
    log_end: Offset,
    /// When the oldest record that is not durable was appended; `None` when all are. After a flush that left some
    /// behind, the time of that flush's completion: they were appended while it ran.
    dirty_since: Option<TimestampMs>,
    rule: FlushRule,
}

impl Leader {
    /// A leader begins with a recovered log, all of which is durable.
    /// With replication factor 1 all that was recovered is readable.
    ///
    /// # Panics
    /// If `log_end` lies before `log_start`.
    #[must_use]
    pub fn new(log_start: Offset, log_end: Offset, rule: FlushRule) -> Self {
        assert!(log_start <= log_end, "a log ends where it starts, or later");
        Self { log_start, high_watermark: log_end, durable_end: log_end, log_end, dirty_since: None, rule }
    }

    /// Offset of the first record that can be read.
    #[must_use]
    pub fn log_start(&self) -> Offset {
        self.log_start
    }

    /// The offset after the last record that consumers may read.
    #[must_use]
    pub fn high_watermark(&self) -> Offset {
        self.high_watermark
    }

    /// The offset after the last durable record.
    #[must_use]
    pub fn durable_end(&self) -> Offset {
        self.durable_end
    }

    /// The offset that the next record gets.
    #[must_use]
    pub fn log_end(&self) -> Offset {
        self.log_end
    }

    /// The rule in force.
    #[must_use]
    pub fn rule(&self) -> FlushRule {
        self.rule
    }

    /// The log now ends at `log_end`; `now` is when that happened. Returns whether the high watermark moved.
    ///
    /// # Panics
    /// If the log would become shorter.
    pub fn appended(&mut self, log_end: Offset, now: TimestampMs) -> bool {
        assert!(log_end >= self.log_end, "a leader's log only grows");
        if log_end > self.log_end {
            self.log_end = log_end;
            self.dirty_since.get_or_insert(now);
        }
        self.advance()
    }

    /// All before `durable_end` is durable; completions may come out of order. Returns whether the high watermark
    /// moved.
    ///
    /// # Panics
    /// If more is said to be durable than was appended.
    pub fn made_durable(&mut self, durable_end: Offset, now: TimestampMs) -> bool {
        assert!(durable_end <= self.log_end, "only what was appended can be durable");
        if durable_end > self.durable_end {
            self.durable_end = durable_end;
            self.dirty_since = (durable_end < self.log_end).then_some(now);
        }
        self.advance()
    }

    /// The log now starts at `log_start`: retention or DeleteRecords. Earlier starts are ignored.
    ///
    /// # Errors
    /// `BeyondHighWatermark`, which DeleteRecords answers with OFFSET_OUT_OF_RANGE.
    pub fn log_start_moved(&mut self, log_start: Offset) -> Result<(), ReplicationError> {
        if log_start > self.high_watermark {
            return Err(ReplicationError::BeyondHighWatermark {
                wanted: log_start,
                high_watermark: self.high_watermark,
            });
        }
        self.log_start = self.log_start.max(log_start);
        Ok(())
    }

    /// The settings changed. Returns whether the high watermark moved; it does not go back under a stricter rule.
    pub fn set_rule(&mut self, rule: FlushRule) -> bool {
        self.rule = rule;
        self.advance()
    }

    /// Whether a flush has to start at `now`.
    #[must_use]
    pub fn flush_due(&self, now: TimestampMs) -> bool {
        let unflushed = self.log_end.0 - self.durable_end.0;
        unflushed > 0
            && (unflushed >= self.rule.messages.max(1) || self.flush_deadline().is_some_and(|at| at <= now))
    }

    /// When a flush becomes due without another append; `None` while all is durable.
    #[must_use]
    pub fn flush_deadline(&self) -> Option<TimestampMs> {
        self.dirty_since.map(|since| TimestampMs(since.0.saturating_add(self.rule.interval_ms.max(0))))
    }

    /// The offset before which this replica counts every record as held.
    fn held(&self) -> Offset {
        if self.rule.holds_only_durable() { self.durable_end } else { self.log_end }
    }

    fn advance(&mut self) -> bool {
        let held = self.held();
        let moved = held > self.high_watermark;
        self.high_watermark = self.high_watermark.max(held);
        assert!(
            self.log_start <= self.high_watermark && self.high_watermark <= self.log_end,
            "the high watermark lies within the log"
        );
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEVER: FlushRule = FlushRule { messages: i64::MAX, interval_ms: i64::MAX };

    #[test]
    fn a_durable_rule_holds_the_watermark_until_the_flush() {
        let mut leader = Leader::new(Offset(0), Offset(10), FlushRule::DURABLE);
        assert!(!leader.appended(Offset(15), TimestampMs(1)));
        assert_eq!(leader.high_watermark(), Offset(10));
        assert!(leader.flush_due(TimestampMs(1)));
        assert!(leader.made_durable(Offset(13), TimestampMs(2)));
        assert_eq!(leader.high_watermark(), Offset(13));
        assert!(leader.flush_due(TimestampMs(2)));
        assert!(leader.made_durable(Offset(15), TimestampMs(3)));
        assert!(!leader.flush_due(TimestampMs(4)));
        assert!(!leader.made_durable(Offset(14), TimestampMs(5)), "a late completion changes nothing");
        assert_eq!(leader.durable_end(), Offset(15));
    }

    #[test]
    fn a_lazy_rule_lets_the_watermark_follow_the_append() {
        let mut leader = Leader::new(Offset(0), Offset(0), NEVER);
        assert!(leader.appended(Offset(5), TimestampMs(1)));
        assert_eq!(leader.high_watermark(), Offset(5));
        assert!(!leader.flush_due(TimestampMs(i64::MAX - 1)));
    }

    #[test]
    fn a_flush_is_due_by_count_and_by_age() {
        let mut leader = Leader::new(Offset(0), Offset(0), FlushRule { messages: 3, interval_ms: 100 });
        leader.appended(Offset(2), TimestampMs(1000));
        assert!(!leader.flush_due(TimestampMs(1099)));
        assert_eq!(leader.flush_deadline(), Some(TimestampMs(1100)));
        assert!(leader.flush_due(TimestampMs(1100)));
        leader.appended(Offset(3), TimestampMs(1001));
        assert!(leader.flush_due(TimestampMs(1001)));
        leader.made_durable(Offset(2), TimestampMs(1050));
        assert_eq!(leader.flush_deadline(), Some(TimestampMs(1150)));
        leader.made_durable(Offset(3), TimestampMs(1060));
        assert_eq!(leader.flush_deadline(), None);
    }

    #[test]
    fn a_stricter_rule_does_not_move_the_watermark_back() {
        let mut leader = Leader::new(Offset(0), Offset(0), NEVER);
        leader.appended(Offset(5), TimestampMs(1));
        assert!(!leader.set_rule(FlushRule::DURABLE));
        assert_eq!(leader.high_watermark(), Offset(5));
        assert!(!leader.made_durable(Offset(5), TimestampMs(2)));
        leader.appended(Offset(6), TimestampMs(3));
        assert!(leader.set_rule(NEVER));
        assert_eq!(leader.high_watermark(), Offset(6));
    }

    #[test]
    fn the_log_start_stays_below_the_watermark() {
        let mut leader = Leader::new(Offset(0), Offset(10), FlushRule::DURABLE);
        leader.appended(Offset(20), TimestampMs(1));
        assert!(leader.log_start_moved(Offset(11)).is_err());
        assert_eq!(leader.log_start_moved(Offset(10)), Ok(()));
        assert_eq!(leader.log_start_moved(Offset(4)), Ok(()));
        assert_eq!(leader.log_start(), Offset(10));
    }
}
