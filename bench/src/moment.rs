//! Time as a run counts it: nanoseconds since its origin, the same on all of its threads.

use std::ops::Add;
use std::time::{Duration, Instant};

/// A moment of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(pub u64);

impl Moment {
    /// Where time is counted from.
    pub const ORIGIN: Self = Self(0);
    /// Later than anything.
    pub const NEVER: Self = Self(u64::MAX);

    /// How long before `self` the moment `earlier` was; nothing if it was not before.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Moment {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)))
    }
}

/// The clock of a run.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: Instant,
}

impl Clock {
    /// A clock whose origin is now.
    #[must_use]
    pub fn start() -> Self {
        Self { origin: Instant::now() }
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Moment {
        Moment::ORIGIN + self.origin.elapsed()
    }

    /// The same moment for who waits by the system's clock; `None` for one that never comes.
    #[must_use]
    pub fn instant(&self, moment: Moment) -> Option<Instant> {
        if moment == Moment::NEVER { None } else { self.origin.checked_add(Duration::from_nanos(moment.0)) }
    }
}

/// What of a run is measured: everything from `measure_from` until `end`. What lies before warms up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// The first record is due.
    pub start: Moment,
    /// Consumers begin.
    pub read_from: Moment,
    /// The warm-up is over.
    pub measure_from: Moment,
    /// No record is due from here on; `NEVER` where something else than time ends the run.
    pub end: Moment,
    /// Answers that have not come by then are given up.
    pub give_up: Moment,
}

impl Timeline {
    /// The same with an end at `end` and answers awaited for `drain` after it, where that is earlier.
    #[must_use]
    pub fn cut_off(self, end: Moment, drain: Duration) -> Self {
        Self { end: self.end.min(end), give_up: self.give_up.min(end + drain), ..self }
    }

    /// Whether something that happened, or was to happen, at `moment` counts.
    #[must_use]
    pub fn measures(&self, moment: Moment) -> bool {
        self.measure_from <= moment && moment < self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_warm_up_and_what_is_after_the_end_do_not_count() {
        let at = Moment;
        let timeline =
            Timeline { start: at(10), read_from: at(10), measure_from: at(20), end: at(30), give_up: at(40) };
        let measured: Vec<bool> = [10, 19, 20, 29, 30].map(|moment| timeline.measures(at(moment))).into();
        assert_eq!(measured, [false, false, true, true, false]);
    }

    #[test]
    fn what_is_cut_off_ends_earlier_and_never_later() {
        let at = Moment;
        let whole =
            Timeline { start: at(10), read_from: at(10), measure_from: at(20), end: at(30), give_up: at(40) };
        let ends = |end, drain| {
            let cut = whole.cut_off(at(end), Duration::from_nanos(drain));
            (cut.end.0, cut.give_up.0)
        };
        assert_eq!([ends(25, 3), ends(25, 99), ends(35, 1)], [(25, 28), (25, 40), (30, 36)]);
    }

    #[test]
    fn a_moment_that_never_comes_stays_out_of_reach() {
        assert_eq!(Moment::NEVER + Duration::from_secs(1), Moment::NEVER);
        assert_eq!(Clock::start().instant(Moment::NEVER), None);
        assert_eq!(Moment(3).since(Moment(5)), Duration::ZERO);
    }
}
