//! What there is to look at: listed before anything is read, so that the work can be shared out.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use reactor::{Disk, OpenOptions};
use types::Offset;

use super::directory::{self, Checkpoints};
use super::findings::{Findings, Severity};
use super::journals::{self, Journalled, Journals};
use super::{DirLock, name_of};
use crate::checkpoint::{self, was_closed};
use crate::error::{Context, StorageError};
use crate::layout::{self, FileKind, LogName, file_path, parse_file_name};
use crate::log_dir::entries;
use crate::partition_metadata;

/// The segments to read, and what is known of their partitions.
#[derive(Debug)]
pub(super) struct Plan {
    disk: Disk,
    pub(super) partitions: Vec<Partition>,
    pub(super) directories: Vec<PathBuf>,
    /// Held until the check is over.
    locks: Vec<(PathBuf, DirLock)>,
}

/// One partition's directory.
#[derive(Debug)]
pub(super) struct Partition {
    pub(super) disk: Disk,
    pub(super) path: PathBuf,
    /// By the directory's name; a copy of a partition may be called anything.
    pub(super) name: Option<LogName>,
    /// Whether the last broker here stopped cleanly, so that every file has to be right as it is.
    pub(super) clean: bool,
    /// Of the data directory; what they say of this partition follows.
    pub(super) checkpoints: Arc<Checkpoints>,
    pub(super) recovery_point: Option<Offset>,
    pub(super) log_start: Option<Offset>,
    /// What journals hold of it; none after a clean stop.
    pub(super) journalled: Vec<Journalled>,
    /// The base offsets of all its segments, ascending.
    pub(super) bases: Vec<Offset>,
    /// Those that are to be read, as positions in `bases`.
    pub(super) segments: Vec<usize>,
    /// The lengths of those.
    lens: Vec<u64>,
    /// Whether all of it was asked for, and not only a segment.
    pub(super) whole: bool,
    /// Files other than those of segments.
    pub(super) others: Vec<PathBuf>,
}

impl Plan {
    /// Lists what the paths hold and locks the data directories around it.
    pub(super) fn make(disk: &Disk, paths: &[PathBuf], findings: &Findings) -> Result<Self, StorageError> {
        let mut plan =
            Self { disk: disk.clone(), partitions: Vec::new(), directories: Vec::new(), locks: Vec::new() };
        for path in paths {
            if disk.is_dir(path) {
                if is_partition(disk, path)? {
                    plan.partition(path, None, findings)?;
                } else {
                    plan.directory(path, findings)?;
                }
            } else {
                plan.segment(path, findings)?;
            }
        }
        Ok(plan)
    }

    /// How many bytes of segments there are to read.
    pub(super) fn bytes(&self) -> u64 {
        self.partitions.iter().flat_map(|partition| &partition.lens).sum()
    }

    /// How many records journals hold of the partitions.
    pub(super) fn journalled_records(&self) -> u64 {
        self.partitions.iter().flat_map(|partition| &partition.journalled).map(|held| held.records).sum()
    }

    fn directory(&mut self, path: &Path, findings: &Findings) -> Result<(), StorageError> {
        self.lock(path)?;
        let directory = directory::check(&self.disk, path, findings)?;
        let mut journals = journals::check(&self.disk, path, directory.checkpoints.clean, findings)?;
        for (name, path) in &directory.partitions {
            let found = partition(&self.disk, path, Some(name.clone()), &directory.checkpoints, findings);
            match found {
                Ok(mut found) => {
                    found.take_journalled(&mut journals);
                    self.partitions.push(found);
                }
                Err(error) => findings.about(Severity::Problem, path, error.to_string()),
            }
        }
        for (topic, partition) in journals.into_keys() {
            let what = format!(
                "a journal holds records of partition {partition} of the topic id {topic}, which is not here"
            );
            findings.about(Severity::Note, path, what);
        }
        directory::check_entries(&directory, &self.partitions, path, findings);
        self.directories.push(path.to_owned());
        Ok(())
    }

    /// A partition that was named by itself; only the segment `only`, if one was named.
    fn partition(
        &mut self,
        path: &Path,
        only: Option<Offset>,
        findings: &Findings,
    ) -> Result<(), StorageError> {
        let parent = path.parent().unwrap_or(path);
        self.lock(parent)?;
        let checkpoints = Arc::new(Checkpoints::read(&self.disk, parent, &Findings::default()));
        let name = LogName::from_dir_name(name_of(path));
        let mut found = partition(&self.disk, path, name, &checkpoints, findings)?;
        let clean = checkpoints.clean;
        found.take_journalled(&mut journals::check(&self.disk, parent, clean, &Findings::default())?);
        if let Some(only) = only {
            found.whole = false;
            found.segments.retain(|at| found.bases.get(*at) == Some(&only));
            found.lens = found.segments.iter().filter_map(|at| found.lens.get(*at).copied()).collect();
        }
        self.partitions.push(found);
        Ok(())
    }

    fn segment(&mut self, path: &Path, findings: &Findings) -> Result<(), StorageError> {
        match (parse_file_name(name_of(path)), path.parent()) {
            (Some((base, FileKind::Log)), Some(parent)) => self.partition(parent, Some(base), findings),
            _ => Err(StorageError::Malformed {
                file: path.to_owned(),
                what: "is no data directory, no partition's directory and no segment (<20 digits>.log)"
                    .into(),
            }),
        }
    }

    fn lock(&mut self, dir: &Path) -> Result<(), StorageError> {
        if self.locks.iter().all(|(locked, _)| locked != dir) {
            self.locks.push((dir.to_owned(), DirLock::take(&self.disk, dir)?));
        }
        Ok(())
    }
}

/// Whether a directory is that of a partition: by its files, since a copy may have any name.
fn is_partition(disk: &Disk, path: &Path) -> Result<bool, StorageError> {
    let found = entries(disk, path)?;
    Ok(found.iter().any(|(name, _)| {
        name == "partition.metadata" || matches!(parse_file_name(name), Some((_, FileKind::Log)))
    }))
}

fn partition(
    disk: &Disk,
    path: &Path,
    name: Option<LogName>,
    checkpoints: &Arc<Checkpoints>,
    findings: &Findings,
) -> Result<Partition, StorageError> {
    let (mut bases, mut others, mut companions) = (BTreeSet::new(), Vec::new(), Vec::new());
    for (file, path) in entries(disk, path)? {
        match parse_file_name(&file) {
            Some((base, FileKind::Log)) => {
                bases.insert(base);
            }
            Some((_, FileKind::Snapshot)) | None => others.push(path),
            Some((base, _)) => companions.push((base, path)),
        }
    }
    for (base, path) in companions {
        if !bases.contains(&base) {
            findings.about(Severity::Note, &path, "belongs to no segment; the next start removes it");
        }
    }
    let bases: Vec<Offset> = bases.into_iter().collect();
    let len = |base: &Offset| {
        let path = file_path(path, *base, FileKind::Log);
        let opened = disk.open(&path, OpenOptions::READ.buffered()).and_then(|file| file.len());
        opened.context("open", &path).map(|len| len.0)
    };
    let lens = bases.iter().map(len).collect::<Result<Vec<_>, _>>()?;
    let of = |table: &checkpoint::Offsets| name.as_ref().and_then(|name| table.get(name).copied());
    Ok(Partition {
        disk: disk.clone(),
        path: path.to_owned(),
        clean: checkpoints.clean,
        checkpoints: Arc::clone(checkpoints),
        recovery_point: of(&checkpoints.recovery_points),
        log_start: of(&checkpoints.log_starts),
        segments: (0..bases.len()).collect(),
        lens,
        bases,
        journalled: Vec::new(),
        whole: true,
        others,
        name,
    })
}

impl Partition {
    /// Takes what journals hold of this partition, which is known by its topic's id.
    fn take_journalled(&mut self, journals: &mut Journals) {
        let topic =
            if journals.is_empty() { None } else { partition_metadata::read(&self.disk, &self.path).ok() };
        if let (Some(Some(topic)), Some(name)) = (topic, &self.name) {
            self.journalled = journals.remove(&(topic, name.partition)).unwrap_or_default();
        }
    }

    /// The base offset of a segment, and that of the one behind it.
    pub(super) fn base_and_next(&self, segment: usize) -> Option<(Offset, Option<Offset>)> {
        let at = *self.segments.get(segment)?;
        Some((*self.bases.get(at)?, self.bases.get(at + 1).copied()))
    }

    /// How bad it is if the files of a segment do not fit its batches: after a crash the next start reads batches
    /// from the recovery point on and makes the indexes anew.
    pub(super) fn severity_of_rest(&self, next_base: Option<Offset>) -> Severity {
        let point = self.recovery_point.unwrap_or(Offset::ZERO);
        let is_recovered = !self.clean && next_base.is_none_or(|next| !was_closed(next, point));
        if is_recovered { Severity::Note } else { Severity::Problem }
    }

    /// What a file of a segment that is being made ahead is called.
    pub(super) fn is_prepared(path: &Path) -> bool {
        name_of(path) == layout::PREPARED
    }
}
