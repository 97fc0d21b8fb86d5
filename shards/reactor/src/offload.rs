//! A few threads for work that blocks: opening files, scanning logs, removing segments.
//!
//! # Invariants
//! - The shard is woken after each piece of work, also after one that panicked.
//! - The threads run on any core that the process may use, not on the shard's own.
//! - Work of any pace is done: if no thread of its own is to be had by the prompt ones, and without these by the shard's.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::affinity;
use crate::removal;
use crate::waker::Waker;

type Work = Box<dyn FnOnce() + Send>;

/// How soon work that blocks is wanted, and what it may take meanwhile. Every pace has threads of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Somebody waits for it. [`Options::offload_threads`](crate::Options::offload_threads) threads share it.
    Prompt,
    /// It takes its time, mostly asleep. One thread does it all.
    Unhurried,
    /// It gets the processor and the disk when others leave them. One thread does it all.
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

    /// Makes the calling thread one for such work.
    fn adopt(self) {
        affinity::leave_core();
        match self {
            Self::Prompt => {}
            Self::Unhurried => removal::let_rest(),
            Self::Idle => affinity::give_way(),
        }
    }
}

/// The blocking threads of one shard. When it is dropped the threads finish what was handed to them, and end.
pub(crate) struct Offload {
    prompt: Threads,
    unhurried: Threads,
    idle: Threads,
    waker: Waker,
}

impl Offload {
    pub(crate) fn new(prompt_threads_max: usize, waker: Waker) -> Self {
        Self {
            prompt: Threads::new(Pace::Prompt, prompt_threads_max.max(1)),
            unhurried: Threads::new(Pace::Unhurried, 1),
            idle: Threads::new(Pace::Idle, 1),
            waker,
        }
    }

    pub(crate) fn run(&mut self, pace: Pace, work: impl FnOnce() + Send + 'static) {
        let waker = self.waker.clone();
        let work: Work = Box::new(move || {
            if catch_unwind(AssertUnwindSafe(work)).is_err() {
                tracing::error!("blocking work has panicked");
            }
            waker.wake();
        });
        let ran = match pace {
            Pace::Prompt => Err(work),
            Pace::Unhurried => self.unhurried.run(work),
            Pace::Idle => self.idle.run(work),
        };
        if let Err(work) = ran.or_else(|work| self.prompt.run(work)) {
            // Not even one thread is to be had. Slow is better than never.
            work();
        }
    }
}

/// Threads for one sort of work.
struct Threads {
    pace: Pace,
    started: usize,
    threads_max: usize,
    sender: Sender<Work>,
    receiver: Arc<Mutex<Receiver<Work>>>,
}

impl Threads {
    fn new(pace: Pace, threads_max: usize) -> Self {
        let (sender, receiver) = channel();
        Self { pace, started: 0, threads_max, sender, receiver: Arc::new(Mutex::new(receiver)) }
    }

    /// Has a thread do the work. Gives it back if there is none.
    fn run(&mut self, work: Work) -> Result<(), Work> {
        if self.started < self.threads_max {
            self.start_thread();
        }
        if self.started == 0 {
            return Err(work);
        }
        // Fails only without receivers, and `self` holds one.
        self.sender.send(work).map_err(|unsent| unsent.0)
    }

    fn start_thread(&mut self) {
        let receiver = Arc::clone(&self.receiver);
        let pace = self.pace;
        let named = |shard: &str| format!("{shard}-{}", pace.suffix());
        let name = thread::current().name().map_or_else(|| "offload".to_owned(), named);
        let spawned = thread::Builder::new().name(name).spawn(move || {
            pace.adopt();
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

#[cfg(test)]
mod tests {
    use super::*;

    /// For each pace the name of the thread that does such work, and whether it may take its time.
    fn threads_of(mut offload: Offload) -> [(String, bool); 3] {
        [Pace::Prompt, Pace::Unhurried, Pace::Idle].map(|pace| {
            let (sender, receiver) = channel();
            let name = || thread::current().name().unwrap().to_owned();
            offload.run(pace, move || sender.send((name(), removal::may_rest())).unwrap());
            receiver.recv().unwrap()
        })
    }

    #[test]
    fn work_for_which_no_thread_is_to_be_had_is_done_by_others() {
        let on_shard = || {
            let offload = || Offload::new(1, Waker::new().unwrap());
            let named = |names: [&str; 3]| names.map(|name| (name.to_owned(), name == "shard-slow"));
            assert_eq!(threads_of(offload()), named(["shard-io", "shard-slow", "shard-idle"]));
            let mut without_own = offload();
            (without_own.unhurried.threads_max, without_own.idle.threads_max) = (0, 0);
            assert_eq!(threads_of(without_own), named(["shard-io"; 3]));
            let mut without_any = offload();
            let Offload { prompt, unhurried, idle, .. } = &mut without_any;
            for threads in [prompt, unhurried, idle] {
                threads.threads_max = 0;
            }
            assert_eq!(threads_of(without_any), named(["shard"; 3]));
        };
        thread::Builder::new().name("shard".to_owned()).spawn(on_shard).unwrap().join().unwrap();
    }
}
