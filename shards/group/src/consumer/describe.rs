//! A consumer group as ConsumerGroupDescribe tells it.

use metadata::Image;
use protocol::Str;
use protocol::messages::consumer_groups::{
    ConsumerGroupDescribeAssignment, ConsumerGroupDescribeTopicPartitions, DescribedGroup,
    Member as DescribedMember,
};
use types::ErrorCode;

use super::group::ConsumerGroup;
use super::member::Member;
use crate::assignor::{Assignment, Assignor};
use crate::names::{GroupId, InstanceId, MemberId};
use crate::settings::ConsumerSettings;

const CLASSIC_MEMBER: i8 = 0;
const CONSUMER_MEMBER: i8 = 1;

impl ConsumerGroup {
    /// The group and its members.
    pub fn describe(&self, id: &GroupId, image: &Image, settings: &ConsumerSettings) -> DescribedGroup {
        let default = settings.assignors.first().and_then(|name| Assignor::named(name));
        let assignor = self.preferred_assignor(default.unwrap_or(Assignor::Uniform));
        DescribedGroup {
            group_id: id.to_wire(),
            group_state: Str::from_static(self.state().name()),
            group_epoch: self.epoch.0,
            assignment_epoch: self.target.epoch.0,
            assignor_name: Str::from_static(assignor.name()),
            members: self.members.iter().map(|(id, member)| self.described(id, member, image)).collect(),
            ..Default::default()
        }
    }

    fn described(&self, id: &MemberId, member: &Member, image: &Image) -> DescribedMember {
        let Member { profile, progress, .. } = member;
        DescribedMember {
            member_id: id.to_wire(),
            instance_id: profile.instance.as_ref().map(InstanceId::to_wire),
            rack_id: profile.rack.clone(),
            member_epoch: progress.epoch.0,
            client_id: profile.client_id.clone(),
            client_host: profile.client_host.clone(),
            subscribed_topic_names: profile.subscription.topics().cloned().collect(),
            subscribed_topic_regex: profile.subscription.pattern().cloned(),
            assignment: assignment(&progress.assigned.to_assignment(), image),
            target_assignment: assignment(self.target.of(id), image),
            member_type: if member.is_classic() { CLASSIC_MEMBER } else { CONSUMER_MEMBER },
        }
    }
}

/// The answer for a group that is none of these, and why.
pub(crate) fn not_described(group_id: &Str, problem: String) -> DescribedGroup {
    DescribedGroup {
        error_code: ErrorCode::GroupIdNotFound.code(),
        error_message: Some(Str::from(problem)),
        group_id: group_id.clone(),
        ..Default::default()
    }
}

/// The partitions with the names of their topics. Topics that are gone are left out, as they have none.
fn assignment(partitions: &Assignment, image: &Image) -> ConsumerGroupDescribeAssignment {
    let topics = partitions.topics().filter_map(|(topic_id, partitions)| {
        Some(ConsumerGroupDescribeTopicPartitions {
            topic_id,
            topic_name: Str::from(image.topic_by_id(topic_id)?.name.as_str()),
            partitions: partitions.iter().map(|partition| partition.0).collect(),
        })
    });
    ConsumerGroupDescribeAssignment { topic_partitions: topics.collect() }
}
