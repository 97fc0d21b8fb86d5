//! The server-side assignors of KIP-848: who is to own which partition of the topics that a group reads.
//! Members with their subscriptions and what they own now in, what each is to own out.
//!
//! # Invariants
//! - Every partition of a topic that somebody subscribes to goes to exactly one member that subscribes to it.
//! - The outcome depends on the members and topics alone, and on the order of neither maps nor requests.
//!
//! # Not here
//! How a member gets from what it owns to what it is to own (`consumer/reconciliation.rs`).

mod assignment;
mod level;
mod ownership;
mod quota;
mod range;
mod uniform;

pub use assignment::Assignment;

use std::collections::{BTreeMap, BTreeSet};

use types::TopicId;

/// A topic's number of partitions, for each topic that exists.
pub type PartitionCounts = BTreeMap<TopicId, i32>;

/// One of the assignors a group may choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Assignor {
    /// The same number of partitions for each member, and as few moves as that allows.
    Uniform,
    /// Neighbouring partitions of each topic, the same ones of topics of equal size.
    Range,
}

/// A member, as an assignor sees it.
#[derive(Clone, Copy, Debug)]
pub struct Subscriber<'a> {
    /// The member's id.
    pub member_id: &'a str,
    /// The instance id of a static member.
    pub instance_id: Option<&'a str>,
    /// The topics it subscribes to. Those that do not exist are passed over.
    pub topics: &'a BTreeSet<TopicId>,
    /// What it was to own last time, which a sticky assignor leaves to it as far as it can.
    pub assigned: &'a Assignment,
}

impl Assignor {
    /// Every assignor; the first is what a group gets whose members do not ask for any.
    pub const ALL: [Self; 2] = [Self::Uniform, Self::Range];

    /// The name that members ask for it by.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Range => "range",
        }
    }

    /// The assignor of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|assignor| assignor.name() == name)
    }

    /// What each of `subscribers` is to own, in their order.
    #[must_use]
    pub fn assign(self, subscribers: &[Subscriber<'_>], counts: &PartitionCounts) -> Vec<Assignment> {
        match self {
            Self::Uniform => uniform::assign(subscribers, counts),
            Self::Range => range::assign(subscribers, counts),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignor_is_found_by_its_name() {
        for assignor in Assignor::ALL {
            assert_eq!(Assignor::named(assignor.name()), Some(assignor));
        }
        assert_eq!(Assignor::named("sticky"), None);
    }
}
