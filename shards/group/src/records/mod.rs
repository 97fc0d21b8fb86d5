//! The records of `__consumer_offsets`, in Kafka's formats: Kafka's tools read ours, and we read Kafka's.
//!
//! # Invariants
//! - What [`Record::encode`] writes, [`Record::decode`] reads back equal.
//! - A record that this release does not know is no reason to fail: [`RecordError::UnknownKind`] says so.

mod error;

use bytes::Bytes;
use protocol::Str;
use protocol::group_log::{
    self, ConsumerGroupCurrentMemberAssignmentKey, ConsumerGroupCurrentMemberAssignmentValue,
    ConsumerGroupMemberMetadataKey, ConsumerGroupMemberMetadataValue, ConsumerGroupMetadataKey,
    ConsumerGroupMetadataValue, ConsumerGroupPartitionMetadataKey, ConsumerGroupPartitionMetadataValue,
    ConsumerGroupRegularExpressionKey, ConsumerGroupRegularExpressionValue,
    ConsumerGroupTargetAssignmentMemberKey, ConsumerGroupTargetAssignmentMemberValue,
    ConsumerGroupTargetAssignmentMetadataKey, ConsumerGroupTargetAssignmentMetadataValue, GroupMetadataKey,
    GroupMetadataValue, Kind, OffsetCommitKey, OffsetCommitValue,
};

pub use error::RecordError;

/// Before Kafka 0.9 committed offsets had another number; the key is the same.
const LEGACY_OFFSET_COMMIT: i16 = 0;

/// The key and the value of a record as they are in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedRecord {
    /// The key.
    pub key: Bytes,
    /// The value; `None` deletes the key.
    pub value: Option<Bytes>,
}

macro_rules! records {
    ($($(#[$doc:meta])* $name:ident($key:ident, $value:ident) = $kind:ident, written in $version:expr;)*) => {
        /// A change of what a coordinator keeps: a key, and its value or `None` where it is deleted.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Record {
            $($(#[$doc])* $name($key, Option<$value>),)*
        }

        impl Record {
            /// Whether it deletes its key.
            #[must_use]
            pub fn is_tombstone(&self) -> bool {
                match self {
                    $(Self::$name(_, value) => value.is_none(),)*
                }
            }

            /// The record as it goes into the log.
            ///
            /// # Errors
            /// If a text or an array is too long for the format.
            pub fn encode(&self) -> Result<EncodedRecord, RecordError> {
                Ok(match self {
                    $(Self::$name(key, value) => EncodedRecord {
                        key: group_log::encode_key(&Kind::$kind, key)?,
                        value: value
                            .as_ref()
                            .map(|value| {
                                let version: fn(&$value) -> i16 = $version;
                                group_log::encode_value(&Kind::$kind, version(value), value)
                            })
                            .transpose()?,
                    },)*
                })
            }

            fn decode_kind(number: i16, key: &Bytes, value: Option<&Bytes>) -> Result<Self, RecordError> {
                $(if number == Kind::$kind.number {
                    let value = value.map(|value| decode_value(&Kind::$kind, value)).transpose()?;
                    return Ok(Self::$name(group_log::decode_key(key)?, value));
                })*
                Err(RecordError::UnknownKind(number))
            }
        }

        $(
            impl From<($key, Option<$value>)> for Record {
                fn from((key, value): ($key, Option<$value>)) -> Self {
                    Self::$name(key, value)
                }
            }
        )*
    };
}

// The versions are those that Kafka 4.3 writes.
records! {
    /// A committed offset.
    OffsetCommit(OffsetCommitKey, OffsetCommitValue) = OFFSET_COMMIT, written in offset_version;
    /// A generation of a classic group.
    GroupMetadata(GroupMetadataKey, GroupMetadataValue) = GROUP_METADATA, written in |_| 3;
    /// A consumer group and its epoch.
    ConsumerGroupMetadata(ConsumerGroupMetadataKey, ConsumerGroupMetadataValue) =
        CONSUMER_GROUP_METADATA, written in |_| 0;
    /// What a consumer group saw of its topics, before Kafka 4.1.
    ConsumerGroupPartitionMetadata(ConsumerGroupPartitionMetadataKey, ConsumerGroupPartitionMetadataValue) =
        CONSUMER_GROUP_PARTITION_METADATA, written in |_| 0;
    /// What a member of a consumer group said about itself.
    ConsumerGroupMemberMetadata(ConsumerGroupMemberMetadataKey, ConsumerGroupMemberMetadataValue) =
        CONSUMER_GROUP_MEMBER_METADATA, written in |_| 0;
    /// The epoch of a consumer group's target assignment.
    ConsumerGroupTargetAssignmentMetadata(
        ConsumerGroupTargetAssignmentMetadataKey,
        ConsumerGroupTargetAssignmentMetadataValue
    ) = CONSUMER_GROUP_TARGET_ASSIGNMENT_METADATA, written in |_| 0;
    /// What a member is meant to have.
    ConsumerGroupTargetAssignmentMember(
        ConsumerGroupTargetAssignmentMemberKey,
        ConsumerGroupTargetAssignmentMemberValue
    ) = CONSUMER_GROUP_TARGET_ASSIGNMENT_MEMBER, written in |_| 0;
    /// What a member has.
    ConsumerGroupCurrentMemberAssignment(
        ConsumerGroupCurrentMemberAssignmentKey,
        ConsumerGroupCurrentMemberAssignmentValue
    ) = CONSUMER_GROUP_CURRENT_MEMBER_ASSIGNMENT, written in |_| 0;
    /// The topics that a pattern was found to match.
    ConsumerGroupRegularExpression(ConsumerGroupRegularExpressionKey, ConsumerGroupRegularExpressionValue) =
        CONSUMER_GROUP_REGULAR_EXPRESSION, written in |_| 0;
}

impl Record {
    /// The group that it is about.
    #[must_use]
    pub fn group_id(&self) -> &Str {
        match self {
            Self::OffsetCommit(key, _) => &key.group,
            Self::GroupMetadata(key, _) => &key.group,
            Self::ConsumerGroupMetadata(key, _) => &key.group_id,
            Self::ConsumerGroupPartitionMetadata(key, _) => &key.group_id,
            Self::ConsumerGroupMemberMetadata(key, _) => &key.group_id,
            Self::ConsumerGroupTargetAssignmentMetadata(key, _) => &key.group_id,
            Self::ConsumerGroupTargetAssignmentMember(key, _) => &key.group_id,
            Self::ConsumerGroupCurrentMemberAssignment(key, _) => &key.group_id,
            Self::ConsumerGroupRegularExpression(key, _) => &key.group_id,
        }
    }

    /// Reads a record of the log.
    ///
    /// # Errors
    /// For bytes that are none, and for kinds and versions that this release does not know. Whoever loads a partition
    /// skips what is unknown and says so.
    pub fn decode(key: &Bytes, value: Option<&Bytes>) -> Result<Self, RecordError> {
        match group_log::split_number(key)? {
            (LEGACY_OFFSET_COMMIT, key) => Self::decode_kind(Kind::OFFSET_COMMIT.number, &key, value),
            (number, key) => Self::decode_kind(number, &key, value),
        }
    }
}

/// The oldest version that says it all: only the first one tells when an offset expires, for which only clients as old
/// ask, and only the fourth one has the topic's id.
fn offset_version(value: &OffsetCommitValue) -> i16 {
    if value.expire_timestamp >= 0 {
        1
    } else if value.topic_id.is_zero() {
        3
    } else {
        4
    }
}

fn decode_value<T: protocol::wire::Wire>(kind: &Kind, value: &Bytes) -> Result<T, RecordError> {
    let (version, fields) = group_log::split_number(value)?;
    if !kind.versions.contains(version) {
        return Err(RecordError::UnknownVersion { kind: kind.number, version });
    }
    Ok(group_log::decode_value(kind, version, &fields)?)
}

#[cfg(test)]
mod tests;
