//! Strome: a Kafka-compatible message broker for dedicated Linux hosts.
#![forbid(unsafe_code)]

mod admin;
mod adopt;
mod api;
mod arena;
mod boot;
mod broker;
mod cli;
mod client;
mod clock;
mod config;
mod control;
mod coordinator;
mod fetch_session;
mod message;
mod metrics;
mod partition;
mod placement;
mod polls;
mod producer_ids;
mod requests;
mod routing;
mod service_manager;
mod session;
mod shard;
mod wakefulness;
mod work;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: reactor::Allocator = reactor::Allocator;

fn main() -> ExitCode {
    cli::run()
}
