//! How a command ends: 0 if it did what it was asked for, 1 if not; clap ends with 2 for arguments that make no sense.
//! Other codes are those of single commands, which tell of them in their help.

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use crate::client::ClientError;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    Client(#[from] ClientError),
    /// Standard output is gone. If its reader has simply had enough this is no failure.
    #[error("cannot write to standard output: {0}")]
    Output(#[from] io::Error),
    /// In its own words.
    #[error("{0}")]
    Said(String),
    /// What was asked for makes no sense, or cannot be done at all.
    #[error("{0}")]
    Usage(String),
    /// Everything has been said already.
    #[error("")]
    Reported,
    /// Likewise, and the exit code tells more.
    #[error("")]
    Ended(u8),
}

/// As clap has it.
const EXIT_USAGE: u8 = 2;

/// The exit code, after saying what is left to say.
pub fn exit(result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Output(error)) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(Failure::Reported) => ExitCode::FAILURE,
        Err(Failure::Ended(code)) => ExitCode::from(code),
        Err(Failure::Usage(text)) => {
            complain(&text);
            ExitCode::from(EXIT_USAGE)
        }
        Err(failure) => {
            complain(&failure.to_string());
            ExitCode::FAILURE
        }
    }
}

/// Says something on standard error, wherever that leads.
pub fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "strome: {text}");
}
