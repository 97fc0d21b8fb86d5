//! Storage on a simulated machine: random work on several logs, faults, crashes at any point, and after each of them a look at
//! what is left. Everything follows from a seed.
//!
//! ```text
//! STORAGE_SIMULATION_SEEDS=20000    how many seeds (a few hundred unless told)
//! STORAGE_SIMULATION_FIRST=5000     the first of them
//! STORAGE_SIMULATION_SEED=17        this one only, telling what it does
//! ```

mod check;
mod compaction;
mod copies;
mod model;
mod starts;
mod steps;
mod world;

use std::panic::catch_unwind;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use world::World;

const SEEDS: u64 = 400;
/// So many failing seeds are enough to look at.
const FAILURES_MAX: usize = 5;

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is {text:?} and not a number")))
}

/// Runs all seeds on all cores; the failing ones.
fn failing(first: u64, seeds: u64) -> Vec<u64> {
    let (next, failed) = (AtomicU64::new(first), Mutex::new(Vec::new()));
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first + seeds || failed.lock().unwrap().len() >= FAILURES_MAX {
                return;
            }
            if catch_unwind(|| World::new(seed, false).run()).is_err() {
                eprintln!(
                    "seed {seed} has failed; replay it with\n    \
                     STORAGE_SIMULATION_SEED={seed} cargo test -p strome-storage --test simulation whatever -- --nocapture"
                );
                failed.lock().unwrap().push(seed);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    failed.into_inner().unwrap()
}

#[test]
fn whatever_happens_a_log_holds_what_it_has_promised_and_nothing_else() {
    if let Some(seed) = number("STORAGE_SIMULATION_SEED") {
        return World::new(seed, true).run();
    }
    let first = number("STORAGE_SIMULATION_FIRST").unwrap_or(1);
    let seeds = number("STORAGE_SIMULATION_SEEDS").unwrap_or(SEEDS);
    let began = Instant::now();
    let failed = failing(first, seeds);
    let seconds = began.elapsed().as_secs_f64();
    println!("{seeds} seeds from {first} on in {seconds:.1} s, {:.0} per second", seeds as f64 / seconds);
    assert!(failed.is_empty(), "failing seeds: {failed:?}");
}
