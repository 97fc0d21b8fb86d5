//! Three ways from a file to a socket, measured raw: past the page cache into memory of one's own and sent from there;
//! through the page cache and sent; spliced from the page cache. Prints throughput, and CPU seconds per GB of this
//! process and of its kernel workers without the thread that receives.
//!
//!     cargo run --release -p strome-reactor --example cold_paths -- FOLDER [MIB] [ROUNDS]
//!
//! The ways take turns, and the medians of all rounds are printed. FOLDER must lie on the disk that is to be measured.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use io_uring::{IoUring, opcode, types};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// A way from the file to the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// O_DIRECT reads with the ring, so many in flight, into buffers that are used again and again.
    Direct(usize),
    /// The same, into buffers that the kernel has pinned once.
    Pinned(usize),
    /// The same as `Direct`, but into fresh memory every time.
    Fresh(usize),
    /// Reads through the page cache with the ring, so many in flight.
    Buffered(usize),
    /// File to pipe to socket, without the bytes being seen.
    Splice,
}

struct Measured {
    mib_per_s: f64,
    cpu_s_per_gb: f64,
}

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().unwrap_or_else(|| ".".to_owned());
    let number = |text: Option<String>, or| text.and_then(|text| text.parse().ok()).unwrap_or(or);
    let mib = number(arguments.next(), 1024);
    let rounds = number(arguments.next(), 3).max(1);
    let path = Path::new(&folder).join("cold_paths.tmp");
    write_file(&path, mib)?;
    let mut cases = Vec::new();
    for piece in [128 * KIB, 256 * KIB, 512 * KIB, MIB, 2 * MIB] {
        cases.extend([1, 2, 4].map(|depth| (Way::Direct(depth), piece, true)));
        cases.extend([(Way::Pinned(2), piece, true), (Way::Fresh(2), piece, true)]);
        for cold in [true, false] {
            cases.extend([(Way::Buffered(2), piece, cold), (Way::Splice, piece, cold)]);
        }
    }
    let mut measured: Vec<Vec<Measured>> = cases.iter().map(|_| Vec::new()).collect();
    for _ in 0..rounds {
        for (case, results) in cases.iter().zip(&mut measured) {
            results.push(run(&path, *case)?);
        }
    }
    println!("{:14} {:>8} {:>5} {:>9} {:>10}", "way", "piece", "cache", "MiB/s", "CPU s/GB");
    for ((way, piece, cold), results) in cases.iter().zip(&mut measured) {
        let cache = if *cold { "cold" } else { "hot" };
        let rate = median(results.iter().map(|result| result.mib_per_s).collect());
        let cpu = median(results.iter().map(|result| result.cpu_s_per_gb).collect());
        println!("{:14} {:>7}K {cache:>5} {rate:>9.0} {cpu:>10.3}", format!("{way:?}"), piece / KIB);
    }
    std::fs::remove_file(&path)
}

/// What cannot be compressed, so that no layer below can be clever.
fn write_file(path: &Path, mib: usize) -> io::Result<()> {
    let mut file = File::create(path)?;
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut block = vec![0; MIB];
    for _ in 0..mib {
        for word in block.chunks_exact_mut(8) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            word.copy_from_slice(&state.to_le_bytes());
        }
        file.write_all(&block)?;
    }
    file.sync_all()
}

fn run(path: &Path, (way, piece, cold): (Way, usize, bool)) -> io::Result<Measured> {
    let flags =
        if matches!(way, Way::Direct(_) | Way::Pinned(_) | Way::Fresh(_)) { libc::O_DIRECT } else { 0 };
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let len = file.metadata()?.len() as usize;
    if cold {
        evict(&file);
    } else {
        warm(&file)?;
    }
    let (mut socket, sink) = loopback()?;
    let (before, begin) = (cpu(libc::RUSAGE_SELF), Instant::now());
    match way {
        Way::Direct(depth) | Way::Buffered(depth) => {
            with_ring(&file, &mut socket, len, piece, depth, false, false)?
        }
        Way::Pinned(depth) => with_ring(&file, &mut socket, len, piece, depth, true, false)?,
        Way::Fresh(depth) => with_ring(&file, &mut socket, len, piece, depth, false, true)?,
        Way::Splice => splice_all(&file, &socket, len, piece)?,
    }
    drop(socket);
    let sink_cpu = sink.join().map_err(|_| io::Error::other("the receiver has failed"))??;
    let took = begin.elapsed();
    let used = cpu(libc::RUSAGE_SELF).saturating_sub(before).saturating_sub(sink_cpu);
    Ok(Measured {
        mib_per_s: len as f64 / MIB as f64 / took.as_secs_f64(),
        cpu_s_per_gb: used.as_secs_f64() / (len as f64 / 1e9),
    })
}

/// A connection whose other end receives everything and tells what CPU time that took.
fn loopback() -> io::Result<(TcpStream, std::thread::JoinHandle<io::Result<Duration>>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let socket = TcpStream::connect(listener.local_addr()?)?;
    let (mut other, _) = listener.accept()?;
    let sink = std::thread::spawn(move || {
        let mut buffer = vec![0; MIB];
        while other.read(&mut buffer)? > 0 {}
        Ok(cpu(libc::RUSAGE_THREAD))
    });
    Ok((socket, sink))
}

/// A buffer as O_DIRECT wants it.
struct Buffer(*mut u8, std::alloc::Layout);

impl Buffer {
    fn new(bytes: usize) -> Self {
        let layout =
            std::alloc::Layout::from_size_align(bytes, 4096).unwrap_or_else(|_| std::process::abort());
        // SAFETY: the size is not zero.
        let start = unsafe { std::alloc::alloc(layout) };
        assert!(!start.is_null(), "no memory");
        Self(start, layout)
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout, once.
        unsafe { std::alloc::dealloc(self.0, self.1) }
    }
}

/// Keeps `depth` reads in flight and sends what comes, in order, with blocking sends meanwhile.
fn with_ring(
    file: &File,
    socket: &mut TcpStream,
    len: usize,
    piece: usize,
    depth: usize,
    pinned: bool,
    fresh: bool,
) -> io::Result<()> {
    let mut ring = IoUring::new(8)?;
    let buffers: Vec<Buffer> = (0..depth).map(|_| Buffer::new(piece)).collect();
    let vectors: Vec<libc::iovec> =
        buffers.iter().map(|buffer| libc::iovec { iov_base: buffer.0.cast(), iov_len: piece }).collect();
    if pinned {
        // SAFETY: the buffers outlive the ring's use of them: every read is waited for.
        unsafe { ring.submitter().register_buffers(&vectors)? };
    }
    let fd = types::Fd(file.as_raw_fd());
    let submit = |ring: &mut IoUring, buffers: &[Buffer], number: usize| -> io::Result<()> {
        let slot = number % depth;
        let (start, at) = (buffers[slot].0, (number * piece) as u64);
        let entry = if pinned {
            opcode::ReadFixed::new(fd, start, piece as u32, slot as u16).offset(at).build()
        } else {
            opcode::Read::new(fd, start, piece as u32).offset(at).build()
        };
        // SAFETY: the buffer is not touched before the completion.
        unsafe { ring.submission().push(&entry.user_data(number as u64)) }.map_err(io::Error::other)?;
        ring.submit().map(|_| ())
    };
    let pieces = len / piece;
    for number in 0..depth.min(pieces) {
        submit(&mut ring, &buffers, number)?;
    }
    let mut done = vec![false; pieces];
    for number in 0..pieces {
        while !done[number] {
            ring.submit_and_wait(1)?;
            for completion in ring.completion() {
                assert_eq!(completion.result(), piece as i32, "a short read");
                done[completion.user_data() as usize] = true;
            }
        }
        // SAFETY: the read is over, so the buffer is filled and nobody writes to it.
        socket.write_all(unsafe { std::slice::from_raw_parts(buffers[number % depth].0, piece) })?;
        if number + depth < pieces {
            if fresh {
                // SAFETY: the buffer is ours, and its content is no longer needed.
                unsafe { libc::madvise(buffers[number % depth].0.cast(), piece, libc::MADV_DONTNEED) };
            }
            submit(&mut ring, &buffers, number + depth)?;
        }
    }
    Ok(())
}

fn splice_all(file: &File, socket: &TcpStream, len: usize, piece: usize) -> io::Result<()> {
    let mut pipe: [RawFd; 2] = [0; 2];
    // SAFETY: room for two descriptors.
    check(unsafe { libc::pipe2(pipe.as_mut_ptr(), libc::O_CLOEXEC) } as isize)?;
    // SAFETY: a number as argument. More than the system's bound is refused, and then the usual size stays.
    unsafe { libc::fcntl(pipe[1], libc::F_SETPIPE_SZ, piece.min(MIB)) };
    let mut at: libc::loff_t = 0;
    while (at as usize) < len {
        // SAFETY: the offset is writable.
        let got = check(unsafe {
            libc::splice(
                file.as_raw_fd(),
                &raw mut at,
                pipe[1],
                std::ptr::null_mut(),
                piece,
                libc::SPLICE_F_MOVE,
            )
        })?;
        let mut left = got;
        while left > 0 {
            let flags = libc::SPLICE_F_MOVE | libc::SPLICE_F_MORE;
            // SAFETY: no offsets.
            left -= check(unsafe {
                libc::splice(
                    pipe[0],
                    std::ptr::null_mut(),
                    socket.as_raw_fd(),
                    std::ptr::null_mut(),
                    left,
                    flags,
                )
            })?;
        }
    }
    for end in pipe {
        // SAFETY: ours, and used nowhere else.
        unsafe { libc::close(end) };
    }
    Ok(())
}

fn check(result: isize) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| io::Error::last_os_error())
}

/// Empties the page cache of the file.
fn evict(file: &File) {
    // SAFETY: no pointers.
    unsafe { libc::posix_fadvise(file.as_raw_fd(), 0, 0, libc::POSIX_FADV_DONTNEED) };
}

/// Fills the page cache with the file.
fn warm(mut file: &File) -> io::Result<()> {
    let mut buffer = vec![0; MIB];
    while file.read(&mut buffer)? > 0 {}
    Ok(())
}

fn cpu(who: libc::c_int) -> Duration {
    // SAFETY: a rusage of zeros is valid, and writable.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(who, &raw mut usage);
        usage
    };
    let time = |value: libc::timeval| Duration::new(value.tv_sec as u64, value.tv_usec as u32 * 1000);
    time(usage.ru_utime) + time(usage.ru_stime)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
