//! The shards' journals: what they hold of logs has to be whole, and to continue what the segments hold.
//!
//! After a clean stop everything in them is in segments, too, and the next start does not read them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use reactor::Disk;
use record::{batches, check_crc};
use types::Offset;

use super::findings::{Findings, Severity};
use super::{name_of, records};
use crate::error::StorageError;
use crate::journal::{self, Held, LogKey, Piece};
use crate::log_dir::entries;

/// Records of one log that a journal holds.
#[derive(Clone, Debug)]
pub(super) struct Journalled {
    journal: PathBuf,
    position: u64,
    /// Where the log ended before them, and where it ends with them.
    from: Offset,
    end: Offset,
    pub(super) records: u64,
}

/// What journals hold, by log.
pub(super) type Journals = BTreeMap<LogKey, Vec<Journalled>>;

/// Reads the journals of the data directory `dir`.
pub(super) fn check(
    disk: &Disk,
    dir: &Path,
    clean: bool,
    findings: &Findings,
) -> Result<Journals, StorageError> {
    let mut found = Journals::new();
    for (name, path) in entries(disk, dir)? {
        if !journal::is_journal(&name) {
            continue;
        }
        match journal::look(disk, &path) {
            Ok(held) => {
                for damage in &held.damage {
                    // A clean stop needs nothing of it.
                    let severity = if clean { Severity::Note } else { Severity::Problem };
                    findings.at(severity, &path, damage.position.0, damage.what.clone());
                }
                if !clean {
                    pieces(&held, &path, &mut found, findings);
                }
            }
            Err(error) => findings.about(Severity::Problem, &path, error.to_string()),
        }
    }
    for of_log in found.values_mut() {
        of_log.sort_by_key(|piece| (piece.from, piece.end));
    }
    Ok(found)
}

/// Looks at every piece of a journal.
fn pieces(held: &Held, path: &Path, found: &mut Journals, findings: &Findings) {
    for piece in &held.pieces {
        match held.read(piece, path) {
            Ok(bytes) => {
                let (end, records) = look_into(piece, &bytes, path, findings);
                let (journal, position, from) = (path.to_owned(), piece.position, piece.from);
                let journalled = Journalled { journal, position, from, end, records };
                found.entry(piece.log).or_default().push(journalled);
            }
            Err(error) => findings.at(Severity::Problem, path, piece.position, error.to_string()),
        }
    }
}

/// Where the log ends behind a piece, and how many records it has; what is wrong inside it is told.
fn look_into(piece: &Piece, bytes: &[u8], path: &Path, findings: &Findings) -> (Offset, u64) {
    let (mut end, mut at, mut count) = (piece.from, piece.position, 0);
    let problem = |at, what: String| findings.at(Severity::Problem, path, at, what);
    for batch in batches(bytes) {
        let (header, batch) = match batch {
            Ok(batch) => batch,
            Err(error) => {
                problem(at, error.to_string());
                break;
            }
        };
        if header.base_offset < end {
            problem(
                at,
                format!("the batch at offset {} follows one that ended at {end}", header.base_offset),
            );
        }
        if let Err(error) = check_crc(batch) {
            problem(at, error.to_string());
        } else if let Err(records::Fault::Wrong(what)) = records::check(&header, batch) {
            problem(at, format!("the batch at offset {}: {what}", header.base_offset));
        }
        end = header.next_offset().max(end);
        at += batch.len() as u64;
        count += u64::try_from(header.record_count).unwrap_or_default();
    }
    (end, count)
}

/// Where a log ends whose segments end at `end`, with what journals hold of it. What cannot follow is told.
pub(super) fn end_with(journalled: &[Journalled], end: Offset, findings: &Findings) -> Offset {
    let mut end = end;
    for piece in journalled {
        if piece.from > end {
            let what = format!(
                "records that followed offset {} cannot follow a log that ends at {end}: what lay between is lost",
                piece.from
            );
            findings.at(Severity::Problem, &piece.journal, piece.position, what);
        }
        end = end.max(piece.end);
    }
    end
}

/// What a file is that belongs to journals and is none; `None` for other files.
pub(super) fn about_companion(path: &Path) -> Option<&'static str> {
    let (journal, suffix) = name_of(path).rsplit_once('.')?;
    match suffix {
        "void" if journal::is_journal(journal) => {
            Some("says of which logs a journal holds nothing that counts")
        }
        "damaged" if journal::is_journal(journal) => {
            Some("a journal of which something could not be read; what could was replayed")
        }
        _ => None,
    }
}
