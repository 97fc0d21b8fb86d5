//! A thread's ring, with which it keeps a flight in the air.
//!
//! # Invariants
//! - An operation that was begun is waited for, also when the measurement is called off.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use reactor::{Event, File, Options, Reactor, ReactorError, Sync, Token, Waker};

use super::blocks::Blocks;
use super::case::{Around, Case, What};
use super::flight::Flight;

/// Reads beside commits have tokens from here on; below are the operations of the case itself.
const BESIDE: u64 = 1 << 32;

/// A write and a sync, or a read, for each operation of a case, and as many reads beside.
const SUBMISSIONS: u32 = 32;

/// See the module. Lives on its thread.
pub(super) struct Worker {
    reactor: Reactor,
    file: File,
    stop: Arc<AtomicBool>,
}

impl Worker {
    /// A ring of the thread that calls. `stop` is raised when the measurement is called off.
    pub(super) fn new(file: File, stop: Arc<AtomicBool>) -> Result<Self, ReactorError> {
        let waker = Waker::new().map_err(ReactorError::Eventfd)?;
        // Rings count against the limit of locked memory, and this one never has more than some operations.
        let options = Options {
            submissions: SUBMISSIONS,
            completions: 2 * SUBMISSIONS,
            receive_buffers: 1,
            ..Options::default()
        };
        let reactor = Reactor::new(options, waker)?;
        Ok(Self { reactor, file, stop })
    }

    /// Whether the measurement was called off.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Does what the flight is for until its time is over and all has landed. After an error nothing is begun.
    pub(super) async fn fly(&mut self, flight: &mut Flight) -> io::Result<()> {
        let mut blocks = Blocks::of(flight.case, flight.slots);
        for slot in 0..usize::from(flight.slots) {
            self.submit(flight, &mut blocks, slot);
        }
        if let Around::Reads(depth) = flight.case.around {
            for slot in 0..u64::from(depth) {
                self.submit_beside(flight, slot);
            }
        }
        let (mut news, mut events) = (Vec::new(), VecDeque::new());
        let mut outcome = Ok(());
        while flight.in_flight > 0 {
            // Each operation is handed over by itself, as most programs do it: a call for several is faster by what it spares
            // the processor, and that is no merit of the disk.
            self.reactor.poll(&mut news);
            events.extend(news.drain(..));
            let Some(event) = events.pop_front() else {
                self.reactor.park(None).await;
                continue;
            };
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
                Some(slot) if goes_on => self.submit(flight, &mut blocks, slot),
                None if goes_on => self.submit_beside(flight, token.0 - BESIDE),
                _ => {}
            }
        }
        outcome
    }

    fn submit(&mut self, flight: &mut Flight, blocks: &mut Blocks, slot: usize) {
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
        self.reactor.write(&self.file, at, blocks.next(slot), sync, token);
    }

    fn submit_beside(&mut self, flight: &mut Flight, slot: u64) {
        let Some(at) = flight.beside.next(Case::READ_BESIDE.0) else { return };
        flight.in_flight += 1;
        self.reactor.read(&self.file, at, Case::READ_BESIDE.0 as usize, Token(BESIDE + slot));
    }

    /// Waits until the disk has everything.
    pub(super) async fn settle(&mut self) -> io::Result<()> {
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
