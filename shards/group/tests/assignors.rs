//! What holds for every assignment, whatever the group: random groups that change step by step, each step assigned
//! anew on top of the one before.

#[path = "support/random.rs"]
mod random;

use std::collections::{BTreeMap, BTreeSet};

use strome_group::assignor::{Assignment, Assignor, PartitionCounts, Subscriber};
use types::{PartitionIndex, TopicId, Uuid};

use random::Random;

struct Member {
    instance_id: Option<String>,
    topics: BTreeSet<TopicId>,
    assigned: Assignment,
}

/// A group that changes at random.
struct Group {
    random: Random,
    /// Whether all members subscribe to all topics.
    homogeneous: bool,
    counts: PartitionCounts,
    members: BTreeMap<String, Member>,
    joined: usize,
}

fn topic(number: usize) -> TopicId {
    let mut bytes = [0; 16];
    bytes[8..].copy_from_slice(&(number as u64 + 1).to_be_bytes());
    Uuid(bytes)
}

impl Group {
    fn new(seed: u64, homogeneous: bool) -> Self {
        let mut random = Random::new(seed);
        let counts = (0..1 + random.below(6)).map(|n| (topic(n), random.below(12) as i32)).collect();
        Self { random, homogeneous, counts, members: BTreeMap::new(), joined: 0 }
    }

    fn subscription(&mut self) -> BTreeSet<TopicId> {
        let Self { random, homogeneous, counts, .. } = self;
        counts.keys().copied().filter(|_| *homogeneous || !random.one_in(3)).collect()
    }

    fn join(&mut self) {
        self.joined += 1;
        let member_id = format!("{:04}-{}", self.random.below(10_000), self.joined);
        let instance_id = self.random.one_in(3).then(|| format!("instance-{}", self.joined));
        let topics = self.subscription();
        self.members.insert(member_id, Member { instance_id, topics, assigned: Assignment::new() });
    }

    fn leave(&mut self) {
        let place = self.random.below(self.members.len().max(1));
        if let Some(member_id) = self.members.keys().nth(place).cloned() {
            self.members.remove(&member_id);
        }
    }

    /// One of the things that happen to groups.
    fn change(&mut self) {
        match self.random.below(6) {
            0..=2 => self.join(),
            3 => self.leave(),
            4 => {
                let grown = topic(self.random.below(self.counts.len()));
                let more = self.random.below(8) as i32;
                self.counts.entry(grown).and_modify(|count| *count += more);
            }
            _ if self.homogeneous => self.leave(),
            _ => {
                let topics = self.subscription();
                let place = self.random.below(self.members.len().max(1));
                if let Some(member) = self.members.values_mut().nth(place) {
                    member.topics = topics;
                }
            }
        }
    }

    fn subscribers(&self) -> Vec<Subscriber<'_>> {
        let subscriber = |(member_id, member)| {
            let (member_id, Member { instance_id, topics, assigned }): (&String, &Member) =
                (member_id, member);
            Subscriber { member_id, instance_id: instance_id.as_deref(), topics, assigned }
        };
        self.members.iter().map(subscriber).collect()
    }

    fn assign(&self, assignor: Assignor) -> Vec<Assignment> {
        assignor.assign(&self.subscribers(), &self.counts)
    }

    fn adopt(&mut self, assignments: Vec<Assignment>) {
        for (member, assigned) in self.members.values_mut().zip(assignments) {
            member.assigned = assigned;
        }
    }

    fn partition_count(&self) -> usize {
        self.counts.values().map(|count| *count as usize).sum()
    }
}

/// Runs `check` on many steps of many groups, each with the assignments before and after.
fn each_step(assignor: Assignor, homogeneous: bool, check: impl Fn(&Group, &[Assignment])) {
    for seed in 0..100 {
        let mut group = Group::new(seed, homogeneous);
        for step in 0..30 {
            group.change();
            let assignments = group.assign(assignor);
            let outcome =
                std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(&group, &assignments)));
            assert!(outcome.is_ok(), "seed {seed}, step {step}, {assignor:?}");
            group.adopt(assignments);
        }
    }
}

fn every_partition_has_one_subscriber(group: &Group, assignments: &[Assignment]) {
    let mut owners = BTreeMap::new();
    for ((member_id, member), assignment) in group.members.iter().zip(assignments) {
        for partition in assignment.partitions() {
            assert!(member.topics.contains(&partition.0), "{member_id} does not subscribe to {partition:?}");
            assert_eq!(owners.insert(partition, member_id), None, "{partition:?} has two owners");
        }
    }
    for (topic, count) in &group.counts {
        let wanted = group.members.values().any(|member| member.topics.contains(topic));
        let owned = owners.range((*topic, PartitionIndex(0))..(*topic, PartitionIndex(*count))).count();
        assert_eq!(owned, if wanted { *count as usize } else { 0 }, "partitions of {topic} are left over");
    }
    let existing = owners.keys().all(|(topic, partition)| partition.0 < group.counts[topic]);
    assert!(existing, "partitions are assigned that do not exist");
}

#[test]
fn each_partition_goes_to_one_member_that_subscribes_to_it() {
    for assignor in Assignor::ALL {
        for homogeneous in [true, false] {
            each_step(assignor, homogeneous, every_partition_has_one_subscriber);
        }
    }
}

#[test]
fn uniform_gives_members_with_equal_subscriptions_the_same_number_of_partitions() {
    each_step(Assignor::Uniform, true, |_, assignments| {
        let counts = || assignments.iter().map(Assignment::partition_count);
        assert!(counts().max() <= counts().min().map(|least| least + 1));
    });
}

#[test]
fn uniform_moves_no_more_partitions_than_an_even_share_demands() {
    each_step(Assignor::Uniform, true, |group, assignments| {
        let kept: usize = group
            .members
            .values()
            .zip(assignments)
            .map(|(member, after)| {
                member.assigned.partitions().filter(|(t, p)| after.contains(*t, *p)).count()
            })
            .sum();
        assert_eq!(kept, most_that_can_stay(group));
    });
}

/// Of all even assignments, how many partitions the best of them leaves where they are: nobody can keep more than the
/// share, and only as many as the remainder says one more.
fn most_that_can_stay(group: &Group) -> usize {
    let members = group.members.len().max(1);
    let (share, remainder) = (group.partition_count() / members, group.partition_count() % members);
    let loads = || group.members.values().map(|member| member.assigned.partition_count());
    loads().map(|load| load.min(share)).sum::<usize>()
        + loads().filter(|load| *load > share).count().min(remainder)
}

#[test]
fn uniform_leaves_no_partition_with_a_member_that_has_two_more_than_another_subscriber() {
    each_step(Assignor::Uniform, false, |group, assignments| {
        for (owner, _) in assignments.iter().zip(group.members.values()) {
            for (topic, _) in owner.topics() {
                let lightest = (assignments.iter().zip(group.members.values()))
                    .filter(|(_, member)| member.topics.contains(&topic))
                    .map(|(other, _)| other.partition_count())
                    .min();
                assert!(Some(owner.partition_count()) <= lightest.map(|least| least + 1));
            }
        }
    });
}

#[test]
fn an_unchanged_group_keeps_its_assignment() {
    for assignor in Assignor::ALL {
        for homogeneous in [true, false] {
            each_step(assignor, homogeneous, |group, assignments| {
                let settled: Vec<_> = (group.subscribers().into_iter().zip(assignments))
                    .map(|(member, assigned)| Subscriber { assigned, ..member })
                    .collect();
                assert_eq!(assignor.assign(&settled, &group.counts), assignments);
            });
        }
    }
}

#[test]
fn range_gives_a_member_the_same_partitions_of_topics_of_equal_size() {
    let counts: PartitionCounts = (0..3).map(|n| (topic(n), 7)).collect();
    let topics: BTreeSet<TopicId> = counts.keys().copied().collect();
    let none = Assignment::new();
    let subscriber =
        |member_id| Subscriber { member_id, instance_id: None, topics: &topics, assigned: &none };
    let assignments = Assignor::Range.assign(&["a", "b", "c"].map(subscriber), &counts);
    let ranges = [0..3, 3..5, 5..7];
    for (assignment, range) in assignments.iter().zip(ranges) {
        let expected: BTreeSet<_> = range.map(PartitionIndex).collect();
        assert!(counts.keys().all(|topic| *assignment.of(*topic) == expected));
    }
}

#[test]
fn range_serves_static_members_first_and_by_their_instance_ids() {
    let counts: PartitionCounts = [(topic(0), 4)].into();
    let topics: BTreeSet<TopicId> = counts.keys().copied().collect();
    let none = Assignment::new();
    let subscriber =
        |(member_id, instance_id)| Subscriber { member_id, instance_id, topics: &topics, assigned: &none };
    let members = [("a", None), ("b", Some("i2")), ("c", Some("i1")), ("d", None)].map(subscriber);
    let firsts: Vec<_> = Assignor::Range
        .assign(&members, &counts)
        .iter()
        .map(|assignment| assignment.partitions().map(|(_, partition)| partition.0).collect::<Vec<_>>())
        .collect();
    assert_eq!(firsts, [[2], [1], [0], [3]]);
}

#[test]
fn topics_that_do_not_exist_are_passed_over() {
    let topics: BTreeSet<TopicId> = [topic(0), topic(1)].into();
    let assigned: Assignment =
        [(topic(1), PartitionIndex(3)), (topic(0), PartitionIndex(9))].into_iter().collect();
    let member = Subscriber { member_id: "a", instance_id: None, topics: &topics, assigned: &assigned };
    for assignor in Assignor::ALL {
        let assignments = assignor.assign(&[member], &[(topic(0), 2)].into());
        let expected: Assignment =
            [0, 1].map(|index| (topic(0), PartitionIndex(index))).into_iter().collect();
        assert_eq!(assignments, [expected]);
    }
}

#[test]
fn a_group_without_members_is_assigned_nothing() {
    for assignor in Assignor::ALL {
        assert!(assignor.assign(&[], &[(topic(0), 2)].into()).is_empty());
    }
}

#[test]
fn a_partition_that_two_members_claim_stays_with_one_of_them() {
    let topics: BTreeSet<TopicId> = [topic(0)].into();
    let assigned: Assignment = [(topic(0), PartitionIndex(0))].into_iter().collect();
    let claim = |member_id| Subscriber { member_id, instance_id: None, topics: &topics, assigned: &assigned };
    let assignments = Assignor::Uniform.assign(&["a", "b"].map(claim), &[(topic(0), 1)].into());
    assert_eq!(assignments, [assigned.clone(), Assignment::new()]);
}
