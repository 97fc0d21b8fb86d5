//! The real broker under crashes, power loss, full disks and many partitions: what it has acknowledged is there afterwards.
//!
//! Every case prints its seed; `FAULT_SEED=N` repeats it (threads and kernels permitting) and `FAULT_ROUNDS=N` sets how
//! long it goes on. With `STROME_HEAVY_TESTS=1` the rounds are many. `STROME_TEST_BINARY` names another broker than the
//! one of this build. Cases that the host does not allow are reported as ignored, with the reason.
//!
//! # Not here
//! Crashes at every single operation, on a simulated disk (`shards/storage`).

#[path = "../support/mod.rs"]
mod support;

#[path = "../broker/client.rs"]
mod client;
#[path = "../broker/groups.rs"]
mod groups;

// Each test binary uses its own part of it.
#[allow(dead_code)]
#[path = "../broker/topics.rs"]
mod topics;

mod crashes;
mod dice;
mod full;
// Each test binary uses its own part of it.
#[allow(dead_code)]
#[path = "../connections/host.rs"]
mod host;
mod idle;
mod ledger;
mod load;
mod loop_disk;
mod offsets;
mod power;
mod storm;
mod suite;
mod value;
mod volatile_disk;

use std::process::ExitCode;

fn main() -> ExitCode {
    suite::run(&[crashes::CASES, offsets::CASES, power::CASES, full::CASES, idle::CASES])
}
