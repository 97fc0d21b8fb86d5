//! Where partitions go: on which brokers, and on which shard of a broker. Pure functions of their arguments.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::num::NonZeroU16;

use types::{BrokerId, PartitionIndex, ShardId, TopicId};

use crate::broker::Broker;
use crate::shared_map::{Hashed, mix};

/// Partitions that were moved from the shard that [`shard_of`] gives them.
pub type Overrides = BTreeMap<(TopicId, PartitionIndex), ShardId>;

/// The shard that owns a partition on a broker with this many shards.
///
/// With `n` shards, the partitions 0 to n-1 of a topic lie on `n` different shards, as do the next `n`, and so on. Where
/// each such block begins is decided by a fixed hash of the topic's id and the block's number, so that the partitions
/// 0, b, 2b, ... which are all that one of `b` brokers may have of the topic, do not meet on one shard. Nothing on disk
/// depends on it.
#[must_use]
pub fn shard_of(
    topic: TopicId,
    partition: PartitionIndex,
    shards: NonZeroU16,
    overrides: &Overrides,
) -> ShardId {
    let count = u64::from(shards.get());
    if let Some(shard) = overrides.get(&(topic, partition)).filter(|shard| u64::from(shard.0) < count) {
        return *shard;
    }
    let index = u64::from(partition.0.unsigned_abs());
    let place = mix(topic.hashed() ^ (index / count)) % count + index % count;
    // Less than `count`, which is 16 bits wide.
    ShardId((place % count) as u16)
}

/// A broker on which replicas may be placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The broker.
    pub id: BrokerId,
    /// Its rack.
    pub rack: Option<String>,
    /// Whether it may not lead at present.
    pub fenced: bool,
}

impl From<&Broker> for Candidate {
    fn from(broker: &Broker) -> Self {
        Self { id: broker.id, rack: broker.rack.clone(), fenced: broker.fenced }
    }
}

/// Why replicas cannot be placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlacementError {
    /// More replicas are wanted than there are brokers.
    TooFewBrokers {
        /// How many replicas.
        wanted: i16,
        /// How many brokers.
        brokers: usize,
    },
    /// No broker may lead.
    AllFenced,
}

impl fmt::Display for PlacementError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFewBrokers { wanted, brokers } => write!(
                f,
                "Unable to replicate the partition {wanted} time(s): only {brokers} broker(s) are registered"
            ),
            Self::AllFenced => f.write_str("All brokers are currently fenced"),
        }
    }
}

impl std::error::Error for PlacementError {}

/// Places the replicas of a topic's partitions.
///
/// Brokers stand in a ring in which neighbours are in different racks as far as possible. Leaders go around the ring.
/// The followers of a partition are the next brokers after a gap that grows by one with every round of the leaders, so
/// that the followers of one leader differ; a rack gets a second replica only when every rack has one (KIP-36). Fenced
/// brokers are used only when there are not enough others, and never to lead.
#[derive(Debug)]
pub struct Placer {
    ring: Vec<Candidate>,
    leaders: Vec<usize>,
    start: usize,
    replicas: usize,
}

impl Placer {
    /// A placer of this many replicas; `seed` decides where it begins.
    pub fn new(
        brokers: impl IntoIterator<Item = Candidate>,
        replicas: i16,
        seed: u64,
    ) -> Result<Self, PlacementError> {
        let mut all: Vec<Candidate> = brokers.into_iter().collect();
        let wanted = usize::try_from(replicas).unwrap_or(0);
        if wanted == 0 || wanted > all.len() {
            return Err(PlacementError::TooFewBrokers { wanted: replicas, brokers: all.len() });
        }
        if all.iter().filter(|broker| !broker.fenced).count() >= wanted {
            all.retain(|broker| !broker.fenced);
        }
        let ring = ring(all);
        let leaders: Vec<usize> =
            ring.iter().enumerate().filter(|(_, broker)| !broker.fenced).map(|(at, _)| at).collect();
        if leaders.is_empty() {
            return Err(PlacementError::AllFenced);
        }
        let start = usize::try_from(seed % leaders.len() as u64).unwrap_or(0);
        Ok(Self { ring, leaders, start, replicas: wanted })
    }

    /// The brokers of a partition, the preferred leader first.
    #[must_use]
    pub fn place(&self, partition: PartitionIndex) -> Vec<BrokerId> {
        let turn = self.start + usize::try_from(partition.0).unwrap_or(0);
        let round = turn / self.leaders.len();
        let leader = self.leaders[turn % self.leaders.len()];
        let others = self.ring.len() - 1;
        // The other brokers in the order in which they are asked.
        let mut waiting: Vec<&Candidate> =
            (0..others).map(|n| &self.ring[(leader + 1 + (round + n) % others) % self.ring.len()]).collect();
        let mut chosen = vec![&self.ring[leader]];
        let mut racks = BTreeSet::from([&self.ring[leader].rack]);
        while chosen.len() < self.replicas {
            match waiting.iter().position(|broker| !racks.contains(&broker.rack)) {
                Some(next) => {
                    let broker = waiting.remove(next);
                    racks.insert(&broker.rack);
                    chosen.push(broker);
                }
                None => racks.clear(),
            }
        }
        chosen.into_iter().map(|broker| broker.id).collect()
    }
}

/// The brokers so that neighbours are in different racks as far as possible: one of each rack in turn.
fn ring(mut brokers: Vec<Candidate>) -> Vec<Candidate> {
    brokers.sort_by_key(|broker| broker.id);
    let mut racks: BTreeMap<Option<String>, Vec<Candidate>> = BTreeMap::new();
    for broker in brokers {
        racks.entry(broker.rack.clone()).or_default().push(broker);
    }
    let mut racks: Vec<_> = racks.into_values().map(Vec::into_iter).collect();
    let mut ring = Vec::new();
    loop {
        let before = ring.len();
        ring.extend(racks.iter_mut().filter_map(Iterator::next));
        if ring.len() == before {
            return ring;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shards(count: u16) -> NonZeroU16 {
        NonZeroU16::new(count).expect("not zero")
    }

    fn topic(n: u8) -> TopicId {
        TopicId::from_random([n; 16])
    }

    fn brokers(racks: &[Option<&str>]) -> Vec<Candidate> {
        let broker = |(n, rack): (usize, &Option<&str>)| Candidate {
            id: BrokerId(n as i32),
            rack: rack.map(str::to_owned),
            fenced: false,
        };
        racks.iter().enumerate().map(broker).collect()
    }

    /// How many partitions of `count` each broker leads, and how many it has.
    fn shares(placer: &Placer, count: i32) -> (Vec<usize>, Vec<usize>) {
        let (mut leads, mut has) = (vec![0; placer.ring.len()], vec![0; placer.ring.len()]);
        for partition in 0..count {
            let replicas = placer.place(PartitionIndex(partition));
            leads[replicas[0].0 as usize] += 1;
            for id in replicas {
                has[id.0 as usize] += 1;
            }
        }
        (leads, has)
    }

    #[test]
    fn the_shard_of_a_partition_is_the_same_in_every_release() {
        let at = |n, partition, count| {
            shard_of(topic(n), PartitionIndex(partition), shards(count), &Overrides::new()).0
        };
        let seen: Vec<u16> = (0..8).map(|partition| at(1, partition, 3)).collect();
        assert_eq!(seen, [1, 2, 0, 2, 0, 1, 1, 2]);
        assert_eq!((at(2, 0, 3), at(3, 7, 16), at(4, 99_999, 255)), (1, 3, 243));
        assert_eq!(at(9, 5, 1), 0);
    }

    #[test]
    fn neighbouring_partitions_lie_on_different_shards_and_no_stride_meets_on_one() {
        for count in [2, 3, 4, 7, 16] {
            let at = |partition: i32| {
                shard_of(topic(7), PartitionIndex(partition), shards(count), &Overrides::new())
            };
            for block in 0..5 {
                let first = block * i32::from(count);
                let hit: BTreeSet<ShardId> = (first..first + i32::from(count)).map(at).collect();
                assert_eq!(hit.len(), usize::from(count));
            }
            for stride in 1..=i32::from(count) + 2 {
                let mut load = vec![0; usize::from(count)];
                for n in 0..i32::from(count) * 12 {
                    load[at(n * stride).index()] += 1;
                }
                assert!(
                    load.iter().all(|n| (1..=24).contains(n)),
                    "{count} shards, stride {stride}: {load:?}"
                );
            }
        }
    }

    #[test]
    fn a_moved_partition_is_where_it_was_moved_unless_that_shard_is_gone() {
        let moved = Overrides::from([((topic(1), PartitionIndex(0)), ShardId(2))]);
        assert_eq!(shard_of(topic(1), PartitionIndex(0), shards(3), &moved), ShardId(2));
        let unmoved = shard_of(topic(1), PartitionIndex(0), shards(2), &Overrides::new());
        assert_eq!(shard_of(topic(1), PartitionIndex(0), shards(2), &moved), unmoved);
    }

    #[test]
    fn leaders_and_replicas_are_spread_evenly() {
        for (count, replicas, seed) in [(1, 1, 5), (3, 3, 1), (5, 3, 7), (6, 2, 0)] {
            let placer = Placer::new(brokers(&vec![None; count]), replicas, seed).expect("enough brokers");
            let partitions = (count * count.max(2).saturating_sub(1)) as i32;
            let (leads, has) = shares(&placer, partitions);
            assert!(leads.iter().all(|n| *n == partitions as usize / count), "{count}: {leads:?}");
            assert!(
                has.iter().all(|n| *n == partitions as usize * replicas as usize / count),
                "{count}: {has:?}"
            );
        }
    }

    #[test]
    fn every_rack_has_a_replica_before_one_has_two() {
        let racks = [Some("a"), Some("a"), Some("b"), Some("b"), Some("c"), Some("c")];
        for (replicas, per_rack_max) in [(2, 1), (3, 1), (4, 2), (6, 2)] {
            let placer = Placer::new(brokers(&racks), replicas, 3).expect("enough brokers");
            for partition in 0..60 {
                let mut seen = BTreeMap::new();
                let chosen = placer.place(PartitionIndex(partition));
                for id in &chosen {
                    *seen.entry(racks[id.0 as usize]).or_insert(0) += 1;
                }
                assert_eq!(chosen.iter().collect::<BTreeSet<_>>().len(), replicas as usize);
                assert!(seen.values().all(|n| *n <= per_rack_max), "{chosen:?}");
                assert_eq!(seen.len(), 3.min(replicas as usize));
            }
        }
    }

    #[test]
    fn a_fenced_broker_never_leads_and_is_used_only_in_need() {
        let mut three = brokers(&[None, None, None]);
        three[1].fenced = true;
        let two = Placer::new(three.clone(), 2, 0).expect("enough brokers");
        let all = Placer::new(three.clone(), 3, 0).expect("enough brokers");
        for partition in 0..9 {
            assert!(!two.place(PartitionIndex(partition)).contains(&BrokerId(1)));
            let replicas = all.place(PartitionIndex(partition));
            assert!(replicas.len() == 3 && replicas[0] != BrokerId(1), "{replicas:?}");
        }
        three.iter_mut().for_each(|broker| broker.fenced = true);
        assert_eq!(Placer::new(three.clone(), 1, 0).err(), Some(PlacementError::AllFenced));
        let too_many = PlacementError::TooFewBrokers { wanted: 4, brokers: 3 };
        assert_eq!(Placer::new(three, 4, 0).err(), Some(too_many));
    }
}
