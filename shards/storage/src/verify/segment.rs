//! One segment from its first byte to its last, with its indexes beside it.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use reactor::{File, FileReader, OpenOptions};
use record::BatchHeader;
use types::{FilePosition, LeaderEpoch, Offset, TimestampMs};

use super::Progress;
use super::aborts::AbortCheck;
use super::findings::{Findings, Severity};
use super::indexes::{OffsetCheck, TimeCheck};
use super::plan::Partition;
use super::records::{self, Fault};
use crate::layout::{FileKind, file_path};
use crate::resync;
use crate::scan::{Checksums, Scan, Step};

/// What a partition is told of its segment.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) path: PathBuf,
    pub(super) base: Offset,
    /// The offset behind the last whole batch; the base without one.
    pub(super) end: Offset,
    pub(super) bytes: u64,
    pub(super) batches: u64,
    pub(super) records: u64,
    /// Each leader epoch with the base offset of its first batch here.
    pub(super) epochs: Vec<(LeaderEpoch, Offset)>,
    /// Whether offsets are missing between or inside batches, as compaction leaves it.
    pub(super) has_gaps: bool,
    /// Whether something was found that is no batch, so that its end may not be the true one.
    pub(super) is_damaged: bool,
}

/// Reads a segment. `None` if it cannot be opened, which is a finding.
pub(super) fn check(
    partition: &Partition,
    segment: usize,
    findings: &Findings,
    progress: &Progress,
) -> Option<Seen> {
    let (base, next_base) = partition.base_and_next(segment)?;
    let path = file_path(&partition.path, base, FileKind::Log);
    let disk = &partition.disk;
    let opened = disk.open(&path, OpenOptions::READ.buffered());
    let opened = opened.and_then(|file| Ok((file.len()?.0, file)));
    let (len, file) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            findings.about(Severity::Problem, &path, format!("cannot be opened: {error}"));
            return None;
        }
    };
    let rest = partition.severity_of_rest(next_base);
    let index = file_path(&partition.path, base, FileKind::Index);
    let times = file_path(&partition.path, base, FileKind::TimeIndex);
    let aborts = file_path(&partition.path, base, FileKind::TxnIndex);
    let mut walk = Walk {
        partition,
        next_base,
        findings,
        offsets: OffsetCheck::open(disk, index, base, rest, findings),
        times: TimeCheck::open(disk, times, base, rest, findings),
        aborts: AbortCheck::open(disk, aborts, rest, findings),
        newest: TimestampMs::NONE,
        seen: Seen {
            path: path.clone(),
            base,
            end: base,
            bytes: len,
            batches: 0,
            records: 0,
            epochs: Vec::new(),
            has_gaps: false,
            is_damaged: false,
        },
    };
    if let Err(error) = walk.run(&file, len, progress) {
        findings.about(Severity::Problem, &path, format!("cannot be read: {error}"));
        walk.seen.is_damaged = true;
    }
    let (end, is_damaged) = (walk.seen.end, walk.seen.is_damaged);
    if !is_damaged {
        walk.offsets.finish(end, findings);
        walk.aborts.finish(end, findings);
        walk.times.finish(end, walk.newest, next_base.is_some(), findings);
    }
    Some(walk.seen)
}

struct Walk<'a> {
    partition: &'a Partition,
    next_base: Option<Offset>,
    findings: &'a Findings,
    offsets: OffsetCheck,
    times: TimeCheck,
    aborts: AbortCheck,
    newest: TimestampMs,
    seen: Seen,
}

impl Walk<'_> {
    fn run(&mut self, file: &File, len: u64, progress: &Progress) -> io::Result<()> {
        let scan_from = |at| Scan::new(FileReader::new(file.clone(), FilePosition(at)), at, len);
        let mut scan = scan_from(0);
        let mut told = 0;
        loop {
            let (position, what, claimed) = match scan.next(Checksums::Compare)? {
                Step::End => break,
                Step::Batch { position, header, bytes } => {
                    self.batch(position, &header, bytes);
                    let done = position + header.batch_len_bytes as u64;
                    progress.bytes_done.fetch_add(done - told, Ordering::Relaxed);
                    told = done;
                    continue;
                }
                Step::Bad { position, what, len } => (position, what, len),
            };
            let used_end = scan_from(position).skip_zeros()?;
            if used_end == position {
                self.zeros(position, len);
                break;
            }
            let Some(next) = self.bad(file, position, what, claimed, used_end)? else { break };
            scan = scan_from(next);
        }
        progress.bytes_done.fetch_add(len - told, Ordering::Relaxed);
        Ok(())
    }

    fn batch(&mut self, position: u64, header: &BatchHeader, bytes: &[u8]) {
        let (base, end) = (self.seen.base, self.seen.end);
        let (first, last) = (header.base_offset, header.last_offset());
        if first < end {
            let what = if self.seen.batches == 0 {
                format!("the batch at offset {first} lies below the segment's base {base}")
            } else {
                format!("the batch at offset {first} follows one that ended at {end}")
            };
            self.problem(position, what);
        }
        if last.0 - base.0 > i64::from(i32::MAX) {
            self.problem(position, format!("offset {last} is too far from the segment's base {base}"));
        }
        if let Some(next) = self.next_base.filter(|next| last >= *next) {
            self.problem(
                position,
                format!("offset {last} belongs to the next segment, which begins at {next}"),
            );
        }
        let mut ends = None;
        match records::check(header, bytes) {
            Ok(found) => ends = found,
            Err(Fault::Wrong(what)) => {
                self.problem(position, format!("the batch at offset {first}: {what}"));
            }
            Err(Fault::TooLarge) => {
                let what =
                    format!("the batch at offset {first} was not looked into: it is too large decompressed");
                self.findings.at(Severity::Note, &self.seen.path, position, what);
            }
        }
        self.newest = self.newest.max(header.max_timestamp);
        self.offsets.on_batch(position, header, self.findings);
        self.times.on_batch(header, self.newest, self.findings);
        self.aborts.on_batch(header, ends, self.findings);
        let epoch = header.partition_leader_epoch;
        if epoch >= LeaderEpoch::ZERO && self.seen.epochs.last().is_none_or(|(known, _)| *known != epoch) {
            if let Some((known, _)) = self.seen.epochs.last().filter(|(known, _)| *known > epoch) {
                self.problem(position, format!("leader epoch {epoch} follows leader epoch {known}"));
            }
            self.seen.epochs.push((epoch, first));
        }
        let full = i64::from(header.record_count) == i64::from(header.last_offset_delta) + 1;
        self.seen.has_gaps |= first > end || !full;
        self.seen.end = header.next_offset().max(end);
        self.seen.batches += 1;
        self.seen.records += u64::try_from(header.record_count).unwrap_or_default();
    }

    fn problem(&self, position: u64, what: String) {
        self.findings.at(Severity::Problem, &self.seen.path, position, what);
    }

    /// From `position` on there is nothing but zeros.
    fn zeros(&mut self, position: u64, len: u64) {
        let (end, bytes) = (self.seen.end, len - position);
        let (severity, what) = match self.next_base {
            Some(next) if next > end && self.partition.clean => (
                Severity::Problem,
                format!(
                    "{bytes} bytes of zeros end the segment at offset {end}, but the next one begins at {next}"
                ),
            ),
            Some(_) => (Severity::Note, format!("{bytes} bytes of zeros end a segment that is full")),
            None if self.partition.clean => (
                Severity::Note,
                format!("{bytes} bytes of room made ahead were not cut off by the clean stop"),
            ),
            None => return,
        };
        self.findings.at(severity, &self.seen.path, position, what);
    }

    /// At `position` there is no batch; says where the next one is.
    fn bad(
        &mut self,
        file: &File,
        position: u64,
        what: String,
        claimed: Option<u64>,
        used_end: u64,
    ) -> io::Result<Option<u64>> {
        let (base, path) = (self.seen.base, self.seen.path.clone());
        let behind = claimed.map_or(position + 1, |len| position + len);
        let next = match resync::is_batch_at(file, behind, used_end, base)? {
            true => Some(behind),
            false => resync::next_batch(file, position + 1, used_end, base)?,
        };
        let until = next.unwrap_or(used_end);
        let torn = self.next_base.is_none()
            && !self.partition.clean
            && self.seen.end >= self.partition.recovery_point.unwrap_or(Offset::ZERO);
        let lost = format!(
            "{what}; {} bytes up to position {until}, after offset {}",
            until - position,
            self.seen.end
        );
        if torn {
            let what = format!("a write that a crash has cut short, which the next start cuts off: {lost}");
            self.findings.at(Severity::Note, &path, position, what);
        } else {
            self.findings.at(Severity::Problem, &path, position, lost);
        }
        self.seen.is_damaged = true;
        self.times.pass_over();
        if let Some(next) = next {
            self.offsets.pass_over(next, self.findings);
        }
        Ok(next)
    }
}
