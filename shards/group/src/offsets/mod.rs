//! The offsets that a group has committed.

/// The offsets that a group has committed.
#[derive(Debug, Default)]
pub(crate) struct Offsets;
