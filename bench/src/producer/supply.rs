//! The records that a producer has yet to make: when the next one is due, and how many may still come.

use std::time::Duration;

use crate::moment::{Moment, Timeline};
use crate::schedule::Schedule;

/// Latencies of a histogram of three digits are alike within this share of them.
const ALIKE_SHARE: u32 = 2_000;

/// What the next record is waited for.
#[derive(Debug)]
enum Pace {
    /// For room.
    Closed,
    /// For its time.
    Open(Schedule),
}

/// See the module.
#[derive(Debug)]
pub(super) struct Supply {
    pace: Pace,
    /// Records that may still be made, where their number ends the run.
    left: Option<u64>,
    over: bool,
}

impl Supply {
    /// Records at the times of `schedule`, which counts from `start`, or, without one, whenever there is room.
    pub(super) fn new(schedule: Option<Schedule>, left: Option<u64>, start: Moment) -> Self {
        let pace = schedule.map_or(Pace::Closed, |schedule| Pace::Open(schedule.shifted(start)));
        Self { pace, left, over: false }
    }

    /// Whether no more records come.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// Takes the next record, of which there is room for one, and returns when it was due; `None` if it is not due yet.
    /// None is due from `end` on.
    pub(super) fn take(&mut self, now: Moment, end: Moment) -> Option<Moment> {
        if self.over {
            return None;
        }
        let due = match &self.pace {
            Pace::Closed => now,
            Pace::Open(schedule) => schedule.due(),
        };
        if self.left == Some(0) || due >= end {
            self.over = true;
            return None;
        }
        if due > now {
            return None;
        }
        if let Pace::Open(schedule) = &mut self.pace {
            schedule.take();
        }
        if let Some(left) = &mut self.left {
            *left -= 1;
        }
        Some(due)
    }

    /// When to [`take`](Self::take) again. Scheduled records may be as late as `tick`, so that several are made at once.
    pub(super) fn wake(&self, now: Moment, tick: Duration) -> Moment {
        match &self.pace {
            _ if self.over => Moment::NEVER,
            Pace::Closed => now,
            Pace::Open(schedule) => schedule.due().max(now + tick),
        }
    }

    /// Makes no more records. Those that were due by now and were not made are told to `lost`: when, and how many.
    pub(super) fn give_up(&mut self, timeline: &Timeline, now: Moment, mut lost: impl FnMut(Moment, u64)) {
        self.over = true;
        let Pace::Open(schedule) = &mut self.pace else { return };
        let end = timeline.end.min(now);
        while self.left != Some(0) && schedule.due() < end {
            // There may be billions. Those whose latencies the histogram would hardly tell apart count as the first.
            let due = schedule.due();
            let alike = due + (now.since(due) / ALIKE_SHARE);
            let boundary = if due < timeline.measure_from { timeline.measure_from } else { end };
            let until = alike.min(boundary).max(Moment(due.0 + 1));
            let count = schedule.take_until(until, self.left.unwrap_or(u64::MAX));
            self.left = self.left.map(|left| left - count);
            lost(due, count);
        }
    }
}
