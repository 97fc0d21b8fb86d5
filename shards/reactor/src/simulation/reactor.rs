//! A reactor on a simulated disk: operations end, and offloaded work runs, in an order that the seed decides, when the shard
//! polls.
//!
//! # Invariants
//! - Nothing happens outside of `poll`; one that is dropped ends what it has in hand, as a real one does, unless the
//!   simulation has stopped.

use std::collections::VecDeque;

use ::types::FilePosition;

use super::content::ALL_PAGES;
use super::random::Random;
use super::state::Shared;
use super::transfers::{Stage, Transfer};
use crate::chunk::ChunkSlice;
use crate::event::{Event, Token};
use crate::file::SimulatedFile;
use crate::transfer::Sync;
use crate::waker::Waker;

type Work = Box<dyn FnOnce() + Send>;

/// How many offload threads there would be: so many pieces of work can overtake one another.
const THREADS: usize = 2;

/// The simulated backing of a reactor.
pub(crate) struct SimulatedReactor {
    state: Shared,
    id: u64,
    random: Random,
    /// In how many of a hundred cases something goes on with a poll.
    eagerness_percent: u64,
    offloaded: VecDeque<Work>,
    waker: Waker,
}

impl SimulatedReactor {
    pub(crate) fn new(state: Shared, waker: Waker) -> Self {
        let mut random = Random::new(state.lock().random.any());
        let (id, eagerness_percent) = (random.any(), random.pick(&[20, 50, 80, 100]));
        Self { state, id, random, eagerness_percent, offloaded: VecDeque::new(), waker }
    }

    pub(crate) fn waker(&self) -> &Waker {
        &self.waker
    }

    pub(crate) fn write(
        &mut self,
        file: &SimulatedFile,
        at: FilePosition,
        slices: Vec<ChunkSlice>,
        sync: Sync,
        token: Token,
    ) {
        let is_direct = file.is_direct;
        let is_nothing = slices.iter().all(ChunkSlice::is_empty);
        let stage = match (is_nothing, sync) {
            (true, Sync::No) => Stage::End(Ok(())),
            (true, _) => Stage::BeginSync(ALL_PAGES),
            (false, sync) => Stage::Write { at: at.0, slices, is_direct, sync },
        };
        self.add(file, token, stage);
    }

    pub(crate) fn read(&mut self, file: &SimulatedFile, at: FilePosition, len: usize, token: Token) {
        self.add(file, token, Stage::Read { at: at.0, len });
    }

    pub(crate) fn offload(&mut self, work: impl FnOnce() + Send + 'static) {
        self.offloaded.push_back(Box::new(work));
    }

    pub(crate) fn poll(&mut self, events: &mut Vec<Event>) {
        let mut keys = self.state.lock().transfers.of(self.id);
        while !keys.is_empty() {
            let key = keys.swap_remove(self.random.below(keys.len() as u64) as usize);
            if self.random.percent(self.eagerness_percent) {
                events.extend(self.state.lock().step(key));
            }
        }
        for _ in 0..self.offloaded.len() {
            if !self.random.percent(self.eagerness_percent) {
                continue;
            }
            let which = self.random.below(self.offloaded.len().min(THREADS) as u64) as usize;
            if self.is_stopped() {
                self.offloaded.clear();
            } else if let Some(work) = self.offloaded.remove(which) {
                work();
            }
        }
        if self.is_stopped() {
            events.clear();
        }
    }

    pub(crate) fn operations_in_flight(&self) -> usize {
        self.state.lock().transfers.of(self.id).len()
    }

    fn add(&mut self, file: &SimulatedFile, token: Token, stage: Stage) {
        let (reactor, node, description) = (self.id, file.node, file.description);
        self.state.lock().transfers.add(Transfer { reactor, token, node, description, stage });
    }

    fn is_stopped(&self) -> bool {
        self.state.lock().is_stopped
    }
}

impl Drop for SimulatedReactor {
    fn drop(&mut self) {
        self.eagerness_percent = 100;
        let mut events = Vec::new();
        while !std::thread::panicking()
            && !self.is_stopped()
            && (self.operations_in_flight() > 0 || !self.offloaded.is_empty())
        {
            self.poll(&mut events);
        }
    }
}
