//! `strome tune disk`: measure a disk.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::RangedU64ValueParser;
use serde_json::{Value, json};
use tuning::Host;
use tuning::disk::{
    Advice, Comparison, DiskError, DiskProfile, Measured, Outcome, Plan, Progress, Verdict, measure,
};
use types::ByteCount;

use super::units;
use crate::cli::failure::{Failure, complain};
use crate::cli::output::{Form, Output, Table};
use crate::cli::{say, stop_flag};

/// The arguments of `strome tune disk`.
#[derive(Args)]
pub struct Disk {
    /// A log directory, or any directory of the disk
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// How long the measurement may take
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = RangedU64ValueParser::<u64>::new().range(1..=3600))]
    seconds: u64,
    /// How large the test file is to be, such as 512M or 4G; without, 1G or what half of the free space allows
    #[arg(long, value_name = "BYTES", value_parser = units::bytes)]
    size: Option<ByteCount>,
    /// Measure some cases with fio, too, in turns (takes two minutes longer)
    #[arg(long)]
    fio: bool,
    /// Do not keep the profile in the directory
    #[arg(long)]
    no_save: bool,
    #[command(flatten)]
    output: Output,
}

impl Disk {
    pub fn run(self) -> Result<(), Failure> {
        let plan = Plan {
            dir: self.dir.clone(),
            time: Duration::from_secs(self.seconds),
            size: self.size,
            with_fio: self.fio,
            stop: stop_flag(),
        };
        let mut line = ProgressLine::new();
        let outcome = measure(&Host::real(), &plan, |progress| line.show(progress));
        line.clear();
        let outcome = outcome?;
        if !self.no_save {
            outcome.profile.save(&self.dir)?;
        }
        self.print(&outcome)?;
        Ok(())
    }

    fn print(&self, outcome: &Outcome) -> io::Result<()> {
        let profile = &outcome.profile;
        let verdict = Verdict::of(profile);
        if self.output.form() == Form::Table {
            write!(io::stdout(), "{verdict}")?;
            say("")?;
        }
        self.output.print(&table(profile), || to_json(outcome, &verdict))?;
        if self.output.form() == Form::Table {
            if !outcome.comparisons.is_empty() {
                say("")?;
                self.output.print(&comparisons(&outcome.comparisons), || Value::Null)?;
            }
            if !self.no_save {
                let path = self.dir.join(tuning::disk::FILE_NAME);
                say(&format!("\nkept in {}, where `strome serve` looks for it", path.display()))?;
            }
        }
        Ok(())
    }
}

impl From<DiskError> for Failure {
    fn from(error: DiskError) -> Self {
        match error {
            DiskError::NotADirectory(_) => Self::Usage(error.to_string()),
            error => Self::Said(error.to_string()),
        }
    }
}

fn table(profile: &DiskProfile) -> Table {
    let mut table = Table::new(&["WHAT", "PER SECOND", "MIB/S", "P50 US", "P99 US", "P99.9 US", "MAX US"]);
    for measured in std::iter::once(&profile.fresh).chain(&profile.measured) {
        table.row(vec![
            measured.case.to_string(),
            format!("{:.0}", measured.per_second()),
            format!("{:.1}", measured.bytes_per_second() / MIB),
            measured.p50.as_micros().to_string(),
            measured.p99.as_micros().to_string(),
            measured.p999.as_micros().to_string(),
            measured.max.as_micros().to_string(),
        ]);
    }
    table
}

const MIB: f64 = 1024.0 * 1024.0;

fn comparisons(comparisons: &[Comparison]) -> Table {
    let mut table = Table::new(&["WHAT", "STROME PER SECOND", "FIO PER SECOND", "STROME / FIO"]);
    for comparison in comparisons {
        let (ours, fios) = comparison.per_second();
        let ratio = if fios > 0.0 { format!("{:.2}", ours / fios) } else { String::new() };
        table.row(vec![comparison.case.to_string(), format!("{ours:.0}"), format!("{fios:.0}"), ratio]);
    }
    table
}

fn to_json(outcome: &Outcome, verdict: &Verdict) -> Value {
    let advice = Advice::of(&outcome.profile);
    let comparisons = outcome.comparisons.iter().map(|comparison| {
        let (ours, fios) = comparison.per_second();
        json!({ "what": comparison.case.to_string(), "strome_per_second": ours, "fio_per_second": fios })
    });
    json!({
        "profile": outcome.profile.to_json(),
        "verdict": verdict.sentences,
        "advice": {
            "inline_commits": advice.inline_commits,
            "write_back_bytes": advice.write_back_bytes.0,
            "cold_read_bytes": advice.cold_bytes.0,
            "cold_read_bytes_committing": advice.cold_bytes_committing.0,
        },
        "fio": comparisons.collect::<Vec<_>>(),
    })
}

/// How it goes, on standard error: one line that is written anew where a person looks on, else nothing but what matters.
struct ProgressLine {
    is_watched: bool,
    is_open: bool,
}

impl ProgressLine {
    fn new() -> Self {
        Self { is_watched: io::stderr().is_terminal(), is_open: false }
    }

    fn show(&mut self, progress: &Progress) {
        match progress {
            Progress::Begun { size, is_direct } => {
                let way = if *is_direct {
                    "past the page cache"
                } else {
                    "through the page cache: no O_DIRECT here"
                };
                complain(&format!("measuring with a file of {} MiB, {way}", size.0 / (1024 * 1024)));
            }
            Progress::Case { done, of, measured } if self.is_watched => {
                self.is_open = true;
                let _ = write!(io::stderr(), "\r\x1b[K[{done}/{of}] {}", line(measured));
            }
            Progress::Case { .. } => {}
        }
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.is_open) {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

fn line(measured: &Measured) -> String {
    format!(
        "{}: {:.0}/s, {:.1} MiB/s, p99 {} us",
        measured.case,
        measured.per_second(),
        measured.bytes_per_second() / MIB,
        measured.p99.as_micros()
    )
}
