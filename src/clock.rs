//! The time, read once per turn of a loop and passed on.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use net::Moment;
use types::TimestampMs;

/// One moment on every clock.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// For time-outs.
    pub monotonic: Instant,
    /// The same, for where the time of requests goes.
    pub moment: Moment,
    /// For what is stored and compared with stored times.
    pub wall: TimestampMs,
}

impl Now {
    /// This moment.
    pub fn read() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let wall = TimestampMs(i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
        let monotonic = Instant::now();
        Self { monotonic, moment: Moment::of(monotonic), wall }
    }
}
