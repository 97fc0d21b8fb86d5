//! The receive buffers of one shard: the kernel picks one when data is there, so idle connections hold none.
//!
//! # Invariants
//! - A buffer is at one place: with the kernel, in the pool's free list, or in one [`Received`].
//! - The memory outlives every `Received`, and the kernel's use of it (the reactor waits for that when it ends).
//!
//! # Not here
//! Which receive waits for a buffer (`receive.rs`).

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io;
use std::ops::Deref;
use std::ptr::{self, NonNull};
use std::rc::Rc;
use std::sync::atomic::{AtomicU16, Ordering};

use io_uring::IoUring;
use io_uring::types::BufRingEntry;

use crate::error::ReactorError;
use crate::options::Options;

/// The group by which receives name this pool; a ring has only one.
pub(crate) const BUFFER_GROUP: u16 = 0;

/// What has come from a peer. Its buffer goes back to the shard's pool when it is dropped, so copy and drop soon:
/// who keeps many of these keeps the shard from receiving.
pub struct Received {
    pool: Rc<Pool>,
    buffer: u16,
    len: usize,
}

impl Deref for Received {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: the kernel has written the first `len` bytes, has given the buffer up, and nobody else has it.
        unsafe { std::slice::from_raw_parts(self.pool.address(self.buffer), self.len) }
    }
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Received({} bytes)", self.len)
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        self.pool.give_back(self.buffer);
    }
}

/// All receive buffers of one shard.
pub(crate) struct Pool {
    memory: Mapping,
    buffer_bytes: usize,
    count: u16,
    /// Buffers that are neither out in a `Received` nor taken: with the kernel if there is a buffer ring, else
    /// in `free`.
    available: Cell<u16>,
    /// The queue through which the kernel gets its buffers back, where it has such a thing.
    offered: Option<Offered>,
    free: RefCell<Vec<u16>>,
}

/// The ring of buffers that the kernel may fill.
struct Offered {
    entries: Mapping,
    tail: Cell<u16>,
}

impl Pool {
    /// A pool whose buffers are kept by ourselves.
    pub(crate) fn new(options: &Options) -> Result<Self, ReactorError> {
        let count = options.receive_buffers.clamp(1, 1 << 15).next_power_of_two();
        let buffer_bytes = options.receive_buffer_bytes.clamp(1024, 1 << 30);
        let bytes = usize::from(count) * buffer_bytes;
        let memory = Mapping::new(bytes).map_err(|source| ReactorError::Buffers { bytes, source })?;
        let free = RefCell::new((0..count).rev().collect());
        Ok(Self { memory, buffer_bytes, count, available: Cell::new(count), offered: None, free })
    }

    /// Hands all buffers to the kernel. Fails where the kernel has no buffer rings; the pool then stays as it was.
    pub(crate) fn offer_to_kernel(&mut self, uring: &IoUring) -> io::Result<()> {
        let entries = Mapping::new(usize::from(self.count) * size_of::<BufRingEntry>())?;
        // SAFETY: the mapping has room for `count` entries and lives in `self.offered`, which the reactor drops
        // only after it has unregistered the group.
        unsafe {
            uring.submitter().register_buf_ring_with_flags(
                entries.start() as u64,
                self.count,
                BUFFER_GROUP,
                0,
            )?;
        }
        self.offered = Some(Offered { entries, tail: Cell::new(0) });
        self.free.borrow_mut().clear();
        for buffer in 0..self.count {
            self.offer(buffer);
        }
        Ok(())
    }

    /// Takes the buffers back from the kernel; no receive may be in flight.
    pub(crate) fn withdraw_from_kernel(&self, uring: &IoUring) {
        if self.offered.is_some()
            && let Err(error) = uring.submitter().unregister_buf_ring(BUFFER_GROUP)
        {
            tracing::debug!(%error, "unregistering the receive buffers");
        }
    }

    /// Whether the kernel picks buffers from this pool by itself.
    pub(crate) fn is_offered(&self) -> bool {
        self.offered.is_some()
    }

    /// How many buffers nobody holds.
    pub(crate) fn available(&self) -> usize {
        usize::from(self.available.get())
    }

    /// What the kernel has received into `buffer`.
    pub(crate) fn received(self: &Rc<Self>, buffer: u16, len: usize) -> Received {
        assert!(
            buffer < self.count && len <= self.buffer_bytes,
            "the kernel names a buffer that is not ours"
        );
        self.available.set(self.available.get() - 1);
        Received { pool: Rc::clone(self), buffer, len }
    }

    /// A buffer for a receive that picks its own, and its size; `None` when all are out. It counts as available until
    /// [`received`](Self::received) or [`put_down`](Self::put_down) is called.
    pub(crate) fn pick_up(&self) -> Option<(u16, *mut u8, usize)> {
        let buffer = self.free.borrow_mut().pop()?;
        Some((buffer, self.address(buffer), self.buffer_bytes))
    }

    /// Returns a buffer that was picked up and not used.
    pub(crate) fn put_down(&self, buffer: u16) {
        self.free.borrow_mut().push(buffer);
    }

    fn give_back(&self, buffer: u16) {
        self.available.set(self.available.get() + 1);
        if self.offered.is_some() { self.offer(buffer) } else { self.put_down(buffer) }
    }

    fn offer(&self, buffer: u16) {
        let Some(offered) = &self.offered else { return };
        let first = offered.entries.start().cast::<BufRingEntry>();
        let tail = offered.tail.get();
        let slot = usize::from(tail & (self.count - 1));
        // SAFETY: `slot` is below `count`, so the entry lies within the mapping. Between head and tail the
        // kernel only reads; this entry is not yet between them, for at most `count` buffers exist and this one
        // is with us. The tail itself lies in the first entry, in a field that the setters leave alone.
        let entry = unsafe { &mut *first.add(slot) };
        entry.set_addr(self.address(buffer) as u64);
        entry.set_len(self.buffer_bytes as u32);
        entry.set_bid(buffer);
        let tail = tail.wrapping_add(1);
        offered.tail.set(tail);
        // SAFETY: `first` begins the ring, is initialised (zeroed by mmap) and page-aligned; its tail field is
        // two aligned bytes which the kernel reads atomically and only this thread writes.
        let shared = unsafe { AtomicU16::from_ptr(BufRingEntry::tail(first).cast_mut()) };
        shared.store(tail, Ordering::Release);
    }

    fn address(&self, buffer: u16) -> *mut u8 {
        assert!(buffer < self.count);
        // SAFETY: `buffer < count`, so the result lies within the mapping.
        unsafe { self.memory.start().add(usize::from(buffer) * self.buffer_bytes) }
    }
}

/// Zeroed anonymous memory, page-aligned, given by the system when first touched.
struct Mapping {
    start: NonNull<u8>,
    bytes: usize,
}

impl Mapping {
    fn new(bytes: usize) -> io::Result<Self> {
        // SAFETY: a new private anonymous mapping at an address of the kernel's choice touches no existing memory.
        let start = unsafe {
            libc::mmap(
                ptr::null_mut(),
                bytes,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                -1,
                0,
            )
        };
        match NonNull::new(start.cast::<u8>()) {
            Some(start) if start.as_ptr().cast() != libc::MAP_FAILED => Ok(Self { start, bytes }),
            _ => Err(io::Error::last_os_error()),
        }
    }

    fn start(&self) -> *mut u8 {
        self.start.as_ptr()
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: mapped in `new` with this length and unmapped once.
        unsafe {
            libc::munmap(self.start.as_ptr().cast(), self.bytes);
        }
    }
}
