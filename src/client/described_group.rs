//! A group as its coordinator describes it, of either protocol.

use std::collections::BTreeMap;

use bytes::Bytes;
use protocol::consumer_protocol::{self, ConsumerProtocolAssignment, ConsumerProtocolSubscription};
use protocol::messages::consumer_groups::{self, ConsumerGroupDescribeAssignment};
use protocol::messages::groups;
use protocol::messages::{ConsumerGroupDescribeRequest, DescribeGroupsRequest};
use protocol::{Request, Str};
use types::{BrokerId, PartitionIndex};

use super::connection::any_version;
use super::error::ClientError;
use super::node::Client;

const GROUP_ID_NOT_FOUND: i16 = 69;

/// The protocol type of classic groups whose members are consumers.
const CONSUMER: &str = "consumer";

/// How a classic group that is not there is described before Kafka 4.
const DEAD: &str = "Dead";

/// Which protocol a group's members speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupKind {
    /// One of the members assigns.
    Classic,
    /// The coordinator assigns (KIP-848).
    Consumer,
}

/// Partitions by topic.
pub type Assignment = BTreeMap<String, Vec<PartitionIndex>>;

/// A group.
#[derive(Clone, Debug)]
pub struct Group {
    pub id: String,
    pub coordinator: BrokerId,
    pub kind: GroupKind,
    pub state: String,
    /// Who assigns, by name; empty if nobody has yet.
    pub assignor: String,
    /// Of a consumer group.
    pub epochs: Option<Epochs>,
    /// Whether its members are consumers, whose subscriptions and assignments can be read.
    pub is_of_consumers: bool,
    pub members: Vec<GroupMember>,
}

/// How far a consumer group is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epochs {
    pub group: i32,
    /// The group epoch for which the targets were reckoned.
    pub assignment: i32,
}

/// A member of a group.
#[derive(Clone, Debug, Default)]
pub struct GroupMember {
    pub id: String,
    pub instance: Option<String>,
    pub client_id: String,
    pub host: String,
    /// Of a consumer group.
    pub epoch: Option<i32>,
    /// A member of a consumer group that speaks the classic protocol.
    pub is_classic: bool,
    /// The topics that it subscribes to by name.
    pub topics: Vec<String>,
    pub pattern: Option<String>,
    pub assignment: Assignment,
    /// What it is to have once the others have let go of it, in a consumer group.
    pub target: Option<Assignment>,
}

impl GroupMember {
    /// How many partitions it has.
    pub fn partition_count(&self) -> usize {
        self.assignment.values().map(Vec::len).sum()
    }
}

impl Client {
    /// Describes a group of either protocol.
    pub fn describe_group(&mut self, group: &str) -> Result<Group, ClientError> {
        match self.describe_consumer_group(group) {
            Ok(Some(described)) => Ok(described),
            // No such group, or a broker that does not know of such groups.
            Ok(None) | Err(ClientError::Unsupported { .. }) => self.describe_classic_group(group),
            Err(error) => Err(error),
        }
    }

    fn describe_consumer_group(&mut self, group: &str) -> Result<Option<Group>, ClientError> {
        let request =
            ConsumerGroupDescribeRequest { group_ids: vec![Str::from(group)], ..Default::default() };
        let any = any_version::<ConsumerGroupDescribeRequest>();
        let code = |response: &<ConsumerGroupDescribeRequest as Request>::Response| {
            response.groups.first().map_or(0, |group| group.error_code)
        };
        let (coordinator, response) = self.ask_coordinator(group, &request, any, code)?;
        let Some(described) = response.groups.first().filter(|group| group.error_code != GROUP_ID_NOT_FOUND)
        else {
            return Ok(None);
        };
        let message = described.error_message.as_deref();
        ClientError::check(described.error_code, message, || format!("group {group}"))?;
        Ok(Some(Group {
            id: group.to_owned(),
            coordinator,
            kind: GroupKind::Consumer,
            state: described.group_state.to_string(),
            assignor: described.assignor_name.to_string(),
            epochs: Some(Epochs { group: described.group_epoch, assignment: described.assignment_epoch }),
            is_of_consumers: true,
            members: described.members.iter().map(GroupMember::from).collect(),
        }))
    }

    fn describe_classic_group(&mut self, group: &str) -> Result<Group, ClientError> {
        let request = DescribeGroupsRequest { groups: vec![Str::from(group)], ..Default::default() };
        let any = any_version::<DescribeGroupsRequest>();
        let code = |response: &<DescribeGroupsRequest as Request>::Response| {
            response.groups.first().map_or(0, |group| group.error_code)
        };
        let (coordinator, response) = self.ask_coordinator(group, &request, any, code)?;
        let unknown = || ClientError::UnknownGroup(group.to_owned());
        let described = response.groups.first().ok_or_else(unknown)?;
        if described.error_code == GROUP_ID_NOT_FOUND || described.group_state.as_str() == DEAD {
            return Err(unknown());
        }
        ClientError::check(described.error_code, None, || format!("group {group}"))?;
        let consumers = described.protocol_type.as_str() == CONSUMER;
        Ok(Group {
            id: group.to_owned(),
            coordinator,
            kind: GroupKind::Classic,
            state: described.group_state.to_string(),
            assignor: described.protocol_data.to_string(),
            epochs: None,
            is_of_consumers: consumers,
            members: described.members.iter().map(|member| classic_member(member, consumers)).collect(),
        })
    }
}

/// A member of a classic group. What members tell each other is read if they are consumers, and if it can be: the
/// coordinator passes on any bytes.
fn classic_member(member: &groups::DescribedGroupMember, consumers: bool) -> GroupMember {
    let read = |bytes: &Bytes| Some(bytes.clone()).filter(|bytes| consumers && !bytes.is_empty());
    let subscription = read(&member.member_metadata)
        .and_then(|bytes| consumer_protocol::decode::<ConsumerProtocolSubscription>(&bytes).ok());
    let assignment = read(&member.member_assignment)
        .and_then(|bytes| consumer_protocol::decode::<ConsumerProtocolAssignment>(&bytes).ok());
    let topics = subscription.map(|(_, subscription)| subscription.topics).unwrap_or_default();
    let assigned = assignment.map(|(_, assignment)| assignment.assigned_partitions).unwrap_or_default();
    GroupMember {
        id: member.member_id.to_string(),
        instance: member.group_instance_id.as_ref().map(ToString::to_string),
        client_id: member.client_id.to_string(),
        host: member.client_host.to_string(),
        is_classic: true,
        topics: topics.iter().map(ToString::to_string).collect(),
        assignment: assigned
            .iter()
            .map(|topic| (topic.topic.to_string(), indexes(&topic.partitions)))
            .collect(),
        ..Default::default()
    }
}

impl From<&consumer_groups::Member> for GroupMember {
    fn from(member: &consumer_groups::Member) -> Self {
        Self {
            id: member.member_id.to_string(),
            instance: member.instance_id.as_ref().map(ToString::to_string),
            client_id: member.client_id.to_string(),
            host: member.client_host.to_string(),
            epoch: Some(member.member_epoch),
            is_classic: member.member_type == 0,
            topics: member.subscribed_topic_names.iter().map(ToString::to_string).collect(),
            pattern: member
                .subscribed_topic_regex
                .as_ref()
                .map(ToString::to_string)
                .filter(|pattern| !pattern.is_empty()),
            assignment: assignment(&member.assignment),
            target: Some(assignment(&member.target_assignment)),
        }
    }
}

fn assignment(described: &ConsumerGroupDescribeAssignment) -> Assignment {
    let topics = described.topic_partitions.iter();
    topics.map(|topic| (topic.topic_name.to_string(), indexes(&topic.partitions))).collect()
}

fn indexes(partitions: &[i32]) -> Vec<PartitionIndex> {
    let mut indexes: Vec<PartitionIndex> = partitions.iter().copied().map(PartitionIndex).collect();
    indexes.sort_unstable();
    indexes
}

#[cfg(test)]
mod tests {
    use consumer_protocol::AssignedPartitions;

    use super::*;

    fn member(assignment: Bytes) -> groups::DescribedGroupMember {
        groups::DescribedGroupMember { member_assignment: assignment, ..Default::default() }
    }

    #[test]
    fn what_consumers_of_a_classic_group_hold_is_read_and_other_bytes_are_not() {
        let assigned = AssignedPartitions { topic: "t".into(), partitions: vec![2, 0] };
        let assignment =
            ConsumerProtocolAssignment { assigned_partitions: vec![assigned], ..Default::default() };
        let bytes = consumer_protocol::encode(1, &assignment).unwrap();
        let read = classic_member(&member(bytes.clone()), true);
        assert_eq!(
            read.assignment,
            Assignment::from([("t".into(), vec![PartitionIndex(0), PartitionIndex(2)])])
        );
        assert_eq!(read.partition_count(), 2);
        assert!(classic_member(&member(bytes), false).assignment.is_empty());
        assert!(classic_member(&member(Bytes::from_static(b"nonsense")), true).assignment.is_empty());
    }
}
