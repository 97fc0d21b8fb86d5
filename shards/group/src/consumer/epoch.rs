//! The epochs of a consumer group, its target assignment and its members, which count the same thing.

use std::fmt;

/// Counts the states of a group. A member that is led to the target of a group epoch gets that epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Epoch(pub i32);

impl Epoch {
    /// A member says so to join, and has it until it is led to its first target. A group has it before its first
    /// member.
    pub const ZERO: Self = Self(0);
    /// A member says so to leave.
    pub const LEAVING: Self = Self(-1);
    /// A static member says so to leave for a while, and has it until it is back.
    pub const AWAY: Self = Self(-2);

    /// The epoch after this one.
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
