//! How far a group is in each partition that it has committed offsets of or that a member has.

use std::collections::BTreeMap;

use types::{Offset, PartitionIndex};

use crate::client::{Client, ClientError, Group, GroupMember, Isolation, OffsetTarget};

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
        // A log may have been made anew behind the group's back.
        Some(self.end?.0.saturating_sub(self.committed?.0).max(0))
    }
}

/// The partitions of a group by topic.
pub(super) fn progress<'a>(client: &mut Client, group: &'a Group) -> Result<Vec<Progress<'a>>, ClientError> {
    let committed = client.committed(&group.id)?;
    let mut places = BTreeMap::new();
    for (topic, offsets) in committed {
        for (partition, offset) in offsets {
            places.insert((topic.clone(), partition), (Some(offset), None));
        }
    }
    for member in &group.members {
        for (topic, partitions) in &member.assignment {
            for partition in partitions {
                let place = places.entry((topic.clone(), *partition)).or_insert((None, None));
                place.1 = Some(member);
            }
        }
    }
    let mut asked: BTreeMap<String, Vec<PartitionIndex>> = BTreeMap::new();
    for (topic, partition) in places.keys() {
        asked.entry(topic.clone()).or_default().push(*partition);
    }
    let mut ends = BTreeMap::new();
    for (topic, partitions) in asked {
        let found = ends_of(client, &topic, &partitions)?;
        ends.extend(found.into_iter().map(|(partition, end)| ((topic.clone(), partition), end)));
    }
    let row = |((topic, partition), (committed, member))| {
        let end = ends.get(&(String::clone(&topic), partition)).copied();
        Progress { topic, partition, committed, end, member }
    };
    Ok(places.into_iter().map(row).collect())
}

/// The ends of those partitions that are there and have a leader.
fn ends_of(
    client: &mut Client,
    topic: &str,
    partitions: &[PartitionIndex],
) -> Result<BTreeMap<PartitionIndex, Offset>, ClientError> {
    let mut topic = match client.topic(topic, false) {
        Ok(topic) => topic,
        Err(ClientError::UnknownTopic(_)) => return Ok(BTreeMap::new()),
        Err(error) => return Err(error),
    };
    let led: Vec<PartitionIndex> = partitions.iter().copied().filter(|p| topic.leader(*p).is_ok()).collect();
    let found = client.offsets(&mut topic, &led, OffsetTarget::Latest, Isolation::ReadUncommitted)?;
    Ok(found.into_iter().map(|(partition, found)| (partition, found.offset)).collect())
}
