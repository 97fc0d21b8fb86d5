//! What the threads of a run share: when it begins, whether it is to stop, and how many records are still to come. Nothing
//! of it is written on the path of a record.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use crate::error::BenchError;
use crate::moment::{Moment, Timeline};
use crate::tally::Sample;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Control {
    /// Set when all threads are ready.
    pub(crate) timeline: OnceLock<Timeline>,
    /// Set if somebody wants the end earlier than that.
    pub(crate) cut_off: OnceLock<Timeline>,
    stop: AtomicBool,
    /// Producers that still make records or wait for answers.
    producers: AtomicUsize,
    /// Records that consumers are to get, and those that they have got.
    promised: AtomicU64,
    received: AtomicU64,
}

impl Control {
    pub(crate) fn new(producers: usize) -> Self {
        Self { producers: AtomicUsize::new(producers), ..Self::default() }
    }

    /// Asks all threads to end at once.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// A producer is finished; consumers are to get so many records of its own.
    pub(crate) fn producer_finished(&self, promised: u64) {
        self.promised.fetch_add(promised, Ordering::Relaxed);
        self.producers.fetch_sub(1, Ordering::Release);
    }

    /// Consumers have got so many more records.
    pub(crate) fn received(&self, records: u64) {
        self.received.fetch_add(records, Ordering::Relaxed);
    }

    /// Whether consumers have got everything that producers will ever have acknowledged.
    pub(crate) fn is_all_received(&self) -> bool {
        self.producers.load(Ordering::Acquire) == 0
            && self.received.load(Ordering::Relaxed) >= self.promised.load(Ordering::Relaxed)
    }

    /// Records that were acknowledged and have not come.
    pub(crate) fn missing(&self) -> u64 {
        self.promised.load(Ordering::Relaxed).saturating_sub(self.received.load(Ordering::Relaxed))
    }
}

/// What a thread tells whoever runs it.
#[derive(Debug)]
pub(crate) enum Note {
    /// It can begin.
    Ready,
    /// An interval is over.
    Interval(Box<Sample>),
    /// It has nothing more to do, or cannot go on.
    Finished(Finished),
}

/// What a thread says at its end.
#[derive(Debug)]
pub(crate) struct Finished {
    /// When.
    pub(crate) at: Moment,
    /// When its consumers had everything that was there before the run; `None` if they have not.
    pub(crate) caught_up: Option<Moment>,
    /// CPU time that it has used while it was measured, in nanoseconds.
    pub(crate) cpu_nanos: u64,
    /// Why it cannot go on, if that is why it ends.
    pub(crate) error: Option<BenchError>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_has_come_when_no_producer_is_left_and_nothing_is_missing() {
        let control = Control::new(2);
        control.received(3);
        assert!(!control.is_all_received(), "producers may promise more");
        control.producer_finished(2);
        assert!(!control.is_all_received(), "one is left");
        control.producer_finished(2);
        assert!(!control.is_all_received() && control.missing() == 1);
        control.received(1);
        assert!(control.is_all_received() && control.missing() == 0);
    }
}
