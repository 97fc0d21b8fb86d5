//! Groups of the classic protocol.

/// A group whose leader, a client, assigns the partitions.
#[derive(Debug, Default)]
pub(crate) struct ClassicGroup;
