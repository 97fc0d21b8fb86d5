//! A disk with a volatile write cache: what was not flushed when the power fails may be there, wholly or in part, in any
//! order, or not at all. A file that this process serves through FUSE, with a loop device and a file system on it.
//!
//! # Invariants
//! - A cut happens at one moment, whatever is under way.
//! - Whatever was written before a flush that has completed is on the disk.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use rustix::mount::MountFlags;
use tempfile::TempDir;

use crate::dice::Dice;
use crate::loop_disk::{Format, LoopDisk, needs_root, unmount};
use crate::suite::Skip;

/// What a disk writes whole or not at all.
const SECTOR_BYTES: usize = 512;

/// The largest request that the kernel may send.
const WRITE_BYTES_MAX: usize = 1 << 20;

/// See the module. Dropped, it unmounts everything.
pub struct VolatileDisk {
    // In the order in which they are given up.
    mounted: LoopDisk,
    format: Format,
    cells: Arc<Mutex<Cells>>,
    _served: Served,
}

/// What is on the disk, and what only seems to be.
struct Cells {
    /// What reading returns.
    current: Vec<u8>,
    /// What a power failure leaves for sure.
    flushed: Vec<u8>,
    /// Writes since the last flush.
    cached: Vec<(usize, Vec<u8>)>,
}

impl VolatileDisk {
    /// A formatted and mounted disk of so many bytes.
    pub fn make(format: Format, bytes: usize) -> Result<Self, Skip> {
        needs_root()?;
        let cells = Cells { current: vec![0; bytes], flushed: vec![0; bytes], cached: Vec::new() };
        let cells = Arc::new(Mutex::new(cells));
        let served = Served::begin(cells.clone())?;
        format.make(&served.file)?;
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mounted = LoopDisk::mount(served.file.clone(), format, dir)?;
        Ok(Self { mounted, format, cells, _served: served })
    }

    /// Where its file system is.
    pub fn path(&self) -> &Path {
        self.mounted.path()
    }

    /// What is left when the power fails now. `at_the_cut` is called at that moment.
    pub fn cut(&self, at_the_cut: impl FnOnce()) -> Remains {
        let cells = self.lock();
        at_the_cut();
        Remains { flushed: cells.flushed.clone(), cached: cells.cached.clone(), format: self.format }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Cells> {
        self.cells.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was on a disk, and in its cache, when the power failed.
pub struct Remains {
    flushed: Vec<u8>,
    cached: Vec<(usize, Vec<u8>)>,
    format: Format,
}

impl Remains {
    /// Of everything that was in the cache, nothing, something or all has reached the disk; mounts it.
    pub fn mount(self, dice: &mut Dice) -> Result<LoopDisk, Skip> {
        let mut disk = self.flushed;
        let kept_of_100 = dice.one_of(&[0, 0, 10, 50, 90, 100]);
        for (at, bytes) in &self.cached {
            let whole = dice.between(0, 99) < kept_of_100;
            let torn = dice.once_in(4);
            for (number, sector) in bytes.chunks(SECTOR_BYTES).enumerate() {
                let is_kept = if torn { dice.between(0, 99) < kept_of_100 } else { whole };
                if is_kept {
                    let from = at + number * SECTOR_BYTES;
                    disk[from..from + sector.len()].copy_from_slice(sector);
                }
            }
        }
        let dir = tempfile::tempdir().expect("a temporary directory");
        let image = dir.path().join("image");
        write_sparse(&image, &disk);
        LoopDisk::mount(image, self.format, dir)
    }
}

fn write_sparse(image: &Path, bytes: &[u8]) {
    const PIECE: usize = 64 * 1024;
    let file = File::create(image).expect("an image");
    file.set_len(bytes.len() as u64).expect("an image");
    for (number, piece) in bytes.chunks(PIECE).enumerate() {
        if piece.iter().any(|byte| *byte != 0) {
            file.write_all_at(piece, (number * PIECE) as u64).expect("an image");
        }
    }
}

impl Cells {
    fn read(&self, at: usize, bytes: usize) -> &[u8] {
        let from = at.min(self.current.len());
        &self.current[from..(from + bytes).min(self.current.len())]
    }

    fn write(&mut self, at: usize, bytes: &[u8]) {
        self.current[at..at + bytes.len()].copy_from_slice(bytes);
        self.cached.push((at, bytes.to_vec()));
    }

    fn flush(&mut self) {
        for (at, bytes) in self.cached.drain(..) {
            self.flushed[at..at + bytes.len()].copy_from_slice(&bytes);
        }
    }
}

/// The disk as a file.
struct Served {
    file: PathBuf,
    _dir: TempDir,
}

impl Served {
    /// Mounts a file system whose root is the disk, and serves it on a thread of its own until it is unmounted.
    fn begin(cells: Arc<Mutex<Cells>>) -> Result<Self, Skip> {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let file = dir.path().join("disk");
        File::create(&file).expect("a place for the disk");
        let kernel = File::options().read(true).write(true).open("/dev/fuse");
        let kernel = kernel.map_err(|error| Skip(format!("/dev/fuse: {error}")))?;
        let options = format!("fd={},rootmode=100600,user_id=0,group_id=0\0", kernel.as_raw_fd());
        let options = std::ffi::CStr::from_bytes_with_nul(options.as_bytes()).expect("one zero");
        rustix::mount::mount("disk", &file, "fuse", MountFlags::empty(), options)
            .map_err(|error| Skip(format!("mounting through FUSE: {error}")))?;
        thread::spawn(move || serve(kernel, &cells));
        Ok(Self { file, _dir: dir })
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        unmount(&self.file);
    }
}

/// Requests of the kernel, as `linux/fuse.h` numbers them.
mod opcode {
    pub const FORGET: u32 = 2;
    pub const GETATTR: u32 = 3;
    pub const SETATTR: u32 = 4;
    pub const OPEN: u32 = 14;
    pub const READ: u32 = 15;
    pub const WRITE: u32 = 16;
    pub const STATFS: u32 = 17;
    pub const RELEASE: u32 = 18;
    pub const FSYNC: u32 = 20;
    pub const FLUSH: u32 = 25;
    pub const INIT: u32 = 26;
    pub const ACCESS: u32 = 34;
    pub const INTERRUPT: u32 = 36;
    pub const BATCH_FORGET: u32 = 42;
}

const IN_HEADER_BYTES: usize = 40;
const WRITE_IN_BYTES: usize = 40;
const ENOSYS: i32 = -38;
const FOPEN_DIRECT_IO: u32 = 1;
/// `FUSE_BIG_WRITES | FUSE_MAX_PAGES`
const INIT_FLAGS: u32 = 1 << 5 | 1 << 22;
const PROTOCOL: (u32, u32) = (7, 31);

fn serve(mut kernel: File, cells: &Mutex<Cells>) {
    let mut request = vec![0; WRITE_BYTES_MAX + 4096];
    // It ends when the disk is unmounted.
    while let Ok(len) = kernel.read(&mut request) {
        let request = &request[..len];
        let (code, unique) = (number32(request, 4), number64(request, 8));
        let mut cells = cells.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(answer) = answer(code, &request[IN_HEADER_BYTES..], &mut cells) else { continue };
        let (error, body) = answer.map_or_else(|error| (error, Vec::new()), |body| (0, body));
        let mut reply = Vec::with_capacity(16 + body.len());
        reply.extend((16 + body.len() as u32).to_ne_bytes());
        reply.extend(error.to_ne_bytes());
        reply.extend(unique.to_ne_bytes());
        reply.extend(body);
        // It fails when the request was given up.
        let _ = kernel.write_all(&reply);
    }
}

/// What the kernel is answered; `None` where it expects nothing.
fn answer(code: u32, body: &[u8], cells: &mut Cells) -> Option<Result<Vec<u8>, i32>> {
    let answer = match code {
        opcode::FORGET | opcode::BATCH_FORGET | opcode::INTERRUPT => return None,
        opcode::INIT => init(),
        opcode::GETATTR | opcode::SETATTR => attributes(cells.current.len() as u64),
        opcode::OPEN => [words64(&[0]), words32(&[FOPEN_DIRECT_IO, 0])].concat(),
        opcode::READ => {
            let (at, bytes) = (number64(body, 8) as usize, number32(body, 16) as usize);
            cells.read(at, bytes).to_vec()
        }
        opcode::WRITE => {
            let (at, bytes) = (number64(body, 8) as usize, number32(body, 16));
            cells.write(at, &body[WRITE_IN_BYTES..WRITE_IN_BYTES + bytes as usize]);
            words32(&[bytes, 0])
        }
        opcode::FSYNC => {
            cells.flush();
            Vec::new()
        }
        opcode::STATFS => vec![0; 80],
        opcode::FLUSH | opcode::RELEASE | opcode::ACCESS => Vec::new(),
        _ => return Some(Err(ENOSYS)),
    };
    Some(Ok(answer))
}

fn init() -> Vec<u8> {
    let pages = (WRITE_BYTES_MAX / 4096) as u32;
    // Readahead, flags; background and congestion in one word; the largest write, the granularity of times; pages.
    let words = [PROTOCOL.0, PROTOCOL.1, 0, INIT_FLAGS, 32 << 16 | 64, WRITE_BYTES_MAX as u32, 1, pages];
    [words32(&words), vec![0; 32]].concat()
}

fn attributes(size: u64) -> Vec<u8> {
    const REGULAR_FILE: u32 = 0o100_600;
    let valid_seconds = 1;
    let times_and_mode = [0, 0, 0, REGULAR_FILE, 1, 0, 0, 0, 4096, 0];
    [words64(&[valid_seconds, 0, 1, size, size / 512, 0, 0, 0]), words32(&times_and_mode)].concat()
}

fn words32(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_ne_bytes()).collect()
}

fn words64(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_ne_bytes()).collect()
}

fn number32(bytes: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

fn number64(bytes: &[u8], at: usize) -> u64 {
    u64::from_ne_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}
