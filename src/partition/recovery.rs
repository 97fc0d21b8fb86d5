//! Threads that open the logs of directories which were not closed cleanly: some for each directory
//! (`num.recovery.threads.per.data.dir`), so that a slow disk keeps no other waiting.
//!
//! # Invariants
//! - They are started by a thread that is not pinned, and end when the broker serves.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Work that blocks.
pub type Work = Box<dyn FnOnce() + Send>;

/// The threads of one directory. Shared by all shards.
pub struct RecoveryThreads(Mutex<Option<Sender<Work>>>);

impl RecoveryThreads {
    /// None: there is nothing to recover.
    pub fn none() -> Self {
        Self(Mutex::new(None))
    }

    /// So many threads for the directory.
    pub fn start(directory: &Path, threads: usize) -> Self {
        let (sender, receiver) = channel::<Work>();
        let receiver = Arc::new(Mutex::new(receiver));
        let mut started = 0;
        for _ in 0..threads.max(1) {
            let receiver = receiver.clone();
            match thread::Builder::new().name("recovery".to_owned()).spawn(move || work_off(&receiver)) {
                Ok(_) => started += 1,
                Err(error) => tracing::warn!("no thread to recover {}: {error}", directory.display()),
            }
        }
        Self(Mutex::new((started > 0).then_some(sender)))
    }

    /// Has a thread do the work. Gives it back if there is none.
    pub fn run(&self, work: Work) -> Result<(), Work> {
        match &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(sender) => sender.send(work).map_err(|unsent| unsent.0),
            None => Err(work),
        }
    }

    /// Everything is open: the threads end when they have done what they were given.
    pub fn end(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

fn work_off(receiver: &Mutex<Receiver<Work>>) {
    // The lock is held while waiting for work, not while doing it.
    let next = || receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
    while let Ok(work) = next() {
        if catch_unwind(AssertUnwindSafe(work)).is_err() {
            tracing::error!("opening a log has panicked");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;

    #[test]
    fn as_much_is_done_at_a_time_as_there_are_threads_and_nothing_after_the_end() {
        let threads = RecoveryThreads::start(Path::new("/data"), 3);
        let all_at_once = Arc::new(Barrier::new(4));
        for _ in 0..3 {
            let barrier = all_at_once.clone();
            assert!(
                threads
                    .run(Box::new(move || {
                        barrier.wait();
                    }))
                    .is_ok()
            );
        }
        all_at_once.wait();
        threads.end();
        assert!(threads.run(Box::new(|| ())).is_err());
        assert!(RecoveryThreads::none().run(Box::new(|| ())).is_err());
    }
}
