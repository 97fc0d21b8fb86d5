//! What journals hold when a broker starts after a crash: which records of which logs, and where.
//!
//! # Invariants
//! - A journal whose records are not yet in their segments is not used again: it is kept until all logs that have
//!   something in it were opened, if need be over many starts.
//! - What a commit holds is believed as a whole or not at all.
//! - What was replayed once is never replayed again after its log has changed in any way but by appending: a journal that
//!   is no longer needed is made void before its last log is opened, and a log that is cut before that is noted beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use reactor::{Disk, File, OpenOptions};
use record::{batches, crc32c};
use tracing::{error, info};
use types::{FilePosition, Offset, PartitionIndex, TopicId};

use crate::checkpoint::{read_text, replace, sync_dir};
use crate::error::{Context, StorageError};
use crate::journal::files::{make_void, read_id};
use crate::journal::format::{
    BLOCK_BYTES, COMMIT_HEADER_BYTES, CommitHeader, ENTRY_HEADER_BYTES, EntryHeader, FIRST_POSITION,
    JournalId, Kind, Superblock,
};
use crate::log_dir::{entries, known_logs};
use crate::recover::Damage;

/// What the files are called, before their number. No directory of a partition ends in a number behind a dot.
pub(super) const NAME: &str = "strome-journal.";
/// A journal in which something could not be read is kept under this name.
const DAMAGED: &str = ".damaged";
/// Beside a journal, under its name with this: logs of which it holds nothing that counts.
pub(super) const VOID: &str = ".void";
/// How much is searched at once.
const WINDOW_BYTES: u64 = 1024 * 1024;

/// Whose records an entry holds.
pub(crate) type LogKey = (TopicId, PartitionIndex);

/// Records of one log that may not be in its segments.
#[derive(Clone, Debug)]
pub(crate) struct Leftover {
    pub(super) file: Arc<File>,
    pub(super) path: Arc<Path>,
    /// Of the batches.
    pub(super) position: u64,
    pub(super) bytes: u32,
    /// Where the log ended before them.
    pub(super) from: Offset,
    /// Where it ended with them, if they can be read.
    pub(super) end: Option<Offset>,
    /// Whether the journal said later that they are in segments.
    pub(super) is_released: bool,
}

/// The journals in a log directory. Shared by all shards, and used by background work only.
#[derive(Debug, Default)]
pub(crate) struct Journals {
    /// Files that a store may use.
    free: Vec<PathBuf>,
    /// What can be read of these is replayed; then they stay for whoever wants to look at the rest.
    damaged: BTreeSet<PathBuf>,
    leftovers: BTreeMap<LogKey, Vec<Leftover>>,
    /// No file has this number or a higher one.
    next_number: u64,
}

impl Journals {
    /// Looks at the journals in `dir`. After a clean stop they hold nothing that is not in segments, and what they hold of
    /// deleted logs is void, if it can be told which logs there are.
    pub(crate) fn scan(disk: &Disk, dir: &Path, was_clean: bool) -> Result<Self, StorageError> {
        let mut found = Self::default();
        let mut paths = Vec::new();
        for (name, path) in entries(disk, dir)? {
            if let Some(number) = name.strip_prefix(NAME).and_then(|number| number.parse::<u64>().ok()) {
                found.next_number = found.next_number.max(number.saturating_add(1));
                paths.push(path);
            }
        }
        if !was_clean {
            paths.iter().try_for_each(|path| found.take_in(disk, path))?;
            if !found.leftovers.is_empty()
                && let Some(known) = known_logs(disk, dir)?
            {
                found.leftovers.retain(|log, _| known.contains(log));
            }
        }
        for path in paths {
            if !found.is_held(&path) {
                found.set_free(disk, path)?;
            }
        }
        Ok(found)
    }

    /// A file for a store's journal, which may be there already. Nobody else gets it.
    pub(crate) fn allot(&mut self, dir: &Path) -> PathBuf {
        if self.free.is_empty() {
            let path = dir.join(format!("{NAME}{}", self.next_number));
            self.next_number += 1;
            return path;
        }
        self.free.remove(0)
    }

    /// What journals hold of a log, in the order in which it was written.
    pub(crate) fn of(&self, log: LogKey) -> Vec<Leftover> {
        self.leftovers.get(&log).cloned().unwrap_or_default()
    }

    /// The leftovers of `log` are in its segments, durably.
    pub(crate) fn replayed(&mut self, disk: &Disk, log: LogKey) -> Result<(), StorageError> {
        let Some(done) = self.leftovers.remove(&log) else { return Ok(()) };
        let paths: BTreeSet<Arc<Path>> = done.into_iter().map(|leftover| leftover.path).collect();
        for path in paths {
            if !self.is_held(&path) {
                self.set_free(disk, path.to_path_buf())?;
            }
        }
        Ok(())
    }

    /// `log` is about to be cut: what journals that are still held have of it must not come back.
    pub(crate) fn make_void(&mut self, disk: &Disk, log: LogKey) -> Result<(), StorageError> {
        let held: BTreeSet<Arc<Path>> =
            self.leftovers.values().flatten().map(|leftover| Arc::clone(&leftover.path)).collect();
        for journal in held {
            let path = with_suffix(&journal, VOID);
            let mut text = read_text(disk, &path)?.unwrap_or_default();
            text.push_str(&note_of(log));
            text.push('\n');
            replace(disk, &path, text.as_bytes())?;
        }
        Ok(())
    }

    /// A file holds nothing that anybody needs. It says so from now on, and may be used.
    fn set_free(&mut self, disk: &Disk, path: PathBuf) -> Result<(), StorageError> {
        let file = disk.open(&path, OpenOptions::WRITE.buffered()).context("open", &path)?;
        make_void(&file).context("write", &path)?;
        let noted = with_suffix(&path, VOID);
        if disk.exists(&noted) {
            disk.remove_file(&noted).context("remove", &noted)?;
            // It must not come back to say something about what is written to the file from now on.
            sync_dir(disk, path.parent().unwrap_or(Path::new(".")))?;
        }
        if self.damaged.remove(&path) {
            return disk.rename(&path, &with_suffix(&path, DAMAGED)).context("rename", &path);
        }
        self.free.push(path);
        self.free.sort();
        Ok(())
    }

    fn is_held(&self, path: &Path) -> bool {
        self.leftovers.values().flatten().any(|leftover| *leftover.path == *path)
    }

    /// Adds what the journal at `path` holds.
    fn take_in(&mut self, disk: &Disk, path: &Path) -> Result<(), StorageError> {
        let scan = read(disk, path)?;
        for damage in &scan.damage {
            error!(file = %damage.file.display(), position = %damage.position, what = damage.what, "a journal is damaged");
        }
        if !scan.damage.is_empty() {
            self.damaged.insert(path.to_owned());
        }
        let void = read_text(disk, &with_suffix(path, VOID))?.unwrap_or_default();
        let void: BTreeSet<&str> = void.lines().collect();
        let (file, shared): (_, Arc<Path>) = (Arc::new(scan.file), Arc::from(path));
        for (commit, entry) in entries_of(&scan.commits) {
            let log = (entry.header.topic, entry.header.partition);
            let of_log = self.leftovers.entry(log).or_default();
            match entry.header.kind {
                Kind::Void => of_log.clear(),
                Kind::Records { from } => of_log.push(Leftover {
                    file: Arc::clone(&file),
                    path: Arc::clone(&shared),
                    position: entry.position,
                    bytes: entry.header.bytes,
                    from,
                    end: entry.end,
                    is_released: commit.is_released,
                }),
            }
            if void.contains(note_of(log).as_str()) {
                of_log.clear();
            }
        }
        self.leftovers.retain(|_, of_log| !of_log.is_empty());
        let needed = || scan.commits.iter().filter(|commit| !commit.is_released);
        if let (Some(first), Some(last)) = (needed().next(), needed().next_back()) {
            let (first, last) = (first.header.sequence, last.header.sequence);
            info!(path = %path.display(), first, last, "the journal holds commits that may not be in segments");
        }
        Ok(())
    }
}

/// The line that notes beside a journal that nothing in it counts of a log.
fn note_of((topic, partition): LogKey) -> String {
    format!("{topic} {partition}")
}

pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.to_owned().into_os_string();
    name.push(suffix);
    name.into()
}

/// What one journal file holds.
#[derive(Debug)]
pub(super) struct Contents {
    pub(super) file: File,
    /// In order: first those that were released and not overwritten since, then those that may be needed.
    pub(super) commits: Vec<Commit>,
    pub(super) damage: Vec<Damage>,
}

#[derive(Debug)]
pub(super) struct Commit {
    pub(super) header: CommitHeader,
    pub(super) entries: Vec<Entry>,
    /// Whether a later commit says that everything in it is in segments.
    pub(super) is_released: bool,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) header: EntryHeader,
    /// Where its batches begin.
    pub(super) position: u64,
    /// The offset behind its last batch, if they can be read.
    pub(super) end: Option<Offset>,
}

fn entries_of(commits: &[Commit]) -> impl Iterator<Item = (&Commit, &Entry)> {
    commits.iter().flat_map(|commit| commit.entries.iter().map(move |entry| (commit, entry)))
}

/// Reads a journal file.
pub(super) fn read(disk: &Disk, path: &Path) -> Result<Contents, StorageError> {
    let file = disk.open(path, OpenOptions::READ.buffered()).context("open", path)?;
    let len = file.len().context("read", path)?.0;
    let damaged = |position, what| Damage { file: path.to_owned(), position: FilePosition(position), what };
    let Some(id) = read_id(&file, len).context("read", path)? else {
        let mut damage = Vec::new();
        match is_foreign(&file, len).context("read", path)? {
            Foreign::Version(version) => {
                return Err(StorageError::Malformed {
                    file: path.to_owned(),
                    what: format!(
                        "a journal in format {version}, which this version does not know: start the version that wrote it and \
                         stop it cleanly"
                    )
                    .into(),
                });
            }
            // A crash may come while the file is being made.
            Foreign::Unused => {}
            Foreign::Damaged => damage.push(damaged(0, "both superblocks are damaged".to_owned())),
        }
        return Ok(Contents { file, commits: Vec::new(), damage });
    };
    let (mut commits, broken) = find_commits(&file, len, id).context("read", path)?;
    commits.sort_by_key(|commit| commit.header.sequence);
    let mut damage = Vec::new();
    if let Some(newest) = commits.last().map(|commit| commit.header) {
        let still_there = first_of_run(&commits, newest.oldest);
        commits.retain(|commit| commit.header.sequence >= still_there);
        let mut expected = newest.oldest;
        for commit in &mut commits {
            commit.is_released = commit.header.sequence < newest.oldest;
            if commit.is_released {
                continue;
            }
            if commit.header.sequence > expected {
                let at = broken.iter().find(|header| header.sequence == expected);
                let position = at.map_or(0, |header| header.position);
                let what = format!("commits {expected} to {} cannot be read", commit.header.sequence - 1);
                damage.push(damaged(position, what));
            }
            expected = commit.header.sequence + 1;
        }
    }
    Ok(Contents { file, commits, damage })
}

/// Where the commits begin that lead up to `sequence` without a gap. Those before a gap are stale: what they hold may have
/// been made void by a commit that is overwritten. In front of a commit that is there, every void is there, too, that
/// came after.
fn first_of_run(commits: &[Commit], sequence: u64) -> u64 {
    let before = commits.iter().rev().map(|commit| commit.header.sequence).skip_while(|at| *at >= sequence);
    before.fold(sequence, |first, at| if at + 1 == first { at } else { first })
}

enum Foreign {
    /// Nothing was ever written to it but zeros.
    Unused,
    Version(u16),
    Damaged,
}

fn is_foreign(file: &File, len: u64) -> io::Result<Foreign> {
    let mut blocks = vec![0; len.min(FIRST_POSITION) as usize];
    file.read_exact_at(&mut blocks, FilePosition::ZERO)?;
    for block in blocks.chunks(BLOCK_BYTES as usize) {
        if let Superblock::Version(version) = Superblock::decode(block) {
            return Ok(Foreign::Version(version));
        }
    }
    Ok(if blocks.iter().all(|byte| *byte == 0) { Foreign::Unused } else { Foreign::Damaged })
}

/// All sound commits of journal `id`, and the headers of those that are not.
fn find_commits(file: &File, len: u64, id: JournalId) -> io::Result<(Vec<Commit>, Vec<CommitHeader>)> {
    let (mut commits, mut broken) = (Vec::new(), Vec::new());
    let mut window = Vec::new();
    let mut window_start = 0;
    let mut position = FIRST_POSITION;
    while position + BLOCK_BYTES <= len {
        if position + BLOCK_BYTES > window_start + window.len() as u64 {
            window_start = position;
            window = vec![0; (len - position).min(WINDOW_BYTES) as usize];
            file.read_exact_at(&mut window, FilePosition(position))?;
        }
        let block = window.get((position - window_start) as usize..).unwrap_or_default();
        let Some(header) = CommitHeader::decode(block, id, position) else {
            position += BLOCK_BYTES;
            continue;
        };
        match read_commit(file, len, header)? {
            Some(commit) => {
                commits.push(commit);
                position += u64::from(header.bytes).next_multiple_of(BLOCK_BYTES);
            }
            None => {
                broken.push(header);
                position += BLOCK_BYTES;
            }
        }
    }
    Ok((commits, broken))
}

/// The commit behind `header`, if all of it is there.
fn read_commit(file: &File, len: u64, header: CommitHeader) -> io::Result<Option<Commit>> {
    let start = header.position + COMMIT_HEADER_BYTES as u64;
    let Some(body_bytes) = u64::from(header.bytes).checked_sub(COMMIT_HEADER_BYTES as u64) else {
        return Ok(None);
    };
    if body_bytes > len.saturating_sub(start) {
        return Ok(None);
    }
    let mut body = vec![0; body_bytes as usize];
    file.read_exact_at(&mut body, FilePosition(start))?;
    if crc32c(&body) != header.body_crc {
        return Ok(None);
    }
    let mut entries = Vec::new();
    let mut at = 0;
    for _ in 0..header.entries {
        let Some(entry) = body.get(at..).and_then(EntryHeader::decode) else { return Ok(None) };
        at += ENTRY_HEADER_BYTES;
        let records = body.get(at..).and_then(|rest| rest.get(..entry.bytes as usize)).unwrap_or_default();
        let end = batches(records)
            .try_fold(Offset::ZERO, |_, batch| batch.map(|(header, _)| header.next_offset()))
            .ok();
        entries.push(Entry { header: entry, position: start + at as u64, end });
        at += entry.bytes as usize;
    }
    Ok((at == body.len()).then_some(Commit { header, entries, is_released: false }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commits(sequences: &[u64]) -> Vec<Commit> {
        let header =
            |sequence| CommitHeader { bytes: 0, sequence, position: 0, oldest: 0, entries: 0, body_crc: 0 };
        let commit =
            |sequence: &u64| Commit { header: header(*sequence), entries: Vec::new(), is_released: false };
        sequences.iter().map(commit).collect()
    }

    #[test]
    fn a_released_commit_counts_if_all_that_came_after_it_are_there() {
        for (sequences, oldest, first) in [
            (&[5, 6, 7, 8][..], 7, 5),
            (&[3, 5, 6, 7, 8], 7, 5),
            // What is between the oldest one that is needed and the newest may have been copied too early.
            (&[3, 4, 5, 8], 6, 3),
            (&[3, 4, 7, 8], 7, 7),
            (&[8], 8, 8),
        ] {
            assert_eq!(first_of_run(&commits(sequences), oldest), first, "{sequences:?}, {oldest}");
        }
    }
}
