//! Runs cases on the test file, on a thread with a ring of its own, as a shard has.
//!
//! # Invariants
//! - An operation that was begun is waited for, also when the measurement is called off.
//! - Between two cases everything is synced, so that no case pays for what the one before has left.

use std::hint;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use reactor::{Chunk, Event, File, Options, Reactor, ReactorError, Sync, Token, Waker};
use types::{ByteCount, FilePosition};

use super::case::{Around, Case, Measured, Space, What};

/// The largest block of a case, and what space is prewritten in.
const BLOCK_MAX: usize = 1024 * 1024;
/// How many prewriting writes are in flight.
const PREWRITE_DEPTH: u16 = 4;
/// Latencies are kept with so many digits, up to a minute.
const DIGITS: u8 = 3;
const LATENCY_NS_MAX: u64 = 60_000_000_000;
/// Reads beside commits have tokens from here on; below are the operations of the case itself.
const BESIDE: u64 = 1 << 32;

/// See the module. Lives on its thread.
pub(super) struct Runner {
    reactor: Reactor,
    file: File,
    /// Bytes that no disk can compress.
    noise: Chunk,
    /// Where prewritten space ends and reserved space begins.
    prewritten: u64,
    /// How far the reserved space was used: a block is fresh only once.
    used: u64,
    size: u64,
    cpus: u16,
    stop: Arc<AtomicBool>,
}

/// The operations of a case that are in flight.
struct Flight {
    case: Case,
    begun: Instant,
    until: Instant,
    ended: Instant,
    /// When the operation with this token was begun.
    since: Vec<Instant>,
    cursor: Cursor,
    beside: Cursor,
    in_flight: usize,
    operations: u64,
    reads_beside: u64,
    latencies: Histogram<u64>,
}

/// The next place in a part of the file.
struct Cursor {
    at: u64,
    from: u64,
    to: u64,
    wraps: bool,
}

impl Cursor {
    /// The place for `bytes` bytes, unless the part is used up.
    fn next(&mut self, bytes: u64) -> Option<FilePosition> {
        if self.at + bytes > self.to {
            if !self.wraps || self.from + bytes > self.to {
                return None;
            }
            self.at = self.from;
        }
        let at = self.at;
        self.at += bytes;
        Some(FilePosition(at))
    }
}

impl Runner {
    /// A runner for a file of `size` bytes, on the thread that calls.
    pub(super) fn new(
        file: File,
        size: ByteCount,
        cpus: u16,
        stop: Arc<AtomicBool>,
    ) -> Result<Self, ReactorError> {
        let waker = Waker::new().map_err(ReactorError::Eventfd)?;
        let reactor = Reactor::new(Options { receive_buffers: 1, ..Options::default() }, waker)?;
        Ok(Self { reactor, file, noise: noise(), prewritten: 0, used: 0, size: size.0, cpus, stop })
    }

    /// How much of the file was written before.
    pub(super) fn prewritten(&self) -> ByteCount {
        ByteCount(self.prewritten)
    }

    /// Whether the measurement was called off.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Writes the first `up_to` bytes of the file, or as many as fit into the time.
    pub(super) async fn prewrite(&mut self, up_to: ByteCount, time: Duration) -> io::Result<Measured> {
        let case = Case::write(ByteCount(BLOCK_MAX as u64), PREWRITE_DEPTH).in_allocated();
        let cursor = Cursor { at: 0, from: 0, to: up_to.0, wraps: false };
        let measured = self.fly(case, cursor, time).await?;
        // What was begun last has ended last, as have all before it.
        self.prewritten = measured.operations * BLOCK_MAX as u64;
        self.used = self.prewritten;
        Ok(measured)
    }

    /// Measures one case for so long, or until there is no more fresh space for it. `None` if there was none.
    pub(super) async fn run(&mut self, case: Case, time: Duration) -> io::Result<Option<Measured>> {
        let cursor = match case.space {
            Space::Prewritten => Cursor { at: 0, from: 0, to: self.prewritten, wraps: true },
            Space::Allocated => Cursor { at: self.used, from: self.used, to: self.size, wraps: false },
        };
        let busy = (case.around == Around::BusyCores).then(|| BusyCores::start(self.cpus));
        let measured = self.fly(case, cursor, time).await?;
        drop(busy);
        if case.space == Space::Allocated {
            self.used += measured.operations * case.block.0;
        }
        Ok(Some(measured).filter(|measured| measured.operations > 0))
    }

    async fn fly(&mut self, case: Case, cursor: Cursor, time: Duration) -> io::Result<Measured> {
        self.settle().await?;
        let begun = Instant::now();
        let depth = usize::from(case.depth);
        let (half, to) = (self.prewritten / 2, self.prewritten);
        let half = half - half % Case::READ_BESIDE.0;
        let mut flight = Flight {
            case,
            begun,
            until: begun + time,
            ended: begun,
            since: vec![begun; depth],
            cursor,
            beside: Cursor { at: half, from: half, to, wraps: true },
            in_flight: 0,
            operations: 0,
            reads_beside: 0,
            latencies: Histogram::new_with_bounds(1, LATENCY_NS_MAX, DIGITS).map_err(io::Error::other)?,
        };
        for slot in 0..depth {
            self.submit(&mut flight, slot);
        }
        if let Around::Reads(depth) = case.around {
            for slot in 0..u64::from(depth) {
                self.submit_beside(&mut flight, slot);
            }
        }
        let outcome = self.land(&mut flight).await;
        outcome.map(|()| flight.measured())
    }

    /// Takes what has ended, and begins the next, until the time is over and all has ended. After an error nothing is begun.
    async fn land(&mut self, flight: &mut Flight) -> io::Result<()> {
        let mut events = Vec::new();
        let mut outcome = Ok(());
        while flight.in_flight > 0 {
            self.reactor.poll(&mut events);
            if events.is_empty() {
                self.reactor.park(None).await;
                continue;
            }
            for event in events.drain(..) {
                let (token, result) = match event {
                    Event::Wrote { token, result } => (token, result),
                    Event::Read { token, result } => (token, result.map(drop)),
                    _ => continue,
                };
                flight.in_flight -= 1;
                let now = Instant::now();
                let goes_on = outcome.is_ok() && result.is_ok() && now < flight.until && !self.is_stopped();
                if result.is_ok() {
                    flight.note(token, now);
                }
                outcome = outcome.and(result);
                match usize::try_from(token.0).ok().filter(|slot| *slot < flight.since.len()) {
                    Some(slot) if goes_on => self.submit(flight, slot),
                    None if goes_on => self.submit_beside(flight, token.0 - BESIDE),
                    _ => {}
                }
            }
        }
        outcome
    }

    fn submit(&mut self, flight: &mut Flight, slot: usize) {
        let bytes = flight.case.block.0;
        let (Some(at), Some(since)) = (flight.cursor.next(bytes), flight.since.get_mut(slot)) else { return };
        let token = Token(slot as u64);
        *since = Instant::now();
        flight.in_flight += 1;
        let len = bytes as usize;
        let sync = match flight.case.what {
            What::Read => return self.reactor.read(&self.file, at, len, token),
            What::Write => Sync::No,
            What::Commit => Sync::Data,
            What::InlineCommit => Sync::Inline,
        };
        self.reactor.write(&self.file, at, vec![self.noise.slice(0..len)], sync, token);
    }

    fn submit_beside(&mut self, flight: &mut Flight, slot: u64) {
        let Some(at) = flight.beside.next(Case::READ_BESIDE.0) else { return };
        flight.in_flight += 1;
        self.reactor.read(&self.file, at, Case::READ_BESIDE.0 as usize, Token(BESIDE + slot));
    }

    /// Waits until the disk has everything.
    async fn settle(&mut self) -> io::Result<()> {
        self.reactor.sync(&self.file, Token(0));
        let mut events = Vec::new();
        loop {
            self.reactor.poll(&mut events);
            match events.pop() {
                Some(Event::Wrote { result, .. }) => return result,
                Some(_) => {}
                None => self.reactor.park(None).await,
            }
        }
    }
}

impl Flight {
    fn note(&mut self, token: Token, now: Instant) {
        let since = usize::try_from(token.0).ok().and_then(|slot| self.since.get(slot));
        let Some(since) = since else {
            self.reads_beside += 1;
            return;
        };
        self.operations += 1;
        self.ended = now;
        let nanoseconds = u64::try_from(now.duration_since(*since).as_nanos()).unwrap_or(u64::MAX);
        self.latencies.saturating_record(nanoseconds.max(1));
    }

    fn measured(&self) -> Measured {
        let quantile = |share| Duration::from_nanos(self.latencies.value_at_quantile(share));
        Measured {
            case: self.case,
            operations: self.operations,
            elapsed: self.ended.duration_since(self.begun),
            p50: quantile(0.5),
            p99: quantile(0.99),
            p999: quantile(0.999),
            max: Duration::from_nanos(self.latencies.max()),
            reads_beside: self.reads_beside,
        }
    }
}

/// A thread for each CPU that wants all of it, until this is dropped.
struct BusyCores {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl BusyCores {
    fn start(cpus: u16) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let spin = || {
            let stop = Arc::clone(&stop);
            let work = move || {
                while !stop.load(Ordering::Relaxed) {
                    hint::spin_loop();
                }
            };
            // One thread less is less of a load, and no failure.
            thread::Builder::new().name("busy".to_owned()).spawn(work).ok()
        };
        let threads = (0..cpus).filter_map(|_| spin()).collect();
        Self { stop, threads }
    }
}

impl Drop for BusyCores {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // It cannot have failed: it does nothing.
            let _ = thread.join();
        }
    }
}

/// A chunk full of bytes that look random (xorshift), so that no layer below makes less of them.
fn noise() -> Chunk {
    let mut chunk = Chunk::with_capacity(BLOCK_MAX);
    if let Some(spare) = chunk.spare(BLOCK_MAX) {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        for word in spare.chunks_exact_mut(8) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            word.copy_from_slice(&state.to_le_bytes());
        }
        chunk.publish(BLOCK_MAX);
    }
    chunk
}
