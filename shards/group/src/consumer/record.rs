//! The records of a consumer group, made of what they are to say.

use protocol::Str;
use protocol::group_log::{
    ConsumerGroupCurrentMemberAssignmentKey, ConsumerGroupMemberMetadataKey, ConsumerGroupMetadataKey,
    ConsumerGroupMetadataValue, ConsumerGroupPartitionMetadataKey, ConsumerGroupRegularExpressionKey,
    ConsumerGroupTargetAssignmentMemberKey, ConsumerGroupTargetAssignmentMemberValue,
    ConsumerGroupTargetAssignmentMetadataKey, ConsumerGroupTargetAssignmentMetadataValue, TargetPartitions,
};
use types::{PartitionIndex, TimestampMs};

use super::epoch::Epoch;
use super::member::{Profile, Progress};
use super::subscription::Match;
use crate::assignor::Assignment;
use crate::names::{GroupId, MemberId};
use crate::records::Record;

/// The group has this epoch; without one it is gone.
pub(crate) fn group(group: &GroupId, epoch: Option<(Epoch, i64)>) -> Record {
    let value =
        epoch.map(|(epoch, metadata_hash)| ConsumerGroupMetadataValue { epoch: epoch.0, metadata_hash });
    Record::ConsumerGroupMetadata(ConsumerGroupMetadataKey { group_id: group.to_wire() }, value)
}

/// What Kafka kept of a group's topics before it had a hash for them is gone.
pub(crate) fn partition_metadata_gone(group: &GroupId) -> Record {
    let key = ConsumerGroupPartitionMetadataKey { group_id: group.to_wire() };
    Record::ConsumerGroupPartitionMetadata(key, None)
}

/// The member says this about itself; or it is gone.
pub(crate) fn profile(group: &GroupId, member: &MemberId, profile: Option<&Profile>) -> Record {
    let key = ConsumerGroupMemberMetadataKey { group_id: group.to_wire(), member_id: member.to_wire() };
    Record::ConsumerGroupMemberMetadata(key, profile.map(Profile::to_record))
}

/// The member has got so far; or it holds nothing.
pub(crate) fn progress(group: &GroupId, member: &MemberId, progress: Option<&Progress>) -> Record {
    let key =
        ConsumerGroupCurrentMemberAssignmentKey { group_id: group.to_wire(), member_id: member.to_wire() };
    Record::ConsumerGroupCurrentMemberAssignment(key, progress.map(Progress::to_record))
}

/// The member is to have this; or nothing.
pub(crate) fn target(group: &GroupId, member: &MemberId, target: Option<&Assignment>) -> Record {
    let key =
        ConsumerGroupTargetAssignmentMemberKey { group_id: group.to_wire(), member_id: member.to_wire() };
    let value = target.map(|target| ConsumerGroupTargetAssignmentMemberValue {
        topic_partitions: target
            .topics()
            .map(|(topic_id, partitions)| TargetPartitions {
                topic_id,
                partitions: partitions.iter().map(|partition| partition.0).collect(),
            })
            .collect(),
    });
    Record::ConsumerGroupTargetAssignmentMember(key, value)
}

/// What a record says that a member is to have.
pub(crate) fn read_target(value: &ConsumerGroupTargetAssignmentMemberValue) -> Assignment {
    let mut target = Assignment::new();
    for topic in &value.topic_partitions {
        target.extend(topic.topic_id, topic.partitions.iter().map(|partition| PartitionIndex(*partition)));
    }
    target
}

/// The targets of all members are those of this epoch; or there are none.
pub(crate) fn target_epoch(group: &GroupId, epoch: Option<(Epoch, TimestampMs)>) -> Record {
    let key = ConsumerGroupTargetAssignmentMetadataKey { group_id: group.to_wire() };
    let value = epoch.map(|(epoch, at)| ConsumerGroupTargetAssignmentMetadataValue {
        assignment_epoch: epoch.0,
        assignment_timestamp: at.0,
    });
    Record::ConsumerGroupTargetAssignmentMetadata(key, value)
}

/// The pattern matches these topics; or nobody has it any more.
pub(crate) fn pattern(group: &GroupId, pattern: &Str, matched: Option<&Match>) -> Record {
    let key =
        ConsumerGroupRegularExpressionKey { group_id: group.to_wire(), regular_expression: pattern.clone() };
    Record::ConsumerGroupRegularExpression(key, matched.map(Match::to_record))
}
