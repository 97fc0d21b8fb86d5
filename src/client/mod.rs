//! A small blocking client of the Kafka protocol: for the command line, and for tools that live in this binary.
//!
//! It speaks to any broker since Kafka 0.11: on each connection it asks for the broker's versions and uses the highest
//! that both sides know. Requests for partitions go to their leaders over one connection per broker.
//!
//! # Invariants
//! - Nothing waits for ever: connecting, sending and waiting for an answer have limits, and so has trying again.
//! - A record is reported as acknowledged only if a broker said so.
//! - Nothing is allocated because a peer claims a length: frames grow with the bytes that come.
//!
//! # Not here
//! What is printed (`cli`). Members of groups, transactions, TLS and SASL.

mod aborted;
mod address;
mod connection;
mod consumer;
mod described_group;
mod error;
mod fetched;
mod group_account;
mod groups;
mod node;
mod offsets;
mod partitioner;
mod pending;
mod producer;
mod report;
mod topic;

pub use address::HostPort;
pub use consumer::{Consumer, ConsumerOptions, Isolation};
pub use described_group::{Assignment, Group, GroupKind, GroupMember};
pub use error::{ClientError, error_name};
pub use fetched::Fetched;
pub use group_account::{Account, Heard};
pub use groups::{Committed, ListedGroup, RefusedCommit};
pub use node::{Client, Options};
pub use offsets::OffsetTarget;
pub use pending::OutRecord;
pub use producer::{Producer, ProducerOptions};
pub use report::Report;
pub use topic::{Partition, Topic};
