//! What the pieces cost that a request passes through, one by one.
//!
//! ```text
//! cargo bench -p strome-micro                     times, by criterion
//! cargo bench -p strome-micro -- journal          those with this in their name
//! bench/instructions                              instructions, by callgrind
//! ```
//!
//! Instructions depend on the machine only as far as the code asks what its processor can do; times depend on everything.

mod codec;
mod index;
mod journal;
mod validation;

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::Criterion;

/// One thing to be measured.
struct Case {
    name: String,
    /// What has to happen before each time, and is not measured.
    before: Option<Box<dyn FnMut()>>,
    routine: Box<dyn FnMut()>,
}

impl Case {
    /// Whatever `routine` gives back is as good as used.
    fn new<T>(name: impl Into<String>, mut routine: impl FnMut() -> T + 'static) -> Self {
        let routine = move || drop(black_box(routine()));
        Self { name: name.into(), before: None, routine: Box::new(routine) }
    }
}

/// Every measured instruction is in here: `bench/instructions` counts those of this function and of what it calls.
#[inline(never)]
fn measured(routine: &mut dyn FnMut()) {
    routine();
}

fn cases() -> Vec<Case> {
    [codec::cases(), validation::cases(), journal::cases(), index::cases()].into_iter().flatten().collect()
}

/// With `--times N NAME` runs a case so often and nothing else, to be counted; with `--names` tells what there is.
fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--names", ..] => cases().iter().for_each(|case| println!("{}", case.name)),
        ["--times", times, name, ..] => repeat(times.parse().expect("a number"), name),
        _ => time(),
    }
}

fn repeat(times: u64, name: &str) {
    // Under callgrind it takes long to prepare what is not wanted.
    let group = match name.split_once('/') {
        Some(("codec", _)) => codec::cases(),
        Some(("validation", _)) => validation::cases(),
        Some(("index", _)) => index::cases(),
        _ => journal::cases(),
    };
    let mut case = group.into_iter().find(|case| case.name == name).expect("a benchmark of this name");
    for _ in 0..times {
        if let Some(before) = &mut case.before {
            before();
        }
        measured(&mut case.routine);
    }
}

fn time() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    for Case { name, before, mut routine } in cases() {
        match before {
            None => criterion.bench_function(&name, |bencher| bencher.iter(&mut routine)),
            Some(mut before) => criterion.bench_function(&name, |bencher| {
                bencher.iter_custom(|times| {
                    let once = |()| {
                        before();
                        let began = Instant::now();
                        measured(&mut routine);
                        began.elapsed()
                    };
                    (0..times).map(|_| ()).map(once).sum()
                });
            }),
        };
    }
    criterion.final_summary();
}
