//! What one thread has seen in one interval of a run. Threads hand their tallies over and begin new ones, so that nothing
//! is shared while it is measured.

use std::collections::BTreeMap;

use crate::latency::Latencies;
use crate::moment::{Moment, Timeline};

/// Records and their bytes (keys and values, uncompressed).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// Records.
    pub records: u64,
    /// Bytes.
    pub bytes: u64,
}

impl Amount {
    /// Adds another amount.
    pub fn add(&mut self, other: Self) {
        self.records += other.records;
        self.bytes += other.bytes;
    }
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Acknowledged.
    pub produced: Amount,
    /// Received by consumers.
    pub consumed: Amount,
    /// From when a record was due until it was acknowledged.
    pub produce: Latencies,
    /// From when a record was due until a consumer had it.
    pub end_to_end: Latencies,
    /// From a fetch until its answer, if that had records.
    pub fetch: Latencies,
    /// Produce requests that were answered.
    pub produce_requests: u64,
    /// Fetch requests that were answered.
    pub fetch_requests: u64,
    /// Batches that were sent again, and partitions that were asked for again, by Kafka's error code.
    pub retries: BTreeMap<i16, u64>,
    /// Connections that had to be made again.
    pub reconnects: u64,
    /// Records without an acknowledgement when the run gave up on them. Their latency counts as the time until then.
    pub unacknowledged: u64,
}

impl Tally {
    /// Adds another tally.
    pub fn add(&mut self, other: &Self) {
        self.produced.add(other.produced);
        self.consumed.add(other.consumed);
        self.produce.add(&other.produce);
        self.end_to_end.add(&other.end_to_end);
        self.fetch.add(&other.fetch);
        self.produce_requests += other.produce_requests;
        self.fetch_requests += other.fetch_requests;
        for (code, count) in &other.retries {
            *self.retries.entry(*code).or_default() += count;
        }
        self.reconnects += other.reconnects;
        self.unacknowledged += other.unacknowledged;
    }

    /// Counts something that has to be tried again.
    pub fn retry(&mut self, code: i16) {
        *self.retries.entry(code).or_default() += 1;
    }
}

/// Whether the latency of a record that was due at `due` and is answered at `now` belongs into the tally: during the
/// warm-up all, for those who watch; later only what was due after the warm-up and before the end.
pub(crate) fn counts(timeline: &Timeline, due: Moment, now: Moment) -> bool {
    timeline.measures(due) || now < timeline.measure_from
}

/// A tally and its interval.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Its beginning.
    pub from: Moment,
    /// Its end, which does not belong to it.
    pub to: Moment,
    /// What was seen.
    pub tally: Tally,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn everything_in_a_tally_is_added() {
        let latencies = |count| {
            let mut latencies = Latencies::default();
            latencies.record(Duration::from_millis(1), count);
            latencies
        };
        let one = Tally {
            produced: Amount { records: 1, bytes: 2 },
            consumed: Amount { records: 3, bytes: 4 },
            produce: latencies(5),
            end_to_end: latencies(6),
            fetch: latencies(7),
            produce_requests: 8,
            fetch_requests: 9,
            retries: [(3, 10), (6, 11)].into(),
            reconnects: 12,
            unacknowledged: 13,
        };
        let mut both = one.clone();
        both.add(&one);
        // A new figure has to be named here, too.
        let Tally {
            produced,
            consumed,
            produce,
            end_to_end,
            fetch,
            produce_requests,
            fetch_requests,
            retries,
            reconnects,
            unacknowledged,
        } = both;
        assert_eq!((produced, consumed), (Amount { records: 2, bytes: 4 }, Amount { records: 6, bytes: 8 }));
        assert_eq!([&produce, &end_to_end, &fetch].map(Latencies::count), [10, 12, 14]);
        assert_eq!([produce_requests, fetch_requests, reconnects, unacknowledged], [16, 18, 24, 26]);
        assert_eq!(retries, [(3, 20), (6, 22)].into());
    }

    #[test]
    fn a_record_of_the_warm_up_that_is_answered_later_is_left_out() {
        let at = Moment;
        let timeline =
            Timeline { start: at(0), read_from: at(0), measure_from: at(10), end: at(20), give_up: at(30) };
        assert!(counts(&timeline, at(3), at(5)));
        assert!(!counts(&timeline, at(3), at(15)));
        assert!(counts(&timeline, at(12), at(29)));
        assert!(!counts(&timeline, at(20), at(21)));
    }
}
