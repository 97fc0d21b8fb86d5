//! `strome log verify`: is everything in a data directory as it was written?

use std::io::{self, IsTerminal, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use clap::Args;
use quorum::{MetadataLog, QuorumError};
use reactor::Disk;
use replication::{LeaderEpochs, PRODUCERS_MAX, ProducerLimits, ProducerStates};
use serde_json::{Value, json};
use storage::{Contents, Finding, Progress, Severity, StorageError, Verified, VerifyOptions};
use types::{FilePosition, LeaderEpoch, Offset, TimestampMs};

use crate::boot::METADATA_DIR;
use crate::cli::failure::Failure;
use crate::cli::output::{Form, Output};

/// The arguments of `strome log verify`.
#[derive(Args)]
#[command(
    after_help = "Exit code: 0 if all is sound, 1 if there are problems, 2 if nothing could be checked.\n\
    Nothing is changed. Notes tell of leftovers, and of what the next start mends by itself."
)]
pub struct Verify {
    /// Data directories (those of log.dirs), directories of partitions, or segments (*.log)
    #[arg(value_name = "DIR", required = true)]
    paths: Vec<PathBuf>,
    /// Check while a broker runs on the directory; not possible yet
    #[arg(long)]
    online: bool,
    /// How many segments to read at the same time; by default as many as there are processors
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    #[command(flatten)]
    output: Output,
}

/// How often the progress is told.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(500);

impl Verify {
    /// Checks and prints.
    pub fn run(self) -> Result<(), Failure> {
        if self.online {
            return Err(Failure::Usage(
                "a directory can only be checked while no broker runs on it: stop the broker, or check a copy".into(),
            ));
        }
        let available = || thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let options = VerifyOptions {
            threads: self.threads.unwrap_or_else(available),
            contents: Contents { producer_snapshot, leader_epochs },
        };
        let paths = self.paths.iter().map(|path| {
            // A segment named without its directory still lies in one.
            let found = path.canonicalize();
            found.map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))
        });
        let paths = paths.collect::<Result<Vec<_>, _>>()?;
        let disk = Disk::host();
        let mut verified = with_progress(|progress| storage::verify(&disk, &paths, &options, progress))
            .map_err(|error| Failure::Usage(refusal(&error)))?;
        for path in &paths {
            metadata_log(&path.join(METADATA_DIR), &mut verified);
        }
        let is_sound = verified.totals.problems == 0;
        match self.output.form() {
            Form::Json => writeln!(io::stdout().lock(), "{:#}", as_json(&verified))?,
            Form::Table | Form::Plain => print(&verified)?,
        }
        if is_sound { Ok(()) } else { Err(Failure::Reported) }
    }
}

fn refusal(error: &StorageError) -> String {
    match error {
        StorageError::Locked(dir) => {
            format!("{}: a broker is running on it; stop it, or check a copy", dir.display())
        }
        other => other.to_string(),
    }
}

/// Runs `check` while another thread tells how far it is, if standard error is a terminal.
fn with_progress<T>(check: impl FnOnce(&Progress) -> T) -> T {
    let (progress, over) = (Progress::default(), AtomicBool::new(false));
    if !io::stderr().is_terminal() {
        return check(&progress);
    }
    thread::scope(|scope| {
        let teller = scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                thread::park_timeout(PROGRESS_INTERVAL);
                let total = progress.bytes_total.load(Ordering::Relaxed);
                let done = progress.bytes_done.load(Ordering::Relaxed);
                let percent = done.saturating_mul(100).checked_div(total).unwrap_or(0);
                // Nobody has to see it.
                let _ = write!(io::stderr(), "\r{} of {} MiB, {percent} % ", done >> 20, total >> 20);
            }
            let _ = write!(io::stderr(), "\r{:60}\r", "");
        });
        let checked = check(&progress);
        over.store(true, Ordering::Relaxed);
        teller.thread().unpark();
        checked
    })
}

fn producer_snapshot(bytes: &[u8], at: Offset) -> Result<(), String> {
    // Nothing has expired at the beginning of time.
    let limits = ProducerLimits { expiration_ms: i64::MAX, producers: PRODUCERS_MAX };
    let states = ProducerStates::from_snapshot(bytes, at, limits, TimestampMs(0));
    states.map(drop).map_err(|error| error.to_string())
}

fn leader_epochs(text: &str) -> Result<Vec<(LeaderEpoch, Offset)>, String> {
    let epochs = LeaderEpochs::decode(text).map_err(|error| error.to_string())?;
    Ok(epochs.entries().iter().map(|entry| (entry.epoch, entry.start_offset)).collect())
}

/// Adds what is wrong with the metadata log, if one is there.
fn metadata_log(dir: &Path, verified: &mut Verified) {
    if !dir.is_dir() {
        return;
    }
    let finding = |severity, file: &Path, position: Option<u64>, what: String| Finding {
        severity,
        file: file.to_owned(),
        position: position.map(FilePosition),
        what,
    };
    let found = match MetadataLog::read(dir) {
        Ok((_, None)) => return,
        Ok((_, Some(torn))) => {
            verified.totals.notes += 1;
            let what =
                format!("a write that a crash has cut short, which the next start cuts off: {}", torn.what);
            finding(Severity::Note, &torn.file, Some(torn.position), what)
        }
        Err(error) => {
            verified.totals.problems += 1;
            match &error {
                QuorumError::Damaged { path, position, what } => {
                    let what =
                        format!("{what}; what comes after it is intact, so committed metadata is damaged");
                    finding(Severity::Problem, path, Some(*position), what)
                }
                other => finding(Severity::Problem, dir, None, other.to_string()),
            }
        }
    };
    verified.findings.push(found);
}

const fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Problem => "problem",
        Severity::Note => "note",
    }
}

fn print(verified: &Verified) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for Finding { severity, file, position, what } in &verified.findings {
        let position = position.map_or(String::new(), |position| format!(" position {position}:"));
        writeln!(out, "{}: {}:{position} {what}", word(*severity), file.display())?;
    }
    let totals = &verified.totals;
    writeln!(
        out,
        "{} partitions, {} segments, {} batches, {} records, {} bytes, {} records in journals: {} problems, {} notes",
        totals.partitions,
        totals.segments,
        totals.batches,
        totals.records,
        totals.bytes,
        totals.journalled_records,
        totals.problems,
        totals.notes
    )?;
    out.flush()
}

fn as_json(verified: &Verified) -> Value {
    let totals = &verified.totals;
    let findings = verified.findings.iter().map(|finding| {
        json!({
            "severity": word(finding.severity),
            "file": finding.file.display().to_string(),
            "position": finding.position.map(|position| position.0),
            "what": finding.what,
        })
    });
    json!({
        "sound": totals.problems == 0,
        "partitions": totals.partitions,
        "segments": totals.segments,
        "batches": totals.batches,
        "records": totals.records,
        "bytes": totals.bytes,
        "journalled_records": totals.journalled_records,
        "problems": totals.problems,
        "notes": totals.notes,
        "findings": findings.collect::<Vec<_>>(),
    })
}
