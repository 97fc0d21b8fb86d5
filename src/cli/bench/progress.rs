//! A line a second that tells how a run goes: in place on a terminal, one below the other elsewhere.

use std::io::{self, IsTerminal, Write};

use bench::words::{count, micros};
use bench::{Digest, Point, Stage, Watch};

use crate::cli::failure::complain;

/// See the module. It writes to standard error: standard output is for the result.
#[derive(Debug)]
pub(super) struct Progress {
    quiet: bool,
    in_place: bool,
    shown: bool,
}

impl Progress {
    pub(super) fn new(quiet: bool) -> Self {
        Self { quiet, in_place: io::stderr().is_terminal(), shown: false }
    }

    /// Leaves the line.
    pub(super) fn end(&mut self) {
        if std::mem::take(&mut self.shown) && self.in_place {
            let _ = io::stderr().write_all(b"\r\x1b[K");
        }
    }
}

impl Watch for Progress {
    fn second(&mut self, stage: Stage, point: &Point) {
        if self.quiet {
            return;
        }
        let line = line(stage, point);
        // The escape clears what the last line had more.
        let line = if self.in_place { format!("\r{line}\x1b[K") } else { format!("{line}\n") };
        let _ = io::stderr().write_all(line.as_bytes());
        self.shown = true;
    }

    fn warning(&mut self, warning: &str) {
        if !self.quiet {
            self.end();
            complain(warning);
        }
    }
}

fn line(stage: Stage, point: &Point) -> String {
    let stage = match stage {
        Stage::Filling => "fill",
        Stage::WarmUp => "warm-up",
        Stage::Measuring => "measure",
        Stage::Draining => "drain",
    };
    let mut line = format!("{stage:>7} {:>6.1} s", point.at_s);
    let per_s = |records: u64| count(records as f64 / point.seconds.max(1e-9));
    if point.produced.records > 0 || point.consumed.records == 0 {
        line += &format!("  produced {:>11}/s", per_s(point.produced.records));
        line += &digest(&point.produce);
    }
    if point.consumed.records > 0 {
        line += &format!("  consumed {:>11}/s", per_s(point.consumed.records));
        line += &digest(&point.end_to_end);
    }
    line
}

fn digest(digest: &Digest) -> String {
    match (digest.p50_us, digest.p99_us, digest.max_us) {
        (Some(p50), Some(p99), Some(max)) => {
            format!("  p50 {}  p99 {}  max {}", micros(p50), micros(p99), micros(max))
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bench::Amount;

    fn point(produced: u64, consumed: u64) -> Point {
        let nothing = Digest::default();
        let latency =
            Digest { p50_us: Some(150.0), p99_us: Some(2_500.0), p999_us: None, max_us: Some(1.2e6) };
        Point {
            at_s: 3.0,
            seconds: 0.5,
            produced: Amount { records: produced, bytes: 0 },
            consumed: Amount { records: consumed, bytes: 0 },
            produce: latency,
            end_to_end: nothing,
            fetch: nothing,
        }
    }

    #[test]
    fn a_second_is_told_in_one_line_with_rates_per_second() {
        let told = line(Stage::Measuring, &point(50_000, 0));
        assert_eq!(told, "measure    3.0 s  produced     100,000/s  p50 150 µs  p99 2.50 ms  max 1.20 s");
        let told = line(Stage::WarmUp, &point(0, 7));
        assert!(told.contains("consumed          14/s") && !told.contains("produced"), "{told}");
        // A broker that answers nothing is told of too.
        assert!(line(Stage::Draining, &point(0, 0)).contains("produced           0/s"));
    }
}
