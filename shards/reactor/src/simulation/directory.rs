//! The names in a simulated directory.
//!
//! # Invariants
//! - A crash leaves the names as they were after the last sync of the directory and a prefix of the changes since, as a file
//!   system with a journal does. Each directory has its own prefix.

use std::collections::BTreeMap;

use super::random::Random;
use super::state::NodeId;

type Names = BTreeMap<String, NodeId>;

/// Names, and what they name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Directory {
    names: Names,
    durable: Names,
    pending: Vec<NameChange>,
}

#[derive(Clone, Debug)]
pub(crate) enum NameChange {
    Put(String, NodeId),
    Remove(String),
    /// What has had the new name is gone.
    Rename(String, String),
}

impl NameChange {
    fn apply(&self, names: &mut Names) {
        match self {
            Self::Put(name, node) => drop(names.insert(name.clone(), *node)),
            Self::Remove(name) => drop(names.remove(name)),
            Self::Rename(from, to) => {
                if let Some(node) = names.remove(from) {
                    names.insert(to.clone(), node);
                }
            }
        }
    }
}

impl Directory {
    pub(crate) fn get(&self, name: &str) -> Option<NodeId> {
        self.names.get(name).copied()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = (&String, NodeId)> {
        self.names.iter().map(|(name, node)| (name, *node))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    pub(crate) fn change(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.pending.push(change);
    }

    pub(crate) fn sync(&mut self) {
        self.durable.clone_from(&self.names);
        self.pending.clear();
    }

    /// What a power failure leaves.
    pub(crate) fn after_power_failure(&self, random: &mut Random) -> Self {
        let mut names = self.durable.clone();
        let happened = random.prefix(self.pending.len());
        self.pending.iter().take(happened).for_each(|change| change.apply(&mut names));
        Self { durable: names.clone(), names, pending: Vec::new() }
    }
}
