//! Strome: a Kafka-compatible message broker for dedicated Linux hosts.
#![forbid(unsafe_code)]

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {}
