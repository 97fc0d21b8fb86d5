//! What a thread counts, interval by interval, from where it is handed over.
//!
//! # Invariants
//! - A tally is handed over before anything is counted that belongs to the next interval.
//! - The end of the warm-up and the end of what is measured are boundaries.

use std::sync::mpsc::Sender;
use std::time::Duration;

use rustix::time::ClockId;

use crate::control::Note;
use crate::moment::{Moment, Timeline};
use crate::process::cpu_time;
use crate::tally::{Sample, Tally};

/// Tallies are handed over so often.
const INTERVAL: Duration = Duration::from_secs(1);

/// See the module.
pub(super) struct Intervals {
    /// Of the current interval.
    pub(super) tally: Tally,
    from: Moment,
    to: Moment,
    /// The thread, and who listens to it.
    index: usize,
    notes: Sender<(usize, Note)>,
    /// What the thread had used when the measured time began.
    cpu_before: Option<Duration>,
}

impl Intervals {
    pub(super) fn new(timeline: &Timeline, index: usize, notes: Sender<(usize, Note)>) -> Self {
        let (from, to) = (timeline.start, first_boundary(timeline));
        Self { tally: Tally::default(), from, to, index, notes, cpu_before: None }
    }

    /// When the current one is over.
    pub(super) fn to(&self) -> Moment {
        self.to
    }

    /// Hands the tally over when its interval is over.
    pub(super) fn turn(&mut self, now: Moment, timeline: &Timeline) {
        if self.cpu_before.is_none() && now >= timeline.measure_from {
            self.cpu_before = Some(cpu_time(ClockId::ThreadCPUTime));
        }
        while now >= self.to {
            self.hand_over(self.to);
            let next = self.to + INTERVAL;
            self.to = if self.from < timeline.end { next.min(timeline.end) } else { next };
        }
    }

    /// The end comes earlier. It is a boundary, unless this thread comes too late for that.
    pub(super) fn cut_off(&mut self, timeline: &Timeline) {
        if self.from < timeline.end {
            self.to = self.to.min(timeline.end);
        }
    }

    /// Hands over what was counted until `to`.
    pub(super) fn hand_over(&mut self, to: Moment) {
        let tally = std::mem::take(&mut self.tally);
        let sample = Sample { from: std::mem::replace(&mut self.from, to), to, tally };
        // Nobody listens only if the run was given up.
        let _ = self.notes.send((self.index, Note::Interval(Box::new(sample))));
    }

    /// CPU time of this thread since the measured time began.
    pub(super) fn cpu_nanos(&self) -> u64 {
        (cpu_time(ClockId::ThreadCPUTime) - self.cpu_before.unwrap_or_default()).as_nanos() as u64
    }
}

/// Intervals are counted from the end of the warm-up in both directions.
fn first_boundary(timeline: &Timeline) -> Moment {
    let warm_up = timeline.measure_from.since(timeline.start).as_nanos();
    let rest = warm_up % INTERVAL.as_nanos();
    let first = if rest == 0 { INTERVAL } else { Duration::from_nanos(rest as u64) };
    let first = timeline.start + first;
    if timeline.start < timeline.end { first.min(timeline.end) } else { first }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    const MS: u64 = 1_000_000;

    /// Beginnings and ends, in milliseconds, of what is handed over by a thread that looks every 10 ms for 4 s. It is told
    /// at `cut_at` that the end is at `end`.
    fn handed_over(warm_up: u64, end: u64, cut: Option<(u64, u64)>) -> Vec<(u64, u64)> {
        let at = |ms: u64| Moment(ms * MS);
        let mut timeline = Timeline {
            start: at(0),
            read_from: at(0),
            measure_from: at(warm_up),
            end: at(end),
            give_up: at(10_000),
        };
        let (sender, notes) = channel();
        let mut intervals = Intervals::new(&timeline, 0, sender);
        for now in (0..=4_000).step_by(10) {
            if let Some((cut_at, end)) = cut
                && now == cut_at
            {
                timeline = timeline.cut_off(at(end), Duration::ZERO);
                intervals.cut_off(&timeline);
            }
            intervals.turn(at(now), &timeline);
        }
        let bounds = |(_, note)| match note {
            Note::Interval(sample) => Some((sample.from.0 / MS, sample.to.0 / MS)),
            _ => None,
        };
        notes.try_iter().filter_map(bounds).collect()
    }

    #[test]
    fn the_end_of_the_warm_up_and_of_the_measured_time_are_boundaries() {
        let seconds = handed_over(1_300, 2_700, None);
        assert_eq!(seconds, [(0, 300), (300, 1_300), (1_300, 2_300), (2_300, 2_700), (2_700, 3_700)]);
        let short = handed_over(0, 400, None);
        assert_eq!(short, [(0, 400), (400, 1_400), (1_400, 2_400), (2_400, 3_400)]);
    }

    #[test]
    fn what_other_threads_use_meanwhile_is_not_a_threads_own() {
        let (now, never) = (Moment::ORIGIN, Moment::NEVER);
        let timeline = Timeline { start: now, read_from: now, measure_from: now, end: never, give_up: never };
        let mut intervals = Intervals::new(&timeline, 0, channel().0);
        intervals.turn(now, &timeline);
        std::thread::spawn(|| while cpu_time(ClockId::ThreadCPUTime).as_millis() < 20 {}).join().unwrap();
        assert!(intervals.cpu_nanos() < 20 * MS);
    }

    #[test]
    fn an_end_that_comes_earlier_is_a_boundary_unless_it_is_over() {
        let in_time = handed_over(0, 9_000, Some((1_450, 1_500)));
        assert_eq!(in_time, [(0, 1_000), (1_000, 1_500), (1_500, 2_500), (2_500, 3_500)]);
        // Told after the second that the end lies in was handed over.
        let too_late = handed_over(0, 9_000, Some((1_450, 900)));
        assert_eq!(too_late, [(0, 1_000), (1_000, 2_000), (2_000, 3_000), (3_000, 4_000)]);
    }
}
