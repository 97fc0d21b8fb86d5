//! A data directory: whose it is, what lies in it, and its checkpoints.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use reactor::Disk;
use types::{Offset, TopicId, TopicName};

use super::findings::{Findings, Severity};
use super::journals;
use super::plan::Partition;
use crate::checkpoint::{self, Offsets, read_text};
use crate::error::StorageError;
use crate::journal;
use crate::layout::{self, LogName};
use crate::log_dir::{self, entries};
use crate::meta_properties::{META_PROPERTIES, MetaProperties};
use crate::partition_metadata;

/// Files of a data directory that are nobody's partition.
const KNOWN: &[&str] = &[
    log_dir::LOCK,
    log_dir::CLEAN_MARKER,
    META_PROPERTIES,
    log_dir::RECOVERY_POINTS,
    log_dir::LOG_STARTS,
    HIGH_WATERMARKS,
    log_dir::COMPACTED,
    "bootstrap.checkpoint",
    "strome-metadata",
    "strome-disk-profile.json",
];

/// Kafka's own, which Strome does not need.
const HIGH_WATERMARKS: &str = "replication-offset-checkpoint";

/// What the files of a data directory say of its partitions.
#[derive(Debug, Default)]
pub(super) struct Checkpoints {
    pub(super) clean: bool,
    pub(super) recovery_points: Offsets,
    pub(super) log_starts: Offsets,
    /// Each of Kafka's other checkpoints: no offset in them may lie behind a log's end.
    others: Vec<(PathBuf, Offsets)>,
}

impl Checkpoints {
    pub(super) fn read(disk: &Disk, dir: &Path, findings: &Findings) -> Self {
        let read = |name: &str| -> Option<Offsets> {
            let path = dir.join(name);
            match read_text(disk, &path).map(|text| text.map(|text| checkpoint::parse(&text))) {
                Ok(None) => None,
                Ok(Some(Ok(offsets))) => Some(offsets),
                Ok(Some(Err(what))) => {
                    findings.about(Severity::Problem, &path, what);
                    None
                }
                Err(error) => {
                    findings.about(Severity::Problem, &path, error.to_string());
                    None
                }
            }
        };
        let others = [HIGH_WATERMARKS, log_dir::COMPACTED].into_iter();
        Self {
            clean: disk.exists(&dir.join(log_dir::CLEAN_MARKER)),
            recovery_points: read(log_dir::RECOVERY_POINTS).unwrap_or_default(),
            log_starts: read(log_dir::LOG_STARTS).unwrap_or_default(),
            others: others.filter_map(|name| Some((dir.join(name), read(name)?))).collect(),
        }
    }

    /// Says which checkpoint of `dir` puts a log behind its end.
    pub(super) fn check_end(&self, dir: &Path, name: &LogName, end: Offset, findings: &Findings) {
        let points = dir.join(log_dir::RECOVERY_POINTS);
        let own = std::iter::once((&points, &self.recovery_points));
        for (path, offsets) in own.chain(self.others.iter().map(|(path, offsets)| (path, offsets))) {
            if let Some(offset) = offsets.get(name).filter(|offset| **offset > end) {
                let what = format!("{name} has the offset {offset}, but its log ends at {end}");
                let severity = if self.clean { Severity::Problem } else { Severity::Note };
                findings.about(severity, path, what);
            }
        }
    }
}

/// A data directory that was listed.
#[derive(Debug)]
pub(super) struct Directory {
    pub(super) checkpoints: Arc<Checkpoints>,
    pub(super) partitions: BTreeMap<LogName, PathBuf>,
}

/// Reads the directory's own files.
pub(super) fn check(disk: &Disk, path: &Path, findings: &Findings) -> Result<Directory, StorageError> {
    let mut partitions = BTreeMap::new();
    for (name, entry) in entries(disk, path)? {
        let is_dir = disk.is_dir(&entry);
        if let Some(log) = LogName::from_dir_name(&name).filter(|_| is_dir) {
            partitions.insert(log, entry);
        } else if is_dir && layout::is_deleted_dir(&name) {
            findings.about(Severity::Note, &entry, "a deleted log, which the next start removes");
        } else if is_dir && (name.ends_with("-stray") || name.ends_with("-future")) {
            findings.about(Severity::Note, &entry, "a log that was set aside; nothing reads it");
        } else if let Some(what) = journals::about_companion(&entry) {
            findings.about(Severity::Note, &entry, what);
        } else if !KNOWN.contains(&name.as_str()) && !journal::is_journal(&name) {
            findings.about(Severity::Note, &entry, "stray: nothing that a broker keeps here");
        }
    }
    let meta = path.join(META_PROPERTIES);
    match MetaProperties::read(disk, path) {
        Ok(Some(_)) => {}
        Ok(None) => findings.about(Severity::Note, &meta, "is missing: no broker has claimed the directory"),
        Err(error) => findings.about(Severity::Problem, &meta, error.to_string()),
    }
    Ok(Directory { checkpoints: Arc::new(Checkpoints::read(disk, path, findings)), partitions })
}

/// Checkpoints may know partitions that are gone: worth a note, since a lost directory looks like that.
pub(super) fn check_entries(
    directory: &Directory,
    partitions: &[Partition],
    path: &Path,
    findings: &Findings,
) {
    let points = path.join(log_dir::RECOVERY_POINTS);
    for name in directory.checkpoints.recovery_points.keys() {
        if !directory.partitions.contains_key(name) {
            findings.about(Severity::Note, &points, format!("{name} is named, but has no directory here"));
        }
    }
    for partition in partitions.iter().filter(|partition| partition.path.parent() == Some(path)) {
        let (Some(start), Some(first)) = (partition.log_start, partition.bases.first()) else { continue };
        if start < *first && partition.clean {
            let starts = path.join(log_dir::LOG_STARTS);
            let name = partition.path.file_name().unwrap_or_default().display();
            let what = format!("{name} starts at {start}, but its first segment begins at {first}");
            findings.about(Severity::Problem, &starts, what);
        }
    }
}

/// What has to hold between the directories of one broker.
pub(super) fn check_all(disk: &Disk, directories: &[PathBuf], partitions: &[Partition], findings: &Findings) {
    let metas = directories.iter().filter_map(|dir| Some((dir, MetaProperties::read(disk, dir).ok()??)));
    let metas: Vec<_> = metas.collect();
    for pair in metas.windows(2) {
        let [(_, one), (dir, other)] = pair else { continue };
        let path = dir.join(META_PROPERTIES);
        if (&one.cluster_id, one.node_id) != (&other.cluster_id, other.node_id) {
            let what = format!(
                "node {} of cluster {}, unlike the directory before it: node {} of cluster {}",
                other.node_id, other.cluster_id, one.node_id, one.cluster_id
            );
            findings.about(Severity::Problem, &path, what);
        } else if one.directory_id == other.directory_id {
            findings.about(Severity::Problem, &path, "another directory has the same directory.id");
        }
    }
    let mut topics: BTreeMap<&TopicName, TopicId> = BTreeMap::new();
    let mut places: BTreeMap<&LogName, &Path> = BTreeMap::new();
    for partition in partitions {
        let Some(name) = &partition.name else { continue };
        if let Some(other) = places.insert(name, &partition.path).filter(|other| **other != *partition.path) {
            let what = format!("the partition has another directory, {}", other.display());
            findings.about(Severity::Problem, &partition.path, what);
        }
        let Ok(Some(id)) = partition_metadata::read(disk, &partition.path) else { continue };
        let first = *topics.entry(&name.topic).or_insert(id);
        if first != id {
            let what = format!("belongs to the topic id {id}, other partitions of the topic to {first}");
            findings.about(Severity::Problem, &partition.path, what);
        }
    }
}
