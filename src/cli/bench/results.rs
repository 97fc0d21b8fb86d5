//! What becomes of a result: it is told, and kept where that was asked for.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::Value;

use super::text::{self, Row};
use crate::cli::failure::{Failure, complain};
use crate::cli::output::{Form, Output};

/// The arguments of whatever measures.
#[derive(Args)]
pub(super) struct Results {
    /// Also write the result to a file, as JSON
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Do not tell how it goes
    #[arg(long, short)]
    pub(super) quiet: bool,
    #[command(flatten)]
    output: Output,
}

impl Results {
    /// A file that cannot be written is better known before a run than after it.
    pub(super) fn check(&self) -> Result<(), Failure> {
        self.save.iter().try_for_each(|path| check_writable(path))
    }

    /// Whether the result goes to this file.
    pub(super) fn are_saved_in(&self, path: &Path) -> bool {
        self.save.as_deref() == Some(path)
    }

    /// How the run goes, unless nobody wants to know.
    pub(super) fn tell(&self, line: &str) {
        if !self.quiet {
            complain(line);
        }
    }

    /// Keeps a result, and shows it also where it cannot be kept.
    pub(super) fn show(&self, rows: &[Row], json: &Value) -> Result<(), Failure> {
        let json = format!("{json:#}\n");
        let saved = self.save.iter().try_for_each(|path| write(path, &json));
        let shown = match self.output.form() {
            Form::Table => text::aligned(rows),
            Form::Plain => text::plain(rows),
            Form::Json => json,
        };
        let mut out = io::stdout().lock();
        out.write_all(shown.as_bytes())?;
        out.flush()?;
        saved
    }
}

/// Says whether a file can be written, and leaves it as it is.
pub(super) fn check_writable(path: &Path) -> Result<(), Failure> {
    let is_new = !path.exists();
    if !is_new && !path.is_file() && !path.is_dir() {
        // Whoever reads a pipe would take this for its end.
        return Ok(());
    }
    let opened = fs::OpenOptions::new().write(true).create(true).truncate(false).open(path);
    opened.map_err(|error| at(path, &error))?;
    if is_new {
        let _ = fs::remove_file(path);
    }
    Ok(())
}

/// Writes a file anew.
pub(super) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text).map_err(|error| at(path, &error))
}

/// What is wrong with a file.
pub(super) fn at(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::Said(format!("{}: {error}", path.display()))
}
