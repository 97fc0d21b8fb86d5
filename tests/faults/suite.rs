//! Runs the cases of this target one after the other, and says of each how it went.
//!
//! A runner of its own, because some cases need what a host may not have (root, loop devices), and a case that was
//! skipped has to be named and counted as such. It prints what Rust's own runner prints.

use std::fmt;
use std::process::ExitCode;
use std::thread;
use std::time::Instant;

/// One case: a sentence, and what shows whether it holds.
pub struct Case {
    pub name: &'static str,
    pub run: fn() -> Verdict,
}

/// How a case ended, if it did not panic.
pub enum Verdict {
    Passed,
    /// It could not be run here, or only in part.
    Skipped(String),
}

impl Verdict {
    /// For `?` in cases that need something of the host.
    pub fn of(result: Result<(), Skip>) -> Self {
        match result {
            Ok(()) => Self::Passed,
            Err(Skip(why)) => Self::Skipped(why),
        }
    }
}

/// Why a case cannot be run here.
#[derive(Debug)]
pub struct Skip(pub String);

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the command line asks for: `cargo test --test faults -- [--skip PART | --exact | --list | PART]...`.
#[derive(Default)]
struct Asked {
    parts: Vec<String>,
    skipped_parts: Vec<String>,
    exact: bool,
    list: bool,
}

impl Asked {
    fn read(mut arguments: impl Iterator<Item = String>) -> Self {
        let mut asked = Self::default();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--skip" => asked.skipped_parts.extend(arguments.next()),
                "--exact" => asked.exact = true,
                "--list" => asked.list = true,
                "--test-threads" | "--format" | "--color" => drop(arguments.next()),
                option if option.starts_with('-') => {}
                _ => asked.parts.push(argument),
            }
        }
        asked
    }

    fn wants(&self, name: &str) -> bool {
        let fits = |part: &String| if self.exact { name == part } else { name.contains(part.as_str()) };
        (self.parts.is_empty() || self.parts.iter().any(fits)) && !self.skipped_parts.iter().any(fits)
    }
}

/// Runs what the command line asks for.
pub fn run(groups: &[&[Case]]) -> ExitCode {
    let cases = || groups.iter().copied().flatten();
    let asked = Asked::read(std::env::args().skip(1));
    let wanted: Vec<&Case> = cases().filter(|case| asked.wants(case.name)).collect();
    if asked.list {
        wanted.iter().for_each(|case| println!("{}: test", case.name));
        return ExitCode::SUCCESS;
    }
    println!("\nrunning {} tests", wanted.len());
    let began = Instant::now();
    let (mut passed, mut failed, mut skipped) = (0, Vec::new(), 0);
    for case in &wanted {
        let began = Instant::now();
        // On a thread with its name, so that a panic says whose it is.
        let thread = thread::Builder::new().name(case.name.to_owned()).spawn(case.run).expect("a thread");
        let outcome = thread.join();
        let seconds = began.elapsed().as_secs_f32();
        match outcome {
            Ok(Verdict::Passed) => {
                passed += 1;
                println!("test {} ... ok ({seconds:.1} s)", case.name);
            }
            Ok(Verdict::Skipped(why)) => {
                skipped += 1;
                println!("test {} ... ignored, {why}", case.name);
            }
            Err(_) => {
                failed.push(case.name);
                println!("test {} ... FAILED ({seconds:.1} s)", case.name);
            }
        }
    }
    if !failed.is_empty() {
        println!("\nfailures:\n    {}", failed.join("\n    "));
    }
    println!(
        "\ntest result: {}. {passed} passed; {} failed; {skipped} ignored; 0 measured; {} filtered out; finished in {:.2}s\n",
        if failed.is_empty() { "ok" } else { "FAILED" },
        failed.len(),
        cases().count() - wanted.len(),
        began.elapsed().as_secs_f32()
    );
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
