//! One thing that is measured, and what came out.

use std::fmt;
use std::time::Duration;

use types::ByteCount;

/// What is done to the disk, over and over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum What {
    /// Writes in order.
    Write,
    /// Reads in order.
    Read,
    /// A write and an fdatasync, linked: how a broker commits.
    Commit,
    /// A write that carries its sync (RWF_DSYNC): the other way to commit.
    InlineCommit,
}

/// Where in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Space {
    /// Where something was written before, as in a journal.
    Prewritten,
    /// Where room was only reserved, as in a segment: a journalling file system has to note each first write.
    Allocated,
}

/// What goes on meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Around {
    /// Nothing else.
    Quiet,
    /// A thread for each CPU that wants all of it.
    BusyCores,
    /// So many reads of [`Case::READ_BESIDE`] in flight.
    Reads(u16),
}

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Case {
    /// What is done.
    pub what: What,
    /// How much at once.
    pub block: ByteCount,
    /// How many are in flight: see [`Case::threads`] for from where.
    pub depth: u16,
    /// Where.
    pub space: Space,
    /// What goes on meanwhile.
    pub around: Around,
}

/// What came out of a case.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// Of what.
    pub case: Case,
    /// Operations that have ended.
    pub operations: u64,
    /// How long it took.
    pub elapsed: Duration,
    /// The time that half of the operations took at most.
    pub p50: Duration,
    /// The same for 99 of 100.
    pub p99: Duration,
    /// The same for 999 of 1000.
    pub p999: Duration,
    /// The longest.
    pub max: Duration,
    /// Reads that were done meanwhile.
    pub reads_beside: u64,
}

const KIB: u64 = 1024;

impl Case {
    /// What cold reads beside commits are done in: the broker's own piece.
    pub const READ_BESIDE: ByteCount = ByteCount(256 * KIB);
    /// What cold reads are done in when there are no commits.
    pub const READ: ByteCount = ByteCount(512 * KIB);
    /// The smallest commit: a block.
    pub const BLOCK: ByteCount = ByteCount(4 * KIB);

    const fn quiet(what: What, block: ByteCount, depth: u16) -> Self {
        Self { what, block, depth, space: Space::Prewritten, around: Around::Quiet }
    }

    /// A durable commit of a block in prewritten space, with so many in flight.
    #[must_use]
    pub const fn commit(depth: u16) -> Self {
        Self::quiet(What::Commit, Self::BLOCK, depth)
    }

    /// The same with a write that carries its sync.
    #[must_use]
    pub const fn inline_commit(depth: u16) -> Self {
        Self::quiet(What::InlineCommit, Self::BLOCK, depth)
    }

    /// Writes in order.
    #[must_use]
    pub const fn write(block: ByteCount, depth: u16) -> Self {
        Self::quiet(What::Write, block, depth)
    }

    /// Cold reads.
    #[must_use]
    pub const fn read(depth: u16) -> Self {
        Self::quiet(What::Read, Self::READ, depth)
    }

    /// The same somewhere else.
    #[must_use]
    pub const fn in_allocated(self) -> Self {
        Self { space: Space::Allocated, ..self }
    }

    /// The same in other circumstances.
    #[must_use]
    pub const fn around(self, around: Around) -> Self {
        Self { around, ..self }
    }

    /// How many threads do it, each on a ring of its own. A shard has one commit under way and more only together with other
    /// shards; of everything else it has several on its one ring.
    #[must_use]
    pub fn threads(self) -> u16 {
        if matches!(self.what, What::Commit | What::InlineCommit) { self.depth.max(1) } else { 1 }
    }

    /// Everything that is measured, with the share of the time that each gets.
    #[must_use]
    pub fn all() -> Vec<(Self, u32)> {
        let mut all = Vec::new();
        for depth in Self::DEPTHS {
            all.push((Self::commit(depth), 2));
        }
        all.push((Self::commit(1).in_allocated(), 2));
        for kib in [64, 256] {
            all.push((Self::quiet(What::Commit, ByteCount(kib * KIB), 1), 1));
        }
        all.push((Self::inline_commit(1), 2));
        for case in [Self::commit(1), Self::inline_commit(1)] {
            all.push((case.around(Around::BusyCores), 2));
        }
        for kib in [4, 16, 64, 256, 1024] {
            for depth in Self::DEPTHS {
                all.push((Self::write(ByteCount(kib * KIB), depth), 1));
            }
        }
        for depth in Self::DEPTHS {
            all.push((Self::read(depth), 1));
        }
        for depth in Self::DEPTHS {
            all.push((Self::commit(1).around(Around::Reads(depth)), 2));
        }
        all
    }

    /// How many are in flight, from one to what the broker uses at most.
    pub const DEPTHS: [u16; 4] = [1, 2, 4, 8];
}

impl Measured {
    /// Operations in a second.
    #[must_use]
    pub fn per_second(&self) -> f64 {
        rate(self.operations, self.elapsed)
    }

    /// Bytes in a second.
    #[must_use]
    pub fn bytes_per_second(&self) -> f64 {
        self.per_second() * self.case.block.0 as f64
    }

    /// The same of the reads that were done meanwhile.
    #[must_use]
    pub fn beside_bytes_per_second(&self) -> f64 {
        rate(self.reads_beside, self.elapsed) * Case::READ_BESIDE.0 as f64
    }
}

fn rate(operations: u64, elapsed: Duration) -> f64 {
    if elapsed.is_zero() { 0.0 } else { operations as f64 / elapsed.as_secs_f64() }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.what {
            What::Write => "write",
            What::Read => "read",
            What::Commit => "write + fdatasync",
            What::InlineCommit => "write with RWF_DSYNC",
        })?;
        write!(f, ", {} KiB, {} at once", self.block.0 / KIB, self.depth)?;
        if self.space == Space::Allocated {
            f.write_str(", fresh space")?;
        }
        match self.around {
            Around::Quiet => Ok(()),
            Around::BusyCores => f.write_str(", busy cores"),
            Around::Reads(depth) => write!(f, ", beside {depth} reads"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_case_is_measured_twice_and_each_has_its_own_name() {
        let all = Case::all();
        let cases: HashSet<_> = all.iter().map(|(case, _)| *case).collect();
        let names: HashSet<_> = all.iter().map(|(case, _)| case.to_string()).collect();
        assert_eq!((cases.len(), names.len()), (all.len(), all.len()));
    }
}
