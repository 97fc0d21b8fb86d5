//! How far a group is in each partition that it has committed offsets of or that a member has.

use std::collections::BTreeMap;

use types::{Offset, PartitionIndex};

use crate::client::{Client, ClientError, Group, GroupMember, Isolation, OffsetTarget, Topic};

/// What a group has to do with a partition.
#[derive(Clone, Debug, Default)]
pub(super) struct Holding<'a> {
    pub(super) committed: Option<Offset>,
    /// Who has it.
    pub(super) member: Option<&'a GroupMember>,
}

/// One partition of a group.
#[derive(Clone, Debug)]
pub(super) struct Progress<'a> {
    pub(super) topic: String,
    pub(super) partition: PartitionIndex,
    pub(super) committed: Option<Offset>,
    /// Behind the partition's last record; `None` if nobody can tell: the topic is gone, or has no leader.
    pub(super) end: Option<Offset>,
    /// Who has it.
    pub(super) member: Option<&'a GroupMember>,
}

impl Progress<'_> {
    /// How many offsets the group has before it.
    pub(super) fn lag(&self) -> Option<i64> {
        lag(self.committed, self.end)
    }
}

/// How many offsets lie between what was committed and the end of a log; `None` if one of both is not known.
pub(super) fn lag(committed: Option<Offset>, end: Option<Offset>) -> Option<i64> {
    // A log may have been made anew behind the group's back.
    Some(end?.0.saturating_sub(committed?.0).max(0))
}

/// The partitions that a group has committed offsets of or that a member has, by topic.
pub(super) fn holdings<'a>(
    client: &mut Client,
    group: &'a Group,
) -> Result<BTreeMap<(String, PartitionIndex), Holding<'a>>, ClientError> {
    let mut holdings: BTreeMap<_, Holding<'a>> = BTreeMap::new();
    for (topic, offsets) in client.committed(&group.id)? {
        for (partition, offset) in offsets {
            holdings.entry((topic.clone(), partition)).or_default().committed = Some(offset);
        }
    }
    for member in &group.members {
        for (topic, partitions) in &member.assignment {
            for partition in partitions {
                holdings.entry((topic.clone(), *partition)).or_default().member = Some(member);
            }
        }
    }
    Ok(holdings)
}

/// A topic, if there is one of that name.
pub(super) fn existing_topic(client: &mut Client, name: &str) -> Result<Option<Topic>, ClientError> {
    match client.topic(name, false) {
        Err(ClientError::UnknownTopic(_)) => Ok(None),
        topic => topic.map(Some),
    }
}

/// The partitions of a group by topic.
pub(super) fn progress<'a>(client: &mut Client, group: &'a Group) -> Result<Vec<Progress<'a>>, ClientError> {
    let holdings = holdings(client, group)?;
    let mut asked: BTreeMap<String, Vec<PartitionIndex>> = BTreeMap::new();
    for (topic, partition) in holdings.keys() {
        asked.entry(topic.clone()).or_default().push(*partition);
    }
    let mut ends = BTreeMap::new();
    for (topic, partitions) in asked {
        let found = ends_of(client, &topic, &partitions)?;
        ends.extend(found.into_iter().map(|(partition, end)| ((topic.clone(), partition), end)));
    }
    let row = |((topic, partition), Holding { committed, member })| {
        let end = ends.get(&(String::clone(&topic), partition)).copied();
        Progress { topic, partition, committed, end, member }
    };
    Ok(holdings.into_iter().map(row).collect())
}

/// The ends of those partitions that are there and have a leader.
fn ends_of(
    client: &mut Client,
    topic: &str,
    partitions: &[PartitionIndex],
) -> Result<BTreeMap<PartitionIndex, Offset>, ClientError> {
    let Some(mut topic) = existing_topic(client, topic)? else { return Ok(BTreeMap::new()) };
    let led: Vec<PartitionIndex> = partitions.iter().copied().filter(|p| topic.leader(*p).is_ok()).collect();
    let found = client.offsets(&mut topic, &led, OffsetTarget::Latest, Isolation::ReadUncommitted)?;
    Ok(found.into_iter().map(|(partition, found)| (partition, found.offset)).collect())
}
