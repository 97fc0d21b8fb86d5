//! Reading a segment that is compacted, batch by batch, with checksums: what is written anew must not make damage look
//! right.

use std::path::{Path, PathBuf};

use reactor::{Disk, FileReader, OpenOptions};
use record::BatchHeader;
use types::{FilePosition, Offset};

use crate::error::{Context, StorageError};
use crate::layout::{FileKind, file_path};
use crate::scan::{Checksums, Scan, Step};

/// A segment that is being read.
#[derive(Debug)]
pub(super) struct Source {
    path: PathBuf,
    scan: Scan<FileReader>,
}

/// A batch with its place.
#[derive(Debug)]
pub(super) struct Found<'a> {
    pub(super) position: u64,
    pub(super) header: BatchHeader,
    pub(super) bytes: &'a [u8],
}

impl Source {
    /// Opens the segment that begins at `base` and holds `len` bytes, to be read from `position` on.
    pub(super) fn open(
        disk: &Disk,
        dir: &Path,
        base: Offset,
        len: u64,
        position: u64,
    ) -> Result<Self, StorageError> {
        let path = file_path(dir, base, FileKind::Log);
        let file = disk.open(&path, OpenOptions::READ.buffered()).context("open", &path)?;
        let scan = Scan::new(FileReader::new(file, FilePosition(position)), position, len);
        Ok(Self { path, scan })
    }

    /// The next batch, or `None` at the end.
    ///
    /// # Errors
    /// `Damaged` where there is none.
    pub(super) fn next(&mut self) -> Result<Option<Found<'_>>, StorageError> {
        match self.scan.next(Checksums::Compare).context("read", &self.path)? {
            Step::Batch { position, header, bytes } => Ok(Some(Found { position, header, bytes })),
            Step::End => Ok(None),
            Step::Bad { position, what, .. } => Err(damaged(&self.path, position, what)),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

pub(super) fn damaged(path: &Path, position: u64, what: impl ToString) -> StorageError {
    let what = what.to_string().into();
    StorageError::Damaged { file: path.to_owned(), position: FilePosition(position), what }
}
