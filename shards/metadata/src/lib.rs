//! What the cluster knows about itself: the records that say so, the immutable image made of them, the settings of
//! topics and brokers, and where partitions are placed.
//!
//! Data flows one way: the controller makes [`Record`]s, the metadata log makes them durable, and every node applies
//! them to its [`Image`], which its shards then share. Pure: no I/O, no clock, no randomness.
#![forbid(unsafe_code)]

mod apply;
mod broker;
mod codec;
mod configs;
mod delta;
mod image;
pub mod placement;
mod record;
pub mod settings;
mod shared_map;
mod topic;

pub use apply::ApplyError;
pub use broker::{Broker, Listener};
pub use codec::DecodeError;
pub use configs::{ConfigResource, ConfigValue, ConfigValueSource, Configs, ResourceKind};
pub use delta::{Delta, TopicDelta};
pub use image::{Image, LogIndex, NodeSettings};
pub use record::{PartitionChange, Record};
pub use settings::{BrokerSettings, TopicSettings};
pub use topic::{Partition, Topic};
