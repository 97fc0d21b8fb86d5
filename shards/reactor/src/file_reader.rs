//! Reading a file from front to back, as scans do.

use std::io::{self, Read, Seek, SeekFrom};

use ::types::FilePosition;

use crate::file::File;

/// A place in a file that moves on with what is read. Other readers of the same file have places of their own. The file is
/// not a direct one.
#[derive(Debug)]
pub struct FileReader {
    file: File,
    at: FilePosition,
}

impl FileReader {
    /// Reads `file` from `at` on.
    #[must_use]
    pub fn new(file: File, at: FilePosition) -> Self {
        Self { file, at }
    }
}

impl Read for FileReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at = FilePosition(self.at.0 + read as u64);
        Ok(read)
    }
}

impl Seek for FileReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.0.checked_add_signed(by),
            SeekFrom::End(by) => self.file.len()?.0.checked_add_signed(by),
        };
        self.at = FilePosition(at.ok_or(io::ErrorKind::InvalidInput)?);
        Ok(self.at.0)
    }
}
