//! Keeps a log line that any client can provoke from filling the log.

use std::time::{Duration, Instant};

const PERIOD: Duration = Duration::from_secs(10);

/// Lets one line through in ten seconds and counts the others.
#[derive(Default)]
pub(crate) struct LogLimit {
    next: Option<Instant>,
    suppressed: u64,
}

impl LogLimit {
    /// Whether a line may be written at `now`; if so, how many were not since the last.
    pub(crate) fn admit(&mut self, now: Instant) -> Option<u64> {
        if self.next.is_some_and(|next| now < next) {
            self.suppressed += 1;
            return None;
        }
        self.next = Some(now + PERIOD);
        Some(std::mem::take(&mut self.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_goes_through_in_a_period_and_the_next_says_how_many_did_not() {
        let start = Instant::now();
        let mut limit = LogLimit::default();
        assert_eq!(limit.admit(start), Some(0));
        assert_eq!(limit.admit(start), None);
        assert_eq!(limit.admit(start + PERIOD / 2), None);
        assert_eq!(limit.admit(start + PERIOD), Some(2));
        assert_eq!(limit.admit(start + PERIOD), None);
    }
}
