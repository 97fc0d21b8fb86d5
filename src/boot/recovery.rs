//! What the log tells of directories while their logs are opened: how far each is, every few seconds, and what came of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::partition::Directories;

/// How often it is told how far a long recovery is. A short one is not worth a line before its summary.
const INTERVAL: Duration = Duration::from_secs(3);

/// See the module. Lives on the control thread.
pub struct RecoveryReport {
    directories: Arc<Directories>,
    began: Instant,
    next: Instant,
    /// For each directory, whether its summary was told.
    told: Vec<bool>,
}

impl RecoveryReport {
    /// Of these directories, whose logs are opened from now on.
    pub fn new(directories: Arc<Directories>) -> Self {
        let began = Instant::now();
        let told = vec![false; directories.all().len()];
        Self { directories, began, next: began + INTERVAL, told }
    }

    /// Tells what is new: directories that are done, and from time to time how far the others are.
    pub fn tell(&mut self, now: Instant) {
        let is_due = self.next <= now;
        if is_due {
            self.next = now + INTERVAL;
        }
        for (directory, told) in self.directories.all().iter().zip(&mut self.told) {
            let Ok(dir) = directory.in_use() else { continue };
            let progress = dir.progress();
            let path = directory.path().display();
            if *told || progress.expected_logs == 0 {
                continue;
            }
            if progress.is_done() {
                *told = true;
                let seconds = self.began.elapsed().as_secs_f32();
                tracing::info!("{path}: {} (after {seconds:.1} s)", progress.summary(dir.was_clean()));
            } else if is_due {
                tracing::info!("{path}: {} so far", progress.so_far());
            }
        }
    }

    /// All logs are open.
    pub fn end(&mut self) {
        self.tell(Instant::now());
        self.directories.all().iter().for_each(|directory| directory.recovery().end());
    }
}
