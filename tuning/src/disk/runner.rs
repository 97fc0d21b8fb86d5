//! Runs cases on the test file, each in its part of it.
//!
//! # Invariants
//! - Between two cases everything is synced, so that no case pays for what the one before has left.

use std::hint;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use reactor::{File, ReactorError};
use types::ByteCount;

use super::case::{Around, Case, Measured, Space};
use super::crew;
use super::flight::{Cursor, Flight};
use super::worker::Worker;

/// What space is prewritten in.
const PREWRITE_BYTES: u64 = 1024 * 1024;
/// How many prewriting writes are in flight.
const PREWRITE_DEPTH: u16 = 4;

/// See the module. Lives on its thread.
pub(super) struct Runner {
    worker: Worker,
    file: File,
    /// Where prewritten space ends and reserved space begins.
    prewritten: u64,
    /// How far the reserved space was used: a block is fresh only once.
    used: u64,
    size: u64,
    cpus: u16,
    stop: Arc<AtomicBool>,
}

impl Runner {
    /// A runner for a file of `size` bytes, on the thread that calls.
    pub(super) fn new(
        file: File,
        size: ByteCount,
        cpus: u16,
        stop: Arc<AtomicBool>,
    ) -> Result<Self, ReactorError> {
        let worker = Worker::new(file.clone(), Arc::clone(&stop))?;
        Ok(Self { worker, file, prewritten: 0, used: 0, size: size.0, cpus, stop })
    }

    /// How much of the file was written before.
    pub(super) fn prewritten(&self) -> ByteCount {
        ByteCount(self.prewritten)
    }

    /// Whether the measurement was called off.
    pub(super) fn is_stopped(&self) -> bool {
        self.worker.is_stopped()
    }

    /// Writes the first `up_to` bytes of the file, or as many as fit into the time.
    pub(super) async fn prewrite(&mut self, up_to: ByteCount, time: Duration) -> io::Result<Measured> {
        let case = Case::write(ByteCount(PREWRITE_BYTES), PREWRITE_DEPTH).in_allocated();
        let measured = self.fly(case, Cursor::once(0, up_to.0), time).await?;
        // What was begun last has ended last, as have all before it.
        self.prewritten = measured.operations * PREWRITE_BYTES;
        self.used = self.prewritten;
        Ok(measured)
    }

    /// Measures one case for so long, or until there is no more fresh space for it. `None` if there was none.
    pub(super) async fn run(&mut self, case: Case, time: Duration) -> io::Result<Option<Measured>> {
        let cursor = match case.space {
            Space::Prewritten => Cursor::again(0, self.prewritten),
            Space::Allocated => Cursor::once(self.used, self.size),
        };
        let busy = (case.around == Around::BusyCores).then(|| BusyCores::start(self.cpus));
        let measured = match case.threads() {
            1 => self.fly(case, cursor, time).await?,
            threads => self.fly_together(case, threads, time).await?,
        };
        drop(busy);
        if case.space == Space::Allocated {
            self.used += measured.operations * case.block.0;
        }
        Ok(Some(measured).filter(|measured| measured.operations > 0))
    }

    async fn fly(&mut self, case: Case, cursor: Cursor, time: Duration) -> io::Result<Measured> {
        self.worker.settle().await?;
        let half = self.prewritten / 2;
        let beside = Cursor::again(half - half % Case::READ_BESIDE.0, self.prewritten);
        let mut flight = Flight::begin(case, case.depth, cursor, beside, time)?;
        self.worker.fly(&mut flight).await?;
        Ok(flight.measured())
    }

    /// A part of the prewritten space for each thread. The one of this runner waits for them.
    async fn fly_together(&mut self, case: Case, threads: u16, time: Duration) -> io::Result<Measured> {
        self.worker.settle().await?;
        let share = self.prewritten / u64::from(threads) / case.block.0 * case.block.0;
        let parts = (0..u64::from(threads)).map(|part| Cursor::again(part * share, (part + 1) * share));
        let parts: Vec<_> = parts.collect();
        crew::fly(&self.file, case, &parts, time, &self.stop).map(|flight| flight.measured())
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
