//! The members of a classic group, and what has to be known of all of them at once.
//!
//! # Invariants
//! - The counts and the names of static members are those of the members: both change here only.
//! - Joining and leaving cost the logarithm of the number of members, whatever the group is doing.

use std::collections::BTreeMap;

use protocol::Str;
use types::TimestampMs;

use super::member::{Member, Protocol, Waiting};
use crate::names::{InstanceId, MemberId};

/// The members of a classic group.
#[derive(Debug, Default)]
pub(crate) struct Members {
    by_id: BTreeMap<MemberId, Member>,
    by_instance: BTreeMap<InstanceId, MemberId>,
    /// How many members understand each protocol.
    supporters: BTreeMap<Str, usize>,
    /// How many members have a JoinGroup request waiting.
    joining: usize,
}

impl Members {
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    pub fn contains(&self, id: &str) -> bool {
        self.by_id.contains_key(id)
    }

    pub fn get(&self, id: &str) -> Option<&Member> {
        self.by_id.get(id)
    }

    /// All members in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &Member> {
        self.by_id.values()
    }

    /// The ids of the members for which `wanted` holds.
    pub fn ids_where(&self, wanted: impl Fn(&Member) -> bool) -> Vec<MemberId> {
        self.iter().filter(|member| wanted(member)).map(|member| member.id.clone()).collect()
    }

    /// The id that a static member has at present.
    pub fn static_id(&self, instance: &str) -> Option<&MemberId> {
        self.by_instance.get(instance)
    }

    pub fn joining_count(&self) -> usize {
        self.joining
    }

    /// Whether each member understands this protocol.
    pub fn all_support(&self, protocol: &str) -> bool {
        self.supporters.get(protocol).is_some_and(|supporters| *supporters == self.len())
    }

    /// Adds a member that has an id that no other has.
    pub fn insert(&mut self, member: Member) {
        count(&mut self.supporters, &member.protocols);
        self.joining += usize::from(member.joining.is_some());
        if let Some(instance) = &member.instance {
            self.by_instance.insert(instance.clone(), member.id.clone());
        }
        self.by_id.insert(member.id.clone(), member);
    }

    /// Takes a member out.
    pub fn remove(&mut self, id: &str) -> Option<Member> {
        let member = self.by_id.remove(id)?;
        discount(&mut self.supporters, &member.protocols);
        self.joining -= usize::from(member.joining.is_some());
        if let Some(instance) = &member.instance
            && self.by_instance.get(instance) == Some(&member.id)
        {
            self.by_instance.remove(instance);
        }
        Some(member)
    }

    /// The member understands other protocols now.
    pub fn set_protocols(&mut self, id: &str, protocols: Vec<Protocol>) {
        if let Some(member) = self.by_id.get_mut(id) {
            discount(&mut self.supporters, &member.protocols);
            count(&mut self.supporters, &protocols);
            member.protocols = protocols;
        }
    }

    /// The member has other time-outs now, in milliseconds.
    pub fn set_timeouts(&mut self, id: &str, session_timeout_ms: i32, rebalance_timeout_ms: i32) {
        if let Some(member) = self.by_id.get_mut(id) {
            member.session_timeout_ms = session_timeout_ms;
            member.rebalance_timeout_ms = rebalance_timeout_ms;
        }
    }

    /// The member waits for the next generation. Gives the request that did so before, if there is one.
    pub fn set_joining(&mut self, id: &str, waiting: Waiting) -> Option<Waiting> {
        let before = self.by_id.get_mut(id)?.joining.replace(waiting);
        self.joining += usize::from(before.is_none());
        before
    }

    /// The member no longer waits for the next generation; it has been part of one if `has_generation`.
    pub fn take_joining(&mut self, id: &str, has_generation: bool) -> Option<Waiting> {
        let member = self.by_id.get_mut(id)?;
        member.is_new &= !has_generation;
        let waiting = member.joining.take();
        self.joining -= usize::from(waiting.is_some());
        waiting
    }

    /// The member waits for its assignment. Gives the request that did so before, if there is one.
    pub fn set_syncing(&mut self, id: &str, waiting: Waiting) -> Option<Waiting> {
        self.by_id.get_mut(id)?.syncing.replace(waiting)
    }

    /// The requests that wait for assignments, which wait no longer, each with its member.
    pub fn take_syncing(&mut self) -> Vec<(MemberId, Waiting)> {
        let take = |member: &mut Member| Some((member.id.clone(), member.syncing.take()?));
        self.by_id.values_mut().filter_map(take).collect()
    }

    /// The member is dropped if nothing is heard of it for `timeout_ms`; gives the deadline.
    pub fn extend_session(&mut self, id: &str, now: TimestampMs, timeout_ms: i32) -> Option<TimestampMs> {
        let member = self.by_id.get_mut(id)?;
        member.session_deadline = now.plus(timeout_ms.into());
        Some(member.session_deadline)
    }
}

fn count(supporters: &mut BTreeMap<Str, usize>, protocols: &[Protocol]) {
    for protocol in protocols {
        *supporters.entry(protocol.name.clone()).or_default() += 1;
    }
}

fn discount(supporters: &mut BTreeMap<Str, usize>, protocols: &[Protocol]) {
    for protocol in protocols {
        if let Some(count) = supporters.get_mut(&protocol.name) {
            *count -= 1;
            if *count == 0 {
                supporters.remove(&protocol.name);
            }
        }
    }
}
