//! Files that the ring reads and writes, past the page cache where that is to be had.
//!
//! # Not here
//! Reads and writes themselves, which go through the reactor (`transfer.rs`). What is here blocks, and is for
//! offload threads and for the start.

use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use ::types::{ByteCount, FilePosition};

use crate::aligned::ALIGNMENT;

/// An open file. Clones are the same open file; it is closed when the last one, and the last operation on it, is
/// gone.
#[derive(Clone, Debug)]
pub struct File {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    file: fs::File,
    direct: bool,
    block_bytes: u32,
}

/// How a file is to be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenOptions {
    /// For reading.
    pub read: bool,
    /// For writing.
    pub write: bool,
    /// Make it if it is not there.
    pub create: bool,
    /// Make it; fail if it is there.
    pub create_new: bool,
    /// Cut it to nothing.
    pub truncate: bool,
    /// Try to pass by the page cache (O_DIRECT).
    pub direct: bool,
}

impl OpenOptions {
    /// Reads an existing file.
    pub const READ: Self =
        Self { read: true, write: false, create: false, create_new: false, truncate: false, direct: true };
    /// Reads and writes an existing file.
    pub const WRITE: Self = Self { write: true, ..Self::READ };
    /// Reads and writes a file that is made if it is not there; what it holds is kept.
    pub const CREATE: Self = Self { create: true, ..Self::WRITE };
    /// Reads and writes a file that is made, or cut to nothing if it is there.
    pub const REPLACE: Self = Self { truncate: true, ..Self::CREATE };

    /// The same, but through the page cache.
    #[must_use]
    pub const fn buffered(self) -> Self {
        Self { direct: false, ..self }
    }

    fn open(self, path: &Path, flags: i32) -> io::Result<fs::File> {
        fs::OpenOptions::new()
            .read(self.read)
            .write(self.write)
            .create(self.create)
            .create_new(self.create_new)
            .truncate(self.truncate)
            .custom_flags(flags)
            .open(path)
    }
}

impl File {
    /// Opens `path`, direct if asked for and possible, else through the page cache. Blocks.
    pub fn open(path: &Path, options: OpenOptions) -> io::Result<Self> {
        if options.direct {
            match options.open(path, libc::O_DIRECT) {
                Ok(file) => {
                    if let Some(block_bytes) = direct_block_bytes(&file) {
                        return Ok(Self { inner: Arc::new(Inner { file, direct: true, block_bytes }) });
                    }
                }
                Err(error) if lacks_direct(&error) => {}
                Err(error) => return Err(error),
            }
        }
        let file = options.open(path, 0)?;
        Ok(Self { inner: Arc::new(Inner { file, direct: false, block_bytes: ALIGNMENT as u32 }) })
    }

    /// Whether it passes by the page cache. Then positions and lengths of writes must be multiples of
    /// [`block_bytes`](Self::block_bytes).
    #[must_use]
    pub fn direct(&self) -> bool {
        self.inner.direct
    }

    /// The size of a block, in bytes: what direct writes are multiples of, and the padding that suits in any case.
    #[must_use]
    pub fn block_bytes(&self) -> u32 {
        self.inner.block_bytes
    }

    /// The file's length. Blocks shortly.
    pub fn len(&self) -> io::Result<ByteCount> {
        self.inner.file.metadata().map(|metadata| ByteCount(metadata.len()))
    }

    /// Whether the file is empty. Blocks shortly.
    pub fn is_empty(&self) -> io::Result<bool> {
        self.len().map(|len| len == ByteCount::ZERO)
    }

    /// Cuts the file or extends it with zeros that take no room on the disk. Blocks.
    pub fn set_len(&self, len: ByteCount) -> io::Result<()> {
        self.inner.file.set_len(len.0)
    }

    /// Reserves room on the disk and extends the file to it, so that later writes there cannot fail for want of
    /// space. Blocks. Where the file system cannot reserve, the file is only extended.
    pub fn allocate(&self, from: FilePosition, len: ByteCount) -> io::Result<()> {
        let out_of_range = |_| io::Error::from_raw_os_error(libc::EFBIG);
        let (at, bytes) = (
            libc::off_t::try_from(from.0).map_err(out_of_range)?,
            libc::off_t::try_from(len.0).map_err(out_of_range)?,
        );
        // SAFETY: no pointers; the descriptor is open.
        if unsafe { libc::fallocate(self.raw_fd(), 0, at, bytes) } == 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if error.raw_os_error() != Some(libc::EOPNOTSUPP) {
            return Err(error);
        }
        let end = ByteCount(from.0 + len.0);
        if self.len()? < end { self.set_len(end) } else { Ok(()) }
    }

    /// Reads at `at` into `buffer`, as much as the file has there; tells how much. Blocks. Not for direct files, whose
    /// buffers have to be aligned.
    pub fn read_at(&self, buffer: &mut [u8], at: FilePosition) -> io::Result<usize> {
        self.inner.file.read_at(buffer, at.0)
    }

    /// Fills `buffer` from `at` on, or fails with `UnexpectedEof`. Blocks. Not for direct files.
    pub fn read_exact_at(&self, buffer: &mut [u8], at: FilePosition) -> io::Result<()> {
        self.inner.file.read_exact_at(buffer, at.0)
    }

    /// Writes all of `bytes` at `at`. Blocks. Not for direct files.
    pub fn write_all_at(&self, bytes: &[u8], at: FilePosition) -> io::Result<()> {
        self.inner.file.write_all_at(bytes, at.0)
    }

    /// Makes everything written so far durable, with what is needed to read it again (fdatasync). Blocks.
    pub fn sync_data(&self) -> io::Result<()> {
        self.inner.file.sync_data()
    }

    /// Makes everything written so far durable, with the file's metadata (fsync). Blocks.
    pub fn sync_all(&self) -> io::Result<()> {
        self.inner.file.sync_all()
    }

    pub(crate) fn raw_fd(&self) -> RawFd {
        self.inner.file.as_raw_fd()
    }
}

impl AsFd for File {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.file.as_fd()
    }
}

/// What file systems answer that know no O_DIRECT.
fn lacks_direct(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EINVAL | libc::EOPNOTSUPP))
}

/// The block size for direct access, or `None` if direct access would not work with our buffers.
///
/// Since 6.1 the kernel tells. Its smallest block is often 512 bytes where the disk's own is 4096, and then
/// every smaller write costs the disk a read: so never less than a page.
fn direct_block_bytes(file: &fs::File) -> Option<u32> {
    // SAFETY: a statx of zeros is valid.
    let mut stat: libc::statx = unsafe { std::mem::zeroed() };
    // SAFETY: the path is an empty string, which with AT_EMPTY_PATH names the open descriptor; `stat` is writable.
    let outcome = unsafe {
        libc::statx(file.as_raw_fd(), c"".as_ptr(), libc::AT_EMPTY_PATH, libc::STATX_DIOALIGN, &raw mut stat)
    };
    if outcome != 0 || stat.stx_mask & libc::STATX_DIOALIGN == 0 {
        return Some(ALIGNMENT as u32);
    }
    let (memory, offset) = (stat.stx_dio_mem_align, stat.stx_dio_offset_align);
    let usable = offset != 0 && offset.is_power_of_two() && memory as usize <= ALIGNMENT;
    usable.then(|| offset.max(ALIGNMENT as u32))
}
