//! One look at a group: its members, what it has committed, and where the logs that it reads begin and end.

use std::collections::{BTreeMap, BTreeSet};

use types::{Offset, PartitionIndex};

use crate::cli::groups::lag::{self, existing_topic, holdings};
use crate::client::{Account, Client, ClientError, Group, GroupMember, Isolation, OffsetTarget, Topic};

/// A group at one moment.
pub(super) struct Look {
    pub(super) group: Group,
    /// What only a Strome coordinator tells.
    pub(super) account: Option<Account>,
    /// All partitions of topics that members subscribe to by name, and those that somebody has or that were committed to.
    pub(super) places: BTreeMap<(String, PartitionIndex), Place>,
    /// Topics of those that do not exist.
    pub(super) missing: BTreeSet<String>,
}

/// One partition as the group has to do with it.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    /// Where its log begins; as the other ends `None` if nobody can tell.
    pub(super) start: Option<Offset>,
    /// Behind its last record.
    pub(super) end: Option<Offset>,
    /// Behind the last record that no open transaction holds back.
    pub(super) stable_end: Option<Offset>,
    pub(super) committed: Option<Offset>,
    /// The id of the member that has it.
    pub(super) owner: Option<String>,
}

impl Place {
    /// How many offsets the group has before it.
    pub(super) fn lag(&self) -> Option<i64> {
        lag::lag(self.committed, self.end)
    }
}

impl Look {
    /// Looks at a group.
    pub(super) fn take(client: &mut Client, name: &str) -> Result<Self, ClientError> {
        let account = client.group_account(name)?;
        let group = client.describe_group(name)?;
        let mut places = BTreeMap::new();
        for (place, holding) in holdings(client, &group)? {
            let owner = holding.member.map(|member| member.id.clone());
            places.insert(place, Place { committed: holding.committed, owner, ..Place::default() });
        }
        let mut look = Self { group, account, places, missing: BTreeSet::new() };
        look.add_ends(client)?;
        Ok(look)
    }

    /// The topics that members subscribe to by name.
    pub(super) fn subscribed(&self) -> BTreeSet<&String> {
        self.group.members.iter().flat_map(|member| &member.topics).collect()
    }

    /// A member by its id.
    pub(super) fn member(&self, id: &str) -> Option<&GroupMember> {
        self.group.members.iter().find(|member| member.id == id)
    }

    /// How a member is called: by its id, and, if it is known, by its client and where that runs.
    pub(super) fn who(&self, id: &str) -> String {
        match self.member(id) {
            Some(member) => named(id, &member.client_id, &member.host),
            None => id.to_owned(),
        }
    }

    fn add_ends(&mut self, client: &mut Client) -> Result<(), ClientError> {
        let known = self.places.keys().map(|(topic, _)| topic);
        let topics: BTreeSet<String> = known.chain(self.subscribed()).cloned().collect();
        for name in topics {
            let Some(mut topic) = existing_topic(client, &name)? else {
                self.missing.insert(name);
                continue;
            };
            if self.subscribed().contains(&name) {
                for partition in topic.partitions.keys() {
                    self.places.entry((name.clone(), *partition)).or_default();
                }
            }
            self.add_ends_of(client, &mut topic)?;
        }
        Ok(())
    }

    fn add_ends_of(&mut self, client: &mut Client, topic: &mut Topic) -> Result<(), ClientError> {
        let is_led = |partition: &PartitionIndex| topic.leader(*partition).is_ok();
        let of_topic = self.places.keys().filter(|(name, _)| *name == topic.name);
        let led: Vec<PartitionIndex> = of_topic.map(|(_, partition)| *partition).filter(is_led).collect();
        let mut ask = |target, isolation| client.offsets(topic, &led, target, isolation);
        let starts = ask(OffsetTarget::Earliest, Isolation::ReadUncommitted)?;
        let stable_ends = ask(OffsetTarget::Latest, Isolation::ReadCommitted)?;
        let ends = ask(OffsetTarget::Latest, Isolation::ReadUncommitted)?;
        for partition in led {
            if let Some(place) = self.places.get_mut(&(topic.name.clone(), partition)) {
                place.start = starts.get(&partition).map(|found| found.offset);
                place.stable_end = stable_ends.get(&partition).map(|found| found.offset);
                place.end = ends.get(&partition).map(|found| found.offset);
            }
        }
        Ok(())
    }
}

/// How a member is called.
pub(super) fn named(id: &str, client_id: &str, host: &str) -> String {
    format!("{id} (client {client_id} at {host})")
}
