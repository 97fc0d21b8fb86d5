//! The operations of a case that are in flight on one ring, and what is known of those that have landed.

use std::io;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use reactor::Token;
use types::FilePosition;

use super::case::{Case, Measured};

/// Latencies are kept with so many digits, up to a minute.
const DIGITS: u8 = 3;
const LATENCY_NS_MAX: u64 = 60_000_000_000;

/// See the module.
pub(super) struct Flight {
    pub(super) case: Case,
    /// How many of the case are in flight on this ring.
    pub(super) slots: u16,
    pub(super) begun: Instant,
    /// When no more are begun.
    pub(super) until: Instant,
    ended: Instant,
    /// When the operation with this token was begun.
    pub(super) since: Vec<Instant>,
    pub(super) cursor: Cursor,
    /// The same for what is read meanwhile.
    pub(super) beside: Cursor,
    pub(super) in_flight: usize,
    pub(super) operations: u64,
    reads_beside: u64,
    latencies: Histogram<u64>,
}

/// The next place in a part of the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor {
    at: u64,
    from: u64,
    to: u64,
    wraps: bool,
}

impl Cursor {
    /// From here to there once.
    pub(super) fn once(from: u64, to: u64) -> Self {
        Self { at: from, from, to, wraps: false }
    }

    /// From here to there, over and over.
    pub(super) fn again(from: u64, to: u64) -> Self {
        Self { at: from, from, to, wraps: true }
    }

    /// The place for `bytes` bytes, unless the part is used up.
    pub(super) fn next(&mut self, bytes: u64) -> Option<FilePosition> {
        if self.at + bytes > self.to {
            if !self.wraps || self.from + bytes > self.to {
                return None;
            }
            self.at = self.from;
        }
        let at = self.at;
        self.at += bytes;
        Some(FilePosition(at))
    }
}

impl Flight {
    /// One that begins now, with `slots` operations at a time.
    pub(super) fn begin(
        case: Case,
        slots: u16,
        cursor: Cursor,
        beside: Cursor,
        time: Duration,
    ) -> io::Result<Self> {
        let begun = Instant::now();
        Ok(Self {
            case,
            slots,
            begun,
            until: begun + time,
            ended: begun,
            since: vec![begun; usize::from(slots)],
            cursor,
            beside,
            in_flight: 0,
            operations: 0,
            reads_beside: 0,
            latencies: Histogram::new_with_bounds(1, LATENCY_NS_MAX, DIGITS).map_err(io::Error::other)?,
        })
    }

    /// The operation with this token has landed.
    pub(super) fn note(&mut self, token: Token, now: Instant) {
        let since = usize::try_from(token.0).ok().and_then(|slot| self.since.get(slot));
        let Some(since) = since else {
            self.reads_beside += 1;
            return;
        };
        self.operations += 1;
        self.ended = now;
        let nanoseconds = u64::try_from(now.duration_since(*since).as_nanos()).unwrap_or(u64::MAX);
        self.latencies.saturating_record(nanoseconds.max(1));
    }

    /// Takes in what another ring has done of the same case at the same time.
    pub(super) fn take_in(&mut self, other: &Self) {
        self.begun = self.begun.min(other.begun);
        self.ended = self.ended.max(other.ended);
        self.operations += other.operations;
        self.reads_beside += other.reads_beside;
        // All have the same bounds.
        let _ = self.latencies.add(&other.latencies);
    }

    /// What has come out.
    pub(super) fn measured(&self) -> Measured {
        let quantile = |share| Duration::from_nanos(self.latencies.value_at_quantile(share));
        Measured {
            case: self.case,
            operations: self.operations,
            elapsed: self.ended.duration_since(self.begun),
            p50: quantile(0.5),
            p99: quantile(0.99),
            p999: quantile(0.999),
            max: Duration::from_nanos(self.latencies.max()),
            reads_beside: self.reads_beside,
        }
    }
}
