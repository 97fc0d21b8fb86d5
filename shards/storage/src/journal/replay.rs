//! Bringing what the journals hold of a log into its segments, while the log is opened.
//!
//! # Invariants
//! - Only what continues the log is added, each batch once: replaying twice changes nothing.
//! - It is durable in the segments before the journal is told so.

use std::path::PathBuf;

use reactor::{Disk, File, OpenOptions};
use record::{BatchHeader, batches, check_crc};
use tracing::debug;
use types::{ByteCount, FilePosition, Offset};

use crate::check::Checked;
use crate::checkpoint::sync_dir;
use crate::error::{Context, StorageError};
use crate::job::remove_segment;
use crate::journal::Leftover;
use crate::layout::{FileKind, file_path};
use crate::recover::{Damage, Origin, Recovery};
use crate::segment::Segment;
use crate::settings::LogSettings;

/// The segments of a log, before and after a replay.
#[derive(Debug)]
pub(crate) struct Replayed {
    /// All but the active one.
    pub(crate) segments: Vec<Segment>,
    pub(crate) active: Checked,
}

/// From where on `leftovers` hold a log without a gap. Segments need not be believed from there on, and looking at them takes
/// no longer than looking at the journals did.
pub(crate) fn held_from(leftovers: &[Leftover]) -> Option<Offset> {
    let mut from = leftovers.last()?.from;
    for leftover in leftovers.iter().rev().skip(1) {
        if leftover.end != Some(from) {
            break;
        }
        from = leftover.from;
    }
    Some(from)
}

/// Adds to `log` what `leftovers` hold beyond its end.
pub(crate) fn replay(
    origin: &Origin,
    settings: &LogSettings,
    leftovers: &[Leftover],
    log: Replayed,
    recovery: &mut Recovery,
) -> Result<Replayed, StorageError> {
    let mut replay = Replay { origin, settings, log, file: None, added: 0 };
    for leftover in leftovers {
        // In segments, as nearly everything is: it need not be read.
        if leftover.end.is_some_and(|end| end <= replay.log.active.end) {
            continue;
        }
        let mut bytes = vec![0; leftover.bytes as usize];
        leftover
            .file
            .read_exact_at(&mut bytes, FilePosition(leftover.position))
            .context("read", &leftover.path)?;
        if let Some(what) = replay.take_in(leftover, &bytes)? {
            if leftover.is_released {
                debug!(log = %origin.name, what, "records that the journal has released are left there");
                continue;
            }
            // Never silently: what cannot follow the log stays in a file of its own.
            let kept = replay.keep(leftover, &bytes)?;
            let what = format!("{what}; the records of the journal were copied to {}", kept.display());
            let position = FilePosition(leftover.position);
            recovery.damage.push(Damage { file: leftover.path.to_path_buf(), position, what });
        }
    }
    replay.finish(recovery)
}

struct Replay<'a> {
    origin: &'a Origin,
    settings: &'a LogSettings,
    log: Replayed,
    /// Of the active segment, once something was added to it.
    file: Option<(File, PathBuf)>,
    added: u64,
}

impl Replay<'_> {
    /// Adds what of `bytes` continues the log; says why it cannot.
    fn take_in(&mut self, leftover: &Leftover, bytes: &[u8]) -> Result<Option<String>, StorageError> {
        if leftover.from > self.log.active.end {
            return Ok(Some(format!(
                "records that followed offset {} cannot follow a log that ends at {}",
                leftover.from, self.log.active.end
            )));
        }
        for batch in batches(bytes) {
            let (header, batch) = match batch {
                Ok(batch) => batch,
                Err(error) => return Ok(Some(error.to_string())),
            };
            if header.last_offset() < self.log.active.end {
                continue; // The segments have it.
            }
            if header.base_offset < self.log.active.end && !self.begins_within(&header) {
                let what = format!(
                    "a batch at offset {} overlaps the log's end {}",
                    header.base_offset, self.log.active.end
                );
                return Ok(Some(what));
            }
            if let Err(error) = check_crc(batch) {
                return Ok(Some(error.to_string()));
            }
            if leftover.is_released && header.partition_leader_epoch < self.log.active.last_epoch {
                let what = format!("a batch at offset {} is of a past leader", header.base_offset);
                return Ok(Some(what));
            }
            if header.base_offset < self.log.active.end {
                self.begin_at(header.base_offset)?;
            }
            self.append(&header, batch)?;
        }
        Ok(None)
    }

    /// Whether the log has nothing in its segments, and starts within this batch, as after a deletion of records that were
    /// in the journal only.
    fn begins_within(&self, header: &BatchHeader) -> bool {
        let Replayed { segments, active } = &self.log;
        let is_empty = segments.is_empty() && active.segment.bytes == 0;
        is_empty && header.base_offset < self.origin.log_start && active.end == self.origin.log_start
    }

    /// Has the empty log begin at `base`, below where it did.
    fn begin_at(&mut self, base: Offset) -> Result<(), StorageError> {
        remove_segment(self.disk(), &self.origin.path, self.log.active.segment.base)?;
        let last_epoch = self.log.active.last_epoch;
        self.log.active = Checked { last_epoch, ..Checked::empty(base) };
        self.file = None;
        Ok(())
    }

    fn append(&mut self, header: &BatchHeader, batch: &[u8]) -> Result<(), StorageError> {
        let active = &self.log.active.segment;
        let too_large = active.bytes + batch.len() as u64 > u64::from(self.settings.segment_bytes);
        let too_far = header.last_offset().0 - active.base.0 > i64::from(i32::MAX);
        if active.bytes > 0 && (too_large || too_far) {
            self.roll(Segment::base_for(header, self.log.active.end))?;
        }
        let at = self.log.active.segment.bytes;
        let (file, path) = self.file()?;
        file.write_all_at(batch, FilePosition(at)).context("write", path)?;
        let active = &mut self.log.active;
        if at == 0 {
            active.first_timestamp = header.max_timestamp;
        }
        active.index.on_batch(header, at, self.settings.index_interval_bytes);
        active.segment.bytes += batch.len() as u64;
        active.segment.max_timestamp = active.segment.max_timestamp.max(header.max_timestamp);
        active.end = header.next_offset();
        active.last_epoch = header.partition_leader_epoch;
        self.added += batch.len() as u64;
        Ok(())
    }

    fn disk(&self) -> &Disk {
        self.origin.disk()
    }

    /// The active segment's file.
    fn file(&mut self) -> Result<&(File, PathBuf), StorageError> {
        let opened = match self.file.take() {
            Some(opened) => opened,
            None => self.open()?,
        };
        Ok(self.file.insert(opened))
    }

    fn open(&self) -> Result<(File, PathBuf), StorageError> {
        let active = &self.log.active.segment;
        let path = file_path(&self.origin.path, active.base, FileKind::Log);
        let file = self.disk().open(&path, OpenOptions::CREATE.buffered()).context("open", &path)?;
        // Behind the last batch there may be room that was made ahead.
        file.set_len(ByteCount(active.bytes)).context("shorten", &path)?;
        Ok((file, path))
    }

    /// Closes the active segment, durably, and begins the next one. Nothing need have been added to it: then it holds what a
    /// process has written that died, which may be as little durable as its name.
    fn roll(&mut self, base: Offset) -> Result<(), StorageError> {
        self.file()?;
        self.sync()?;
        sync_dir(self.disk(), &self.origin.path)?;
        let last_epoch = self.log.active.last_epoch;
        let next = Checked { last_epoch, ..Checked::empty(base) };
        let mut full = std::mem::replace(&mut self.log.active, next);
        full.index.finish();
        full.index.save(self.disk(), &self.origin.path)?;
        full.index.sync(self.disk(), &self.origin.path)?;
        self.log.segments.push(full.segment);
        self.file = None;
        Ok(())
    }

    fn sync(&self) -> Result<(), StorageError> {
        match &self.file {
            Some((file, path)) => file.sync_all().context("sync", path),
            None => Ok(()),
        }
    }

    /// Copies records that cannot follow the log into a file beside its segments.
    fn keep(&self, leftover: &Leftover, bytes: &[u8]) -> Result<PathBuf, StorageError> {
        let name = format!("journal-{}.kept-{}", leftover.from, leftover.position);
        let kept = self.origin.path.join(name);
        self.disk().write(&kept, bytes).context("write", &kept)?;
        self.disk()
            .open(&kept, OpenOptions::READ.buffered())
            .and_then(|file| file.sync_all())
            .context("sync", &kept)?;
        Ok(kept)
    }

    fn finish(self, recovery: &mut Recovery) -> Result<Replayed, StorageError> {
        if self.added > 0 {
            self.sync()?;
            self.log.active.index.save(self.disk(), &self.origin.path)?;
            sync_dir(self.disk(), &self.origin.path)?;
            recovery.replayed_bytes += self.added;
        }
        Ok(self.log)
    }
}
