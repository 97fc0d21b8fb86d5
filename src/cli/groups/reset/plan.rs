//! Which offset each partition is to have.
//!
//! # Invariants
//! - A new offset lies between a partition's first and its end.

use std::collections::{BTreeMap, BTreeSet};

use types::{Offset, PartitionIndex};

use crate::cli::failure::{Failure, complain};
use crate::client::{Client, Committed, Isolation, OffsetTarget};

/// A topic, or some of its partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TopicScope {
    pub(super) name: String,
    pub(super) partitions: Option<Vec<PartitionIndex>>,
}

/// Which partitions are meant, unless the target says so itself.
pub(super) enum Scope<'a> {
    /// Those that the group has committed offsets of.
    Committed,
    Topics(&'a [TopicScope]),
}

/// Where their offsets are to be.
pub(super) enum Target {
    /// Where the leaders find it; at the end where they find nothing.
    Found(OffsetTarget),
    /// Where it is, or at the end.
    Current,
    At(Offset),
    /// So many on from what is committed.
    Shifted(i64),
    /// For each partition its own; these are the partitions that are meant.
    Given(Committed),
}

/// A partition and its new offset.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) topic: String,
    pub(super) partition: PartitionIndex,
    pub(super) committed: Option<Offset>,
    pub(super) new: Offset,
}

/// The new offsets by topic and partition. Says on standard error where another was asked for than there is.
pub(super) fn plan(
    client: &mut Client,
    group: &str,
    scope: &Scope<'_>,
    target: &Target,
) -> Result<Vec<Step>, Failure> {
    let committed = client.committed(group)?;
    let mut steps = Vec::new();
    for (name, wanted) in selected(scope, target, &committed, group)? {
        let mut topic = client.topic(&name, false)?;
        let partitions: Vec<PartitionIndex> = match wanted {
            Some(wanted) => wanted.into_iter().collect(),
            None => topic.partitions.keys().copied().collect(),
        };
        for partition in &partitions {
            topic.partition(*partition)?;
        }
        let mut find = |target| client.offsets(&mut topic, &partitions, target, Isolation::ReadUncommitted);
        let (first, end) = (find(OffsetTarget::Earliest)?, find(OffsetTarget::Latest)?);
        let found = if let Target::Found(target) = target { find(*target)? } else { BTreeMap::new() };
        for partition in partitions {
            let of = |offsets: &BTreeMap<PartitionIndex, _>| offsets.get(&partition).copied();
            let (Some(first), Some(end)) = (of(&first), of(&end)) else { continue };
            let committed = committed.get(&name).and_then(|offsets| offsets.get(&partition)).copied();
            let asked = match target {
                Target::Found(_) => of(&found).map(|found| found.offset).filter(|offset| offset.0 >= 0),
                Target::Current => committed,
                Target::At(offset) => Some(*offset),
                Target::Shifted(count) => Some(shifted(&name, partition, committed, *count)?),
                Target::Given(given) => given.get(&name).and_then(|given| given.get(&partition)).copied(),
            };
            let asked = asked.unwrap_or(end.offset);
            let new = Offset(asked.0.clamp(first.offset.0, end.offset.0.max(first.offset.0)));
            if new != asked {
                let (first, end) = (first.offset, end.offset);
                complain(&format!(
                    "partition {partition} of {name} goes from {first} to {end}: {new} instead of {asked}"
                ));
            }
            steps.push(Step { topic: name.clone(), partition, committed, new });
        }
    }
    Ok(steps)
}

/// Partitions by topic; `None` for all that the topic has.
type Selected = BTreeMap<String, Option<BTreeSet<PartitionIndex>>>;

fn selected(
    scope: &Scope<'_>,
    target: &Target,
    committed: &Committed,
    group: &str,
) -> Result<Selected, Failure> {
    let keys = |offsets: &Committed| -> Selected {
        offsets.iter().map(|(topic, of)| (topic.clone(), Some(of.keys().copied().collect()))).collect()
    };
    match (target, scope) {
        (Target::Given(given), _) => Ok(keys(given)),
        (_, Scope::Committed) if committed.is_empty() => Err(Failure::Said(format!(
            "group {group} has committed nothing, so there is no topic to reset; name topics with --topic"
        ))),
        (_, Scope::Committed) => Ok(keys(committed)),
        (_, Scope::Topics(topics)) => {
            let mut selected = Selected::new();
            for topic in *topics {
                let of = selected.entry(topic.name.clone()).or_insert_with(|| Some(BTreeSet::new()));
                match (of.as_mut(), &topic.partitions) {
                    (Some(of), Some(partitions)) => of.extend(partitions),
                    _ => *of = None,
                }
            }
            Ok(selected)
        }
    }
}

fn shifted(
    topic: &str,
    partition: PartitionIndex,
    committed: Option<Offset>,
    count: i64,
) -> Result<Offset, Failure> {
    let shifted = committed.map(|offset| Offset(offset.0.saturating_add(count)));
    shifted.ok_or_else(|| {
        Failure::Said(format!(
            "nothing is committed for partition {partition} of {topic} that could be shifted; nothing was changed"
        ))
    })
}
