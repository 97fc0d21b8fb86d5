//! Files that the ring reads and writes, past the page cache where that is to be had.
//!
//! # Not here
//! Reads and writes themselves, which go through the reactor (`transfer.rs`). What is here blocks, and is for
//! offload threads and for the start.

use std::fs;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use ::types::{ByteCount, FilePosition};

use crate::aligned::{ALIGNMENT, AlignedMemory};
use crate::simulation::{DescriptionId, NodeId, Shared};

/// An open file. Clones are the same open file; it is closed when the last one, and the last operation on it, is
/// gone.
#[derive(Clone, Debug)]
pub struct File {
    inner: Arc<Inner>,
}

#[derive(Debug)]
enum Inner {
    Host { file: fs::File, direct: bool, block_bytes: u32 },
    Simulated(SimulatedFile),
}

/// A file of a simulated disk.
#[derive(Debug)]
pub(crate) struct SimulatedFile {
    pub(crate) state: Shared,
    pub(crate) node: NodeId,
    pub(crate) description: DescriptionId,
    pub(crate) is_direct: bool,
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
                        return Ok(Self { inner: Arc::new(Inner::Host { file, direct: true, block_bytes }) });
                    }
                }
                Err(error) if lacks_direct(&error) => {}
                Err(error) => return Err(error),
            }
        }
        let file = options.open(path, 0)?;
        Ok(Self { inner: Arc::new(Inner::Host { file, direct: false, block_bytes: ALIGNMENT as u32 }) })
    }

    /// Opens the same file once more, whatever its name is now. The kernel tells each opening once that a sync of anybody has
    /// failed: so a commit hears of it although another sync, through another opening, has come before. Blocks.
    pub fn reopen(&self) -> io::Result<Self> {
        match &*self.inner {
            Inner::Host { file, .. } => {
                let path = format!("/proc/self/fd/{}", file.as_raw_fd());
                let options = OpenOptions { direct: self.direct(), ..OpenOptions::WRITE };
                Self::open(Path::new(&path), options)
            }
            Inner::Simulated(file) => {
                let description = file.state.lock().describe(file.node);
                let (state, node, is_direct) = (file.state.clone(), file.node, file.is_direct);
                Ok(Self::simulate(SimulatedFile { state, node, description, is_direct }))
            }
        }
    }

    /// Writes all of `memory` to the beginning of the file, with the kernel's flags for a write (RWF_*). Blocks.
    pub(crate) fn write_block(&self, memory: &AlignedMemory, flags: libc::c_int) -> io::Result<()> {
        let vector = libc::iovec { iov_base: memory.start().cast(), iov_len: memory.capacity() };
        // SAFETY: the vector points to memory that lives until the call returns, and is only read.
        let written = unsafe { libc::pwritev2(self.raw_fd(), &raw const vector, 1, 0, flags) };
        match usize::try_from(written) {
            Ok(written) if written == memory.capacity() => Ok(()),
            Ok(_) => Err(io::ErrorKind::WriteZero.into()),
            Err(_) => Err(io::Error::last_os_error()),
        }
    }

    pub(crate) fn simulate(file: SimulatedFile) -> Self {
        Self { inner: Arc::new(Inner::Simulated(file)) }
    }

    pub(crate) fn simulated(&self) -> Option<&SimulatedFile> {
        match &*self.inner {
            Inner::Host { .. } => None,
            Inner::Simulated(file) => Some(file),
        }
    }

    /// Whether it passes by the page cache. Then positions and lengths of writes must be multiples of
    /// [`block_bytes`](Self::block_bytes).
    #[must_use]
    pub fn direct(&self) -> bool {
        match &*self.inner {
            Inner::Host { direct, .. } => *direct,
            Inner::Simulated(file) => file.is_direct,
        }
    }

    /// The size of a block, in bytes: what direct writes are multiples of, and the padding that suits in any case.
    #[must_use]
    pub fn block_bytes(&self) -> u32 {
        match &*self.inner {
            Inner::Host { block_bytes, .. } => *block_bytes,
            Inner::Simulated(_) => ALIGNMENT as u32,
        }
    }

    /// The file's length. Blocks shortly.
    pub fn len(&self) -> io::Result<ByteCount> {
        match &*self.inner {
            Inner::Host { file, .. } => file.metadata().map(|metadata| ByteCount(metadata.len())),
            Inner::Simulated(file) => {
                file.state.lock().content(file.node).map(|content| ByteCount(content.size()))
            }
        }
    }

    /// Whether the file is empty. Blocks shortly.
    pub fn is_empty(&self) -> io::Result<bool> {
        self.len().map(|len| len == ByteCount::ZERO)
    }

    /// Cuts the file or extends it with zeros that take no room on the disk. Blocks.
    pub fn set_len(&self, len: ByteCount) -> io::Result<()> {
        match &*self.inner {
            Inner::Host { file, .. } => file.set_len(len.0),
            Inner::Simulated(file) => file.state.lock().set_len(file.node, len.0),
        }
    }

    /// Reserves room on the disk and extends the file to it, so that later writes there cannot fail for want of
    /// space. Blocks. Where the file system cannot reserve, the file is only extended.
    pub fn allocate(&self, from: FilePosition, len: ByteCount) -> io::Result<()> {
        let file = match &*self.inner {
            Inner::Host { file, .. } => file,
            Inner::Simulated(file) => return file.state.lock().allocate(file.node, from.0, len.0),
        };
        let out_of_range = |_| io::Error::from_raw_os_error(libc::EFBIG);
        let (at, bytes) = (
            libc::off_t::try_from(from.0).map_err(out_of_range)?,
            libc::off_t::try_from(len.0).map_err(out_of_range)?,
        );
        // SAFETY: no pointers; the descriptor is open.
        if unsafe { libc::fallocate(file.as_raw_fd(), 0, at, bytes) } == 0 {
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
        match &*self.inner {
            Inner::Host { file, .. } => file.read_at(buffer, at.0),
            Inner::Simulated(file) => file.buffered()?.state.lock().read(file.node, at.0, buffer),
        }
    }

    /// Fills `buffer` from `at` on, or fails with `UnexpectedEof`. Blocks. Not for direct files.
    pub fn read_exact_at(&self, buffer: &mut [u8], at: FilePosition) -> io::Result<()> {
        match &*self.inner {
            Inner::Host { file, .. } => file.read_exact_at(buffer, at.0),
            Inner::Simulated(_) if self.read_at(buffer, at)? < buffer.len() => {
                Err(io::ErrorKind::UnexpectedEof.into())
            }
            Inner::Simulated(_) => Ok(()),
        }
    }

    /// Writes all of `bytes` at `at`. Blocks. Not for direct files.
    pub fn write_all_at(&self, bytes: &[u8], at: FilePosition) -> io::Result<()> {
        match &*self.inner {
            Inner::Host { file, .. } => file.write_all_at(bytes, at.0),
            Inner::Simulated(file) => file.buffered()?.state.lock().write(file.node, at.0, bytes),
        }
    }

    /// Makes everything written so far durable, with what is needed to read it again (fdatasync). Blocks.
    pub fn sync_data(&self) -> io::Result<()> {
        match &*self.inner {
            Inner::Host { file, .. } => file.sync_data(),
            Inner::Simulated(file) => file.sync(),
        }
    }

    /// Makes everything written so far durable, with the file's metadata (fsync). Blocks.
    pub fn sync_all(&self) -> io::Result<()> {
        match &*self.inner {
            Inner::Host { file, .. } => file.sync_all(),
            Inner::Simulated(file) => file.sync(),
        }
    }

    /// What the ring works on. No ring ever sees a simulated file; if one did, the kernel would refuse.
    pub(crate) fn raw_fd(&self) -> RawFd {
        match &*self.inner {
            Inner::Host { file, .. } => file.as_raw_fd(),
            Inner::Simulated(_) => -1,
        }
    }
}

impl SimulatedFile {
    /// The file, unless it is a direct one, for which the kernel would refuse an unaligned buffer.
    fn buffered(&self) -> io::Result<&Self> {
        if self.is_direct { Err(io::Error::from_raw_os_error(libc::EINVAL)) } else { Ok(self) }
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.state.lock();
        let sequence = state.sequence();
        state.sync(self.node, self.description, sequence)
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
