//! Groups of KIP-848.

/// A group whose partitions the coordinator assigns (KIP-848).
#[derive(Debug, Default)]
pub(crate) struct ConsumerGroup;
