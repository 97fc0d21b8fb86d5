//! What must hold whatever happens.

use std::collections::BTreeMap;

use strome_group::Ticket;

/// A commit that the coordinator has taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Taken {
    offset: i64,
    /// It is in the log when there are more batches than this.
    batch: usize,
}

/// What is known about the group from the answers that were given.
#[derive(Default)]
pub struct Checks {
    /// Who owns each partition in each generation: the name of a static member, or a member's id.
    owners: BTreeMap<(i32, i32), String>,
    /// The last generation of which a member has got its assignment.
    generation: i32,
    /// Commits that were taken, in their order, and the last one that was acknowledged.
    taken: BTreeMap<i32, Vec<Taken>>,
    acknowledged: BTreeMap<i32, Taken>,
    /// Requests that were handed in and not answered yet.
    open: BTreeMap<Ticket, ()>,
}

impl Checks {
    pub fn asked(&mut self, ticket: Ticket) {
        assert!(self.open.insert(ticket, ()).is_none(), "{ticket:?} is used twice");
    }

    pub fn answered(&mut self, ticket: Ticket) {
        assert!(self.open.remove(&ticket).is_some(), "{ticket:?} is answered without being open");
    }

    pub fn open_requests(&self) -> usize {
        self.open.len()
    }

    /// A member was told that it owns these partitions.
    pub fn owns(&mut self, generation: i32, owner: &str, partitions: &[i32]) {
        self.generation = self.generation.max(generation);
        for partition in partitions {
            let known = self.owners.entry((generation, *partition)).or_insert_with(|| owner.to_owned());
            assert_eq!(known, owner, "partition {partition} has two owners in generation {generation}");
        }
    }

    /// The coordinator has taken a commit of a member.
    pub fn takes(&mut self, generation: i32, is_member: bool, partition: i32, offset: i64, batch: usize) {
        assert!(is_member, "a commit of who is no member was taken");
        assert!(
            generation >= self.generation,
            "a commit for generation {generation} was taken after {} began",
            self.generation
        );
        self.taken.entry(partition).or_default().push(Taken { offset, batch });
    }

    pub fn acknowledges(&mut self, partition: i32, offset: i64) {
        let taken = self.taken.get(&partition).into_iter().flatten().find(|taken| taken.offset == offset);
        let taken = *taken.expect("what is acknowledged was taken, and is in the log");
        let last = self.acknowledged.entry(partition).or_insert(taken);
        if last.batch < taken.batch {
            *last = taken;
        }
    }

    /// A crash has left so many batches.
    pub fn crashed(&mut self, batches: usize) {
        self.open.clear();
        self.failed(batches);
    }

    /// A failed append has left so many batches.
    pub fn failed(&mut self, batches: usize) {
        for taken in self.taken.values_mut() {
            taken.retain(|taken| taken.batch < batches);
        }
    }

    /// The coordinator says that this is the partition's offset.
    pub fn fetched(&self, partition: i32, offset: i64) {
        let expected = self.taken.get(&partition).and_then(|taken| taken.last());
        assert_eq!(offset, expected.map_or(-1, |taken| taken.offset), "the offset of partition {partition}");
        if let Some(acknowledged) = self.acknowledged.get(&partition) {
            let is_there = self.taken.get(&partition).is_some_and(|taken| taken.contains(acknowledged));
            assert!(is_there, "{acknowledged:?} of partition {partition} is lost");
        }
    }
}
