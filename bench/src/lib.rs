//! A load generator for any broker that speaks Kafka's protocol.
//!
//! A [`Plan`] says what is to be done, [`run`] does it on threads of its own, and the [`Outcome`] says what was found:
//! as text, as JSON, and, for one or several of them, as a page with plots.
//!
//! # Invariants
//! - In an open loop records are due at times that are set beforehand, and latency counts from them: a broker that stalls
//!   shows as latency, for all records that were due meanwhile (no coordinated omission).
//! - What could not be measured is missing in a result, never zero.
//!
//! # Not here
//! Arguments and what is shown on a terminal (the binary's `cli/bench`).
#![forbid(unsafe_code)]

mod cluster;
mod consumer;
mod control;
mod dial;
mod error;
mod explain;
mod find;
mod frames;
mod groups;
mod host;
mod json;
mod latency;
mod link;
mod moment;
mod outcome;
mod payload;
mod phase;
mod plan;
mod process;
mod producer;
mod random;
mod report;
mod run;
mod schedule;
mod search;
mod sizes;
mod tally;
mod watch;
pub mod words;
mod worker;
mod workloads;

pub use cluster::Access;
pub use dial::Address;
pub use error::{BenchError, error_name};
pub use explain::{ApiTime, Explanation, ShardTime, StageTime, WriteTime};
pub use find::{FoundRate, find_rate};
pub use groups::{Change, ChangeKind, CommitRun, GroupOutcome, GroupPlan, GroupProtocol, run_groups};
pub use host::Host;
pub use json::to_json;
pub use latency::Latencies;
pub use outcome::{Broker, Client, Digest, Durability, Outcome, Point, Topics};
pub use plan::{Acks, FetchPlan, Load, Mode, Plan, ProducePlan, RecordPlan, Spread, TopicPlan};
pub use process::{Process, Usage};
pub use report::report;
pub use run::run;
pub use schedule::Arrivals;
pub use search::{Goal, RateSearch, Trial};
pub use sizes::{Sizes, parse_bytes};
pub use tally::{Amount, Tally};
pub use tuning::disk::Place;
pub use watch::{Stage, Unwatched, Watch};
pub use workloads::{WORKLOADS, Workload};
