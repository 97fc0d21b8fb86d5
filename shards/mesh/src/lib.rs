//! Lanes between cores: a bounded queue from every participant to every other, and a wake-up for who sleeps.
//!
//! Participants are the shards and the control thread. A message goes to its lane with one store, and costs a
//! system call only when the receiver is asleep.
//!
//! # Hot path
//! No lock and no counter is shared by more than the two ends of a lane, except the receiver's sleeping flag,
//! which its senders read and which changes only when it goes to sleep or wakes.
//!
//! # Invariants
//! - No message is lost, and messages of one sender to one receiver arrive in the order in which they were sent.
//! - A receiver that was told it may sleep is woken by any message that it has not seen.
//!
//! # Not here
//! The sleeping itself: `reactor::Reactor::park` for a shard, `reactor::Waker::wait` for another thread.
#![forbid(unsafe_code)]

mod port;

pub use port::{Port, PortId, Traffic, mesh};
