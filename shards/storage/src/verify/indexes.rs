//! Index files held against the batches of their segment, entry by entry while the segment is read.
//!
//! What is checked is what lookups rely on. An offset entry may name a later offset than the last one of its batch, as
//! Kafka's followers write it for several batches at once: a lookup that begins at its position still finds everything.

use std::io::{self, BufReader, ErrorKind, Read};
use std::path::PathBuf;

use reactor::{Disk, FileReader, OpenOptions};
use record::BatchHeader;
use types::{FilePosition, Offset, TimestampMs};

use super::findings::{Findings, Severity};
use crate::{index, time_index};

const BUFFER_BYTES: usize = 64 * 1024;

/// The entries of an index file, `N` bytes each.
struct Entries<const N: usize> {
    path: PathBuf,
    file: Option<BufReader<FileReader>>,
    position: u64,
    severity: Severity,
    exists: bool,
}

impl<const N: usize> Entries<N> {
    fn open(disk: &Disk, path: PathBuf, severity: Severity, findings: &Findings) -> Self {
        let file = match disk.open(&path, OpenOptions::READ.buffered()) {
            Ok(file) => {
                let reader = FileReader::new(file, FilePosition::ZERO);
                Some(BufReader::with_capacity(BUFFER_BYTES, reader))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                findings.about(Severity::Note, &path, "is missing; the next start makes it anew");
                None
            }
            Err(error) => {
                findings.about(Severity::Problem, &path, format!("cannot be opened: {error}"));
                None
            }
        };
        let exists = file.is_some();
        Self { path, file, position: 0, severity, exists }
    }

    /// The next entry with its position. Entries of zeros at the end are room that was made ahead.
    fn next(&mut self, findings: &Findings) -> Option<(u64, [u8; N])> {
        let (at, mut entry) = (self.position, [0; N]);
        match fill(self.file.as_mut()?, &mut entry) {
            Ok(0) => self.file = None,
            Ok(read) if read < N => {
                findings.at(self.severity, &self.path, at, "the last entry is cut off");
                self.file = None;
            }
            Ok(_) if entry == [0; N] => self.zeros(findings),
            Ok(_) => {
                self.position += N as u64;
                return Some((at, entry));
            }
            Err(error) => {
                findings.at(Severity::Problem, &self.path, at, format!("cannot be read: {error}"));
                self.file = None;
            }
        }
        None
    }

    /// Nothing may follow zeros.
    fn zeros(&mut self, findings: &Findings) {
        let Some(mut file) = self.file.take() else { return };
        let (mut at, mut piece) = (self.position, [0; 4096]);
        loop {
            match file.read(&mut piece) {
                Ok(0) => return,
                Ok(read) => {
                    let used = piece.iter().take(read).position(|byte| *byte != 0);
                    if let Some(used) = used {
                        let what = format!("entries follow zeros, at position {}", at + used as u64);
                        findings.at(self.severity, &self.path, self.position, what);
                        return;
                    }
                    at += read as u64;
                }
                Err(error) => {
                    findings.at(Severity::Problem, &self.path, at, format!("cannot be read: {error}"));
                    return;
                }
            }
        }
    }

    fn wrong(&self, at: u64, what: String, findings: &Findings) {
        findings.at(self.severity, &self.path, at, what);
    }
}

/// Fills `entry` as far as the file goes.
fn fill(file: &mut impl Read, entry: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = entry.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// An offset index beside the batches of its segment.
pub(super) struct OffsetCheck {
    entries: Entries<{ index::ENTRY_BYTES }>,
    base: Offset,
    next: Option<OffsetEntry>,
    /// The last entry that was looked at.
    before: Option<OffsetEntry>,
}

#[derive(Clone, Copy)]
struct OffsetEntry {
    at: u64,
    offset: Offset,
    position: u64,
}

impl OffsetCheck {
    pub(super) fn open(
        disk: &Disk,
        path: PathBuf,
        base: Offset,
        severity: Severity,
        findings: &Findings,
    ) -> Self {
        let entries = Entries::open(disk, path, severity, findings);
        let mut check = Self { entries, base, next: None, before: None };
        check.read(findings);
        check
    }

    /// Takes the next entry that ascends.
    fn read(&mut self, findings: &Findings) {
        while let Some((at, [a, b, c, d, e, f, g, h])) = self.entries.next(findings) {
            let delta = u32::from_be_bytes([a, b, c, d]);
            let position = u64::from(u32::from_be_bytes([e, f, g, h]));
            let entry = OffsetEntry { at, offset: Offset(self.base.0 + i64::from(delta)), position };
            let before = self.next.take().or(self.before);
            self.before = before;
            if before.is_some_and(|b| entry.offset <= b.offset || entry.position <= b.position) {
                let what = format!("offset {} at position {position} does not ascend", entry.offset);
                self.entries.wrong(at, what, findings);
                continue;
            }
            self.next = Some(entry);
            return;
        }
        self.before = self.next.take().or(self.before);
    }

    /// A batch begins at `position`.
    pub(super) fn on_batch(&mut self, position: u64, header: &BatchHeader, findings: &Findings) {
        while let Some(entry) = self.next.filter(|entry| entry.position <= position) {
            if entry.position < position {
                let what = format!("no batch begins at position {} of the segment", entry.position);
                self.entries.wrong(entry.at, what, findings);
            } else if entry.offset < header.base_offset {
                let what = format!(
                    "offset {} is said to lie at position {position}, where a batch of later offsets begins ({})",
                    entry.offset, header.base_offset
                );
                self.entries.wrong(entry.at, what, findings);
            }
            self.read(findings);
        }
    }

    /// Nothing is known about the bytes before `position`.
    pub(super) fn pass_over(&mut self, position: u64, findings: &Findings) {
        while self.next.is_some_and(|entry| entry.position < position) {
            self.read(findings);
        }
    }

    /// The last batch ended at offset `end`.
    pub(super) fn finish(&mut self, end: Offset, findings: &Findings) {
        let Some(first) = self.next else { return self.finish_within(end, findings) };
        let more = std::iter::from_fn(|| {
            self.read(findings);
            self.next
        });
        let more = more_of(more.count());
        let what = format!("position {}{more} lies behind the segment's last batch", first.position);
        self.entries.wrong(first.at, what, findings);
    }

    /// All positions are those of batches.
    fn finish_within(&self, end: Offset, findings: &Findings) {
        if let Some(last) = self.before.filter(|last| last.offset >= end) {
            let what = format!("offset {} lies behind the segment's end {end}", last.offset);
            self.entries.wrong(last.at, what, findings);
        }
    }
}

/// So many entries have the same cause, and are told in one line.
fn more_of(count: usize) -> String {
    if count == 0 { String::new() } else { format!(" (and of {count} more entries)") }
}

/// A time index beside the batches of its segment.
pub(super) struct TimeCheck {
    entries: Entries<{ time_index::ENTRY_BYTES }>,
    base: Offset,
    next: Option<TimeEntry>,
    before: Option<TimeEntry>,
    /// Whether every batch so far could be read, so that the newest timestamp is known.
    complete: bool,
}

#[derive(Clone, Copy)]
struct TimeEntry {
    at: u64,
    timestamp: TimestampMs,
    offset: Offset,
}

impl TimeCheck {
    pub(super) fn open(
        disk: &Disk,
        path: PathBuf,
        base: Offset,
        severity: Severity,
        findings: &Findings,
    ) -> Self {
        let entries = Entries::open(disk, path, severity, findings);
        let mut check = Self { entries, base, next: None, before: None, complete: true };
        check.read(findings);
        check
    }

    fn read(&mut self, findings: &Findings) {
        while let Some((at, entry)) = self.entries.next(findings) {
            let [a, b, c, d, e, f, g, h, i, j, k, l] = entry;
            let timestamp = TimestampMs(i64::from_be_bytes([a, b, c, d, e, f, g, h]));
            let delta = u32::from_be_bytes([i, j, k, l]);
            let entry = TimeEntry { at, timestamp, offset: Offset(self.base.0 + i64::from(delta)) };
            self.before = self.next.take().or(self.before);
            if self.before.is_some_and(|b| timestamp <= b.timestamp || entry.offset < b.offset) {
                let what = format!("timestamp {timestamp}, offset {} do not ascend", entry.offset);
                self.entries.wrong(at, what, findings);
                continue;
            }
            self.next = Some(entry);
            return;
        }
        self.before = self.next.take().or(self.before);
    }

    /// A batch was read, and `newest` is the largest timestamp up to its end.
    pub(super) fn on_batch(&mut self, header: &BatchHeader, newest: TimestampMs, findings: &Findings) {
        while let Some(entry) = self.next.filter(|entry| entry.offset <= header.last_offset()) {
            let (timestamp, offset) = (entry.timestamp, entry.offset);
            if timestamp < newest || (self.complete && timestamp > newest) {
                let what = format!(
                    "timestamp {timestamp} is said to be the newest up to offset {offset}, but that is {newest}"
                );
                self.entries.wrong(entry.at, what, findings);
            }
            self.read(findings);
        }
    }

    /// A batch could not be read.
    pub(super) fn pass_over(&mut self) {
        self.complete = false;
    }

    /// The segment's last batch ended at offset `end`, and `newest` is its newest timestamp.
    pub(super) fn finish(&mut self, end: Offset, newest: TimestampMs, is_closed: bool, findings: &Findings) {
        if let Some(first) = self.next {
            let more = std::iter::from_fn(|| {
                self.read(findings);
                self.next
            });
            let more = more_of(more.count());
            if self.complete {
                let what = format!("offset {}{more} lies behind the segment's end {end}", first.offset);
                self.entries.wrong(first.at, what, findings);
            }
        }
        let last = self.before.map_or(TimestampMs::NONE, |last| last.timestamp);
        if is_closed && self.entries.exists && self.complete && newest.0 > 0 && last < newest {
            let what = format!(
                "the last entry is {last}, but the segment's newest timestamp is {newest}: retention would go by the \
                 older one"
            );
            self.entries.wrong(self.entries.position, what, findings);
        }
    }
}
