//! Looking into a journal without opening it: nothing is changed.

use std::path::Path;

use reactor::{Disk, File};
use types::{FilePosition, Offset};

use crate::checkpoint::read_text;
use crate::error::{Context, StorageError};
use crate::journal::format::Kind;
use crate::journal::scan::{self, LogKey, VOID, with_suffix};
use crate::recover::Damage;

/// What a journal holds.
#[derive(Debug)]
pub(crate) struct Held {
    file: File,
    /// Records that may not be in segments yet, in the order in which they were written.
    pub(crate) pieces: Vec<Piece>,
    /// Commits that may have been needed and cannot be read.
    pub(crate) damage: Vec<Damage>,
}

/// Batches of one log in a journal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece {
    pub(crate) log: LogKey,
    /// Where the log ended before them.
    pub(crate) from: Offset,
    /// Where they lie in the file.
    pub(crate) position: u64,
    pub(crate) bytes: u32,
}

/// Whether a file of this name is a journal.
pub(crate) fn is_journal(name: &str) -> bool {
    name.strip_prefix(scan::NAME).is_some_and(|number| number.parse::<u64>().is_ok())
}

/// Reads the journal at `path`.
///
/// # Errors
/// `Malformed` for one of a later release; errors of the operating system.
pub(crate) fn look(disk: &Disk, path: &Path) -> Result<Held, StorageError> {
    let contents = scan::read(disk, path)?;
    let void = read_text(disk, &with_suffix(path, VOID))?.unwrap_or_default();
    let is_void = |log: LogKey| void.lines().any(|line| line == format!("{} {}", log.0, log.1));
    let mut pieces: Vec<Piece> = Vec::new();
    let needed = contents.commits.iter().filter(|commit| !commit.is_released);
    for entry in needed.flat_map(|commit| &commit.entries) {
        let log = (entry.header.topic, entry.header.partition);
        match entry.header.kind {
            Kind::Void => pieces.retain(|piece| piece.log != log),
            Kind::Records { .. } if is_void(log) => {}
            Kind::Records { from } => {
                pieces.push(Piece { log, from, position: entry.position, bytes: entry.header.bytes });
            }
        }
    }
    Ok(Held { file: contents.file, pieces, damage: contents.damage })
}

impl Held {
    /// The batches of a piece.
    pub(crate) fn read(&self, piece: &Piece, path: &Path) -> Result<Vec<u8>, StorageError> {
        // Held against the file's length when the commit was read.
        let mut bytes = vec![0; piece.bytes as usize];
        self.file.read_exact_at(&mut bytes, FilePosition(piece.position)).context("read", path)?;
        Ok(bytes)
    }
}
