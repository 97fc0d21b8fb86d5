//! Bounds that more than one crate keeps to.

/// The largest frame a client may send unless `socket.request.max.bytes` says otherwise (Kafka's default).
pub const REQUEST_BYTES_MAX: usize = 100 * 1024 * 1024;

/// Arrays on the wire may not claim more elements, whatever the frame's length.
pub const ARRAY_ELEMENTS_MAX: usize = 1_000_000;

/// A structure on the wire may not carry more tagged fields.
pub const TAGGED_FIELDS_MAX: usize = 10_000;

/// Partitions that one topic may have.
pub const TOPIC_PARTITIONS_MAX: i32 = 100_000;

/// Shards that one broker may have: connection and request ids reserve a byte for them.
pub const SHARDS_MAX: usize = 255;
