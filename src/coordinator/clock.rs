//! The time as coordinators see it: of day when the shard began, and steady from then on. When somebody sets the host's clock,
//! no member's session ends because of it.

use std::time::{Duration, Instant};

use types::TimestampMs;

use crate::clock::Now;

/// See the module. Lives as long as its shard.
#[derive(Clone, Copy)]
pub(super) struct SteadyClock {
    began: Now,
}

impl SteadyClock {
    /// A clock that is right at this moment.
    pub(super) fn starting(now: Now) -> Self {
        Self { began: now }
    }

    /// The time of day at `now`, had nobody set the clock.
    pub(super) fn at(&self, now: Instant) -> TimestampMs {
        let since = now.saturating_duration_since(self.began.monotonic);
        TimestampMs(self.began.wall.0.saturating_add(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)))
    }

    /// When it is that time. One that has passed is now due.
    pub(super) fn when(&self, time: TimestampMs) -> Instant {
        let ahead = time.0.saturating_sub(self.began.wall.0);
        let far = self.began.monotonic + FAR;
        let ahead = Duration::from_millis(u64::try_from(ahead).unwrap_or(0));
        self.began.monotonic.checked_add(ahead).unwrap_or(far).min(far)
    }
}

/// No deadline is further away: ten years.
const FAR: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_due_exactly_at_its_time() {
        let began = Now { wall: TimestampMs(1_000_000), ..Now::read() };
        let clock = SteadyClock::starting(began);
        let at = clock.when(TimestampMs(1_000_250));
        assert_eq!(at, began.monotonic + Duration::from_millis(250));
        assert_eq!(clock.at(at), TimestampMs(1_000_250));
        assert_eq!(clock.when(TimestampMs(5)), began.monotonic);
        assert_eq!(clock.when(TimestampMs(i64::MAX)), began.monotonic + FAR);
    }
}
