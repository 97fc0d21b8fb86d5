//! The real broker, asked in frames: what clients rely on, over one shard and several, through stops and crashes.
//!
//! # Not here
//! Real clients (`tests/interop`); the command line (`tests/cli`); what one crate can show by itself.

#[path = "../support/mod.rs"]
mod support;

#[path = "../support/loop_disk.rs"]
mod loop_disk;

mod client;
mod cold;
mod groups;
mod topics;

mod compaction;
mod consumer_groups;
mod crashes;
mod directories;
mod group_input;
mod group_loading;
mod group_members;
mod group_offsets;
mod group_storm;
mod memory;
mod metrics;
mod offsets;
mod policies;
mod polls;
mod producers;
mod prometheus;
mod sessions;
mod shards;
mod standing;
mod stops;
mod transactions;
mod versions;
