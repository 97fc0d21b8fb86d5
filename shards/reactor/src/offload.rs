//! A few threads for work that blocks: opening files, scanning logs, removing segments.
//!
//! # Invariants
//! - The shard is woken after each piece of work, also after one that panicked.
//! - The threads run on any core that the process may use, not on the shard's own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::affinity;
use crate::waker::Waker;

type Work = Box<dyn FnOnce() + Send>;

/// What sort of work threads are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// Somebody waits for it.
    Prompt,
    /// It takes its time, mostly asleep.
    Unhurried,
    /// It gets as little of the processor and the disk as possible without starving.
    Idle,
}

impl Pace {
    /// What is added to the shard's name for its threads.
    fn suffix(self) -> &'static str {
        match self {
            Self::Prompt => "io",
            Self::Unhurried => "slow",
            Self::Idle => "idle",
        }
    }
}

/// The blocking threads of one shard. When it is dropped the threads finish what was handed to them, and end.
pub(crate) struct Offload {
    sender: Sender<Work>,
    receiver: Arc<Mutex<Receiver<Work>>>,
    waker: Waker,
    started: usize,
    threads_max: usize,
    pace: Pace,
}

impl Offload {
    pub(crate) fn new(threads_max: usize, pace: Pace, waker: Waker) -> Self {
        let (sender, receiver) = channel();
        let receiver = Arc::new(Mutex::new(receiver));
        Self { sender, receiver, waker, started: 0, threads_max: threads_max.max(1), pace }
    }

    pub(crate) fn run(&mut self, work: impl FnOnce() + Send + 'static) {
        let waker = self.waker.clone();
        let work: Work = Box::new(move || {
            if catch_unwind(AssertUnwindSafe(work)).is_err() {
                tracing::error!("blocking work has panicked");
            }
            waker.wake();
        });
        if self.started < self.threads_max {
            self.start_thread();
        }
        if self.started == 0 {
            // Not even one thread is to be had. Slow is better than never.
            return work();
        }
        // Fails only without receivers, and `self` holds one.
        let _ = self.sender.send(work);
    }

    fn start_thread(&mut self) {
        let receiver = Arc::clone(&self.receiver);
        let pace = self.pace;
        let named = |shard: &str| format!("{shard}-{}", pace.suffix());
        let name = thread::current().name().map_or_else(|| "offload".to_owned(), named);
        let spawned = thread::Builder::new().name(name).spawn(move || {
            affinity::leave_core();
            if pace == Pace::Idle {
                affinity::give_way();
            }
            // The lock is held while waiting for work, not while doing it: the threads take turns at waiting.
            let next = || receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
            while let Ok(work) = next() {
                work();
            }
        });
        match spawned {
            Ok(_) => self.started += 1,
            Err(error) => tracing::error!(%error, "cannot start a thread for blocking work"),
        }
    }
}
