//! A line on the terminal that tells how far it is.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use crate::client::Report;

/// How often the line changes.
const PERIOD: Duration = Duration::from_millis(500);

/// Silent where standard error is no terminal, or where standard input is one: somebody types there.
#[derive(Debug)]
pub(super) struct Progress {
    begun: Instant,
    shown: Option<Instant>,
    enabled: bool,
}

impl Progress {
    pub(super) fn new(begun: Instant) -> Self {
        let enabled = io::stderr().is_terminal() && !io::stdin().is_terminal();
        Self { begun, shown: None, enabled }
    }

    /// Shows the line if it is time.
    pub(super) fn show(&mut self, report: &Report, pushed: u64) {
        let last = self.shown.unwrap_or(self.begun);
        if !self.enabled || last.elapsed() < PERIOD {
            return;
        }
        self.shown = Some(Instant::now());
        let seconds = self.begun.elapsed().as_secs_f64();
        let mib = report.bytes_acknowledged as f64 / (1024.0 * 1024.0);
        let (done, failed) = (report.records_acknowledged, report.records_failed());
        let failed = if failed > 0 { format!(", {failed} FAILED") } else { String::new() };
        let rate = done as f64 / seconds;
        // The escape clears what the last line had more.
        let line = format!("\r{pushed} read, {done} acknowledged ({mib:.1} MiB, {rate:.0}/s){failed}\x1b[K");
        let _ = io::stderr().write_all(line.as_bytes());
    }

    /// Clears the line.
    pub(super) fn end(&mut self) {
        if self.shown.take().is_some() {
            let _ = io::stderr().write_all(b"\r\x1b[K");
        }
    }
}
