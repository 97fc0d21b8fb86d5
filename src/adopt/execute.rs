//! Writing what a plan has decided.
//!
//! The new metadata log is made under another name, read back, and renamed when it is durable and right. Before the
//! rename Kafka's directory is as it was, but for that folder, which the next attempt removes.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use quorum::MetadataLog;

use super::{AdoptError, Plan};
use crate::boot::METADATA_DIR;

/// Where the metadata log lies until it is complete.
const DRAFT: &str = "strome-metadata.adopting";

impl Plan {
    /// The folders that [`Plan::execute`] makes: the draft, and what it becomes.
    pub fn metadata_dirs(&self) -> Option<(PathBuf, PathBuf)> {
        let first = self.directories.first()?;
        Some((first.join(DRAFT), first.join(METADATA_DIR)))
    }

    /// How many entries and records the metadata log gets.
    pub fn size(&self) -> (usize, usize) {
        (self.entries.len(), self.entries.iter().map(Vec::len).sum())
    }

    /// Does it. Call it only if nothing speaks against it.
    pub fn execute(&self) -> Result<(), AdoptError> {
        let Some((draft, place)) = self.metadata_dirs() else { return Ok(()) };
        assert!(self.refusals.is_empty(), "a plan that was refused is not executed");
        let _locks = self.found.lock_for_change()?;
        if draft.exists() {
            fs::remove_dir_all(&draft).map_err(AdoptError::io("remove", &draft))?;
        }
        let (mut log, _) = MetadataLog::open(&draft)?;
        for records in &self.entries {
            log.propose(records)?;
        }
        drop(log);
        self.read_back(&draft)?;
        sync(&draft)?;
        fs::rename(&draft, &place).map_err(AdoptError::io("rename", &draft))?;
        place.parent().map_or(Ok(()), sync)
    }

    /// Compares what was written with what should have been.
    fn read_back(&self, draft: &Path) -> Result<(), AdoptError> {
        let (entries, torn) = MetadataLog::read(draft)?;
        if let Some(torn) = torn {
            return Err(AdoptError::NotWritten(torn.what));
        }
        let same = entries.len() == self.entries.len()
            && entries.iter().zip(&self.entries).all(|(read, written)| read.records == *written);
        if same { Ok(()) } else { Err(AdoptError::NotWritten("other records were read back".to_owned())) }
    }
}

fn sync(dir: &Path) -> Result<(), AdoptError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(AdoptError::io("sync", dir))
}
