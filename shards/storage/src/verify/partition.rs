//! What has to hold between the segments of a partition, and in the small files beside them.

use std::path::Path;

use types::{LeaderEpoch, Offset};

use super::findings::{Findings, Severity};
use super::journals;
use super::plan::Partition;
use super::segment::Seen;
use super::{Contents, name_of};
use crate::checkpoint::read_text;
use crate::layout::{FileKind, LEADER_EPOCHS, parse_file_name};
use crate::log_dir;
use crate::partition_metadata;

/// What files are that interrupted or repaired work leaves.
const LEFTOVERS: &[(&str, &str)] = &[
    (".deleted", "was being deleted; the next start removes it"),
    (".tmp", "was being written; the next start removes it"),
    (".cleaned", "was being written by a compaction that did not end"),
    (".swap", "was being put in place by a compaction that did not end"),
];

/// Checks a partition whose segments were read.
pub(super) fn check(partition: &Partition, seen: &[Option<Seen>], contents: &Contents, findings: &Findings) {
    if !partition.whole {
        return;
    }
    let seen: Vec<&Seen> = seen.iter().flatten().collect();
    between_segments(partition, &seen, findings);
    let first = partition.bases.first().copied();
    // Where the log ends is not known if its last segment has bytes that are no batch.
    let end = match seen.last() {
        Some(last) => Some(last.end).filter(|_| !last.is_damaged),
        None => Some(partition.log_start.unwrap_or(Offset::ZERO)),
    };
    let end = end.map(|end| journals::end_with(&partition.journalled, end, findings));
    let log_start = partition.log_start.unwrap_or(Offset::ZERO).max(first.unwrap_or(Offset::ZERO));
    if let Some(end) = end {
        bounds(partition, end, findings);
    }
    leader_epochs(partition, &seen, log_start, end, contents, findings);
    match partition_metadata::read(&partition.disk, &partition.path) {
        Ok(Some(_)) => {}
        Ok(None) => {
            let what = "partition.metadata is missing: nothing says which topic of that name this is";
            findings.about(Severity::Note, &partition.path, what);
        }
        Err(error) => findings.about(Severity::Problem, &partition.path, error.to_string()),
    }
    for path in &partition.others {
        other_file(partition, path, end, contents, findings);
    }
}

/// Segments must follow each other; offsets between them may be missing only where compaction was at work.
fn between_segments(partition: &Partition, seen: &[&Seen], findings: &Findings) {
    let is_compacted = seen.iter().any(|seen| seen.has_gaps);
    for pair in seen.windows(2) {
        let [one, next] = pair else { continue };
        if one.end < next.base && !is_compacted && !one.is_damaged {
            let what = format!(
                "offsets {} to {} are in no segment, and nothing else shows that this log was compacted: the end of a \
                 segment, or a segment, is lost",
                one.end,
                next.base.0 - 1
            );
            let severity = partition.severity_of_rest(Some(next.base));
            findings.about(severity, &one.path, what);
        }
    }
    let highest =
        seen.iter().flat_map(|seen| &seen.epochs).try_fold(LeaderEpoch::NONE, |before, (epoch, at)| {
            if *epoch < before { Err((before, *epoch, *at)) } else { Ok(*epoch) }
        });
    if let Err((before, epoch, at)) = highest {
        let what = format!("leader epoch {epoch} begins at offset {at}, after leader epoch {before}");
        findings.about(Severity::Problem, &partition.path, what);
    }
}

/// The checkpoints of the data directory beside the log's end.
fn bounds(partition: &Partition, end: Offset, findings: &Findings) {
    let (Some(name), Some(dir)) = (&partition.name, partition.path.parent()) else { return };
    partition.checkpoints.check_end(dir, name, end, findings);
    if let Some(start) = partition.log_start.filter(|start| *start > end) {
        let what = format!("{name} starts at {start}, but its log ends at {end}");
        findings.about(Severity::Problem, &dir.join(log_dir::LOG_STARTS), what);
    }
}

fn leader_epochs(
    partition: &Partition,
    seen: &[&Seen],
    log_start: Offset,
    end: Option<Offset>,
    contents: &Contents,
    findings: &Findings,
) {
    let path = partition.path.join(LEADER_EPOCHS);
    // Recovery reads the epochs of the batches that it looks at.
    let severity = if partition.clean { Severity::Problem } else { Severity::Note };
    let text = match read_text(&partition.disk, &path) {
        Ok(Some(text)) => text,
        Ok(None) => {
            if seen.iter().any(|seen| !seen.epochs.is_empty()) {
                findings.about(severity, &path, "is missing, although batches have leader epochs");
            }
            return;
        }
        Err(error) => return findings.about(Severity::Problem, &path, error.to_string()),
    };
    let epochs = match (contents.leader_epochs)(&text) {
        Ok(epochs) => epochs,
        Err(what) => return findings.about(severity, &path, what),
    };
    for pair in epochs.windows(2) {
        let [(epoch, start), (next, next_start)] = pair else { continue };
        if next <= epoch || next_start < start {
            let what = format!("epoch {next} from offset {next_start} does not ascend");
            findings.about(severity, &path, what);
        }
    }
    if let (Some((epoch, start)), Some(end)) = (epochs.last(), end)
        && *start > end
    {
        findings.about(
            severity,
            &path,
            format!("epoch {epoch} starts at {start}, behind the log's end {end}"),
        );
    }
    let known_from = epochs.first().map_or(log_start, |(_, start)| log_start.max(*start));
    before_known(&path, seen, (log_start, known_from), &epochs, severity, findings);
    for (epoch, at) in seen.iter().flat_map(|seen| epochs_from(seen, known_from)) {
        let named = epochs.iter().rev().find(|(_, start)| *start <= at).map(|(epoch, _)| *epoch);
        if named != Some(epoch) {
            let named = named.map_or("none".to_owned(), |epoch| epoch.to_string());
            let what = format!("at offset {at} it has leader epoch {named}, the batch there has {epoch}");
            findings.about(severity, &path, what);
        }
    }
}

/// The first epoch may begin above the log start, in Kafka as here: records were deleted, and a crash came before the new log
/// start was saved, but after the epochs were. Batches below it have that epoch, or one before.
fn before_known(
    path: &Path,
    seen: &[&Seen],
    (log_start, known_from): (Offset, Offset),
    epochs: &[(LeaderEpoch, Offset)],
    severity: Severity,
    findings: &Findings,
) {
    let Some((first, _)) = epochs.first() else { return };
    let below = seen.iter().flat_map(|seen| epochs_from(seen, log_start)).filter(|(_, at)| *at < known_from);
    match below.max() {
        Some((epoch, at)) if epoch > *first => {
            let what =
                format!("begins with leader epoch {first}, the batch before it at offset {at} has {epoch}");
            findings.about(severity, path, what);
        }
        Some(_) => {
            let what = format!(
                "begins at offset {known_from}, the log at {log_start}: a crash has taken back that records were deleted"
            );
            findings.about(Severity::Note, path, what);
        }
        None => {}
    }
}

/// The leader epochs of a segment's batches from `log_start` on, each with an offset at which it is in force.
fn epochs_from(seen: &Seen, log_start: Offset) -> impl Iterator<Item = (LeaderEpoch, Offset)> {
    seen.epochs.iter().enumerate().filter_map(move |(number, (epoch, at))| {
        let until = seen.epochs.get(number + 1).map_or(seen.end, |(_, next)| *next);
        (until > log_start).then_some((*epoch, (*at).max(log_start)))
    })
}

/// A file that is none of a segment's batches and indexes.
fn other_file(
    partition: &Partition,
    path: &Path,
    end: Option<Offset>,
    contents: &Contents,
    findings: &Findings,
) {
    let name = name_of(path);
    if let Some((at, FileKind::Snapshot)) = parse_file_name(name) {
        return snapshot(partition, path, at, end, contents, findings);
    }
    let leftover = LEFTOVERS.iter().find(|(suffix, _)| name.ends_with(suffix));
    if let Some((_, what)) = leftover {
        findings.about(Severity::Note, path, *what);
    } else if Partition::is_prepared(path) {
        if partition.clean {
            findings.about(
                Severity::Note,
                path,
                "a segment made ahead, which a clean stop should have removed",
            );
        }
    } else if name.contains(".log.cut-") || name.contains(".kept-") {
        findings.about(
            Severity::Note,
            path,
            "bytes that a recovery has set aside; remove them when nobody needs them",
        );
    } else if !is_known(name) {
        findings.about(Severity::Note, path, "stray: no file of a log");
    }
}

/// Files that Kafka keeps in the directory of its metadata log, and what both keep in any.
fn is_known(name: &str) -> bool {
    matches!(name, LEADER_EPOCHS | "partition.metadata" | "quorum-state") || name.ends_with(".checkpoint")
}

fn snapshot(
    partition: &Partition,
    path: &Path,
    at: Offset,
    end: Option<Offset>,
    contents: &Contents,
    findings: &Findings,
) {
    if let Some(end) = end.filter(|end| at > *end) {
        let severity = if partition.clean { Severity::Problem } else { Severity::Note };
        findings.about(severity, path, format!("speaks of offset {at}, behind the log's end {end}"));
    }
    match partition.disk.read(path) {
        Ok(bytes) => {
            if let Err(what) = (contents.producer_snapshot)(&bytes, at) {
                let what =
                    format!("{what}; the state of producers is read from an older one, or from the log");
                findings.about(Severity::Problem, path, what);
            }
        }
        Err(error) => findings.about(Severity::Problem, path, format!("cannot be read: {error}")),
    }
}
