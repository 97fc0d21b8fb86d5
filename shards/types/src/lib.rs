//! The nouns that every crate shares: newtypes for numbers that could be mixed up,
//! identifiers, names, limits, and Kafka's error codes.
#![forbid(unsafe_code)]

mod error_code;
mod histogram;
mod ids;
pub mod limits;
mod names;
mod numbers;

pub use error_code::ErrorCode;
pub use histogram::{HISTOGRAM_BOUNDS, Histogram};
pub use ids::{
    BrokerId, DirectoryId, ParseUuidError, PartitionIndex, ProducerEpoch, ProducerId, ShardId, TopicId,
    TopicPartition, Uuid,
};
pub use names::{InvalidTopicName, TopicName};
pub use numbers::{ByteCount, FilePosition, LeaderEpoch, Offset, Sequence, TimestampMs};
